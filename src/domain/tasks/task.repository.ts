import type { SqlEntityManager } from '@mikro-orm/postgresql';
import sql from 'sql-template-tag';
import type { Caller } from '../../auth/caller.js';
import { isUuid } from '../../database/uuid.js';
import { visibleTo } from '../games/game.json.js';
import { or } from '../../lists/keyset.js';
import type { Selection } from '../../sql-json/selection.js';
import { KEY } from '../../sql-json/params.js';
import { Statements } from '../../sql-json/statements.js';
import type { Written } from '../../sql-json/encoded-json.js';
import type { Strategies } from '../strategies/strategies.js';
import { taskShape } from './task.json.js';

/** The questions that can be asked about tasks themselves; most are asked through their game. */
export class TaskRepository {
  readonly #statements: Statements;

  constructor(
    private readonly em: SqlEntityManager,
    strategies: Strategies,
  ) {
    this.#statements = new Statements(strategies);
  }

  /** The tasks with these ids, in the order of the ids; null for each that is missing or not visible. */
  async getTasksByIds(
    caller: Caller,
    ids: readonly string[],
    selection: Selection,
  ): Promise<(Written | null)[]> {
    const wanted = [...new Set(ids.filter(isUuid))];
    if (wanted.length === 0) return ids.map(() => null);
    const given = { caller, key: wanted };
    const tasks = await this.#statements.many(this.em, selection, given, 'ids', (reader) => ({
      id: sql`t.id`,
      shape: taskShape(reader, selection),
      from: sql`tasks t JOIN games g ON g.id = t."gameId"
        WHERE t.id = ANY(${KEY}::uuid[]) AND ${or(visibleTo(reader.caller))}`,
    }));
    return ids.map((id) => tasks.get(id) ?? null);
  }
}
