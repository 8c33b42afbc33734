import type { SqlEntityManager } from '@mikro-orm/postgresql';
import sql from 'sql-template-tag';
import type { Caller } from '../../auth/caller.js';
import { isUuid } from '../../database/uuid.js';
import { gamesVisibleTo } from '../games/game.visibility.js';
import { or } from '../../lists/keyset.js';
import type { Selection } from '../../sql-json/selection.js';
import { LOOKUP_VALUE } from '../../sql-json/bind.js';
import type { DomainStatementRunner } from '../domain-context.js';
import type { EncodedJson } from '../../sql-json/encoded-json.js';
import { taskJson } from './task.json.js';

/** The questions that can be asked about tasks themselves; most are asked through their game. */
export class TaskRepository {
  constructor(
    private readonly em: SqlEntityManager,
    private readonly runner: DomainStatementRunner,
  ) {}

  /** The tasks with these ids, in the order of the ids; null for each that is missing or not visible. */
  async getTasksByIds(
    caller: Caller,
    ids: readonly string[],
    selection: Selection,
  ): Promise<(EncodedJson | null)[]> {
    const wanted = [...new Set(ids.filter(isUuid))];
    if (wanted.length === 0) return ids.map(() => null);
    const bindings = { caller, lookupValue: wanted };
    const tasks = await this.runner.runById(this.em, selection, bindings, 'ids', (context) => ({
      id: sql`t.id`,
      json: taskJson(context, selection),
      from: sql`tasks t JOIN games g ON g.id = t."gameId"
        WHERE t.id = ANY(${LOOKUP_VALUE}::uuid[]) AND ${or(gamesVisibleTo(context.caller))}`,
    }));
    return ids.map((id) => tasks.get(id) ?? null);
  }
}
