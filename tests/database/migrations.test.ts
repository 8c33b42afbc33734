import { afterAll, afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { readConfig } from '../../src/config.js';
import { problemOf } from '../../src/app/database-check.js';
import { openDatabase, type Database } from '../../src/database/database.js';
import { migrations } from '../../src/migrations/index.js';
import { createEmptyDatabase, type TestDatabase } from '../support/database.js';
import { addUntidyRows, catalogOf, createGameDatabase, GAME_TABLES } from '../support/game-database.js';
import { closeWorkplaces, until, Workplace } from '../support/process.js';

const NAMES = migrations.map(({ name }) => name);

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});
afterAll(closeWorkplaces);

async function emptyDatabase(): Promise<TestDatabase> {
  const database = await createEmptyDatabase();
  cleanups.push(() => database.drop());
  return database;
}

async function gameDatabase(): Promise<TestDatabase> {
  const database = await createGameDatabase();
  cleanups.push(() => database.drop());
  await addUntidyRows(database);
  return database;
}

async function open({ url }: TestDatabase): Promise<Database> {
  const database = await openDatabase(readConfig({ DATABASE_URL: url }).database, { statementTimeoutMs: 0 });
  cleanups.push(() => database.close());
  return database;
}

/** A connection of GAME's own, past the pool. */
async function connect({ url }: TestDatabase): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  cleanups.push(() => client.end());
  return client;
}

async function migrate(database: TestDatabase): Promise<string[]> {
  const ours = await open(database);
  return ours.migrate();
}

/** Whether it has come to an end by now, whatever that is. */
function endOf(work: Promise<unknown>): () => boolean {
  let isOver = false;
  work.finally(() => (isOver = true)).catch(() => {});
  return () => isOver;
}

/** The indexes of ours, by name, and whether they serve. */
async function indexes(database: TestDatabase): Promise<Record<string, boolean>> {
  const rows = await database.query<{ name: string; valid: boolean }>(
    `SELECT c.relname AS name, i.indisvalid AND i.indisready AS valid
     FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
     WHERE starts_with(c.relname, 'game_graphql_') AND NOT starts_with(t.relname, 'game_graphql_')`,
  );
  return Object.fromEntries(rows.map(({ name, valid }) => [name, valid]));
}

/** The indexes that a migration which nothing disturbs makes. */
async function allIndexes(): Promise<Record<string, boolean>> {
  const database = await emptyDatabase();
  await migrate(database);
  return indexes(database);
}

/** Without what differs between two tables that hold the same: the names that PostgreSQL made up. */
function comparable({ columns, constraints, triggers }: Awaited<ReturnType<typeof catalogOf>>): object {
  return {
    columns,
    constraints: constraints.map((line) => line.replace(/^(\w+) \S+ /, '$1 ')).sort(),
    triggers,
  };
}

describe('an empty database', () => {
  test('gets the very tables of GAME: each column, type, null, default, key and unique', async () => {
    const [empty, game] = [await emptyDatabase(), await gameDatabase()];
    expect(await migrate(empty)).toEqual(NAMES);
    const made = await catalogOf(empty, GAME_TABLES);
    const wanted = await catalogOf(game, GAME_TABLES);
    expect(made.tables).toEqual([...GAME_TABLES].sort());
    expect(comparable(made)).toEqual(comparable(wanted));
    const named = (lines: readonly string[]) =>
      lines.filter((line) => line.includes('games_externalGameId_key'));
    expect(named(made.constraints)).toEqual(named(wanted.constraints));
    expect(named(made.constraints)).toHaveLength(1);
  });

  test('gets tables of ours beside those of GAME under names that GAME does not use', async () => {
    const empty = await emptyDatabase();
    await migrate(empty);
    const { tables } = await catalogOf(empty);
    const others = tables.filter((table) => !GAME_TABLES.includes(table));
    expect(others.filter((table) => !table.startsWith('game_graphql_'))).toEqual([]);
  });

  test('has every table and column that the code names', async () => {
    const empty = await emptyDatabase();
    await migrate(empty);
    const ours = await open(empty);
    const columns = await empty.query<{ column: string }>(
      `SELECT table_name || '.' || column_name AS column FROM information_schema.columns WHERE table_schema = 'public'`,
    );
    const there = columns.map(({ column }) => column);
    const named = [...ours.em.getMetadata().getAll().values()].flatMap(({ tableName, props }) =>
      props.flatMap(({ fieldNames }) => fieldNames.map((name) => `${tableName}.${name}`)),
    );
    expect(named.length).toBeGreaterThan(15);
    expect(named.filter((column) => !there.includes(column))).toEqual([]);
  });
});

describe('running it again', () => {
  test('has nothing to do, and changes nothing', async () => {
    for (const database of [await emptyDatabase(), await gameDatabase()]) {
      expect(await migrate(database)).toEqual(NAMES);
      const before = [await catalogOf(database), await database.dump()];
      expect(await migrate(database)).toEqual([]);
      expect([await catalogOf(database), await database.dump()]).toEqual(before);
    }
  });

  test('makes what is missing when the list of migrations was lost', async () => {
    const database = await gameDatabase();
    await migrate(database);
    const before = await catalogOf(database);
    await database.query('DROP TABLE game_graphql_migrations');
    await database.query('DROP INDEX game_graphql_games_created');
    expect(await migrate(database)).toEqual(NAMES);
    expect(await catalogOf(database)).toEqual(before);
  });
});

describe('two at once', () => {
  test.each([
    ['an empty database', emptyDatabase],
    ['the database of a GAME', gameDatabase],
  ])('in %s each succeeds, and one of them does the work', async (_name, create) => {
    const database = await create();
    const [a, b, c] = [await open(database), await open(database), await open(database)];
    const applied = await Promise.all([a.migrate(), b.migrate(), c.migrate()]);
    expect(applied.sort((x, y) => y.length - x.length)).toEqual([NAMES, [], []]);
    expect(await indexes(database)).toEqual(await allIndexes());
  });

  test('as processes of their own, both end well', async () => {
    const database = await gameDatabase();
    const workplace = await Workplace.create();
    const run = () => workplace.run('commands/migrate', { env: { DATABASE_URL: database.url } });
    const ended = await Promise.all([run(), run()]);
    expect(ended.map(({ code, stderr }) => ({ code, stderr }))).toEqual([
      { code: 0, stderr: '' },
      { code: 0, stderr: '' },
    ]);
    expect(ended.map(({ stdout }) => stdout).sort()).toEqual([
      `Applied ${NAMES.join(', ')}.\n`,
      'The database is up to date.\n',
    ]);
  });
});

describe('while GAME works', () => {
  let database: TestDatabase;
  beforeEach(async () => {
    database = await gameDatabase();
  });

  test('no write waits, not even behind a transaction of GAME that takes its time', async () => {
    await database.query(
      `INSERT INTO games (id, "externalGameId", created_at) SELECT gen_random_uuid(), 'g' || n, now() FROM generate_series(1, 20000) n`,
    );
    // Whatever would lock a table against writes has to wait for this, and all writes would wait behind it.
    const slow = await connect(database);
    await slow.query('BEGIN');
    for (const table of GAME_TABLES) await slow.query(`LOCK TABLE ${table} IN ROW EXCLUSIVE MODE`);
    await slow.query(`INSERT INTO games (id) VALUES ($1)`, [randomUUID()]);
    const writer = await connect(database);
    await writer.query(`SET statement_timeout = '5s'`);

    const ours = await open(database);
    const migrated = ours.migrate();
    const isOver = endOf(migrated);
    const waits: number[] = [];
    const startedAt = performance.now();
    while (!isOver()) {
      // GAME's slow transaction ends only after it has been in the way for a while.
      if (waits.length > 0 && performance.now() - startedAt > 1_000) await slow.query('COMMIT');
      const id = randomUUID();
      const before = performance.now();
      await writer.query('INSERT INTO games (id, "externalGameId") VALUES ($1, $2)', [id, `live-${id}`]);
      await writer.query(`INSERT INTO gamesparams (id, "gameId", key) VALUES ($1, $2, 'k')`, [
        randomUUID(),
        id,
      ]);
      await writer.query(
        `INSERT INTO tasks (id, "gameId", "externalTaskId", "strategyId", status) VALUES ($1, $2, 't', 'default', 'open')`,
        [randomUUID(), id],
      );
      waits.push(performance.now() - before);
    }
    expect(await migrated).toEqual(NAMES);
    expect(waits.length).toBeGreaterThan(10);
    expect(Math.max(...waits)).toBeLessThan(3_000);
    expect(await indexes(database)).toEqual(await allIndexes());
  });

  test('reads of the server do not fail', async () => {
    const ours = await open(database);
    const migrated = (await open(database)).migrate();
    const isOver = endOf(migrated);
    while (!isOver()) expect(await problemOf(ours.em)).toBeNull();
    await migrated;
  });
});

describe('a run that was cut off', () => {
  let database: TestDatabase;
  let slow: pg.Client;

  /** Waits until an index is being made, which it cannot be while `slow` is in its transaction. */
  async function whileIndexing(): Promise<number> {
    return until(async () => {
      const [row] = await database.query<{ pid: number }>(
        `SELECT pid FROM pg_stat_activity
         WHERE datname = current_database() AND query ILIKE 'create index concurrently%' AND state = 'active' AND wait_event_type = 'Lock'`,
      );
      return row?.pid ?? null;
    });
  }

  beforeEach(async () => {
    database = await gameDatabase();
    slow = await connect(database);
    await slow.query('BEGIN');
    await slow.query('INSERT INTO games (id) VALUES ($1)', [randomUUID()]);
  });

  test('in the middle of an index leaves no broken index after the next', async () => {
    const ours = await open(database);
    const migrated = ours.migrate().catch((error: unknown) => error);
    await database.query('SELECT pg_terminate_backend($1)', [await whileIndexing()]);
    expect(await migrated).toBeInstanceOf(Error);
    await slow.query('COMMIT');
    expect(Object.values(await indexes(database))).toContain(false);

    expect(await migrate(database)).toEqual(NAMES);
    expect(await indexes(database)).toEqual(await allIndexes());
  });

  test('by killing its process is taken up by the next, though its statement still runs', async () => {
    const workplace = await Workplace.create();
    const env = { DATABASE_URL: database.url };
    const first = workplace.start('commands/migrate', { env });
    await whileIndexing();
    await first.kill();
    const second = workplace.run('commands/migrate', { env });
    await slow.query('COMMIT');
    expect(await second).toMatchObject({ code: 0, stderr: '' });
    expect(await indexes(database)).toEqual(await allIndexes());
  });

  test('in the middle of making the tables is begun anew by the next', async () => {
    const empty = await emptyDatabase();
    const other = await connect(empty);
    await other.query('BEGIN');
    // Whoever wants to make the same table waits for this one.
    await other.query('CREATE TABLE tasks (id uuid)');
    const ours = await open(empty);
    const migrated = ours.migrate().catch((error: unknown) => error);
    const pid = await until(async () => {
      const [row] = await empty.query<{ pid: number }>(
        `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      );
      return row?.pid ?? null;
    });
    await empty.query('SELECT pg_terminate_backend($1)', [pid]);
    expect(await migrated).toBeInstanceOf(Error);
    await other.query('ROLLBACK');

    expect(await migrate(empty)).toEqual(NAMES);
    expect(comparable(await catalogOf(empty, GAME_TABLES))).toEqual(
      comparable(await catalogOf(database, GAME_TABLES)),
    );
  });

  test('between two steps is taken up where it was', async () => {
    await slow.query('ROLLBACK');
    await migrate(database);
    const before = await catalogOf(database);
    await database.query('DELETE FROM game_graphql_migrations');
    await database.query(
      `UPDATE pg_index SET indisvalid = false
       WHERE indexrelid IN ('game_graphql_games_created'::regclass, 'game_graphql_tasks_strategy'::regclass)`,
    );
    expect(await migrate(database)).toEqual(NAMES);
    expect(await catalogOf(database)).toEqual(before);
  });
});
