// What there is to check depends on how a step has ended, which chance decides.
/* oxlint-disable jest/no-conditional-expect */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import type { Credentials } from '../support/api.js';
import { rowsOf, type Owner } from '../support/builders.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { startIssuer, type Issuer } from '../support/issuer.js';
import { BULK, ROLLBACK, UNDO } from '../support/moves.js';
import { closeWorkplaces, until, Workplace, type Child } from '../support/process.js';

/** How often the server is killed. Each time is a start of the whole server, some half a second. */
const KILLS = Number(process.env['KILLS'] ?? 40);
/** Games and tasks that a bulk update and its undo move; a rollback moves as many others. */
const GAMES = 2_000;
const TASKS = 500;

/** Nearly all of a move's time is its UPDATEs. These make its other statements, and its COMMIT, longer. */
const LINGER = `
  CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.03); RETURN NULL; END $$;
  CREATE TRIGGER linger AFTER INSERT OR UPDATE ON game_graphql_reassignments EXECUTE FUNCTION linger();
  CREATE TRIGGER linger AFTER UPDATE ON strategydefinition EXECUTE FUNCTION linger();
  CREATE TRIGGER linger AFTER UPDATE ON tasks EXECUTE FUNCTION linger();
  CREATE TRIGGER linger AFTER INSERT ON logs EXECUTE FUNCTION linger();
  CREATE CONSTRAINT TRIGGER linger_at_commit AFTER INSERT ON logs DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION linger();`;

let issuer: Issuer;
let database: TestDatabase;
let workplace: Workplace;
let alice: Owner;
let admin: Credentials;
/** Two versions of a custom strategy. */
let versions: readonly string[];

beforeAll(async () => {
  issuer = await startIssuer();
  database = await createTestDatabase();
  workplace = await Workplace.create();
  const rows = rowsOf(database);
  alice = await rows.owner();
  const family = [
    await alice.strategy({ name: 'family', version: 1 }),
    await alice.strategy({ name: 'family', version: 2, status: 'ARCHIVED' }),
  ];
  versions = family.map(({ strategyId }) => strategyId);
  for (const strategyId of ['socio_bee', versions[0]]) {
    await database.query(
      `INSERT INTO games (id, "externalGameId", platform, "strategyId", "apiKey_used", created_at, updated_at)
       SELECT gen_random_uuid(), 'game-' || $1 || n, 'web', $1, $2, now(), now() FROM generate_series(1, ${GAMES}) n`,
      [strategyId, alice.prefix],
    );
    // One of them is of a game that stays, which the move locks.
    const game = await alice.game({ strategyId: 'greengageStrategy' });
    await game.task({ strategyId });
    await database.query(
      `INSERT INTO tasks (id, "externalTaskId", "gameId", "strategyId", status, created_at, updated_at)
       SELECT gen_random_uuid(), 'task', id, "strategyId", 'open', now(), now() FROM games
       WHERE "strategyId" = $1 LIMIT ${TASKS - 1}`,
      [strategyId],
    );
  }
  await database.query(LINGER);
});
afterAll(async () => {
  await closeWorkplaces();
  await database.drop();
  await issuer.close();
});

/** All that a move writes, in a few numbers. */
interface State {
  /** Games by strategy. */
  readonly games: Readonly<Record<string, number>>;
  /** Tasks by strategy. */
  readonly tasks: Readonly<Record<string, number>>;
  readonly published: readonly string[];
  /** Moves, oldest first, each with how many games and tasks its ledger holds. */
  readonly moves: readonly {
    readonly id: string;
    readonly kind: string;
    readonly from: string;
    readonly to: string;
    readonly games: number;
    readonly ledger: number;
    /** Games of the ledger that are where the move put them. */
    readonly there: number;
    /** The same of tasks. */
    readonly tasks: number;
    readonly tasksLedger: number;
    readonly tasksThere: number;
    readonly undone: boolean;
    readonly undoes: string | null;
  }[];
  readonly audited: readonly string[];
  /** Ledger rows of no move. */
  readonly strays: number;
}

async function look(): Promise<State> {
  const [row] = await database.query<{ state: State }>(`SELECT json_build_object(
    'games', (SELECT json_object_agg("strategyId", n) FROM (SELECT "strategyId", count(*) n FROM games GROUP BY 1) x),
    'tasks', (SELECT json_object_agg("strategyId", n) FROM (SELECT "strategyId", count(*) n FROM tasks GROUP BY 1) x),
    'published', (SELECT json_agg('custom:' || id) FROM strategydefinition WHERE status = 'PUBLISHED'),
    'moves', (SELECT coalesce(json_agg(json_build_object('id', r.id, 'kind', r.kind, 'from', r.old_strategy_id,
        'to', r.new_strategy_id, 'games', r.games, 'ledger', l.n, 'there', l.there,
        'tasks', r.tasks, 'tasksLedger', k.n, 'tasksThere', k.there,
        'undone', r.undone_at IS NOT NULL, 'undoes', r.undoes) ORDER BY r.created_at), '[]')
      FROM game_graphql_reassignments r CROSS JOIN LATERAL (
        SELECT count(*) AS n, count(g.id) AS there FROM game_graphql_reassigned_games m
        LEFT JOIN games g ON g.id = m.game_id AND g."strategyId" = r.new_strategy_id
        WHERE m.reassignment_id = r.id) l CROSS JOIN LATERAL (
        SELECT count(*) AS n, count(t.id) AS there FROM game_graphql_reassigned_tasks m
        LEFT JOIN tasks t ON t.id = m.task_id AND t."strategyId" = r.new_strategy_id
        WHERE m.reassignment_id = r.id) k),
    'audited', (SELECT coalesce(json_agg(details->>'reassignment_id' ORDER BY created_at), '[]') FROM logs),
    'strays', (SELECT count(*) FROM (SELECT reassignment_id FROM game_graphql_reassigned_games
        UNION ALL SELECT reassignment_id FROM game_graphql_reassigned_tasks) m
      WHERE NOT EXISTS (SELECT FROM game_graphql_reassignments r WHERE r.id = m.reassignment_id))) AS state`);
  if (row === undefined) throw new Error('A SELECT without FROM returned no row.');
  return row.state;
}

interface Move {
  readonly document: string;
  readonly input: object;
  readonly as: Credentials;
  readonly from: string;
  readonly to: string;
  readonly undoes: string | null;
}

/** The next move: an undo of the last bulk update where it is open, else a bulk update; a rollback in between. */
function nextMove({ moves, published }: State, index: number): Move {
  if (index % 3 === 2) {
    const to = versions.findIndex((version) => version !== published[0]);
    const input = { strategyId: versions[0], toVersion: String(to + 1) };
    const ids = { from: published[0] ?? '', to: versions[to] ?? '' };
    return { document: ROLLBACK, input, as: admin, ...ids, undoes: null };
  }
  const open = moves.findLast(({ kind, undone }) => kind === 'BULK' && !undone);
  if (open !== undefined) {
    const { id, from, to } = open;
    return { document: UNDO, input: { id }, as: alice, from: to, to: from, undoes: id };
  }
  const ids = { from: 'socio_bee', to: 'default' };
  const input = { oldStrategyId: ids.from, newStrategyId: ids.to, tasks: true };
  return { document: BULK, input, as: alice, ...ids, undoes: null };
}

async function send(
  origin: string,
  document: string,
  input: object,
  { key, token }: Credentials,
): Promise<string> {
  const response = await fetch(`${origin}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(key === undefined ? {} : { 'x-api-key': key }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ query: document, variables: { input } }),
  });
  return response.text();
}

/** What the server's transaction is at: the beginning of its statement, and whether that is still running. */
async function stage(): Promise<string> {
  const [row] = await database.query<{ stage: string }>(
    `SELECT concat(CASE WHEN state = 'active' THEN 'in ' ELSE 'after ' END,
       (regexp_match(query, '^\\s*(?:WITH moved AS \\()?\\s*((?:\\S+\\s+){0,2}\\S+)'))[1]) AS stage
     FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'game-graphql'
       AND xact_start IS NOT NULL`,
  );
  return row?.stage ?? 'outside of the transaction';
}

/** Processes of PostgreSQL that work for the server. */
async function backends(): Promise<number[]> {
  const found = await database.query<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'game-graphql'`,
  );
  return found.map(({ pid }) => pid);
}

/** A started server that has answered once as each caller, so that a move begins at once. */
async function warmServer(): Promise<{ child: Child; origin: string }> {
  // A token ends after some minutes.
  admin = await issuer.admin('the-admin');
  const child = await workplace.serve({ ...issuer.env, DATABASE_URL: database.url });
  const origin = await child.origin();
  const dry = { oldStrategyId: 'nowhere', newStrategyId: 'default', dryRun: true };
  await Promise.all([alice, admin].map((as) => send(origin, BULK, dry, as)));
  return { child, origin };
}

test(
  'a server that is killed in the middle of a move has made all of it or none, and the records agree with the games',
  async () => {
    let ready = warmServer();
    /** How long each kind of move takes, in ms. */
    const longest = new Map([BULK, UNDO, ROLLBACK].map((document) => [document, 50]));
    /** How many kills met the transaction at each of its statements, and in each tenth of its time. */
    const stages = new Map<string, number>();
    const tenths = new Map<number, number>();
    const ends = { all: 0, none: 0, answered: 0 };
    for (let index = 0; index < KILLS; index++) {
      const { child, origin } = await ready;
      const working = await backends();
      const before = await look();
      const move = nextMove(before, index);
      const start = performance.now();
      const answer = send(origin, move.document, move.input, move.as).then(
        (text) => {
          const duration = performance.now() - start;
          longest.set(move.document, Math.max(longest.get(move.document) ?? 0, duration));
          return text;
        },
        () => null,
      );
      // Every seventh is left to end, which tells how long a move takes.
      if (index % 7 === 0) await answer;
      else {
        const part = Math.random();
        await delay(part * (longest.get(move.document) ?? 0));
        count(stages, await stage());
        count(tenths, Math.floor(part * 10));
      }
      await child.kill();
      const answered = await answer;
      // The next server starts while this one's traces are looked at.
      ready = index + 1 < KILLS ? warmServer() : ready;
      // PostgreSQL may still be at what it was told before.
      await until(async () => !(await backends()).some((pid) => working.includes(pid)));

      const after = await look();
      const record = after.moves.slice(before.moves.length);
      expect(after.moves.slice(0, before.moves.length).map(({ id }) => id)).toEqual(
        before.moves.map(({ id }) => id),
      );
      if (record.length === 0) {
        expect(after).toEqual(before);
        expect(answered).toBeNull();
        ends.none++;
      } else {
        ends.all++;
        expect(record).toEqual([
          expect.objectContaining({ from: move.from, to: move.to, undoes: move.undoes, undone: false }),
        ]);
        const [{ id } = { id: '' }] = record;
        expect(record).toMatchObject([{ games: GAMES, ledger: GAMES, there: GAMES }]);
        expect(record).toMatchObject([{ tasks: TASKS, tasksLedger: TASKS, tasksThere: TASKS }]);
        expect(after.games).toEqual({ ...without(before.games, move.from), [move.to]: GAMES });
        expect(after.tasks).toEqual({ ...without(before.tasks, move.from), [move.to]: TASKS });
        expect(after.audited).toEqual([...before.audited, id]);
        expect(after.moves.find((earlier) => earlier.id === move.undoes)?.undone ?? true).toBe(true);
        expect(after.published).toEqual(move.document === ROLLBACK ? [move.to] : before.published);
      }
      if (answered !== null) {
        expect(JSON.parse(answered)).not.toHaveProperty('errors');
        ends.answered++;
      }
      expect(after.strays).toBe(0);
      expect(after.published).toHaveLength(1);
    }
    // Some were in time, some were not.
    expect(ends.all).toBeGreaterThan(0);
    expect(ends.none).toBeGreaterThan(KILLS < 20 ? -1 : 0);
    if (KILLS > 40) {
      const report = {
        ...ends,
        longest: [...longest.values()].map(Math.round),
        tenths: Array.from({ length: 10 }, (_, tenth) => tenths.get(tenth) ?? 0),
        stages: Object.fromEntries([...stages].sort(([a], [b]) => (a < b ? -1 : 1))),
      };
      process.stderr.write(`${JSON.stringify(report, null, 1)}\n`);
    }
  },
  30_000 + KILLS * 6_000,
);

function count<Key>(counts: Map<Key, number>, key: Key): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function without(counts: Readonly<Record<string, number>>, name: string): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).filter(([other]) => other !== name));
}
