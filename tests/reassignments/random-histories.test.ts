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
import { useApiAndIssuer } from '../support/use-api.js';

/** Set it to repeat a history that failed. What runs at the same time may still meet in another order. */
const SEED = Number(process.env['HISTORY_SEED'] ?? randomInt(2 ** 31));
const STEPS = Number(process.env['HISTORY_STEPS'] ?? 3_000);
/** The history ends early on a machine that is busy with other things. */
const DURATION_MS = 40_000;
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

interface ModelMove {
  readonly oldStrategyId: string;
  readonly newStrategyId: string;
  readonly games: ReadonlySet<string>;
  /** Who made it, and so may undo it; so may the admin. */
  readonly by: Actor;
  readonly isRollback: boolean;
  readonly undoes: string | null;
  undone: boolean;
}

/** What the database should hold. */
interface Model {
  readonly games: Map<string, ModelGame>;
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
      readonly atMost: number | null;
    }
  | { readonly kind: 'undo'; readonly by: Actor; readonly id: string }
  | { readonly kind: 'patch'; readonly by: Actor; readonly id: string; readonly to: string }
  | { readonly kind: 'create'; readonly by: Actor; readonly to: string }
  | { readonly kind: 'delete'; readonly by: Actor; readonly id: string }
  | { readonly kind: 'rollback'; readonly by: Actor; readonly version: number };

/** How a step may end beside success: what another step may have done meanwhile. */
const REFUSALS: Readonly<Record<Step['kind'], readonly string[]>> = {
  bulk: ['BAD_USER_INPUT', 'LIMIT_EXCEEDED'],
  undo: ['CONFLICT'],
  patch: ['NOT_FOUND', 'BAD_USER_INPUT'],
  create: ['BAD_USER_INPUT'],
  delete: ['NOT_FOUND'],
  rollback: ['CONFLICT'],
};

/** A change of the strategy of one game, as a trigger saw it. */
interface Change {
  readonly seq: string;
  readonly xid: string;
  readonly game: string;
  readonly owner: string;
  readonly before: string | null;
  readonly after: string | null;
}

/**
 * Writes down every change of a game's strategy. A row is locked until its writer ends, so for each game the
 * numbers are in the order of what happened.
 */
const JOURNAL = `
CREATE TABLE journal (seq bigserial PRIMARY KEY, xid text, game uuid, owner text, before text, after text);
CREATE FUNCTION journal() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF TG_OP = 'UPDATE' AND OLD."strategyId" = NEW."strategyId" THEN RETURN NULL; END IF;
  INSERT INTO journal (xid, game, owner, before, after) VALUES (pg_current_xact_id()::text,
    CASE TG_OP WHEN 'DELETE' THEN OLD.id ELSE NEW.id END,
    CASE TG_OP WHEN 'DELETE' THEN OLD."apiKey_used" ELSE NEW."apiKey_used" END,
    CASE TG_OP WHEN 'INSERT' THEN NULL ELSE OLD."strategyId" END,
    CASE TG_OP WHEN 'DELETE' THEN NULL ELSE NEW."strategyId" END);
  RETURN NULL;
END $$;
CREATE TRIGGER journal AFTER INSERT OR UPDATE OR DELETE ON games FOR EACH ROW EXECUTE FUNCTION journal();
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
  for (const owner of owners) {
    for (let index = 0; index < GAMES_PER_OWNER; index++) {
      const strategyId = BUILT_INS[index % BUILT_INS.length] ?? '';
      games.set((await owner.game({ strategyId })).id, { owner: owner.prefix, strategyId });
    }
  }
  model = { games, moves: new Map(), published: versions[0] ?? '' };
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
    if (chance < 0.75) return { kind: 'patch', by, id: this.gameOf(by), to: this.strategy() };
    // Games of an admin would be nobody's in the model.
    const owner = this.of(actors.slice(0, 3));
    if (chance < 0.83) return { kind: 'create', by: owner, to: this.strategy() };
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
    return { kind: 'bulk', by, from, to: this.of(others), ids, atMost };
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

function run(step: Step): Promise<Answer> {
  const { as } = step.by;
  switch (step.kind) {
    case 'bulk': {
      const { from, to, ids, atMost } = step;
      return api.query(BULK, { input: { oldStrategyId: from, newStrategyId: to, ids, atMost } }, as);
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
  }
}

const codeOf = ({ body }: Answer): string | undefined => body.errors?.[0]?.extensions.code;
const payloadOf = <Payload>({ body }: Answer): Payload => Object.values(body.data ?? {})[0] as Payload;
const sorted = (ids: Iterable<string>): string[] => [...ids].sort();

let lastSeq = '0';

/** The changes since the last call, in the order of what happened to each game, by transaction too. */
async function newChanges(): Promise<{ all: Change[]; byTransaction: Map<string, Change[]> }> {
  const all = await api.database.query<Change>('SELECT * FROM journal WHERE seq > $1 ORDER BY seq', [
    lastSeq,
  ]);
  lastSeq = all.at(-1)?.seq ?? lastSeq;
  return { all, byTransaction: Map.groupBy(all, ({ xid }) => xid) };
}

/** Runs steps at the same time, and checks all that they did against the model. */
async function round(steps: readonly Step[]): Promise<void> {
  const before = new Map(model.games);
  const publishedBefore = model.published;
  const openBefore = new Set([...model.moves].filter(([, { undone }]) => !undone).map(([id]) => id));
  const answers = await Promise.all(steps.map(run));
  const { all, byTransaction } = await newChanges();

  // Every change begins where the one before it left the game, and the games are where the last ones say.
  const changed = new Set<string>();
  for (const { game, owner, before: from, after } of all) {
    expect([game, from]).toEqual([game, model.games.get(game)?.strategyId ?? null]);
    if (after === null) model.games.delete(game);
    else model.games.set(game, { owner, strategyId: after });
    changed.add(game);
  }
  const stored = await api.database.query<{ id: string; strategyId: string; owner: string }>(
    'SELECT id, "strategyId", "apiKey_used" AS owner FROM games',
  );
  const line = (id: string, game: ModelGame): string => `${id} ${game.owner} ${game.strategyId}`;
  expect(sorted(stored.map((row) => line(row.id, row)))).toEqual(
    sorted([...model.games].map(([id, game]) => line(id, game))),
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
    expect([message, changes.map(({ game }) => game)]).toEqual([message, [details['game_id']]]);
  }

  /** That a move changed exactly what its record and its answer say. */
  const checkMove = async (step: Step, id: string, answered: number): Promise<ModelMove> => {
    const changes = byTransaction.get(transactionOf(id) ?? '') ?? [];
    claimed.add(transactionOf(id) ?? '');
    const [record] = await api.database.query<{
      kind: string;
      old_strategy_id: string;
      new_strategy_id: string;
      games: number;
      undoes: string | null;
    }>(
      'SELECT kind, old_strategy_id, new_strategy_id, games, undoes FROM game_graphql_reassignments WHERE id = $1',
      [id],
    );
    if (record === undefined) throw new Error(`There is no record ${id}.`);
    const ledger = await api.database.query<{ game_id: string }>(
      'SELECT game_id FROM game_graphql_reassigned_games WHERE reassignment_id = $1',
      [id],
    );
    const { old_strategy_id: oldStrategyId, new_strategy_id: newStrategyId } = record;
    expect(sorted(ledger.map((row) => row.game_id))).toEqual(sorted(changes.map(({ game }) => game)));
    expect([answered, record.games]).toEqual([changes.length, changes.length]);
    for (const change of changes) {
      expect(change).toMatchObject({ before: oldStrategyId, after: newStrategyId });
      expect(step.by.prefix ?? change.owner).toBe(change.owner);
    }
    const isRollback = record.kind === 'ROLLBACK';
    const games = new Set(changes.map(({ game }) => game));
    const move = {
      oldStrategyId,
      newStrategyId,
      games,
      by: step.by,
      isRollback,
      undoes: record.undoes,
      undone: false,
    };
    model.moves.set(id, move);
    return move;
  };
  /** That no game which was there all the time was left behind. */
  const checkComplete = (by: Actor, from: string, isMeant: (id: string) => boolean): void => {
    const left = [...before].filter(
      ([id, { owner, strategyId }]) =>
        strategyId === from && (by.prefix ?? owner) === owner && isMeant(id) && !changed.has(id),
    );
    expect(left).toEqual([]);
  };

  const undone: string[] = [];
  for (const [index, step] of steps.entries()) {
    const answer = answers[index] as Answer;
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
      const { count, reassignment } = payloadOf<BulkPayload>(answer);
      const ids = step.ids && new Set(step.ids);
      if (reassignment === null) expect(count).toBe(0);
      else {
        const move = await checkMove(step, reassignment.id, count);
        expect(move).toMatchObject({ oldStrategyId: step.from, newStrategyId: step.to, undoes: null });
        expect([...move.games].filter((game) => ids?.has(game) === false)).toEqual([]);
      }
      expect(count).toBeLessThanOrEqual(step.atMost ?? Infinity);
      checkComplete(step.by, step.from, (id) => ids?.has(id) ?? true);
    }
    if (step.kind === 'undo') {
      const { restored, skipped, reassignment } = payloadOf<UndoPayload>(answer);
      const original = model.moves.get(step.id);
      if (original === undefined) throw new Error(`The model knows no move ${step.id}.`);
      if (reassignment === null) expect(restored).toBe(0);
      else {
        const move = await checkMove(step, reassignment.id, restored);
        expect(move).toMatchObject({
          oldStrategyId: original.newStrategyId,
          newStrategyId: original.oldStrategyId,
          undoes: step.id,
        });
        expect([...move.games].filter((game) => !original.games.has(game))).toEqual([]);
      }
      expect(restored + skipped).toBe(original.games.size);
      expect(original.isRollback).toBe(false);
      checkComplete(step.by, original.newStrategyId, (id) => original.games.has(id));
      undone.push(step.id);
    }
    if (step.kind === 'rollback') {
      const { gameCount, reassignment } = payloadOf<RollbackPayload>(answer);
      if (reassignment === null) expect(gameCount).toBe(0);
      else {
        const move = await checkMove(step, reassignment.id, gameCount);
        expect(move.oldStrategyId).toBe(publishedBefore);
      }
      model.published = versions[step.version - 1] ?? '';
      checkComplete(step.by, publishedBefore, () => true);
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
  const stored = await api.database.query<{ id: string; undone: boolean; games: string[] }>(
    `SELECT r.id, r.undone_at IS NOT NULL AS undone, array(SELECT m.game_id::text FROM game_graphql_reassigned_games m
       WHERE m.reassignment_id = r.id ORDER BY 1) AS games FROM game_graphql_reassignments r`,
  );
  expect(sorted(stored.map((row) => JSON.stringify([row.id, row.undone, row.games])))).toEqual(
    sorted([...model.moves].map(([id, { undone, games }]) => JSON.stringify([id, undone, sorted(games)]))),
  );
  const published = await api.database.query(
    `SELECT 'custom:' || id AS id FROM strategydefinition WHERE status = 'PUBLISHED'`,
  );
  expect(published).toEqual([{ id: model.published }]);
}

test(
  'whatever several callers do at the same time, games and records are where a plain model says, row for row',
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
