import type { SqlEntityManager } from '@mikro-orm/postgresql';
import sql from 'sql-template-tag';
import type { KnownCaller } from '../../auth/caller.js';
import { isUuid } from '../../database/uuid.js';
import { badUserInput, limitExceeded, Problems } from '../../errors.js';
import { or } from '../../lists/keyset.js';
import { recordWrite } from '../audit/audit.js';
import { callerSql } from '../caller-sql.js';
import { gamesVisibleTo } from '../games/game.visibility.js';
import type { Strategies } from '../strategies/strategies.js';
import { countRows, moveRows, tasksOf, type MoveCounts } from './moves.js';

/** What to move, and from where to where. */
export interface BulkUpdate {
  readonly oldStrategyId: string;
  readonly newStrategyId: string;
  /** Only games with these ids. */
  readonly ids?: readonly string[] | null | undefined;
  /** Tasks of these games too: those that are on the old strategy, whatever their game is on. */
  readonly tasks?: boolean;
  /** The number of games that may be moved at most. */
  readonly atMost?: number | null | undefined;
  readonly dryRun?: boolean;
}
export interface BulkUpdated {
  /** Games. */
  readonly count: number;
  readonly taskCount: number;
  /** Id of the record of the move; null when nothing matched, and on a dry run. */
  readonly reassignmentId: string | null;
}

/**
 * Moves every game that the caller may see, and the tasks of such games where that is asked for, from one strategy to
 * another, in a single UPDATE of each, and records the move. To be called in the transaction of a move. A dry run
 * counts, and locks nothing.
 *
 * @throws BAD_USER_INPUT when the new strategy cannot be assigned, or does not suit one of the games or tasks;
 *   LIMIT_EXCEEDED when there are more than `atMost`: then nothing is written
 */
export async function bulkUpdate(
  em: SqlEntityManager,
  caller: KnownCaller,
  strategies: Strategies,
  update: BulkUpdate,
): Promise<BulkUpdated> {
  const { oldStrategyId, newStrategyId, tasks = false, dryRun = false } = update;
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
  const games = sql`${only} AND ${or(gamesVisibleTo(callerSql(caller)))}`;
  const realm = strategy?.realm ?? null;
  const rows = {
    games,
    tasks: tasks ? tasksOf(games) : null,
    unsuited: sql`coalesce(g."apiKey_used", ${strategies.realm}) <> ${realm}::text`,
  };
  const check = (counts: MoveCounts): void => {
    if (counts.unsuitedGames + counts.unsuitedTasks > 0) {
      const unsuitedTasks = tasks ? ` and ${counts.unsuitedTasks} of the ${counts.tasks} tasks` : '';
      const message = `is a custom strategy of another realm than ${counts.unsuitedGames} of the ${counts.games} games${unsuitedTasks}; nothing was written.`;
      throw badUserInput([{ argument: 'input.newStrategyId', message }]);
    }
    if (atMost !== null && counts.games > atMost) {
      throw limitExceeded(
        `${counts.games} games match, which is more than atMost: ${atMost}. Nothing was written.`,
      );
    }
  };
  // Counting first spares a move that would only be rolled back.
  if (dryRun || atMost !== null) {
    const counts = await countRows(em, oldStrategyId, rows);
    check(counts);
    if (dryRun) return { count: counts.games, taskCount: counts.tasks, reassignmentId: null };
  }
  const moved = await moveRows(em, caller, { kind: 'BULK', oldStrategyId, newStrategyId }, rows);
  check(moved);
  const { reassignmentId } = moved;
  if (reassignmentId !== null) {
    await recordWrite(em, caller, 'Strategy reassigned', {
      reassignment_id: reassignmentId,
      old_strategy_id: oldStrategyId,
      new_strategy_id: newStrategyId,
      games_reassigned: moved.games,
      tasks_reassigned: moved.tasks,
    });
  }
  return { count: moved.games, taskCount: moved.tasks, reassignmentId };
}
