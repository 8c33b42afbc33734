import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { randomUUID } from 'node:crypto';
import sql, { join, type Sql } from 'sql-template-tag';
import { identityOf, callerKeyOf, type KnownCaller } from '../../auth/caller.js';
import { withStatementTimeout } from '../../database/prepared-client.js';
import { connectionsOf, query } from '../../database/query.js';
import { inTransaction } from '../../database/transaction.js';
import { currentWork } from '../../database/work.js';
import type { ReassignmentKind } from './reassignment.json.js';

/** Longest time that the statement which moves the games may take, in ms: a million of them take minutes. */
const MOVE_TIMEOUT_MS = 15 * 60_000;

/** What is recorded of a move beside its rows. */
export interface MoveRecord {
  readonly kind: ReassignmentKind;
  readonly oldStrategyId: string;
  readonly newStrategyId: string;
  /** Id of the reassignment that this one undoes. */
  readonly undoes?: string;
}

/** Which rows a move meets, of those that are on its old strategy. */
export interface MoveRows {
  /** A condition on games `g`. */
  readonly games: Sql;
  /** A condition on tasks `t`; null moves none. */
  readonly tasks: Sql | null;
  /** A condition on games `g`: the new strategy suits neither these nor their tasks. They are counted. */
  readonly unsuited?: Sql;
}

/** How many rows a move meets. */
export interface MoveCounts {
  readonly games: number;
  readonly tasks: number;
  readonly unsuitedGames: number;
  readonly unsuitedTasks: number;
}

/** What a move came to. */
export interface Moved extends MoveCounts {
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

/** Which games and tasks each move has met. */
const GAMES_LEDGER = sql`game_graphql_reassigned_games`;
const TASKS_LEDGER = sql`game_graphql_reassigned_tasks`;

/** Stands for all admins; no caller has two blanks. */
const ADMINS = '  ';

/**
 * Runs the transaction of a move. Keeps two moves of many games from waiting for each other's rows, which would be a
 * deadlock: moves of one owner's games come one after the other, and those of an admin, which may meet any game, come
 * alone. Moves of one caller wait before they take a connection. A dry run keeps nobody waiting; it fails like the
 * move itself where the tables of the record are missing.
 *
 * @param options `tasks`: whether it may move tasks
 * @throws SERVICE_UNAVAILABLE when others move games for too long
 */
export async function inMoveTransaction<Result>(
  em: SqlEntityManager,
  caller: KnownCaller,
  { dryRun, tasks }: { readonly dryRun: boolean; readonly tasks: boolean },
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
        const tables = [GAMES_LEDGER, ...(tasks ? [TASKS_LEDGER] : [])];
        await query(transaction, sql`SELECT FROM ${join(tables)} LIMIT 0`);
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

/** The tasks `t` of the games `g` that satisfy a condition. */
export const tasksOf = (games: Sql): Sql =>
  sql`EXISTS (SELECT FROM games g WHERE g.id = t."gameId" AND ${games})`;

/**
 * Moves games and tasks from one strategy to another, in one UPDATE of each, and records the move and exactly which rows
 * it met. The rows never leave the database, so there may be millions.
 */
export async function moveRows(
  em: SqlEntityManager,
  caller: KnownCaller,
  record: MoveRecord,
  { games, tasks, unsuited = sql`FALSE` }: MoveRows,
): Promise<Moved> {
  const id = randomUUID();
  const { oldStrategyId, newStrategyId } = record;
  const move = async (table: Sql, condition: Sql, isUnsuited: Sql, ledger: Sql): Promise<RowCounts> => {
    const statement = sql`WITH moved AS (
          UPDATE ${table} SET "strategyId" = ${newStrategyId}, updated_at = clock_timestamp()
          WHERE "strategyId" = ${oldStrategyId} AND ${condition} RETURNING id, ${isUnsuited} AS unsuited),
        noted AS (INSERT INTO ${ledger} SELECT ${id}::uuid, id FROM moved)
        SELECT count(*)::int AS count, (count(*) FILTER (WHERE unsuited))::int AS unsuited FROM moved`;
    const [counts] = await withStatementTimeout(MOVE_TIMEOUT_MS, () => query<RowCounts>(em, statement));
    return counts ?? NO_ROWS;
  };
  if (tasks !== null) await holdGames(em, oldStrategyId, games, tasks);
  const movedGames = await move(sql`games g`, games, unsuited, GAMES_LEDGER);
  const movedTasks =
    tasks === null ? NO_ROWS : await move(sql`tasks t`, tasks, tasksOf(unsuited), TASKS_LEDGER);
  const counts = {
    games: movedGames.count,
    tasks: movedTasks.count,
    unsuitedGames: movedGames.unsuited,
    unsuitedTasks: movedTasks.unsuited,
  };
  if (counts.games + counts.tasks === 0) return { ...counts, reassignmentId: null };
  const { apiKey, oauthUserId } = identityOf(caller);
  await query(
    em,
    sql`INSERT INTO game_graphql_reassignments
          (id, kind, old_strategy_id, new_strategy_id, games, tasks, api_key, oauth_user_id, created_at, undoes)
        VALUES (${id}::uuid, ${record.kind}, ${oldStrategyId}, ${newStrategyId}, ${counts.games}, ${counts.tasks},
          ${apiKey}, ${oauthUserId}, clock_timestamp(), ${record.undoes ?? null}::uuid)`,
  );
  return { ...counts, reassignmentId: id };
}

interface RowCounts {
  readonly count: number;
  readonly unsuited: number;
}
const NO_ROWS: RowCounts = { count: 0, unsuited: 0 };

/**
 * Locks the games whose tasks move and that do not move themselves. Whoever deletes a game locks it before its tasks; a
 * move that had some of the tasks without the game would be a deadlock.
 */
async function holdGames(em: SqlEntityManager, oldStrategyId: string, games: Sql, tasks: Sql): Promise<void> {
  const statement = sql`SELECT count(*) FROM (
      SELECT FROM games g
      WHERE (g."strategyId" = ${oldStrategyId} AND ${games}) IS NOT TRUE AND g.id IN (
        SELECT t."gameId" FROM tasks t WHERE t."strategyId" = ${oldStrategyId} AND ${tasks})
      FOR NO KEY UPDATE) held`;
  await withStatementTimeout(MOVE_TIMEOUT_MS, () => query(em, statement));
}

/** Counts what `moveRows` would move; locks nothing. */
export async function countRows(
  em: SqlEntityManager,
  oldStrategyId: string,
  { games, tasks, unsuited = sql`FALSE` }: MoveRows,
): Promise<MoveCounts> {
  const [counts] = await query<MoveCounts>(
    em,
    sql`SELECT * FROM
          (SELECT count(*)::int AS games, (count(*) FILTER (WHERE ${unsuited}))::int AS "unsuitedGames"
           FROM games g WHERE g."strategyId" = ${oldStrategyId} AND ${games}) moved_games,
          (SELECT count(*)::int AS tasks, (count(*) FILTER (WHERE ${tasksOf(unsuited)}))::int AS "unsuitedTasks"
           FROM tasks t WHERE t."strategyId" = ${oldStrategyId} AND ${tasks ?? sql`FALSE`}) moved_tasks`,
  );
  if (counts === undefined) throw new Error('A SELECT of counts returned no row.');
  return counts;
}
