import { beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import type { Answer, Credentials } from '../support/api.js';
import type { Game, Owner, Row, Strategy } from '../support/builders.js';
import { BULK, Moves, ROLLBACK, UNDO } from '../support/moves.js';
import { useApiAndIssuer } from '../support/use-api.js';

const CREATE = 'mutation ($input: CreateGameInput!) { result: createGame(input: $input) { game { id } } }';
const PATCH = `mutation ($input: PatchGameInput!) {
  result: patchGame(input: $input) { game { id } changes { field before after } } }`;
const DELETE = `mutation ($input: DeleteGameInput!) { result: deleteGame(input: $input) {
  deletedGameId externalGameId deleted { params tasks taskParams userPoints userGameConfigs } } }`;
const DUPLICATE =
  'mutation ($input: DuplicateGameInput!) { result: duplicateGame(input: $input) { game { id } } }';
const CREATE_TASK =
  'mutation ($input: CreateTaskInput!) { result: createTask(input: $input) { task { id } } }';
const PATCH_TASK = `mutation ($input: PatchTaskInput!) {
  result: patchTask(input: $input) { task { id } changes { field before after } } }`;
const DELETE_TASK = `mutation ($input: DeleteTaskInput!) { result: deleteTask(input: $input) {
  deletedTaskId externalTaskId deleted { params userPoints } } }`;
const DUPLICATE_TASK =
  'mutation ($input: DuplicateTaskInput!) { result: duplicateTask(input: $input) { task { id } } }';

/** Fields of payloads that hold something with an identity. */
const IDENTITIES = ['game', 'deletedGameId', 'task', 'deletedTaskId', 'reassignment', 'undone', 'strategy'];

const { api, issuer, rows } = useApiAndIssuer();
let moves: Moves;
let admin: Credentials;

beforeAll(async () => {
  moves = new Moves(api);
  admin = await issuer.admin('the-admin');
});

/** What every case begins with: three games with a task each, one of them with everything, and a family of strategies. */
interface Scene {
  readonly alice: Owner;
  readonly bob: Owner;
  readonly game: Game;
  readonly param: Row;
  /** Of the game, with a param and points. */
  readonly task: Row;
  readonly others: readonly [Game, Game];
  /** The strategy that the games and their tasks are on. */
  readonly old: string;
  /** Version 1 archived, 2 published, with a game and a task on it; 3 a draft. */
  readonly family: readonly [Strategy, Strategy, Strategy];
  /** A move of a game that has moved on since, and of one that has not; of tasks too. */
  readonly moved: string;
}

async function scene(): Promise<Scene> {
  const [alice, bob] = [await rows.owner(), await rows.owner()];
  const old = `old-${randomUUID()}`;
  const game = await (
    await alice.game({ strategyId: old, externalGameId: `g-${randomUUID()}` })
  ).withEverything();
  const param = await game.param({ key: 'points', value: '1' });
  const task = await game.task({ externalTaskId: 'dry-task' });
  await Promise.all([task.param(), task.points(await rows.user())]);
  const others = [await alice.game({ strategyId: old }), await alice.game({ strategyId: old })] as const;
  const name = `family-${randomUUID()}`;
  const family = [
    await alice.strategy({ name, version: 1, status: 'ARCHIVED' }),
    await alice.strategy({ name, version: 2, status: 'PUBLISHED' }),
    await alice.strategy({ name, version: 3, status: 'DRAFT' }),
  ] as const;
  const onFamily = await alice.game({ strategyId: family[1].strategyId });
  await onFamily.task({ strategyId: family[1].strategyId });
  for (const { id } of [game, ...others]) {
    await rows.insert('tasks', { externalTaskId: 'task', gameId: id, strategyId: old, status: 'open' });
  }
  const gone = await alice.game({ strategyId: `${old}-moved` });
  const stays = await alice.game({ strategyId: `${old}-moved` });
  for (const one of [gone, stays, stays]) await one.task({ strategyId: `${old}-moved` });
  const { id: moved } = await moves.moved(
    { oldStrategyId: `${old}-moved`, newStrategyId: `greengageStrategy`, tasks: true },
    alice,
  );
  await api.database.query(`UPDATE games SET "strategyId" = 'default' WHERE id = $1`, [gone.id]);
  await api.database.query(`UPDATE tasks SET "strategyId" = 'default' WHERE "gameId" = $1`, [gone.id]);
  return { alice, bob, game, param, task, others, old, family, moved };
}

/** What to try in a scene, and as whom; the owner of its games unless said otherwise. */
type Case = (scene: Scene) => readonly [document: string, input: object, as?: Credentials];

const succeeding: Record<string, Case> = {
  createGame: () => [
    CREATE,
    { externalGameId: 'dry-created', platform: 'web', params: [{ key: 'k', value: 'v' }] },
  ],
  'createGame on a custom strategy': ({ family }) => [
    CREATE,
    { externalGameId: 'dry-custom', platform: 'web', strategyId: family[1].strategyId },
  ],
  'patchGame of columns and params': ({ game, param, old }) => [
    PATCH,
    {
      id: game.id,
      externalGameId: old.slice(0, 30),
      platform: 'tv',
      strategyId: 'socio_bee',
      params: { add: [{ key: 'new', value: '1' }], update: [{ id: param.id, value: '2' }] },
    },
  ],
  'patchGame that removes a param': ({ game, param }) => [
    PATCH,
    { id: game.id, params: { remove: [param.id] } },
  ],
  'patchGame with nothing to change': ({ game }) => [PATCH, { id: game.id, platform: 'web' }],
  deleteGame: ({ game }) => [DELETE, { id: game.id }],
  duplicateGame: ({ game, old }) => [DUPLICATE, { id: game.id, externalGameId: `copy-${old.slice(0, 30)}` }],
  'createGame with tasks': ({ family }) => [
    CREATE,
    {
      externalGameId: 'dry-with-tasks',
      platform: 'web',
      tasks: [
        { externalTaskId: 'a', params: [{ key: 'k', value: 'v' }] },
        { externalTaskId: 'b', strategyId: family[1].strategyId },
      ],
    },
  ],
  createTask: ({ game }) => [
    CREATE_TASK,
    { gameId: game.id, externalTaskId: 'new', params: [{ key: 'k', value: 'v' }] },
  ],
  patchTask: ({ task }) => [
    PATCH_TASK,
    {
      id: task.id,
      externalTaskId: 'other',
      status: 'closed',
      strategyId: 'socio_bee',
      params: { add: [{ key: 'new', value: '1' }] },
    },
  ],
  'patchTask with nothing to change': ({ task }) => [PATCH_TASK, { id: task.id, status: 'open' }],
  deleteTask: ({ task }) => [DELETE_TASK, { id: task.id }],
  duplicateTask: ({ task, others }) => [
    DUPLICATE_TASK,
    { id: task.id, gameId: others[0].id, externalTaskId: 'copy' },
  ],
  bulkUpdateStrategyId: ({ old }) => [BULK, { oldStrategyId: old, newStrategyId: 'default' }],
  'bulkUpdateStrategyId of some ids': ({ old, game, others }) => [
    BULK,
    { oldStrategyId: old, newStrategyId: 'default', ids: [game.id, others[0].id, 'garbage'], atMost: 2 },
  ],
  'bulkUpdateStrategyId with tasks': ({ old }) => [
    BULK,
    { oldStrategyId: old, newStrategyId: 'default', tasks: true },
  ],
  'bulkUpdateStrategyId of nothing': () => [BULK, { oldStrategyId: 'nowhere', newStrategyId: 'default' }],
  'bulkUpdateStrategyId of an admin': ({ old, family }) => [
    BULK,
    { oldStrategyId: old, newStrategyId: family[1].strategyId },
    admin,
  ],
  undoStrategyReassignment: ({ moved }) => [UNDO, { id: moved }],
  'undoStrategyReassignment of an admin': ({ moved }) => [UNDO, { id: moved }, admin],
  rollbackStrategy: ({ family }) => [ROLLBACK, { strategyId: family[2].strategyId, toVersion: '1' }, admin],
};

const failing: Record<string, Case> = {
  'createGame with everything wrong': () => [
    CREATE,
    { externalGameId: '!', platform: '', strategyId: 'unknown' },
  ],
  'createGame with a draft': ({ family }) => [
    CREATE,
    { externalGameId: 'dry-draft', platform: 'web', strategyId: family[2].strategyId },
  ],
  "patchGame of somebody else's": ({ game, bob }) => [PATCH, { id: game.id, platform: 'tv' }, bob],
  'patchGame of a version that has passed': ({ game }) => [
    PATCH,
    { id: game.id, platform: 'tv', expectedVersion: 'passed' },
  ],
  "patchGame of another game's param": ({ others, param }) => [
    PATCH,
    { id: others[0].id, params: { remove: [param.id] } },
  ],
  'patchGame to a bad strategy and name': ({ game, family }) => [
    PATCH,
    { id: game.id, externalGameId: '!', strategyId: family[0].strategyId },
  ],
  'deleteGame of a missing one': () => [DELETE, { id: randomUUID() }],
  'deleteGame of a version that has passed': ({ game }) => [
    DELETE,
    { id: game.id, expectedVersion: 'passed' },
  ],
  "duplicateGame of somebody else's": ({ game, bob }) => [
    DUPLICATE,
    { id: game.id, externalGameId: 'dry-x' },
    bob,
  ],
  'duplicateGame with a bad name': ({ game }) => [DUPLICATE, { id: game.id, externalGameId: '!' }],
  'createGame with a bad task': () => [
    CREATE,
    { externalGameId: 'dry-bad', platform: 'web', tasks: [{ externalTaskId: '', status: 'done' }] },
  ],
  'createTask with everything wrong': ({ game }) => [
    CREATE_TASK,
    { gameId: game.id, externalTaskId: '', status: 'done', strategyId: 'unknown' },
  ],
  'createTask under a taken name': ({ game }) => [
    CREATE_TASK,
    { gameId: game.id, externalTaskId: 'dry-task' },
  ],
  "patchTask of somebody else's": ({ task, bob }) => [PATCH_TASK, { id: task.id, status: 'closed' }, bob],
  'patchTask of a version that has passed': ({ task }) => [
    PATCH_TASK,
    { id: task.id, status: 'closed', expectedVersion: 'passed' },
  ],
  "patchTask of a game's param": ({ task, param }) => [
    PATCH_TASK,
    { id: task.id, params: { remove: [param.id] } },
  ],
  'deleteTask of a missing one': () => [DELETE_TASK, { id: randomUUID() }],
  'duplicateTask under a taken name': ({ task }) => [
    DUPLICATE_TASK,
    { id: task.id, externalTaskId: 'dry-task' },
  ],
  'bulkUpdateStrategyId with everything wrong': () => [
    BULK,
    { oldStrategyId: 'unknown', newStrategyId: 'unknown', atMost: -1 },
  ],
  'bulkUpdateStrategyId of more than atMost': ({ old }) => [
    BULK,
    { oldStrategyId: old, newStrategyId: 'default', atMost: 2 },
  ],
  "bulkUpdateStrategyId to another realm's strategy": ({ family, bob }) => [
    BULK,
    { oldStrategyId: 'default', newStrategyId: family[1].strategyId },
    bob,
  ],
  'bulkUpdateStrategyId of too many ids': () => [
    BULK,
    { oldStrategyId: 'a', newStrategyId: 'default', ids: Array.from({ length: 1_001 }, () => 'x') },
  ],
  "undoStrategyReassignment of somebody else's": ({ moved, bob }) => [UNDO, { id: moved }, bob],
  'undoStrategyReassignment of garbage': () => [UNDO, { id: 'garbage' }],
  'rollbackStrategy by an owner': ({ family, alice }) => [
    ROLLBACK,
    { strategyId: family[0].strategyId, toVersion: '1' },
    alice,
  ],
  'rollbackStrategy to what is published': ({ family }) => [
    ROLLBACK,
    { strategyId: family[0].strategyId, toVersion: '2' },
    admin,
  ],
  'rollbackStrategy to a draft': ({ family }) => [
    ROLLBACK,
    { strategyId: family[0].strategyId, toVersion: '3' },
    admin,
  ],
  'rollbackStrategy to an unknown version': ({ family }) => [
    ROLLBACK,
    { strategyId: family[0].strategyId, toVersion: '9' },
    admin,
  ],
};

/** Runs a case dry and expects that nothing remains, then for real, in the same state therefore. */
async function dryAndReal(name: string, choose: Case): Promise<readonly [dry: Answer, real: Answer]> {
  const there = await scene();
  const [document, input, as = there.alice] = choose(there);
  const before = await api.database.dump();
  const dry = await api.query(document, { input: { ...input, dryRun: true } }, as);
  // Twice: a dry run does not change what the next one answers.
  const again = await api.query(document, { input: { ...input, dryRun: true } }, as);
  expect([name, again.text]).toEqual([name, dry.text]);
  expect(await api.database.dump()).toBe(before);
  return [dry, await api.query(document, { input }, as)];
}

describe('a dry run answers as the real run does, but for what has an identity, and nothing remains of it', () => {
  test.each(Object.entries(succeeding))('%s', async (name, choose) => {
    const [dry, real] = await dryAndReal(name, choose);
    expect(real.body.errors).toBeUndefined();
    const [payload] = Object.values(real.body.data ?? {});
    const [dryPayload] = Object.values(dry.body.data ?? {});
    const expected = Object.entries(payload as object).map(([field, value]) => [
      field,
      IDENTITIES.includes(field) ? null : (value as unknown),
    ]);
    expect(dry.status).toBe(real.status);
    expect(dryPayload).toEqual(Object.fromEntries(expected));
  });
});

describe('a dry run fails as the real run does, and nothing remains of it', () => {
  test.each(Object.entries(failing))('%s', async (name, choose) => {
    const [dry, real] = await dryAndReal(name, choose);
    expect(real.body.errors).toHaveLength(1);
    expect([dry.status, dry.text]).toEqual([real.status, real.text]);
  });

  test('an undo of what is undone, and of a rollback', async () => {
    const { alice, moved, family } = await scene();
    await moves.undo(moved, alice);
    const { reassignment } = await moves.rollback(
      { strategyId: family[0].strategyId, toVersion: '1' },
      admin,
    );
    const before = await api.database.dump();
    for (const id of [moved, reassignment?.id]) {
      const dry = await api.errors(UNDO, { input: { id, dryRun: true } }, admin);
      const real = await api.errors(UNDO, { input: { id } }, admin);
      expect(dry.codes).toEqual(['CONFLICT']);
      expect(dry.text).toBe(real.text);
    }
    expect(await api.database.dump()).toBe(before);
  });

  test('a taken name, by anybody', async () => {
    const { alice, bob, game } = await scene();
    await bob.game({ externalGameId: 'dry-taken' });
    const before = await api.database.dump();
    for (const [document, input] of [
      [CREATE, { externalGameId: 'dry-taken', platform: 'web' }],
      [PATCH, { id: game.id, externalGameId: 'dry-taken' }],
      [DUPLICATE, { id: game.id, externalGameId: 'dry-taken' }],
    ] as const) {
      const dry = await api.errors(document, { input: { ...input, dryRun: true } }, alice);
      const real = await api.errors(document, { input }, alice);
      expect(dry.codes).toEqual(['CONFLICT']);
      expect(dry.text).toBe(real.text);
    }
    expect(await api.database.dump()).toBe(before);
  });
});

test('a dry run of every mutation by a caller that the audit log has never seen does not make it known', async () => {
  const subject = `subject-${randomUUID()}`;
  const stranger = await issuer.caller({ sub: subject });
  const game = await rows.game({ oauth_user_id: subject, strategyId: 'dry-stranger' });
  const task = await game.task();
  const before = await api.database.dump();
  for (const [document, input] of [
    [CREATE, { externalGameId: 'dry-stranger', platform: 'web' }],
    [PATCH, { id: game.id, platform: 'tv' }],
    [DUPLICATE, { id: game.id, externalGameId: 'dry-stranger' }],
    [DELETE, { id: game.id }],
    [CREATE_TASK, { gameId: game.id, externalTaskId: 'new' }],
    [PATCH_TASK, { id: task.id, status: 'closed' }],
    [DUPLICATE_TASK, { id: task.id, externalTaskId: 'copy' }],
    [DELETE_TASK, { id: task.id }],
    [BULK, { oldStrategyId: 'dry-stranger', newStrategyId: 'default' }],
  ] as const) {
    await api.data(document, { input: { ...input, dryRun: true } }, stranger);
  }
  expect(await api.database.dump()).toBe(before);
});

describe('while somebody else holds the games', () => {
  /** Runs `work` while another transaction has locked these rows. */
  async function whileLocked(locks: readonly string[], work: () => Promise<void>): Promise<void> {
    const other = new pg.Client({ connectionString: api.database.url, application_name: 'tests' });
    await other.connect();
    try {
      await other.query('BEGIN');
      for (const lock of locks) await other.query(lock);
      await work();
    } finally {
      await other.end();
    }
  }

  test('dry runs of moves answer at once, with what they would move', async () => {
    const { alice, old, moved, family } = await scene();
    const locks = [
      'SELECT FROM games FOR UPDATE',
      'SELECT FROM tasks FOR UPDATE',
      'SELECT FROM game_graphql_reassignments FOR UPDATE',
      'SELECT FROM strategydefinition FOR UPDATE',
      // What a move of an admin holds while it runs.
      `SELECT pg_advisory_xact_lock(hashtextextended('game_graphql_moves', 0))`,
    ];
    await whileLocked(locks, async () => {
      const dryRun = true;
      const answers = Promise.all([
        moves.bulk({ oldStrategyId: old, newStrategyId: 'default', atMost: 3, dryRun }, alice),
        moves.bulk({ oldStrategyId: old, newStrategyId: family[1].strategyId, tasks: true, dryRun }, admin),
        moves.undo(moved, alice, { dryRun }),
        moves.rollback({ strategyId: family[0].strategyId, toVersion: '1', dryRun }, admin),
      ]);
      expect(await answers).toEqual([
        { count: 3, taskCount: 0, reassignment: null },
        { count: 3, taskCount: 3, reassignment: null },
        { restored: 1, skipped: 1, restoredTasks: 2, skippedTasks: 1, undone: null, reassignment: null },
        { gameCount: 1, taskCount: 1, strategy: null, reassignment: null },
      ]);
    });
  });

  test('the moves themselves wait', async () => {
    const { alice, old } = await scene();
    let isDone = false;
    let move: Promise<unknown> = Promise.resolve();
    await whileLocked(['SELECT FROM games FOR UPDATE'], async () => {
      move = moves.bulk({ oldStrategyId: old, newStrategyId: 'default' }, alice).then(() => (isDone = true));
      await api.database.query('SELECT pg_sleep(0.3)');
      expect(isDone).toBe(false);
    });
    await move;
  });
});
