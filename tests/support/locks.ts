import pg from 'pg';
import type { Api } from './api.js';
import { TEST_APPLICATION, type TestDatabase } from './database.js';
import { until } from './process.js';

/** A lock that a test holds in the database. */
export class Lock {
  private constructor(private readonly client: pg.Client) {}

  /** Keeps every write of a table waiting, and every read too if it is exclusive, until it is released. */
  static ofTable(
    database: TestDatabase,
    table: string,
    mode: 'SHARE' | 'ACCESS EXCLUSIVE' = 'ACCESS EXCLUSIVE',
  ): Promise<Lock> {
    return Lock.by(database, `LOCK TABLE ${table} IN ${mode} MODE`);
  }

  /** Holds what a statement locks. */
  static async by(database: TestDatabase, statement: string): Promise<Lock> {
    const client = new pg.Client({ connectionString: database.url, application_name: TEST_APPLICATION });
    client.on('error', () => {});
    await client.connect();
    await client.query(`BEGIN; ${statement}`);
    return new Lock(client);
  }

  /** Commits what the statement did, and lets go. */
  async commit(): Promise<void> {
    await this.client.query('COMMIT');
    await this.release();
  }

  /** Lets go; does nothing the second time. */
  async release(): Promise<void> {
    await this.client.end().catch(() => {});
  }
}

/** How many statements of the server wait for a lock. */
export async function waitingForLocks(database: TestDatabase): Promise<number> {
  return (await database.query(`${SERVER} AND wait_event_type = 'Lock'`)).length;
}

/** How many connections of the server are in use. */
export async function inUse(database: TestDatabase): Promise<number> {
  return (await database.query(`${SERVER} AND state <> 'idle'`)).length;
}

const SERVER = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'game-graphql'`;

/** Waits until so many statements of the server wait for a lock, and so many requests for their turn. */
export async function untilWaiting(api: Api, locked: number, queued: number): Promise<void> {
  let seen: readonly number[] = [];
  await until(
    async () => {
      seen = [await waitingForLocks(api.database), await waitingForTurn(api)];
      return seen[0] === locked && seen[1] === queued;
    },
    () => `${seen.join(' and ')} wait for a lock and for a turn, not ${locked} and ${queued}.`,
  );
}

/** How many requests wait for their turn on the connections, as the server's metrics say it. */
async function waitingForTurn({ origin }: Api): Promise<number> {
  const metrics = await (await fetch(`${origin}/metrics`)).text();
  return Number(/^database_connections\{state="waiting"\} (\d+)$/m.exec(metrics)?.[1]);
}
