import type { SqlEntityManager } from '@mikro-orm/postgresql';
import sql from 'sql-template-tag';
import type { Caller } from '../auth/caller.js';
import { isUuid } from '../database/uuid.js';
import { visibleTo } from '../games/game.shape.js';
import { or } from '../paging/keyset.js';
import { readById } from '../reading/read.js';
import { Reader } from '../reading/reader.js';
import type { Selection } from '../reading/selection.js';
import type { Written } from '../reading/written.js';
import type { Strategies } from '../strategies/strategies.js';
import { taskShape } from './task.shape.js';

/** The questions that can be asked about tasks themselves; most are asked through their game. */
export class TaskRepository {
  constructor(
    private readonly em: SqlEntityManager,
    private readonly strategies: Strategies,
  ) {}

  /** The tasks with these ids, in the order of the ids; null for each that is missing or not visible. */
  async getTasksByIds(
    caller: Caller,
    ids: readonly string[],
    selection: Selection,
  ): Promise<(Written | null)[]> {
    const wanted = [...new Set(ids.filter(isUuid))];
    if (wanted.length === 0) return ids.map(() => null);
    const reader = new Reader(caller, this.strategies);
    const from = sql`FROM tasks t JOIN games g ON g.id = t."gameId"
      WHERE t.id = ANY(${wanted}::uuid[]) AND ${or(visibleTo(caller))}`;
    const tasks = await readById(this.em, reader, sql`t.id`, taskShape(reader, selection), from, selection);
    return ids.map((id) => tasks.get(id) ?? null);
  }
}
