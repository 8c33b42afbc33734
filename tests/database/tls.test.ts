import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { readConfig } from '../../src/config.js';
import { openDatabase } from '../../src/database/database.js';
import { startApi, type Api } from '../support/api.js';
import { rowsOf, type Owner } from '../support/builders.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { until } from '../support/process.js';
import { startPostgres } from '../support/postgres.js';

const PASSWORD = 'canary-77d0';
const certificate = (name: string): string =>
  fileURLToPath(new URL(`../support/certificates/${name}`, import.meta.url));
const CA = `sslrootcert=${certificate('ca.crt')}`;
const OTHER_CA = `sslrootcert=${certificate('other-ca.crt')}`;

/** A PostgreSQL server with a certificate for `localhost`. */
let postgres: Awaited<ReturnType<typeof startPostgres>>;
let database: TestDatabase;
let owner: Owner;

beforeAll(async () => {
  postgres = await startPostgres();
  process.env['TEST_POSTGRES_URL'] = postgres.url;
  database = await createTestDatabase();
  owner = await rowsOf(database).owner();
});
afterAll(async () => {
  await database.drop();
  await postgres.stop();
});

/** Writes a file into the server's directory, as PostgreSQL wants its key: readable by its user alone. */
async function install(name: string): Promise<void> {
  const lines = (await readFile(certificate(name), 'utf8')).trim().replaceAll('\n', `'), ('`);
  await database.query(`COPY (VALUES ('${lines}')) TO PROGRAM 'umask 077; cat > ${name}'`);
}

async function turnTls(state: 'on' | 'off'): Promise<void> {
  await database.query(`ALTER SYSTEM SET ssl = ${state}`);
  await database.query('SELECT pg_reload_conf()');
  // The server reads it when it gets to it.
  await until(async () => {
    const [row] = await database.query<{ ssl: string }>('SHOW ssl');
    return row?.ssl === state;
  });
}

function urlOf(host: string, parameters: string): string {
  const url = new URL(database.url);
  url.hostname = host;
  url.password = PASSWORD;
  return `${url.href}?${parameters}`;
}

/** Starts the server on this URL, does the work, and stops it. */
async function withApi<Result>(url: string, work: (api: Api) => Promise<Result>): Promise<Result> {
  const api = await startApi({ database, env: { DATABASE_URL: url, LOG_LEVEL: 'trace' } });
  try {
    return await work(api);
  } finally {
    await api.close();
    expect(JSON.stringify(api.log)).not.toContain(PASSWORD);
    expect(JSON.stringify(api.log)).not.toContain(owner.key);
  }
}

/** Whether the connections of the server are encrypted, by PostgreSQL's own word. */
async function encrypted(): Promise<boolean[]> {
  const rows = await database.query<{ ssl: boolean }>(
    `SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
     WHERE datname = current_database() AND application_name = 'game-graphql'`,
  );
  return rows.map(({ ssl }) => ssl);
}

const LIST = '{ games { totalCount } }';

async function expectServed(url: string, isEncrypted: boolean): Promise<void> {
  await withApi(url, async (api) => {
    expect((await fetch(`${api.origin}/health/ready`)).status).toBe(200);
    expect(await api.data(LIST, {}, owner)).toEqual({ games: { totalCount: 0 } });
    expect(await encrypted()).toEqual([isEncrypted]);
  });
}

async function expectRefused(url: string): Promise<void> {
  await withApi(url, async (api) => {
    const ready = await fetch(`${api.origin}/health/ready`);
    expect(ready.status).toBe(503);
    expect((await fetch(`${api.origin}/health/live`)).status).toBe(200);
    const answer = await api.errors(LIST, {}, owner);
    expect(answer.status).toBeGreaterThanOrEqual(500);
    const told = (await ready.text()) + answer.text;
    expect(told).not.toMatch(/canary|certificate|altname|ssl|localhost|127\.0\.0\.1/i);
    // Whoever runs the server is told why.
    expect(JSON.stringify(api.log)).toMatch(/certificate|SSL/);
    expect(await encrypted()).toEqual([]);
  });
}

describe('a database server with a certificate', () => {
  beforeAll(async () => {
    await install('server.key');
    await install('server.crt');
    await turnTls('on');
  });

  test('sslmode=disable is plain', () => expectServed(urlOf('localhost', 'sslmode=disable'), false));
  test('no sslmode is plain', () => expectServed(urlOf('localhost', ''), false));

  test.each([
    ['require, whoever has signed', '127.0.0.1', 'sslmode=require'],
    ['require with the authority', '127.0.0.1', `sslmode=require&${CA}`],
    ['verify-ca with the authority, whatever the host is called', '127.0.0.1', `sslmode=verify-ca&${CA}`],
    ['verify-full with the authority and the name', 'localhost', `sslmode=verify-full&${CA}`],
  ])('sslmode=%s is encrypted', (_name, host, parameters) => expectServed(urlOf(host, parameters), true));

  test.each([
    ['require with another authority', 'localhost', `sslmode=require&${OTHER_CA}`],
    ['verify-ca with another authority', 'localhost', `sslmode=verify-ca&${OTHER_CA}`],
    ['verify-full with another authority', 'localhost', `sslmode=verify-full&${OTHER_CA}`],
    ['verify-full with the authority and another name', '127.0.0.1', `sslmode=verify-full&${CA}`],
    ['verify-full with the authorities of the system', 'localhost', 'sslmode=verify-full'],
  ])('sslmode=%s is refused: the server is not ready, and tells no secret', (_name, host, parameters) =>
    expectRefused(urlOf(host, parameters)),
  );

  test('migrations are as careful', async () => {
    const open = (parameters: string) =>
      openDatabase(readConfig({ DATABASE_URL: urlOf('localhost', parameters) }).database);
    const [good, bad] = [
      await open(`sslmode=verify-full&${CA}`),
      await open(`sslmode=verify-full&${OTHER_CA}`),
    ];
    expect(await good.migrate()).toEqual([]);
    await expect(bad.migrate()).rejects.toThrow(/certificate/);
    await Promise.all([good.close(), bad.close()]);
  });
});

describe('a database server without a certificate', () => {
  beforeAll(() => turnTls('off'));

  test('sslmode=require is refused, and does not fall back to plain', async () => {
    expect(await database.query('SHOW ssl')).toEqual([{ ssl: 'off' }]);
    await expectRefused(urlOf('localhost', 'sslmode=require'));
  });
});
