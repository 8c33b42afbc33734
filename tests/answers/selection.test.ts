import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  getNamedType,
  isLeafType,
  isObjectType,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLSchema,
} from 'graphql';
import type { Answer, Variables } from '../support/api.js';
import type { Game, Owner, Strategy, Task } from '../support/builders.js';
import { startReference, type Reference } from '../support/reference.js';
import { schemaOf } from '../support/schema-walk.js';
import { recordStatements, workOf, type Statement } from '../support/statements.js';
import { useApi } from '../support/use-api.js';

const { api, rows } = useApi();
let alice: Owner;
let games: Game[];
let tasks: Task[][];
let custom: Strategy;
let reassignmentId: string;

/** Games with 0, 1, 2 and 3 tasks, on a built-in strategy and on a custom one of two versions. */
beforeAll(async () => {
  const bob = await rows.owner();
  alice = await rows.owner();
  const family = { name: 'family', description: 'of two' };
  await alice.strategy({ ...family, version: 1, status: 'ARCHIVED' });
  custom = await alice.strategy({ ...family, version: 2 });
  const users = await Promise.all([rows.user(), rows.user(), rows.user()]);
  games = [];
  tasks = [];
  for (const owner of [alice, alice, alice, alice, bob]) {
    const index = games.length;
    const strategyId = index % 2 ? custom.strategyId : 'default';
    const created_at = `2026-01-0${index + 1}T00:00:00Z`;
    const game = await owner.game({ externalGameId: `selection-${index}`, strategyId, created_at });
    await game.param({ key: 'color', value: `${index}` });
    const own: Task[] = [];
    for (let number = 0; number < index; number++) {
      const status = number % 2 ? 'closed' : 'open';
      const task = await game.task({ externalTaskId: `task-${number}`, status, strategyId });
      await task.param();
      for (const user of users.slice(0, number + 1)) await task.points(user, { points: 10 * number });
      own.push(task);
    }
    games.push(game);
    tasks.push(own);
  }
  const input = { oldStrategyId: 'default', newStrategyId: 'socio_bee', ids: [games[0]?.id] };
  const { bulkUpdateStrategyId } = await data<{ bulkUpdateStrategyId: { reassignment: { id: string } } }>(
    `mutation ($input: BulkUpdateStrategyIdInput!) { bulkUpdateStrategyId(input: $input) { reassignment { id } } }`,
    { input },
  );
  reassignmentId = bulkUpdateStrategyId.reassignment.id;
});

function data<Data = Record<string, unknown>>(document: string, variables: Variables = {}): Promise<Data> {
  return api.data<Data>(document, variables, alice);
}

function gameId(index: number): string {
  return games[index]?.id ?? '';
}

/** The external ids of tasks as connections show them. */
const named = (...names: string[]): unknown => ({
  nodes: names.map((externalTaskId) => ({ externalTaskId })),
});

/** Sends a body that `api.query` would not. */
async function post(body: object): Promise<Answer['body']> {
  const headers = { 'content-type': 'application/json', 'x-api-key': alice.key };
  const response = await fetch(api.url, { method: 'POST', headers, body: JSON.stringify(body) });
  return (await response.json()) as Answer['body'];
}

describe('a field is read as it was asked for', () => {
  test('under several aliases with different arguments, at nodes and at edges at once', async () => {
    const found = await data(
      `query ($id: ID!) { gamesByIds(ids: [$id]) {
        all: tasks(orderBy: [{ field: EXTERNAL_TASK_ID }]) {
          nodes { externalTaskId top: leaderboard(first: 1) { nodes { rank } } }
          edges { node { top: leaderboard(first: 9) { nodes { points } } board: leaderboard { totalCount } } }
        }
        open: tasks(filter: { status: { eq: "open" } }, orderBy: [{ field: EXTERNAL_TASK_ID }]) { nodes { externalTaskId } }
        closed: tasks(filter: { status: { eq: "closed" } }) { nodes { externalTaskId } }
        one: task(externalTaskId: "task-1") { status }
        none: task(externalTaskId: "task-9") { status }
      } }`,
      { id: gameId(3) },
    );
    expect(found).toEqual({
      gamesByIds: [
        {
          all: {
            nodes: [0, 1, 2].map((n) => ({ externalTaskId: `task-${n}`, top: { nodes: [{ rank: 1 }] } })),
            edges: [0, 1, 2].map((n) => ({
              node: {
                top: { nodes: Array.from({ length: n + 1 }, () => ({ points: 10 * n })) },
                board: { totalCount: n + 1 },
              },
            })),
          },
          open: named('task-0', 'task-2'),
          closed: named('task-1'),
          one: { status: 'closed' },
          none: null,
        },
      ],
    });
  });

  test('under one alias with different arguments below different parents', async () => {
    const found = await data(
      `query ($a: ID!, $b: ID!) {
        a: game(id: $a) { t: tasks(first: 1, orderBy: [{ field: EXTERNAL_TASK_ID }]) { nodes { externalTaskId
          game { t: tasks(last: 1, orderBy: [{ field: EXTERNAL_TASK_ID }]) { nodes { externalTaskId } } } } } }
        b: game(id: $b) { t: tasks(first: 2, orderBy: [{ field: EXTERNAL_TASK_ID }]) { nodes { externalTaskId } } }
        n: node(id: $b) { ... on Game { t: tasks(filter: { status: { eq: "closed" } }) { nodes { externalTaskId } } } }
      }`,
      { a: gameId(3), b: gameId(2) },
    );
    expect(found).toEqual({
      a: { t: { nodes: [{ externalTaskId: 'task-0', game: { t: named('task-2') } }] } },
      b: { t: named('task-0', 'task-1') },
      n: { t: named('task-1') },
    });
  });

  test('named like anything that objects have of their own', async () => {
    const found = await data(
      `query ($id: ID!) { data: game(id: $id) {
        id: externalGameId parts: platform constructor: strategyId toString: version valueOf: createdAt
        externalGameId: id version: __typename
        strategy: tasks { nodes: totalCount edges: pageInfo { startCursor: hasNextPage } }
        tasks: params { id: key key: value }
      } }`,
      { id: gameId(1) },
    );
    expect(found).toEqual({
      data: {
        id: 'selection-1',
        parts: 'web',
        constructor: custom.strategyId,
        toString: expect.stringMatching(/^[0-9a-f]{32}$/),
        valueOf: '2026-01-02T00:00:00.000000Z',
        externalGameId: gameId(1),
        version: 'Game',
        strategy: { nodes: 1, edges: { startCursor: false } },
        tasks: [{ id: 'color', key: '1' }],
      },
    });
  });

  test('60 times, each with arguments of its own', async () => {
    const aliases = Array.from({ length: 60 }, (_, index) => index);
    const fields = aliases.map((n) => `a${n}: task(externalTaskId: "task-${n}") { externalTaskId }`);
    const statements = await recordStatements(api, async () => {
      const found = await data(`query ($id: ID!) { game(id: $id) { ${fields.join(' ')} } }`, {
        id: gameId(3),
      });
      const expected: unknown = Object.fromEntries(
        aliases.map((n) => [`a${n}`, n < 3 ? { externalTaskId: `task-${n}` } : null]),
      );
      expect(found).toEqual({ game: expected });
    });
    expect(workOf(statements)).toHaveLength(1);
  });

  test('more often than one object can be asked for: LIMIT_EXCEEDED', async () => {
    const fields = Array.from({ length: 120 }, (_, n) => `a${n}: task(externalTaskId: "task-${n}") { id }`);
    const document = `query ($id: ID!) { game(id: $id) { ${fields.join(' ')} } }`;
    expect((await api.errors(document, { id: gameId(3) }, alice)).codes).toEqual(['LIMIT_EXCEEDED']);
  });

  test('however deep it lies, in one statement', async () => {
    const statements = await recordStatements(api, async () => {
      const found = await data(
        `query ($id: ID!) { game(id: $id) { tasks(first: 1) { nodes { game { tasks(last: 1) { nodes { strategy {
          games(last: 1) { nodes { tasks(first: 1, orderBy: [{ field: EXTERNAL_TASK_ID }]) { nodes {
            externalTaskId game { externalGameId } strategy { versions { version } } } } } } } } } } } } } }`,
        { id: gameId(3) },
      );
      const task = {
        externalTaskId: 'task-0',
        game: { externalGameId: 'selection-1' },
        strategy: { versions: [{ version: '2' }, { version: '1' }] },
      };
      const strategy = { games: { nodes: [{ tasks: { nodes: [task] } }] } };
      const below = { nodes: [{ game: { tasks: { nodes: [{ strategy }] } } }] };
      expect(found).toEqual({ game: { tasks: below } });
    });
    expect(workOf(statements)).toHaveLength(1);
  });
});

describe('arguments', () => {
  test('from a variable, from its default, from nothing and as a literal are the same', async () => {
    const found = await data<{ game: Record<string, unknown> }>(
      `query ($id: ID!, $given: Int, $byDefault: Int = 1, $left: Int, $none: Int, $filter: TaskFilter, $status: String = "open") {
        game(id: $id) {
          literal: tasks(first: 1) { nodes { id } }
          given: tasks(first: $given) { nodes { id } }
          byDefault: tasks(first: $byDefault) { nodes { id } }
          left: tasks(first: $left) { nodes { id } }
          none: tasks(first: $none, last: null, filter: null, orderBy: null) { nodes { id } }
          bare: tasks { nodes { id } }
          filter: tasks(filter: $filter) { nodes { id } }
          parts: tasks(filter: { status: { eq: $status } }) { nodes { id } }
          whole: tasks(filter: { status: { eq: "open" } }) { nodes { id } }
        } }`,
      { id: gameId(3), given: 1, none: null, filter: { status: { eq: 'open' } } },
    );
    const { literal: one, bare, whole, ...others } = found.game;
    expect(bare).toEqual({ nodes: [{}, {}, {}].map(() => ({ id: expect.any(String) })) });
    expect(others).toEqual({
      given: one,
      byDefault: one,
      left: bare,
      none: bare,
      filter: whole,
      parts: whole,
    });
  });

  test('that are bad are reported where they stand, once for each row, and no other row suffers', async () => {
    const { body } = await api.query(
      `query ($ids: [ID!]!) { gamesByIds(ids: $ids) { good: tasks(first: 1) { totalCount }
        tasks(first: 2) { nodes { board: leaderboard(first: 0, after: "x") { totalCount } } } } }`,
      { ids: [gameId(0), gameId(2), gameId(1)] },
      alice,
    );
    const board = [0, 1].map((index) => ['gamesByIds', 1, 'tasks', 'nodes', index, 'board']);
    const places = [...board, ['gamesByIds', 2, 'tasks', 'nodes', 0, 'board']];
    const problems = ['first', 'after'].map((argument) => ({ argument, message: expect.any(String) }));
    expect(body.data).toEqual({
      gamesByIds: [{ good: { totalCount: 0 }, tasks: { nodes: [] } }, null, null],
    });
    // GraphQL stops at the first error that makes a list null.
    expect(body.errors?.length).toBeGreaterThanOrEqual(2);
    for (const { path, extensions } of body.errors ?? []) {
      expect(places).toContainEqual(path);
      expect(extensions).toMatchObject({ code: 'BAD_USER_INPUT', problems });
    }
  });

  test('that are bad harm nobody where there is no row', async () => {
    const document = `query ($id: ID!) { game(id: $id) { tasks { nodes { leaderboard(first: 0) { totalCount } } } } }`;
    expect(await data(document, { id: gameId(0) })).toEqual({ game: { tasks: { nodes: [] } } });
  });

  test('of a page that is too large are refused at its own place', async () => {
    const document = `query ($id: ID!) { node(id: $id) { ... on Game { id tasks(first: 101) { totalCount } } } }`;
    const { errors, body } = await api.errors(document, { id: gameId(1) }, alice);
    expect(errors).toMatchObject([{ path: ['node', 'tasks'], extensions: { code: 'LIMIT_EXCEEDED' } }]);
    expect(body.data).toEqual({ node: null });
  });

  test('that no string can hold are refused at their own place', async () => {
    const document = `query ($id: ID!, $text: String!) { game(id: $id) { id task(externalTaskId: $text) { id } } }`;
    const { errors, body } = await api.errors(document, { id: gameId(1), text: 'a\0' }, alice);
    const problems = [{ argument: 'externalTaskId' }];
    expect(errors).toMatchObject([
      { path: ['game', 'task'], extensions: { code: 'BAD_USER_INPUT', problems } },
    ]);
    expect(body.data).toEqual({ game: { id: gameId(1), task: null } });
  });
});

describe('what is left out is not read, and what is not left out is', () => {
  test('a field skipped in one place and included in another', async () => {
    const document = `query ($id: ID!, $yes: Boolean!, $no: Boolean!) { game(id: $id) {
      tasks(first: 1) @include(if: $yes) { totalCount @skip(if: $yes) nodes { id @skip(if: $yes) status } }
      tasks(first: 1) @skip(if: $yes) { pageInfo { hasNextPage } }
      ...Skipped @include(if: $no)
      ... @skip(if: $no) { platform ...Skipped }
      strategy @include(if: $yes) @skip(if: $yes) { id }
    } }
    fragment Skipped on Game { externalGameId tasks(first: 1) { nodes { game { id } } } }`;
    expect(await data(document, { id: gameId(1), yes: true, no: false })).toEqual({
      game: {
        tasks: { nodes: [{ status: 'open', game: { id: gameId(1) } }] },
        platform: 'web',
        externalGameId: 'selection-1',
      },
    });
    expect(await data(document, { id: gameId(1), yes: false, no: true })).toEqual({
      game: {
        tasks: { pageInfo: { hasNextPage: false }, nodes: [{ game: { id: gameId(1) } }] },
        externalGameId: 'selection-1',
      },
    });
  });

  test('what is skipped costs nothing: PostgreSQL is not asked for it', async () => {
    const document = `query ($id: ID!, $board: Boolean!) { game(id: $id) {
      leaderboard @include(if: $board) { totalCount } ... @skip(if: true) { tasks { totalCount } } } }`;
    const statementsOf = (board: boolean): Promise<Statement[]> =>
      recordStatements(api, () => data(document, { id: gameId(1), board }));
    const [without, withBoard] = [await statementsOf(false), await statementsOf(true)].map((statements) =>
      workOf(statements).map(({ text }) => /userpoints|count/.test(text)),
    );
    expect([without, withBoard]).toEqual([[false], [true]]);
  });

  test('what is asked for of another type costs nothing', async () => {
    const document = 'query ($id: ID!) { node(id: $id) { id ... on Task { leaderboard { totalCount } } } }';
    const statements = await recordStatements(api, () => data(document, { id: gameId(1) }));
    const asked = workOf(statements).filter(({ text }) => text.includes('userpoints'));
    expect(asked).toEqual([{ kind: 'work', text: expect.stringContaining('FROM tasks t') }]);
  });

  test('a fragment used twice, within itself by another name, and on the interface', async () => {
    const found = await data(
      `query ($ids: [ID!]!) { nodes(ids: $ids) { ...Any ... on Task { ...Any game { ...Any ...OfGame } } ...OfGame } }
      fragment Any on Node { __typename id ...Loop }
      fragment Loop on Node { ... on Game { externalGameId } ... on Node { id } ... { same: id } }
      fragment OfGame on Game { platform ... on Node { ... on Game { params { key } } } }`,
      { ids: [gameId(1), tasks[1]?.[0]?.id] },
    );
    const any = (__typename: string, id: unknown): object => ({ __typename, id, same: id });
    const whole = {
      ...any('Game', gameId(1)),
      externalGameId: 'selection-1',
      platform: 'web',
      params: [{ key: 'color' }],
    };
    expect(found).toEqual({ nodes: [whole, { ...any('Task', tasks[1]?.[0]?.id), game: whole }] });
  });
});

describe('whichever way an operation comes', () => {
  const query = `query One($id: ID!) { game(id: $id) { ...F } }
    query Two($id: ID!) { game(id: $id) { other: tasks { totalCount } } }
    fragment F on Game { tasks(first: 1) { nodes { id } } }`;

  test('of several operations the named one is read', async () => {
    const variables = { id: gameId(1) };
    expect(await post({ query, operationName: 'Two', variables })).toEqual({
      data: { game: { other: { totalCount: 1 } } },
    });
    expect(await post({ query, operationName: 'One', variables })).toEqual({
      data: { game: { tasks: { nodes: [{ id: tasks[1]?.[0]?.id }] } } },
    });
  });

  test('a GET request is answered like a POST request', async () => {
    const search = new URLSearchParams({
      query,
      operationName: 'One',
      variables: JSON.stringify({ id: gameId(1) }),
    });
    const response = await fetch(`${api.url}?${search.toString()}`, {
      headers: { 'x-api-key': alice.key, 'apollo-require-preflight': 'yes' },
    });
    const body = await post({ query, operationName: 'One', variables: { id: gameId(1) } });
    expect([response.status, await response.json()]).toEqual([200, body]);
  });

  test('a write answers with whatever is asked for of the game', async () => {
    const found = await data(
      `mutation ($input: PatchGameInput!) {
        a: patchGame(input: $input) { changes { field } game { t: tasks(first: 1) { totalCount } ...P } }
        b: patchGame(input: $input) { changes { field } game { t: tasks(last: 1) { nodes { status } } ...P } }
      }
      fragment P on Game { platform params { key } strategy { name } tasks { nodes { game { platform } } } }`,
      { input: { id: gameId(1), platform: 'tv' } },
    );
    const common = {
      platform: 'tv',
      params: [{ key: 'color' }],
      strategy: { name: 'family' },
      tasks: { nodes: [{ game: { platform: 'tv' } }] },
    };
    expect(found).toEqual({
      a: { changes: [{ field: 'platform' }], game: { ...common, t: { totalCount: 1 } } },
      b: { changes: [], game: { ...common, t: { nodes: [{ status: 'open' }] } } },
    });
  });
});

describe('any operation', () => {
  let schema: GraphQLSchema;
  let reference: Reference;
  beforeAll(async () => {
    schema = await schemaOf(api);
    reference = await startReference(api.database.url);
  });
  afterAll(() => reference.close());

  /** An operation that is made up from a seed, or from a later one where it would cost too much. */
  async function affordable(seed: number): Promise<{
    selection: Wanted[];
    document: string;
    variables: Variables;
  }> {
    for (let later = seed; ; later += 1_000) {
      const random = randomOf(later);
      const selection = rootSelection(schema, random);
      const [document, variables] = dressed(selection, random);
      const { text } = await api.query(document, variables, alice);
      if (!text.includes('The operation may cost at most')) return { selection, document, variables };
    }
  }

  const seeds = Array.from({ length: 40 }, (_, index) => index + 1);
  test.each(seeds)(
    'answers what its fields answer when they are asked for alone, and what graphql-js answers (%i)',
    async (seed) => {
      const { selection, document, variables } = await affordable(seed);
      const whole = await data(document, variables);
      const opened = await reference.answer(document, variables, {
        kind: 'apiKey',
        apiKey: alice.prefix,
      });
      expect(JSON.stringify(whole)).toBe(JSON.stringify(opened.data));
      const chains = chainsOf(selection);
      const alone = await Promise.all(chains.map((chain) => data(`{ ${plain(chain)} }`)));
      for (const [index, chain] of chains.entries()) {
        expect([plain(chain), projected(whole, chain)]).toEqual([plain(chain), alone[index]]);
      }
    },
  );
});

/** A field of a made-up selection. */
interface Wanted {
  readonly alias: string;
  readonly field: string;
  /** Arguments: name, type, and value as JSON. Enum values are written `@NAME`. */
  readonly args: readonly (readonly [name: string, type: string, value: unknown])[];
  /** The type that the parent must have. */
  readonly on: string | null;
  readonly below: readonly Wanted[];
}

type Random = (limit: number) => number;

/** Mulberry32: numbers from 0 to below the limit, the same for the same seed. */
function randomOf(seed: number): Random {
  let state = seed * 0x9e3779b9;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

const MAX_LEVELS = 7;
const MAX_FIELDS = 45;
/** Names that might be mistaken for something else. */
const NAMES = ['id', 'parts', 'nodes', 'key', 'tasks', 'games', 'strategy', 'constructor', 'valueOf', 'name'];

function rootSelection(schema: GraphQLSchema, random: Random): Wanted[] {
  const query = schema.getQueryType();
  if (!query) throw new Error('There is no Query.');
  const room = { fields: MAX_FIELDS };
  const fields = Object.values(query.getFields()).filter(
    // Of the protocol of gateways, which has no arguments like these.
    ({ name, type }) => !isLeafType(getNamedType(type)) && !name.startsWith('_'),
  );
  return Array.from({ length: 2 }, (_, index) =>
    wanted(schema, random, fields[random(fields.length)], `root${index}`, null, 0, room),
  ).flatMap((field) => field ?? []);
}

function wanted(
  schema: GraphQLSchema,
  random: Random,
  field: GraphQLField<unknown, unknown> | undefined,
  alias: string,
  on: string | null,
  level: number,
  room: { fields: number },
): Wanted | null {
  if (field === undefined) return null;
  const type = getNamedType(field.type);
  const args = argumentsOf(field, random);
  if (isLeafType(type)) return { alias, field: field.name, args, on, below: [] };
  const types = isObjectType(type)
    ? [type]
    : ['Game', 'Task', 'Strategy', 'StrategyReassignment'].flatMap((name) => {
        const found = schema.getType(name);
        return isObjectType(found) ? [found] : [];
      });
  const below = types.flatMap((object) =>
    selectionBelow(schema, random, object, isObjectType(type) ? null : object.name, level + 1, room),
  );
  return below.length === 0 ? null : { alias, field: field.name, args, on, below };
}

function selectionBelow(
  schema: GraphQLSchema,
  random: Random,
  type: GraphQLObjectType,
  on: string | null,
  level: number,
  room: { fields: number },
): Wanted[] {
  const fields = Object.values(type.getFields());
  const isComposite = (field: GraphQLField<unknown, unknown>): boolean =>
    !isLeafType(getNamedType(field.type));
  const candidates = level < MAX_LEVELS ? fields : fields.filter((field) => !isComposite(field));
  // What is composite leads further, so it is taken more often.
  const pool = candidates.flatMap((field) => (isComposite(field) ? [field, field, field] : [field]));
  const used = new Set<string>();
  const found: Wanted[] = [];
  const count = 2 + random(3);
  for (let turn = 0; turn < count && pool.length > 0 && room.fields > 0; turn++) {
    const field = pool[random(pool.length)];
    const name = random(2) ? field?.name : NAMES[random(NAMES.length)];
    // Objects of different types must not give one name to different things.
    const alias = on === null ? `${name}` : `${on}_${name}`;
    if (used.has(alias)) continue;
    used.add(alias);
    room.fields--;
    const one = wanted(schema, random, field, alias, on, level, room);
    if (one) found.push(one);
  }
  return found;
}

function argumentsOf(field: GraphQLField<unknown, unknown>, random: Random): Wanted['args'] {
  const ids = [
    gameId(0),
    gameId(1),
    gameId(3),
    tasks[3]?.[1]?.id,
    'default',
    custom.strategyId,
    reassignmentId,
    'x',
  ];
  const gameIds = [gameId(1), gameId(4), gameId(3), gameId(1)];
  switch (field.name) {
    case 'game':
      return field.args.length === 0 ? [] : [['id', 'ID!', gameId(random(4))]];
    case 'gameByExternalId':
      return [['externalGameId', 'String!', `selection-${random(4)}`]];
    case 'gamesByIds':
    case 'externalGameIds':
      return [['ids', '[ID!]!', gameIds.slice(random(3))]];
    case 'strategy':
      return field.args.length === 0 ? [] : [['id', 'ID!', ['default', custom.strategyId][random(2)]]];
    case 'node':
      return field.args.length === 0 ? [] : [['id', 'ID!', ids[random(ids.length)]]];
    case 'nodes':
      return field.args.length === 0 ? [] : [['ids', '[ID!]!', ids]];
    case 'task':
      return [['externalTaskId', 'String!', `task-${random(4)}`]];
  }
  const args: (readonly [string, string, unknown])[] = [];
  const has = (name: string): boolean => field.args.some((argument) => argument.name === name);
  if (has('first')) args.push([random(2) ? 'first' : 'last', 'Int', 1 + random(4)]);
  if (has('filter') && random(2)) {
    if (field.name === 'tasks') {
      args.push(['filter', 'TaskFilter', { status: { eq: ['open', 'closed', 'other'][random(3)] } }]);
    } else if (field.name === 'games') {
      args.push(['filter', 'GameFilter', { externalGameId: { in: ['selection-1', 'selection-3'] } }]);
    }
  }
  if (has('orderBy') && random(2)) {
    const type = field.name === 'tasks' ? 'Task' : 'Game';
    const by = type === 'Task' ? ['@STATUS', '@EXTERNAL_TASK_ID'] : ['@PLATFORM', '@STRATEGY_ID'];
    const direction = ['@ASC', '@DESC'][random(2)];
    args.push(['orderBy', `[${type}Order!]`, [{ field: by[random(2)], direction }]]);
  }
  return args;
}

/** Every way from the top to a leaf. */
function chainsOf(selection: readonly Wanted[]): Wanted[] {
  return selection.flatMap((field) =>
    field.below.length === 0 ? [field] : chainsOf(field.below).map((below) => ({ ...field, below: [below] })),
  );
}

/** A chain with its arguments as literals. */
function plain(chain: Wanted): string {
  const args = chain.args.map(([name, , value]) => `${name}: ${literal(value)}`);
  const below = chain.below.map(plain).join(' ');
  const text = `${chain.alias}: ${chain.field}${args.length ? `(${args.join(', ')})` : ''}${below && ` { ${below} }`}`;
  return chain.on === null ? text : `... on ${chain.on} { ${text} }`;
}

function literal(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    return `{ ${Object.entries(value)
      .map(([name, item]) => `${name}: ${literal(item)}`)
      .join(', ')} }`;
  }
  return typeof value === 'string' && value.startsWith('@') ? value.slice(1) : JSON.stringify(value);
}

/** What a chain finds in an answer. */
function projected(value: unknown, chain: Wanted | undefined): unknown {
  if (chain === undefined || value === null || value === undefined) return value;
  if (Array.isArray(value)) return value.map((item: unknown) => projected(item, chain));
  const found = Object.entries(value).find(([name]) => name === chain.alias);
  // An object of another type has nothing of this.
  if (found === undefined) return {};
  return { [chain.alias]: projectedBelow(found[1], chain) };
}

function projectedBelow(value: unknown, { below: [next] }: Wanted): unknown {
  return next === undefined ? value : projected(value, next);
}

/** A selection as a client may also write it: with variables, fragments, directives and repetitions. */
function dressed(selection: readonly Wanted[], random: Random): [document: string, variables: Variables] {
  const variables: Record<string, unknown> = { yes: true, no: false };
  const declared = ['$yes: Boolean!', '$no: Boolean!'];
  const fragments: string[] = [];
  const argument = ([name, type, value]: Wanted['args'][number]): string => {
    if (random(2)) return `${name}: ${literal(value)}`;
    const variable = `v${declared.length}`;
    if (random(2)) declared.push(`$${variable}: ${type} = ${literal(value)}`);
    else {
      declared.push(`$${variable}: ${type}`);
      variables[variable] = JSON.parse(JSON.stringify(value).replaceAll('"@', '"')) as unknown;
    }
    return `${name}: $${variable}`;
  };
  const render = (field: Wanted): string => {
    const args = field.args.map(argument);
    const head = `${field.alias}: ${field.field}${args.length ? `(${args.join(', ')})` : ''}`;
    const text = (below: readonly Wanted[], directive = ''): string =>
      `${head}${directive}${below.length ? ` { ${below.map(render).join(' ')} }` : ''}`;
    const half = random(field.below.length + 1);
    const parts =
      half > 0 && half < field.below.length && random(2)
        ? [text(field.below.slice(half)), text(field.below.slice(0, half), ' @include(if: $yes)')]
        : [text(field.below, random(3) ? '' : ' @skip(if: $no)')];
    // Never seen: something of the same field below another name, left out.
    const [chain] = chainsOf([field]);
    if (chain && !random(3)) {
      parts.push(`... @skip(if: $yes) { ${plain({ ...chain, alias: `left_${field.alias}` })} }`);
    }
    const all = parts.join(' ');
    if (field.on === null) return random(3) ? all : `... { ${all} }`;
    if (random(2)) return `... on ${field.on} { ${all} }`;
    fragments.push(`fragment F${fragments.length} on ${field.on} { ${all} }`);
    return `...F${fragments.length - 1}`;
  };
  const body = selection.map(render).join(' ');
  return [`query (${declared.join(', ')}) { ${body} } ${fragments.join(' ')}`, variables];
}

describe('what is more than one statement can hold is refused as a limit', () => {
  const times = (count: number, text: (index: number) => string): string =>
    Array.from({ length: count }, (_, index) => text(index)).join(' ');

  test.each([
    [
      'rows in many ways',
      `{ games(first: 1) { ${times(17, (index) => `e${index}: edges { ...E }`)} } }
       fragment E on GameEdge { ${times(99, (index) => `n${index}: node { id }`)} }`,
    ],
    ['computed fields', `{ games(first: 1) { nodes { ${times(101, (index) => `v${index}: version`)} } } }`],
  ])('%s', async (_name, document) => {
    const { codes } = await api.errors(document, {}, alice);
    expect(new Set(codes)).toEqual(new Set(['LIMIT_EXCEEDED']));
  });

  test('values of filters', async () => {
    const status = { eq: 'a', ne: 'b', startsWith: 'c', contains: 'd', containsInsensitive: 'e' };
    const filter = { or: Array(80).fill({ status }) };
    const parts = times(100, (index) => `t${index}: tasks(first: 1, filter: $f) { nodes { id } totalCount }`);
    const { codes } = await api.errors(
      `query ($f: TaskFilter) { games(first: 1) { nodes { ${parts} } } }`,
      { f: filter },
      alice,
    );
    expect(codes).toEqual(['LIMIT_EXCEEDED']);
  });
});
