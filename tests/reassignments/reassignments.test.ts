import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { startApi, type Api, type Credentials } from '../support/api.js';
import { queued } from '../support/queued.js';
import { rowsOf, type Game, type Owner } from '../support/builders.js';
import { createTestDatabase, TEST_APPLICATION } from '../support/database.js';
import { addUntidyRows, createGameDatabase } from '../support/game-database.js';
import { BULK, bytesOf, Moves, REASSIGNMENT, ROLLBACK, UNDO, type Reassignment } from '../support/moves.js';
import { until } from '../support/process.js';
import { recordStatements } from '../support/statements.js';
import { useApiAndIssuer } from '../support/use-api.js';

const { api, issuer, rows } = useApiAndIssuer();
let moves: Moves;
let admin: Credentials;
let alice: Owner;
let bob: Owner;
/** A strategy that no other test's games are on. */
let old: string;

beforeAll(async () => {
  moves = new Moves(api);
  admin = await issuer.admin('the-admin');
});
beforeEach(async () => {
  [alice, bob] = [await rows.owner(), await rows.owner()];
  old = `old-${randomUUID()}`;
});

/** Expects that `work` writes nothing at all. */
async function expectNoWrite<Result>(work: () => Promise<Result>): Promise<Result> {
  const before = await api.database.dump();
  const result = await work();
  expect(await api.database.dump()).toBe(before);
  return result;
}

const gamesOn = (strategyId: string, owner: Owner, count: number): Promise<Game[]> =>
  Promise.all(Array.from({ length: count }, () => owner.game({ strategyId })));

/** The rows of these games, whole, with the transaction that wrote each. */
function rowsAt(games: readonly Game[]): Promise<Record<string, unknown>[]> {
  const ids = games.map(({ id }) => id);
  return api.database.query('SELECT xmin::text, g::text FROM games g WHERE id = ANY($1) ORDER BY id', [ids]);
}

async function strategyIdsOf(games: readonly Game[]): Promise<unknown[]> {
  const ids = games.map(({ id }) => id);
  const found = await api.database.query<{ id: string; strategyId: string }>(
    'SELECT id, "strategyId" FROM games WHERE id = ANY($1)',
    [ids],
  );
  return ids.map((id) => found.find((row) => row.id === id)?.strategyId);
}

/** Starts `work` for each caller while a game is held, and lets go when all of them wait. */
async function whileHeld<Result>(
  game: Game,
  callers: readonly Credentials[],
  work: (as: Credentials) => Promise<Result>,
): Promise<Result[]> {
  const holder = new pg.Client({ connectionString: api.database.url, application_name: TEST_APPLICATION });
  await holder.connect();
  try {
    await holder.query('BEGIN');
    await holder.query('SELECT FROM games WHERE id = $1 FOR UPDATE', [game.id]);
    const results = Promise.all(callers.map(work));
    await until(async () => (await waiting(api)) === callers.length);
    await holder.query('COMMIT');
    return await results;
  } finally {
    await holder.end();
  }
}

/** How many connections wait for a lock. */
async function waiting({ database }: Api): Promise<number> {
  const found = await database.query(
    `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
  );
  return found.length;
}

const problem = (argument: string): object => ({
  extensions: { code: 'BAD_USER_INPUT', problems: [{ argument, message: expect.any(String) }] },
});

const NODE = `query ($id: ID!) { node(id: $id) { id ... on StrategyReassignment { ${REASSIGNMENT} } } }`;
const NODES = `query ($ids: [ID!]!) { nodes(ids: $ids) { ... on StrategyReassignment { ${REASSIGNMENT} } } }`;
const LIST = `query ($first: Int, $after: String, $last: Int, $before: String) {
  strategyReassignments(first: $first, after: $after, last: $last, before: $before) {
    totalCount nodes { ${REASSIGNMENT} } edges { cursor }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`;
const GAMES = `query ($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
  node(id: $id) { ... on StrategyReassignment {
    games(first: $first, after: $after, last: $last, before: $before) {
      totalCount nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } } }`;

interface Page<Node> {
  readonly totalCount: number;
  readonly nodes: readonly Node[];
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly startCursor: string | null;
    readonly endCursor: string | null;
  };
}

async function list(as: Credentials, variables: object = {}): Promise<Page<Reassignment>> {
  type Data = { strategyReassignments: Page<Reassignment> };
  return (await api.data<Data>(LIST, { ...variables }, as)).strategyReassignments;
}

async function gamesOf(id: string, as: Credentials, variables: object = {}): Promise<Page<{ id: string }>> {
  type Data = { node: { games: Page<{ id: string }> } };
  return (await api.data<Data>(GAMES, { id, ...variables }, as)).node.games;
}

describe('how many games a bulk update may move', () => {
  test('more than atMost: nothing is written, and the message says how many there are', async () => {
    await gamesOn(old, alice, 3);
    await gamesOn(old, bob, 2);
    await expectNoWrite(async () => {
      for (const atMost of [0, 1, 2]) {
        const input = { oldStrategyId: old, newStrategyId: 'default', atMost };
        const { codes, errors } = await moves.refusedBulk(input, alice);
        expect(codes).toEqual(['LIMIT_EXCEEDED']);
        expect(errors[0]?.message).toBe(
          `3 games match, which is more than atMost: ${atMost}. Nothing was written.`,
        );
      }
    });
  });

  test('exactly atMost games, or fewer, are moved', async () => {
    for (const atMost of [3, 4, null]) {
      const games = await gamesOn(old, alice, 3);
      expect((await moves.bulk({ oldStrategyId: old, newStrategyId: 'default', atMost }, alice)).count).toBe(
        3,
      );
      expect(await strategyIdsOf(games)).toEqual(['default', 'default', 'default']);
    }
  });

  test('atMost 0 passes where nothing matches', async () => {
    const input = { oldStrategyId: old, newStrategyId: 'default', atMost: 0 };
    expect(await expectNoWrite(() => moves.bulk(input, alice))).toEqual({
      count: 0,
      taskCount: 0,
      reassignment: null,
    });
  });

  test('atMost counts the games of the ids alone', async () => {
    const [first, second] = await gamesOn(old, alice, 3);
    const input = { oldStrategyId: old, newStrategyId: 'default', ids: [first?.id, second?.id] };
    await expectNoWrite(async () => {
      const { errors } = await moves.refusedBulk({ ...input, atMost: 1 }, alice);
      expect(errors[0]?.message).toContain('2 games match');
    });
    expect((await moves.bulk({ ...input, atMost: 2 }, alice)).count).toBe(2);
  });

  test('1,000 ids may be given, 1,001 not', async () => {
    const [game] = await gamesOn(old, alice, 1);
    const ids = Array.from({ length: 1_000 }, () => randomUUID());
    const input = { oldStrategyId: old, newStrategyId: 'default' };
    await expectNoWrite(async () => {
      const { codes, errors } = await moves.refusedBulk({ ...input, ids: [...ids, game?.id] }, alice);
      expect(codes).toEqual(['LIMIT_EXCEEDED']);
      expect(errors[0]?.message).toMatch(/1000.*1001/);
    });
    expect((await moves.bulk({ ...input, ids: [...ids.slice(1), game?.id] }, alice)).count).toBe(1);
  });

  test('of the ids, those of others, garbage and repeated ones do no harm', async () => {
    const [mine, other] = await gamesOn(old, alice, 2);
    const elsewhere = await alice.game({ strategyId: 'socio_bee' });
    const theirs = await bob.game({ strategyId: old });
    if (mine === undefined || other === undefined) throw new Error('No games.');
    const kept = [other, elsewhere, theirs];
    const before = await rowsAt(kept);
    const ids = [
      mine.id,
      theirs.id,
      'garbage',
      '',
      randomUUID(),
      elsewhere.id,
      mine.id,
      other.id.toUpperCase(),
    ];
    const { count, reassignment } = await moves.bulk(
      { oldStrategyId: old, newStrategyId: 'default', ids },
      alice,
    );
    expect([count, reassignment?.count]).toEqual([1, 1]);
    expect(await strategyIdsOf([mine])).toEqual(['default']);
    expect(await rowsAt(kept)).toEqual(before);
  });
});

describe('a bulk update that is refused', () => {
  test.each([-1, -2_147_483_648])('atMost %d is negative', async (atMost) => {
    await gamesOn(old, alice, 1);
    await expectNoWrite(async () => {
      const { errors } = await moves.refusedBulk(
        { oldStrategyId: old, newStrategyId: 'default', atMost },
        alice,
      );
      expect(errors).toMatchObject([problem('input.atMost')]);
    });
  });

  test('everything that is wrong is said at once', async () => {
    const input = { oldStrategyId: 'nowhere', newStrategyId: 'nowhere', atMost: -1, ids: ['\0'] };
    const { errors } = await expectNoWrite(() => moves.refusedBulk(input, alice));
    expect(errors[0]?.extensions.problems?.map(({ argument }) => argument).sort()).toEqual([
      'input.atMost',
      'input.ids.0',
      'input.newStrategyId',
      'input.newStrategyId',
    ]);
  });

  test('the new strategy must be one that games may be put on', async () => {
    await gamesOn(old, alice, 1);
    const unassignable = [
      old,
      'no-such-strategy',
      `custom:${randomUUID()}`,
      (await alice.strategy({ status: 'DRAFT' })).strategyId,
      (await alice.strategy({ status: 'ARCHIVED' })).strategyId,
      (await bob.strategy()).strategyId,
    ];
    await expectNoWrite(async () => {
      for (const newStrategyId of unassignable) {
        const { errors } = await moves.refusedBulk({ oldStrategyId: old, newStrategyId }, alice);
        expect(errors[0]?.extensions).toMatchObject({
          code: 'BAD_USER_INPUT',
          problems: expect.arrayContaining([
            { argument: 'input.newStrategyId', message: expect.any(String) },
          ]),
        });
      }
    });
  });

  test('an admin moves games of several realms to a custom strategy: none is moved, and the unsuited are counted', async () => {
    const { strategyId } = await alice.strategy();
    await gamesOn(old, alice, 3);
    await gamesOn(old, bob, 1);
    await rows.game({ strategyId: old });
    for (const more of [{}, { atMost: 1 }, { atMost: 100 }, { dryRun: true }]) {
      await expectNoWrite(async () => {
        const { errors } = await moves.refusedBulk(
          { oldStrategyId: old, newStrategyId: strategyId, ...more },
          admin,
        );
        expect(errors).toMatchObject([problem('input.newStrategyId')]);
        expect(errors[0]?.message).toContain('2 of the 5 games');
      });
    }
  });

  test('an admin moves games of one realm to a custom strategy of that realm', async () => {
    const { strategyId } = await alice.strategy();
    const games = await gamesOn(old, alice, 2);
    const [unsuited] = await gamesOn(old, bob, 1);
    const ids = games.map(({ id }) => id);
    const { count } = await moves.bulk({ oldStrategyId: old, newStrategyId: strategyId, ids }, admin);
    expect(count).toBe(2);
    expect(await strategyIdsOf([...games, unsuited as Game])).toEqual([strategyId, strategyId, old]);
  });

  test("games without a key are of the configured realm: an admin's custom strategy of that realm suits them", async () => {
    const { strategyId } = await rows.strategy({ realmId: 'GameRealm' });
    const game = await rows.game({ strategyId: old });
    expect((await moves.bulk({ oldStrategyId: old, newStrategyId: strategyId }, admin)).count).toBe(1);
    expect(await strategyIdsOf([game])).toEqual([strategyId]);
  });
});

describe('what a bulk update writes', () => {
  test('one UPDATE of games, whatever is given and however many there are', async () => {
    for (const [count, more] of [
      [1, {}],
      [30, {}],
      [30, { atMost: 30 }],
    ] as const) {
      await gamesOn(old, alice, count);
      const input = { oldStrategyId: old, newStrategyId: 'default', ...more };
      const statements = await recordStatements(api, () => moves.bulk(input, alice));
      expect(statements.filter(({ text }) => /\bupdate\s+"?games\b/i.test(text))).toHaveLength(1);
    }
  });

  test('nothing at all where nothing matches: no record and no audit row', async () => {
    await gamesOn(old, bob, 1);
    for (const input of [
      { oldStrategyId: old, newStrategyId: 'default' },
      { oldStrategyId: 'default', newStrategyId: 'socio_bee', ids: [] },
    ]) {
      expect(await expectNoWrite(() => moves.bulk(input, alice))).toEqual({
        count: 0,
        taskCount: 0,
        reassignment: null,
      });
    }
  });

  test('one audit row that names the record', async () => {
    await gamesOn(old, alice, 2);
    const { id } = await moves.moved({ oldStrategyId: old, newStrategyId: 'default' }, alice);
    expect(
      await api.database.query(
        'SELECT module, message, "apiKey_used", details FROM logs WHERE details::text ~ $1',
        [id],
      ),
    ).toEqual([
      {
        module: 'game',
        message: 'Strategy reassigned',
        apiKey_used: alice.prefix,
        details: {
          reassignment_id: id,
          old_strategy_id: old,
          new_strategy_id: 'default',
          games_reassigned: 2,
          tasks_reassigned: 0,
        },
      },
    ]);
  });
});

describe('the record of a move', () => {
  test('says what was moved, when and by whom', async () => {
    await gamesOn(old, alice, 2);
    const before = Date.now();
    const record = await moves.moved({ oldStrategyId: old, newStrategyId: 'socio_bee' }, alice);
    expect(record).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      kind: 'BULK',
      oldStrategyId: old,
      newStrategyId: 'socio_bee',
      count: 2,
      taskCount: 0,
      madeBy: { apiKey: alice.prefix, oauthUserId: null },
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/),
      undoneAt: null,
      undoes: null,
    });
    expect(Math.abs(Date.parse(record.createdAt) - before)).toBeLessThan(60_000);
    const both = { ...(await issuer.caller({ sub: 'someone' })), key: alice.key };
    await gamesOn(old, alice, 1);
    const { madeBy } = await moves.moved({ oldStrategyId: old, newStrategyId: 'default' }, both);
    expect(madeBy).toEqual({ apiKey: alice.prefix, oauthUserId: 'someone' });
  });

  test('can be read by who made it and by admins, in every way, and by nobody else', async () => {
    await gamesOn(old, alice, 1);
    const move = await moves.moved({ oldStrategyId: old, newStrategyId: 'default' }, alice);
    const { reassignment: undo } = await moves.undo(move.id, alice);
    if (undo === null) throw new Error('Nothing was undone.');
    const undone = { ...move, undoneAt: expect.any(String) };
    expect(undo).toMatchObject({ kind: 'UNDO', undoes: { id: move.id } });
    for (const as of [alice, admin]) {
      expect(await api.data(NODE, { id: move.id }, as)).toEqual({ node: undone });
      const ids = [undo.id, 'garbage', move.id, randomUUID()];
      expect(await api.data(NODES, { ids }, as)).toEqual({ nodes: [undo, null, undone, null] });
      expect((await list(as, { first: 2 })).nodes).toEqual([undo, undone]);
    }
    for (const as of [
      bob,
      await issuer.caller({ sub: 'the-admin' }),
      await issuer.caller({ sub: alice.prefix }),
    ]) {
      expect(await api.data(NODE, { id: move.id }, as)).toEqual({ node: null });
      expect(await api.data(NODES, { ids: [undo.id, move.id] }, as)).toEqual({ nodes: [null, null] });
    }
    expect(await list(bob)).toMatchObject({ totalCount: 0, nodes: [] });
    expect((await api.errors(LIST)).codes).toEqual(['UNAUTHENTICATED']);
  });

  test("what an admin moved is the admin's record: the owner of the games does not see it", async () => {
    await gamesOn(old, alice, 1);
    const move = await moves.moved({ oldStrategyId: old, newStrategyId: 'default' }, admin);
    expect(move.madeBy).toEqual({ apiKey: null, oauthUserId: 'the-admin' });
    expect(await api.data(NODE, { id: move.id }, alice)).toEqual({ node: null });
    expect((await list(alice)).totalCount).toBe(0);
  });

  test('what an undo undid is hidden from those who may not see it', async () => {
    await gamesOn(old, alice, 1);
    const move = await moves.moved({ oldStrategyId: old, newStrategyId: 'default' }, alice);
    const { reassignment: undo } = await moves.undo(move.id, admin);
    expect(undo?.undoes).toEqual({ id: move.id });
    // The same subject without the role still sees what it made, not what it took back.
    const demoted = await issuer.caller({ sub: 'the-admin' });
    expect(await api.data(NODE, { id: undo?.id }, demoted)).toEqual({ node: { ...undo, undoes: null } });
  });

  test('made with a key and a token, it belongs to either', async () => {
    const subject = `subject-${randomUUID()}`;
    const token = await issuer.caller({ sub: subject });
    await gamesOn(old, alice, 1);
    const { id } = await moves.moved(
      { oldStrategyId: old, newStrategyId: 'default' },
      { key: alice.key, ...token },
    );
    for (const as of [alice, token, { key: bob.key, ...token }]) {
      expect((await list(as)).nodes.map((node) => node.id)).toEqual([id]);
    }
  });

  test('shows exactly the games that it moved, newest first, wherever they are now', async () => {
    const games = [];
    for (let day = 1; day <= 3; day++) {
      games.unshift(await alice.game({ strategyId: old, created_at: `2026-01-0${day}T00:00Z` }));
    }
    await alice.game({ strategyId: 'default' });
    const { id } = await moves.moved({ oldStrategyId: old, newStrategyId: 'default' }, alice);
    await api.database.query(`UPDATE games SET "strategyId" = 'socio_bee' WHERE id = $1`, [games[1]?.id]);
    expect(await gamesOf(id, alice)).toMatchObject({
      totalCount: 3,
      nodes: games.map((game) => ({ id: game.id })),
    });
  });

  test('shows those games that the viewer may see; deleted ones drop out, and still count as moved', async () => {
    const [mine, deleted] = await gamesOn(old, alice, 2);
    const [theirs] = await gamesOn(old, bob, 1);
    const { id, count } = await moves.moved({ oldStrategyId: old, newStrategyId: 'default' }, admin);
    expect(count).toBe(3);
    const DELETE = 'mutation ($id: ID!) { deleteGame(input: { id: $id }) { deletedGameId } }';
    await api.data(DELETE, { id: deleted?.id }, alice);
    const left = (await gamesOf(id, admin)).nodes.map((node) => node.id);
    expect(new Set(left)).toEqual(new Set([mine?.id, theirs?.id]));
    // Without the role, its maker sees of the games only its own, which is none.
    expect(await gamesOf(id, await issuer.caller({ sub: 'the-admin' }))).toMatchObject({
      totalCount: 0,
      nodes: [],
    });
    expect(await api.data(NODE, { id }, admin)).toMatchObject({ node: { count: 3 } });
  });
});

describe('pages', () => {
  test('of records go both ways without a gap, newest first', async () => {
    const ids: string[] = [];
    for (let index = 0; index < 5; index++) {
      await gamesOn(`${old}-${index}`, alice, 1);
      ids.unshift(
        (await moves.moved({ oldStrategyId: `${old}-${index}`, newStrategyId: 'default' }, alice)).id,
      );
    }
    const forward: string[] = [];
    const backward: string[] = [];
    for (let after: string | null = null, more = true; more;) {
      const { nodes, pageInfo, totalCount } = await list(alice, { first: 2, after });
      expect([totalCount, pageInfo.hasPreviousPage]).toEqual([5, after !== null]);
      forward.push(...nodes.map(({ id }) => id));
      [after, more] = [pageInfo.endCursor, pageInfo.hasNextPage];
    }
    for (let before: string | null = null, more = true; more;) {
      const { nodes, pageInfo } = await list(alice, { last: 2, before });
      expect(pageInfo.hasNextPage).toBe(before !== null);
      backward.unshift(...nodes.map(({ id }) => id));
      [before, more] = [pageInfo.startCursor, pageInfo.hasPreviousPage];
    }
    expect([forward, backward]).toEqual([ids, ids]);
  });

  test('of the games of a record go both ways without a gap', async () => {
    const games = await gamesOn(old, alice, 5);
    const { id } = await moves.moved({ oldStrategyId: old, newStrategyId: 'default' }, alice);
    const forward: string[] = [];
    const backward: string[] = [];
    for (let after: string | null = null, more = true; more;) {
      const { nodes, pageInfo } = await gamesOf(id, alice, { first: 2, after });
      forward.push(...nodes.map((node) => node.id));
      [after, more] = [pageInfo.endCursor, pageInfo.hasNextPage];
    }
    for (let before: string | null = null, more = true; more;) {
      const { nodes, pageInfo } = await gamesOf(id, alice, { last: 2, before });
      backward.unshift(...nodes.map((node) => node.id));
      [before, more] = [pageInfo.startCursor, pageInfo.hasPreviousPage];
    }
    expect([...forward].sort()).toEqual(games.map((game) => game.id).sort());
    expect(backward).toEqual(forward);
  });

  test('a cursor of one record, or of another caller, is refused', async () => {
    await gamesOn(old, alice, 2);
    await gamesOn(`${old}-2`, alice, 2);
    const [one, two] = [
      await moves.moved({ oldStrategyId: old, newStrategyId: 'default' }, alice),
      await moves.moved({ oldStrategyId: `${old}-2`, newStrategyId: 'default' }, alice),
    ];
    const { pageInfo } = await gamesOf(one.id, alice, { first: 1 });
    const used = await api.errors(GAMES, { id: two.id, first: 1, after: pageInfo.endCursor }, alice);
    expect(used.codes).toEqual(['BAD_USER_INPUT']);
    const { endCursor } = (await list(alice, { first: 1 })).pageInfo;
    expect((await api.errors(LIST, { first: 1, after: endCursor }, bob)).codes).toEqual(['BAD_USER_INPUT']);
  });
});

describe('undoing a move', () => {
  test('puts back exactly the games that it moved and that are still where it put them', async () => {
    const [a, b, elsewhere, gone] = await gamesOn(old, alice, 4);
    const there = await gamesOn('greengageStrategy', alice, 2);
    const theirs = await gamesOn('greengageStrategy', bob, 1);
    if (!a || !b || !elsewhere || !gone) throw new Error('No games.');
    const move = await moves.moved({ oldStrategyId: old, newStrategyId: 'greengageStrategy' }, alice);
    const late = await gamesOn('greengageStrategy', alice, 1);
    await api.database.query(`UPDATE games SET "strategyId" = 'default' WHERE id = $1`, [elsewhere.id]);
    await api.database.query('DELETE FROM games WHERE id = $1', [gone.id]);
    const untouched = [elsewhere, ...there, ...theirs, ...late];
    const before = await rowsAt(untouched);
    const { restored, skipped, undone, reassignment } = await moves.undo(move.id, alice);
    expect([restored, skipped]).toEqual([2, 2]);
    expect(undone).toEqual({ ...move, undoneAt: expect.any(String) });
    expect(reassignment).toMatchObject({
      kind: 'UNDO',
      oldStrategyId: 'greengageStrategy',
      newStrategyId: old,
      count: 2,
      taskCount: 0,
      undoneAt: null,
      undoes: { id: move.id },
    });
    expect(await strategyIdsOf([a, b])).toEqual([old, old]);
    expect(await rowsAt(untouched)).toEqual(before);
    const moved = (await gamesOf(reassignment?.id ?? '', alice)).nodes.map(({ id }) => id);
    expect(moved.sort()).toEqual([a.id, b.id].sort());
  });

  test('restores what came back to the new strategy by another way, and only once', async () => {
    const [game] = await gamesOn(old, alice, 1);
    const move = await moves.moved({ oldStrategyId: old, newStrategyId: 'greengageStrategy' }, alice);
    await api.database.query(`UPDATE games SET "strategyId" = 'default' WHERE id = $1`, [game?.id]);
    await api.database.query(`UPDATE games SET "strategyId" = 'greengageStrategy' WHERE id = $1`, [game?.id]);
    expect(await moves.undo(move.id, alice)).toMatchObject({ restored: 1, skipped: 0 });
    await expectNoWrite(async () => {
      const { codes, errors } = await moves.refusedUndo(move.id, alice);
      expect([codes, errors[0]?.message]).toEqual([['CONFLICT'], expect.stringContaining('undone already')]);
    });
  });

  test('is itself a move that can be undone: the games are then where the first move put them', async () => {
    const games = await gamesOn(old, alice, 2);
    const first = await moves.moved({ oldStrategyId: old, newStrategyId: 'default' }, alice);
    const undo = (await moves.undo(first.id, alice)).reassignment;
    const redo = await moves.undo(undo?.id ?? '', alice);
    expect(redo).toMatchObject({
      restored: 2,
      undone: { id: undo?.id, undoneAt: expect.any(String) },
      reassignment: { kind: 'UNDO', oldStrategyId: old, newStrategyId: 'default', undoes: { id: undo?.id } },
    });
    expect(await strategyIdsOf(games)).toEqual(['default', 'default']);
    // That the undo was undone does not make the first move undoable again.
    expect((await moves.refusedUndo(first.id, alice)).codes).toEqual(['CONFLICT']);
    expect(await api.data(NODE, { id: first.id }, alice)).toMatchObject({
      node: { undoneAt: expect.any(String) },
    });
  });

  test('of which nothing is left: no record, and yet it is undone', async () => {
    const games = await gamesOn(old, alice, 2);
    const move = await moves.moved({ oldStrategyId: old, newStrategyId: 'greengageStrategy' }, alice);
    await moves.moved({ oldStrategyId: 'greengageStrategy', newStrategyId: 'default' }, alice);
    const before = await rowsAt(games);
    expect(await moves.undo(move.id, alice)).toEqual({
      restored: 0,
      skipped: 2,
      restoredTasks: 0,
      skippedTasks: 0,
      reassignment: null,
      undone: { ...move, undoneAt: expect.any(String) },
    });
    expect(await rowsAt(games)).toEqual(before);
    expect((await moves.refusedUndo(move.id, alice)).codes).toEqual(['CONFLICT']);
  });

  test('twice at once: one of them undoes it, the other is a CONFLICT', async () => {
    await gamesOn(old, alice, 20);
    const move = await moves.moved({ oldStrategyId: old, newStrategyId: 'default' }, alice);
    const answers = await Promise.all(
      [alice, admin, alice, admin].map((as) => api.query(UNDO, { input: { id: move.id } }, as)),
    );
    const codes = answers.map(({ body }) => body.errors?.[0]?.extensions.code ?? 'undone').sort();
    expect(codes).toEqual(['CONFLICT', 'CONFLICT', 'CONFLICT', 'undone']);
    expect(
      await api.database.query('SELECT games FROM game_graphql_reassignments WHERE undoes = $1', [move.id]),
    ).toEqual([{ games: 20 }]);
  });

  test('by its key and by its subject at once: one of them undoes it, the other is a CONFLICT', async () => {
    const subject = `subject-${randomUUID()}`;
    const token = await issuer.caller({ sub: subject });
    const game = await alice.game({ strategyId: old, oauth_user_id: subject });
    const both = { key: alice.key, ...token };
    const move = await moves.moved({ oldStrategyId: old, newStrategyId: 'default' }, both);
    const answers = await whileHeld(game, [alice, token], (as) =>
      api.query(UNDO, { input: { id: move.id } }, as),
    );
    const codes = answers.map(({ body }) => body.errors?.[0]?.extensions.code ?? 'undone').sort();
    expect(codes).toEqual(['CONFLICT', 'undone']);
    expect(await strategyIdsOf([game])).toEqual([old]);
  });

  test("somebody else's, a missing one and garbage are one answer", async () => {
    await gamesOn(old, bob, 1);
    const { id } = await moves.moved({ oldStrategyId: old, newStrategyId: 'default' }, bob);
    const game = await alice.game();
    await expectNoWrite(async () => {
      const answers = [];
      for (const wrong of [id, randomUUID(), 'garbage', '', game.id, id.toUpperCase(), 'default']) {
        answers.push(await moves.refusedUndo(wrong, alice));
      }
      expect(answers[0]?.codes).toEqual(['NOT_FOUND']);
      expect(new Set(answers.map(bytesOf)).size).toBe(1);
      expect((await moves.refusedUndo('\0', alice)).errors).toMatchObject([problem('input.id')]);
      expect((await moves.refusedUndo(id, {})).codes).toEqual(['UNAUTHENTICATED']);
    });
  });

  test('by an admin, it reaches the games of every owner', async () => {
    const games = [...(await gamesOn(old, alice, 1)), ...(await gamesOn(old, bob, 1))];
    const { id } = await moves.moved({ oldStrategyId: old, newStrategyId: 'default' }, admin);
    expect(await moves.undo(id, admin)).toMatchObject({ restored: 2, skipped: 0 });
    expect(await strategyIdsOf(games)).toEqual([old, old]);
  });

  test('leaves games that are no longer the mover’s own', async () => {
    const [kept, given] = await gamesOn(old, alice, 2);
    const { id } = await moves.moved({ oldStrategyId: old, newStrategyId: 'default' }, alice);
    await api.database.query('UPDATE games SET "apiKey_used" = $2 WHERE id = $1', [given?.id, bob.prefix]);
    expect(await moves.undo(id, alice)).toMatchObject({ restored: 1, skipped: 1 });
    expect(await strategyIdsOf([kept as Game, given as Game])).toEqual([old, 'default']);
  });

  test('is one UPDATE of games and one audit row', async () => {
    await gamesOn(old, alice, 20);
    const move = await moves.moved({ oldStrategyId: old, newStrategyId: 'default' }, alice);
    const statements = await recordStatements(api, () => moves.undo(move.id, alice));
    expect(statements.filter(({ text }) => /\bupdate\s+"?games\b/i.test(text))).toHaveLength(1);
    const audited = await api.database.query(
      `SELECT module, message, details FROM logs WHERE details->>'undoes' = $1`,
      [move.id],
    );
    expect(audited).toEqual([
      {
        module: 'game',
        message: 'Strategy reassignment undone',
        details: {
          reassignment_id: expect.any(String),
          undoes: move.id,
          old_strategy_id: 'default',
          new_strategy_id: old,
          games_reassigned: 20,
          tasks_reassigned: 0,
        },
      },
    ]);
  });
});

test('two moves of the same games at once: one moves them, the other finds none', async () => {
  for (let round = 0; round < 5; round++) {
    const games = await gamesOn(old, alice, 20);
    const both = await Promise.all([
      moves.bulk({ oldStrategyId: old, newStrategyId: 'default' }, alice),
      moves.bulk({ oldStrategyId: old, newStrategyId: 'socio_bee' }, admin),
    ]);
    expect(new Set(both.map(({ count }) => count))).toEqual(new Set([0, 20]));
    const winner = both[0].count === 20 ? 'default' : 'socio_bee';
    expect(await strategyIdsOf(games)).toEqual(games.map(() => winner));
  }
});

/** What came of two moves that met. */
interface Crossing {
  /** How many games each of them moved. */
  readonly counts: readonly number[];
  /** UPDATEs of games that PostgreSQL was sent: more than two where one ended in a deadlock and was sent again. */
  readonly updates: number;
}

describe('moves that would meet the same games in opposite orders', () => {
  let crossing: Api;
  let owner: Owner;
  const subject = 'crossing';
  /** The id of the game that was the nth to be stored: the later, the smaller. */
  const idOf = (n: number): string =>
    `0000${(9_999 - n).toString(16).padStart(4, '0')}-0000-4000-8000-000000000000`;

  beforeAll(async () => {
    crossing = await startApi({ env: issuer.env });
    owner = await rowsOf(crossing.database).owner();
  });
  afterAll(() => crossing.close());

  /**
   * Moves some games, which PostgreSQL goes through by id, and all of them, which it goes through as they are
   * stored. Each is held half-way until the other waits too.
   */
  async function cross(as: readonly [Credentials, Credentials]): Promise<Crossing> {
    let counts: readonly number[] = [];
    const statements = await recordStatements(crossing, async () => {
      counts = await meet(as);
    });
    return { counts, updates: statements.filter(({ text }) => /\bUPDATE games\b/.test(text)).length };
  }

  async function meet(as: readonly [Credentials, Credentials]): Promise<readonly number[]> {
    await crossing.database.query('TRUNCATE games CASCADE');
    await crossing.database.query(
      `INSERT INTO games (id, "externalGameId", platform, "strategyId", "apiKey_used", oauth_user_id, created_at, updated_at)
       SELECT ('0000' || lpad(to_hex(9999 - n), 4, '0') || '-0000-4000-8000-000000000000')::uuid, 'game-' || n, 'web',
         'default', $1, $2, now() + n * interval '1 second', now() FROM generate_series(1, 5000) n`,
      [owner.prefix, subject],
    );
    await crossing.database.query('ANALYZE games');
    const both = new Moves(crossing);
    const holder = new pg.Client({
      connectionString: crossing.database.url,
      application_name: TEST_APPLICATION,
    });
    await holder.connect();
    try {
      await holder.query('BEGIN');
      await holder.query('SELECT FROM games WHERE id = ANY($1) FOR UPDATE', [[idOf(2_000), idOf(3_000)]]);
      const ids = [4_000, 3_000, 1_000].map(idOf);
      const some = both.bulk({ oldStrategyId: 'default', newStrategyId: 'socio_bee', ids }, as[0]);
      await until(async () => (await waiting(crossing)) === 1);
      const all = both.bulk({ oldStrategyId: 'default', newStrategyId: 'greengageStrategy' }, as[1]);
      // In the database, or, of one caller, before it takes a connection.
      await until(async () => (await waiting(crossing)) + (await queued(crossing)) === 2);
      await holder.query('COMMIT');
      return (await Promise.all([some, all])).map(({ count }) => count);
    } finally {
      await holder.end();
    }
  }

  test("of one owner's games, and of an admin's, come one after the other: no deadlock arises", async () => {
    for (const as of [
      [owner, owner],
      [owner, admin],
      [admin, owner],
    ] as const) {
      expect(await cross(as)).toEqual({ counts: [3, 4_997], updates: 2 });
    }
  });

  test('of a key and of a subject that own the same games are a deadlock, which is tried again and not shown', async () => {
    const { counts, updates } = await cross([owner, await issuer.caller({ sub: subject })]);
    expect(updates).toBeGreaterThan(2);
    expect([
      [3, 4_997],
      [0, 5_000],
    ]).toContainEqual(counts);
  });
});

describe('a move that takes longer than other statements may', () => {
  test('is not given up, neither by the server nor by its role; what is no move still is', async () => {
    const testDatabase = await createTestDatabase();
    // Each longer than the statements before it: the client's limit, the role's, and how long a write takes.
    const [limit, roleLimit, duration] = [1_500, 2_000, 2.5];
    await testDatabase.query(`ALTER DATABASE ${testDatabase.name} SET statement_timeout = ${roleLimit}`);
    await testDatabase.query(`
      CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_sleep(${duration}); RETURN NULL; END $$;
      CREATE TRIGGER linger AFTER UPDATE ON games EXECUTE FUNCTION linger();
      CREATE TRIGGER linger AFTER UPDATE ON tasks EXECUTE FUNCTION linger()`);
    const slow = await startApi({
      database: testDatabase,
      env: issuer.env,
      statementTimeoutMs: limit,
    });
    const there = rowsOf(testDatabase);
    const owner = await there.owner();
    const game = await owner.game({ strategyId: 'default' });
    await game.task({ strategyId: 'default' });
    const family = { name: 'family', realmId: 'GameRealm' };
    const { strategyId } = await there.strategy({ ...family, version: 1, status: 'ARCHIVED' });
    const published = await there.strategy({ ...family, version: 2 });
    const onFamily = await there.game({ strategyId: published.strategyId });
    await onFamily.task({ strategyId: published.strategyId });
    const PATCH = 'mutation ($id: ID!) { patchGame(input: { id: $id, platform: "tv" }) { game { id } } }';
    const slowMoves = new Moves(slow);
    try {
      const input = { oldStrategyId: 'default', newStrategyId: 'socio_bee', tasks: true };
      const moved = await slowMoves.moved(input, owner);
      const { restored, restoredTasks } = await slowMoves.undo(moved.id, owner);
      expect([moved.count, moved.taskCount, restored, restoredTasks]).toEqual([1, 1, 1, 1]);
      const { gameCount, taskCount } = await slowMoves.rollback({ strategyId, toVersion: '1' }, admin);
      expect([gameCount, taskCount]).toEqual([1, 1]);
      expect((await slow.errors(PATCH, { id: game.id }, owner)).codes).toEqual(['SERVICE_UNAVAILABLE']);
    } finally {
      await slow.close();
      await testDatabase.drop();
    }
  });
});

describe('a database of GAME without our tables', () => {
  let game: Api;
  beforeAll(async () => {
    game = await startApi({ database: await createGameDatabase(), env: issuer.env });
  });
  afterAll(async () => {
    await game.close();
    await game.database.drop();
  });

  test('moving, undoing, rolling back and listing moves say what to run, a dry run as well, and write nothing', async () => {
    const { owner } = await addUntidyRows(game.database);
    const family = { name: 'family', realmId: 'GameRealm' };
    const { strategyId } = await rowsOf(game.database).strategy({
      ...family,
      version: 1,
      status: 'ARCHIVED',
    });
    const published = await rowsOf(game.database).strategy({ ...family, version: 2 });
    // A family without a published version has nothing to move, and yet is rolled back only where it can be recorded.
    const { strategyId: unpublished } = await rowsOf(game.database).strategy({ status: 'ARCHIVED' });
    await owner.game({ strategyId: published.strategyId });
    const before = await game.database.dump();
    for (const dryRun of [false, true]) {
      for (const [document, input, as] of [
        [BULK, { oldStrategyId: 'default', newStrategyId: 'socio_bee' }, owner],
        [BULK, { oldStrategyId: 'default', newStrategyId: 'socio_bee', atMost: 100 }, admin],
        [BULK, { oldStrategyId: 'default', newStrategyId: 'socio_bee', tasks: true }, owner],
        [UNDO, { id: randomUUID() }, owner],
        [ROLLBACK, { strategyId, toVersion: '1' }, admin],
        [ROLLBACK, { strategyId: unpublished, toVersion: '1' }, admin],
      ] as const) {
        const { codes, errors, status } = await game.errors(document, { input: { ...input, dryRun } }, as);
        expect([document, input, dryRun, status, codes]).toEqual([
          document,
          input,
          dryRun,
          200,
          ['MIGRATION_REQUIRED'],
        ]);
        expect(errors[0]?.message).toContain('npm run migrate');
      }
    }
    for (const as of [owner, admin]) {
      const { codes, errors } = await game.errors('{ strategyReassignments { totalCount } }', {}, as);
      expect(codes).toEqual(['MIGRATION_REQUIRED']);
      expect(errors[0]?.message).toContain('npm run migrate');
    }
    expect(await game.database.dump()).toBe(before);
  });

  test('node, nodes and games still work', async () => {
    const owner = await rowsOf(game.database).owner();
    const { id } = await owner.game();
    const document = `query ($id: ID!) { node(id: $id) { id } nodes(ids: [$id, "${randomUUID()}"]) { id }
      games { totalCount nodes { id } } }`;
    expect(await game.data(document, { id }, owner)).toEqual({
      node: { id },
      nodes: [{ id }, null],
      games: { totalCount: 1, nodes: [{ id }] },
    });
  });
});
