import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import pg from 'pg';
import sql from 'sql-template-tag';
import { readConfig } from '../../src/config.js';
import { openDatabase, type Database } from '../../src/database/database.js';
import { query } from '../../src/database/query.js';
import { inTransaction } from '../../src/database/transaction.js';
import { startApi, type Api } from '../support/api.js';
import { rowsOf, type Owner } from '../support/builders.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { startPostgres } from '../support/postgres.js';
import { until } from '../support/process.js';

/** Longest wait of the server for a statement, in ms: the tests wait for it to pass. */
const STATEMENT_MS = 1_000;

/** A PostgreSQL server of this file's own: it becomes a standby, and loses its own. */
let postgres: Awaited<ReturnType<typeof startPostgres>>;
let database: TestDatabase;
let owner: Owner;
let api: Api;

beforeAll(async () => {
  postgres = await startPostgres();
  process.env['TEST_POSTGRES_URL'] = postgres.url;
});
afterAll(() => postgres.stop());
beforeEach(async () => {
  database = await createTestDatabase();
  // Or nobody would wait for a standby: PostgreSQL is set up here to be fast.
  await database.query(`ALTER DATABASE ${database.name} SET synchronous_commit = on`);
  owner = await rowsOf(database).owner();
  api = await startApi({ database, statementTimeoutMs: STATEMENT_MS });
});
afterEach(async () => {
  await api.close();
  await database.drop();
});

const create = (): string =>
  `mutation { createGame(input: { externalGameId: "${randomUUID()}", platform: "web" }) { game { id } } }`;
const LIST = '{ games { totalCount } }';

async function readiness(): Promise<{ status: number; reason?: string }> {
  const response = await fetch(`${api.origin}/health/ready`);
  const { reason } = (await response.json()) as { reason?: string };
  return { status: response.status, ...(reason === undefined ? {} : { reason }) };
}

const writes = async (): Promise<number> => (await database.query('SELECT FROM logs')).length;

/** Sends a write; an answer with what counts of it. */
async function write(
  document = create(),
  key?: string,
): Promise<{ status: number; code?: string; message?: string; replayed: string | null }> {
  const response = await fetch(api.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-api-key': owner.key,
      ...(key === undefined ? {} : { 'idempotency-key': key }),
    },
    body: JSON.stringify({ query: document }),
  });
  const { errors } = (await response.json()) as {
    errors?: { message: string; extensions: { code: string } }[];
  };
  const [error] = errors ?? [];
  return {
    status: response.status,
    ...(error === undefined ? {} : { code: error.extensions.code, message: error.message }),
    replayed: response.headers.get('idempotency-replayed'),
  };
}

describe('connections to a server that can only be read, where a new one leads to the primary', () => {
  /** What the server's connections have: those that are open keep what the database had when they were opened. */
  const readOnly = (isReadOnly: boolean): Promise<unknown> =>
    database.query(
      `ALTER DATABASE ${database.name} ${isReadOnly ? 'SET default_transaction_read_only = on' : 'RESET default_transaction_read_only'}`,
    );
  const pids = async (): Promise<number[]> =>
    (
      await database.query<{ pid: number }>(
        `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'game-graphql'`,
      )
    ).map(({ pid }) => pid);

  test('are given up by the first write, which is done; those that nobody uses go with it', async () => {
    const keys = await Promise.all([1, 2, 3, 4].map(() => rowsOf(database).owner()));
    await readOnly(true);
    await Promise.all(keys.map((each) => api.data(LIST, {}, each)));
    const old = await pids();
    expect(old.length).toBeGreaterThan(2);
    await readOnly(false);
    expect(await write()).toMatchObject({ status: 200 });
    await until(async () => !(await pids()).some((pid) => old.includes(pid)));
    expect(await writes()).toBe(1);
  });

  test('are given up when readiness is asked for, which then says that it is ready', async () => {
    await readOnly(true);
    await api.data(LIST, {}, owner);
    expect(await readiness()).toEqual({
      status: 503,
      reason: 'the database can only be read: its default_transaction_read_only is on',
    });
    await readOnly(false);
    await until(async () => (await readiness()).status === 200);
    expect(await write()).toMatchObject({ status: 200 });
  });

  test('and are in use: they are given up when they are given back', async () => {
    const opened: Database = await openDatabase(readConfig({ DATABASE_URL: database.url }).database);
    const holder = new pg.Client({ connectionString: database.url });
    await holder.connect();
    try {
      await holder.query('SELECT pg_advisory_lock(17)');
      await readOnly(true);
      const pidOf = (lock: boolean): Promise<{ pid: number }[]> =>
        query(
          opened.em.fork(),
          lock
            ? sql`SELECT pg_backend_pid() AS pid, pg_advisory_xact_lock_shared(17)`
            : sql`SELECT pg_backend_pid() AS pid`,
        );
      const busy = pidOf(true);
      await until(
        async () =>
          (
            await database.query(
              `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'`,
            )
          ).length === 1,
      );
      // Another one, which the transaction finds idle.
      await pidOf(false);
      await readOnly(false);
      await inTransaction(opened.em.fork(), (em) => query(em, sql`CREATE TABLE written (id int)`));
      await holder.query('SELECT pg_advisory_unlock(17)');
      const [old] = await busy;
      await until(async () => !(await pids()).includes(old?.pid ?? 0));
      expect(old?.pid).toBeGreaterThan(0);
    } finally {
      await holder.end();
      await opened.close();
    }
  });

  test('and lead there for good: a write is refused as not done, reads go on', async () => {
    await readOnly(true);
    expect(await write()).toMatchObject({ status: 503, code: 'SERVICE_UNAVAILABLE' });
    expect(await writes()).toBe(0);
    expect(await api.data(LIST, {}, owner)).toEqual({ games: { totalCount: 0 } });
  });
});

test('a server whose database becomes a standby is not ready, says why, and reads; after the promotion it writes', async () => {
  expect(await write()).toMatchObject({ status: 200 });
  await database.query('CHECKPOINT');
  await writeFile(join(dirname(postgres.logFile), 'data', 'standby.signal'), '');
  await postgres.restart('SIGINT');
  await until(async () => (await readiness()).reason?.includes('standby') ?? false);
  expect(await readiness()).toEqual({
    status: 503,
    reason: 'the database is a standby, which can only be read: DATABASE_URL must lead to the primary',
  });
  expect(await write()).toMatchObject({ status: 503, code: 'SERVICE_UNAVAILABLE' });
  expect(await api.data(LIST, {}, owner)).toEqual({ games: { totalCount: 1 } });
  await database.query('SELECT pg_promote()');
  await until(async () => (await readiness()).status === 200);
  expect(await write()).toMatchObject({ status: 200 });
});

describe('while the standby that must have each write is away', () => {
  /** Without a name, nobody is waited for. */
  async function waitFor(standby: string): Promise<void> {
    await database.query(`ALTER SYSTEM SET synchronous_standby_names = '${standby}'`);
    await database.query('SELECT pg_reload_conf()');
    await until(async () => {
      const [row] = await database.query<{ names: string }>(
        `SELECT current_setting('synchronous_standby_names') AS names`,
      );
      return row?.names === standby;
    });
  }
  const waiting = async (): Promise<number> =>
    (await database.query(`SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep'`)).length;

  beforeEach(async () => {
    await write();
    await waitFor('away');
  });
  afterEach(() => waitFor(''));

  const UNCONFIRMED = {
    status: 500,
    code: 'OUTCOME_UNKNOWN',
    message: expect.stringMatching(/^This was written, but the standby of the database did not confirm it/),
  };

  test('a write is told as written and not confirmed, and keeps no connection', async () => {
    expect(await write()).toMatchObject(UNCONFIRMED);
    expect(await writes()).toBe(2);
    await until(async () => (await waiting()) === 0);
    expect(await readiness()).toEqual({ status: 200 });
  });

  test('it is so where somebody ends the wait, and PostgreSQL answers as if all were well', async () => {
    const patient = await startApi({ database, statementTimeoutMs: 300_000 });
    try {
      const answer = patient.errors(create(), {}, owner);
      await until(async () => (await waiting()) === 1);
      await database.query(
        `SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'`,
      );
      expect((await answer).codes).toEqual(['OUTCOME_UNKNOWN']);
    } finally {
      await patient.close();
    }
  });

  test('with an Idempotency-Key it is told again once the standby has confirmed it, not before', async () => {
    const document = create();
    expect(await write(document, 'k')).toMatchObject(UNCONFIRMED);
    expect(await write(document, 'k')).toMatchObject({ status: 500, code: 'OUTCOME_UNKNOWN' });
    await waitFor('');
    expect(await write(document, 'k')).toMatchObject({ status: 200, replayed: 'true' });
    expect(await writes()).toBe(2);
  });

  test('a write whose standby comes back in time is answered as done', async () => {
    const answer = write();
    await until(async () => (await waiting()) === 1);
    // Its COMMIT was given up, and is there.
    await until(async () => (await writes()) === 2);
    await waitFor('');
    expect(await answer).toMatchObject({ status: 200 });
  });
});
