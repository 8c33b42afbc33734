import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { setTimeout as delay } from 'node:timers/promises';
import sql from 'sql-template-tag';
import { isMissingRight, sqlState } from '../errors.js';
import { queryReserved } from './query.js';

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

/**
 * Whether a transaction was committed of which the answer to COMMIT was lost. It is asked on another connection, for five
 * seconds at most.
 *
 * A transaction whose COMMIT never arrived stays open until PostgreSQL notices that the connection is lost. It is ended,
 * because it keeps its locks until then.
 *
 * @returns null where nobody could tell in time
 */
export async function wasCommitted(em: SqlEntityManager, mark: CommitMark): Promise<boolean | null> {
  const start = performance.now();
  let hasMissed = false;
  for (let pause = 5; performance.now() - start < ASK_TIMEOUT_MS; pause = Math.min(2 * pause, MAX_PAUSE_MS)) {
    try {
      const { isThere, isReplica, status } = await ask(em, mark);
      if (isThere) return true;
      if (status === 'in progress') {
        hasMissed = false;
        if (performance.now() - start > PATIENCE_MS) await endIdle(em, mark);
      } else if (!isReplica) {
        // "committed" is that of another transaction, unless the row was committed while it was looked for. Ids that
        // PostgreSQL did not write down before a crash are given again.
        if (status !== 'committed' || hasMissed) return false;
        hasMissed = true;
      }
    } catch (error) {
      // PostgreSQL has not given this id yet, so it lost the transaction in a crash.
      if (sqlState(error) === INVALID_PARAMETER) return false;
      // The role may not read the ids of the log.
      if (isMissingRight(error)) return null;
    }
    await delay(pause);
  }
  return null;
}

interface Fate {
  readonly isThere: boolean;
  /** A replica may not have heard of it yet. */
  readonly isReplica: boolean;
  /** `in progress`, `committed`, `aborted`; null: it is too long ago, or this is a replica. */
  readonly status: string | null;
}

async function ask(em: SqlEntityManager, { logId, transactionId }: CommitMark): Promise<Fate> {
  const [fate] = await queryReserved<Fate>(
    em,
    sql`SELECT EXISTS (SELECT FROM logs WHERE id = ${logId}::uuid) AS "isThere", pg_is_in_recovery() AS "isReplica",
          CASE WHEN NOT pg_is_in_recovery() THEN pg_xact_status(${transactionId}::text::xid8) END AS status`,
  );
  if (fate === undefined) throw new Error('A SELECT without FROM returned no row.');
  return fate;
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
