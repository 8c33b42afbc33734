import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { Credentials, Refusal, Variables } from '../support/api.js';
import type { Game, Owner, Row, Task } from '../support/builders.js';
import { useApiAndIssuer } from '../support/use-api.js';

const { api, issuer, rows } = useApiAndIssuer();
let alice: Owner;
let bob: Owner;
let admin: Credentials;
let game: Game;
let task: Task;

beforeAll(async () => {
  [alice, bob] = [await rows.owner(), await rows.owner()];
  admin = await issuer.admin('the-admin');
});
beforeEach(async () => {
  game = await alice.game();
  task = await game.task({ externalTaskId: 'walk', status: 'pending', updated_at: '2026-01-01T00:00:00Z' });
});

const TASK = 'id externalTaskId status strategyId version updatedAt game { id } params { id key value }';
const payloadOf = { create: '', patch: 'changes { field before after }', duplicate: '' };
const documentOf = (name: keyof typeof payloadOf): string => {
  const type = `${name[0]?.toUpperCase()}${name.slice(1)}TaskInput!`;
  return `mutation ($input: ${type}) { result: ${name}Task(input: $input) { task { ${TASK} } ${payloadOf[name]} } }`;
};
const CREATE = documentOf('create');
const PATCH = documentOf('patch');
const DUPLICATE = documentOf('duplicate');
const DELETE = `mutation ($input: DeleteTaskInput!) { result: deleteTask(input: $input) {
  deletedTaskId externalTaskId deleted { params userPoints } } }`;
const CREATE_GAME = `mutation ($input: CreateGameInput!) { result: createGame(input: $input) { game { id
  tasks(first: 100, orderBy: [{ field: CREATED_AT }]) { totalCount nodes { ${TASK} } } } } }`;

interface TaskAnswer {
  readonly id: string;
  readonly externalTaskId: string;
  readonly status: string;
  readonly strategyId: string;
  readonly version: string;
  readonly updatedAt: string;
  readonly game: { readonly id: string };
  readonly params: readonly { readonly id: string; readonly key: string; readonly value: string }[];
}
interface Payload {
  readonly task: TaskAnswer;
  readonly changes: readonly unknown[];
}

async function write<Result = Payload>(
  document: string,
  input: Variables,
  as: Credentials = alice,
): Promise<Result> {
  return (await api.data<{ result: Result }>(document, { input }, as)).result;
}

async function read({ id }: Row): Promise<TaskAnswer> {
  const document = `query ($id: ID!) { node(id: $id) { ... on Task { ${TASK} } } }`;
  return (await api.data<{ node: TaskAnswer }>(document, { id }, alice)).node;
}

/** Expects that a write is refused, and that nothing at all is written. */
async function expectRefusal(document: string, input: Variables, as: Credentials = alice): Promise<Refusal> {
  const before = await api.database.dump();
  const refusal = await api.errors(document, { input }, as);
  expect(await api.database.dump()).toBe(before);
  return refusal;
}

/** The arguments that a refusal finds wrong. */
const argumentsOf = ({ errors }: Refusal): (string | undefined)[] =>
  (errors[0]?.extensions.problems ?? []).map(({ argument }) => argument);

async function audits(): Promise<unknown[]> {
  return api.database.query(
    'SELECT module, message, details, "apiKey_used" AS key FROM logs ORDER BY created_at, id',
  );
}
async function newAudits(work: () => Promise<unknown>): Promise<unknown[]> {
  const before = await audits();
  await work();
  return (await audits()).slice(before.length);
}

describe('createTask', () => {
  test('makes an open task on the default strategy, of the caller, and leaves one row in the log', async () => {
    let made: TaskAnswer | undefined;
    const left = await newAudits(async () => {
      made = (await write(CREATE, { gameId: game.id, externalTaskId: 'run' })).task;
    });
    expect(made).toEqual({
      id: expect.any(String),
      ...{ externalTaskId: 'run', status: 'open', strategyId: 'default', game: { id: game.id }, params: [] },
      version: expect.any(String),
      updatedAt: expect.any(String),
    });
    expect(await read({ id: made?.id ?? '' })).toEqual(made);
    const [row] = await api.database.query(
      `SELECT "apiKey_used" AS key, oauth_user_id AS subject, created_at > now() - interval '1 minute' AS dated
       FROM tasks WHERE id = $1`,
      [made?.id],
    );
    expect(row).toEqual({ key: alice.prefix, subject: null, dated: true });
    const details = {
      ...{ task_id: made?.id, game_id: game.id, externalTaskId: 'run' },
      ...{ strategyId: 'default', status: 'open', params: 0 },
    };
    expect(left).toEqual([{ module: 'task', message: 'Task created', details, key: alice.prefix }]);
  });

  test('takes a status, a strategy and params, which keep their order', async () => {
    const { strategyId } = await alice.strategy();
    const params = [
      { key: 'b', value: '1' },
      { key: 'a', value: '2' },
      { key: 'b', value: '3' },
    ];
    const input = { gameId: game.id, externalTaskId: 'été 😀', status: 'closed', strategyId, params };
    const { task: made } = await write(CREATE, input);
    expect(made).toMatchObject({ externalTaskId: 'été 😀', status: 'closed', strategyId, params });
    const [row] = await api.database.query(
      'SELECT count(*)::int AS count, min("apiKey_used") AS key FROM tasksparams WHERE "taskId" = $1',
      [made.id],
    );
    expect(row).toEqual({ count: 3, key: alice.prefix });
  });

  test('says everything that is wrong at once', async () => {
    const refusal = await expectRefusal(CREATE, {
      gameId: game.id,
      externalTaskId: '',
      status: 'pending',
      strategyId: 'unknown',
    });
    expect(refusal.codes).toEqual(['BAD_USER_INPUT']);
    expect(argumentsOf(refusal)).toEqual(['input.externalTaskId', 'input.strategyId', 'input.status']);
  });

  test.each([
    ['externalTaskId', 'x'.repeat(201)],
    ['status', ''],
    ['status', 'Open'],
    ['strategyId', ''],
    ['strategyId', `custom:${randomUUID()}`],
  ])('%s may not be %j', async (field, value) => {
    const input = { gameId: game.id, externalTaskId: 'new', [field]: value };
    expect(argumentsOf(await expectRefusal(CREATE, input))).toEqual([`input.${field}`]);
  });

  test('a task may have 200 characters in its name, and as many params as a game', async () => {
    await write(CREATE, { gameId: game.id, externalTaskId: '😀'.repeat(200) });
    const params = Array.from({ length: 501 }, () => ({ key: 'k', value: '' }));
    const input = { gameId: game.id, externalTaskId: 'many', params };
    const { codes, text } = await expectRefusal(CREATE, input);
    expect(codes).toEqual(['LIMIT_EXCEEDED']);
    expect(text).toContain('A task may have at most 500 params; it would have 501.');
    const { task: made } = await write(CREATE, { ...input, params: params.slice(1) });
    expect(made.params).toHaveLength(500);
  });

  test('a name that the game has is a CONFLICT; another game may have it', async () => {
    const { errors } = await expectRefusal(CREATE, { gameId: game.id, externalTaskId: 'walk' });
    expect(errors).toMatchObject([
      {
        message: 'This externalTaskId is taken in the game. Choose another one.',
        extensions: { code: 'CONFLICT' },
      },
    ]);
    const other = await alice.game();
    await write(CREATE, { gameId: other.id, externalTaskId: 'walk' });
    await write(CREATE, { gameId: game.id, externalTaskId: 'Walk' });
  });

  test("another owner's game is NOT_FOUND, as one that does not exist", async () => {
    const input = { externalTaskId: '', strategyId: 'unknown' };
    const foreign = await expectRefusal(CREATE, { ...input, gameId: game.id }, bob);
    const missing = await expectRefusal(CREATE, { ...input, gameId: randomUUID() }, bob);
    expect(foreign.codes).toEqual(['NOT_FOUND']);
    expect(missing.text).toBe(foreign.text);
  });
});

describe('the strategy of a task', () => {
  test('must be of the realm of the game, whoever puts it there', async () => {
    const [mine, theirs, draft] = [
      await alice.strategy(),
      await bob.strategy(),
      await alice.strategy({ status: 'DRAFT' }),
    ];
    for (const [as, { strategyId }] of [
      [alice, mine],
      [admin, mine],
    ] as const) {
      const { id } = await (await alice.game()).task();
      expect((await write(PATCH, { id, strategyId }, as)).task).toMatchObject({ strategyId });
    }
    for (const [as, { strategyId }] of [
      [alice, theirs],
      [alice, draft],
      [admin, theirs],
    ] as const) {
      const { id } = await (await alice.game()).task();
      expect(argumentsOf(await expectRefusal(PATCH, { id, strategyId }, as))).toEqual(['input.strategyId']);
    }
  });

  test('that is stored already is not checked', async () => {
    const own = await game.task({ strategyId: 'removed' });
    const { changes } = await write(PATCH, { id: own.id, strategyId: 'removed', status: 'closed' });
    expect(changes).toEqual([{ field: 'status', before: 'open', after: 'closed' }]);
  });
});

describe('patchTask', () => {
  test('changes the task and its params in one go, and leaves one row in the log', async () => {
    const [kept, old] = [await task.param({ key: 'size', value: '5' }), await task.param({ key: 'old' })];
    const before = await read(task);
    const expected = [
      { field: 'externalTaskId', before: 'walk', after: 'run' },
      { field: 'strategyId', before: 'default', after: 'socio_bee' },
      { field: 'status', before: 'pending', after: 'closed' },
      { field: 'params.size', before: '5', after: '6' },
      { field: 'params.old', before: 'value', after: null },
      { field: 'params.new', before: null, after: '1' },
    ];
    let patched: Payload | undefined;
    const left = await newAudits(async () => {
      patched = await write(PATCH, {
        id: task.id,
        externalTaskId: 'run',
        status: 'closed',
        strategyId: 'socio_bee',
        params: {
          add: [{ key: 'new', value: '1' }],
          update: [{ id: kept.id, value: '6' }],
          remove: [old.id],
        },
        expectedVersion: before.version,
      });
    });
    expect(patched?.changes).toEqual(expected);
    expect(patched?.task).toMatchObject({
      ...{ externalTaskId: 'run', status: 'closed', strategyId: 'socio_bee' },
      params: [
        { id: kept.id, key: 'size', value: '6' },
        { key: 'new', value: '1' },
      ],
    });
    expect(patched?.task.version).not.toBe(before.version);
    expect(patched?.task.updatedAt).not.toBe(before.updatedAt);
    expect(await read(task)).toEqual(patched?.task);
    const details = { task_id: task.id, game_id: game.id, changes: expected };
    expect(left).toEqual([{ module: 'task', message: 'Task updated', details, key: alice.prefix }]);
  });

  test('leaves what is null, not given or so already: nothing is written then, not even to the log', async () => {
    const before = await api.database.dump();
    const input = { id: task.id, externalTaskId: 'walk', status: 'pending', strategyId: null };
    expect((await write(PATCH, input)).changes).toEqual([]);
    expect(await api.database.dump()).toBe(before);
  });

  test('closes and opens; a state that GAME gave is left, and given no more', async () => {
    for (const status of ['closed', 'open']) {
      expect((await write(PATCH, { id: task.id, status })).task.status).toBe(status);
    }
    const { errors } = await expectRefusal(PATCH, { id: task.id, status: 'pending' });
    expect(errors[0]?.extensions.problems).toEqual([
      { argument: 'input.status', message: 'must be open or closed.' },
    ]);
  });

  test('a name that another task of the game has is a CONFLICT; what is there twice can be told apart by id', async () => {
    const twins = [await game.task({ externalTaskId: 'twin' }), await game.task({ externalTaskId: 'twin' })];
    expect((await expectRefusal(PATCH, { id: task.id, externalTaskId: 'twin' })).codes).toEqual(['CONFLICT']);
    const [first, second] = twins as [Task, Task];
    expect((await write(PATCH, { id: first.id, externalTaskId: 'twin', status: 'closed' })).changes).toEqual([
      { field: 'status', before: 'open', after: 'closed' },
    ]);
    expect(await read(second)).toMatchObject({ externalTaskId: 'twin', status: 'open' });
    await write(PATCH, { id: second.id, externalTaskId: 'single' });
    await write(DELETE, { id: first.id });
    expect(await read(second)).toMatchObject({ externalTaskId: 'single' });
  });

  test('says everything that is wrong at once', async () => {
    const param = await task.param();
    const refusal = await expectRefusal(PATCH, {
      ...{ id: task.id, externalTaskId: '', status: 'done', strategyId: 'unknown' },
      params: { update: [{ id: param.id, value: '1' }], remove: [param.id] },
    });
    expect(argumentsOf(refusal)).toEqual([
      'input.externalTaskId',
      'input.strategyId',
      'input.status',
      'input.params.update.0.id',
    ]);
  });

  const strangers: Record<string, () => Promise<string> | string> = {
    'a param of another task of the game': async () => (await (await game.task()).param()).id,
    "a param of another owner's task": async () => (await (await (await bob.game()).task()).param()).id,
    'a param of the game': async () => (await game.param()).id,
    'a param that does not exist': () => randomUUID(),
  };
  test.each(Object.entries(strangers))('%s is NOT_FOUND, and nothing is written', async (_name, make) => {
    const id = await make();
    const own = await task.param();
    const input = { id: task.id, status: 'closed', params: { remove: [own.id, id] } };
    expect((await expectRefusal(PATCH, input)).errors).toMatchObject([{ message: 'Param not found.' }]);
  });

  test('a task keeps no more params than a game', async () => {
    await api.database.query(
      `INSERT INTO tasksparams (id, key, value, "taskId") SELECT gen_random_uuid(), 'k', '', $1 FROM generate_series(1, 500)`,
      [task.id],
    );
    const { codes } = await expectRefusal(PATCH, {
      id: task.id,
      params: { add: [{ key: 'k', value: '' }] },
    });
    expect(codes).toEqual(['LIMIT_EXCEEDED']);
    expect((await write(PATCH, { id: task.id, status: 'open' })).changes).toHaveLength(1);
  });
});

describe('deleteTask', () => {
  test('takes the params and points of the task along, and nothing else; a dry run has counted them', async () => {
    const user = await rows.user();
    const other = await game.task();
    for (const one of [task, other]) {
      await one.param();
      await one.param();
      await one.points(user);
    }
    await task.points(user);
    const before = await api.database.dump();
    const deleted = { params: 2, userPoints: 2 };
    const input = { id: task.id, expectedVersion: (await read(task)).version };
    expect(await write<object>(DELETE, { ...input, dryRun: true })).toEqual({
      ...{ deletedTaskId: null, externalTaskId: 'walk', deleted },
    });
    expect(await api.database.dump()).toBe(before);

    const left = await newAudits(async () => {
      expect(await write<object>(DELETE, input)).toEqual({
        ...{ deletedTaskId: task.id, externalTaskId: 'walk', deleted },
      });
    });
    const details = { task_id: task.id, game_id: game.id, externalTaskId: 'walk', deleted };
    expect(left).toEqual([{ module: 'task', message: 'Task deleted', details, key: alice.prefix }]);
    const [rest] = await api.database.query(
      `SELECT (SELECT count(*)::int FROM tasks WHERE "gameId" = $1) AS tasks,
         (SELECT count(*)::int FROM tasksparams WHERE "taskId" = $2) AS params,
         (SELECT count(*)::int FROM userpoints WHERE "taskId" = $2) AS points,
         (SELECT count(*)::int FROM tasksparams WHERE "taskId" IN ($2, $3)) AS "allParams",
         (SELECT count(*)::int FROM userpoints WHERE "taskId" IN ($2, $3)) AS "allPoints"`,
      [game.id, task.id, other.id],
    );
    expect(rest).toEqual({ tasks: 1, params: 0, points: 0, allParams: 2, allPoints: 1 });
    expect((await expectRefusal(DELETE, { id: task.id })).codes).toEqual(['NOT_FOUND']);
  });
});

describe('duplicateTask', () => {
  test('copies the task with its params, open and of the caller, without its points', async () => {
    await api.database.query(`UPDATE tasks SET "strategyId" = 'removed' WHERE id = $1`, [task.id]);
    const params = [
      { key: 'b', value: '1' },
      { key: 'a', value: '2' },
    ];
    for (const [index, param] of params.entries()) {
      await task.param({ ...param, created_at: `2026-01-01T00:00:00.00000${index}Z` });
    }
    await task.points(await rows.user());
    let copy: TaskAnswer | undefined;
    const left = await newAudits(async () => {
      copy = (await write(DUPLICATE, { id: task.id, externalTaskId: 'copy' }, admin)).task;
    });
    expect(copy).toMatchObject({
      ...{ externalTaskId: 'copy', status: 'open', strategyId: 'removed', game: { id: game.id }, params },
    });
    const details = {
      ...{ task_id: copy?.id, game_id: game.id, externalTaskId: 'copy', source_task_id: task.id },
      admin: true,
    };
    expect(left).toEqual([{ module: 'task', message: 'Task duplicated', details, key: null }]);
    const [row] = await api.database.query(
      `SELECT t.oauth_user_id AS subject, (SELECT count(*)::int FROM userpoints WHERE "taskId" = t.id) AS points
       FROM tasks t WHERE id = $1`,
      [copy?.id],
    );
    expect(row).toEqual({ subject: 'the-admin', points: 0 });
    expect(await read(task)).toMatchObject({ status: 'pending', params });
  });

  test('into another game, where the name is free', async () => {
    const other = await alice.game();
    const { task: copy } = await write(DUPLICATE, { id: task.id, externalTaskId: 'walk', gameId: other.id });
    expect(copy).toMatchObject({ externalTaskId: 'walk', game: { id: other.id } });
    for (const gameId of [null, game.id, other.id]) {
      const { codes } = await expectRefusal(DUPLICATE, { id: task.id, externalTaskId: 'walk', gameId });
      expect(codes).toEqual(['CONFLICT']);
    }
  });

  test('into a game of another realm only where the strategy suits it', async () => {
    const { strategyId } = await alice.strategy();
    const custom = await game.task({ strategyId });
    const gone = await game.task({ strategyId: `custom:${randomUUID()}` });
    const { id: gameId } = await bob.game();
    for (const { id } of [custom, gone]) {
      const refusal = await expectRefusal(DUPLICATE, { id, externalTaskId: 'copy', gameId }, admin);
      expect(argumentsOf(refusal)).toEqual(['input.gameId']);
      await write(DUPLICATE, { id, externalTaskId: `copy-${id}` });
    }
    await write(DUPLICATE, { id: task.id, externalTaskId: 'copy', gameId }, admin);
  });

  test("another owner's task or game is NOT_FOUND, as what does not exist", async () => {
    const [foreign, mine] = [await bob.game(), await alice.game()];
    const theirs = await foreign.task();
    for (const [id, gameId, message] of [
      [theirs.id, null, 'Task not found.'],
      [theirs.id, mine.id, 'Task not found.'],
      [randomUUID(), mine.id, 'Task not found.'],
      ['garbage', mine.id, 'Task not found.'],
      [task.id, foreign.id, 'Game not found.'],
      [task.id, randomUUID(), 'Game not found.'],
      [task.id, '', 'Game not found.'],
    ] as const) {
      const { errors } = await expectRefusal(DUPLICATE, { id, gameId, externalTaskId: 'copy' });
      expect(errors).toMatchObject([{ message, extensions: { code: 'NOT_FOUND' } }]);
    }
  });
});

describe("another owner's task", () => {
  test.each([
    ['patchTask', PATCH, { externalTaskId: '', status: 'x' }],
    ['deleteTask', DELETE, {}],
    ['duplicateTask', DUPLICATE, { externalTaskId: '' }],
  ])('of %s is NOT_FOUND, as one that does not exist', async (_name, document, input) => {
    const given = _name === 'duplicateTask' ? input : { ...input, expectedVersion: 'x' };
    const { id } = await (await bob.game()).task({ apiKey_used: alice.prefix });
    const foreign = await expectRefusal(document, { id, ...given });
    expect(foreign.errors).toMatchObject([{ message: 'Task not found.', extensions: { code: 'NOT_FOUND' } }]);
    expect(foreign.errors[0]?.extensions).not.toHaveProperty('currentVersion');
    for (const other of [randomUUID(), 'garbage', task.id.toUpperCase(), game.id]) {
      expect((await expectRefusal(document, { id: other, ...given })).text).toBe(foreign.text);
    }
    const orphan = await rows.insert('tasks', {
      ...{ externalTaskId: 'o', strategyId: 'default', status: 'open', gameId: null },
      apiKey_used: alice.prefix,
    });
    expect((await expectRefusal(document, { id: orphan.id, ...given })).text).toBe(foreign.text);
  });
});

describe('the version of a task', () => {
  const writes: Record<string, string> = {
    'the task is changed': `UPDATE tasks SET status = 'closed' WHERE id = $1`,
    'the task is written as it was': 'UPDATE tasks SET status = status WHERE id = $1',
    'a param is added': `INSERT INTO tasksparams (id, key, "taskId") VALUES (gen_random_uuid(), 'k', $1)`,
    'a param is changed': `UPDATE tasksparams SET value = 'x' WHERE "taskId" = $1`,
    'a param is removed': 'DELETE FROM tasksparams WHERE "taskId" = $1',
  };
  test.each(Object.entries(writes))('changes when %s, by GAME', async (_name, statement) => {
    await task.param();
    const { version } = await read(task);
    expect((await read(task)).version).toBe(version);
    await api.database.query(statement, [task.id]);
    const now = (await read(task)).version;
    expect(now).not.toBe(version);
    for (const [document, more] of [
      [PATCH, { status: 'open' }],
      [PATCH, {}],
      [PATCH, { status: 'open', dryRun: true }],
      [DELETE, {}],
      [DELETE, { dryRun: true }],
    ] as const) {
      const { errors } = await expectRefusal(document, { id: task.id, ...more, expectedVersion: version });
      expect(errors).toMatchObject([
        {
          message: 'The task has changed since: it has another version than expected.',
          extensions: { code: 'CONFLICT', currentVersion: now },
        },
      ]);
    }
    await write(DELETE, { id: task.id, expectedVersion: now });
  });

  test('stays when its game, another task, or points change', async () => {
    const other = await game.task();
    const { version } = await read(task);
    await api.database.query(`UPDATE games SET platform = 'tv' WHERE id = $1`, [game.id]);
    await write(PATCH, { id: other.id, status: 'closed' });
    await task.points(await rows.user());
    await write(DUPLICATE, { id: task.id, externalTaskId: 'copy' });
    expect((await read(task)).version).toBe(version);
  });

  test('a task does not change the version of its game', async () => {
    const document = 'query ($id: ID!) { game(id: $id) { version } }';
    const before = await api.data(document, { id: game.id }, alice);
    await write(CREATE, { gameId: game.id, externalTaskId: 'run' });
    await write(DELETE, { id: task.id });
    expect(await api.data(document, { id: game.id }, alice)).toEqual(before);
  });
});

describe('createGame with tasks', () => {
  const gameInput = (tasks: readonly Variables[]): Variables => ({
    ...{ externalGameId: `with-tasks-${randomUUID().slice(0, 8)}`, platform: 'web', tasks },
  });
  interface Made {
    readonly game: { id: string; tasks: { totalCount: number; nodes: readonly TaskAnswer[] } };
  }

  test('makes all of them with their params, in their order, and leaves one row in the log', async () => {
    const { strategyId } = await alice.strategy();
    const tasks = [
      { externalTaskId: 'zumba', params: [{ key: 'k', value: '1' }] },
      { externalTaskId: 'walk', status: 'closed', strategyId },
      {
        externalTaskId: 'run',
        params: [
          { key: 'b', value: '2' },
          { key: 'a', value: '3' },
        ],
      },
    ];
    let made: Made | undefined;
    const left = await newAudits(async () => {
      made = await write<Made>(CREATE_GAME, gameInput(tasks));
    });
    expect(made?.game.tasks).toMatchObject({
      totalCount: 3,
      nodes: tasks.map((one) => ({ status: 'open', strategyId: 'default', params: [], ...one })),
    });
    expect(left).toMatchObject([
      { module: 'game', message: 'Game created', details: { tasks: 3, params: 0 }, key: alice.prefix },
    ]);
  });

  test('up to 100, each with params', async () => {
    const tasks = Array.from({ length: 101 }, (_, n) => ({
      externalTaskId: `task-${n}`,
      params: [{ key: 'k', value: `${n}` }],
    }));
    const { codes, text } = await expectRefusal(CREATE_GAME, gameInput(tasks));
    expect(codes).toEqual(['LIMIT_EXCEEDED']);
    expect(text).toContain('A game may be created with at most 100 tasks; there are 101.');
    const { game: made } = await write<Made>(CREATE_GAME, gameInput(tasks.slice(1)));
    expect(made.tasks.totalCount).toBe(100);
    expect(made.tasks.nodes.map(({ params }) => params[0]?.value)).toEqual(
      Array.from({ length: 100 }, (_, n) => `${n + 1}`),
    );
  });

  test('says what is wrong with each of them, beside what is wrong with the game; then there is no game', async () => {
    const refusal = await expectRefusal(CREATE_GAME, {
      ...gameInput([
        { externalTaskId: 'walk' },
        { externalTaskId: '', status: 'done' },
        { externalTaskId: 'walk', strategyId: (await bob.strategy()).strategyId },
      ]),
      platform: '',
    });
    expect(refusal.codes).toEqual(['BAD_USER_INPUT']);
    expect(argumentsOf(refusal)).toEqual([
      'input.platform',
      'input.tasks.1.externalTaskId',
      'input.tasks.1.status',
      'input.tasks.2.strategyId',
      'input.tasks.2.externalTaskId',
    ]);
  });

  test('on a dry run leaves nothing; no tasks are as none given', async () => {
    const before = await api.database.dump();
    await write(CREATE_GAME, { ...gameInput([{ externalTaskId: 'walk' }]), dryRun: true });
    expect(await api.database.dump()).toBe(before);
    for (const tasks of [[], null]) {
      const { game: made } = await write<Made>(CREATE_GAME, { ...gameInput([]), tasks });
      expect(made.tasks.totalCount).toBe(0);
    }
  });
});
