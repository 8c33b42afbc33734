import { beforeAll, describe, expect, test } from '@jest/globals';
import type { Variables } from '../support/api.js';
import type { Game, Owner } from '../support/builders.js';
import { recordStatements, workOf } from '../support/statements.js';
import { times } from '../support/texts.js';
import { useApi } from '../support/use-api.js';

const { api, rows } = useApi();
let alice: Owner;

beforeAll(async () => {
  alice = await rows.owner();
});

/** Most params of a game, and most bytes of their keys and values. */
const [MOST, MOST_BYTES] = [500, 300_000];

/** As many params, each with three bytes. */
const params = (count: number): object[] =>
  Array.from({ length: count }, (_, index) => ({ key: String(index % 10), value: 'é' }));
const letters = (count: number): string => 'a'.repeat(count);

let created = 0;
const CREATE = 'mutation ($input: CreateGameInput!) { createGame(input: $input) { game { id } } }';
const PATCH = 'mutation ($input: PatchGameInput!) { patchGame(input: $input) { game { id params { id } } } }';

function newGame(more: Variables): Variables {
  return { input: { externalGameId: `created-${++created}`, platform: 'web', ...more } };
}

/** Patches the params of a game. */
function patch({ id }: Pick<Game, 'id'>, change: Variables, more: Variables = {}): Variables {
  return { input: { id, params: change, ...more } };
}

async function expectRefused(document: string, variables: Variables, told: RegExp): Promise<void> {
  const before = await api.database.dump();
  const { status, codes, errors } = await api.errors(document, variables, alice);
  expect({ status, codes }).toEqual({ status: 200, codes: ['LIMIT_EXCEEDED'] });
  expect(errors[0]?.message).toMatch(told);
  expect(await api.database.dump()).toBe(before);
}

const TOO_MANY = /at most 500 params; it would have 501\b/;
const TOO_LONG = /at most 300000 bytes together; they would have 300001\b/;

describe('a game that is created', () => {
  test('may have 500 params', async () => {
    await api.data(CREATE, newGame({ params: params(MOST) }), alice);
    await expectRefused(CREATE, newGame({ params: params(MOST + 1) }), TOO_MANY);
    await expectRefused(CREATE, newGame({ params: params(MOST + 1), dryRun: true }), TOO_MANY);
  });

  test('may have params of 300,000 bytes', async () => {
    // A body is shorter, but a variable can stand in it several times.
    const document = `mutation ($name: String!, $value: String!, $last: String!) {
      createGame(input: { externalGameId: $name, platform: "web", params: [
        ${times(4, (index) => `{ key: "${index}", value: $value }`)} { key: "é", value: $last }] }) { game { id } } }`;
    const variables = (more: string): Variables => ({
      name: `created-${++created}`,
      value: letters(74_000),
      last: letters(MOST_BYTES - 4 * 74_001 - 2) + more,
    });
    await api.data(document, variables(''), alice);
    await expectRefused(document, variables('a'), TOO_LONG);
  });
});

describe('a game that is patched', () => {
  test('may have 500 params, added step by step', async () => {
    const game = await alice.game();
    for (const count of [200, 200, 99]) await api.data(PATCH, patch(game, { add: params(count) }), alice);
    await api.data(PATCH, patch(game, { add: params(1) }), alice);
    await expectRefused(PATCH, patch(game, { add: params(1) }), TOO_MANY);
    await expectRefused(PATCH, patch(game, { add: params(1) }, { dryRun: true }), TOO_MANY);
    await expectRefused(PATCH, patch(game, { add: params(1) }, { platform: 'other' }), TOO_MANY);
  });

  test('cannot add more than that, which is refused before its params are read', async () => {
    const game = await alice.game();
    const statements = await recordStatements(api, () =>
      expectRefused(PATCH, patch(game, { add: params(MOST + 1) }), TOO_MANY),
    );
    expect(workOf(statements).filter(({ text }) => text.includes('FROM gamesparams'))).toEqual([]);
  });

  test('may have others in the place of those that are removed', async () => {
    const game = await alice.game();
    const { id } = await game.param();
    await api.data(PATCH, patch(game, { add: params(MOST - 1) }), alice);
    await expectRefused(PATCH, patch(game, { add: params(1) }), TOO_MANY);
    await api.data(PATCH, patch(game, { add: params(1), remove: [id] }), alice);
  });

  test('may have params of 300,000 bytes, added step by step', async () => {
    const game = await alice.game();
    const add = (bytes: number): Variables => patch(game, { add: [{ key: 'k', value: letters(bytes - 1) }] });
    for (const bytes of [90_000, 90_000, 90_000, 29_999]) await api.data(PATCH, add(bytes), alice);
    await expectRefused(PATCH, add(2), TOO_LONG);
    await api.data(PATCH, patch(game, { add: [{ key: 'k', value: '' }] }), alice);
  });

  test('may have params of 300,000 bytes, grown by updates of values and of keys', async () => {
    const game = await alice.game();
    const ids: string[] = [];
    for (let index = 0; index < 4; index++) ids.push((await game.param({ key: 'k', value: 'v' })).id);
    const update = (index: number, change: Variables): Variables =>
      patch(game, { update: [{ id: ids[index], ...change }] });
    for (let index = 0; index < 3; index++) {
      await api.data(PATCH, update(index, { value: letters(90_000) }), alice);
    }
    const left = MOST_BYTES - 3 * 90_001 - 1;
    await api.data(PATCH, update(3, { value: letters(left) }), alice);
    await expectRefused(PATCH, update(3, { value: letters(left + 1) }), TOO_LONG);
    await expectRefused(PATCH, update(3, { key: 'kk' }), TOO_LONG);
    await expectRefused(PATCH, update(3, { key: 'é' }), TOO_LONG);
    // One can grow where another shrinks.
    const both = [
      { id: ids[0], value: letters(10) },
      { id: ids[3], value: letters(left + 1_000) },
    ];
    await api.data(PATCH, patch(game, { update: both }), alice);
  });
});

describe('a game with more params than that, as GAME may fill it', () => {
  /** A game with so many params. */
  async function filled(count: number, bytes: number): Promise<{ game: Game; ids: string[] }> {
    const game = await alice.game();
    await api.database.query(
      `INSERT INTO gamesparams (id, key, value, "gameId", "apiKey_used", created_at, updated_at)
       SELECT gen_random_uuid(), 'k', repeat('v', $2), $1, $3, now(), now() FROM generate_series(1, $4)`,
      [game.id, bytes, alice.prefix, count],
    );
    const found = await api.database.query<{ id: string }>('SELECT id FROM gamesparams WHERE "gameId" = $1', [
      game.id,
    ]);
    return { game, ids: found.map(({ id }) => id) };
  }

  test.each([
    ['of many params', 600, 1],
    ['of long params', 8, 60_000],
  ])('%s: is read, can be patched elsewhere, and loses params', async (_what, count, bytes) => {
    const { game, ids } = await filled(count, bytes);
    type Data = { game: { params: unknown[] } };
    const read = 'query ($id: ID!) { game(id: $id) { params { key value } } }';
    expect((await api.data<Data>(read, { id: game.id }, alice)).game.params).toHaveLength(count);

    await api.data(PATCH, { input: { id: game.id, platform: 'other' } }, alice);
    await api.data(PATCH, patch(game, {}, { strategyId: 'socio_bee' }), alice);
    // A value that is there already is no change.
    await api.data(PATCH, patch(game, { update: [{ id: ids[0], value: 'v'.repeat(bytes) }] }), alice);
    await expectRefused(PATCH, patch(game, { add: [{ key: 'k', value: '' }] }), /would have \d+/);
    await expectRefused(PATCH, patch(game, { update: [{ id: ids[0], value: 'x' }] }), /would have \d+/);
    await api.data(PATCH, patch(game, { remove: ids.slice(0, 1) }), alice);
    expect((await api.data<Data>(read, { id: game.id }, alice)).game.params).toHaveLength(count - 1);
    // Together with what is removed it is within the limits.
    const others = ids.slice(1, -1);
    await api.data(PATCH, patch(game, { remove: others, add: [{ key: 'k', value: '' }] }), alice);
    expect((await api.data<Data>(read, { id: game.id }, alice)).game.params).toHaveLength(2);
  });
});

describe.each(['Game', 'Task'])('the params of a %s may be asked for under three names', (type) => {
  const lists = (count: number): string => times(count, (index) => `p${index}: params { key }`);
  const places: [where: string, to: (fields: string) => string][] = [
    ['of one object', (fields) => `node(id: $id) { ... on ${type} { ${fields} } }`],
    [
      'of each object of a list',
      (fields) =>
        type === 'Game'
          ? `games(first: 1) { nodes { ${fields} } }`
          : `games(first: 1) { nodes { tasks(first: 1) { nodes { ${fields} } } } }`,
    ],
  ];

  test.each(places)('%s', async (_where, to) => {
    const game = await alice.game();
    const task = await game.task();
    for (const one of [game, task]) await one.param({ key: 'k' });
    const { id } = type === 'Game' ? game : task;
    const document = (count: number): string =>
      `query ($id: ID!) { node(id: $id) { id } ${to(lists(count))} }`;
    await api.data(document(3), { id }, alice);
    const { codes, errors } = await api.errors(document(4), { id }, alice);
    expect(new Set(codes)).toEqual(new Set(['LIMIT_EXCEEDED']));
    expect(errors[0]?.message).toMatch(/at most 3 names; there are 4\b/);
  });
});
