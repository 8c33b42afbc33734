import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { randomUUID } from 'node:crypto';
import sql, { type Sql } from 'sql-template-tag';
import { identityOf, callerKeyOf, type KnownCaller } from '../../auth/caller.js';
import { withStatementTimeout } from '../../database/prepared-client.js';
import { connectionsOf, query } from '../../database/query.js';
import { inTransaction } from '../../database/transaction.js';
import { currentWork } from '../../database/work.js';
import type { ReassignmentKind } from './reassignment.json.js';

/** Longest time that the statement which moves the games may take, in ms: a million of them take minutes. */
const MOVE_TIMEOUT_MS = 15 * 60_000;

/** What is recorded of a move beside the games. */
export interface MoveRecord {
  readonly kind: ReassignmentKind;
  readonly oldStrategyId: string;
  readonly newStrategyId: string;
  /**
   * Moves tasks too, and returns how many. Called after the games have moved: whoever deletes a game locks it
   * before its tasks, and two orders would be a deadlock.
   */
  readonly moveTasks?: () => Promise<number>;
  /** Id of the reassignment that this one undoes. */
  readonly undoes?: string;
}

/** What a move came to. */
export interface Moved {
  readonly count: number;
  readonly tasks: number;
  /** Games of another realm than the one given. */
  readonly unsuited: number;
  /** Id of the record; null when nothing moved, which leaves none. */
  readonly reassignmentId: string | null;
}

/** Longest wait for the moves of others that a move must not meet, in ms: of its caller in this process, and in others. */
const MOVE_WAIT_MS = 10_000;

/**
 * How often PostgreSQL looks, during a move, whether this server is still there, in ms; the move ends with it. PostgreSQL
 * on Windows cannot look, and refuses the setting.
 */
const CONNECTION_CHECK_MS = 2_000;

/** Stands for all admins; no caller has two blanks. */
const ADMINS = '  ';

/**
 * Runs the transaction of a move. Keeps two moves of many games from waiting for each other's rows, which would be a
 * deadlock: moves of one owner's games come one after the other, and those of an admin, which may meet any game, come
 * alone. Moves of one caller wait before they take a connection. A dry run keeps nobody waiting; it fails like the
 * move itself where the tables of the record are missing.
 *
 * @throws SERVICE_UNAVAILABLE when others move games for too long
 */
export async function inMoveTransaction<Result>(
  em: SqlEntityManager,
  caller: KnownCaller,
  dryRun: boolean,
  run: (em: SqlEntityManager) => Promise<Result>,
): Promise<Result> {
  const callerKey = caller.kind === 'admin' ? ADMINS : callerKeyOf(identityOf(caller));
  const lockDeadline = performance.now() + MOVE_WAIT_MS;
  const work = currentWork();
  if (work !== undefined) work.deadline += MOVE_TIMEOUT_MS;
  const permit = dryRun
    ? undefined
    : await connectionsOf(em)?.moveSemaphore.acquire(callerKey, work, 'transaction');
  try {
    return await inTransaction(
      em,
      async (transaction) => {
        await query(transaction, sql`SELECT FROM game_graphql_reassigned_games LIMIT 0`);
        if (!dryRun) await lockMoves(transaction, caller, lockDeadline);
        return run(transaction);
      },
      { dryRun },
    );
  } finally {
    permit?.release();
  }
}

/** Waits for moves of the same owner by other servers, and for those of admins; keeps these waiting until it ends. */
async function lockMoves(em: SqlEntityManager, caller: KnownCaller, deadline: number): Promise<void> {
  const waitMs = Math.max(1, Math.round(deadline - performance.now()));
  // Not `lock_timeout`, which would be for each of the locks.
  await query(
    em,
    sql`SELECT set_config('statement_timeout', ${String(waitMs)}, true),
          CASE WHEN version() !~ 'Visual C|mingw'
            THEN set_config('client_connection_check_interval', ${String(CONNECTION_CHECK_MS)}, true) END`,
  );
  if (caller.kind === 'admin') {
    await query(em, sql`SELECT pg_advisory_xact_lock(hashtextextended('game_graphql_moves', 0))`);
  } else {
    const { apiKey, oauthUserId } = identityOf(caller);
    const owners = [apiKey && `key ${apiKey}`, oauthUserId && `subject ${oauthUserId}`].filter(Boolean);
    // One statement, in one order: two identities of one caller are two owners.
    await query(
      em,
      sql`SELECT pg_advisory_xact_lock_shared(hashtextextended('game_graphql_moves', 0)),
            (SELECT count(pg_advisory_xact_lock(o.key)) FROM
              (SELECT hashtextextended(owner, 1) AS key FROM unnest(${owners}::text[]) owner ORDER BY 1) o)`,
    );
  }
  // What the role says of other statements (see docs/operating.md) does not hold for these.
  await query(em, sql`SELECT set_config('statement_timeout', ${String(MOVE_TIMEOUT_MS)}, true)`);
}

/**
 * Moves the games `g` that satisfy a condition from one strategy to another in a single UPDATE, and records
 * the move and exactly which games it met. The games never leave the database, so there may be millions.
 *
 * @param realm counts the moved games of another realm; null counts none
 * @param defaultRealm realm of games without an API key
 */
export async function moveGames(
  em: SqlEntityManager,
  caller: KnownCaller,
  record: MoveRecord,
  condition: Sql,
  realm: string | null = null,
  defaultRealm = '',
): Promise<Moved> {
  const id = randomUUID();
  const [moved] = await withStatementTimeout(MOVE_TIMEOUT_MS, () =>
    query<{ count: number; unsuited: number }>(
      em,
      sql`WITH moved AS (
          UPDATE games g SET "strategyId" = ${record.newStrategyId}, updated_at = clock_timestamp()
          WHERE g."strategyId" = ${record.oldStrategyId} AND ${condition}
          RETURNING g.id, coalesce(g."apiKey_used", ${defaultRealm}) AS realm),
        noted AS (
          INSERT INTO game_graphql_reassigned_games (reassignment_id, game_id) SELECT ${id}::uuid, id FROM moved)
        SELECT count(*)::int AS count, (count(*) FILTER (WHERE realm <> ${realm}::text))::int AS unsuited FROM moved`,
    ),
  );
  const { count = 0, unsuited = 0 } = moved ?? {};
  const tasks = await withStatementTimeout(MOVE_TIMEOUT_MS, async () => (await record.moveTasks?.()) ?? 0);
  if (count + tasks === 0) return { count, tasks, unsuited, reassignmentId: null };
  const { apiKey, oauthUserId } = identityOf(caller);
  await query(
    em,
    sql`INSERT INTO game_graphql_reassignments
          (id, kind, old_strategy_id, new_strategy_id, games, tasks, api_key, oauth_user_id, created_at, undoes)
        VALUES (${id}::uuid, ${record.kind}, ${record.oldStrategyId}, ${record.newStrategyId}, ${count}, ${tasks},
          ${apiKey}, ${oauthUserId}, clock_timestamp(), ${record.undoes ?? null}::uuid)`,
  );
  return { count, tasks, unsuited, reassignmentId: id };
}
