import { beforeAll, expect, test } from '@jest/globals';
import { sqlState } from '../../src/errors.js';
import type { Variables } from '../support/api.js';
import type { Owner } from '../support/builders.js';
import { useApi } from '../support/use-api.js';

const WRITERS = 16;

const { api, rows } = useApi();
let alice: Owner;

beforeAll(async () => {
  alice = await rows.owner();
});

const PATCH = `mutation ($input: PatchGameInput!) { patchGame(input: $input) {
  game { version params { key } } changes { field before after } } }`;
const DELETE = `mutation ($input: DeleteGameInput!) { deleteGame(input: $input) {
  deleted { params tasks taskParams userPoints } } }`;
const CREATE = 'mutation ($input: CreateGameInput!) { createGame(input: $input) { game { id } } }';
const BULK = `mutation ($input: BulkUpdateStrategyIdInput!) { bulkUpdateStrategyId(input: $input) { count } }`;

/** What came of a write: its payload, or the code of its error. */
interface Outcome<Payload> {
  readonly payload: Payload | null;
  readonly code: string | null;
  readonly currentVersion: unknown;
}

async function write<Payload>(document: string, input: Variables, as = alice): Promise<Outcome<Payload>> {
  const { body } = await api.query(document, { input }, as);
  const extensions: { code: string; currentVersion?: unknown } | undefined = body.errors?.[0]?.extensions;
  const [payload = null] = Object.values(body.data ?? {}) as (Payload | null)[];
  return { payload, code: extensions?.code ?? null, currentVersion: extensions?.currentVersion };
}

interface Patched {
  readonly game: { readonly version: string; readonly params: readonly { readonly key: string }[] };
  readonly changes: readonly { readonly field: string; readonly before: string; readonly after: string }[];
}

const patch = (input: Variables): Promise<Outcome<Patched>> => write<Patched>(PATCH, input);

/** Runs them all at once. */
function atOnce<Result>(count: number, work: (index: number) => Promise<Result>): Promise<Result[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => work(index)));
}

/** How often a code came; successes are `ok`. */
function tally(outcomes: readonly Outcome<unknown>[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { code } of outcomes) counts[code ?? 'ok'] = (counts[code ?? 'ok'] ?? 0) + 1;
  return counts;
}

/** How often SQL of GAME's own succeeded; what it may fail with is that its parent is gone. */
async function insertAsGame(statement: string, id: string): Promise<number> {
  try {
    await api.database.query(statement, [id]);
    return 1;
  } catch (error) {
    if (sqlState(error) !== '23503') throw error;
    return 0;
  }
}

test(`of ${WRITERS} patches of one game at once none is lost, and each saw what the one before it had written`, async () => {
  const { id } = await alice.game({ platform: 'start' });
  const outcomes = await atOnce(WRITERS, (n) =>
    patch({ id, platform: `platform-${n}`, params: { add: [{ key: `param-${n}`, value: '' }] } }),
  );
  expect(tally(outcomes)).toEqual({ ok: WRITERS });

  // Each write took over from another: from the first value to the last in one chain.
  const next = new Map<string, string>();
  for (const { payload } of outcomes) {
    const [change] = payload?.changes ?? [];
    if (change) next.set(change.before, change.after);
  }
  let platform = 'start';
  let length = 0;
  for (let after = next.get(platform); after !== undefined; after = next.get(after)) {
    platform = after;
    length++;
  }
  expect(length).toBe(WRITERS);
  const document = 'query ($id: ID!) { game(id: $id) { version platform params { key } } }';
  const { game } = await api.data<{ game: Patched['game'] & { platform: string } }>(document, { id }, alice);
  expect(game.platform).toBe(platform);
  expect(game.params.map(({ key }) => key).sort()).toEqual(
    Array.from({ length: WRITERS }, (_, n) => `param-${n}`).sort(),
  );
  expect(new Set(outcomes.map(({ payload }) => payload?.game.version)).size).toBe(WRITERS);
  expect(outcomes.map(({ payload }) => payload?.game.version)).toContain(game.version);
});

test(`of ${WRITERS} patches for one version exactly one wins; the others are told the version to go on with`, async () => {
  const { id } = await alice.game();
  const document = 'query ($id: ID!) { game(id: $id) { version } }';
  const { game } = await api.data<{ game: { version: string } }>(document, { id }, alice);
  /** Who has won a version. */
  const winners = new Map<unknown, number[]>();
  await atOnce(WRITERS, async (n) => {
    let expectedVersion: unknown = game.version;
    for (let attempt = 0; attempt < WRITERS; attempt++) {
      const { code, currentVersion } = await patch({
        id,
        params: { add: [{ key: `param-${n}`, value: '' }] },
        expectedVersion,
      });
      if (code === null) {
        winners.set(expectedVersion, [...(winners.get(expectedVersion) ?? []), n]);
        return;
      }
      expect(code).toBe('CONFLICT');
      expect(currentVersion).not.toBe(expectedVersion);
      expectedVersion = currentVersion;
    }
  });
  // Everyone won once, and no version was won twice.
  expect([...winners.values()].flat().sort((a, b) => a - b)).toEqual(
    Array.from({ length: WRITERS }, (_, n) => n),
  );
  expect(winners.size).toBe(WRITERS);
});

test('a version and the data beside it are of one moment', async () => {
  const game = await alice.game({ platform: '0' });
  await game.param({ key: 'number', value: '0' });
  const state = { done: false };
  const writing = (async () => {
    for (let number = 1; number <= 60; number++) {
      // One transaction of GAME's.
      await api.database.query(
        `WITH g AS (UPDATE games SET platform = '${number}' WHERE id = '${game.id}')
         UPDATE gamesparams SET value = '${number}' WHERE "gameId" = '${game.id}'`,
      );
    }
    state.done = true;
  })();
  const document = 'query ($id: ID!) { game(id: $id) { platform params { value } version } }';
  const seen = new Map<string, Set<string>>();
  await atOnce(4, async () => {
    while (!state.done) {
      type Data = { game: { platform: string; params: { value: string }[]; version: string } };
      const { game: found } = await api.data<Data>(document, { id: game.id }, alice);
      expect(found.params).toEqual([{ value: found.platform }]);
      seen.set(found.version, (seen.get(found.version) ?? new Set()).add(found.platform));
    }
  });
  await writing;
  expect(seen.size).toBeGreaterThan(3);
  for (const platforms of seen.values()) expect(platforms.size).toBe(1);
});

test('a deletion at once with patches and with what GAME adds: all of it is deleted, or was refused', async () => {
  for (let round = 0; round < 12; round++) {
    const game = await alice.game();
    const { id } = game;
    const task = await game.task();
    const addParam = 'INSERT INTO gamesparams (id, key, "gameId") VALUES (gen_random_uuid(), \'k\', $1)';
    const addTask = `INSERT INTO tasks (id, "externalTaskId", "gameId", "strategyId", status)
      VALUES (gen_random_uuid(), 't', $1, 'default', 'open')`;
    const addPoints = 'INSERT INTO userpoints (id, points, "taskId") VALUES (gen_random_uuid(), 1, $1)';
    const add = [{ key: 'k', value: '' }];
    const [deletion, patches, params, tasks, points] = await Promise.all([
      write<{ deleted: object }>(DELETE, { id }),
      atOnce(4, () => patch({ id, params: { add } })),
      atOnce(3, () => insertAsGame(addParam, id)),
      atOnce(3, () => insertAsGame(addTask, id)),
      atOnce(3, () => insertAsGame(addPoints, task.id)),
    ]);
    const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
    const { ok = 0, NOT_FOUND: missed = 0 } = tally(patches);
    expect(ok + missed).toBe(4);
    // Whoever was told of a success came before the deletion, which took it along.
    expect(deletion).toMatchObject({
      code: null,
      payload: {
        deleted: { params: ok + sum(params), tasks: 1 + sum(tasks), taskParams: 0, userPoints: sum(points) },
      },
    });
    const left = await api.database.query(
      `SELECT (SELECT count(*)::int FROM gamesparams WHERE "gameId" = $1) AS params,
         (SELECT count(*)::int FROM tasks WHERE "gameId" = $1) AS tasks,
         (SELECT count(*)::int FROM userpoints WHERE "taskId" = $2) AS points`,
      [id, task.id],
    );
    expect(left).toEqual([{ params: 0, tasks: 0, points: 0 }]);
  }
});

test('of deletions of one game at once one succeeds, and the game is NOT_FOUND for the others', async () => {
  for (let round = 0; round < 4; round++) {
    const { id } = await (await alice.game()).withEverything();
    expect(tally(await atOnce(8, () => write(DELETE, { id })))).toEqual({ ok: 1, NOT_FOUND: 7 });
  }
});

test('of creations under one name at once one succeeds, and the others are a CONFLICT', async () => {
  const others = [alice, await rows.owner()];
  for (let round = 0; round < 4; round++) {
    const input = {
      externalGameId: `created-at-once-${round}`,
      platform: 'web',
      params: [{ key: 'k', value: 'v' }],
    };
    const outcomes = await atOnce(8, (n) => write<{ game: { id: string } }>(CREATE, input, others[n % 2]));
    expect(tally(outcomes)).toEqual({ ok: 1, CONFLICT: 7 });
    const params = await api.database.query(
      `SELECT g.id FROM games g JOIN gamesparams p ON p."gameId" = g.id WHERE g."externalGameId" = $1`,
      [input.externalGameId],
    );
    expect(params).toEqual([{ id: outcomes.find(({ payload }) => payload)?.payload?.game.id }]);
  }
});

test('moves in opposite directions over the same games, with patches between: all succeed, and the counts add up', async () => {
  const carol = await rows.owner();
  const games = await api.database.query<{ id: string }>(
    `INSERT INTO games (id, "externalGameId", platform, "strategyId", "apiKey_used", created_at)
     SELECT gen_random_uuid(), 'moved-' || n, 'web', CASE n % 2 WHEN 0 THEN 'default' ELSE 'socio_bee' END, $1,
       now() - n * interval '1 second'
     FROM generate_series(1, 400) n RETURNING id`,
    [carol.prefix],
  );
  /** How many games all writes took from `default` to `socio_bee`. */
  let moved = 0;
  const move = async (
    oldStrategyId: string,
    newStrategyId: string,
    sign: number,
    ids?: string[],
  ): Promise<void> => {
    const input = { oldStrategyId, newStrategyId, ids };
    const { code, payload } = await write<{ count: number }>(BULK, input, carol);
    expect(code).toBeNull();
    moved += sign * (payload?.count ?? 0);
  };
  const ids = games.slice(0, 300).map(({ id }) => id);
  await Promise.all([
    atOnce(8, (n) => move('default', 'socio_bee', 1, n % 2 ? ids : undefined)),
    atOnce(8, (n) => move('socio_bee', 'default', -1, n % 2 ? ids.toReversed() : undefined)),
    atOnce(12, async (n) => {
      const strategyId = n % 2 ? 'socio_bee' : 'default';
      const input = { id: games[n * 30]?.id, strategyId, platform: `platform-${n}` };
      const { code, payload } = await write<Patched>(PATCH, input, carol);
      expect(code).toBeNull();
      for (const { field, after } of payload?.changes ?? []) {
        if (field === 'strategyId') moved += after === 'socio_bee' ? 1 : -1;
      }
    }),
  ]);
  const [now] = await api.database.query(
    `SELECT count(*) FILTER (WHERE "strategyId" = 'socio_bee')::int AS there,
       count(*) FILTER (WHERE platform <> 'web')::int AS patched FROM games WHERE "apiKey_used" = $1`,
    [carol.prefix],
  );
  expect(now).toEqual({ there: 200 + moved, patched: 12 });
});

test('400 requests of two owners, mixed: nobody sees or changes a row of the other', async () => {
  const owners = [await rows.owner(), await rows.owner()] as const;
  const games = await Promise.all(
    owners.map(async (owner) => [await owner.game(), await owner.game()] as const),
  );
  const document = `query ($ids: [ID!]!) { viewer { apiKey } games { totalCount nodes { id owner { apiKey } } }
    gamesByIds(ids: $ids) { id } }`;
  const ids = games.flat().map(({ id }) => id);
  const queue = Array.from({ length: 400 }, (_, index) => index);
  await atOnce(WRITERS, async () => {
    for (let number = queue.pop(); number !== undefined; number = queue.pop()) {
      const which = number % 2;
      const [owner, own] = [owners[which], games[which]];
      if (owner === undefined || own === undefined) throw new Error('There are two owners.');
      // Every fifth also tries to change one of the four games.
      const target = ids[number % 4];
      const mayChange = own.some(({ id }) => id === target);
      const { code } =
        number % 5 === 0
          ? await write(PATCH, { id: target, platform: owner.prefix }, owner)
          : { code: mayChange ? null : 'NOT_FOUND' };
      expect(code).toBe(mayChange ? null : 'NOT_FOUND');
      expect(await api.data(document, { ids }, owner)).toEqual({
        viewer: { apiKey: owner.prefix },
        games: {
          totalCount: 2,
          nodes: [own[1], own[0]].map(() => ({ id: expect.any(String), owner: { apiKey: owner.prefix } })),
        },
        gamesByIds: ids.map((id) => (own.some((mine) => mine.id === id) ? { id } : null)),
      });
    }
  });
  const wrong = await api.database.query(
    `SELECT id FROM games WHERE id = ANY($1) AND platform NOT IN ('web', "apiKey_used")`,
    [ids],
  );
  expect(wrong).toEqual([]);
});
