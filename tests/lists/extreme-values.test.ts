import { beforeAll, describe, expect, test } from '@jest/globals';
import type { Variables } from '../support/api.js';
import type { Game, Owner } from '../support/builders.js';
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
      const task = await rows.insert('tasks', {
        ...{ externalTaskId: 'task', gameId: ids.game, strategyId, status: 'open', created_at: time },
      });
      await api.database.query('INSERT INTO game_graphql_reassigned_tasks VALUES ($1, $2)', [
        ids.reassignment,
        task.id,
      ]);
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
    ['tasks of a move', () => within('node', 'tasks', ids.reassignment), 'tasks', 'created_at DESC, id DESC'],
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

describe('texts that are too long for a cursor', () => {
  /** In their order: alike at their beginnings, of characters of one to four bytes, and that JSON escapes. */
  const TEXTS = [
    ...['', 'a', 'a'.repeat(299), 'a'.repeat(300), 'a'.repeat(301), `${'a'.repeat(7_000)}b`],
    ...[`${'a'.repeat(7_000)}c`, 'b', '\u0001'.repeat(299), '"\\'.repeat(4_000), 'é'.repeat(5_000)],
    ...['€'.repeat(40_000), '😀'.repeat(75), '😀'.repeat(76), '😀'.repeat(30_000)],
    ...['x'.repeat(6_200), 'x'.repeat(6_200), 'x'.repeat(6_200), null, null],
  ];
  let game: Game;

  beforeAll(async () => {
    owner = await rows.owner();
    game = await owner.game({ platform: 'a game of its own', externalGameId: 'of its own' });
    for (const [index, text] of TEXTS.entries()) {
      // GAME has an index on the names, whose entries are short: these pack well.
      const externalGameId = text === null ? null : `${text}${index}`;
      await owner.game({ platform: text, strategyId: text, externalGameId });
      await game.task({ externalTaskId: text ?? '', status: text ?? '' });
      await owner.strategy({ name: text ?? 'null', version: index, status: 'DRAFT' });
    }
  });

  const ordered = (...fields: string[]): string =>
    `, orderBy: [${fields.map((field) => `{ field: ${field.replace(' ', ', direction: ')} }`).join()}]`;

  test.each<[name: string, list: () => List, table: string, order: string]>([
    [
      'games by platform',
      () => atRoot('games', ordered('PLATFORM ASC')),
      'games',
      'platform COLLATE "C", id',
    ],
    [
      'games by strategy',
      () => atRoot('games', ordered('STRATEGY_ID DESC')),
      'games',
      '"strategyId" COLLATE "C" DESC, id DESC',
    ],
    [
      'games by name',
      () => atRoot('games', ordered('EXTERNAL_GAME_ID ASC')),
      'games',
      '"externalGameId" COLLATE "C", id',
    ],
    [
      'games by three texts',
      () => atRoot('games', ordered('PLATFORM DESC', 'STRATEGY_ID ASC', 'EXTERNAL_GAME_ID DESC')),
      'games',
      'platform COLLATE "C" DESC, "strategyId" COLLATE "C", "externalGameId" COLLATE "C" DESC, id DESC',
    ],
    [
      'tasks by name',
      () => within('game', 'tasks', game.id, ordered('EXTERNAL_TASK_ID ASC')),
      'tasks',
      '"externalTaskId" COLLATE "C", id',
    ],
    [
      'tasks by status',
      () => within('game', 'tasks', game.id, ordered('STATUS DESC', 'EXTERNAL_TASK_ID ASC')),
      'tasks',
      'status COLLATE "C" DESC, "externalTaskId" COLLATE "C", id',
    ],
  ])('%s: each row once, both ways, in the order of the column', async (_name, list, table, order) => {
    const all = await expectExact(list());
    expect(all.length).toBeGreaterThanOrEqual(TEXTS.length);
    expect(all).toEqual(await inOrder(table, all, order));
  });

  test('strategies: each once, both ways', async () => {
    expect((await expectExact(atRoot('strategies'))).length).toBeGreaterThan(TEXTS.length);
  });

  test('a cursor fits into a URL', async () => {
    const { pageInfo } = await pageOf(
      atRoot('games', ordered('PLATFORM DESC', 'STRATEGY_ID ASC', 'EXTERNAL_GAME_ID DESC')),
      { first: 3 },
    );
    expect(pageInfo.endCursor?.length).toBeLessThan(8_000);
  });

  test.each(['is deleted', 'gets another text', 'is given to somebody else'])(
    'the cursor of a row that %s is refused, and says why',
    async (what) => {
      const list = atRoot('games', ordered('PLATFORM ASC'));
      const text = 'y'.repeat(10_000);
      const doomed = await owner.game({ platform: text });
      const stranger = await rows.owner();
      const { nodes, pageInfo } = await pageOf(list, { first: 100 });
      const until = nodes.findIndex(({ id }) => id === doomed.id) + 1;
      const { endCursor } = (await pageOf(list, { first: until })).pageInfo;
      expect(pageInfo.hasNextPage).toBe(false);
      expect((await pageOf(list, { first: 5, after: endCursor })).nodes).toEqual(
        nodes.slice(until, until + 5),
      );
      const [statement, values] = {
        'is deleted': ['DELETE FROM games WHERE id = $1', []],
        'gets another text': ['UPDATE games SET platform = $2 WHERE id = $1', [`${text}z`]],
        'is given to somebody else': ['UPDATE games SET "apiKey_used" = $2 WHERE id = $1', [stranger.prefix]],
      }[what] as [string, string[]];
      await api.database.query(statement, [doomed.id, ...values]);
      for (const args of [
        { first: 5, after: endCursor },
        { last: 5, before: endCursor },
      ]) {
        const { errors } = await api.errors(list.document, args, owner);
        const [argument] = Object.keys(args).slice(1);
        expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT', problems: [{ argument }] } }]);
        expect(errors[0]?.message).toContain('begin anew');
      }
      await api.database.query('DELETE FROM games WHERE id = $1', [doomed.id]);
    },
  );
});
