import { beforeAll, describe, expect, test } from '@jest/globals';
import { getIntrospectionQuery } from 'graphql';
import type { Variables } from '../support/api.js';
import type { Owner } from '../support/builders.js';
import { nested, times } from '../support/texts.js';
import { useApi } from '../support/use-api.js';

const { api, rows } = useApi();
let alice: Owner;

beforeAll(async () => {
  alice = await rows.owner();
});

/** What an operation may cost. */
const MOST = 250_000;

/** Costs the most that is allowed: the schema costs 10,000 each time that it is asked for. */
const BALLAST = times(25, (index) => `b${index}: _sdl`);

interface Costly {
  readonly variables?: Variables;
  /** What stands before the fields: `query ($n: Int)`. */
  readonly head?: string;
  /** What stands after them. */
  readonly fragments?: string;
}

/** What fields at the top cost: what is refused says it. */
async function costOf(fields: string, { variables, head, fragments }: Costly = {}): Promise<number> {
  const document = `${head ?? 'query'} { ${fields} ${BALLAST} } ${fragments ?? ''}`;
  const { status, codes, errors } = await api.errors(document, variables, alice);
  expect({ status, codes }).toEqual({ status: 400, codes: ['LIMIT_EXCEEDED'] });
  const [, most, cost] = /may cost at most (\d+); it costs (\d+)\./.exec(errors[0]?.message ?? '') ?? [];
  expect(most).toBe(String(MOST));
  return Number(cost) - MOST;
}

test('an operation that costs the most is let through, and one that costs more is not', async () => {
  const sdl = (count: number): string => times(count, (index) => `a${index}: _sdl`);
  expect(await api.query(`{ ${sdl(25)} }`)).toMatchObject({ status: 200 });
  expect(await api.errors(`{ ${sdl(25)} __typename }`)).toMatchObject({
    status: 400,
    codes: ['LIMIT_EXCEEDED'],
  });
});

test('a field costs one; in a list, one for each item beside the item itself', async () => {
  expect(await costOf('viewer { isAdmin }')).toBe(2);
  expect(await costOf('viewer { isAdmin apiKey }')).toBe(3);
  // Ten items of `nodes` and `id`.
  expect(await costOf('games(first: 10) { nodes { id } }')).toBe(1 + 10 * 3);
  expect(await costOf('games(first: 10) { nodes { id platform } }')).toBe(1 + 10 * 4);
});

test('a field of introspection costs two, below a type that is asked for by its name ten times that', async () => {
  expect(await costOf('__schema { queryType { name } }')).toBe(1 + 2 + 2);
  expect(await costOf('__type(name: "Game") { name }')).toBe(1 + 10 * 2);
  const args = 2 + 2 * (1 + 2);
  expect(await costOf('__type(name: "Game") { fields { args { name } } }')).toBe(
    1 + 10 * (2 + 5 * (1 + args)),
  );
});

describe('counting costs 500; a leaderboard of a game 1,000 and one of a task 500, beside their items', () => {
  test.each([
    ['games(first: 1) { totalCount }', 502],
    ['game(id: "x") { tasks(first: 1) { totalCount } }', 1 + 502],
    ['game(id: "x") { leaderboard(first: 1) { nodes { rank } } }', 1 + 1_000 + 3],
    ['game(id: "x") { leaderboard(first: 1) { totalCount } }', 1 + 1_000 + 1 + 500],
    ['game(id: "x") { task(externalTaskId: "x") { leaderboard(first: 1) { nodes { rank } } } }', 2 + 500 + 3],
  ])('%s', async (fields, cost) => {
    expect(await costOf(fields)).toBe(cost);
  });
});

describe('what stands in a list counts for each of its items, by every way', () => {
  const ids = (count: number): string => `[${times(count, (index) => `"${index}"`)}]`;
  const keys = (count: number): object[] =>
    Array.from({ length: count }, (_, index) => ({ __typename: 'Game', id: String(index) }));
  /** The way to a game, how many games there may be, and what else belongs to the operation. */
  type Way = [way: string, to: (game: string) => string, games: number, costly?: Costly];

  const ways: Way[] = [
    ['game', (game) => `game(id: "x") { ${game} }`, 1],
    ['games.nodes', (game) => `games(first: 7) { nodes { ${game} } }`, 7],
    ['the last games', (game) => `games(last: 7) { nodes { ${game} } }`, 7],
    ['games without a page size', (game) => `games { nodes { ${game} } }`, 20],
    ['games.edges', (game) => `games(first: 7) { edges { node { ${game} } } }`, 7],
    ['nodes and edges', (game) => `games(first: 7) { nodes { ${game} } edges { node { ${game} } } }`, 14],
    ['two nodes', (game) => `games(first: 7) { nodes { ${game} } more: nodes { id more: id ${game} } }`, 14],
    [
      'aliases',
      (game) => `a: games(first: 7) { nodes { ${game} } } b: games(first: 3) { nodes { ${game} } }`,
      10,
    ],
    ['node', (game) => `node(id: "x") { ... on Game { ${game} } }`, 1],
    ['nodes', (game) => `nodes(ids: ${ids(7)}) { ... on Game { ${game} } }`, 7],
    ['gamesByIds', (game) => `gamesByIds(ids: ${ids(7)}) { ${game} }`, 7],
    [
      'gamesByIds with a variable',
      (game) => `gamesByIds(ids: $ids) { ${game} }`,
      7,
      { head: 'query ($ids: [ID!]!)', variables: { ids: ['1', '2', '3', '4', '5', '6', '7'] } },
    ],
    [
      'gamesByIds with a default',
      (game) => `gamesByIds(ids: $ids) { ${game} }`,
      1_000,
      { head: 'query ($ids: [ID!]! = ["1", "2"])' },
    ],
    [
      '_entities',
      (game) => `_entities(representations: $keys) { ... on Game { ${game} } }`,
      7,
      { head: 'query ($keys: [_Any!]!)', variables: { keys: keys(7) } },
    ],
    [
      '_entities with literals',
      (game) =>
        `_entities(representations: [{ __typename: "Game", id: "1" }, { __typename: "Game", id: "2" }]) { ... on Game { ${game} } }`,
      2,
    ],
    ['strategy.games', (game) => `strategy(id: "x") { games(first: 7) { nodes { ${game} } } }`, 7],
    [
      'strategies.versions.games',
      (game) => `strategies(first: 2) { nodes { versions { games(first: 3) { nodes { ${game} } } } } }`,
      30,
    ],
    [
      'tasks.game',
      (game) => `games(first: 3) { nodes { tasks(first: 2) { nodes { game { ${game} } } } } }`,
      6,
    ],
    [
      'strategyReassignments.games',
      (game) =>
        `strategyReassignments(first: 2) { nodes { games(first: 3) { edges { node { ${game} } } } } }`,
      6,
    ],
    [
      'strategyReassignments.tasks',
      (game) =>
        `strategyReassignments(first: 2) { nodes { tasks(first: 3) { edges { node { game { ${game} } } } } } }`,
      6,
    ],
    [
      'inline fragments',
      (game) => `... on Query { games(first: 7) { ... { nodes { ... on Game { ${game} } } } } }`,
      7,
    ],
    [
      'a page size in a variable',
      (game) => `games(first: $n) { nodes { ${game} } }`,
      7,
      { head: 'query ($n: Int)', variables: { n: 7 } },
    ],
    [
      'a page size in a default',
      (game) => `games(last: $n) { nodes { ${game} } }`,
      7,
      { head: 'query ($n: Int = 7)' },
    ],
    [
      'a page size that is null',
      (game) => `games(first: $n) { nodes { ${game} } }`,
      20,
      { head: 'query ($n: Int = 7)', variables: { n: null } },
    ],
    ['a page that is too large', (game) => `games(first: 5000) { nodes { ${game} } }`, 100],
    ['a page of less than one', (game) => `games(first: -5) { nodes { ${game} } }`, 1],
  ];

  test.each(ways)('%s', async (_way, to, games, costly = {}) => {
    const board = 'leaderboard(first: 1) { totalCount }';
    const [without, withBoard] = [await costOf(to('id'), costly), await costOf(to(`id ${board}`), costly)];
    expect(withBoard - without).toBe(games * 1_501);
  });

  test.each(ways)('%s, by a fragment', async (_way, to, games, costly = {}) => {
    const fragment = (game: string): string =>
      `fragment F on Game { ...G } fragment G on Game { ... on Game { ${game} } }`;
    const [without, withCount] = [
      await costOf(to('...F'), { ...costly, fragments: fragment('id') }),
      await costOf(to('...F'), { ...costly, fragments: fragment('id tasks(first: 1) { totalCount }') }),
    ];
    expect(withCount - without).toBe(games * 502);
  });

  test('a fragment counts each time that it is spread', async () => {
    const fragments = 'fragment F on Query { games(first: 1) { totalCount } }';
    expect(await costOf('...F ...F ... on Query { ...F }', { fragments })).toBe(3 * 502);
  });

  test('an operation that is known counts with the variables that it has now', async () => {
    const document = `query ($n: Int) { games(first: $n) { nodes { tasks(first: $n) { nodes { leaderboard(first: 1) { nodes { rank } } } } } } }`;
    for (let time = 0; time < 4; time++) {
      expect(await api.query(document, { n: 2 }, alice)).toMatchObject({ status: 200 });
      expect(await api.query(document, { n: 100 }, alice)).toMatchObject({ status: 400 });
    }
  });
});

/** What it costs beside to look at all games of an owner, which a filter or an order of games makes necessary. */
const SCAN = 5_000;

describe('an argument that is an object costs 20 for each value in it', () => {
  const filters: [what: string, filter: object, values: number][] = [
    ['one operator', { platform: { eq: 'x' } }, 2],
    ['a list', { id: { in: ['1', '2', '3'] } }, 5],
    ['an or of empty conditions', { or: [{}, {}, {}] }, 4],
    ['conditions within each other', { not: { and: [{ platform: { eq: 'x', ne: 'y' } }, {}] } }, 7],
  ];
  const literal = (value: unknown): string => {
    if (Array.isArray(value)) return `[${value.map(literal).join()}]`;
    if (typeof value !== 'object' || value === null) return JSON.stringify(value);
    return `{ ${Object.entries(value)
      .map(([key, item]) => `${key}: ${literal(item)}`)
      .join(' ')} }`;
  };

  test.each(filters)('%s', async (_what, filter, values) => {
    expect(await costOf(`games(first: 1, filter: ${literal(filter)}) { totalCount }`)).toBe(
      502 + SCAN + 20 * values,
    );
    const byVariable = { head: 'query ($f: GameFilter)', variables: { f: filter } };
    expect(await costOf('games(first: 1, filter: $f) { totalCount }', byVariable)).toBe(
      502 + SCAN + 20 * values,
    );
  });

  test('the same in a list, for each of its items', async () => {
    const filter = '{ status: { eq: "x" } }';
    const tasks = (more: string): string =>
      `games(first: 7) { nodes { tasks(first: 1${more}) { nodes { id } } } }`;
    expect((await costOf(tasks(`, filter: ${filter}`))) - (await costOf(tasks('')))).toBe(7 * 40);
  });

  test('an order counts as well', async () => {
    expect(await costOf('games(first: 1, orderBy: [{ field: PLATFORM }]) { totalCount }')).toBe(
      502 + SCAN + 40,
    );
  });

  test('a default counts as the most that an operation is not looked at again for', async () => {
    const head = 'query ($f: GameFilter = { platform: { eq: "x" } })';
    expect(await costOf('games(first: 1, filter: $f) { totalCount }', { head })).toBe(502 + SCAN + 20 * 200);
  });
});

test('a response name costs one more for each 20 characters', async () => {
  const alias = (length: number): string => `viewer { ${'a'.repeat(length)}: isAdmin }`;
  expect(await costOf(alias(19))).toBe(2);
  expect(await costOf(alias(20))).toBe(3);
  expect(await costOf(alias(100))).toBe(7);
  const inList = `games(first: 7) { nodes { ${'a'.repeat(100)}: id } }`;
  expect(await costOf(inList)).toBe(1 + 7 * (1 + 1 + 6));
});

describe('what is known to be left out costs nothing', () => {
  const DEAR = 'games(first: 100) { nodes { tasks(first: 100) { nodes { leaderboard { totalCount } } } } }';
  const inPlace = (directive: string): string[] => [
    DEAR.replace(' {', ` ${directive} {`),
    `... ${directive} { ${DEAR} }`,
    `...F ${directive}`,
  ];
  /** Of these fields. */
  const fragmentsOf = (fields: string): string =>
    fields.includes('...F') ? `fragment F on Query { ${DEAR} }` : '';

  test.each(['@skip(if: true)', '@include(if: false)'])('%s', async (directive) => {
    for (const fields of inPlace(directive))
      expect(await costOf(`${fields} __typename`, { fragments: fragmentsOf(fields) })).toBe(1);
  });

  test.each([
    ['@skip(if: $v)', true],
    ['@include(if: $v)', false],
  ])('%s', async (directive, left) => {
    for (const fields of inPlace(directive)) {
      const fragments = fragmentsOf(fields);
      const head = 'query ($v: Boolean!)';
      const costs = [];
      for (const v of [left, !left, left, !left]) {
        costs.push(await costOf(`${fields} __typename`, { fragments, head, variables: { v } }));
      }
      expect(costs).toEqual([1, costs[1], 1, costs[1]]);
      expect(costs[1]).toBeGreaterThan(MOST);
      const byDefault = { fragments, head: `query ($v: Boolean = ${left})` };
      expect(await costOf(`${fields} __typename`, byDefault)).toBe(1);
    }
  });

  test('an operation that was let through without it is refused with it', async () => {
    const document = `query ($v: Boolean!) { __typename ${DEAR.replace(' {', ' @include(if: $v) {')} }`;
    for (let time = 0; time < 4; time++) {
      expect(await api.query(document, { v: false }, alice)).toMatchObject({ status: 200 });
      expect(await api.errors(document, { v: true }, alice)).toMatchObject({ codes: ['LIMIT_EXCEEDED'] });
    }
  });
});

describe('variables that hold more than 200 values are looked at each time', () => {
  const document = `query ($f: GameFilter) { ${times(20, (index) => `a${index}: games(first: 1, filter: $f) { nodes { id } }`)} }`;
  const filter = (ids: number): Variables => ({
    f: { id: { in: Array.from({ length: ids }, (_, index) => String(index)) } },
  });

  test('also for an operation that was let through with fewer', async () => {
    for (let time = 0; time < 4; time++) {
      expect(await api.query(document, filter(190), alice)).toMatchObject({ status: 200 });
    }
    for (let time = 0; time < 4; time++) {
      const { status, codes, errors } = await api.errors(document, filter(500), alice);
      expect({ status, codes }).toEqual({ status: 400, codes: ['LIMIT_EXCEEDED'] });
      expect(errors[0]?.message).toContain(`it costs ${20 * (1 + SCAN + 20 * 502 + 3)}`);
    }
    // More of them may still be within the limit.
    expect(await api.query(document, filter(240), alice)).toMatchObject({ status: 200 });
  });
});

describe('variables may be nested 64 levels deep', () => {
  const document = 'query ($keys: [_Any!]!) { _entities(representations: $keys) { __typename } }';
  /** So many lists and objects within each other, and `beside` values beside them. */
  const keys = (levels: number, beside: number): Variables => {
    let value: unknown = 1;
    for (let level = 2; level < levels; level++) value = level % 2 === 0 ? [value] : { a: value };
    return { keys: [value, ...Array.from({ length: beside }, () => ({}))] };
  };

  test.each([0, 300])('with %d values beside', async (beside) => {
    for (let time = 0; time < 4; time++) {
      const most = await api.errors(document, keys(64, beside), alice);
      expect(most).toMatchObject({ status: 200, codes: ['BAD_USER_INPUT'] });
      const { status, codes, errors } = await api.errors(document, keys(65, beside), alice);
      expect({ status, codes }).toEqual({ status: 400, codes: ['LIMIT_EXCEEDED'] });
      expect(errors[0]?.message).toBe('Variables may be nested at most 64 levels deep; they are 65 deep.');
    }
  });

  test('deeper ones break nothing', async () => {
    const deep = `{"query":${JSON.stringify(document)},"variables":{"keys":[${nested(40_000, '[', '1', ']')}]}}`;
    const headers = { 'content-type': 'application/json', 'x-api-key': alice.key };
    const answer = await fetch(api.url, { method: 'POST', headers, body: deep });
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain('LIMIT_EXCEEDED');
  });
});

describe('introspection', () => {
  const all = {
    descriptions: true,
    specifiedByUrl: true,
    directiveIsRepeatable: true,
    schemaDescription: true,
    inputValueDeprecation: true,
    oneOf: true,
  };

  test('of tools is let through, with all that it can ask for', async () => {
    expect(await api.query(getIntrospectionQuery(all))).toMatchObject({ status: 200 });
  });

  test('is refused when three of its lists of fields are within each other', async () => {
    const document = (fields: string): string => `{ __type(name: "Game") { fields { type { ${fields} } } } }`;
    expect(await api.query(document('fields { type { name } }'))).toMatchObject({ status: 200 });
    const { status, codes, errors } = await api.errors(document('fields { type { fields { name } } }'));
    expect({ status, codes: new Set(codes) }).toEqual({
      status: 400,
      codes: new Set(['GRAPHQL_VALIDATION_FAILED']),
    });
    expect(errors[0]?.message).toBe('Maximum introspection depth exceeded');
  });

  test.each([
    [
      'all types many times',
      `{ __schema { ${times(60, (index) => `t${index}: types { name description fields { name description args { name } } }`)} } }`,
    ],
    [
      'one field of all arguments many times',
      `{ __schema { types { fields { args { ${times(400, (index) => `d${index}: description`)} } } } } }`,
    ],
    [
      'the schema many times',
      `{ ...F } fragment F on Query { ${times(50, (index) => `s${index}: __schema { types { fields { name args { name description } } } }`)} }`,
    ],
    [
      'a type by its name many times',
      `{ ${times(50, (index) => `t${index}: __type(name: "Query") { ...T }`)} }
       fragment T on __Type { ${times(10, (index) => `f${index}: fields { name description args { name } }`)} }`,
    ],
    ['the schema as a text many times', `{ _service { ${times(26, (index) => `a${index}: sdl`)} } }`],
  ])('is refused when it asks for %s', async (_what, document) => {
    expect(await api.errors(document, {}, alice)).toMatchObject({ status: 400, codes: ['LIMIT_EXCEEDED'] });
  });
});
