import { MikroORM, type Options, type SqlEntityManager } from '@mikro-orm/postgresql';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import type { DatabaseConnection, QueryResult } from 'kysely';
import { Client, Pool, type ClientConfig, type PoolConfig } from 'pg';
import baseConfig from '../../mikro-orm.config.js';
import { connectionOptions, type DatabaseConfig } from '../config.js';
import { DirectoryError, DirectoryLock } from './directory-lock.js';
import { BoundedClient, PreparedClient } from './prepared-client.js';
import { FairSemaphore, type PermitCount, type SemaphoreLimits } from './fair-semaphore.js';
import { connectionsOf, queryReserved, useConnections, type Connections } from './query.js';
import { Replicas } from './replicas.js';
import { currentWork } from './work.js';

/** Time between two attempts to get the lock of migrations, in ms. */
const LOCK_RETRY_MS = 250;

/** An open database. It connects when it is first used, and again after the database was away. */
export interface Database {
  readonly em: SqlEntityManager;
  /** What queries may be answered from; null: there are none, or this is PGlite. */
  readonly replicas: Replicas | null;
  /** Brings the tables and indexes up to date; returns the names of the migrations that were run. */
  migrate(): Promise<string[]>;
  /** Sets the listener for warnings about connections that an operator should see; it replaces the previous one. */
  onWarning(listener: (message: string) => void): void;
  /** How many connections there are by state, and how many statements wait for one; nothing for PGlite. */
  connections(): Readonly<Record<string, number>>;
  /** What holds permits to use a connection, or waits for one, by what it is; nothing for PGlite. */
  permits(): Readonly<Record<string, PermitCount>>;
  /** How many connections of each pool there are, and how many there may be; nothing for PGlite. */
  pools(): Readonly<Record<string, PoolState>>;
  close(): Promise<void>;
}

/** Connections of a pool. */
export interface PoolState {
  readonly busy: number;
  readonly idle: number;
  readonly max: number;
}

export interface OpenOptions {
  /** Longest wait for one statement, in ms; 0 waits for ever, as building an index may need. */
  readonly statementTimeoutMs?: number;
  /** Longest wait for a permit to use a connection, in ms. */
  readonly maxWaitMs?: number;
  /**
   * Is given each connection before its first statement, to look at what runs on it: all that runs in transactions,
   * and what MikroORM runs outside of them.
   */
  readonly onConnection?: (connection: DatabaseConnection) => void;
}

/** Of the longest wait for a connection, the part for a permit to use one; the rest is for opening it. */
const PERMIT_PART = 1 / 3;
/** A transaction that may take minutes waits for its permit at most so many times as long. */
const LONG_WAIT_FACTOR = 10;
/** Connections that requests cannot take: for finding API keys, and for readiness. One where there are few. */
const RESERVED = 2;
/** The database of a URL that names none. */
const DEFAULT_DATABASE = 'game';
/** One caller may hold at most one in so many of the connections, but always one. */
const SHARE_OF_ONE = 3;

/** @throws DirectoryError when another process has the embedded database open */
export async function openDatabase(config: DatabaseConfig, options: OpenOptions = {}): Promise<Database> {
  if (config.kind === 'postgresql') {
    const orm = await openPostgresql(config, options);
    return new OpenDatabase(orm, () => lockMigrations(config.url), {
      replicas: replicasOf(config, options, orm.em),
    });
  }
  const lock = await lockDirectory(config.directory);
  try {
    const dataDir = join(config.directory, 'pglite');
    // V8's optimizing compiler takes half a gigabyte for PGlite's WebAssembly.
    for (const flag of ['--no-wasm-tier-up', '--no-wasm-dynamic-tiering']) setFlagsFromString(flag);
    // Loaded only where it is used: it takes memory, and time at the start.
    const { MikroORM: PgliteORM } = await import('@mikro-orm/pglite');
    const onConnection = (connection: DatabaseConnection): void => {
      noteStatements(connection);
      options.onConnection?.(connection);
    };
    const ormOptions = { ...baseConfig, ...connectionHook({ onConnection }), dbName: dataDir };
    const orm = await PgliteORM.init(ormOptions as Parameters<typeof PgliteORM.init>[0]);
    // Both drivers share MikroORM's SQL layer, which is all that is used; only their classes differ.
    return new OpenDatabase(orm as unknown as MikroORM, () => Promise.resolve(() => Promise.resolve()), {
      lock,
    });
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** Makes the directory of the embedded database, and locks it. @throws DirectoryError */
async function lockDirectory(directory: string): Promise<DirectoryLock> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    return await DirectoryLock.acquire(join(directory, 'lock'));
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error;
    throw new DirectoryError(
      `The embedded database cannot be kept in ${directory}: ${error.message}. Make it a directory that can be written, or set DATABASE_URL to use a PostgreSQL server.`,
    );
  }
}

type PostgresqlConfig = Extract<DatabaseConfig, { kind: 'postgresql' }>;

/** How connections to the primary, or to a replica, are opened. */
function poolConfig(
  config: PostgresqlConfig,
  url: string,
  { statementTimeoutMs = config.statementTimeoutMs }: OpenOptions,
): PoolConfig & { readonly database: string } {
  const { database = DEFAULT_DATABASE, ...connection }: ClientConfig = connectionOptions(url);
  return {
    ...connection,
    database,
    Client: config.prepareStatements ? PreparedClient : BoundedClient,
    connectionTimeoutMillis: config.connectionTimeoutMs - permitMsOf(config),
    query_timeout: statementTimeoutMs,
    keepAlive: true,
    application_name: 'game-graphql',
  };
}

/** Longest wait for a permit to use a connection, in ms. */
function permitMsOf({ connectionTimeoutMs }: PostgresqlConfig): number {
  return Math.round(connectionTimeoutMs * PERMIT_PART);
}

/** How many statements may run at a time on so many connections. */
function limitsOf(
  config: PostgresqlConfig,
  total: number,
  { maxWaitMs = permitMsOf(config) }: OpenOptions,
): SemaphoreLimits {
  return {
    total,
    perCaller: Math.ceil(total / SHARE_OF_ONE),
    maxWaitMs,
    maxWaitAfterFirstMs: config.statementTimeoutMs + maxWaitMs,
  };
}

/** The replicas of the settings; null: there are none. */
function replicasOf(config: PostgresqlConfig, options: OpenOptions, em: SqlEntityManager): Replicas | null {
  const { replicaUrls, poolMax } = config;
  if (replicaUrls.length === 0) return null;
  return new Replicas(
    replicaUrls.map((url) => poolConfig(config, url, options)),
    // One more is for probes.
    limitsOf(config, Math.max(1, poolMax - 1), options),
    (text) => queryReserved(em, { text, values: [] }),
  );
}

async function openPostgresql(config: PostgresqlConfig, openOptions: OpenOptions): Promise<MikroORM> {
  const { database: dbName, ...clientOptions } = poolConfig(config, config.url, openOptions);
  let pool: Pool | undefined;
  // With one connection there is nothing to reserve.
  const reserved = Math.min(RESERVED, Math.floor(config.poolMax / 2));
  const max = config.poolMax - reserved;
  const options: Options = {
    ...baseConfig,
    ...connectionHook(openOptions),
    dbName,
    // A name that is mistyped makes no database.
    ensureDatabase: false,
    pool: { max },
    driverOptions: { ...clientOptions, onPoolCreated: (created: Pool) => (pool = created) },
  };
  const orm = await MikroORM.init(options);
  // MikroORM makes the pool when it is first asked for its kysely.
  const kysely = orm.em.getKysely();
  if (pool === undefined) return orm;
  const reserve = reserved === 0 ? pool : new Pool({ ...clientOptions, database: dbName, max: reserved });
  // An idle connection that the server ended: the pool has dropped it already.
  if (reserve !== pool) reserve.on('error', () => {});
  const limits = limitsOf(config, max, openOptions);
  useConnections(kysely, {
    pool,
    reserve,
    semaphore: new FairSemaphore(limits),
    // At least half of the pool is left to everything else.
    moveSemaphore: new FairSemaphore({
      total: Math.max(1, Math.floor(max / 2)),
      perCaller: 1,
      maxWaitMs: LONG_WAIT_FACTOR * limits.maxWaitMs,
      maxWaitAfterFirstMs: LONG_WAIT_FACTOR * limits.maxWaitMs,
    }),
  });
  return orm;
}

/** Notes what runs on a connection of PGlite, which has no client that would: see `BoundedClient`. */
function noteStatements(connection: DatabaseConnection): void {
  const execute = connection.executeQuery.bind(connection);
  connection.executeQuery = async <Row>(...args: Parameters<typeof execute>): Promise<QueryResult<Row>> => {
    const [{ sql: text, parameters }] = args;
    const noteEnd = currentWork()?.noteStatement(text, parameters.length > 0);
    try {
      const result = await execute<Row>(...args);
      noteEnd?.(null);
      return result;
    } catch (error) {
      noteEnd?.(error);
      throw error;
    }
  };
}

function connectionHook({ onConnection }: OpenOptions): Pick<Options, 'onCreateConnection'> {
  if (onConnection === undefined) return {};
  return {
    onCreateConnection: (connection) => Promise.resolve(onConnection(connection as DatabaseConnection)),
  };
}

/**
 * Waits until no other process migrates the database, and keeps others waiting until it is released. The
 * lock lives in a transaction of its own, on a connection of its own: a pooler would give a connection with a lock of the
 * session to somebody else. It is asked for again and again, not waited for: a statement that
 * waits has a snapshot, and CREATE INDEX CONCURRENTLY would in turn wait for that. A transaction between statements has
 * none.
 */
async function lockMigrations(url: string): Promise<() => Promise<void>> {
  const client = new Client(connectionOptions(url));
  await client.connect();
  await client.query('BEGIN; SET LOCAL idle_in_transaction_session_timeout = 0');
  for (;;) {
    const { rows } = await client.query<{ locked: boolean }>(
      `SELECT pg_try_advisory_xact_lock(hashtext('game_graphql_migrations')) AS locked`,
    );
    if (rows[0]?.locked) return () => client.end();
    await delay(LOCK_RETRY_MS);
  }
}

class OpenDatabase implements Database {
  readonly replicas: Replicas | null;
  readonly #lock: DirectoryLock | undefined;

  constructor(
    private readonly orm: MikroORM,
    private readonly excludeOthers: () => Promise<() => Promise<void>>,
    { replicas = null, lock }: { readonly replicas?: Replicas | null; readonly lock?: DirectoryLock },
  ) {
    this.replicas = replicas;
    this.#lock = lock;
  }

  get em(): SqlEntityManager {
    return this.orm.em;
  }

  async migrate(): Promise<string[]> {
    const release = await this.excludeOthers();
    try {
      return (await this.orm.migrator.up()).map(({ name }) => name);
    } finally {
      await release();
    }
  }

  onWarning(listener: (message: string) => void): void {
    PreparedClient.warn = listener;
  }

  connections(): Readonly<Record<string, number>> {
    const connections = connectionsOf(this.em);
    if (connections === undefined) return {};
    const pools = poolsOf(connections);
    const sum = (of: (pool: Pool) => number): number => pools.reduce((all, pool) => all + of(pool), 0);
    const idle = sum((pool) => pool.idleCount);
    const { semaphore, moveSemaphore } = connections;
    const waiting = sum((pool) => pool.waitingCount) + semaphore.waitingCount + moveSemaphore.waitingCount;
    return { busy: sum((pool) => pool.totalCount) - idle, idle, waiting };
  }

  permits(): Readonly<Record<string, PermitCount>> {
    const connections = connectionsOf(this.em);
    if (connections === undefined) return {};
    return { ...connections.semaphore.counts, move: connections.moveSemaphore.counts.transaction };
  }

  pools(): Readonly<Record<string, PoolState>> {
    const connections = connectionsOf(this.em);
    if (connections === undefined) return {};
    const { pool, reserve } = connections;
    return { requests: stateOf(pool), ...(reserve !== pool && { reserved: stateOf(reserve) }) };
  }

  async close(): Promise<void> {
    const connections = connectionsOf(this.em);
    await this.replicas?.close();
    await this.orm.close(true);
    // Kysely ends the pool only where a statement went through kysely.
    for (const pool of connections ? poolsOf(connections) : []) if (!pool.ending) await pool.end();
    await this.#lock?.release();
  }
}

const stateOf = ({ totalCount, idleCount, options }: Pool): PoolState => ({
  busy: totalCount - idleCount,
  idle: idleCount,
  max: options.max,
});

function poolsOf({ pool, reserve }: Connections): Pool[] {
  return reserve === pool ? [pool] : [pool, reserve];
}
