import type { SqlEntityManager } from '@mikro-orm/postgresql';
import sql from 'sql-template-tag';
import type { Caller } from '../auth/caller.js';
import { isUuid } from '../database/uuid.js';
import { visibleTo } from '../games/game.shape.js';
import { or } from '../paging/keyset.js';
import { read } from '../reading/read.js';
import type { Selection } from '../reading/selection.js';
import { listShape } from '../reading/shape.js';
import type { Strategies } from '../strategies/strategies.js';
import { taskShape, type SelectedTask } from './task.shape.js';

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
  ): Promise<(SelectedTask | null)[]> {
    const wanted = [...new Set(ids.filter(isUuid))];
    if (wanted.length === 0) return ids.map(() => null);
    const task = taskShape({ caller, strategies: this.strategies }, selection);
    const tasks = await read(
      this.em,
      listShape(
        task,
        sql`SELECT ${task.sql} AS o FROM tasks t JOIN games g ON g.id = t."gameId"
            WHERE t.id = ANY(${wanted}::uuid[]) AND ${or(visibleTo(caller))}`,
      ),
    );
    const byId = new Map(tasks.map((found) => [found.id, found]));
    return ids.map((id) => byId.get(id) ?? null);
  }
}
