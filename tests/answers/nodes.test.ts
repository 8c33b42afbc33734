import { beforeAll, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { Game, Owner, Strategy, Task } from '../support/builders.js';
import { recordStatements, workOf } from '../support/statements.js';
import { useApi } from '../support/use-api.js';

const { api, rows } = useApi();
let alice: Owner;
let game: Game;
let task: Task;
let strategy: Strategy;
let reassignmentId: string;
/** Ids of things that are not there for the caller. */
let nothing: string[];

beforeAll(async () => {
  alice = await rows.owner();
  const bob = await rows.owner();
  game = await alice.game({ externalGameId: 'the-game', platform: 'web' });
  task = await game.task({ externalTaskId: 'the-task' });
  strategy = await alice.strategy({ name: 'the-strategy' });
  const foreign = await bob.game();
  const foreignTask = await foreign.task();
  const param = await game.param();
  const MOVE = `mutation ($input: BulkUpdateStrategyIdInput!) { bulkUpdateStrategyId(input: $input) { reassignment { id } } }`;
  type Moved = { bulkUpdateStrategyId: { reassignment: { id: string } } };
  const move = async (as: Owner): Promise<string> => {
    const input = { oldStrategyId: 'default', newStrategyId: 'socio_bee' };
    return (await api.data<Moved>(MOVE, { input }, as)).bulkUpdateStrategyId.reassignment.id;
  };
  reassignmentId = await move(alice);
  nothing = [
    foreign.id,
    foreignTask.id,
    (await bob.strategy()).strategyId,
    await move(bob),
    param.id,
    strategy.id,
    game.id.toUpperCase(),
    `{${game.id}}`,
    ` ${game.id}`,
    randomUUID(),
    `custom:${randomUUID()}`,
    `custom:${game.id}`,
    'custom:',
    'Default',
    '',
    '0',
    'null',
    '💥',
    "' OR 1=1 --",
    'x'.repeat(10_000),
  ];
});

const NODES = `query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id
  ... on Game { externalGameId } ...OfTask ... on Strategy { name } ... on StrategyReassignment { kind } } }
  fragment OfTask on Task { externalTaskId ...Deeper }
  fragment Deeper on Task { game { ...OfGame } }
  fragment OfGame on Game { platform ... on Node { id ... on Game { externalGameId } } }`;

interface Shown {
  readonly __typename: string;
  readonly id: string;
  readonly [field: string]: unknown;
}

/** What `NODES` shows of everything. */
function shown(): readonly Shown[] {
  const named = { id: game.id, externalGameId: 'the-game' };
  return [
    { __typename: 'Game', ...named },
    {
      __typename: 'Task',
      id: task.id,
      externalTaskId: 'the-task',
      game: { platform: 'web', ...named },
    },
    { __typename: 'Strategy', id: strategy.strategyId, name: 'the-strategy' },
    { __typename: 'Strategy', id: 'default', name: 'default' },
    { __typename: 'StrategyReassignment', id: reassignmentId, kind: 'BULK' },
  ];
}

test('anything is found by its id, with what is asked for of its type', async () => {
  for (const expected of shown()) {
    const found = await api.data(
      NODES.replace('nodes(ids: $ids)', 'node(id: $id)').replace('$ids: [ID!]!', '$id: ID!'),
      { id: expected.id },
      alice,
    );
    expect(found).toEqual({ node: expected });
  }
});

test('what is missing, foreign or garbage is null, and no error', async () => {
  for (const id of nothing) {
    const found = await api.data('query ($id: ID!) { node(id: $id) { id } }', { id }, alice);
    expect([id, found]).toEqual([id, { node: null }]);
  }
});

test('nodes keep the order of the ids, repeat what is repeated, and have null for what is not there', async () => {
  const all = shown();
  const wanted = [...all, ...all.toReversed(), ...all.slice(2, 3)];
  const ids: string[] = [];
  const expected: unknown[] = [];
  for (const [index, one] of wanted.entries()) {
    ids.push(one.id, nothing[index % nothing.length] ?? '');
    expected.push(one, null);
  }
  expect(await api.data(NODES, { ids }, alice)).toEqual({ nodes: expected });
});

test('the same id asked for in several places answers each with what is asked for there', async () => {
  const document = `query ($id: ID!) {
    a: node(id: $id) { ... on Game { t: tasks(first: 1) { totalCount } } }
    b: node(id: $id) { ... on Game { t: tasks(first: 1) { nodes { id } } } ... on Task { t: id } }
    c: node(id: $id) { id }
    d: node(id: $id) { __typename }
    e: node(id: $id) { ... on Task { id } } }`.replace('... on Task { t: id }', '');
  expect(await api.data(document, { id: game.id }, alice)).toEqual({
    a: { t: { totalCount: 1 } },
    b: { t: { nodes: [{ id: task.id }] } },
    c: { id: game.id },
    d: { __typename: 'Game' },
    e: {},
  });
});

test('no ids are no nodes; 1,000 are answered, 1,001 are LIMIT_EXCEEDED', async () => {
  const document = 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }';
  expect(await api.data(document, { ids: [] }, alice)).toEqual({ nodes: [] });
  const ids = Array.from({ length: 1_000 }, (_, index) => (index % 2 ? game.id : randomUUID()));
  const { nodes } = await api.data<{ nodes: unknown[] }>(document, { ids }, alice);
  expect(nodes).toEqual(ids.map((_, index) => (index % 2 ? { id: game.id } : null)));
  const { codes } = await api.errors(document, { ids: [...ids, game.id] }, alice);
  expect(codes).toEqual(['LIMIT_EXCEEDED']);
});

test('nobody in particular is told nothing', async () => {
  for (const field of ['node(id: "default")', 'nodes(ids: ["default"])', 'nodes(ids: [])']) {
    expect((await api.errors(`{ ${field} { id } }`)).codes).toEqual(['UNAUTHENTICATED']);
  }
});

test('the number of statements is that of the types, however many ids there are', async () => {
  const ids = [game.id, task.id, strategy.strategyId, reassignmentId];
  for (const wanted of [ids, Array.from({ length: 50 }, () => ids).flat()]) {
    const statements = await recordStatements(api, () => api.data(NODES, { ids: wanted }, alice));
    expect(workOf(statements)).toHaveLength(4);
  }
});
