import { beforeAll, describe, expect, test } from '@jest/globals';
import type { Variables } from '../support/api.js';
import type { Game, Owner, Task } from '../support/builders.js';
import { useApi } from '../support/use-api.js';

const { api, rows } = useApi();
let alice: Owner;
let game: Game;
let all: readonly TaskRow[];

/** A task as it was put into the database. */
interface TaskRow {
  readonly id: string;
  readonly name: string;
  readonly status: string;
  readonly strategyId: string;
  readonly createdAt: string | null;
}

/** Names, states and times in all kinds of order, many of them equal, some of them missing. */
beforeAll(async () => {
  alice = await rows.owner();
  game = await alice.game();
  const statuses = ['open', 'closed', 'pending', 'Open', 'étrange'];
  const names = ['walk', 'Walk', 'run_100%', 'rUn', 'été', '', 'swim\\'];
  const made: TaskRow[] = [];
  for (let number = 0; number < 35; number++) {
    const name = names[number % names.length] ?? '';
    const status = statuses[number % statuses.length] ?? '';
    const strategyId = number % 3 ? 'default' : 'removed';
    const createdAt = number % 4 ? `2026-01-01T00:00:00.00000${number % 5}Z` : null;
    const { id } = await game.task({ externalTaskId: name, status, strategyId, created_at: createdAt });
    made.push({ id, name, status, strategyId, createdAt });
  }
  all = made;
  const other = await alice.game();
  await other.task({ externalTaskId: 'walk' });
});

const LIST = `query ($id: ID!, $first: Int = 100, $after: String, $last: Int, $before: String, $filter: TaskFilter, $orderBy: [TaskOrder!]) {
  game(id: $id) { tasks(first: $first, after: $after, last: $last, before: $before, filter: $filter, orderBy: $orderBy) {
    totalCount nodes { id } edges { cursor } pageInfo { hasNextPage hasPreviousPage } } } }`;

interface Page {
  readonly totalCount: number;
  readonly nodes: readonly { readonly id: string }[];
  readonly edges: readonly { readonly cursor: string }[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly hasPreviousPage: boolean };
}

async function list(variables: Variables = {}, { id }: { readonly id: string } = game): Promise<Page> {
  return (await api.data<{ game: { tasks: Page } }>(LIST, { id, ...variables }, alice)).game.tasks;
}

test('a task shows its row, its game, its strategy and its params, oldest first and undated last', async () => {
  const own = await alice.game({ externalGameId: 'game-of-a-task' });
  const task = await own.task({
    externalTaskId: 'shown',
    status: 'paused',
    strategyId: 'socio_bee',
    created_at: '2026-01-01T02:00:00.123456+02:00',
    updated_at: null,
  });
  await task.param({ key: 'undated', value: null, created_at: null });
  await task.param({ key: 'same', value: 'newer', created_at: '2026-01-01T00:00:00.000002Z' });
  await task.param({ key: 'same', value: 'older', created_at: '2026-01-01T00:00:00.000001Z' });
  const document = `query ($id: ID!) { node(id: $id) { ... on Task { id externalTaskId status strategyId createdAt updatedAt
    game { externalGameId } strategy { name } params { key value } } } }`;
  expect(await api.data(document, { id: task.id }, alice)).toEqual({
    node: {
      id: task.id,
      externalTaskId: 'shown',
      status: 'paused',
      strategyId: 'socio_bee',
      createdAt: '2026-01-01T00:00:00.123456Z',
      updatedAt: null,
      game: { externalGameId: 'game-of-a-task' },
      strategy: { name: 'socio_bee' },
      params: [
        { key: 'same', value: 'older' },
        { key: 'same', value: 'newer' },
        { key: 'undated', value: null },
      ],
    },
  });
});

describe('filters', () => {
  const at = '2026-01-01T00:00:00.000002Z';
  test.each<[Variables, (task: TaskRow) => boolean]>([
    [{}, () => true],
    [{ status: { eq: 'open' } }, ({ status }) => status === 'open'],
    [{ status: { in: ['closed', 'Open'] } }, ({ status }) => status === 'closed' || status === 'Open'],
    [{ status: { notIn: [] } }, () => true],
    [{ status: { in: [] } }, () => false],
    [{ status: { isNull: true } }, () => false],
    [{ externalTaskId: { eq: 'walk' } }, ({ name }) => name === 'walk'],
    [{ externalTaskId: { containsInsensitive: 'ÉT' } }, ({ name }) => name === 'été'],
    [{ externalTaskId: { startsWith: 'run_' } }, ({ name }) => name === 'run_100%'],
    [{ externalTaskId: { contains: '\\' } }, ({ name }) => name === 'swim\\'],
    [{ strategyId: { ne: 'removed' } }, ({ strategyId }) => strategyId !== 'removed'],
    [{ createdAt: { isNull: true } }, ({ createdAt }) => createdAt === null],
    [{ createdAt: { gt: at } }, ({ createdAt }) => createdAt !== null && createdAt > at],
    [
      { createdAt: { lte: '2026-01-01T01:00:00.000002+01:00' } },
      ({ createdAt }) => createdAt !== null && createdAt <= at,
    ],
    [{ not: { createdAt: { gt: at } } }, ({ createdAt }) => createdAt === null || createdAt <= at],
    [
      { status: { eq: 'open' }, or: [{ externalTaskId: { eq: 'walk' } }, { strategyId: { eq: 'removed' } }] },
      ({ name, status, strategyId }) => status === 'open' && (name === 'walk' || strategyId === 'removed'),
    ],
    [
      { and: [{ status: { ne: 'open' } }, { status: { ne: 'closed' } }] },
      ({ status }) => !/^(open|closed)$/.test(status),
    ],
    [{ or: [] }, () => false],
  ])('%j', async (filter, holds) => {
    const expected = all.filter(holds).map(({ id }) => id);
    const { nodes, totalCount } = await list({ filter });
    expect(nodes.map(({ id }) => id).sort()).toEqual(expected.sort());
    expect(totalCount).toBe(expected.length);
  });
});

/** Compares by code points. */
const compare = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
/** Missing values come last. */
const nullable = (a: string | null, b: string | null): number =>
  a === null || b === null ? Number(a === null) - Number(b === null) : compare(a, b);

describe('orders', () => {
  const columns: Record<string, (a: TaskRow, b: TaskRow) => number> = {
    CREATED_AT: (a, b) => nullable(a.createdAt, b.createdAt),
    EXTERNAL_TASK_ID: (a, b) => compare(a.name, b.name),
    STATUS: (a, b) => compare(a.status, b.status),
  };

  /** The tasks in an order; the id breaks ties in the direction of the last column. */
  function sorted(orders: readonly (readonly [field: string, direction: string])[]): string[] {
    const last = orders.at(-1)?.[1];
    return [...all]
      .sort((a, b) => {
        for (const [field, direction] of orders) {
          const order = columns[field]?.(a, b) ?? 0;
          if (order !== 0) return direction === 'DESC' ? -order : order;
        }
        return last === 'DESC' ? compare(b.id, a.id) : compare(a.id, b.id);
      })
      .map(({ id }) => id);
  }

  test.each<[(readonly [string, string])[]]>([
    [[]],
    [[['CREATED_AT', 'ASC']]],
    [[['CREATED_AT', 'DESC']]],
    [[['EXTERNAL_TASK_ID', 'ASC']]],
    [[['STATUS', 'DESC']]],
    [
      [
        ['STATUS', 'ASC'],
        ['CREATED_AT', 'DESC'],
      ],
    ],
    [
      [
        ['CREATED_AT', 'DESC'],
        ['STATUS', 'ASC'],
        ['EXTERNAL_TASK_ID', 'DESC'],
      ],
    ],
  ])('%j: pages are exact both ways', async (orders) => {
    const orderBy = orders.map(([field, direction]) => ({ field, direction }));
    const expected = sorted(orders.length === 0 ? [['CREATED_AT', 'DESC']] : orders);
    for (const forwards of [true, false]) {
      const found: string[] = [];
      let position: string | undefined;
      do {
        const page: Page = await list(
          forwards
            ? { orderBy, first: 6, after: position }
            : { orderBy, first: null, last: 6, before: position },
        );
        const ids = page.nodes.map(({ id }) => id);
        const left = expected.length - found.length - ids.length;
        expect(page.pageInfo).toEqual({
          hasPreviousPage: (forwards ? found.length : left) > 0,
          hasNextPage: (forwards ? left : found.length) > 0,
        });
        found.splice(forwards ? found.length : 0, 0, ...ids);
        position = left > 0 ? page.edges.at(forwards ? -1 : 0)?.cursor : undefined;
      } while (position !== undefined);
      expect(found).toEqual(expected);
    }
  });

  test('a direction that is not given is ASC; null is no order; a field twice is BAD_USER_INPUT', async () => {
    const ids = async (orderBy: unknown): Promise<string[]> =>
      (await list({ orderBy })).nodes.map(({ id }) => id);
    expect(await ids([{ field: 'STATUS' }])).toEqual(sorted([['STATUS', 'ASC']]));
    expect(await ids(null)).toEqual(sorted([['CREATED_AT', 'DESC']]));
    const orderBy = [{ field: 'STATUS' }, { field: 'STATUS', direction: 'DESC' }];
    const { errors } = await api.errors(LIST, { id: game.id, orderBy }, alice);
    expect(errors).toMatchObject([
      {
        path: ['game', 'tasks'],
        extensions: { code: 'BAD_USER_INPUT', problems: [{ argument: 'orderBy.1.field' }] },
      },
    ]);
  });
});

test('a cursor is of one game, one order and one filter', async () => {
  const after = (await list({ first: 1 })).edges[0]?.cursor;
  const other = await alice.game();
  for (const variables of [
    { id: other.id },
    { id: game.id, orderBy: [{ field: 'STATUS' }] },
    { id: game.id, filter: { status: { eq: 'open' } } },
  ]) {
    const { errors } = await api.errors(LIST, { ...variables, after }, alice);
    expect(errors).toMatchObject([
      {
        path: ['game', 'tasks'],
        extensions: { code: 'BAD_USER_INPUT', problems: [{ argument: 'after' }] },
      },
    ]);
  }
});

describe('the task of a name', () => {
  const TASK = 'query ($id: ID!, $name: String!) { game(id: $id) { task(externalTaskId: $name) { id } } }';
  async function taskOf(own: Game, name: string): Promise<unknown> {
    return (await api.data<{ game: { task: unknown } }>(TASK, { id: own.id, name }, alice)).game.task;
  }

  test('is the oldest where several share it; undated ones count as the youngest', async () => {
    const own = await alice.game();
    const made: Task[] = [];
    for (const created_at of [null, '2026-01-01T00:00:00.000002Z', '2026-01-01T00:00:00.000001Z']) {
      made.push(await own.task({ externalTaskId: 'same', created_at }));
    }
    expect(await taskOf(own, 'same')).toEqual({ id: made[2]?.id });
    await api.database.query('DELETE FROM tasks WHERE id = ANY($1)', [[made[2]?.id, made[1]?.id]]);
    expect(await taskOf(own, 'same')).toEqual({ id: made[0]?.id });
  });

  test('is null where the game has none, whatever other games have', async () => {
    const own = await alice.game();
    await own.task({ externalTaskId: 'Walk' });
    for (const name of ['walk', 'none', '', '%', 'Wal']) expect(await taskOf(own, name)).toBeNull();
  });
});

test('a task without a game is nobody’s', async () => {
  const { id } = await rows.insert('tasks', {
    externalTaskId: 'orphan',
    strategyId: 'default',
    status: 'open',
    gameId: null,
    apiKey_used: alice.prefix,
  });
  expect(await api.data('query ($id: ID!) { node(id: $id) { id } }', { id }, alice)).toEqual({ node: null });
});

test("another owner's tasks are in no list, whoever made them", async () => {
  const bob = await rows.owner();
  const foreign = await (
    await bob.game()
  ).task({ apiKey_used: alice.prefix, strategyId: 'greencrowdStrategy' });
  const own = await (await alice.game()).task({ apiKey_used: bob.prefix, strategyId: 'greencrowdStrategy' });
  const document = `query ($ids: [ID!]!) { nodes(ids: $ids) { id }
    strategy(id: "greencrowdStrategy") { tasks { totalCount nodes { id } } } }`;
  expect(await api.data(document, { ids: [foreign.id, own.id] }, alice)).toEqual({
    nodes: [null, { id: own.id }],
    strategy: { tasks: { totalCount: 1, nodes: [{ id: own.id }] } },
  });
});
