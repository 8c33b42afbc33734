import pg from 'pg';
import { startApi, type Api, type ApiOptions } from './api.js';
import { createTestDatabase, TEST_APPLICATION, type TestDatabase } from './database.js';
import { startCluster, type PostgresCluster, type PostgresServer } from './postgres.js';
import { until } from './process.js';

/** A primary with a database, and standbys that stream from it. */
export interface Replication {
  readonly database: TestDatabase;
  readonly cluster: PostgresCluster;
  readonly standbys: readonly Standby[];
  /** Starts the API on the primary, reading from the standbys, unless `env` says otherwise; waits until they are used, unless `isUsed` is false. */
  startApi(options?: ApiOptions & { readonly isUsed?: boolean }): Promise<Api>;
  /** Waits until every standby has replayed what the primary has written by now. */
  caughtUp(): Promise<void>;
  stop(): Promise<void>;
}

/** Starts them. The other functions of tests/support then use this primary for the rest of the test file. */
export async function startReplication(count: number, settings = {}): Promise<Replication> {
  const cluster = await startCluster(count, settings);
  process.env['TEST_POSTGRES_URL'] = cluster.primary.url;
  process.env['TEST_POSTGRES_LOG'] = cluster.primary.logFile;
  const database = await createTestDatabase();
  const standbys = cluster.standbys.map((server) => new Standby(server, database.name));
  const urls = standbys.map(({ url }) => url).join();
  return {
    database,
    cluster,
    standbys,
    startApi: async ({ env, isUsed = true, ...options } = {}) => {
      const api = await startApi({ database, env: { DATABASE_REPLICA_URL: urls, ...env }, ...options });
      if (isUsed) await until(async () => (await replicasOf(api)).every(({ status }) => status === 'used'));
      return api;
    },
    caughtUp: async () => {
      const [row] = await database.query<{ lsn: string }>('SELECT pg_current_wal_insert_lsn()::text AS lsn');
      await Promise.all(standbys.map((standby) => standby.replays(row?.lsn ?? '')));
    },
    stop: () => cluster.stop(),
  };
}

/** What readiness tells of a replica. */
export interface ToldReplica {
  readonly replica: number;
  readonly status: 'used' | 'left out';
  readonly reason: string | null;
  readonly lagSeconds: number | null;
}

export async function replicasOf(api: Api): Promise<readonly ToldReplica[]> {
  const response = await fetch(`${api.origin}/health/ready`);
  return ((await response.json()) as { readonly replicas?: readonly ToldReplica[] }).replicas ?? [];
}

/** What came of the statements that replicas were chosen for, together. */
export async function statementsOf(
  api: Api,
): Promise<Readonly<Record<'answered' | 'behind' | 'failed', number>>> {
  const text = await (await fetch(`${api.origin}/metrics`)).text();
  const sum = (outcome: string): number =>
    [...text.matchAll(/^database_replica_statements_total\{replica="\d+",outcome="(\w+)"\} (\d+)$/gm)]
      .filter(([, found]) => found === outcome)
      .reduce((all, [, , count]) => all + Number(count), 0);
  return { answered: sum('answered'), behind: sum('behind'), failed: sum('failed') };
}

/** A server that streams from the primary. */
export class Standby {
  /** Of the database of the test. */
  readonly url: string;

  constructor(
    readonly server: PostgresServer,
    databaseName: string,
  ) {
    this.url = `${server.url}/${databaseName}`;
  }

  /** Runs a statement on a connection of its own. */
  async query<Row extends object>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    const client = new pg.Client({ connectionString: this.url, application_name: TEST_APPLICATION });
    client.on('error', () => {});
    await client.connect();
    try {
      return (await client.query<Row>(text, [...values])).rows;
    } finally {
      await client.end();
    }
  }

  /** Stops replaying: from now on it becomes older and older. */
  async pause(): Promise<void> {
    await this.query('SELECT pg_wal_replay_pause()');
    await until(async () => {
      const [row] = await this.query<{ state: string }>('SELECT pg_get_wal_replay_pause_state() AS state');
      return row?.state === 'paused';
    });
  }

  async resume(): Promise<void> {
    await this.query('SELECT pg_wal_replay_resume()');
  }

  /** Waits until it has replayed up to an LSN. */
  async replays(lsn: string): Promise<void> {
    await until(async () => {
      const [row] = await this.query<{ isThere: boolean }>(
        'SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn AS "isThere"',
        [lsn],
      ).catch(() => []);
      return row?.isThere === true;
    });
  }
}
