import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { CompiledQuery } from 'kysely';
import type { Pool, PoolClient } from 'pg';
import type { Sql } from 'sql-template-tag';
import { isConnectionLost, isReadOnly } from '../errors.js';
import type { FairSemaphore, Permit } from './fair-semaphore.js';
import type { BoundedClient } from './prepared-client.js';
import { retries } from './retries.js';
import { currentWork, type Work } from './work.js';

type BoundStatement = Pick<Sql, 'text' | 'values'>;

/** The connections to a PostgreSQL server. */
export interface Connections {
  /** For the statements of requests. */
  readonly pool: Pool;
  /** For what must go on whatever requests do: finding API keys, and readiness. */
  readonly reserve: Pool;
  /** Shares the pool between callers. */
  readonly semaphore: FairSemaphore;
  /** For transactions that may take minutes, of which a caller has one at a time: who waits for a permit holds no connection. */
  readonly moveSemaphore: FairSemaphore;
}

/** Connections by kysely. PGlite has none; a transaction has a kysely of its own. */
const connectionsByKysely = new WeakMap<object, Connections>();

/** Lets `query` run the statements of a kysely that is in no transaction on its pool, not through kysely. */
export function useConnections(kysely: object, connections: Connections): void {
  connectionsByKysely.set(kysely, connections);
}

/** The connections that statements outside of transactions run on; none for PGlite. */
export function connectionsOf(em: SqlEntityManager): Connections | undefined {
  return connectionsByKysely.get(em.getKysely());
}

/**
 * Runs one statement and returns its rows.
 *
 * Values travel as bound parameters, and the statement is prepared once per connection (see
 * `PreparedClient`): MikroORM's own query builder writes values into the text, which PostgreSQL must then
 * parse and plan anew each time. The statement runs on MikroORM's pool, inside the transaction of `em`
 * where there is one. Outside of one, a SELECT whose connection turns out to have ended is run again, once, on a new one;
 * what a query reads may come from a replica (see `ReplicaReads`).
 *
 * @throws the driver's error, with its SQLSTATE in `code`; SERVICE_UNAVAILABLE when the caller's share of the
 *   connections stays in use; what the work was abandoned with
 */
export function query<Row extends object>(em: SqlEntityManager, statement: BoundStatement): Promise<Row[]> {
  const work = currentWork();
  const connections = connectionsOf(em);
  if (connections === undefined) return queryKysely(em, work, statement);
  if (work === undefined) return queryPool(connections.pool, statement);
  const { replicaReads } = work;
  if (replicaReads === null) return queryPrimary(connections, statement, work);
  return replicaReads
    .query<Row>(statement, work)
    .then((rows) => rows ?? queryPrimary(connections, statement, work));
}

function queryPrimary<Row extends object>(
  { pool, semaphore }: Connections,
  statement: BoundStatement,
  work: Work,
): Promise<Row[]> {
  return new Promise((resolve, reject) => {
    const start = (permit: Permit): void => sendTo(pool, statement, work, permit, resolve, reject);
    semaphore.acquireWithCallback(work.callerKey ?? '', work, start, reject);
  });
}

async function queryKysely<Row extends object>(
  em: SqlEntityManager,
  work: Work | undefined,
  { text, values }: BoundStatement,
): Promise<Row[]> {
  work?.throwIfAbandoned();
  return (await em.getKysely().executeQuery<Row>(CompiledQuery.raw(text, values))).rows;
}

/** Runs one statement on a connection to the primary that requests cannot take. */
export function queryReserved<Row extends object>(
  em: SqlEntityManager,
  statement: BoundStatement,
): Promise<Row[]> {
  const connections = connectionsOf(em);
  return connections === undefined ? query<Row>(em, statement) : queryPool(connections.reserve, statement);
}

/** Runs a statement on a pool that is not shared between callers. */
function queryPool<Row extends object>(pool: Pool, statement: BoundStatement): Promise<Row[]> {
  return new Promise((resolve, reject) => {
    sendTo(pool, statement, undefined, undefined, resolve, reject);
  });
}

/**
 * Ends the connections of a pool that nobody uses: where one was lost, others may be, and the next one that is used is
 * to be a new one.
 */
export async function dropIdle(pool: Pool): Promise<void> {
  const drop = async (): Promise<void> => (await pool.connect()).release(true);
  await Promise.allSettled(Array.from({ length: pool.idleCount }, drop));
}

/** How often all connections are renewed at most, in ms: a database that can only be read for long goes on being read. */
const RENEW_EVERY_MS = 1_000;

/** By pool: connections that were opened before are not used again. By `performance.now()`. */
const staleBefore = new WeakMap<Pool, number>();

/**
 * Gives up all connections that are open, those in use when they are given back: they lead to a server that can only be
 * read, and a new one may lead to the primary. Where they were renewed within a second, nothing is done.
 */
export async function renewConnections({ pool, reserve }: Connections): Promise<void> {
  const now = performance.now();
  if (now - (staleBefore.get(pool) ?? -Infinity) < RENEW_EVERY_MS) return;
  for (const each of [pool, reserve]) staleBefore.set(each, now);
  await Promise.all([pool, ...(reserve === pool ? [] : [reserve])].map(dropIdle));
}

/**
 * Sends a statement. A read on a connection that turns out to have ended is sent again, once, on a new one. Kysely would
 * only hand the statement on, through a dozen promises; the pool has callbacks that need none.
 *
 * @param work what the statement is for; the pool calls back in the context of whoever opened or released the connection
 * @param permit ends with the statement
 */
function sendTo<Row extends object>(
  pool: Pool,
  statement: BoundStatement,
  work: Work | undefined,
  permit: Permit | undefined,
  resolve: (rows: Row[]) => void,
  reject: (error: unknown) => void,
  isAgain = false,
): void {
  const end = (failed: Error | null, rows: Row[]): void => {
    if (!isAgain && isConnectionLost(failed) && IS_READ.test(statement.text)) {
      retries.inc({ what: 'statement', reason: 'connection_lost' });
      void dropIdle(pool).then(() => sendTo(pool, statement, work, permit, resolve, reject, true));
      return;
    }
    permit?.release();
    if (failed === null) resolve(rows);
    else reject(failed);
  };
  pool.connect((unconnected, client, giveBack) => {
    if (client === undefined || work?.isAbandoned) {
      if (client !== undefined) giveBack();
      end(work?.abandonedWith ?? unconnected ?? null, []);
      return;
    }
    const bounded = client as PoolClient & BoundedClient;
    bounded.nextWork = work;
    client.query<Row>(statement.text, statement.values, (failed: Error | null, result) => {
      const isStale = bounded.openedAt < (staleBefore.get(pool) ?? -Infinity);
      // What has ended may look alive until its socket closes.
      giveBack(isStale || isConnectionLost(failed) || isReadOnly(failed));
      end(failed, failed === null ? result.rows : []);
    });
  });
}

const IS_READ = /^\s*SELECT\b/i;
