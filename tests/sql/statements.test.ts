import { beforeAll, describe, expect, test } from '@jest/globals';
import type { Variables } from '../support/api.js';
import type { Game, Owner, Row } from '../support/builders.js';
import { recordPlans, recordStatements, rowsRead, workOf } from '../support/statements.js';
import { useApi } from '../support/use-api.js';

const { api, rows } = useApi({ plans: true });
let alice: Owner;
let user: Row;
const games: Game[] = [];

/** More games than a page holds, each with params and tasks. */
const GAMES = 30;

beforeAll(async () => {
  alice = await rows.owner();
  user = await rows.user();
  for (let i = 0; i < GAMES; i++) games.push(await (await alice.game()).withEverything());
  // The first transaction of a server is begun by a look at its connection.
  await deleteGame(await alice.game());
});

/** The statements that one operation takes, besides finding out who asks and the ends of its transaction. */
async function statementsOf(document: string, variables: Variables = {}): Promise<string[]> {
  const statements = await recordStatements(api, () => api.data(document, variables, alice));
  return workOf(statements).map(({ text }) => text);
}

function deleteGame({ id }: Game): Promise<unknown> {
  return api.data('mutation ($id: ID!) { deleteGame(input: { id: $id }) { deletedGameId } }', { id }, alice);
}

/** The same text for statements that differ in nothing but their values. */
function pattern(statement: string): string {
  return statement.replaceAll(/'[^']*'/g, '?').replaceAll(/\s+/g, ' ');
}

describe('reading', () => {
  test('a page of ids is one statement, which neither counts nor looks around', async () => {
    const statements = await statementsOf('{ games(first: 10) { nodes { id } } }');
    expect(statements).toHaveLength(1);
    expect(statements[0]).not.toMatch(/count\(|exists|params|tasks|xmin/i);
  });

  test('a page is one statement whatever is asked of it', async () => {
    const { games: page } = await api.data<{ games: { edges: { cursor: string }[] } }>(
      '{ games(first: 5) { edges { cursor } } }',
      {},
      alice,
    );
    const document = `query ($after: String) { games(first: 10, after: $after) {
      totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      edges { cursor node { id version owner { apiKey } params { key value } strategy { name }
        tasks(first: 5) { totalCount nodes { id params { key value } leaderboard { nodes { rank points } } } } } } } }`;
    expect(await statementsOf(document, { after: page.edges[4]?.cursor })).toHaveLength(1);
  });

  test('the same page, larger or smaller, is the same statement but for its limit', async () => {
    const texts = [];
    for (const first of [1, 29]) {
      const document =
        'query ($first: Int) { games(first: $first) { nodes { id params { key } tasks { totalCount } } } }';
      texts.push(...(await statementsOf(document, { first })));
    }
    // Of a larger page, each row may be a smaller share of the answer.
    const withoutLimit = (text = ''): string =>
      text.replaceAll(/LIMIT (1|29)\b/g, 'LIMIT n').replaceAll(/(octet_length\(item\.c0\) >) \d+/g, '$1 n');
    expect(texts.map(withoutLimit)).toEqual(Array(2).fill(withoutLimit(texts[0])));
  });

  test.each<[name: string, document: string, variables: () => Variables]>([
    ['game', 'query ($id: ID!) { game(id: $id) { id params { key } } }', () => ({ id: games[0]?.id })],
    ['gameByExternalId', '{ gameByExternalId(externalGameId: "by-name") { id params { key } } }', () => ({})],
    ['gamesByIds', 'query ($ids: [ID!]!) { gamesByIds(ids: $ids) { id params { key } } }', allIds],
    ['externalGameIds', 'query ($ids: [ID!]!) { externalGameIds(ids: $ids) { externalGameId } }', allIds],
  ])('%s is one statement', async (_name, document, variables) => {
    if (_name === 'gameByExternalId') await alice.game({ externalGameId: 'by-name' });
    expect(await statementsOf(document, variables())).toHaveLength(1);
  });

  test('what names nothing is answered without a statement', async () => {
    const document =
      'query ($ids: [ID!]!) { gamesByIds(ids: $ids) { id } externalGameIds(ids: $ids) { gameId } }';
    for (const ids of [[], ['garbage', '']]) expect(await statementsOf(document, { ids })).toEqual([]);
  });

  test('nobody in particular costs nothing', async () => {
    const document = '{ games { totalCount nodes { id } } viewer { isAdmin } }';
    expect(await recordStatements(api, () => api.errors(document))).toEqual([]);
  });

  test('a key is looked up once for many requests', async () => {
    const other = await rows.owner();
    const statements = await recordStatements(api, async () => {
      for (let i = 0; i < 5; i++) await api.data('{ viewer { apiKey } }', {}, other);
    });
    expect(statements.map(({ kind }) => kind)).toEqual(['authentication']);
  });

  test('values travel beside the text of a statement, not in it', async () => {
    const filter = { platform: { eq: 'canary-value' }, externalGameId: { contains: "canary'value" } };
    const document = 'query ($filter: GameFilter) { games(filter: $filter) { totalCount nodes { id } } }';
    const [text] = await statementsOf(document, { filter });
    expect(text).not.toMatch(/canary/);
    expect(text).not.toContain(alice.prefix);
  });
});

function allIds(): Variables {
  return { ids: games.map(({ id }) => id) };
}

describe('writing', () => {
  /** A game with so many of everything. */
  async function gameOf(size: number): Promise<Game> {
    const game = await alice.game();
    for (let i = 0; i < size; i++) {
      const task = await game.task();
      await Promise.all([game.param(), game.userConfig(user), task.param(), task.points(user)]);
    }
    return game;
  }

  test('a deletion takes the same statements for a game of any size', async () => {
    const [empty, large] = [await gameOf(0), await gameOf(20)];
    const document = 'mutation ($id: ID!) { deleteGame(input: { id: $id }) { deletedGameId } }';
    const forEmpty = (await statementsOf(document, { id: empty.id })).map(pattern);
    const forLarge = (await statementsOf(document, { id: large.id })).map(pattern);
    expect(forLarge).toEqual(forEmpty);
    expect(forLarge.length).toBeLessThanOrEqual(5);
  });

  test('a copy takes the same statements for a game of any size', async () => {
    const sizes = [await gameOf(0), await gameOf(20)];
    const document = `mutation ($id: ID!, $name: String!) {
      duplicateGame(input: { id: $id, externalGameId: $name }) { game { id params { key } } } }`;
    const patterns = [];
    for (const { id } of sizes) {
      const statements = await statementsOf(document, { id, name: `copy-${id}` });
      patterns.push(statements.map(pattern));
    }
    expect(patterns[1]).toEqual(patterns[0]);
  });

  test('a creation takes the same statements for any number of params', async () => {
    const document = 'mutation ($input: CreateGameInput!) { createGame(input: $input) { game { id } } }';
    const patterns = [];
    for (const count of [1, 50]) {
      const params = Array.from({ length: count }, (_, i) => ({ key: `k${i}`, value: 'v' }));
      const input = { externalGameId: `with-${count}-params`, platform: 'web', params };
      patterns.push((await statementsOf(document, { input })).map(pattern));
    }
    expect(patterns[1]).toEqual(patterns[0]);
  });

  test('a creation takes the same statements for any number of tasks, and reads the strategies at once', async () => {
    const document = 'mutation ($input: CreateGameInput!) { createGame(input: $input) { game { id } } }';
    const patterns = [];
    for (const count of [1, 100]) {
      const strategies = await Promise.all(Array.from({ length: count }, () => alice.strategy()));
      const tasks = strategies.map(({ strategyId }, i) => ({
        ...{ externalTaskId: `task-${i}`, strategyId },
        params: [{ key: 'k', value: 'v' }],
      }));
      const input = { externalGameId: `with-${count}-tasks`, platform: 'web', tasks };
      patterns.push((await statementsOf(document, { input })).map(pattern));
    }
    expect(patterns[1]).toEqual(patterns[0]);
    expect(patterns[0]).toHaveLength(6);
  });

  test('a task is deleted and copied by the same statements, whatever it has', async () => {
    const documents = [
      'mutation ($id: ID!) { duplicateTask(input: { id: $id, externalTaskId: "copy" }) { task { id params { key } } } }',
      'mutation ($id: ID!) { deleteTask(input: { id: $id }) { deletedTaskId } }',
    ];
    const patterns: string[][] = [];
    for (const count of [0, 30]) {
      const task = await (await alice.game()).task();
      for (let i = 0; i < count; i++) await Promise.all([task.param(), task.points(user)]);
      const statements = [];
      for (const document of documents) statements.push(...(await statementsOf(document, { id: task.id })));
      patterns.push(statements.map(pattern));
    }
    expect(patterns[1]).toEqual(patterns[0]);
    expect(patterns[0]?.length).toBeLessThanOrEqual(11);
  });

  test('a patch of params takes the same statements for any number of them', async () => {
    const document = 'mutation ($input: PatchGameInput!) { patchGame(input: $input) { game { id } } }';
    const patterns = [];
    for (const count of [1, 20]) {
      const game = await alice.game();
      const each = Array.from({ length: count });
      const [changed, removed] = [
        await Promise.all(each.map(() => game.param())),
        await Promise.all(each.map(() => game.param())),
      ];
      const params = {
        add: each.map(() => ({ key: 'added', value: 'v' })),
        update: changed.map(({ id }) => ({ id, value: 'changed' })),
        remove: removed.map(({ id }) => id),
      };
      patterns.push((await statementsOf(document, { input: { id: game.id, params } })).map(pattern));
    }
    expect(patterns[1]).toEqual(patterns[0]);
  });

  test('a reassignment is one UPDATE of games, however many there are', async () => {
    const document = `mutation ($from: ID!) {
      bulkUpdateStrategyId(input: { oldStrategyId: $from, newStrategyId: "default" }) { count } }`;
    const patterns = [];
    for (const count of [1, 20]) {
      const strategyId = `moved-${count}`;
      await Promise.all(Array.from({ length: count }, () => alice.game({ strategyId })));
      const statements = (await statementsOf(document, { from: strategyId })).map(pattern);
      expect(statements.filter((text) => /update "?games\b/i.test(text))).toHaveLength(1);
      patterns.push(statements);
    }
    expect(patterns[1]).toEqual(patterns[0]);
  });

  test('a write is one transaction', async () => {
    const [game] = games;
    const document = 'mutation ($id: ID!) { patchGame(input: { id: $id, platform: "tv" }) { game { id } } }';
    const statements = await recordStatements(api, () => api.data(document, { id: game?.id }, alice));
    const ends = statements
      .filter(({ kind }) => kind === 'transaction')
      .map(({ text }) => text.toLowerCase());
    expect(ends).toEqual(['begin', 'commit']);
  });
});

describe('indexes', () => {
  beforeAll(async () => {
    const bob = await rows.owner();
    await api.database.query(
      `INSERT INTO games (id, "externalGameId", platform, "strategyId", "apiKey_used", created_at, updated_at)
       SELECT gen_random_uuid(), 'other-' || i, 'web', 'default', CASE WHEN i % 50 = 0 THEN $1 ELSE $2 END,
         now() - i * interval '1 second', now() - i * interval '1 second' FROM generate_series(1, 20000) i`,
      [alice.prefix, bob.prefix],
    );
    await api.database.query('ANALYZE');
  });

  test.each(['CREATED_AT', 'UPDATED_AT', 'EXTERNAL_GAME_ID'])(
    'a page ordered by %s, in either direction and from anywhere, reads little more than itself',
    async (field) => {
      for (const direction of ['ASC', 'DESC']) {
        const list = `orderBy: [{ field: ${field}, direction: ${direction} }]`;
        type Data = { games: { pageInfo: { endCursor: string } } };
        const { games: page } = await api.data<Data>(
          `{ games(first: 100, ${list}) { pageInfo { endCursor } } }`,
          {},
          alice,
        );
        const cursor = page.pageInfo.endCursor;
        const positions = [
          'first: 10',
          'last: 10',
          `first: 10, after: "${cursor}"`,
          `last: 10, before: "${cursor}"`,
        ];
        for (const position of positions) {
          const plans = await recordPlans(api, () =>
            api.data(`{ games(${position}, ${list}) { nodes { id } } }`, {}, alice),
          );
          const [plan, ...others] = workOf(plans);
          expect(others).toEqual([]);
          // Eleven rows, where the list goes on at the NULLs from two places, and each looked up by its id.
          expect(plan && rowsRead(plan, 'games')).toBeLessThanOrEqual(3 * 11);
        }
      }
    },
  );
});
