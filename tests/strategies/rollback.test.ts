import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import type { Answer, Credentials } from '../support/api.js';
import type { Owner, Strategy } from '../support/builders.js';
import { bytesOf, Moves, REASSIGNMENT, ROLLBACK } from '../support/moves.js';
import { until } from '../support/process.js';
import { useApiAndIssuer } from '../support/use-api.js';
import { queued } from '../support/queued.js';

const { api, issuer, rows } = useApiAndIssuer();
let moves: Moves;
let admin: Credentials;
let alice: Owner;
/** Of the realm of alice: version 1 archived, 2 published, 3 a draft. */
let family: readonly [Strategy, Strategy, Strategy];
let name: string;

beforeAll(async () => {
  moves = new Moves(api);
  admin = await issuer.admin('the-admin');
});
beforeEach(async () => {
  alice = await rows.owner();
  name = `family-${randomUUID()}`;
  const publishedAt = '2026-01-01T00:00:00Z';
  family = [
    await alice.strategy({ name, version: 1, status: 'ARCHIVED', publishedAt }),
    await alice.strategy({ name, version: 2, status: 'PUBLISHED', publishedAt }),
    await alice.strategy({ name, version: 3, status: 'DRAFT' }),
  ];
});

/** Expects that `work` writes nothing at all. */
async function expectNoWrite<Result>(work: () => Promise<Result>): Promise<Result> {
  const before = await api.database.dump();
  const result = await work();
  expect(await api.database.dump()).toBe(before);
  return result;
}

/** Status by version of the family. */
async function statuses(): Promise<Record<number, string>> {
  const versions = await api.database.query<{ version: number; status: string }>(
    'SELECT version, status FROM strategydefinition WHERE name = $1 AND "realmId" = $2 ORDER BY version',
    [name, alice.prefix],
  );
  return Object.fromEntries(versions.map(({ version, status }) => [version, status]));
}

/** Where games, or tasks, are. */
async function strategyIds(table: 'games' | 'tasks', ids: readonly string[]): Promise<unknown[]> {
  const found = await api.database.query<{ id: string; strategyId: string }>(
    `SELECT id, "strategyId" FROM ${table} WHERE id = ANY($1)`,
    [ids],
  );
  return ids.map((id) => found.find((row) => row.id === id)?.strategyId);
}

describe('a rollback', () => {
  test('publishes the version, archives the published one, and moves its games and tasks', async () => {
    const [first, second, draft] = family;
    const games = [
      await alice.game({ strategyId: second.strategyId }),
      await rows.game({ strategyId: second.strategyId }),
    ];
    const elsewhere = await alice.game({ strategyId: 'default' });
    const onDraft = await alice.game({ strategyId: draft.strategyId });
    const tasks = [
      await elsewhere.task({ strategyId: second.strategyId }),
      await (games[0] ?? elsewhere).task({ strategyId: second.strategyId }),
      await elsewhere.task({ strategyId: second.strategyId }),
    ];
    const otherTask = await elsewhere.task({ strategyId: 'default' });
    const before = Date.now();
    const done = await moves.rollback({ strategyId: draft.strategyId, toVersion: '1' }, admin);
    expect(done).toEqual({
      gameCount: 2,
      taskCount: 3,
      strategy: {
        id: first.strategyId,
        version: '1',
        status: 'PUBLISHED',
        publishedAt: expect.stringMatching(/^2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/),
      },
      reassignment: {
        id: expect.any(String),
        kind: 'ROLLBACK',
        oldStrategyId: second.strategyId,
        newStrategyId: first.strategyId,
        count: 2,
        taskCount: 3,
        madeBy: { apiKey: null, oauthUserId: 'the-admin' },
        createdAt: expect.any(String),
        undoneAt: null,
        undoes: null,
      },
    });
    expect(Math.abs(Date.parse(done.strategy?.publishedAt ?? '') - before)).toBeLessThan(60_000);
    expect(await statuses()).toEqual({ 1: 'PUBLISHED', 2: 'ARCHIVED', 3: 'DRAFT' });
    const { strategyId } = first;
    expect(
      await strategyIds(
        'games',
        [...games, elsewhere, onDraft].map(({ id }) => id),
      ),
    ).toEqual([strategyId, strategyId, 'default', draft.strategyId]);
    expect(
      await strategyIds(
        'tasks',
        [...tasks, otherTask].map(({ id }) => id),
      ),
    ).toEqual([strategyId, strategyId, strategyId, 'default']);
    const document = `query ($id: ID!) { node(id: $id) {
      ... on StrategyReassignment { games { totalCount nodes { id } } } } }`;
    type Data = { node: { games: { totalCount: number; nodes: { id: string }[] } } };
    const { node } = await api.data<Data>(document, { id: done.reassignment?.id }, admin);
    expect(node.games.nodes.map(({ id }) => id).sort()).toEqual(games.map(({ id }) => id).sort());
  });

  test('keeps when the version that it archives was published', async () => {
    await moves.rollback({ strategyId: family[0].strategyId, toVersion: '1' }, admin);
    const [archived] = await api.database.query(
      `SELECT "publishedAt" = '2026-01-01T00:00:00Z' AS kept FROM strategydefinition WHERE id = $1`,
      [family[1].id],
    );
    expect(archived).toEqual({ kept: true });
  });

  test('leaves one audit row, of the module of custom strategies', async () => {
    const game = await alice.game({ strategyId: family[1].strategyId });
    await game.task({ strategyId: family[1].strategyId });
    const { reassignment } = await moves.rollback(
      { strategyId: family[1].strategyId, toVersion: '1' },
      admin,
    );
    expect(
      await api.database.query(
        `SELECT module, log_level, message, oauth_user_id, details FROM logs WHERE details->>'id' = $1`,
        [family[1].id],
      ),
    ).toEqual([
      {
        module: 'strategies_custom',
        log_level: 'SUCCESS',
        message: 'Strategy rolled back',
        oauth_user_id: 'the-admin',
        details: {
          id: family[1].id,
          target_version: 1,
          promoted_id: family[0].id,
          games_reassigned: 1,
          tasks_reassigned: 1,
          reassignment_id: reassignment?.id,
          admin: true,
        },
      },
    ]);
  });

  test('of a strategy that nothing uses: no record, and the audit row says so', async () => {
    expect(await moves.rollback({ strategyId: family[0].strategyId, toVersion: '1' }, admin)).toMatchObject({
      gameCount: 0,
      taskCount: 0,
      strategy: { id: family[0].strategyId },
      reassignment: null,
    });
    const [row] = await api.database.query<{ details: object }>(
      `SELECT details FROM logs WHERE details->>'id' = $1`,
      [family[0].id],
    );
    expect(row?.details).toMatchObject({ games_reassigned: 0, tasks_reassigned: 0, reassignment_id: null });
  });

  test('moves what is on the published version alone, not what is left on archived ones', async () => {
    const old = await alice.strategy({ name, version: 4, status: 'ARCHIVED' });
    const left = await alice.game({ strategyId: old.strategyId });
    expect(await moves.rollback({ strategyId: old.strategyId, toVersion: '1' }, admin)).toMatchObject({
      gameCount: 0,
    });
    expect(await strategyIds('games', [left.id])).toEqual([old.strategyId]);
  });

  test('meets the family alone: the same name in another realm, and another name, are other families', async () => {
    const bob = await rows.owner();
    const others = [
      await bob.strategy({ name, version: 1, status: 'PUBLISHED' }),
      await rows.strategy({ name, version: 1, status: 'PUBLISHED', realmId: null }),
      await alice.strategy({ name: `${name}-2`, version: 1, status: 'PUBLISHED' }),
    ];
    const games = await Promise.all(others.map(({ strategyId }) => rows.game({ strategyId })));
    const dump = `SELECT d.xmin::text, d::text FROM strategydefinition d WHERE id = ANY($1) ORDER BY id`;
    const before = await api.database.query(dump, [others.map(({ id }) => id)]);
    await moves.rollback({ strategyId: family[0].strategyId, toVersion: '1' }, admin);
    expect(await api.database.query(dump, [others.map(({ id }) => id)])).toEqual(before);
    expect(
      await strategyIds(
        'games',
        games.map(({ id }) => id),
      ),
    ).toEqual(others.map(({ strategyId }) => strategyId));
  });

  test('of a family without a realm goes by the name alone', async () => {
    const lost = { name: `lost-${randomUUID()}`, realmId: null };
    const target = await rows.strategy({ ...lost, version: 1, status: 'ARCHIVED' });
    const { strategyId } = await rows.strategy({ ...lost, version: 2 });
    expect(await moves.rollback({ strategyId, toVersion: '1' }, admin)).toMatchObject({
      strategy: { id: target.strategyId, status: 'PUBLISHED' },
    });
  });

  test('where GAME has left two published versions, archives both and moves what is on either', async () => {
    const twin = await alice.strategy({ name, version: 5, status: 'PUBLISHED' });
    const games = [
      await alice.game({ strategyId: family[1].strategyId }),
      await alice.game({ strategyId: twin.strategyId }),
    ];
    expect(await moves.rollback({ strategyId: twin.strategyId, toVersion: '1' }, admin)).toMatchObject({
      gameCount: 2,
    });
    expect(await statuses()).toEqual({ 1: 'PUBLISHED', 2: 'ARCHIVED', 3: 'DRAFT', 5: 'ARCHIVED' });
    const { strategyId } = family[0];
    expect(
      await strategyIds(
        'games',
        games.map(({ id }) => id),
      ),
    ).toEqual([strategyId, strategyId]);
  });

  test('cannot be undone: it is rolled back again instead', async () => {
    const game = await alice.game({ strategyId: family[1].strategyId });
    const { reassignment } = await moves.rollback(
      { strategyId: family[1].strategyId, toVersion: '1' },
      admin,
    );
    await expectNoWrite(async () => {
      const { codes, errors } = await moves.refusedUndo(reassignment?.id ?? '', admin);
      expect([codes, errors[0]?.message]).toEqual([['CONFLICT'], expect.stringMatching(/roll.*back/i)]);
    });
    const again = await moves.rollback({ strategyId: family[0].strategyId, toVersion: '2' }, admin);
    expect(again).toMatchObject({ gameCount: 1, strategy: { id: family[1].strategyId } });
    expect(await strategyIds('games', [game.id])).toEqual([family[1].strategyId]);
  });
});

describe('a rollback that is refused', () => {
  test('is for admins: everybody else is told so, whatever the strategy', async () => {
    const callers = [
      alice,
      await issuer.caller({ sub: 'the-admin' }),
      { ...(await issuer.caller({ sub: 'x' })), key: alice.key },
    ];
    await expectNoWrite(async () => {
      const answers: Answer[] = [];
      for (const as of callers) {
        for (const strategyId of [family[0].strategyId, `custom:${randomUUID()}`, 'default', 'garbage']) {
          const refusal = await moves.refusedRollback({ strategyId, toVersion: '1' }, as);
          expect(refusal.codes).toEqual(['FORBIDDEN']);
          answers.push(refusal);
        }
      }
      expect(new Set(answers.map(bytesOf)).size).toBe(1);
      const input = { strategyId: family[0].strategyId, toVersion: '1' };
      expect((await moves.refusedRollback(input, {})).codes).toEqual(['UNAUTHENTICATED']);
    });
  });

  test.each([
    ['an unknown strategy', () => `custom:${randomUUID()}`, '1'],
    ['a built-in strategy', () => 'default', '0.0.2'],
    ['an id without its prefix', () => family[0].id, '1'],
    ['an id in capitals', () => `custom:${family[0].id.toUpperCase()}`, '1'],
    ['garbage', () => 'custom:garbage', '1'],
    ['nothing', () => '', '1'],
    ['an unknown version', () => family[0].strategyId, '9'],
    ['a version in another form', () => family[0].strategyId, '01'],
    ['a version with a space', () => family[0].strategyId, '1 '],
    ['no version', () => family[0].strategyId, ''],
  ])('%s is NOT_FOUND', async (_name, strategyId, toVersion) => {
    await expectNoWrite(async () => {
      const refusal = await moves.refusedRollback({ strategyId: strategyId(), toVersion }, admin);
      expect(refusal.codes).toEqual(['NOT_FOUND']);
    });
  });

  test('a version that is published already is a CONFLICT', async () => {
    await expectNoWrite(async () => {
      const refusal = await moves.refusedRollback(
        { strategyId: family[0].strategyId, toVersion: '2' },
        admin,
      );
      expect(refusal.codes).toEqual(['CONFLICT']);
    });
  });

  test('a draft, which was never published, is BAD_USER_INPUT; so is what no text of PostgreSQL can be', async () => {
    await expectNoWrite(async () => {
      for (const [input, argument] of [
        [{ strategyId: family[0].strategyId, toVersion: '3' }, 'input.toVersion'],
        [{ strategyId: family[0].strategyId, toVersion: '\0' }, 'input.toVersion'],
        [{ strategyId: 'custom:\ud800', toVersion: '1' }, 'input.strategyId'],
      ] as const) {
        const { errors } = await moves.refusedRollback(input, admin);
        expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT', problems: [{ argument }] } }]);
      }
    });
  });
});

describe('rollbacks at the same time', () => {
  /** Starts rollbacks while their family is held, and lets go when all of them wait, so that they do meet. */
  async function meeting<Result>(count: number, work: () => Promise<Result>): Promise<Result> {
    const holder = new pg.Client({ connectionString: api.database.url, application_name: 'tests' });
    await holder.connect();
    try {
      await holder.query('BEGIN');
      await holder.query('SELECT FROM strategydefinition WHERE name = $1 FOR UPDATE', [name]);
      const result = work();
      await until(async () => {
        const waiting = await api.database.query(
          `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
        );
        // In the database, or, of one caller, before it takes a connection.
        return waiting.length + (await queued(api)) === count;
      });
      await holder.query('COMMIT');
      return await result;
    } finally {
      await holder.end();
    }
  }

  test('come one after the other: of two to the same version, the second finds it published', async () => {
    await alice.game({ strategyId: family[1].strategyId });
    const input = { strategyId: family[1].strategyId, toVersion: '1' };
    const answers = await meeting(2, () =>
      Promise.all([1, 2].map(() => api.query(ROLLBACK, { input }, admin))),
    );
    const codes = answers.map(({ body }) => body.errors?.[0]?.extensions.code ?? 'done').sort();
    expect(codes).toEqual(['CONFLICT', 'done']);
    expect(await statuses()).toEqual({ 1: 'PUBLISHED', 2: 'ARCHIVED', 3: 'DRAFT' });
  });

  test('to different versions leave one of them published, and every game on it', async () => {
    await alice.strategy({ name, version: 4, status: 'ARCHIVED' });
    const games = await Promise.all([1, 2, 3].map(() => alice.game({ strategyId: family[1].strategyId })));
    const done = await meeting(2, () =>
      Promise.all(
        ['1', '4'].map((toVersion) => moves.rollback({ strategyId: family[1].strategyId, toVersion }, admin)),
      ),
    );
    const published = Object.entries(await statuses()).filter(([, status]) => status === 'PUBLISHED');
    expect(published).toHaveLength(1);
    const last = done.find(({ strategy }) => strategy?.version === published[0]?.[0])?.strategy?.id;
    expect(
      await strategyIds(
        'games',
        games.map(({ id }) => id),
      ),
    ).toEqual([last, last, last]);
    expect(done.map(({ gameCount }) => gameCount)).toEqual([3, 3]);
  });
});

test('a rollback waits for GAME, which is publishing another version, and moves what GAME has put on it', async () => {
  const [first, second, third] = family;
  const game = await alice.game({ strategyId: second.strategyId });
  const gameOfGame = new pg.Client(api.database.url);
  await gameOfGame.connect();
  try {
    await gameOfGame.query('BEGIN');
    await gameOfGame.query(
      `UPDATE strategydefinition SET status = CASE version WHEN 2 THEN 'ARCHIVED' ELSE 'PUBLISHED' END
       WHERE name = $1 AND version IN (2, 3)`,
      [name],
    );
    await gameOfGame.query('UPDATE games SET "strategyId" = $1 WHERE id = $2', [third.strategyId, game.id]);
    const rollback = moves.rollback({ strategyId: first.strategyId, toVersion: '1' }, admin);
    await until(async () => {
      const [row] = await api.database.query<{ waiting: boolean }>(
        `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()) AS waiting`,
      );
      return row?.waiting === true;
    });
    await gameOfGame.query('COMMIT');
    expect(await rollback).toMatchObject({ gameCount: 1 });
  } finally {
    await gameOfGame.end();
  }
  expect(await statuses()).toEqual({ 1: 'PUBLISHED', 2: 'ARCHIVED', 3: 'ARCHIVED' });
  expect(await strategyIds('games', [game.id])).toEqual([first.strategyId]);
});

describe('while a strategy is rolled back and forth', () => {
  /** How long everybody is at it, in ms: at least, and at most where they come to little on a busy machine. */
  const [LEAST_MS, MOST_MS] = [3_000, 25_000];
  /** How often each must have had its turn. */
  const ENOUGH = {
    'rollback: done': 8,
    'create: done': 3,
    'create: BAD_USER_INPUT': 3,
    'patch: done': 3,
    'bulk: done': 2,
    'duplicate: done': 3,
  };

  test('nobody ever sees two published versions, or none, or a game or task on an archived one', async () => {
    const [first, second] = family;
    const source = `source-${randomUUID()}`;
    const games = await Promise.all(
      Array.from({ length: 20 }, () => alice.game({ strategyId: second.strategyId })),
    );
    await Promise.all(games.map((game) => game.task({ strategyId: second.strategyId })));
    const patched = await Promise.all([1, 2, 3].map(() => alice.game({ strategyId: source })));

    const versions = [first.strategyId, second.strategyId];
    /** Ways to end, by how often; anything but success and BAD_USER_INPUT is a failure. */
    const ends = new Map<string, number>();
    const lacking = (): string[] =>
      Object.entries(ENOUGH).flatMap(([end, times]) => ((ends.get(end) ?? 0) < times ? [end] : []));
    const start = performance.now();
    const isGoing = (): boolean => {
      const time = performance.now() - start;
      return time < LEAST_MS || (time < MOST_MS && lacking().length > 0);
    };
    const CREATE = 'mutation ($input: CreateGameInput!) { createGame(input: $input) { game { id } } }';
    const PATCH = 'mutation ($input: PatchGameInput!) { patchGame(input: $input) { game { id } } }';
    const DUPLICATE =
      'mutation ($input: DuplicateGameInput!) { duplicateGame(input: $input) { game { id } } }';
    const BULK = `mutation ($input: BulkUpdateStrategyIdInput!) { bulkUpdateStrategyId(input: $input) { count } }`;
    const act = async (what: string, document: string, input: object, as: Credentials): Promise<void> => {
      const { body } = await api.query(document, { input }, as);
      const end = `${what}: ${body.errors?.[0]?.extensions.code ?? 'done'}`;
      ends.set(end, (ends.get(end) ?? 0) + 1);
    };
    /** One of the two versions; which of them is published changes all the time. */
    let turn = 0;
    const version = (): string | undefined => versions[turn++ % 2];

    const rollBack = async (): Promise<void> => {
      for (let to = 1; isGoing(); to = 3 - to) {
        await act('rollback', ROLLBACK, { strategyId: first.strategyId, toVersion: String(to) }, admin);
      }
    };
    const create = async (): Promise<void> => {
      while (isGoing()) {
        const externalGameId = `created-${randomUUID()}`;
        await act('create', CREATE, { externalGameId, platform: 'web', strategyId: version() }, alice);
      }
    };
    const patch = async (): Promise<void> => {
      for (let index = 0; isGoing(); index++) {
        const id = patched[index % patched.length]?.id;
        await act('patch', PATCH, { id, strategyId: index % 3 === 0 ? 'default' : version() }, alice);
      }
    };
    const bulk = async (): Promise<void> => {
      while (isGoing()) {
        await alice.game({ strategyId: source });
        await act('bulk', BULK, { oldStrategyId: source, newStrategyId: version() }, alice);
      }
    };
    const duplicate = async (): Promise<void> => {
      for (let index = 0; isGoing(); index++) {
        const input = { id: games[index % games.length]?.id, externalGameId: `copy-${randomUUID()}` };
        await act('duplicate', DUPLICATE, input, alice);
      }
    };
    let looks = 0;
    const seen = new Set<string>();
    const look = async (): Promise<void> => {
      const observer = new pg.Client({ connectionString: api.database.url, application_name: 'tests' });
      await observer.connect();
      const on = (table: string): string =>
        `(SELECT count(*)::int FROM ${table} t JOIN strategydefinition d ON t."strategyId" = 'custom:' || d.id
          WHERE d.name = $1 AND d.status <> 'PUBLISHED')`;
      while (isGoing()) {
        const { rows: found } = await observer.query<Record<string, number>>(
          `SELECT (SELECT count(*)::int FROM strategydefinition WHERE name = $1 AND status = 'PUBLISHED') AS published,
             ${on('games')} AS games, ${on('tasks')} AS tasks`,
          [name],
        );
        seen.add(JSON.stringify(found[0]));
        looks++;
      }
      await observer.end();
    };
    await Promise.all([rollBack(), create(), create(), patch(), patch(), bulk(), duplicate(), look()]);

    expect([...seen]).toEqual(['{"published":1,"games":0,"tasks":0}']);
    const failures = [...ends].filter(([end]) => !/: (done|BAD_USER_INPUT)$/.test(end));
    expect(failures).toEqual([]);
    expect(ends.get('rollback: BAD_USER_INPUT')).toBeUndefined();
    expect(lacking()).toEqual([]);
    expect(looks).toBeGreaterThan(10);
    // What rollbacks say that they moved is what stands in their records.
    const [sums] = await api.database.query(
      `SELECT count(*)::int AS wrong FROM game_graphql_reassignments r WHERE r.games <>
         (SELECT count(*) FROM game_graphql_reassigned_games m WHERE m.reassignment_id = r.id)`,
    );
    expect(sums).toEqual({ wrong: 0 });
  });
});

test('the record of a rollback is shown to admins alone', async () => {
  await alice.game({ strategyId: family[1].strategyId });
  const { reassignment } = await moves.rollback({ strategyId: family[1].strategyId, toVersion: '1' }, admin);
  const document = `query ($id: ID!) { node(id: $id) { ... on StrategyReassignment { ${REASSIGNMENT} } } }`;
  const other = await issuer.admin('another-admin');
  expect(await api.data(document, { id: reassignment?.id }, other)).toEqual({ node: reassignment });
  expect(await api.data(document, { id: reassignment?.id }, alice)).toEqual({ node: null });
});
