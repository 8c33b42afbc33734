import { beforeAll, describe, expect, test } from '@jest/globals';
import type { Variables } from '../support/api.js';
import type { Owner } from '../support/builders.js';
import { useApi } from '../support/use-api.js';

const { api, rows } = useApi();
let owner: Owner;

/** A list: an operation with the page arguments as variables, where the list is, and how its rows are told apart. */
interface List {
  readonly document: string;
  readonly path: readonly string[];
  readonly variables?: Variables;
}
interface Page {
  readonly nodes: readonly { readonly id: string }[];
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly startCursor: string | null;
    readonly endCursor: string | null;
  };
}

const ARGS = 'first: $first, after: $after, last: $last, before: $before';
const FIELDS = '{ nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }';
/** A list in an object at the root. */
const within = (parent: string, list: string, id: string, orderBy = ''): List => ({
  document: `query ($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
    ${parent}(id: $id) { id ... on ${parent === 'node' ? 'StrategyReassignment' : parent[0]?.toUpperCase() + parent.slice(1)} { ${list}(${ARGS}${orderBy}) ${FIELDS} } } }`,
  path: [parent, list],
  variables: { id },
});
const atRoot = (list: string, more = ''): List => ({
  document: `query ($first: Int, $after: String, $last: Int, $before: String) { ${list}(${ARGS}${more}) ${FIELDS} }`,
  path: [list],
});

async function pageOf({ document, path, variables }: List, args: Variables): Promise<Page> {
  const data = await api.data(document, { ...variables, ...args }, owner);
  return path.reduce<unknown>((value, key) => (value as Record<string, unknown>)[key], data) as Page;
}

/** Reads a list row by row, to its end and back; both must be the rows of one page. */
async function expectExact(list: List, size = 1): Promise<string[]> {
  const { nodes } = await pageOf(list, { first: 100 });
  const all = nodes.map(({ id }) => id);
  expect(new Set(all).size).toBe(all.length);
  for (const [count, cursor, more, end] of [
    ['first', 'after', 'hasNextPage', 'endCursor'],
    ['last', 'before', 'hasPreviousPage', 'startCursor'],
  ] as const) {
    const seen: string[] = [];
    let position: string | null = null;
    do {
      const page: Page = await pageOf(list, { [count]: size, [cursor]: position });
      const ids = page.nodes.map(({ id }) => id);
      seen.splice(count === 'first' ? seen.length : 0, 0, ...ids);
      expect(page.pageInfo[count === 'first' ? 'hasPreviousPage' : 'hasNextPage']).toBe(position !== null);
      position = page.pageInfo[more] ? page.pageInfo[end] : null;
    } while (position !== null && seen.length <= all.length);
    expect(seen).toEqual(all);
  }
  return all;
}

/** The rows of a table in this order, as PostgreSQL has it. */
async function inOrder(table: string, ids: readonly string[], order: string): Promise<string[]> {
  const found = await api.database.query<{ id: string }>(
    `SELECT id FROM ${table} WHERE id = ANY($1) ORDER BY ${order}`,
    [ids],
  );
  return found.map(({ id }) => id);
}

describe('times that no DateTime can say', () => {
  /** In their order. */
  const TIMES = [
    ...['-infinity', '-infinity', '4714-11-24T00:00:00Z BC', '0753-04-21T09:00:00.123456Z BC'],
    ...['0001-12-31T23:59:59.999Z BC', '0001-01-01T00:00:00Z', '1969-12-31T23:59:59.999999Z'],
    ...['2026-02-10T12:15:00.000001Z', '9999-12-31T23:59:59.999999Z', '10000-01-01T00:00:00Z'],
    ...['30726-07-15T12:00:00.5Z', '294276-12-31T23:59:59.999999Z', 'infinity', 'infinity', null, null],
  ];
  let strategyId: string;
  const ids = { game: '', reassignment: '' };

  beforeAll(async () => {
    owner = await rows.owner();
    ({ strategyId } = await owner.strategy());
    const made = await api.database.query<{ id: string }>(
      `INSERT INTO game_graphql_reassignments (id, kind, old_strategy_id, new_strategy_id, games, api_key, created_at)
       SELECT gen_random_uuid(), 'BULK', 'a', 'b', 0, $1, time FROM unnest($2::timestamptz[]) time WHERE time IS NOT NULL
       RETURNING id`,
      [owner.prefix, TIMES],
    );
    ids.reassignment = made[0]?.id ?? '';
    for (const time of TIMES) {
      const game = await owner.game({ created_at: time, updated_at: time, strategyId });
      ids.game ||= game.id;
      await api.database.query('INSERT INTO game_graphql_reassigned_games VALUES ($1, $2)', [
        ids.reassignment,
        game.id,
      ]);
    }
    for (const time of TIMES) {
      await rows.insert('tasks', {
        ...{ externalTaskId: 'task', gameId: ids.game, strategyId, status: 'open', created_at: time },
      });
    }
  });

  test.each<[name: string, list: () => List, table: string, order: string]>([
    ['games', () => atRoot('games'), 'games', 'created_at DESC, id DESC'],
    [
      'games, oldest first',
      () => atRoot('games', ', orderBy: [{ field: CREATED_AT, direction: ASC }]'),
      'games',
      'created_at, id',
    ],
    [
      'games, by two columns',
      () =>
        atRoot(
          'games',
          ', orderBy: [{ field: PLATFORM, direction: ASC }, { field: UPDATED_AT, direction: DESC }]',
        ),
      'games',
      'platform, updated_at DESC, id DESC',
    ],
    ['tasks of a game', () => within('game', 'tasks', ids.game), 'tasks', 'created_at DESC, id DESC'],
    [
      'tasks of a game, oldest first',
      () => within('game', 'tasks', ids.game, ', orderBy: [{ field: CREATED_AT, direction: ASC }]'),
      'tasks',
      'created_at, id',
    ],
    [
      'games of a strategy',
      () => within('strategy', 'games', strategyId),
      'games',
      'created_at DESC, id DESC',
    ],
    [
      'tasks of a strategy',
      () => within('strategy', 'tasks', strategyId),
      'tasks',
      'created_at DESC, id DESC',
    ],
    ['games of a move', () => within('node', 'games', ids.reassignment), 'games', 'created_at DESC, id DESC'],
    [
      'moves',
      () => atRoot('strategyReassignments'),
      'game_graphql_reassignments',
      'created_at DESC, id DESC',
    ],
  ])('%s: each row once, both ways, in the order of the column', async (_name, list, table, order) => {
    const all = await expectExact(list());
    expect(all.length).toBeGreaterThanOrEqual(TIMES.length - 2);
    expect(all).toEqual(await inOrder(table, all, order));
    await expectExact(list(), 3);
  });
});
