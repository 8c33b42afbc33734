import { beforeEach, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { Variables } from '../support/api.js';
import type { Game, Owner } from '../support/builders.js';
import { recordErrors } from '../support/statements.js';
import { times } from '../support/texts.js';
import { useApi } from '../support/use-api.js';

/** Most bytes of an answer. */
const MOST = 100_000;
/** Of what is no part of the data that a test makes. */
const ROOM = 5_000;

const { api, rows } = useApi({ env: { MAX_RESPONSE_BYTES: String(MOST) } });
let alice: Owner;

beforeEach(async () => {
  alice = await rows.owner();
});

const letters = (count: number): string => 'a'.repeat(Math.floor(count));

async function many<Row>(count: number, make: (index: number) => Promise<Row>): Promise<Row[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => make(index)));
}

async function expectRefused(document: string, variables: Variables = {}, most = MOST): Promise<void> {
  const { status, codes, errors, body } = await api.errors(document, variables, alice);
  expect({ status, codes }).toEqual({ status: 400, codes: ['LIMIT_EXCEEDED'] });
  expect(errors[0]?.message).toContain(`at most ${most} bytes`);
  expect(Object.values(body.data ?? {}).filter((field) => field !== null)).toEqual([]);
}

/** The error with which PostgreSQL gives up what gets too long. */
const GIVEN_UP = expect.stringContaining('answer too long');

describe('an answer that gets too long is refused, one that is just short enough is given', () => {
  /** Makes what is answered with so many bytes; answers the variables of the operation. */
  type Fill = (bytes: number) => Promise<Variables>;

  const games =
    (count: number): Fill =>
    async (bytes) => {
      await many(count, () => alice.game({ platform: letters(bytes / count) }));
      return {};
    };
  const oneGame =
    (fill: (game: Game, bytes: number) => Promise<unknown>): Fill =>
    async (bytes) => {
      const game = await alice.game({ platform: 'short' });
      await fill(game, bytes);
      return { id: game.id };
    };

  /** `given up`: PostgreSQL stops before all of it is put together. */
  test.each<[what: string, how: 'given up' | 'refused', document: string, fill: Fill]>([
    ['a list', 'given up', '{ games(first: 100) { nodes { platform } } }', games(50)],
    [
      'a list with its count',
      'given up',
      '{ games(first: 100) { totalCount nodes { platform } } }',
      games(50),
    ],
    ['the end of a list', 'given up', '{ games(last: 100) { nodes { platform } } }', games(50)],
    ['edges', 'given up', '{ games(first: 100) { edges { node { platform } } } }', games(20)],
    ['one long row', 'given up', '{ games(first: 1) { nodes { platform } } }', games(1)],
    [
      'one object',
      'refused',
      'query ($id: ID!) { game(id: $id) { platform } }',
      async (bytes) => {
        const { id } = await alice.game({ platform: letters(bytes) });
        return { id };
      },
    ],
    [
      'two fields of an object',
      'refused',
      'query ($id: ID!) { game(id: $id) { platform again: platform } }',
      async (bytes) => ({ id: (await alice.game({ platform: letters(bytes / 2) })).id }),
    ],
    [
      'an object with many texts',
      'given up',
      `query ($id: ID!) { game(id: $id) { ${times(5, (index) => `p${index}: platform`)} } }`,
      async (bytes) => ({ id: (await alice.game({ platform: letters(bytes / 5) })).id }),
    ],
    [
      'an object with many texts of several columns',
      'given up',
      `query ($id: ID!) { game(id: $id) { ${times(5, (index) => `p${index}: platform e${index}: externalGameId`)} } }`,
      async (bytes) => {
        const [platform, externalGameId] = [letters(bytes / 10), letters(bytes / 10)];
        return { id: (await alice.game({ platform, externalGameId })).id };
      },
    ],
    [
      'params',
      'given up',
      'query ($id: ID!) { game(id: $id) { params { value } } }',
      oneGame((game, bytes) => many(20, () => game.param({ value: letters(bytes / 20 - 15) }))),
    ],
    [
      'params in a list',
      'given up',
      '{ games(first: 1) { nodes { params { value } } } }',
      oneGame((game, bytes) => many(20, () => game.param({ value: letters(bytes / 20 - 15) }))),
    ],
    [
      'params of params: twice the same',
      'given up',
      '{ games(first: 1) { nodes { a: params { value } b: params { value } } } }',
      oneGame((game, bytes) => game.param({ value: letters(bytes / 2) })),
    ],
    [
      'pages within pages',
      'given up',
      '{ games(first: 1) { nodes { tasks(first: 20) { nodes { params { value } } } } } }',
      oneGame((game, bytes) =>
        many(20, async () => (await game.task()).param({ value: letters(bytes / 20 - 40) })),
      ),
    ],
    [
      'edges within a page',
      'given up',
      '{ games(first: 1) { nodes { tasks(first: 20) { edges { node { status } } } } } }',
      oneGame((game, bytes) => many(20, () => game.task({ status: letters(bytes / 20 - 30) }))),
    ],
    [
      'a leaderboard',
      'given up',
      'query ($id: ID!) { game(id: $id) { leaderboard(first: 10) { nodes { externalUserId } } } }',
      oneGame(async (game, bytes) => {
        const task = await game.task();
        await many(10, async () =>
          task.points(await rows.user({ externalUserId: letters(bytes / 10 - 60) + randomUUID() })),
        );
      }),
    ],
    [
      'many objects by their ids',
      'refused',
      'query ($ids: [ID!]!) { gamesByIds(ids: $ids) { platform } }',
      async (bytes) => ({
        ids: (await many(50, () => alice.game({ platform: letters(bytes / 50 - 20) }))).map(({ id }) => id),
      }),
    ],
    [
      'one object by a hundred times its id',
      'refused',
      'query ($ids: [ID!]!) { gamesByIds(ids: $ids) { platform } }',
      async (bytes) => {
        const { id } = await alice.game({ platform: letters(bytes / 100 - 20) });
        return { ids: Array.from({ length: 100 }, () => id) };
      },
    ],
    [
      'one node by a hundred times its id',
      'refused',
      'query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Game { platform } } }',
      async (bytes) => {
        const { id } = await alice.game({ platform: letters(bytes / 100 - 20) });
        return { ids: Array.from({ length: 100 }, () => id) };
      },
    ],
    [
      'one entity by a hundred times its key',
      'refused',
      'query ($keys: [_Any!]!) { _entities(representations: $keys) { ... on Game { platform } } }',
      async (bytes) => {
        const { id } = await alice.game({ platform: letters(bytes / 100 - 20) });
        return { keys: Array.from({ length: 100 }, () => ({ __typename: 'Game', id })) };
      },
    ],
    [
      'two fields at the top',
      'refused',
      '{ a: games(first: 10) { nodes { platform } } b: games(first: 10) { nodes { platform } } }',
      (bytes) => games(10)(bytes / 2),
    ],
  ])('%s: %s', async (_what, how, document, fill) => {
    const within = await fill(MOST - ROOM);
    const { text } = await api.query(document, within, alice);
    expect(text.length).toBeGreaterThan(MOST - 2 * ROOM);
    await api.data(document, within, alice);

    alice = await rows.owner();
    const beyond = await fill(MOST + ROOM);
    for (let time = 0; time < 4; time++) {
      const errors = await recordErrors(api, () => expectRefused(document, beyond));
      expect(errors).toEqual(how === 'given up' ? [GIVEN_UP] : []);
    }
  });
});

test('the longest answer may have exactly so many bytes of data', async () => {
  const { id } = await alice.game({ platform: letters(MOST - '{"platform":""}'.length) });
  const document = 'query ($id: ID!) { game(id: $id) { platform } }';
  const { text } = await api.query(document, { id }, alice);
  expect(text.length).toBeGreaterThan(MOST);
  await api.database.query('UPDATE games SET platform = platform || $1 WHERE id = $2', ['a', id]);
  await expectRefused(document, { id });
});

test('bytes count, not characters', async () => {
  const { id } = await alice.game({ platform: '€'.repeat(30_000) });
  const read = 'query ($id: ID!) { game(id: $id) { platform } }';
  const write =
    'mutation ($id: ID!) { patchGame(input: { id: $id, strategyId: "socio_bee" }) { game { platform } } }';
  await api.data(read, { id }, alice);
  await api.data(write, { id }, alice);
  await api.database.query('UPDATE games SET platform = $1 WHERE id = $2', ['€'.repeat(35_000), id]);
  await expectRefused(read, { id });
  expect(await api.errors(write, { id }, alice)).toMatchObject({ codes: ['LIMIT_EXCEEDED'] });
  // Of all fields at the top together.
  await api.database.query('UPDATE games SET platform = $1 WHERE id = $2', ['€'.repeat(20_000), id]);
  await expectRefused('query ($id: ID!) { a: game(id: $id) { platform } b: game(id: $id) { platform } }', {
    id,
  });
});

test('one row of a page may take five times its equal share of the longest answer', async () => {
  const document = '{ games(first: 100) { nodes { params { value } } } }';
  const game = await alice.game();
  const param = await game.param({ value: letters((5 * MOST) / 100 - 200) });
  await api.data(document, {}, alice);
  await api.database.query('UPDATE gamesparams SET value = value || $1 WHERE id = $2', [
    letters(400),
    param.id,
  ]);
  expect(await recordErrors(api, () => expectRefused(document))).toEqual([GIVEN_UP]);
  // Of a smaller page, the share of a row is larger.
  await api.data('{ games(first: 10) { nodes { params { value } } } }', {}, alice);
});

describe('a write whose answer would be too long is not done', () => {
  test.each([
    ['by its params', 'params { value }'],
    ['by its fields', 'platform again: platform'],
  ])('%s', async (_what, fields) => {
    const game = await alice.game({ platform: letters(60_000) });
    await many(2, () => game.param({ value: letters(60_000) }));
    const document = `mutation ($id: ID!) { patchGame(input: { id: $id, externalGameId: "changed-now" }) { game { ${fields} } } }`;
    const before = await api.database.dump();
    const { codes, errors } = await api.errors(document, { id: game.id }, alice);
    expect(codes).toEqual(['LIMIT_EXCEEDED']);
    expect(errors[0]?.message).toContain(`at most ${MOST} bytes`);
    expect(await api.database.dump()).toBe(before);
  });
});

describe('beside errors, data may have a twentieth of the longest answer', () => {
  const document = `{ games(first: 10) { nodes { platform } } game(id: "${randomUUID()}") { id } }`;

  test.each([
    ['a field at the top', document],
    [
      'a field below a list',
      String.raw`{ games(first: 10) { nodes { platform task(externalTaskId: "\u0000") { id } } } }`,
    ],
    ['what only graphql-js can complete', '{ games(first: 10) { nodes { platform } } viewer { isAdmin } }'],
  ])('%s', async (_where, asked) => {
    await many(10, () => alice.game({ platform: letters(MOST / 20 / 10 - 200) }));
    const { status, body } = await api.query(asked, {}, alice);
    expect(status).toBe(200);
    expect(body.data).toMatchObject({ games: { nodes: { length: 10 } } });
    await api.database.query('UPDATE games SET platform = platform || $1 WHERE "apiKey_used" = $2', [
      letters(400),
      alice.prefix,
    ]);
    for (let time = 0; time < 4; time++) await expectRefused(asked, {}, MOST / 20);
  });
});

describe('errors of an answer', () => {
  const bad = (prefix: string, count: number): string =>
    times(count, (index) => String.raw`${prefix}${index}: task(externalTaskId: "\u0000") { id }`);

  test('are at most 100', async () => {
    await alice.game();
    const document = (count: number): string =>
      `{ ${times(2, (index) => `g${index}: games(first: 1) { nodes { ${bad('t', count)} } }`)} }`;
    const few = await api.errors(document(50), {}, alice);
    expect(few.errors).toHaveLength(100);
    for (let time = 0; time < 4; time++) {
      const { status, errors, codes } = await api.errors(document(60), {}, alice);
      expect(status).toBe(200);
      expect(errors).toHaveLength(100);
      expect(new Set(codes)).toEqual(new Set(['BAD_USER_INPUT']));
    }
  });

  test('tell once what is wrong with one argument below a list, at its first place', async () => {
    await many(3, () => alice.game());
    const document = `{ games(first: 3) { nodes { ${bad('t', 2)} } } }`;
    for (let time = 0; time < 4; time++) {
      const { body, errors } = await api.errors(document, {}, alice);
      expect(errors.map(({ path }) => path)).toEqual([
        ['games', 'nodes', 0, 't0'],
        ['games', 'nodes', 0, 't1'],
      ]);
      expect(body.data).toEqual({
        games: { nodes: Array.from({ length: 3 }, () => ({ t0: null, t1: null })) },
      });
    }
  });

  test('tell it once for each place in the operation', async () => {
    const { id } = await alice.game();
    const document = `query ($ids: [ID!]!) { a: gamesByIds(ids: $ids) { ${bad('t', 1)} } b: gamesByIds(ids: $ids) { ${bad('t', 1)} } }`;
    const { errors } = await api.errors(document, { ids: [randomUUID(), id, id, id] }, alice);
    expect(errors.map(({ path }) => path?.join('.'))).toEqual(['a.1.t0', 'b.1.t0']);
  });
});
