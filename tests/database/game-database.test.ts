import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readConfig } from '../../src/config.js';
import { openDatabase } from '../../src/database/database.js';
import { startApi, type Api, type Credentials } from '../support/api.js';
import { rowsOf } from '../support/builders.js';
import type { TestDatabase } from '../support/database.js';
import {
  addUntidyRows,
  catalogOf,
  createGameDatabase,
  GAME_TABLES,
  type UntidyRows,
} from '../support/game-database.js';
import { startIssuer, type Issuer } from '../support/issuer.js';

let issuer: Issuer;
let database: TestDatabase;
let rows: UntidyRows;
let api: Api;

beforeAll(async () => {
  issuer = await startIssuer();
  database = await createGameDatabase();
  api = await startApi({ database, env: issuer.env });
});
afterAll(async () => {
  await api.close();
  await database.drop();
  await issuer.close();
});

interface GameAnswer {
  readonly id: string;
  readonly externalGameId: string | null;
  readonly platform: string | null;
  readonly strategyId: string | null;
  readonly createdAt: string | null;
  readonly updatedAt: string | null;
  readonly owner: { readonly apiKey: string | null; readonly oauthUserId: string | null };
}
interface Connection {
  readonly totalCount: number;
  readonly nodes: readonly GameAnswer[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}

const GAME = 'id externalGameId platform strategyId createdAt updatedAt owner { apiKey oauthUserId }';
const LIST = `query ($first: Int, $after: String, $orderBy: [GameOrder!], $filter: GameFilter) {
  games(first: $first, after: $after, orderBy: $orderBy, filter: $filter) {
    totalCount nodes { ${GAME} } pageInfo { hasNextPage endCursor } } }`;

async function list(as: Credentials, variables: object = {}): Promise<Connection> {
  return (await api.data<{ games: Connection }>(LIST, { first: 100, ...variables }, as)).games;
}

/** The ids of every page, two games a page. */
async function walk(as: Credentials, orderBy: readonly object[]): Promise<string[]> {
  const ids: string[] = [];
  for (let after: string | null = null; ;) {
    const page: Connection = await list(as, { first: 2, after, orderBy });
    ids.push(...page.nodes.map(({ id }) => id));
    if (!page.pageInfo.hasNextPage || ids.length > 1_000) return ids;
    after = page.pageInfo.endCursor;
  }
}

/** What the table holds, as a client must be told. */
async function stored(condition: string, values: readonly unknown[]): Promise<GameAnswer[]> {
  const text = (column: string): string =>
    `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
  return database.query<GameAnswer & object>(
    `SELECT id, "externalGameId", platform, "strategyId", ${text('created_at')} AS "createdAt",
       ${text('updated_at')} AS "updatedAt",
       json_build_object('apiKey', "apiKey_used", 'oauthUserId', oauth_user_id) AS owner
     FROM games WHERE ${condition}`,
    values,
  );
}

/** The same rules, whatever of ours the database has. */
function itIsServed(): void {
  beforeAll(async () => {
    await database.query(`TRUNCATE ${GAME_TABLES.join()}`);
    rows = await addUntidyRows(database);
  });

  test('the server is ready', async () => {
    const answer = await fetch(`${api.origin}/health/ready`);
    expect([answer.status, await answer.json()]).toEqual([200, { status: 'ready' }]);
  });

  test('every game of an owner is listed as it is stored, microseconds and nulls included', async () => {
    const { nodes, totalCount } = await list(rows.owner);
    const byId = (a: GameAnswer, b: GameAnswer): number => (a.id < b.id ? -1 : 1);
    expect(totalCount).toBe(rows.owned);
    expect([...nodes].sort(byId)).toEqual(
      (await stored('"apiKey_used" = $1', [rows.owner.prefix])).sort(byId),
    );
    expect(nodes.find(({ id }) => id === rows.games.microseconds.id)).toMatchObject({
      createdAt: '2026-03-01T08:00:00.123456Z',
      updatedAt: '2026-03-01T08:00:00.123457Z',
    });
  });

  test.each(['CREATED_AT', 'UPDATED_AT', 'EXTERNAL_GAME_ID', 'PLATFORM', 'STRATEGY_ID'])(
    'pages in the order of %s hold every game once, those without a value too',
    async (field: string) => {
      for (const direction of ['ASC', 'DESC']) {
        const orderBy = [{ field, direction }];
        const ids = await walk(rows.owner, orderBy);
        expect(new Set(ids).size).toBe(rows.owned);
        expect(ids).toEqual((await list(rows.owner, { orderBy })).nodes.map(({ id }) => id));
      }
    },
  );

  test('a game is found by each of its names, whatever the rules for new names are', async () => {
    const document = `query ($id: ID!, $name: String!) {
      game(id: $id) { ${GAME} } gameByExternalId(externalGameId: $name) { ${GAME} } }`;
    for (const [game, name] of [
      [rows.games.emptyName, ''],
      [rows.games.spacedName, ' Summer of 2019 '],
      [rows.games.accentedName, 'Año Nuevo/Bilbao ☀'],
    ] as const) {
      const [row] = await stored('id = $1', [game.id]);
      expect(await api.data(document, { id: game.id, name }, rows.owner)).toEqual({
        game: row,
        gameByExternalId: row,
      });
    }
  });

  test('the strategy of a game is its id where it was removed', async () => {
    const document = 'query ($id: ID!) { game(id: $id) { strategyId strategy { id } } }';
    for (const [game, strategyId] of [
      [rows.games.removedStrategy, 'strategyOf2019'],
      [rows.games.removedCustomStrategy, expect.stringMatching(/^custom:/)],
      [rows.games.bare, null],
    ] as const) {
      expect(await api.data(document, { id: game.id }, rows.owner)).toEqual({
        game: { strategyId, strategy: null },
      });
    }
    const filter = { strategyId: { eq: 'strategyOf2019' } };
    expect((await list(rows.owner, { filter })).nodes.map(({ id }) => id)).toEqual([
      rows.games.removedStrategy.id,
    ]);
  });

  test('params and tasks are told apart that have the same name', async () => {
    const document = `query ($id: ID!) { game(id: $id) {
      params { key value } tasks { totalCount nodes { externalTaskId status strategy { id } params { value } } }
      leaderboard { nodes { points timesAwarded } } } }`;
    const { game } = await api.data<{ game: { params: unknown[]; tasks: { nodes: unknown[] } } }>(
      document,
      { id: rows.games.doubles.id },
      rows.owner,
    );
    expect(game.params).toHaveLength(4);
    expect(game.params).toEqual(
      expect.arrayContaining([
        { key: 'variable_basic_points', value: '5' },
        { key: 'variable_basic_points', value: 'True' },
        { key: 'weights', value: "{'a': 1}" },
        { key: null, value: null },
      ]),
    );
    const task = (status: string) => {
      return { externalTaskId: 'twice', status, strategy: null, params: [{ value: 'True' }] };
    };
    expect(game).toMatchObject({
      tasks: { totalCount: 4 },
      leaderboard: { nodes: [{ points: 30, timesAwarded: 3 }] },
    });
    expect(game.tasks.nodes).toEqual(expect.arrayContaining(['pending', 'open', 'closed'].map(task)));
  });

  test('a key without a dot works, and owns the games that carry its prefix', async () => {
    expect(await api.data('{ viewer { apiKey } }', {}, rows.legacy)).toEqual({
      viewer: { apiKey: rows.legacy.prefix },
    });
    expect(rows.legacy.prefix).toMatch(/^gme_legacy_[0-9a-f]{12}$/);
    expect((await list(rows.legacy)).nodes.map(({ id }) => id)).toEqual([rows.games.ofLegacy.id]);
  });

  test('a subject has its games with a key and without; an admin has those of nobody too', async () => {
    const { ofSubject, ofBoth, ofNobody } = rows.games;
    const own = await list(await issuer.caller({ sub: rows.subject }));
    expect(own.nodes.map(({ id }) => id).sort()).toEqual([ofSubject.id, ofBoth.id].sort());
    const all = await list(await issuer.admin('chief'));
    const [count] = await database.query<{ games: number }>('SELECT count(*)::int AS games FROM games');
    expect(all.totalCount).toBe(count?.games);
    expect(all.nodes.find(({ id }) => id === ofNobody.id)?.owner).toEqual({
      apiKey: null,
      oauthUserId: null,
    });
  });

  test('games are created, patched, copied and deleted, each with its line in the log of GAME', async () => {
    const before = (await database.query('SELECT FROM logs')).length;
    const as = await rowsOf(database).owner();
    const params = [{ key: 'k', value: 'True' }];
    const input = { externalGameId: `new-${as.prefix.slice(9)}`, platform: 'web', params };
    const { createGame } = await api.data<{ createGame: { game: { id: string; params: unknown } } }>(
      `mutation ($input: CreateGameInput!) { createGame(input: $input) { game { id params { key value } } } }`,
      { input },
      as,
    );
    expect(createGame.game.params).toEqual(params);
    const { id } = createGame.game;
    await api.data(
      `mutation ($id: ID!, $copy: String!) {
        a: patchGame(input: { id: $id, platform: "android", params: { add: [{ key: "b", value: "1" }] } }) { game { id } }
        b: duplicateGame(input: { id: $id, externalGameId: $copy }) { game { id } }
        c: deleteGame(input: { id: $id }) { deletedGameId } }`,
      { id, copy: `${input.externalGameId}-copy` },
      as,
    );
    expect(await stored('"apiKey_used" = $1', [as.prefix])).toEqual([
      expect.objectContaining({ externalGameId: `${input.externalGameId}-copy`, platform: 'android' }),
    ]);
    const written = await database.query('SELECT FROM logs WHERE "apiKey_used" = $1', [as.prefix]);
    expect(written).toHaveLength(4);
    expect(await database.query('SELECT FROM logs')).toHaveLength(before + 4);
  });

  test('a game that breaks the rules for new ones can be patched elsewhere', async () => {
    const document = `mutation ($input: PatchGameInput!) { patchGame(input: $input) { game { ${GAME} } } }`;
    for (const game of [rows.games.spacedName, rows.games.removedStrategy, rows.games.bare]) {
      const [row] = await stored('id = $1', [game.id]);
      const platform = `${row?.platform ?? ''}+`;
      const { patchGame } = await api.data<{ patchGame: { game: GameAnswer } }>(
        document,
        { input: { id: game.id, platform } },
        rows.owner,
      );
      expect(patchGame.game).toEqual({ ...row, platform, updatedAt: expect.any(String) });
    }
  });

  test('a game is deleted with all that belongs to it, however untidy', async () => {
    const { deleteGame } = await api.data<{ deleteGame: unknown }>(
      `mutation ($id: ID!) { deleteGame(input: { id: $id }) {
        deleted { params tasks taskParams userPoints userGameConfigs } } }`,
      { id: rows.games.doubles.id },
      rows.owner,
    );
    expect(deleteGame).toEqual({
      deleted: { params: 4, tasks: 4, taskParams: 3, userPoints: 3, userGameConfigs: 1 },
    });
    const others = Object.values(rows.games).filter((game) => game !== rows.games.doubles);
    const admin = await issuer.admin('chief');
    for (const { id } of others) {
      const document = 'mutation ($id: ID!) { deleteGame(input: { id: $id }) { deletedGameId } }';
      expect(await api.data(document, { id }, admin)).toEqual({ deleteGame: { deletedGameId: id } });
    }
    const ids = Object.values(rows.games).map(({ id }) => id);
    for (const table of ['games', 'gamesparams', 'tasks', 'usergameconfig']) {
      expect(await database.query(`SELECT FROM ${table} t WHERE t::text ~ $1`, [ids.join('|')])).toEqual([]);
    }
  });
}

const BULK = `mutation {
  bulkUpdateStrategyId(input: { oldStrategyId: "default", newStrategyId: "socio_bee" }) { count } }`;

describe('before any of our migrations', () => {
  itIsServed();

  test('moving games to another strategy, which is recorded, says what to run and moves none', async () => {
    const as = await rowsOf(database).owner();
    await as.game();
    const { status, codes, errors } = await api.errors(BULK, {}, as);
    expect({ status, codes }).toEqual({ status: 200, codes: ['MIGRATION_REQUIRED'] });
    expect(errors[0]?.message).toContain('npm run migrate');
    expect(await stored('"apiKey_used" = $1', [as.prefix])).toEqual([
      expect.objectContaining({ strategyId: 'default' }),
    ]);
  });

  test('nothing of ours is needed, and nothing is added', async () => {
    expect((await catalogOf(database)).tables).toEqual([...GAME_TABLES, 'alembic_version'].sort());
    expect(JSON.stringify(await catalogOf(database))).not.toContain('graphql');
  });
});

describe('being adopted', () => {
  test('only adds indexes, and changes no table, constraint, default or row of GAME', async () => {
    await database.query(`TRUNCATE ${GAME_TABLES.join()}`);
    await addUntidyRows(database);
    const before = { catalog: await catalogOf(database), rows: await database.dump() };
    const ours = await openDatabase(readConfig({ DATABASE_URL: database.url }).database);
    expect(await ours.migrate()).not.toEqual([]);
    await ours.close();
    const { indexes, ...after } = await catalogOf(database, [...GAME_TABLES, 'alembic_version']);
    expect({ ...after, indexes: indexes.filter((index) => !index.includes(' game_graphql_')) }).toEqual(
      before.catalog,
    );
    expect(indexes.length).toBeGreaterThan(before.catalog.indexes.length + 10);
    expect(indexes.filter((index) => !index.endsWith(' t') || index.includes(' UNIQUE '))).toEqual([]);
    const added = (await catalogOf(database)).tables.filter(
      (table) => !before.catalog.tables.includes(table),
    );
    expect(added.filter((table) => !table.startsWith('game_graphql_'))).toEqual([]);
    const dump = await database.dump();
    expect(dump.replaceAll(/^game_graphql_\w+\n({.*\n)*/gm, '')).toBe(before.rows);
  });
});

describe('after npm run migrate, with the same server', () => {
  itIsServed();

  test('games are moved to another strategy', async () => {
    const as = await rowsOf(database).owner();
    await as.game();
    expect(await api.data(BULK, {}, as)).toEqual({ bulkUpdateStrategyId: { count: 1 } });
  });
});
