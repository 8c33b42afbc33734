// What there is to check depends on how a step has ended, which chance decides.
/* oxlint-disable jest/no-conditional-expect */
import { beforeAll, expect, test } from '@jest/globals';
import { randomInt, randomUUID } from 'node:crypto';
import type { Answer, Credentials } from '../support/api.js';
import type { Owner } from '../support/builders.js';
import {
  BULK,
  ROLLBACK,
  UNDO,
  type BulkPayload,
  type RollbackPayload,
  type UndoPayload,
} from '../support/moves.js';
import { sqlState } from '../../src/errors.js';
import { useApiAndIssuer } from '../support/use-api.js';

/** Set it to repeat a history that failed. What runs at the same time may still meet in another order. */
const SEED = Number(process.env['HISTORY_SEED'] ?? randomInt(2 ** 31));
const STEPS = Number(process.env['HISTORY_STEPS'] ?? 3_000);
/** The history ends early on a machine that is busy with other things. */
const DURATION_MS = Number(process.env['HISTORY_MS'] ?? 40_000);
const MOST_AT_ONCE = 8;
const GAMES_PER_OWNER = 40;

const BUILT_INS = ['default', 'socio_bee', 'greengageStrategy'];
const CREATE = 'mutation ($input: CreateGameInput!) { createGame(input: $input) { game { id } } }';
const PATCH =
  'mutation ($input: PatchGameInput!) { patchGame(input: $input) { changes { field before after } } }';
const DELETE = 'mutation ($input: DeleteGameInput!) { deleteGame(input: $input) { deletedGameId } }';

const { api, issuer, rows } = useApiAndIssuer();
let actors: readonly Actor[];
/** Versions of a custom strategy, of the realm of the first owner. */
let versions: readonly string[];
let model: Model;

/** Who takes a step. */
interface Actor {
  readonly as: Credentials;
  /** Key prefix of its games; null for the admin, who sees all. */
  readonly prefix: string | null;
}

interface ModelGame {
  readonly owner: string;
  readonly strategyId: string;
}

interface ModelTask extends ModelGame {
  readonly game: string;
}

interface ModelMove {
  readonly oldStrategyId: string;
  readonly newStrategyId: string;
  readonly games: ReadonlySet<string>;
  readonly tasks: ReadonlySet<string>;
  /** Who made it, and so may undo it; so may the admin. */
  readonly by: Actor;
  readonly isRollback: boolean;
  readonly undoes: string | null;
  undone: boolean;
}

/** What the database should hold. */
interface Model {
  readonly games: Map<string, ModelGame>;
  readonly tasks: Map<string, ModelTask>;
  readonly moves: Map<string, ModelMove>;
  published: string;
}

type Step =
  | {
      readonly kind: 'bulk';
      readonly by: Actor;
      readonly from: string;
      readonly to: string;
      readonly ids: readonly string[] | null;
      readonly tasks: boolean;
      readonly atMost: number | null;
    }
  | { readonly kind: 'undo'; readonly by: Actor; readonly id: string }
  | { readonly kind: 'patch'; readonly by: Actor; readonly id: string; readonly to: string }
  | { readonly kind: 'create'; readonly by: Actor; readonly to: string }
  | { readonly kind: 'delete'; readonly by: Actor; readonly id: string }
  | { readonly kind: 'rollback'; readonly by: Actor; readonly version: number }
  // What GAME does to tasks, beside this server.
  | { readonly kind: 'addTask'; readonly by: Actor; readonly id: string; readonly to: string }
  | { readonly kind: 'setTask'; readonly by: Actor; readonly id: string; readonly to: string }
  | { readonly kind: 'dropTask'; readonly by: Actor; readonly id: string };

/** How a step may end beside success: what another step may have done meanwhile. */
const REFUSALS: Readonly<Record<Step['kind'], readonly string[]>> = {
  bulk: ['BAD_USER_INPUT', 'LIMIT_EXCEEDED'],
  undo: ['CONFLICT'],
  patch: ['NOT_FOUND', 'BAD_USER_INPUT'],
  create: ['BAD_USER_INPUT'],
  delete: ['NOT_FOUND'],
  rollback: ['CONFLICT'],
  addTask: [],
  setTask: [],
  dropTask: [],
};

/** A change of the strategy of one game or task, as a trigger saw it. */
interface Change {
  readonly seq: string;
  readonly xid: string;
  readonly id: string;
  readonly owner: string;
  /** Of a task; null for a game. */
  readonly game: string | null;
  readonly before: string | null;
  readonly after: string | null;
}

/**
 * Writes down every change of the strategy of a game or task. A row is locked until its writer ends, so for each the
 * numbers are in the order of what happened.
 */
const JOURNAL = `
CREATE TABLE journal (seq bigserial PRIMARY KEY, xid text, id uuid, owner text, game uuid, before text, after text);
CREATE FUNCTION journal() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF TG_OP = 'UPDATE' AND OLD."strategyId" = NEW."strategyId" THEN RETURN NULL; END IF;
  INSERT INTO journal (xid, id, owner, game, before, after) VALUES (pg_current_xact_id()::text,
    CASE TG_OP WHEN 'DELETE' THEN OLD.id ELSE NEW.id END,
    CASE TG_OP WHEN 'DELETE' THEN OLD."apiKey_used" ELSE NEW."apiKey_used" END,
    (coalesce(to_jsonb(NEW), to_jsonb(OLD))->>'gameId')::uuid,
    CASE TG_OP WHEN 'INSERT' THEN NULL ELSE OLD."strategyId" END,
    CASE TG_OP WHEN 'DELETE' THEN NULL ELSE NEW."strategyId" END);
  RETURN NULL;
END $$;
CREATE TRIGGER journal AFTER INSERT OR UPDATE OR DELETE ON games FOR EACH ROW EXECUTE FUNCTION journal();
CREATE TRIGGER journal AFTER INSERT OR UPDATE OR DELETE ON tasks FOR EACH ROW EXECUTE FUNCTION journal();
CREATE INDEX ON journal (xid);
`;

beforeAll(async () => {
  const owners: Owner[] = [await rows.owner(), await rows.owner(), await rows.owner()];
  actors = [
    ...owners.map((owner) => ({ as: owner, prefix: owner.prefix })),
    { as: await issuer.admin('the-admin'), prefix: null },
  ];
  const family = [];
  for (const version of [1, 2, 3]) {
    const status = version === 1 ? 'PUBLISHED' : 'ARCHIVED';
    family.push(await (owners[0] as Owner).strategy({ name: 'family', version, status }));
  }
  versions = family.map(({ strategyId }) => strategyId);
  const games = new Map<string, ModelGame>();
  const tasks = new Map<string, ModelTask>();
  for (const owner of owners) {
    for (let index = 0; index < GAMES_PER_OWNER; index++) {
      const strategyId = BUILT_INS[index % BUILT_INS.length] ?? '';
      const game = await owner.game({ strategyId });
      games.set(game.id, { owner: owner.prefix, strategyId });
      for (let n = 0; n < index % 3; n++) {
        const on = BUILT_INS[(index + n) % BUILT_INS.length] ?? '';
        const { id } = await game.task({ strategyId: on });
        tasks.set(id, { owner: owner.prefix, strategyId: on, game: game.id });
      }
    }
  }
  model = { games, tasks, moves: new Map(), published: versions[0] ?? '' };
  await api.database.query(JOURNAL);
});

/** Numbers that the seed determines: mulberry32. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Draws steps that have a chance to do something in the state of the model. */
class Dice {
  constructor(private readonly random: () => number) {}

  below(limit: number): number {
    return Math.floor(this.random() * limit);
  }

  of<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)] as Item;
  }

  step(mayRollBack: boolean): Step {
    const by = this.of(actors);
    const chance = this.random();
    if (chance < 0.3) return this.bulk(by);
    if (chance < 0.5) return this.undo() ?? this.bulk(by);
    if (chance < 0.65) return this.task(by);
    if (chance < 0.77) return { kind: 'patch', by, id: this.gameOf(by), to: this.strategy() };
    // Games of an admin would be nobody's in the model.
    const owner = this.of(actors.slice(0, 3));
    if (chance < 0.84) return { kind: 'create', by: owner, to: this.strategy() };
    if (chance < 0.9) return { kind: 'delete', by, id: this.gameOf(by) };
    if (!mayRollBack) return this.bulk(by);
    return { kind: 'rollback', by: actors[3] as Actor, version: 1 + this.below(3) };
  }

  /** Of a move that is undone already now and then. */
  undo(): Step | null {
    const all = [...model.moves];
    const open = all.filter(([, { undone, isRollback }]) => !undone && !isRollback);
    const pool = open.length === 0 || this.random() < 0.1 ? all : open.slice(-20);
    if (pool.length === 0) return null;
    const [id, { by }] = this.of(pool);
    return { kind: 'undo', by: this.random() < 0.2 ? (actors[3] as Actor) : by, id };
  }

  private bulk(by: Actor): Step {
    const from = this.strategy();
    const others = [...BUILT_INS, ...versions].filter((strategy) => strategy !== from);
    const isPicky = this.random() < 0.5;
    const ids = isPicky ? Array.from({ length: this.below(30) }, () => this.gameOf(by)) : null;
    const atMost = this.random() < 0.2 ? this.below(20) : null;
    return { kind: 'bulk', by, from, to: this.of(others), ids, tasks: this.random() < 0.7, atMost };
  }

  private task(by: Actor): Step {
    const own = [...model.tasks].filter(([, { owner }]) => by.prefix === null || owner === by.prefix);
    const chance = this.random();
    if (chance < 0.5 || own.length === 0) {
      return { kind: 'addTask', by, id: this.gameOf(by), to: this.strategy() };
    }
    const [id] = this.of(own);
    return chance < 0.85 ? { kind: 'setTask', by, id, to: this.strategy() } : { kind: 'dropTask', by, id };
  }

  private strategy(): string {
    return this.random() < 0.3
      ? this.of([model.published, model.published, ...versions])
      : this.of(BUILT_INS);
  }

  private gameOf(by: Actor): string {
    const own = [...model.games].filter(([, { owner }]) => by.prefix === null || owner === by.prefix);
    return own.length === 0 ? randomUUID() : this.of(own)[0];
  }
}

const ADD_TASK = `INSERT INTO tasks (id, "externalTaskId", "gameId", "strategyId", status, "apiKey_used")
  SELECT gen_random_uuid(), 'task', id, $2, 'open', "apiKey_used" FROM games WHERE id = $1`;
const SET_TASK = 'UPDATE tasks SET "strategyId" = $2 WHERE id = $1';
const DROP_TASK = 'DELETE FROM tasks WHERE id = $1';

/** Runs a statement of GAME's; returns the transactions in which it did something. */
async function runOfGame(statement: string, values: readonly string[]): Promise<string[]> {
  try {
    const done = await api.database.query<{ xid: string }>(
      `${statement} RETURNING pg_current_xact_id()::text AS xid`,
      values,
    );
    return done.map(({ xid }) => xid);
  } catch (error) {
    // The game went away meanwhile.
    if (sqlState(error) === '23503') return [];
    throw error;
  }
}

/** The answer, or the transactions of GAME. */
function run(step: Step): Promise<Answer | readonly string[]> {
  const { as } = step.by;
  switch (step.kind) {
    case 'bulk': {
      const { from, to, ids, tasks, atMost } = step;
      return api.query(BULK, { input: { oldStrategyId: from, newStrategyId: to, ids, tasks, atMost } }, as);
    }
    case 'undo':
      return api.query(UNDO, { input: { id: step.id } }, as);
    case 'patch':
      return api.query(PATCH, { input: { id: step.id, strategyId: step.to } }, as);
    case 'create': {
      const input = { externalGameId: randomUUID(), platform: 'web', strategyId: step.to };
      return api.query(CREATE, { input }, as);
    }
    case 'delete':
      return api.query(DELETE, { input: { id: step.id } }, as);
    case 'rollback': {
      const input = { strategyId: versions[0], toVersion: String(step.version) };
      return api.query(ROLLBACK, { input }, as);
    }
    case 'addTask':
      return runOfGame(ADD_TASK, [step.id, step.to]);
    case 'setTask':
      return runOfGame(SET_TASK, [step.id, step.to]);
    case 'dropTask':
      return runOfGame(DROP_TASK, [step.id]);
  }
}

const codeOf = ({ body }: Answer): string | undefined => body.errors?.[0]?.extensions.code;
const payloadOf = <Payload>({ body }: Answer): Payload => Object.values(body.data ?? {})[0] as Payload;
const sorted = (ids: Iterable<string>): string[] => [...ids].sort();

let lastSeq = '0';

/** The changes since the last call, in the order of what happened to each row, by transaction too. */
async function newChanges(): Promise<{ all: Change[]; byTransaction: Map<string, Change[]> }> {
  const all = await api.database.query<Change>('SELECT * FROM journal WHERE seq > $1 ORDER BY seq', [
    lastSeq,
  ]);
  lastSeq = all.at(-1)?.seq ?? lastSeq;
  return { all, byTransaction: Map.groupBy(all, ({ xid }) => xid) };
}

/** Runs steps at the same time, and checks all that they did against the model. */
async function round(steps: readonly Step[]): Promise<void> {
  const before = { games: new Map(model.games), tasks: new Map(model.tasks) };
  const publishedBefore = model.published;
  const openBefore = new Set([...model.moves].filter(([, { undone }]) => !undone).map(([id]) => id));
  const answers = await Promise.all(steps.map(run));
  const { all, byTransaction } = await newChanges();

  // Every change begins where the one before it left the row, and the rows are where the last ones say.
  const changed = new Set<string>();
  for (const { id, owner, game, before: from, after } of all) {
    const known = game === null ? model.games : model.tasks;
    expect([id, from]).toEqual([id, known.get(id)?.strategyId ?? null]);
    if (after === null) known.delete(id);
    else if (game === null) model.games.set(id, { owner, strategyId: after });
    else model.tasks.set(id, { owner, strategyId: after, game });
    changed.add(id);
  }
  const stored = await api.database.query<ModelTask & { readonly id: string }>(
    `SELECT id, "strategyId", "apiKey_used" AS owner, NULL AS game FROM games
     UNION ALL SELECT id, "strategyId", "apiKey_used", "gameId" FROM tasks`,
  );
  const line = (id: string, row: ModelGame & { readonly game?: string | null }): string =>
    `${id} ${row.owner} ${row.strategyId} ${row.game ?? ''}`;
  expect(sorted(stored.map((row) => line(row.id, row)))).toEqual(
    sorted([...model.games, ...model.tasks].map(([id, row]) => line(id, row))),
  );

  // What each transaction says of itself in the audit log.
  const logged = await api.database.query<{ xid: string; message: string; details: Record<string, unknown> }>(
    'SELECT xmin::text AS xid, message, details FROM logs WHERE xmin::text = ANY($1)',
    [[...byTransaction.keys()]],
  );
  const transactionOf = (reassignment: string): string | undefined =>
    logged.find(({ details }) => details['reassignment_id'] === reassignment)?.xid;
  const claimed = new Set<string>();
  for (const { xid, message, details } of logged) {
    const changes = byTransaction.get(xid) ?? [];
    if (!/^Game (created|updated|deleted)$/.test(message)) continue;
    claimed.add(xid);
    const games = changes.filter(({ game }) => game === null).map(({ id }) => id);
    expect([message, games]).toEqual([message, [details['game_id']]]);
    // With a game its tasks go, and nothing else.
    const others = changes.filter(({ game }) => game !== null && game !== details['game_id']);
    expect(others).toEqual([]);
    if (message !== 'Game deleted') expect(changes).toHaveLength(1);
  }

  /** That a move changed exactly what its record and its answer say. */
  const checkMove = async (
    step: Step,
    id: string,
    answered: readonly [games: number, tasks: number],
  ): Promise<ModelMove> => {
    const changes = byTransaction.get(transactionOf(id) ?? '') ?? [];
    claimed.add(transactionOf(id) ?? '');
    const [record] = await api.database.query<{
      kind: string;
      old_strategy_id: string;
      new_strategy_id: string;
      games: number;
      tasks: number;
      undoes: string | null;
    }>(
      'SELECT kind, old_strategy_id, new_strategy_id, games, tasks, undoes FROM game_graphql_reassignments WHERE id = $1',
      [id],
    );
    if (record === undefined) throw new Error(`There is no record ${id}.`);
    const ledger = await api.database.query<{ id: string }>(
      `SELECT game_id AS id FROM game_graphql_reassigned_games WHERE reassignment_id = $1
       UNION ALL SELECT task_id FROM game_graphql_reassigned_tasks WHERE reassignment_id = $1`,
      [id],
    );
    const { old_strategy_id: oldStrategyId, new_strategy_id: newStrategyId } = record;
    const ids = (of: 'games' | 'tasks'): string[] =>
      changes.filter(({ game }) => (game === null) === (of === 'games')).map((change) => change.id);
    const [games, tasks] = [new Set(ids('games')), new Set(ids('tasks'))];
    expect(sorted(ledger.map((row) => row.id))).toEqual(sorted([...games, ...tasks]));
    const counts = [games.size, tasks.size];
    expect([answered, [record.games, record.tasks]]).toEqual([counts, counts]);
    expect(changes).toHaveLength(games.size + tasks.size);
    for (const change of changes) {
      expect(change).toMatchObject({ before: oldStrategyId, after: newStrategyId });
      expect(step.by.prefix ?? change.owner).toBe(change.owner);
    }
    const isRollback = record.kind === 'ROLLBACK';
    const move = {
      oldStrategyId,
      newStrategyId,
      games,
      tasks,
      by: step.by,
      isRollback,
      undoes: record.undoes,
      undone: false,
    };
    model.moves.set(id, move);
    return move;
  };
  /** That no game and no task which was there all the time was left behind. */
  const checkComplete = (
    by: Actor,
    from: string,
    isMeant: (id: string) => boolean,
    isTaskMeant: (id: string, task: ModelTask) => boolean,
  ): void => {
    const isLeft = (id: string, { owner, strategyId }: ModelGame): boolean =>
      strategyId === from && (by.prefix ?? owner) === owner && !changed.has(id);
    const games = [...before.games].filter(([id, game]) => isLeft(id, game) && isMeant(id));
    const tasks = [...before.tasks].filter(([id, task]) => isLeft(id, task) && isTaskMeant(id, task));
    expect([games, tasks]).toEqual([[], []]);
  };

  const undone: string[] = [];
  for (const [index, step] of steps.entries()) {
    const answer = answers[index] as Answer | readonly string[];
    if (!('body' in answer)) {
      for (const xid of answer) claimed.add(xid);
      continue;
    }
    const code = codeOf(answer);
    if (code !== undefined) {
      expect([step.kind, answer.status, REFUSALS[step.kind]]).toEqual([
        step.kind,
        200,
        expect.arrayContaining([code]),
      ]);
      continue;
    }
    if (step.kind === 'bulk') {
      const { count, taskCount, reassignment } = payloadOf<BulkPayload>(answer);
      const ids = step.ids && new Set(step.ids);
      if (!step.tasks) expect(taskCount).toBe(0);
      if (reassignment === null) expect([count, taskCount]).toEqual([0, 0]);
      else {
        const move = await checkMove(step, reassignment.id, [count, taskCount]);
        expect(move).toMatchObject({ oldStrategyId: step.from, newStrategyId: step.to, undoes: null });
        expect([...move.games].filter((game) => ids?.has(game) === false)).toEqual([]);
        const gamesOfTasks = all.filter(({ id }) => move.tasks.has(id)).map(({ game }) => game ?? '');
        expect(gamesOfTasks.filter((game) => ids?.has(game) === false)).toEqual([]);
      }
      expect(count).toBeLessThanOrEqual(step.atMost ?? Infinity);
      checkComplete(
        step.by,
        step.from,
        (id) => ids?.has(id) ?? true,
        (_id, { game }) => step.tasks && (ids?.has(game) ?? true),
      );
    }
    if (step.kind === 'undo') {
      const { restored, skipped, restoredTasks, skippedTasks, reassignment } = payloadOf<UndoPayload>(answer);
      const original = model.moves.get(step.id);
      if (original === undefined) throw new Error(`The model knows no move ${step.id}.`);
      if (reassignment === null) expect([restored, restoredTasks]).toEqual([0, 0]);
      else {
        const move = await checkMove(step, reassignment.id, [restored, restoredTasks]);
        expect(move).toMatchObject({
          oldStrategyId: original.newStrategyId,
          newStrategyId: original.oldStrategyId,
          undoes: step.id,
        });
        expect([...move.games].filter((game) => !original.games.has(game))).toEqual([]);
        expect([...move.tasks].filter((task) => !original.tasks.has(task))).toEqual([]);
      }
      expect(restored + skipped).toBe(original.games.size);
      expect(restoredTasks + skippedTasks).toBe(original.tasks.size);
      expect(original.isRollback).toBe(false);
      checkComplete(
        step.by,
        original.newStrategyId,
        (id) => original.games.has(id),
        (id) => original.tasks.has(id),
      );
      undone.push(step.id);
    }
    if (step.kind === 'rollback') {
      const { gameCount, taskCount, reassignment } = payloadOf<RollbackPayload>(answer);
      if (reassignment === null) expect([gameCount, taskCount]).toEqual([0, 0]);
      else {
        const move = await checkMove(step, reassignment.id, [gameCount, taskCount]);
        expect(move.oldStrategyId).toBe(publishedBefore);
      }
      model.published = versions[step.version - 1] ?? '';
      checkComplete(
        step.by,
        publishedBefore,
        () => true,
        () => true,
      );
    }
  }
  // Nothing changed that no answer owns up to.
  expect([...byTransaction.keys()].filter((xid) => !claimed.has(xid))).toEqual([]);
  // Each move is undone once, and somebody who tried did it.
  expect(new Set(undone).size).toBe(undone.length);
  for (const id of undone) {
    expect(openBefore.has(id)).toBe(true);
    (model.moves.get(id) as ModelMove).undone = true;
  }
  for (const step of steps) {
    if (step.kind !== 'undo') continue;
    const { undone: isUndone, isRollback } = model.moves.get(step.id) as ModelMove;
    expect([step.id, isUndone || isRollback]).toEqual([step.id, true]);
  }
}

/** That the whole record still says what the model remembers, one published version included. */
async function checkLedger(): Promise<void> {
  const stored = await api.database.query<{ id: string; undone: boolean; games: string[]; tasks: string[] }>(
    `SELECT r.id, r.undone_at IS NOT NULL AS undone, array(SELECT m.game_id::text FROM game_graphql_reassigned_games m
       WHERE m.reassignment_id = r.id ORDER BY 1) AS games, array(SELECT m.task_id::text
       FROM game_graphql_reassigned_tasks m WHERE m.reassignment_id = r.id ORDER BY 1) AS tasks
     FROM game_graphql_reassignments r`,
  );
  expect(sorted(stored.map((row) => JSON.stringify([row.id, row.undone, row.games, row.tasks])))).toEqual(
    sorted(
      [...model.moves].map(([id, { undone, games, tasks }]) =>
        JSON.stringify([id, undone, sorted(games), sorted(tasks)]),
      ),
    ),
  );
  const published = await api.database.query(
    `SELECT 'custom:' || id AS id FROM strategydefinition WHERE status = 'PUBLISHED'`,
  );
  expect(published).toEqual([{ id: model.published }]);
}

test(
  'whatever several callers and GAME do at the same time, games, tasks and records are where a plain model says, row for row',
  async () => {
    const dice = new Dice(randomOf(SEED));
    const until = performance.now() + DURATION_MS;
    let [taken, rounds] = [0, 0];
    try {
      while (taken < STEPS && performance.now() < until) {
        const steps: Step[] = [];
        const width = 1 + dice.below(MOST_AT_ONCE);
        while (steps.length < width) {
          steps.push(dice.step(!steps.some(({ kind }) => kind === 'rollback')));
        }
        await round(steps);
        // Alone, an undo must put back every game that it can.
        const undo = dice.undo();
        if (undo !== null) await round([undo]);
        taken += steps.length + (undo === null ? 0 : 1);
        rounds++;
        if (rounds % 50 === 0) await checkLedger();
      }
      await checkLedger();
    } catch (error) {
      throw new Error(`Round ${rounds} of HISTORY_SEED=${SEED}: ${(error as Error).message}`, {
        cause: error,
      });
    }
    expect(taken).toBeGreaterThan(Math.min(STEPS, 100) - 1);
    if (process.env['HISTORY_REPORT'])
      process.stderr.write(`${taken} steps, ${rounds} rounds, seed ${SEED}\n`);
  },
  DURATION_MS + 30_000,
);
