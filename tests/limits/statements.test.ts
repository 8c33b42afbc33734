import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import sql, { raw } from 'sql-template-tag';
import { readConfig } from '../../src/config.js';
import { openDatabase, type Database } from '../../src/database/database.js';
import { query } from '../../src/database/query.js';
import type { Owner } from '../support/builders.js';
import { recordStatements, workOf } from '../support/statements.js';
import { times } from '../support/texts.js';
import { useApi } from '../support/use-api.js';

const { api, rows } = useApi({ env: { DATABASE_POOL_MAX: '1' } });
let alice: Owner;

beforeAll(async () => {
  alice = await rows.owner();
  await alice.game();
});

describe('a statement may have 500,000 characters', () => {
  /** Long names stand in the statement as often as their fragment is spread. */
  const document = (spreads: number): string =>
    `{ games(first: 1) { ${times(spreads, (index) => `n${index}: nodes { ...F }`)} } }
     fragment F on Game { ${times(480, (index) => `${String(index).padStart(96, 'a')}: id`)} }`;

  test('a longer one is refused with its length, and never sent', async () => {
    expect(await api.query(document(7), {}, alice)).toMatchObject({ status: 200, body: { data: {} } });
    const statements = await recordStatements(api, async () => {
      const { codes, errors } = await api.errors(document(12), {}, alice);
      expect(codes).toEqual(['LIMIT_EXCEEDED']);
      const [, most, length] = /at most (\d+) characters of SQL; this one becomes (\d+)/.exec(
        errors[0]?.message ?? '',
      ) ?? [''];
      expect(most).toBe('500000');
      expect(Number(length)).toBeGreaterThan(500_000);
    });
    expect(workOf(statements)).toEqual([]);
  });

  test('objects that are looked up by their ids too', async () => {
    const head = 'query ($ids: [ID!]!) { gamesByIds(ids: $ids) { tasks(first: 1) {';
    const tasks = document(12)
      .replace('{ games(first: 1) {', head)
      .replace('} }\n', '} } }\n')
      .replace('on Game', 'on Task');
    const ids = [randomUUID()];
    const { codes, errors } = await api.errors(tasks, { ids }, alice);
    expect(codes).toEqual(['LIMIT_EXCEEDED']);
    expect(errors[0]?.message).toContain('at most 500000 characters of SQL');
  });
});

describe('what is prepared on one connection is bounded', () => {
  type Em = Database['em'];
  const opened: Database[] = [];

  afterEach(async () => {
    for (const database of opened.splice(0)) await database.close();
  });

  async function connect(): Promise<Em> {
    const settings = { DATABASE_URL: api.database.url, DATABASE_POOL_MAX: '1' };
    const database = await openDatabase(readConfig(settings).database);
    opened.push(database);
    return database.em.fork();
  }

  /** Runs a statement with a text of its own that has so many characters. */
  async function run(em: Em, number: number, length: number): Promise<void> {
    const name = String(number);
    const text = `SELECT $1::text AS "${name}"`;
    const comment = `--${'x'.repeat(length - text.length - 2)}`;
    const statement = sql`SELECT ${name}::text AS "${raw(name)}"${raw(comment)}`;
    expect(statement.text).toHaveLength(length);
    expect(await query(em, statement)).toEqual([{ [name]: name }]);
  }

  async function prepared(em: Em): Promise<number[]> {
    const found = await query<{ statement: string }>(em, sql`SELECT statement FROM pg_prepared_statements`);
    return found.map(({ statement }) => Number(/AS "(\d+)"/.exec(statement)?.[1])).toSorted((a, b) => a - b);
  }

  test('a statement of 20,000 characters is prepared, a longer one is not', async () => {
    const em = await connect();
    await run(em, 1, 10_000);
    await run(em, 2, 20_001);
    expect(await prepared(em)).toEqual([1]);
  });

  test('the least recently used ones go when all of them have more than 100,000 characters', async () => {
    const em = await connect();
    for (let number = 1; number <= 10; number++) await run(em, number, 10_000);
    expect(await prepared(em)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    await run(em, 1, 10_000);
    await run(em, 11, 10_000);
    expect(await prepared(em)).toEqual([1, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    // What has gone can come again.
    await run(em, 2, 10_000);
    expect(await prepared(em)).toEqual([1, 2, 4, 5, 6, 7, 8, 9, 10, 11]);
  });

  test('the least recently used ones go when there are more than 200', async () => {
    const em = await connect();
    for (let number = 1; number <= 200; number++) await run(em, number, 100);
    expect(await prepared(em)).toHaveLength(200);
    await run(em, 1, 100);
    await run(em, 201, 100);
    const left = await prepared(em);
    expect(left).toHaveLength(200);
    expect(left.slice(0, 2)).toEqual([1, 3]);
  });

  test('in a transaction as well', async () => {
    const em = await connect();
    await em.transactional(async (transaction) => {
      for (let number = 1; number <= 15; number++) await run(transaction, number, 20_000);
      expect(await prepared(transaction)).toEqual([11, 12, 13, 14, 15]);
    });
  });

  test('they are closed by the protocol, which poolers understand, not by a statement', async () => {
    const em = await connect();
    const statements = await recordStatements(api, async () => {
      for (let number = 1; number <= 12; number++) await run(em, number, 10_000);
    });
    expect(statements).toHaveLength(12);
    expect(statements.filter(({ text }) => /deallocate/i.test(text))).toEqual([]);
    expect(await prepared(em)).toHaveLength(10);
  });
});
