import { beforeAll, describe, expect, test } from '@jest/globals';
import type { Variables } from '../support/api.js';
import type { Game, Owner, Row, Task } from '../support/builders.js';
import { useApi } from '../support/use-api.js';

const { api, rows } = useApi();
let alice: Owner;

beforeAll(async () => {
  alice = await rows.owner();
});

interface Entry {
  readonly rank: number;
  readonly externalUserId: string | null;
  readonly points: number;
  readonly timesAwarded: number;
  readonly lastAwardedAt: string | null;
}

interface Board {
  readonly totalCount: number;
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly startCursor: string | null;
    readonly endCursor: string | null;
  };
  readonly nodes: readonly Entry[];
  readonly edges: readonly { readonly cursor: string; readonly node: Entry }[];
}

const ENTRY = 'rank externalUserId points timesAwarded lastAwardedAt';
const BOARD = `leaderboard(first: $first, after: $after, last: $last, before: $before) { totalCount
  pageInfo { hasNextPage hasPreviousPage startCursor endCursor } nodes { ${ENTRY} } edges { cursor node { ${ENTRY} } } }`;
const DOCUMENT = `query ($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
  node(id: $id) { ... on Game { ${BOARD} } ... on Task { ${BOARD} } } }`;

/** The leaderboard of a game or a task. */
async function boardOf({ id }: Row, page: Variables = { first: 100 }): Promise<Board> {
  const { node } = await api.data<{ node: { leaderboard: Board } }>(DOCUMENT, { id, ...page }, alice);
  return node.leaderboard;
}

/** The points of users, by the name of the user; users are made in the order of their ids. */
async function scores(task: Task, ...points: readonly (readonly (number | null)[])[]): Promise<string[]> {
  const users = await Promise.all(points.map((_, index) => rows.user({ id: userId(index) })));
  for (const [index, user] of users.entries()) {
    for (const value of points[index] ?? []) await task.points(user, { points: value });
  }
  const named = await api.database.query<{ name: string }>(
    'SELECT "externalUserId" AS name FROM users WHERE id = ANY($1) ORDER BY id',
    [users.map(({ id }) => id)],
  );
  return named.map(({ name }) => name);
}

let series = 0;
function userId(index: number): string {
  if (index === 0) series++;
  return `00000000-0000-4000-8000-${String(series * 1_000 + index).padStart(12, '0')}`;
}

describe('the points of a task', () => {
  let task: Task;
  beforeAll(async () => {
    task = await (await alice.game()).task();
  });

  test('are summed up for each user; equal ones share a rank and stand in the order of the users', async () => {
    const names = await scores(task, [5], [10, 10], [30, -10], [null], [40], [-3, 1], [0, null]);
    const { nodes, totalCount } = await boardOf(task);
    expect(
      nodes.map(({ rank, externalUserId, points, timesAwarded }) => [
        rank,
        externalUserId,
        points,
        timesAwarded,
      ]),
    ).toEqual([
      [1, names[4], 40, 1],
      [2, names[1], 20, 2],
      [2, names[2], 20, 2],
      [4, names[0], 5, 1],
      [5, names[3], 0, 1],
      [5, names[6], 0, 2],
      [7, names[5], -2, 2],
    ]);
    expect(totalCount).toBe(7);
  });

  test('without a user count for nobody, and those of other tasks do not count', async () => {
    const before = await boardOf(task);
    const { id: taskId } = task;
    await rows.insert('userpoints', { points: 1_000, userId: null, taskId });
    const other = await (await alice.game()).task();
    await other.points(await rows.user(), { points: 1_000 });
    expect(await boardOf(task)).toEqual(before);
  });
});

test('a user without a name, and an award without a time, are shown without', async () => {
  const task = await (await alice.game()).task();
  const nameless = await rows.user({ externalUserId: null });
  await task.points(nameless, { points: 2, created_at: null });
  const awarded = await rows.user();
  for (const created_at of ['2026-02-01T10:00:00.000001Z', null, '2026-02-01T10:00:00.000002Z']) {
    await task.points(awarded, { points: 0, created_at });
  }
  expect((await boardOf(task)).nodes).toEqual([
    { rank: 1, externalUserId: null, points: 2, timesAwarded: 1, lastAwardedAt: null },
    {
      rank: 2,
      externalUserId: expect.any(String),
      points: 0,
      timesAwarded: 3,
      lastAwardedAt: '2026-02-01T10:00:00.000002Z',
    },
  ]);
});

test('sums that no 32 bits hold are exact', async () => {
  const task = await (await alice.game()).task();
  await scores(task, [2_147_483_647, 2_147_483_647, 1], [-2_147_483_648, -2_147_483_648]);
  expect((await boardOf(task)).nodes.map(({ points }) => points)).toEqual([4_294_967_295, -4_294_967_296]);
  const { edges } = await boardOf(task, { first: 1 });
  const { nodes } = await boardOf(task, { first: 1, after: edges[0]?.cursor });
  expect(nodes.map(({ points }) => points)).toEqual([-4_294_967_296]);
});

test('a game without points has an empty leaderboard', async () => {
  const game = await alice.game();
  await game.task();
  expect(await boardOf(game, {})).toEqual({
    totalCount: 0,
    pageInfo: { hasNextPage: false, hasPreviousPage: false, startCursor: null, endCursor: null },
    nodes: [],
    edges: [],
  });
});

test("a cursor of another game's leaderboard, or of a task's, is refused", async () => {
  const [one, other] = [await alice.game(), await alice.game()];
  const [task, otherTask] = [await one.task(), await other.task()];
  const user = await rows.user();
  await task.points(user);
  await otherTask.points(user);
  const after = (await boardOf(one)).edges[0]?.cursor;
  for (const board of [other, task]) {
    const { errors } = await api.errors(DOCUMENT, { id: board.id, after }, alice);
    expect(errors).toMatchObject([
      {
        path: ['node', 'leaderboard'],
        extensions: { code: 'BAD_USER_INPUT', problems: [{ argument: 'after' }] },
      },
    ]);
  }
});

describe('a game with many users and awards, against plain SQL', () => {
  let game: Game;
  let tasks: Task[];

  beforeAll(async () => {
    game = await alice.game();
    tasks = [await game.task(), await game.task(), await game.task()];
    const elsewhere = await (await alice.game()).task();
    await api.database.query(
      `INSERT INTO users (id, "externalUserId") SELECT md5('user ' || n)::uuid, 'made-' || n FROM generate_series(0, 59) n`,
    );
    // Few different points, so that many are equal. A hash is as good as chance, and the same in every run.
    await api.database.query(
      `INSERT INTO userpoints (id, points, "userId", "taskId", created_at)
       SELECT gen_random_uuid(), nullif(abs(hashtext('points ' || n)) % 9 - 3, 5),
         CASE WHEN n % 9 > 0 THEN md5('user ' || abs(hashtext('user ' || n)) % 60)::uuid END,
         ($1::uuid[])[1 + abs(hashtext('task ' || n)) % 4], now() - n * interval '1 microsecond'
       FROM generate_series(1, 400) n`,
      [[...tasks, elsewhere].map(({ id }) => id)],
    );
  });

  /** All rows, and the sums made by a few lines of JavaScript. */
  async function oracle(ids: readonly string[]): Promise<Entry[]> {
    const awards = await api.database.query<{ id: string; name: string; points: number | null; at: string }>(
      `SELECT p."userId" AS id, u."externalUserId" AS name, p.points,
         to_char(p.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at
       FROM userpoints p JOIN users u ON u.id = p."userId" WHERE p."taskId" = ANY($1)`,
      [ids],
    );
    const users = new Map<
      string,
      { id: string; name: string; points: number; times: number; last: string }
    >();
    for (const { id, name, points, at } of awards) {
      const user = users.get(id) ?? { id, name, points: 0, times: 0, last: '' };
      users.set(id, {
        ...user,
        points: user.points + (points ?? 0),
        times: user.times + 1,
        last: at > user.last ? at : user.last,
      });
    }
    const sorted = [...users.values()].sort((a, b) => b.points - a.points || (a.id < b.id ? -1 : 1));
    return sorted.map(({ name, points, times, last }) => ({
      rank: 1 + sorted.filter((other) => other.points > points).length,
      externalUserId: name,
      points,
      timesAwarded: times,
      lastAwardedAt: last,
    }));
  }

  const boards: Record<string, () => [board: Row, taskIds: string[]]> = {
    'the game, over all its tasks': () => [game, tasks.map(({ id }) => id)],
    'one task': () => [tasks[0] ?? game, [tasks[0]?.id ?? '']],
  };

  describe.each(Object.entries(boards))('%s', (_name, which) => {
    test.each([1, 7, 100])('pages of %i, forwards and backwards, are exact', async (size) => {
      const [board, taskIds] = which();
      const expected = await oracle(taskIds);
      expect(expected.length).toBeGreaterThan(30);
      // Equal points stand on both sides of some border of pages.
      expect(new Set(expected.map(({ points }) => points)).size).toBeLessThan(expected.length);
      for (const [count, cursor, start] of [
        ['first', 'after', 'endCursor'],
        ['last', 'before', 'startCursor'],
      ] as const) {
        const found: Entry[] = [];
        let position: string | null = null;
        do {
          const page: Board = await boardOf(board, { [count]: size, [cursor]: position });
          expect(page.totalCount).toBe(expected.length);
          expect(page.edges.map(({ node }) => node)).toEqual(page.nodes);
          const [before, after] =
            count === 'first'
              ? [found.length, expected.length - found.length - page.nodes.length]
              : [expected.length - found.length - page.nodes.length, found.length];
          expect(page.pageInfo).toMatchObject({ hasPreviousPage: before > 0, hasNextPage: after > 0 });
          found.splice(count === 'first' ? found.length : 0, 0, ...page.nodes);
          position = (count === 'first' ? after > 0 : before > 0) ? page.pageInfo[start] : null;
        } while (position !== null);
        expect(found).toEqual(expected);
      }
    });

    test('a window between two cursors holds what is between them', async () => {
      const [board, taskIds] = which();
      const expected = await oracle(taskIds);
      const { edges } = await boardOf(board);
      for (const [from, to] of [
        [0, 1],
        [0, 9],
        [11, 29],
      ] as const) {
        const page = await boardOf(board, {
          first: 5,
          after: edges[from]?.cursor,
          before: edges[to]?.cursor,
        });
        const between = expected.slice(from + 1, to);
        expect(page.nodes).toEqual(between.slice(0, 5));
        expect(page.pageInfo).toMatchObject({ hasPreviousPage: true, hasNextPage: true });
      }
    });
  });
});

test.each(['Game', 'Task'])('a %s has five pages of its leaderboard at once at most', async (type) => {
  const game = await alice.game();
  const { id } = type === 'Game' ? game : await game.task();
  const document = (count: number): string => {
    const boards = Array.from(
      { length: count },
      (_, index) => `b${index}: leaderboard(first: ${index + 1}) { totalCount }`,
    );
    return `query ($id: ID!) { node(id: $id) { ... on ${type} { ${boards.join(' ')} } } }`;
  };
  expect((await api.query(document(5), { id }, alice)).body).not.toHaveProperty('errors');
  expect((await api.errors(document(6), { id }, alice)).codes).toEqual(['LIMIT_EXCEEDED']);
});

test('it does not matter where in a page its leaderboards are asked for', async () => {
  const boards = (prefix: string, count: number): string =>
    Array.from({ length: count }, (_, index) => `${prefix}${index}: leaderboard { totalCount }`).join(' ');
  const document = (count: number): string => `{ games {
    nodes { ${boards('a', 2)} } more: nodes { ${boards('b', 2)} } edges { node { ${boards('c', count)} } } } }`;
  expect((await api.query(document(1), {}, alice)).body).not.toHaveProperty('errors');
  expect((await api.errors(document(2), {}, alice)).codes).toEqual(['LIMIT_EXCEEDED']);
});
