import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { setTimeout as delay } from 'node:timers/promises';
import type { QueryConfig } from 'pg';
import sql from 'sql-template-tag';
import { isMissingRight, sqlState } from '../errors.js';
import { connectionsOf, query, queryReserved } from './query.js';

/**
 * What tells afterwards whether a transaction was committed: its row in GAME's log, which is there exactly then, and its
 * id, which tells whether PostgreSQL is still at it.
 */
export interface CommitMark {
  readonly logId: string;
  readonly transactionId: string;
}

const marks = new WeakMap<SqlEntityManager, CommitMark>();

/** Notes what the transaction of an entity manager can be found by, once it has written to GAME's log. */
export function markCommit(em: SqlEntityManager, mark: CommitMark): void {
  marks.set(em, mark);
}

/** What the transaction can be found by; undefined as long as it has written nothing. */
export function commitMarkOf(em: SqlEntityManager): CommitMark | undefined {
  return marks.get(em);
}

/** SQLSTATE of `pg_xact_status` for an id that is in the future. */
const INVALID_PARAMETER = '22023';

/** Longest time in which the fate of a transaction is asked for, in ms. */
const ASK_TIMEOUT_MS = 5_000;
/** Longest wait between two questions, in ms. */
const MAX_PAUSE_MS = 250;
/** When a transaction to which no COMMIT came is ended, in ms after the connection was lost. */
const PATIENCE_MS = 500;

/** What came of a transaction. `unconfirmed`: it was committed, but the standby that must have it did not say so in time. */
export type Fate = 'committed' | 'unconfirmed' | 'undone' | 'unknown';

/**
 * What came of a transaction of which the answer to COMMIT was lost. It is asked on another connection, for five
 * seconds at most.
 *
 * A transaction whose COMMIT never arrived stays open until PostgreSQL notices that the connection is lost. It is ended,
 * because it keeps its locks until then. One that is there may be so on the primary alone, where the wait for a
 * synchronous standby was cut off: the standby is then waited for, within the same five seconds.
 */
export async function fateOf(em: SqlEntityManager, mark: CommitMark): Promise<Fate> {
  const start = performance.now();
  let hasMissed = false;
  let isUnconfirmed = false;
  for (let pause = 5; performance.now() - start < ASK_TIMEOUT_MS; pause = Math.min(2 * pause, MAX_PAUSE_MS)) {
    try {
      const { isThere, isReplica, status } = await ask(em, mark);
      isUnconfirmed = isThere;
      if (isThere) {
        const msLeft = ASK_TIMEOUT_MS - (performance.now() - start);
        if (isReplica || (await isConfirmed(em, mark, msLeft))) return 'committed';
      } else if (status === 'in progress') {
        hasMissed = false;
        if (performance.now() - start > PATIENCE_MS) await endIdle(em, mark);
      } else if (!isReplica) {
        // "committed" is that of another transaction, unless the row was committed while it was looked for. Ids that
        // PostgreSQL did not write down before a crash are given again.
        if (status !== 'committed' || hasMissed) return 'undone';
        hasMissed = true;
      }
    } catch (error) {
      // PostgreSQL has not given this id yet, so it lost the transaction in a crash.
      if (sqlState(error) === INVALID_PARAMETER) return 'undone';
      // The role may not read the ids of the log.
      if (isMissingRight(error)) break;
    }
    await delay(pause);
  }
  return isUnconfirmed ? 'unconfirmed' : 'unknown';
}

/** A write without effect, where a standby must confirm writes: once it is confirmed, so is all that was committed before. */
const CONFIRMATION = sql`CASE WHEN current_setting('synchronous_standby_names') <> '' AND NOT pg_is_in_recovery()
  THEN pg_logical_emit_message(true, 'game_graphql', '') END`;

/** Lets the COMMIT of a transaction that only reads wait for the standby, as the one of what it has read was to. */
export async function confirmAtCommit(em: SqlEntityManager): Promise<void> {
  await query(em, sql`SELECT ${CONFIRMATION}`);
}

/**
 * Waits until the standby has what was committed; false: it is not there, as on another server. Whoever calls has a permit
 * to use a connection.
 */
async function isConfirmed(em: SqlEntityManager, { logId }: CommitMark, ms: number): Promise<boolean> {
  const client = await connectionsOf(em)?.pool.connect();
  if (client === undefined) return true;
  let rows: readonly unknown[] | undefined;
  try {
    const { text, values } = sql`SELECT ${CONFIRMATION} FROM logs WHERE id = ${logId}::uuid`;
    const config: QueryConfig & { readonly query_timeout: number } = {
      text,
      values,
      query_timeout: Math.max(1, ms),
    };
    ({ rows } = await client.query(config));
    return rows.length > 0;
  } finally {
    client.release(rows === undefined);
  }
}

interface Found {
  readonly isThere: boolean;
  /** A replica may not have heard of it yet. */
  readonly isReplica: boolean;
  /** `in progress`, `committed`, `aborted`; null: it is too long ago, or this is a replica. */
  readonly status: string | null;
}

async function ask(em: SqlEntityManager, { logId, transactionId }: CommitMark): Promise<Found> {
  const [found] = await queryReserved<Found>(
    em,
    sql`SELECT EXISTS (SELECT FROM logs WHERE id = ${logId}::uuid) AS "isThere", pg_is_in_recovery() AS "isReplica",
          CASE WHEN NOT pg_is_in_recovery() THEN pg_xact_status(${transactionId}::text::xid8) END AS status`,
  );
  if (found === undefined) throw new Error('A SELECT without FROM returned no row.');
  return found;
}

/** Ends the connection of a transaction that waits for its next statement. Only one of this server's can have this id. */
async function endIdle(em: SqlEntityManager, { transactionId }: CommitMark): Promise<void> {
  await queryReserved(
    em,
    sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE backend_xid = ${transactionId}::text::xid8::xid AND usename = current_user
          AND application_name = current_setting('application_name') AND state LIKE 'idle in transaction%'`,
  );
}
