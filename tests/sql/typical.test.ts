import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { formatSql, showStatement } from '../../src/commands/format-sql.js';
import { OperationRecorder } from '../../src/commands/operation-recorder.js';
import { readConfig, type Config } from '../../src/config.js';
import { openDatabase, type Database } from '../../src/database/database.js';
import { rowsOf } from '../support/builders.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { startReference } from '../support/reference.js';

const FILES = new URL('typical/', import.meta.url);
const WRITE = process.env['WRITE_SQL'] === '1';

/** Ids are fixed: they are values of the statements. */
const id = (number: number): string => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
const UUID = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;
const CALLER = { kind: 'apiKey', apiKey: 'gme_live_a1B2c3D4' } as const;
const STRATEGY = `custom:${id(20)}`;

const GAME = 'id externalGameId platform strategyId createdAt updatedAt';
const PAGE = `nodes { ${GAME} } pageInfo { hasNextPage endCursor }`;

/** What clients ask for most, by the name of its file. A cursor is that of the second game. */
const OPERATIONS: Readonly<Record<string, (cursor: string) => { query: string; variables?: object }>> = {
  'games-newest-first': () => ({ query: `{ games(first: 20) { ${PAGE} } }` }),
  'games-after-cursor': (after) => ({
    query: `query ($after: String) { games(first: 20, after: $after) { ${PAGE} } }`,
    variables: { after },
  }),
  'games-search': () => ({
    query: `query ($filter: GameFilter) { games(first: 20, filter: $filter, orderBy: [{ field: EXTERNAL_GAME_ID }]) {
      totalCount ${PAGE} } }`,
    variables: {
      filter: {
        externalGameId: { containsInsensitive: 'summer' },
        or: [{ platform: { in: ['web', 'android'] } }, { not: { strategyId: { eq: 'default' } } }],
      },
    },
  }),
  game: () => ({
    query: `query ($id: ID!) { game(id: $id) { ${GAME} version owner { apiKey oauthUserId } params { key value }
      tasks(first: 10) { totalCount nodes { id externalTaskId status params { key value } } }
      leaderboard(first: 10) { nodes { rank externalUserId points } } } }`,
    variables: { id: id(1) },
  }),
  'games-by-ids': () => ({
    query: `query ($ids: [ID!]!) { gamesByIds(ids: $ids) { ${GAME} } }`,
    variables: { ids: [id(1), id(2)] },
  }),
  node: () => ({
    query: `query ($id: ID!) { node(id: $id) { id ... on Game { ${GAME} } ... on Task { externalTaskId game { id } }
      ... on Strategy { name version } ... on StrategyReassignment { kind count } } }`,
    variables: { id: id(10) },
  }),
  strategies: () => ({
    query: '{ strategies(first: 20) { totalCount nodes { id kind name version status } } }',
  }),
  strategy: () => ({
    query: `query ($id: ID!) { strategy(id: $id) { name version status versions { id version status }
      games(first: 10) { totalCount ${PAGE} } } }`,
    variables: { id: STRATEGY },
  }),
  'strategy-reassignments': () => ({
    query: `{ strategyReassignments(first: 20) { nodes { id kind oldStrategyId newStrategyId count
      madeBy { apiKey oauthUserId } createdAt undoneAt games(first: 5) { nodes { id } } } } }`,
  }),
  'patch-game': () => ({
    query: `mutation ($input: PatchGameInput!) { patchGame(input: $input) {
      changes { field before after } game { ${GAME} params { key value } } } }`,
    variables: {
      input: {
        id: id(1),
        platform: 'tv',
        params: { add: [{ key: 'color', value: 'blue' }], remove: [id(5)] },
      },
    },
  }),
};

const recorder = new OperationRecorder();
let tests: TestDatabase;
let config: Config;
let database: Database;
let cursor: string;

beforeAll(async () => {
  tests = await createTestDatabase();
  const rows = rowsOf(tests);
  const owner = { apiKey_used: CALLER.apiKey };
  await rows.insert('apikey', { apiKey: CALLER.apiKey, apiKeyHash: '', active: true });
  for (const number of [1, 2]) {
    const created_at = `2026-01-0${3 - number}T00:00:00.123456Z`;
    await rows.game({ ...owner, id: id(number), externalGameId: `summer-${number}`, created_at });
  }
  await rows.insert('gamesparams', { ...owner, id: id(5), gameId: id(1), key: 'color', value: 'red' });
  await rows.strategy({ id: id(20), realmId: CALLER.apiKey });
  config = readConfig({ DATABASE_URL: tests.url });
  database = await openDatabase(config.database, recorder);

  const reference = await startReference(tests.url);
  const { data } = await reference.answer('{ games { pageInfo { endCursor } } }', {}, CALLER);
  cursor = (data as { games: { pageInfo: { endCursor: string } } }).games.pageInfo.endCursor;
  await reference.close();
});
afterAll(async () => {
  await database.close();
  await tests.drop();
});

async function record(name: string): ReturnType<OperationRecorder['record']> {
  const operation = OPERATIONS[name]?.(cursor);
  if (operation === undefined) throw new RangeError(name);
  return recorder.record(database, config, CALLER, operation);
}

/** The file of an operation, as it should be: ids that are made up by the server are told by their form alone. */
async function fileOf(name: string): Promise<string> {
  const { statements, errors } = await record(name);
  expect(errors).toEqual([]);
  const text = statements.map(showStatement).join('\n');
  return text.replaceAll(UUID, (uuid) => (uuid.startsWith('00000000') ? uuid : '<new id>'));
}

describe('the SQL of typical operations is that of tests/sql/typical (WRITE_SQL=1 npm test -- sql/typical writes it anew)', () => {
  test.each(Object.keys(OPERATIONS))('%s.sql', async (name) => {
    const file = new URL(`${name}.sql`, FILES);
    const text = await fileOf(name);
    if (WRITE) await writeFile(file, text);
    expect(text).toBe(await readFile(file, 'utf8').catch(() => ''));
  });

  test('there are no other files', async () => {
    expect((await readdir(FILES)).sort()).toEqual(
      Object.keys(OPERATIONS)
        .map((name) => `${name}.sql`)
        .sort(),
    );
  });
});

describe('a statement that is broken into lines', () => {
  test.each(Object.keys(OPERATIONS).filter((name) => name !== 'patch-game'))(
    'does what it did before (%s)',
    async (name) => {
      const { statements } = await record(name);
      expect(statements.length).toBeGreaterThan(0);
      for (const { text, values } of statements) {
        expect(await tests.query(formatSql(text), values)).toEqual(await tests.query(text, values));
      }
    },
  );

  test('keeps constants and names as they are', () => {
    const text = `SELECT 'it''s  (SELECT ||' AS "a  from", ${'x + '.repeat(40)} y FROM t WHERE b IS DISTINCT FROM c`;
    const lines = formatSql(text).split('\n');
    expect(lines).toHaveLength(4);
    expect(lines[0]).toBe(`SELECT 'it''s  (SELECT ||' AS "a  from",`);
    expect(lines[3]).toBe('WHERE b IS DISTINCT FROM c');
  });
});
