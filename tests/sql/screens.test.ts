import { beforeAll, expect, test } from '@jest/globals';
import type { Variables } from '../support/api.js';
import type { Owner } from '../support/builders.js';
import { recordStatements, workOf } from '../support/statements.js';
import { useApi } from '../support/use-api.js';

/** A screen of an admin interface: one operation, whatever the screen shows. */
interface Screen {
  readonly name: string;
  readonly document: string;
  /** Statements that it may take, authentication apart. */
  readonly statements: number;
  variables(world: World): Variables;
  /** What it shows, in the world with this much of everything. */
  expected(world: World): unknown;
}

/** Someone's games, with so many of everything. */
interface World {
  readonly owner: Owner;
  readonly size: number;
  readonly gameId: string;
  readonly strategyIds: readonly string[];
}

const { api, rows } = useApi();
let small: World;
let large: World;

beforeAll(async () => {
  small = await worldOf(1);
  large = await worldOf(6);
});

/**
 * A strategy of `size` versions; `size` games "summer" on each of them, on the web, and as many "winter" on
 * the phone. The first game has `size` params and tasks, each with `size` params, and `size` users with
 * `size` awards in each task.
 */
async function worldOf(size: number): Promise<World> {
  const owner = await rows.owner();
  const numbers = Array.from({ length: size }, (_, index) => index + 1);
  const strategyIds: string[] = [];
  for (const version of numbers) {
    const status = version === size ? 'PUBLISHED' : 'ARCHIVED';
    strategyIds.push((await owner.strategy({ name: 'effort', version, status })).strategyId);
  }
  let gameId = '';
  for (const [version, strategyId] of strategyIds.entries()) {
    for (const number of numbers) {
      const created_at = `2026-01-01T00:0${version}:0${number}Z`;
      const named = { strategyId, created_at };
      const suffix = `${size}-${version + 1}-${number}`;
      const game = await owner.game({ ...named, externalGameId: `Summer-${suffix}`, platform: 'web' });
      await owner.game({
        ...named,
        externalGameId: `winter-${suffix}`,
        platform: 'phone',
        strategyId: 'gone',
      });
      if (gameId !== '') {
        await game.task({ externalTaskId: `single-${suffix}`, strategyId });
        continue;
      }
      gameId = game.id;
      const users = await Promise.all(numbers.map(() => rows.user()));
      for (const one of numbers) {
        await game.param({ key: `key-${one}`, value: `${one}`, created_at: `2026-01-01T00:00:0${one}Z` });
        const task = await game.task({ externalTaskId: `task-${one}`, strategyId, created_at });
        for (const other of numbers) await task.param({ key: `key-${other}` });
        for (const user of users) {
          await Promise.all(numbers.map((points) => task.points(user, { points })));
        }
      }
    }
  }
  return { owner, size, gameId, strategyIds };
}

const any = expect.any(String);
const times = <Item>(count: number, item: Item): Item[] => Array.from({ length: count }, () => item);
/** A task as a screen shows it, with its params. */
const params = (count: number): unknown[] => times(count, { id: any, key: any, value: any });

const SCREENS: readonly Screen[] = [
  {
    name: 'the games table: a search by a part of the name, one platform, page x of y',
    statements: 1,
    document: `query ($after: String) {
      games(first: 20, after: $after, filter: { externalGameId: { containsInsensitive: "SUMMER" }, platform: { eq: "web" } }) {
        totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
        nodes { id externalGameId platform createdAt strategy { name status version } tasks { totalCount } }
      } }`,
    variables: () => ({}),
    expected: ({ size }) => ({
      games: {
        totalCount: size * size,
        pageInfo: { hasNextPage: size * size > 20, hasPreviousPage: false, startCursor: any, endCursor: any },
        nodes: times(Math.min(20, size * size), {
          id: any,
          externalGameId: expect.stringMatching(/^Summer-/),
          platform: 'web',
          createdAt: any,
          strategy: { name: 'effort', status: expect.stringMatching(/PUBLISHED|ARCHIVED/), version: any },
          // The first game, which has more, is the oldest.
          tasks: { totalCount: 1 },
        }),
      },
    }),
  },
  {
    name: 'the form of a game, with the strategies that it may be put on',
    statements: 2,
    document: `query ($id: ID!) {
      game(id: $id) { id version externalGameId platform strategyId params { id key value } }
      strategies(first: 100, filter: { status: { eq: PUBLISHED } }) { nodes { id kind name version } } }`,
    variables: ({ gameId }) => ({ id: gameId }),
    expected: ({ size, gameId, strategyIds }) => ({
      game: {
        id: gameId,
        version: any,
        externalGameId: `Summer-${size}-1-1`,
        platform: 'web',
        strategyId: strategyIds[0],
        params: Array.from({ length: size }, (_, n) => ({ id: any, key: `key-${n + 1}`, value: `${n + 1}` })),
      },
      strategies: {
        nodes: [
          ...times(6, { id: any, kind: 'BUILT_IN', name: any, version: any }),
          { id: strategyIds.at(-1), kind: 'CUSTOM', name: 'effort', version: `${size}` },
        ],
      },
    }),
  },
  {
    name: 'the question before a deletion: how many params and tasks, and how many users scored',
    statements: 1,
    document: `query ($id: ID!) { game(id: $id) {
      externalGameId params { id } tasks { totalCount } leaderboard { totalCount } } }`,
    variables: ({ gameId }) => ({ id: gameId }),
    expected: ({ size }) => ({
      game: {
        externalGameId: `Summer-${size}-1-1`,
        params: times(size, { id: any }),
        tasks: { totalCount: size },
        leaderboard: { totalCount: size },
      },
    }),
  },
  {
    name: 'the tasks of a game, with their params and strategies',
    statements: 1,
    document: `query ($id: ID!) { game(id: $id) { tasks(first: 50, orderBy: [{ field: EXTERNAL_TASK_ID }]) {
      totalCount nodes { externalTaskId status params { id key value } strategy { name version status } } } } }`,
    variables: ({ gameId }) => ({ id: gameId }),
    expected: ({ size }) => ({
      game: {
        tasks: {
          totalCount: size,
          nodes: Array.from({ length: size }, (_, n) => ({
            externalTaskId: `task-${n + 1}`,
            status: 'open',
            params: params(size),
            strategy: { name: 'effort', version: '1', status: size === 1 ? 'PUBLISHED' : 'ARCHIVED' },
          })),
        },
      },
    }),
  },
  {
    name: 'which strategies games and their tasks are on',
    statements: 1,
    document: `query { games(first: 5, orderBy: [{ field: EXTERNAL_GAME_ID }]) { nodes {
      externalGameId strategyId strategy { name version status }
      tasks(first: 10) { nodes { externalTaskId strategy { name version status } } } } } }`,
    variables: () => ({}),
    expected: ({ size, strategyIds }) => ({
      games: {
        nodes: [
          ...Array.from({ length: Math.min(5, size) }, (_, n) => ({
            externalGameId: `Summer-${size}-1-${n + 1}`,
            strategyId: strategyIds[0],
            strategy: { name: 'effort', version: '1', status: any },
            tasks: {
              nodes: times(n === 0 ? size : 1, {
                externalTaskId: any,
                strategy: { name: 'effort', version: '1', status: any },
              }),
            },
          })),
          ...(size === 1
            ? [{ externalGameId: any, strategyId: 'gone', strategy: null, tasks: { nodes: [] } }]
            : []),
        ],
      },
    }),
  },
  {
    name: 'where a strategy is used',
    statements: 1,
    document: `query ($id: ID!) { strategy(id: $id) { name version status
      games(first: 100) { totalCount nodes { externalGameId } }
      tasks(first: 100) { totalCount nodes { externalTaskId game { externalGameId } } } } }`,
    variables: ({ strategyIds }) => ({ id: strategyIds[0] }),
    expected: ({ size }) => ({
      strategy: {
        name: 'effort',
        version: '1',
        status: size === 1 ? 'PUBLISHED' : 'ARCHIVED',
        games: { totalCount: size, nodes: times(size, { externalGameId: any }) },
        tasks: {
          totalCount: 2 * size - 1,
          nodes: times(2 * size - 1, { externalTaskId: any, game: { externalGameId: any } }),
        },
      },
    }),
  },
  {
    name: 'the versions of a strategy, and how much each of them is used',
    statements: 1,
    document: `query ($id: ID!) { strategy(id: $id) { name versions {
      version status publishedAt games { totalCount } tasks { totalCount } } } }`,
    variables: ({ strategyIds }) => ({ id: strategyIds[0] }),
    expected: ({ size }) => ({
      strategy: {
        name: 'effort',
        versions: Array.from({ length: size }, (_, index) => ({
          version: `${size - index}`,
          status: index === 0 ? 'PUBLISHED' : 'ARCHIVED',
          publishedAt: null,
          games: { totalCount: size },
          tasks: { totalCount: index === size - 1 ? 2 * size - 1 : size },
        })),
      },
    }),
  },
  {
    name: 'a page of a leaderboard',
    statements: 1,
    document: `query ($id: ID!) { game(id: $id) { externalGameId leaderboard(first: 50) {
      totalCount pageInfo { hasNextPage endCursor }
      nodes { rank externalUserId points timesAwarded lastAwardedAt } } } }`,
    variables: ({ gameId }) => ({ id: gameId }),
    expected: ({ size }) => ({
      game: {
        externalGameId: any,
        leaderboard: {
          totalCount: size,
          pageInfo: { hasNextPage: false, endCursor: any },
          nodes: times(size, {
            rank: 1,
            externalUserId: any,
            points: (size * size * (size + 1)) / 2,
            timesAwarded: size * size,
            lastAwardedAt: any,
          }),
        },
      },
    }),
  },
];

test.each(SCREENS)('$name: $statements statement(s), however much there is', async (screen) => {
  for (const world of [small, large]) {
    const statements = await recordStatements(api, async () => {
      const shown = await api.data(screen.document, screen.variables(world), world.owner);
      expect(shown).toEqual(screen.expected(world));
    });
    expect(workOf(statements)).toHaveLength(screen.statements);
  }
});

test('page x of y: the pages of the games table are whole and tell where they stand', async () => {
  type Page = { games: { totalCount: number; pageInfo: Record<string, unknown>; nodes: { id: string }[] } };
  const document = SCREENS[0]?.document ?? '';
  const first = await api.data<Page>(document, {}, large.owner);
  const second = await api.data<Page>(document, { after: first.games.pageInfo['endCursor'] }, large.owner);
  expect(second.games).toMatchObject({
    totalCount: 36,
    pageInfo: { hasNextPage: false, hasPreviousPage: true },
  });
  const ids = [...first.games.nodes, ...second.games.nodes].map(({ id }) => id);
  expect([ids.length, new Set(ids).size]).toEqual([36, 36]);
});
