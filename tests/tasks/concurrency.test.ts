import { beforeAll, expect, test } from '@jest/globals';
import type { Variables } from '../support/api.js';
import type { Owner } from '../support/builders.js';
import { Lock, untilWaiting, waitingForLocks } from '../support/locks.js';
import { until } from '../support/process.js';
import { useApi } from '../support/use-api.js';

const { api, rows } = useApi();
let alice: Owner;

beforeAll(async () => {
  alice = await rows.owner();
});

const CREATE = 'mutation ($input: CreateTaskInput!) { createTask(input: $input) { task { id } } }';
const PATCH = 'mutation ($input: PatchTaskInput!) { patchTask(input: $input) { task { version } } }';
const DELETE =
  'mutation ($input: DeleteTaskInput!) { deleteTask(input: $input) { deleted { params userPoints } } }';
const DUPLICATE = 'mutation ($input: DuplicateTaskInput!) { duplicateTask(input: $input) { task { id } } }';
const DELETE_GAME =
  'mutation ($input: DeleteGameInput!) { deleteGame(input: $input) { deleted { tasks taskParams } } }';

/** The payload of a write, or the code of its error. */
async function write(document: string, input: Variables): Promise<string | object> {
  const { body } = await api.query(document, { input }, alice);
  const [payload] = Object.values(body.data ?? {});
  return body.errors?.[0]?.extensions.code ?? (payload as object);
}

function atOnce<Result>(count: number, work: (index: number) => Promise<Result>): Promise<Result[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => work(index)));
}

/** How often each code came; successes are `ok`. */
function tally(outcomes: readonly (string | object)[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const outcome of outcomes) {
    const code = typeof outcome === 'string' ? outcome : 'ok';
    counts[code] = (counts[code] ?? 0) + 1;
  }
  return counts;
}

async function countTasks(gameId: string): Promise<number> {
  return (await api.database.query('SELECT FROM tasks WHERE "gameId" = $1', [gameId])).length;
}

/** Tasks, params and points whose parents are gone; GAME's foreign keys would not have it, and none may be null. */
async function orphans(): Promise<number> {
  const [row] = await api.database.query<{ count: number }>(
    `SELECT ((SELECT count(*) FROM tasks t WHERE NOT EXISTS (SELECT FROM games g WHERE g.id = t."gameId"))
       + (SELECT count(*) FROM tasksparams p WHERE NOT EXISTS (SELECT FROM tasks t WHERE t.id = p."taskId"))
       + (SELECT count(*) FROM userpoints p WHERE NOT EXISTS (SELECT FROM tasks t WHERE t.id = p."taskId")))::int AS count`,
  );
  return row?.count ?? -1;
}

test('of 50 creations under one name at once one succeeds, and the others are a CONFLICT', async () => {
  const { id: gameId } = await alice.game();
  const outcomes = await atOnce(50, () =>
    write(CREATE, { gameId, externalTaskId: 'once', params: [{ key: 'k', value: 'v' }] }),
  );
  expect(tally(outcomes)).toEqual({ ok: 1, CONFLICT: 49 });
  expect(await countTasks(gameId)).toBe(1);
});

test('creations, copies and patches to one name at once: one succeeds', async () => {
  const game = await alice.game();
  const tasks = await atOnce(4, () => game.task());
  const outcomes = await Promise.all([
    atOnce(8, () => write(CREATE, { gameId: game.id, externalTaskId: 'once' })),
    atOnce(4, (n) => write(DUPLICATE, { id: tasks[n]?.id, externalTaskId: 'once' })),
    atOnce(4, (n) => write(PATCH, { id: tasks[n]?.id, externalTaskId: 'once' })),
  ]);
  expect(tally(outcomes.flat())).toEqual({ ok: 1, CONFLICT: 15 });
});

test('a task that GAME has not committed yet is waited for, and its name is taken then', async () => {
  const game = await alice.game();
  const insert = `INSERT INTO tasks (id, "externalTaskId", "gameId", "strategyId", status)
    VALUES (gen_random_uuid(), 'of-game', '${game.id}', 'default', 'open')`;
  const lock = await Lock.by(api.database, insert);
  const creation = write(CREATE, { gameId: game.id, externalTaskId: 'of-game' });
  await untilWaiting(api, 1, 0);
  // The connection ends, and with it the transaction: nothing of it is left.
  await lock.release();
  expect(await creation).toEqual({ task: { id: expect.any(String) } });

  const committed = await Lock.by(api.database, insert.replace('of-game', 'of-game-2'));
  const second = write(CREATE, { gameId: game.id, externalTaskId: 'of-game-2' });
  await untilWaiting(api, 1, 0);
  await committed.commit();
  expect(await second).toBe('CONFLICT');
});

test('what GAME writes while a task is created waits for it', async () => {
  const game = await alice.game();
  // Holds the creation where it has the game, and writes its task.
  const lock = await Lock.ofTable(api.database, 'tasks', 'SHARE');
  const creation = write(CREATE, { gameId: game.id, externalTaskId: 'first' });
  await untilWaiting(api, 1, 0);
  const [row] = await api.database.query(
    `SELECT count(*)::int AS free FROM (SELECT FROM games WHERE id = $1 FOR KEY SHARE SKIP LOCKED) free`,
    [game.id],
  );
  expect(row).toEqual({ free: 0 });
  await lock.release();
  expect(await creation).toEqual({ task: { id: expect.any(String) } });
});

test('points that GAME has not committed yet are waited for, and go with their task', async () => {
  const task = await (await alice.game()).task();
  const user = await rows.user();
  const lock = await Lock.by(
    api.database,
    `INSERT INTO userpoints (id, points, "userId", "taskId") VALUES (gen_random_uuid(), 1, '${user.id}', '${task.id}')`,
  );
  const deletion = write(DELETE, { id: task.id });
  await untilWaiting(api, 1, 0);
  await lock.commit();
  expect(await deletion).toEqual({ deleted: { params: 0, userPoints: 1 } });
  expect(await orphans()).toBe(0);
});

test('of patches for one version exactly one wins', async () => {
  const task = await (await alice.game()).task();
  const document = 'query ($id: ID!) { node(id: $id) { ... on Task { version } } }';
  const { node } = await api.data<{ node: { version: string } }>(document, { id: task.id }, alice);
  const outcomes = await atOnce(16, (n) =>
    write(PATCH, {
      id: task.id,
      params: { add: [{ key: `k${n}`, value: '' }] },
      expectedVersion: node.version,
    }),
  );
  expect(tally(outcomes)).toEqual({ ok: 1, CONFLICT: 15 });
});

test('a patch against a deletion: the patch came before, or there was nothing to patch; nothing is left', async () => {
  for (let round = 0; round < 10; round++) {
    const task = await (await alice.game()).task();
    const { id } = task;
    const addPoints = `INSERT INTO userpoints (id, points, "taskId") VALUES (gen_random_uuid(), 1, $1)`;
    const [deletion, patches, points] = await Promise.all([
      write(DELETE, { id }),
      atOnce(4, () => write(PATCH, { id, params: { add: [{ key: 'k', value: '' }] } })),
      atOnce(3, () =>
        api.database.query(addPoints, [id]).then(
          () => 1,
          () => 0,
        ),
      ),
    ]);
    const { ok = 0, NOT_FOUND: missed = 0 } = tally(patches);
    expect(ok + missed).toBe(4);
    const userPoints = points.reduce<number>((sum, one) => sum + one, 0);
    expect(deletion).toEqual({ deleted: { params: ok, userPoints } });
    expect(await orphans()).toBe(0);
  }
});

test('creations, copies and patches against the deletion of the game: all is deleted, or was refused; never an orphan', async () => {
  const elsewhere = await (await alice.game()).task();
  for (let round = 0; round < 10; round++) {
    const game = await alice.game();
    const { id: gameId } = game;
    const task = await game.task();
    const params = [{ key: 'k', value: '' }];
    const [deletion, creations, copies, patches] = await Promise.all([
      write(DELETE_GAME, { id: gameId }),
      atOnce(4, (n) => write(CREATE, { gameId, externalTaskId: `new-${n}`, params })),
      atOnce(2, (n) => write(DUPLICATE, { id: elsewhere.id, gameId, externalTaskId: `copy-${n}` })),
      atOnce(2, () => write(PATCH, { id: task.id, params: { add: params } })),
    ]);
    const { ok: created = 0, ...others } = tally(creations);
    const { ok: copied = 0, ...otherCopies } = tally(copies);
    const { ok: patched = 0, ...otherPatches } = tally(patches);
    for (const codes of [others, otherCopies, otherPatches]) {
      expect(Object.keys(codes).filter((code) => code !== 'NOT_FOUND')).toEqual([]);
    }
    expect(deletion).toEqual({
      deleted: { tasks: 1 + created + copied, taskParams: created + patched },
    });
    expect(await countTasks(gameId)).toBe(0);
    expect(await orphans()).toBe(0);
  }
});

test('a rollback against a creation on its strategy: no task stays on what is archived', async () => {
  const name = `family-${Date.now()}`;
  const { strategyId } = await alice.strategy({ name });
  const { id: gameId } = await alice.game();
  // A rollback locks the versions of the strategy first.
  const lock = await Lock.by(
    api.database,
    `SELECT FROM strategydefinition WHERE id = '${strategyId.slice('custom:'.length)}' FOR UPDATE;
     UPDATE strategydefinition SET status = 'ARCHIVED' WHERE name = '${name}'`,
  );
  const creation = write(CREATE, { gameId, externalTaskId: 'late', strategyId });
  await until(async () => (await waitingForLocks(api.database)) === 1);
  await lock.commit();
  expect(await creation).toBe('BAD_USER_INPUT');
});
