import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import sql, { raw } from 'sql-template-tag';
import { readConfig } from '../../src/config.js';
import { openDatabase, type Database, type OpenOptions } from '../../src/database/database.js';
import { query } from '../../src/database/query.js';
import { inTransaction } from '../../src/database/transaction.js';
import { createServer } from '../../src/http/server.js';
import { rowsOf, type Owner } from '../support/builders.js';
import { ChaosProxy } from '../support/chaos-proxy.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { startPostgres } from '../support/postgres.js';
import { ask, health, SOON_MS, until, within } from '../support/process.js';

const POOL = 5;
/** Connections of the server of which one caller may hold that many: two are reserved, and a third is one's share. */
const CONNECTIONS = 3 * POOL;
/** Longest time of a statement, in ms, where a test waits for it to pass. */
const STATEMENT_MS = 1_000;

/** A PostgreSQL server of this file's own: it is made to crash. */
let postgres: Awaited<ReturnType<typeof startPostgres>>;
let database: TestDatabase;
let owner: Owner;

beforeAll(async () => {
  postgres = await startPostgres();
  process.env['TEST_POSTGRES_URL'] = postgres.url;
});
afterAll(() => postgres.stop());
beforeEach(async () => {
  database = await createTestDatabase();
  cleanups.push(() => database.drop());
  owner = await rowsOf(database).owner();
  // Or a crash would lose what was answered: PostgreSQL is set up here to be fast.
  await database.query(`ALTER DATABASE ${database.name} SET synchronous_commit = on`);
  await database.query('CHECKPOINT');
});

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function open(env: NodeJS.ProcessEnv = {}, options: OpenOptions = {}): Promise<Database> {
  const settings = { DATABASE_URL: database.url, DATABASE_POOL_MAX: String(CONNECTIONS), ...env };
  const opened = await openDatabase(readConfig(settings).database, options);
  cleanups.push(() => opened.close());
  return opened;
}

/** Starts the server with a patience of its own; answers where it is. */
async function serve(env: NodeJS.ProcessEnv = {}, options: OpenOptions = {}): Promise<string> {
  const config = readConfig({ DATABASE_URL: database.url, LOG_LEVEL: 'silent', ...env });
  const server = await createServer(config, await open(env, options));
  cleanups.push(() => server.close());
  await server.listen({ host: '127.0.0.1', port: 0 });
  const origin = `http://127.0.0.1:${(server.server.address() as AddressInfo).port}`;
  expect(await ask(origin, LIST, owner.key)).toMatchObject({ status: 200, codes: [] });
  return origin;
}

const LIST = '{ games(first: 5) { totalCount nodes { id params { key } } } }';
const create = (name: string) =>
  `mutation { createGame(input: { externalGameId: "${name}", platform: "web", params: [{ key: "k", value: "v" }] }) { game { id } } }`;
const newName = (): string => `g-${randomUUID()}`;

/** Keeps every write of games waiting, and every read too if it is exclusive, until it is told to let go. */
async function hold(mode: 'SHARE' | 'ACCESS EXCLUSIVE'): Promise<() => Promise<void>> {
  const client = new pg.Client({ connectionString: database.url });
  client.on('error', () => {});
  await client.connect();
  await client.query(`BEGIN; LOCK TABLE games IN ${mode} MODE`);
  const release = (): Promise<void> => client.end().catch(() => {});
  cleanups.push(release);
  return release;
}

/** How many statements of the server wait for a lock in the database. */
async function waiting(): Promise<number> {
  const rows = await database.query(
    `SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'game-graphql' AND wait_event_type = 'Lock'`,
  );
  return rows.length;
}

/** Expects that as many transactions as the pool is large run at the same time, and all of them succeed. */
async function expectWholePool(origin: string): Promise<void> {
  const release = await hold('SHARE');
  const answers = Array.from({ length: POOL }, () => ask(origin, create(newName()), owner.key));
  await until(async () => (await waiting()) === POOL);
  await release();
  expect((await Promise.all(answers)).map(({ codes }) => codes)).toEqual(answers.map(() => []));
}

interface Load {
  /** Ends the load; answers what was written and what was answered. */
  stop(): Promise<void>;
  readonly acknowledged: Set<string>;
  readonly sent: Set<string>;
  /** Answers that were neither a success nor SERVICE_UNAVAILABLE. */
  readonly others: unknown[];
  readonly refused: () => number;
}

/** Clients that read and write without a pause. */
function load(origin: string, clients = 10): Load {
  const [acknowledged, sent, others] = [new Set<string>(), new Set<string>(), [] as unknown[]];
  const state = { isOver: false, refused: 0 };
  const work = Array.from({ length: clients }, async (_, client) => {
    while (!state.isOver) {
      const name = newName();
      const isWrite = client % 2 === 0;
      if (isWrite) sent.add(name);
      const { status, codes } = await ask(origin, isWrite ? create(name) : LIST, owner.key);
      if (status === 200 && codes.length === 0) {
        if (isWrite) acknowledged.add(name);
      } else {
        state.refused++;
        if (status !== 503 || codes.join() !== 'SERVICE_UNAVAILABLE') others.push({ status, codes, isWrite });
        await delay(5);
      }
    }
  });
  return {
    acknowledged,
    sent,
    others,
    refused: () => state.refused,
    stop: async () => {
      state.isOver = true;
      await Promise.all(work);
    },
  };
}

/** Expects that every write that was answered is there, whole and once, and no other than was sent. */
async function expectNothingLost({ acknowledged, sent }: Load): Promise<void> {
  const rows = await database.query<{ name: string; params: number; logs: number }>(
    `SELECT "externalGameId" AS name, (SELECT count(*)::int FROM gamesparams p WHERE p."gameId" = g.id) AS params,
       (SELECT count(*)::int FROM logs l WHERE l.details->>'game_id' = g.id::text) AS logs FROM games g`,
  );
  const found = new Map(rows.map((row) => [row.name, row]));
  expect(found.size).toBe(rows.length);
  expect([...acknowledged].filter((name) => !found.has(name))).toEqual([]);
  expect(rows.filter(({ name }) => name.startsWith('g-') && !sent.has(name))).toEqual([]);
  expect(rows.filter(({ params, logs }) => params !== 1 || logs !== 1)).toEqual([]);
}

describe('connections that are cut off under load', () => {
  test('cost no place in the pool, no write that was answered, and are retryable errors at most', async () => {
    const origin = await serve();
    const clients = load(origin);
    while (clients.refused() <= 10 || clients.acknowledged.size <= 10) {
      await database.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND application_name = 'game-graphql' AND random() < 0.5`,
      );
      await delay(25);
    }
    await clients.stop();
    expect(clients.others).toEqual([]);
    await expectNothingLost(clients);
    await expectWholePool(origin);
    expect(await health(origin, 'ready')).toBe(200);
  });
});

describe('connections that have ended, of which nobody knows yet', () => {
  const COUNT = '{ games(first: 1) { totalCount } }';
  let proxy: ChaosProxy;
  let origin: string;
  beforeEach(async () => {
    proxy = await ChaosProxy.start(database.url);
    cleanups.push(() => proxy.close());
    origin = await serve({ DATABASE_URL: proxy.url });
    await Promise.all(Array.from({ length: 4 }, () => ask(origin, COUNT, owner.key)));
  });

  test('are not noticed by reads, nor by writes that had not begun', async () => {
    for (const document of [COUNT, create(newName()), LIST, create(newName())]) {
      proxy.cutOffAfter(0);
      // Who asks is looked up on a connection as well, unless it is known.
      const { key } = await rowsOf(database).owner();
      expect(await ask(origin, document, key)).toMatchObject({ status: 200, codes: [] });
    }
    proxy.cutOffAfter(0);
    expect(await health(origin, 'ready')).toBe(200);
    await expectWholePool(origin);
  });

  test('are one retryable error for a write that had begun: it is not done again', async () => {
    expect(await ask(origin, create(newName()), owner.key)).toMatchObject({ status: 200 });
    // BEGIN is through.
    for (const uses of [1, 2, 3, 4]) {
      proxy.cutOffAfter(uses);
      const { status, codes } = await ask(origin, create(newName()), owner.key);
      expect([uses, status, codes]).toEqual([uses, 503, ['SERVICE_UNAVAILABLE']]);
      expect(await ask(origin, COUNT, owner.key)).toMatchObject({ status: 200 });
    }
    expect(await database.query('SELECT FROM games')).toHaveLength(1);
  });

  test('at its COMMIT, it is done all the same, once', async () => {
    expect(await ask(origin, create(newName()), owner.key)).toMatchObject({ status: 200 });
    proxy.cutOffAfter(5);
    expect(await ask(origin, create(newName()), owner.key)).toMatchObject({ status: 200, codes: [] });
    expect(await database.query('SELECT FROM games')).toHaveLength(2);
    expect(await database.query('SELECT FROM logs')).toHaveLength(2);
  });

  test('and were ended by the database: reads go on', async () => {
    for (let round = 0; round < 20; round++) {
      await database.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'game-graphql'`,
      );
      const answers = await Promise.all(
        [LIST, COUNT, LIST].map((document) => ask(origin, document, owner.key)),
      );
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    }
  });
});

describe('connections that end again and again', () => {
  test.each<[what: string, run: (em: Database['em']) => Promise<unknown>]>([
    ['a read', (em) => query(em, sql`SELECT 1`)],
    ['a transaction', (em) => inTransaction(em, (inner) => query(inner, sql`SELECT 1`))],
  ])('before they are used: %s asks for two, and no more', async (_what, run) => {
    let count = 0;
    const nothing = createTcpServer((socket) => {
      count++;
      socket.destroy();
    });
    await once(nothing.listen(0, '127.0.0.1'), 'listening');
    cleanups.push(() => promisify(nothing.close.bind(nothing))());
    const { port } = nothing.address() as AddressInfo;
    const { em } = await open({ DATABASE_URL: `postgres://somebody@127.0.0.1:${port}/none` });
    await expect(run(em.fork())).rejects.toThrow(/terminated|ECONNRESET/);
    expect(count).toBe(2);
  });

  test.each([
    ['a read is sent twice', 'SELECT', 2],
    ['what is no read is sent once', 'VALUES', 1],
  ])('by a statement: %s', async (_what, command, times) => {
    await database.query('CREATE SEQUENCE sent');
    const { em } = await open();
    const values = `nextval('sent'), pg_terminate_backend(pg_backend_pid())`;
    const statement = raw(command === 'VALUES' ? `VALUES (${values})` : `SELECT ${values}`);
    await expect(query(em.fork(), statement)).rejects.toThrow(/terminat/);
    expect(await database.query('SELECT last_value::int FROM sent')).toEqual([{ last_value: times }]);
  });
});

describe('a crash and restart of the database', () => {
  test('is survived without a restart of the server, and loses nothing that was answered', async () => {
    const origin = await serve();
    const clients = load(origin);
    for (let round = 0; round < 3; round++) {
      const answered = clients.acknowledged.size;
      // The crash of one backend makes PostgreSQL end all of them and recover from its log.
      const [backend] = await database.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      process.kill(backend?.pid ?? 0, 'SIGKILL');
      await until(async () => {
        await database.query('SELECT 1').catch(() => {});
        return clients.acknowledged.size > answered + 20;
      });
    }
    await clients.stop();
    expect(clients.others).toEqual([]);
    expect(clients.refused()).toBeGreaterThan(3);
    await expectNothingLost(clients);
    await expectWholePool(origin);
    expect(await health(origin, 'ready')).toBe(200);
  });
});

describe('a network that falls silent', () => {
  test('holds no request longer than its time, and is forgotten once it works again', async () => {
    const proxy = await ChaosProxy.start(database.url);
    cleanups.push(() => proxy.close());
    const origin = await serve({ DATABASE_URL: proxy.url }, { statementTimeoutMs: STATEMENT_MS });
    // Every connection of the pool is open.
    await Promise.all(Array.from({ length: 20 }, () => ask(origin, LIST, owner.key)));
    proxy.fallSilent();
    const startedAt = performance.now();
    const documents = [LIST, create(newName()), LIST, create(newName()), LIST, LIST, create(newName()), LIST];
    const answers = await Promise.all(documents.map((document) => ask(origin, document, owner.key)));
    expect(performance.now() - startedAt).toBeLessThan(6_500);
    for (const { status, codes } of answers) expect([status, codes]).toEqual([503, ['SERVICE_UNAVAILABLE']]);
    expect([await health(origin, 'live'), await health(origin, 'ready')]).toEqual([200, 503]);

    proxy.heal();
    await until(async () => (await ask(origin, LIST, owner.key)).status === 200);
    await expectWholePool(origin);
  });
});

describe('a statement that takes too long', () => {
  test.each<[name: string, mode: 'SHARE' | 'ACCESS EXCLUSIVE', document: () => string]>([
    ['a read', 'ACCESS EXCLUSIVE', () => LIST],
    ['a write', 'SHARE', () => create(newName())],
  ])('%s ends with a retryable error, and is cancelled in the database', async (_name, mode, document) => {
    const origin = await serve({}, { statementTimeoutMs: STATEMENT_MS });
    const release = await hold(mode);
    const answers = Array.from({ length: POOL }, () => ask(origin, document(), owner.key));
    await until(async () => (await waiting()) === POOL);
    for (const answer of answers) {
      expect(await within(SOON_MS, answer)).toMatchObject({ status: 503, codes: ['SERVICE_UNAVAILABLE'] });
    }
    // The lock is still held: were they not cancelled, they would still wait for it.
    await until(async () => (await waiting()) === 0);
    await release();
    await expectWholePool(origin);
    expect((await database.query('SELECT FROM games')).length).toBe(POOL);
  });
});

describe('more requests than connections', () => {
  test('wait for their time and end with a retryable error, while the process is live', async () => {
    // One caller may hold two of them.
    const origin = await serve({ DATABASE_POOL_MAX: '6' });
    const release = await hold('SHARE');
    const holding = [1, 2].map(() => ask(origin, create(newName()), owner.key));
    await until(async () => (await waiting()) === 2);
    const startedAt = performance.now();
    const queued = Array.from({ length: 30 }, async () => {
      const answer = await ask(origin, LIST, owner.key);
      return { ...answer, ms: performance.now() - startedAt };
    });
    await delay(500);
    const liveAt = performance.now();
    expect(await health(origin, 'live')).toBe(200);
    expect(performance.now() - liveAt).toBeLessThan(250);
    for (const { status, codes, ms } of await Promise.all(queued)) {
      expect([status, codes]).toEqual([503, ['SERVICE_UNAVAILABLE']]);
      expect(ms).toBeLessThan(6_500);
    }
    await release();
    for (const { codes } of await Promise.all(holding)) expect(codes).toEqual([]);
    expect(await ask(origin, LIST, owner.key)).toMatchObject({ status: 200, codes: [] });
  });
});

describe('a deadlock with another writer of the database', () => {
  test('is tried again and not shown, and both writes stand', async () => {
    // It looks for a deadlock once: late enough for the other writer to be there, on a slow machine too.
    await database.query(`ALTER DATABASE ${database.name} SET deadlock_timeout = '5s'`);
    cleanups.push(() => database.query(`ALTER DATABASE ${database.name} RESET deadlock_timeout`));
    const origin = await serve();
    const game = await owner.game();
    const param = await game.param({ key: 'k', value: '1' });
    const other = new pg.Client({ connectionString: database.url });
    await other.connect();
    cleanups.push(() => other.end());
    // The server finds the deadlock first, so it is the one that has to give way.
    await other.query(`SET deadlock_timeout = '120s'`);
    await other.query('BEGIN');
    await other.query('SELECT FROM gamesparams WHERE id = $1 FOR UPDATE', [param.id]);
    const answer = ask(
      origin,
      `mutation ($id: ID!, $param: ID!) {
        patchGame(input: { id: $id, platform: "new", params: { update: [{ id: $param, value: "2" }] } }) { game { id } } }`,
      owner.key,
      { id: game.id, param: param.id },
    );
    await until(async () => (await waiting()) === 1);
    await other.query(`UPDATE games SET "strategyId" = 'socio_bee' WHERE id = $1`, [game.id]);
    await other.query('COMMIT');
    expect(await answer).toMatchObject({ status: 200, codes: [] });
    expect(await database.query('SELECT platform, "strategyId" FROM games')).toEqual([
      { platform: 'new', strategyId: 'socio_bee' },
    ]);
    expect(await database.query('SELECT value FROM gamesparams')).toEqual([{ value: '2' }]);
    const found = `SELECT FROM pg_stat_database WHERE datname = current_database() AND deadlocks = 1`;
    await until(async () => (await database.query(found)).length === 1);
  });
});

test('a transaction that collides with others each time is given up after five attempts', async () => {
  const { em } = await open();
  const collision = sql`DO $$ BEGIN RAISE EXCEPTION 'collided' USING ERRCODE = 'serialization_failure'; END $$`;
  let attempts = 0;
  const tried = inTransaction(em.fork(), (inner) => {
    attempts++;
    return query(inner, collision);
  });
  await expect(tried).rejects.toThrow('collided');
  expect(attempts).toBe(5);
});

describe('prepared statements', () => {
  const ONE_CONNECTION = { DATABASE_POOL_MAX: '1' };
  type Em = Database['em'];
  const prepared = (em: Em) =>
    query<{ name: string; statement: string }>(em, sql`SELECT name, statement FROM pg_prepared_statements`);
  /** A statement with a text of its own, and values that a text could not hold unharmed. */
  const distinct = async (em: Em, number: number): Promise<void> => {
    const value = `' ${number} \\ $1 "`;
    const rows = await query(em, sql`SELECT ${value}::text AS ${raw(`c${number}`)}, ${number}::int AS n`);
    expect(rows).toEqual([{ [`c${number}`]: value, n: number }]);
  };

  test('a statement is prepared once, and its values are not part of it', async () => {
    const { em } = await open(ONE_CONNECTION);
    const fork = em.fork();
    for (const value of ['a', 'b', 'c']) {
      expect(await query(fork, sql`SELECT ${value}::text AS v`)).toEqual([{ v: value }]);
    }
    expect((await prepared(fork)).map(({ statement }) => statement)).toEqual(['SELECT $1::text AS v']);
  });

  test.each(['outside a transaction', 'in one transaction'])(
    'beyond 200 texts on one connection the oldest go, %s',
    async (where) => {
      const { em } = await open(ONE_CONNECTION);
      const work = async (fork: Em): Promise<void> => {
        for (let number = 0; number < 230; number++) await distinct(fork, number);
        await distinct(fork, 30);
        for (let number = 230; number < 300; number++) await distinct(fork, number);
        const left = await prepared(fork);
        expect(left).toHaveLength(200);
        // The one that was used again is not the oldest.
        const texts = left.map(({ statement }) => statement);
        const has = (number: number): boolean => texts.some((text) => text.includes(`c${number},`));
        expect([0, 30, 31, 100, 101, 299].map(has)).toEqual([false, true, false, false, true, true]);
        await distinct(fork, 0);
      };
      if (where === 'in one transaction') await em.fork().transactional((inner) => work(inner));
      else await work(em.fork());
    },
  );

  test('one that could not be prepared does no harm when its turn to go comes, in a transaction', async () => {
    const { em } = await open(ONE_CONNECTION);
    const fork = em.fork();
    await expect(query(fork, sql`SELECT ${1}::int FROM missing_table`)).rejects.toThrow('missing_table');
    for (let number = 0; number < 199; number++) await distinct(fork, number);
    await fork.transactional(async (inner) => {
      await distinct(inner, 1_000);
      await distinct(inner, 1_001);
    });
    expect((await prepared(fork)).length).toBeLessThanOrEqual(200);
  });

  test.each<[column: string, document: (id: string) => string]>([
    ['apikey "apiKey"', () => LIST],
    [
      'games platform',
      (id) => `mutation { patchGame(input: { id: "${id}", platform: "${newName()}" }) { game { id } } }`,
    ],
  ])('a change of the type of %s is not noticed', async (column, document) => {
    const origin = await serve();
    const game = await owner.game();
    const all = async (): Promise<unknown> => {
      // Keys that nobody knows yet.
      const keys = await Promise.all(Array.from({ length: 6 }, () => rowsOf(database).owner()));
      const answers = [
        ...keys.map(({ key }) => ask(origin, LIST, key)),
        ...Array.from({ length: 6 }, () => ask(origin, document(game.id), owner.key)),
      ];
      return (await Promise.all(answers)).map(({ status, codes }) => ({ status, codes }));
    };
    const good = Array(12).fill({ status: 200, codes: [] });
    expect(await all()).toEqual(good);
    const [table, name] = column.split(' ');
    for (const type of ['text', 'varchar(200)', 'text']) {
      await database.query(`ALTER TABLE ${table} ALTER ${name} TYPE ${type}`);
      expect(await all()).toEqual(good);
    }
  });

  test('one that something closed is prepared anew, a transaction with it run again', async () => {
    const { em } = await open(ONE_CONNECTION);
    const fork = em.fork();
    await distinct(fork, 1);
    await query(fork, sql`DEALLOCATE ALL`);
    await distinct(fork, 1);
    await query(fork, sql`DEALLOCATE ALL`);
    let runs = 0;
    await inTransaction(fork, async (inner) => {
      runs++;
      await distinct(inner, 1);
    });
    expect(runs).toBe(2);
  });

  test('can be switched off, for a pooler that cannot have them', async () => {
    const { em } = await open({ ...ONE_CONNECTION, DATABASE_PREPARED_STATEMENTS: 'off' });
    const fork = em.fork();
    for (let number = 0; number < 5; number++) await distinct(fork, number);
    await fork.transactional((inner) => distinct(inner, 6));
    expect(await prepared(fork)).toEqual([]);
  });
});
