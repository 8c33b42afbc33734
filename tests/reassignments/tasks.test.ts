import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { startApi, type Api, type Credentials } from '../support/api.js';
import { rowsOf, type Game, type Owner, type Row } from '../support/builders.js';
import { createTestDatabase, TEST_APPLICATION } from '../support/database.js';
import { BULK, Moves, REASSIGNMENT, ROLLBACK, UNDO } from '../support/moves.js';
import { until } from '../support/process.js';
import { recordErrors, recordStatements, workOf } from '../support/statements.js';
import { useApiAndIssuer } from '../support/use-api.js';

const { api, issuer, rows } = useApiAndIssuer();
let moves: Moves;
let admin: Credentials;
let alice: Owner;
let bob: Owner;
/** A strategy that nothing of another test is on. */
let old: string;

beforeAll(async () => {
  moves = new Moves(api);
  admin = await issuer.admin('the-admin');
});
beforeEach(async () => {
  [alice, bob] = [await rows.owner(), await rows.owner()];
  old = `old-${randomUUID()}`;
});

/** What moves everything that is on the old strategy. */
const all = (newStrategyId = 'default'): { oldStrategyId: string; newStrategyId: string; tasks: true } => ({
  oldStrategyId: old,
  newStrategyId,
  tasks: true,
});

/** A game with tasks on these strategies. */
async function gameWith(
  owner: Owner,
  strategyId: string,
  ...taskStrategies: readonly string[]
): Promise<{ game: Game; tasks: Row[] }> {
  const game = await owner.game({ strategyId });
  const tasks = [];
  for (const id of taskStrategies) tasks.push(await game.task({ strategyId: id }));
  return { game, tasks };
}

/** The rows of these tasks, whole, with the transaction that wrote each. */
function rowsAt(tasks: readonly Row[]): Promise<Record<string, unknown>[]> {
  const ids = tasks.map(({ id }) => id);
  return api.database.query('SELECT xmin::text, t::text FROM tasks t WHERE id = ANY($1) ORDER BY id', [ids]);
}

async function strategyIdsOf(tasks: readonly (Row | undefined)[]): Promise<unknown[]> {
  const ids = tasks.map((task) => task?.id);
  const found = await api.database.query<{ id: string; strategyId: string }>(
    'SELECT id, "strategyId" FROM tasks WHERE id = ANY($1)',
    [ids],
  );
  return ids.map((id) => found.find((row) => row.id === id)?.strategyId);
}

async function expectNoWrite<Result>(work: () => Promise<Result>): Promise<Result> {
  const before = await api.database.dump();
  const result = await work();
  expect(await api.database.dump()).toBe(before);
  return result;
}

const TASKS = `query ($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
  node(id: $id) { ... on StrategyReassignment { taskCount
    tasks(first: $first, after: $after, last: $last, before: $before) {
      totalCount nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } } }`;

interface TaskPage {
  readonly totalCount: number;
  readonly nodes: readonly Row[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}

async function tasksOf(id: string | undefined, as: Credentials, variables: object = {}): Promise<TaskPage> {
  const data = await api.data<{ node: { tasks: TaskPage } }>(TASKS, { id, ...variables }, as);
  return data.node.tasks;
}

const idsOf = (of: readonly Row[]): string[] => of.map(({ id }) => id).sort();

describe('a bulk update with tasks', () => {
  test('is asked for: without, no task moves', async () => {
    const { tasks } = await gameWith(alice, old, old);
    for (const more of [{}, { tasks: false }]) {
      await alice.game({ strategyId: old });
      const { taskCount, reassignment } = await moves.bulk(
        { oldStrategyId: old, newStrategyId: 'default', ...more },
        alice,
      );
      expect([taskCount, reassignment?.taskCount]).toEqual([0, 0]);
      expect(await strategyIdsOf(tasks)).toEqual([old]);
    }
  });

  test('moves the tasks that are on the old strategy, whatever their game is on: nothing is left on it', async () => {
    const whole = await gameWith(alice, old, old, old);
    const elsewhere = await gameWith(alice, 'socio_bee', old);
    const { count, taskCount, reassignment } = await moves.bulk(all(), alice);
    expect([count, taskCount]).toEqual([1, 3]);
    expect(reassignment).toMatchObject({ kind: 'BULK', count: 1, taskCount: 3, newStrategyId: 'default' });
    expect(await strategyIdsOf([...whole.tasks, ...elsewhere.tasks])).toEqual([
      'default',
      'default',
      'default',
    ]);
    const left = await api.database.query(
      `SELECT id FROM games WHERE "strategyId" = $1 UNION SELECT id FROM tasks WHERE "strategyId" = $1`,
      [old],
    );
    expect(left).toEqual([]);
    const [bumped] = await api.database.query<{ bumped: boolean }>(
      'SELECT bool_and(updated_at > created_at) AS bumped FROM tasks WHERE "gameId" = $1',
      [whole.game.id],
    );
    expect(bumped).toEqual({ bumped: true });
  });

  test('leaves the tasks of the same games that are on other strategies, and those of other owners', async () => {
    const mine = await gameWith(alice, old, 'socio_bee', 'default');
    const theirs = await gameWith(bob, old, old);
    // Whose a task is, its game says, not what is stamped on the task.
    const stamped = await theirs.game.task({ strategyId: old, apiKey_used: alice.prefix });
    const kept = [...mine.tasks, ...theirs.tasks, stamped];
    const before = await rowsAt(kept);
    const foreign = await mine.game.task({ strategyId: old, apiKey_used: bob.prefix });
    expect(await moves.bulk(all(), alice)).toMatchObject({ count: 1, taskCount: 1 });
    expect(await strategyIdsOf([foreign])).toEqual(['default']);
    expect(await rowsAt(kept)).toEqual(before);
  });

  test('of some games moves the tasks of these alone, also where the game is on another strategy', async () => {
    const chosen = await gameWith(alice, old, old);
    const elsewhere = await gameWith(alice, 'socio_bee', old);
    const other = await gameWith(alice, old, old);
    const theirs = await gameWith(bob, old, old);
    const ids = [chosen, elsewhere, theirs].map(({ game }) => game.id);
    expect(await moves.bulk({ ...all(), ids }, alice)).toMatchObject({ count: 1, taskCount: 2 });
    expect(await strategyIdsOf([chosen, elsewhere, other, theirs].flatMap(({ tasks }) => tasks))).toEqual([
      'default',
      'default',
      old,
      old,
    ]);
  });

  test('is recorded where only tasks match', async () => {
    const { tasks } = await gameWith(alice, 'socio_bee', old);
    const { count, taskCount, reassignment } = await moves.bulk({ ...all(), atMost: 0 }, alice);
    expect([count, taskCount]).toEqual([0, 1]);
    expect(reassignment).toMatchObject({ count: 0, taskCount: 1 });
    expect(idsOf((await tasksOf(reassignment?.id, alice)).nodes)).toEqual(idsOf(tasks));
  });

  test('writes nothing where nothing matches', async () => {
    await gameWith(bob, old, old);
    expect(await expectNoWrite(() => moves.bulk(all(), alice))).toEqual({
      count: 0,
      taskCount: 0,
      reassignment: null,
    });
  });

  test('leaves tasks of no game: they are nobody’s, not even an admin’s', async () => {
    const lost = await rows.insert('tasks', { externalTaskId: 'lost', strategyId: old, status: 'open' });
    await gameWith(alice, 'socio_bee', old);
    expect(await moves.bulk(all(), admin)).toMatchObject({ taskCount: 1 });
    expect(await strategyIdsOf([lost])).toEqual([old]);
  });

  test('by an admin, and by a key with a token, reaches what each may see', async () => {
    const subject = `subject-${randomUUID()}`;
    const both = { key: alice.key, ...(await issuer.caller({ sub: subject })) };
    await gameWith(alice, 'socio_bee', old);
    const game = await rows.game({ strategyId: 'socio_bee', oauth_user_id: subject });
    await game.task({ strategyId: old });
    await gameWith(bob, 'socio_bee', old);
    expect(await moves.bulk({ ...all(), dryRun: true }, alice)).toMatchObject({ taskCount: 1 });
    expect(await moves.bulk({ ...all(), dryRun: true }, both)).toMatchObject({ taskCount: 2 });
    expect(await moves.bulk({ ...all(), dryRun: true }, admin)).toMatchObject({ taskCount: 3 });
    expect(await moves.bulk(all(), both)).toMatchObject({ taskCount: 2 });
    expect(await moves.bulk(all(), admin)).toMatchObject({ taskCount: 1 });
  });

  test('counts games alone against atMost', async () => {
    await gameWith(alice, old, old, old, old);
    await gameWith(alice, old, old);
    await expectNoWrite(async () => {
      const { codes, errors } = await moves.refusedBulk({ ...all(), atMost: 1 }, alice);
      expect(codes).toEqual(['LIMIT_EXCEEDED']);
      expect(errors[0]?.message).toContain('2 games match');
    });
    expect(await moves.bulk({ ...all(), atMost: 2 }, alice)).toMatchObject({ count: 2, taskCount: 4 });
  });

  test('to a custom strategy that does not suit all of them moves nothing, and counts both', async () => {
    const { strategyId } = await alice.strategy();
    await gameWith(alice, old, old, old);
    await gameWith(bob, 'socio_bee', old);
    for (const more of [{}, { atMost: 100 }, { dryRun: true }]) {
      await expectNoWrite(async () => {
        const { codes, errors } = await moves.refusedBulk({ ...all(strategyId), ...more }, admin);
        expect(codes).toEqual(['BAD_USER_INPUT']);
        expect(errors[0]?.message).toContain('0 of the 1 games and 1 of the 3 tasks; nothing was written');
      });
    }
    const withoutTasks = { oldStrategyId: old, newStrategyId: strategyId };
    expect(await moves.bulk(withoutTasks, admin)).toMatchObject({ count: 1, taskCount: 0 });
  });

  test('counts both in a preview, which writes nothing and locks nothing', async () => {
    const { game, tasks } = await gameWith(alice, old, old, old);
    await gameWith(alice, 'socio_bee', old);
    const holder = await holding(
      `SELECT FROM games WHERE id = '${game.id}' FOR UPDATE`,
      `SELECT FROM tasks WHERE id = '${tasks[0]?.id}' FOR UPDATE`,
    );
    try {
      const preview = { count: 1, taskCount: 3, reassignment: null };
      await expectNoWrite(async () => {
        for (const as of [alice, admin]) {
          expect(await moves.bulk({ ...all(), dryRun: true }, as)).toEqual(preview);
        }
      });
    } finally {
      await holder.end();
    }
  });

  test('leaves one audit row that counts both', async () => {
    await gameWith(alice, old, old, old);
    const { id } = await moves.moved(all(), alice);
    const audited = await api.database.query('SELECT module, details FROM logs WHERE details::text ~ $1', [
      id,
    ]);
    expect(audited).toEqual([
      {
        module: 'game',
        details: {
          reassignment_id: id,
          old_strategy_id: old,
          new_strategy_id: 'default',
          games_reassigned: 1,
          tasks_reassigned: 2,
        },
      },
    ]);
  });

  test('is one UPDATE of games and one of tasks; its statements, and those of its undo, do not grow', async () => {
    const numbers = [];
    for (const count of [1, 30]) {
      for (let index = 0; index < count; index++) await gameWith(alice, old, old, old);
      let id = '';
      const moved = await recordStatements(api, async () => {
        ({ id } = await moves.moved(all('greengageStrategy'), alice));
      });
      const undone = await recordStatements(api, () => moves.undo(id, alice));
      for (const statements of [moved, undone]) {
        expect(statements.filter(({ text }) => /\bUPDATE games\b/.test(text))).toHaveLength(1);
        expect(statements.filter(({ text }) => /\bUPDATE tasks\b/.test(text))).toHaveLength(1);
      }
      numbers.push([workOf(moved).length, workOf(undone).length]);
      await api.database.query('DELETE FROM tasks WHERE "strategyId" = $1', [old]);
      await api.database.query('DELETE FROM games WHERE "strategyId" = $1', [old]);
    }
    expect(numbers[1]).toEqual(numbers[0]);
  });
});

describe('the record of a move with tasks', () => {
  test('lists exactly the tasks that it moved, in pages, newest first, wherever they are now', async () => {
    const { game } = await gameWith(alice, old);
    const tasks: Row[] = [];
    for (let day = 1; day <= 5; day++) {
      tasks.unshift(await game.task({ strategyId: old, created_at: `2026-01-0${day}T00:00Z` }));
    }
    await game.task({ strategyId: 'default' });
    const { id } = await moves.moved(all(), alice);
    // A move of another task.
    await game.task({ strategyId: old });
    await moves.moved(all(), alice);
    await api.database.query(`UPDATE tasks SET "strategyId" = 'socio_bee' WHERE id = $1`, [tasks[1]?.id]);
    const forward: string[] = [];
    for (let after: string | null = null, more = true; more;) {
      const { nodes, pageInfo, totalCount } = await tasksOf(id, alice, { first: 2, after });
      expect(totalCount).toBe(5);
      forward.push(...nodes.map((node) => node.id));
      [after, more] = [pageInfo.endCursor, pageInfo.hasNextPage];
    }
    expect(forward).toEqual(tasks.map((task) => task.id));
    const { nodes } = await tasksOf(id, alice, { last: 2 });
    expect(nodes.map((node) => node.id)).toEqual(forward.slice(-2));
  });

  test('lists those that the viewer may see; deleted ones drop out, and still count as moved', async () => {
    const mine = await gameWith(alice, old, old, old);
    const theirs = await gameWith(bob, old, old);
    const { id, taskCount } = await moves.moved(all(), admin);
    expect(taskCount).toBe(3);
    await api.database.query('DELETE FROM tasks WHERE id = $1', [mine.tasks[0]?.id]);
    expect(idsOf((await tasksOf(id, admin)).nodes)).toEqual(idsOf([...mine.tasks.slice(1), ...theirs.tasks]));
    // Without the role, its maker sees of the tasks only those of its own games, which are none.
    expect(await tasksOf(id, await issuer.caller({ sub: 'the-admin' }))).toMatchObject({
      totalCount: 0,
      nodes: [],
    });
    expect(await api.data(TASKS, { id }, admin)).toMatchObject({ node: { taskCount: 3 } });
  });

  test('a cursor of one record is refused in another', async () => {
    await gameWith(alice, old, old, old);
    const one = await moves.moved(all(), alice);
    await gameWith(alice, old, old, old);
    const two = await moves.moved(all(), alice);
    const { pageInfo } = await tasksOf(one.id, alice, { first: 1 });
    const used = await api.errors(TASKS, { id: two.id, first: 1, after: pageInfo.endCursor }, alice);
    expect(used.codes).toEqual(['BAD_USER_INPUT']);
  });
});

describe('undoing a move with tasks', () => {
  test('puts back exactly the tasks that it moved and that are still where it put them', async () => {
    const { game, tasks } = await gameWith(alice, old, old, old, old, old);
    const there = await game.task({ strategyId: 'greengageStrategy' });
    const theirs = await gameWith(bob, 'greengageStrategy', 'greengageStrategy');
    const [kept, closed, elsewhere, gone] = tasks;
    const move = await moves.moved(all('greengageStrategy'), alice);
    expect([move.count, move.taskCount]).toEqual([1, 4]);
    const late = await game.task({ strategyId: 'greengageStrategy' });
    await api.database.query(`UPDATE tasks SET status = 'closed' WHERE id = $1`, [closed?.id]);
    await api.database.query(`UPDATE tasks SET "strategyId" = 'default' WHERE id = $1`, [elsewhere?.id]);
    await api.database.query('DELETE FROM tasks WHERE id = $1', [gone?.id]);
    const untouched = [elsewhere as Row, there, late, ...theirs.tasks];
    const before = await rowsAt(untouched);
    const counts = { restored: 1, skipped: 0, restoredTasks: 2, skippedTasks: 2 };
    await expectNoWrite(async () => {
      expect(await moves.undo(move.id, alice, { dryRun: true })).toEqual({
        ...counts,
        undone: null,
        reassignment: null,
      });
    });
    const { undone, reassignment, ...restored } = await moves.undo(move.id, alice);
    expect(restored).toEqual(counts);
    expect(undone).toEqual({ ...move, undoneAt: expect.any(String) });
    expect(reassignment).toMatchObject({ kind: 'UNDO', newStrategyId: old, count: 1, taskCount: 2 });
    expect(await strategyIdsOf([kept, closed])).toEqual([old, old]);
    expect(await rowsAt(untouched)).toEqual(before);
    expect(idsOf((await tasksOf(reassignment?.id, alice)).nodes)).toEqual(
      idsOf([kept as Row, closed as Row]),
    );
    const [audited] = await api.database.query<{ details: object }>(
      `SELECT details FROM logs WHERE details->>'undoes' = $1`,
      [move.id],
    );
    expect(audited?.details).toMatchObject({ games_reassigned: 1, tasks_reassigned: 2 });
  });

  test('is itself a move that can be undone', async () => {
    const { tasks } = await gameWith(alice, old, old, old);
    const move = await moves.moved(all(), alice);
    const { reassignment } = await moves.undo(move.id, alice);
    expect(await strategyIdsOf(tasks)).toEqual([old, old]);
    expect(await moves.undo(reassignment?.id ?? '', alice)).toMatchObject({ restored: 1, restoredTasks: 2 });
    expect(await strategyIdsOf(tasks)).toEqual(['default', 'default']);
  });

  test('restores tasks where no game is left to restore', async () => {
    const { game, tasks } = await gameWith(alice, old, old);
    const move = await moves.moved(all('greengageStrategy'), alice);
    await api.database.query(`UPDATE games SET "strategyId" = 'default' WHERE id = $1`, [game.id]);
    const counts = { restored: 0, skipped: 1, restoredTasks: 1, skippedTasks: 0 };
    expect(await moves.undo(move.id, alice)).toMatchObject({
      ...counts,
      reassignment: { count: 0, taskCount: 1 },
    });
    expect(await strategyIdsOf(tasks)).toEqual([old]);
  });

  test('leaves the tasks of games that are no longer the mover’s own', async () => {
    const [kept, given] = [await gameWith(alice, old, old), await gameWith(alice, 'socio_bee', old)];
    const { id } = await moves.moved(all(), alice);
    await api.database.query('UPDATE games SET "apiKey_used" = $2 WHERE id = $1', [
      given.game.id,
      bob.prefix,
    ]);
    expect(await moves.undo(id, alice)).toMatchObject({ restoredTasks: 1, skippedTasks: 1 });
    expect(await strategyIdsOf([...kept.tasks, ...given.tasks])).toEqual([old, 'default']);
  });

  test('of a move without tasks touches none', async () => {
    const { tasks } = await gameWith(alice, old, 'greengageStrategy');
    const move = await moves.moved({ oldStrategyId: old, newStrategyId: 'greengageStrategy' }, alice);
    const before = await rowsAt(tasks);
    expect(await moves.undo(move.id, alice)).toMatchObject({
      restored: 1,
      restoredTasks: 0,
      skippedTasks: 0,
    });
    expect(await rowsAt(tasks)).toEqual(before);
  });
});

test('a rollback lists the tasks that it moved, those of other owners and of no game included', async () => {
  const name = `family-${randomUUID()}`;
  const first = await alice.strategy({ name, version: 1, status: 'ARCHIVED' });
  const second = await alice.strategy({ name, version: 2 });
  const [mine, theirs] = [
    await gameWith(alice, second.strategyId, second.strategyId),
    await gameWith(bob, 'default', second.strategyId),
  ];
  const lost = await rows.insert('tasks', {
    externalTaskId: 'lost',
    strategyId: second.strategyId,
    status: 'open',
  });
  const input = { strategyId: second.strategyId, toVersion: '1' };
  const counts = { gameCount: 1, taskCount: 3 };
  expect(await moves.rollback({ ...input, dryRun: true }, admin)).toMatchObject(counts);
  const { reassignment, ...done } = await moves.rollback(input, admin);
  expect(done).toMatchObject(counts);
  const moved = [...mine.tasks, ...theirs.tasks];
  expect(await strategyIdsOf([...moved, lost])).toEqual(Array(3).fill(first.strategyId));
  expect(idsOf((await tasksOf(reassignment?.id, admin)).nodes)).toEqual(idsOf(moved));
  const recorded = await api.database.query<Row>(
    'SELECT task_id AS id FROM game_graphql_reassigned_tasks WHERE reassignment_id = $1',
    [reassignment?.id],
  );
  expect(idsOf(recorded)).toEqual(idsOf([...moved, lost]));
});

/** A connection that holds what these statements lock. */
async function holding(...statements: readonly string[]): Promise<pg.Client> {
  const holder = new pg.Client({ connectionString: api.database.url, application_name: TEST_APPLICATION });
  await holder.connect();
  await holder.query('BEGIN');
  for (const statement of statements) await holder.query(statement);
  return holder;
}

async function untilWaiting(count: number): Promise<void> {
  await until(async () => {
    const found = await api.database.query(
      `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    return found.length === count;
  });
}

describe('a move with tasks', () => {
  const DELETE = 'mutation ($id: ID!) { deleteGame(input: { id: $id }) { deleted { tasks } } }';
  /** The id of the task that was the nth to be stored: the later, the smaller. */
  const idOf = (tag: string, n: number): string => `${9 - n}0000000-0000-4000-8000-${tag}`;

  test.each(['bulk', 'rollback'])(
    'and a deletion of a game that does not move itself (%s): no deadlock arises',
    async (kind) => {
      const family = { name: `family-${randomUUID()}` };
      await alice.strategy({ ...family, version: 1, status: 'ARCHIVED' });
      const { strategyId } = await alice.strategy({ ...family, version: 2 });
      const on = kind === 'bulk' ? old : strategyId;
      const game = await alice.game({ strategyId: 'socio_bee' });
      // A deletion locks tasks by their ids, a move as they are stored.
      const tag = randomUUID().slice(-12);
      for (const n of [1, 2, 3]) await game.task({ id: idOf(tag, n), strategyId: on });
      const holder = await holding(`SELECT FROM tasks WHERE id = '${idOf(tag, 2)}' FOR UPDATE`);
      try {
        const errors = await recordErrors(api, async () => {
          const moved =
            kind === 'bulk'
              ? moves.bulk(all(), alice)
              : moves.rollback({ strategyId, toVersion: '1' }, admin);
          await untilWaiting(1);
          const deleted = api.data(DELETE, { id: game.id }, alice);
          await untilWaiting(2);
          await holder.query('COMMIT');
          expect(await moved).toMatchObject({ taskCount: 3 });
          expect(await deleted).toEqual({ deleteGame: { deleted: { tasks: 3 } } });
        });
        expect(errors).toEqual([]);
      } finally {
        await holder.end();
      }
    },
  );

  test('waits for a deletion that is under way, and counts nothing of what is gone', async () => {
    const { game } = await gameWith(alice, old, old, old);
    const other = await gameWith(alice, 'socio_bee', old);
    const holder = await holding(
      `SELECT FROM games WHERE id = '${game.id}' FOR UPDATE`,
      `DELETE FROM tasks WHERE "gameId" = '${game.id}'`,
      `DELETE FROM games WHERE id = '${game.id}'`,
    );
    try {
      const moved = moves.bulk(all(), alice);
      await untilWaiting(1);
      await holder.query('COMMIT');
      expect(await moved).toMatchObject({ count: 0, taskCount: 1 });
      expect(await strategyIdsOf(other.tasks)).toEqual(['default']);
    } finally {
      await holder.end();
    }
  });

  test('and another at the same time: each task is moved by one of them', async () => {
    for (let round = 0; round < 5; round++) {
      const made = [];
      for (let index = 0; index < 10; index++) made.push(await gameWith(alice, old, old, old));
      const both = await Promise.all([
        moves.bulk(all('greengageStrategy'), alice),
        moves.bulk(all('socio_bee'), admin),
      ]);
      expect(new Set(both.map(({ count, taskCount }) => `${count} ${taskCount}`))).toEqual(
        new Set(['0 0', '10 20']),
      );
      const winner = both[0].count > 0 ? 'greengageStrategy' : 'socio_bee';
      const tasks = made.flatMap((one) => one.tasks);
      expect(await strategyIdsOf(tasks)).toEqual(tasks.map(() => winner));
    }
  });
});

describe('a database that lacks the record of tasks', () => {
  let older: Api;
  let owner: Owner;
  beforeAll(async () => {
    const database = await createTestDatabase();
    await database.query(`DROP TABLE game_graphql_reassigned_tasks;
      DELETE FROM game_graphql_migrations WHERE name = 'M0005ReassignedTasks'`);
    older = await startApi({ database, env: issuer.env });
    owner = await rowsOf(database).owner();
  });
  afterAll(async () => {
    await older.close();
    await older.database.drop();
  });

  test('serves moves of games and their undo as before', async () => {
    const there = new Moves(older);
    const game = await owner.game({ strategyId: 'socio_bee' });
    await game.task({ strategyId: 'socio_bee' });
    const preview = { oldStrategyId: 'socio_bee', newStrategyId: 'default', dryRun: true };
    expect(await there.bulk(preview, owner)).toEqual({ count: 1, taskCount: 0, reassignment: null });
    const move = await there.moved({ ...preview, dryRun: false }, owner);
    expect(await there.undo(move.id, owner, { dryRun: true })).toMatchObject({
      restored: 1,
      restoredTasks: 0,
    });
    expect(await there.undo(move.id, owner)).toMatchObject({ restored: 1, skippedTasks: 0 });
  });

  test('says what to run where tasks are to move or to be listed, and writes nothing', async () => {
    const game = await owner.game({ strategyId: 'greengageStrategy' });
    await game.task({ strategyId: 'greengageStrategy' });
    const family = { name: 'family', realmId: 'GameRealm' };
    const { strategyId } = await rowsOf(older.database).strategy({
      ...family,
      version: 1,
      status: 'ARCHIVED',
    });
    await rowsOf(older.database).strategy({ ...family, version: 2 });
    const move = { oldStrategyId: 'greengageStrategy', newStrategyId: 'default' };
    const { id } = await new Moves(older).moved(
      { oldStrategyId: 'default', newStrategyId: 'socio_bee' },
      await seeded(owner),
    );
    const listing = BULK.replace(REASSIGNMENT, 'tasks { totalCount }');
    const before = await older.database.dump();
    for (const [document, variables, as] of [
      [BULK, { input: { ...move, tasks: true } }, owner],
      [BULK, { input: { ...move, tasks: true, dryRun: true } }, owner],
      [listing, { input: move }, owner],
      [UNDO.replace(REASSIGNMENT, 'tasks { totalCount }'), { input: { id } }, owner],
      [ROLLBACK, { input: { strategyId, toVersion: '1' } }, admin],
      [ROLLBACK, { input: { strategyId, toVersion: '1', dryRun: true } }, admin],
      [TASKS, { id }, owner],
    ] as const) {
      const { codes, errors, status } = await older.errors(document, variables, as);
      expect([document, status, codes]).toEqual([document, 200, ['MIGRATION_REQUIRED']]);
      expect(errors[0]?.message).toContain('npm run migrate');
    }
    expect(await older.database.dump()).toBe(before);
  });

  /** With a game to move. */
  async function seeded(as: Owner): Promise<Owner> {
    await as.game({ strategyId: 'default' });
    return as;
  }
});
