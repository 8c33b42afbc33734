import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Caller } from '../../src/auth/caller.js';
import { startApi, type Api, type Variables } from '../support/api.js';
import { rowsOf, type Game, type Owner } from '../support/builders.js';
import { startReference, type Reference } from '../support/reference.js';

// What PostgreSQL writes is sent unseen. graphql-js opens the same texts, looks at every value and writes the answer
// anew: both must answer alike, field by field and in the same order.

let api: Api;
let reference: Reference;
let alice: Owner;
let caller: Caller;
let game: Game;

/** Every character that JSON escapes, and some that it does not. */
const ODD = `${Array.from({ length: 0x7f }, (_, code) => String.fromCodePoint(code + 1)).join('')}\u0080\u2028\u2029é😀`;

beforeAll(async () => {
  api = await startApi();
  reference = await startReference(api.database.url);
  const rows = rowsOf(api.database);
  alice = await rows.owner();
  caller = { kind: 'apiKey', apiKey: alice.prefix };
  for (let number = 0; number < 5; number++) {
    const created_at = number === 0 ? null : `2026-01-0${number}T00:00:00.00000${number}Z`;
    const own = await alice.game({
      externalGameId: `written-${number}`,
      platform: number === 1 ? ODD : number === 2 ? null : 'web',
      strategyId: number === 3 ? 'no-such' : 'default',
      created_at,
      updated_at: null,
    });
    await own.param({ key: ODD, value: null });
    await own.param({ key: null, value: `'"\\` });
    for (let index = 0; index < number; index++) {
      const task = await own.task({ externalTaskId: `${ODD.slice(0, 40)}${index}` });
      await task.param({ key: 'k', value: ODD });
      await task.points(await rows.user(), { points: index });
      await task.points(await rows.user(), { points: index });
    }
    game = own;
  }
});
afterAll(async () => {
  await reference.close();
  await api.close();
});

/** Both answers as text, errors in no particular order. */
async function bothWays(
  document: string,
  variables: Variables = {},
): Promise<{ given: unknown; wanted: unknown; errors: number }> {
  // Four times: an operation that was answered three times takes a shorter way.
  const answers = [];
  for (let time = 0; time < 4; time++) answers.push(await api.query(document, variables, alice));
  const { data, errors = [] } = await reference.answer(document, variables, caller);
  const shown = (value: unknown, all: readonly { message: string; path?: unknown }[]): unknown => [
    JSON.stringify(value),
    all.map(({ message, path }) => JSON.stringify([message, path])).sort(),
  ];
  return {
    given: answers.map(({ body }) => shown(body.data, body.errors ?? [])),
    wanted: Array(4).fill(shown(data, errors)),
    errors: errors.length,
  };
}

test('timestamps have six digits and Z, whatever stands behind them', async () => {
  const rows = rowsOf(api.database);
  const owner = await rows.owner();
  // PostgreSQL leaves out zeros at the end.
  const stored = {
    '2026-02-10T12:15:00Z': '2026-02-10T12:15:00.000000Z',
    '2026-02-10T12:15:00.1Z': '2026-02-10T12:15:00.100000Z',
    '2026-02-10T12:15:00.12Z': '2026-02-10T12:15:00.120000Z',
    '2026-02-10T12:15:00.123Z': '2026-02-10T12:15:00.123000Z',
    '2026-02-10T12:15:00.1234Z': '2026-02-10T12:15:00.123400Z',
    '2026-02-10T12:15:00.12345Z': '2026-02-10T12:15:00.123450Z',
    '2026-02-10T12:15:00.123456Z': '2026-02-10T12:15:00.123456Z',
    '2026-02-10T12:15:00+05:45': '2026-02-10T06:30:00.000000Z',
    '0001-01-01T00:00:00Z': '0001-01-01T00:00:00.000000Z',
    '9999-12-31T23:59:59.999999Z': '9999-12-31T23:59:59.999999Z',
    infinity: null,
    '-infinity': null,
    // Not of the years that RFC 3339 has.
    '10000-01-01T00:00:00Z': null,
    '294276-12-31T23:59:59.999999Z': null,
    '0001-12-31T23:59:59.123Z BC': null,
    '4714-11-24T00:00:00Z BC': null,
    '0753-04-21T00:00:00.123456Z BC': null,
  };
  for (const [time, shown] of Object.entries(stored)) {
    const { id } = await owner.game({ created_at: time, updated_at: time, platform: '\u0001"2026' });
    // A name of any length may stand behind a short timestamp: its quotes are not the timestamp's.
    const names = ['a', 'a1', 'a12', 'a123', 'a1234', 'a12345', 'a1234567890'];
    const data = await api.data(
      `query ($id: ID!) { game(id: $id) { createdAt ${names.map((name) => `${name}: updatedAt`).join(' ')} platform } }`,
      { id },
      owner,
    );
    expect(data).toEqual({
      game: {
        createdAt: shown,
        ...Object.fromEntries(names.map((name) => [name, shown])),
        platform: '\u0001"2026',
      },
    });
  }
});

test('a DateTime is what the specification that the schema names says: RFC 3339', async () => {
  const { __type } = await api.data<{ __type: { specifiedByURL: string } }>(
    '{ __type(name: "DateTime") { specifiedByURL } }',
  );
  expect(__type.specifiedByURL).toBe('https://www.rfc-editor.org/rfc/rfc3339');
  const owner = await rowsOf(api.database).owner();
  for (const time of [
    '2026-02-10T12:15:00Z',
    '0001-01-01T00:00:00Z',
    '9999-12-31T23:59:59.999Z',
    'infinity',
  ]) {
    await owner.game({ created_at: time });
  }
  const { games } = await api.data<{ games: { nodes: { createdAt: string | null }[] } }>(
    '{ games { nodes { createdAt } } }',
    {},
    owner,
  );
  // Section 5.6.
  const dateTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;
  const shown = games.nodes.flatMap(({ createdAt }) => createdAt ?? []);
  expect(shown).toHaveLength(3);
  for (const time of shown) expect(time).toMatch(dateTime);
  // What is shown is taken back, and so is what else the grammar allows.
  const forms = [
    '2026-02-10t12:15:00z',
    '2026-02-10T12:15:00.5+05:45',
    '2026-02-10T12:15:00-00:00',
    ...shown,
  ];
  for (const gte of forms) {
    await api.data(
      'query ($gte: DateTime) { games(filter: { createdAt: { gte: $gte } }) { totalCount } }',
      { gte },
      owner,
    );
  }
});

describe('what PostgreSQL writes is what graphql-js answers', () => {
  test.each<[name: string, document: string, variables?: () => Variables]>([
    [
      'plain fields of all games',
      '{ games { nodes { id externalGameId platform strategyId createdAt updatedAt version } } }',
    ],
    [
      'escapes and nulls',
      '{ games { nodes { platform params { key value } tasks { nodes { externalTaskId params { key value } } } } } }',
    ],
    ['identities', '{ games { nodes { owner { apiKey oauthUserId o: oauthUserId __typename } } } }'],
    [
      'names of types everywhere',
      `{ __typename games { __typename edges { __typename cursor node { __typename } } pageInfo { __typename hasNextPage }
         nodes { __typename strategy { __typename } tasks { __typename nodes { __typename } } params { __typename } } } }`,
    ],
    [
      'a page in all its parts, each more than once',
      `{ games(first: 2) { a: nodes { id } b: nodes { name: externalGameId } edges { c: cursor cursor node { id } n: node { platform } }
         e: edges { node { tasks(first: 1) { totalCount } } } pageInfo { startCursor endCursor hasNextPage hasPreviousPage }
         p: pageInfo { s: startCursor } totalCount t: totalCount } }`,
    ],
    [
      'the last page',
      '{ games(last: 2) { nodes { id } edges { cursor } pageInfo { startCursor endCursor hasNextPage hasPreviousPage } } }',
    ],
    [
      'only flags',
      '{ games(first: 1) { pageInfo { hasNextPage } } all: games { pageInfo { hasNextPage hasPreviousPage } } }',
    ],
    ['only edges of no fields', '{ games { edges { __typename } } }'],
    ['only the count', '{ games { totalCount } }'],
    [
      'an empty page',
      '{ games(filter: { platform: { eq: "none" } }) { nodes { id } edges { cursor } pageInfo { startCursor endCursor hasNextPage } totalCount } }',
    ],
    [
      'leaderboards',
      '{ games { nodes { leaderboard(first: 3) { nodes { rank externalUserId points timesAwarded lastAwardedAt } pageInfo { endCursor } totalCount } } } }',
    ],
    [
      'a strategy with its games and versions',
      '{ strategy(id: "default") { id kind name version status realm publishedAt versions { id } games(first: 2) { nodes { id } } tasks { totalCount } } }',
    ],
    [
      'strategies',
      '{ strategies(first: 3) { nodes { id kind status description } pageInfo { endCursor } } }',
    ],
    [
      'objects by ids, some missing',
      'query ($id: ID!) { gamesByIds(ids: [$id, "x", $id]) { id } nodes(ids: [$id, "default", "x"]) { id __typename ... on Game { platform } ... on Strategy { name } } }',
      () => ({ id: game.id }),
    ],
    [
      'a tree that comes back to itself',
      'query ($id: ID!) { game(id: $id) { tasks(first: 2) { nodes { game { task(externalTaskId: "none") { id } tasks(first: 1) { nodes { strategy { games(first: 1) { nodes { id } } } } } } } } } }',
      () => ({ id: game.id }),
    ],
    [
      'fragments, skipped and included fields',
      'query ($yes: Boolean = true, $no: Boolean = false) { games { nodes { ...F id @skip(if: $yes) platform @include(if: $yes) } } } fragment F on Game { strategyId @include(if: $no) tasks { totalCount @include(if: $yes) } }',
    ],
    [
      'variables below the root',
      'query ($n: Int = 1, $s: String) { games { nodes { tasks(first: $n, filter: { status: { eq: $s } }) { nodes { id } } } } }',
    ],
  ])('%s', async (_name, document, variables = () => ({})) => {
    const { given, wanted, errors } = await bothWays(document, variables());
    expect(errors).toBe(0);
    expect(given).toEqual(wanted);
  });

  test.each<[name: string, document: string, variables?: () => Variables]>([
    [
      'a page that is too large, in each game',
      '{ games { nodes { id tasks(first: 1000) { totalCount } } } }',
    ],
    [
      'where null is allowed, the rest is answered',
      '{ games { nodes { id task(externalTaskId: "\\u0000") { id } } } game(id: "x") { id } }',
    ],
    [
      'a cursor of another game',
      'query ($id: ID!) { games { nodes { id tasks(after: "WyJ4Il0") { nodes { id } } } } game(id: $id) { id } }',
      () => ({ id: game.id }),
    ],
    ['beside what is good', '{ good: games { nodes { id } } bad: games(first: 0) { nodes { id } } }'],
  ])('errors: %s', async (_name, document, variables = () => ({})) => {
    const { given, wanted, errors } = await bothWays(document, variables());
    expect(errors).toBeGreaterThan(0);
    expect(given).toEqual(wanted);
  });

  test("a cursor of another game's tasks is refused in each other game, and at its place", async () => {
    const page = '{ games(last: 2) { nodes { tasks(first: 1) { pageInfo { endCursor } } } } }';
    const { games } = await api.data<{ games: { nodes: { tasks: { pageInfo: { endCursor: string } } }[] } }>(
      page,
      {},
      alice,
    );
    const after = games.nodes[0]?.tasks.pageInfo.endCursor ?? '';
    const { given, wanted, errors } = await bothWays(
      'query ($after: String) { games(first: 3) { nodes { id tasks(after: $after) { nodes { id } } } } }',
      { after },
    );
    expect(errors).toBe(1);
    expect(given).toEqual(wanted);
  });
});

test('a payload answers its object under several names, each with its own fields', async () => {
  const document = `mutation ($input: PatchGameInput!) { patchGame(input: $input) {
    a: game { id platform } b: game { name: externalGameId tasks(first: 1) { totalCount } } changes { field } } }`;
  const input = { id: game.id, platform: 'new' };
  expect(await api.data(document, { input }, alice)).toEqual({
    patchGame: {
      a: { id: game.id, platform: 'new' },
      b: { name: 'written-4', tasks: { totalCount: 4 } },
      changes: [{ field: 'platform' }],
    },
  });
});
