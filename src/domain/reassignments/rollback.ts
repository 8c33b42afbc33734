import type { SqlEntityManager } from '@mikro-orm/postgresql';
import sql from 'sql-template-tag';
import { recordWrite } from '../audit/audit.js';
import type { AdminCaller } from '../../auth/caller.js';
import { query } from '../../database/query.js';
import { isUuid } from '../../database/uuid.js';
import { badUserInput, conflict, notFound } from '../../errors.js';
import { moveRows } from './moves.js';
import { CUSTOM_PREFIX } from '../strategies/strategies.js';

/** What a rollback did, or would do. */
export interface RolledBack {
  readonly gameCount: number;
  readonly taskCount: number;
  /** Id of the strategy that is published now. */
  readonly promotedId: string;
  /** Null on a dry run, and when nothing moved. */
  readonly reassignmentId: string | null;
}

interface Version {
  readonly id: string;
  readonly version: string;
  readonly status: string;
}

/**
 * Publishes a version of a custom strategy that was published before, archives the one that is published,
 * and moves every game and task from the one to the other. To be called in the transaction of a move: others see all of
 * it or nothing. Every row of the family is locked, so there is one rollback of it at a time, and nobody can
 * put a game on a version that is about to be archived (see `findAssignable`). A dry run locks nothing.
 *
 * @throws NOT_FOUND for an unknown strategy or version; CONFLICT when the version is published already;
 *   BAD_USER_INPUT when it never was
 */
export async function rollBack(
  em: SqlEntityManager,
  caller: AdminCaller,
  strategyId: string,
  toVersion: string,
  dryRun: boolean,
): Promise<RolledBack> {
  const id = strategyId.startsWith(CUSTOM_PREFIX) ? strategyId.slice(CUSTOM_PREFIX.length) : '';
  if (!isUuid(id)) throw notFound('Strategy');
  const family = await query<Version>(
    em,
    sql`SELECT d.id, d.version::text, d.status FROM strategydefinition d
        JOIN strategydefinition x ON x.id = ${id}::uuid AND x.name = d.name AND x."realmId" IS NOT DISTINCT FROM d."realmId"
        ORDER BY d.id ${dryRun ? sql`` : sql`FOR UPDATE OF d`}`,
  );
  if (family.length === 0) throw notFound('Strategy');
  const target = family.find(({ version }) => version === toVersion);
  if (target === undefined) throw notFound('Strategy version');
  if (target.status === 'PUBLISHED') throw conflict('This version is published already.');
  if (target.status === 'DRAFT') {
    throw badUserInput([{ argument: 'input.toVersion', message: 'is a draft, which was never published.' }]);
  }

  const promotedId = CUSTOM_PREFIX + target.id;
  const displaced = family
    .filter(({ status }) => status === 'PUBLISHED')
    .map((version) => CUSTOM_PREFIX + version.id);
  if (dryRun) return { ...(await countGamesAndTasks(em, displaced)), promotedId, reassignmentId: null };

  await query(
    em,
    sql`UPDATE strategydefinition d
        SET status = CASE WHEN d.id = ${target.id}::uuid THEN 'PUBLISHED' ELSE 'ARCHIVED' END,
          "publishedAt" = CASE WHEN d.id = ${target.id}::uuid THEN clock_timestamp() ELSE d."publishedAt" END,
          updated_at = clock_timestamp()
        WHERE d.id = ${target.id}::uuid OR (d.status = 'PUBLISHED' AND d.id = ANY(${family.map((v) => v.id)}::uuid[]))`,
  );
  let [gameCount, taskCount, reassignmentId]: [number, number, string | null] = [0, 0, null];
  // One, unless something else published two.
  for (const oldStrategyId of displaced) {
    const record = { kind: 'ROLLBACK', oldStrategyId, newStrategyId: promotedId } as const;
    // Also those that nobody owns, and tasks without a game.
    const moved = await moveRows(em, caller, record, { games: sql`TRUE`, tasks: sql`TRUE` });
    gameCount += moved.games;
    taskCount += moved.tasks;
    reassignmentId ??= moved.reassignmentId;
  }
  await recordWrite(
    em,
    caller,
    'Strategy rolled back',
    {
      id,
      target_version: Number(target.version),
      promoted_id: target.id,
      games_reassigned: gameCount,
      tasks_reassigned: taskCount,
      reassignment_id: reassignmentId,
    },
    'strategies_custom',
  );
  return { gameCount, taskCount, promotedId, reassignmentId };
}

/** How many games and tasks are on these strategies. */
async function countGamesAndTasks(
  em: SqlEntityManager,
  strategyIds: readonly string[],
): Promise<{ gameCount: number; taskCount: number }> {
  const [row] = await query<{ gameCount: number; taskCount: number }>(
    em,
    sql`SELECT (SELECT count(*)::int FROM games WHERE "strategyId" = ANY(${strategyIds}::text[])) AS "gameCount",
          (SELECT count(*)::int FROM tasks WHERE "strategyId" = ANY(${strategyIds}::text[])) AS "taskCount"`,
  );
  return row ?? { gameCount: 0, taskCount: 0 };
}
