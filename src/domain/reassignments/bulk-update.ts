import type { SqlEntityManager } from '@mikro-orm/postgresql';
import sql, { type Sql } from 'sql-template-tag';
import type { KnownCaller } from '../../auth/caller.js';
import { query } from '../../database/query.js';
import { isUuid } from '../../database/uuid.js';
import { badUserInput, limitExceeded, Problems } from '../../errors.js';
import { or } from '../../lists/keyset.js';
import { recordWrite } from '../audit/audit.js';
import { callerSql } from '../caller-sql.js';
import { gamesVisibleTo } from '../games/game.visibility.js';
import type { Strategies } from '../strategies/strategies.js';
import { moveGames } from './move-games.js';

/** Which games to move, and from where to where. */
export interface BulkUpdate {
  readonly oldStrategyId: string;
  readonly newStrategyId: string;
  /** Only games with these ids. */
  readonly ids?: readonly string[] | null | undefined;
  /** The number of games that may be moved at most. */
  readonly atMost?: number | null | undefined;
  readonly dryRun?: boolean;
}
export interface BulkUpdated {
  readonly count: number;
  /** Id of the record of the move; null when nothing matched, and on a dry run. */
  readonly reassignmentId: string | null;
}

/**
 * Moves every game that the caller may see from one strategy to another, in a single UPDATE, and records the move. To
 * be called in the transaction of a move. A dry run counts, and locks no game.
 *
 * @throws BAD_USER_INPUT when the new strategy cannot be assigned, or does not suit one of the games;
 *   LIMIT_EXCEEDED when there are more than `atMost`: then nothing is written
 */
export async function bulkUpdate(
  em: SqlEntityManager,
  caller: KnownCaller,
  strategies: Strategies,
  update: BulkUpdate,
): Promise<BulkUpdated> {
  const { oldStrategyId, newStrategyId, dryRun = false } = update;
  const atMost = update.atMost ?? null;
  const problems = new Problems();
  problems.checkText('input.oldStrategyId', oldStrategyId);
  problems.checkText('input.ids', update.ids);
  if (oldStrategyId === newStrategyId) {
    problems.add('input.newStrategyId', 'must differ from oldStrategyId.');
  }
  if (atMost !== null && atMost < 0) problems.add('input.atMost', `must not be negative; it is ${atMost}.`);
  const assignable = await strategies.findAssignable(em, caller, [newStrategyId], !dryRun);
  const strategy = assignable.get(newStrategyId);
  if (strategy === undefined) problems.add('input.newStrategyId', strategies.unassignableMessage());
  problems.throwIfAny();

  const only = update.ids ? sql`g.id = ANY(${update.ids.filter(isUuid)}::uuid[])` : sql`TRUE`;
  const condition = sql`${only} AND ${or(gamesVisibleTo(callerSql(caller)))}`;
  const realm = strategy?.realm ?? null;
  const check = ({ count, unsuited }: { count: number; unsuited: number }): void => {
    if (unsuited > 0) {
      const message = `is a custom strategy of another realm than ${unsuited} of the ${count} games; nothing was written.`;
      throw badUserInput([{ argument: 'input.newStrategyId', message }]);
    }
    if (atMost !== null && count > atMost) {
      throw limitExceeded(`${count} games match, which is more than atMost: ${atMost}. Nothing was written.`);
    }
  };
  // Counting first spares a move that would only be rolled back.
  if (dryRun || atMost !== null) {
    const counted = await countMoves(em, strategies.realm, oldStrategyId, condition, realm);
    check(counted);
    if (dryRun) return { count: counted.count, reassignmentId: null };
  }
  const record = { kind: 'BULK', oldStrategyId, newStrategyId } as const;
  const moved = await moveGames(em, caller, record, condition, realm, strategies.realm);
  check(moved);
  const { count, reassignmentId } = moved;
  if (reassignmentId !== null) {
    await recordWrite(em, caller, 'Strategy reassigned', {
      reassignment_id: reassignmentId,
      old_strategy_id: oldStrategyId,
      new_strategy_id: newStrategyId,
      games_reassigned: count,
    });
  }
  return { count, reassignmentId };
}

/** How many games match, and how many of them are of another realm than the one given. */
async function countMoves(
  em: SqlEntityManager,
  defaultRealm: string,
  strategyId: string,
  condition: Sql,
  realm: string | null,
): Promise<{ count: number; unsuited: number }> {
  const [counted] = await query<{ count: number; unsuited: number }>(
    em,
    sql`SELECT count(*)::int AS count,
            (count(*) FILTER (WHERE coalesce(g."apiKey_used", ${defaultRealm}) <> ${realm}::text))::int AS unsuited
          FROM games g WHERE g."strategyId" = ${strategyId} AND ${condition}`,
  );
  return counted ?? { count: 0, unsuited: 0 };
}
