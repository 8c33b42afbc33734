import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { Answer, Variables } from '../support/api.js';
import type { Game, Owner } from '../support/builders.js';
import { useApi } from '../support/use-api.js';

const { api, rows } = useApi();
let alice: Owner;
let bob: Owner;

beforeEach(async () => {
  [alice, bob] = [await rows.owner(), await rows.owner()];
});

const GAME = `id externalGameId platform strategyId createdAt updatedAt version
  owner { apiKey oauthUserId } params { id key value }`;
const CREATE = `mutation ($input: CreateGameInput!) { createGame(input: $input) { game { ${GAME} } } }`;
const PATCH = `mutation ($input: PatchGameInput!) {
  patchGame(input: $input) { game { ${GAME} } changes { field before after } } }`;
const DELETE = `mutation ($input: DeleteGameInput!) { deleteGame(input: $input) {
  deletedGameId externalGameId deleted { params tasks taskParams userPoints userGameConfigs } } }`;
const DUPLICATE = `mutation ($input: DuplicateGameInput!) { duplicateGame(input: $input) { game { ${GAME} } } }`;
const BULK = `mutation ($input: BulkUpdateStrategyIdInput!) { bulkUpdateStrategyId(input: $input) { count } }`;
const READ = `query ($id: ID!) { game(id: $id) { ${GAME} } }`;

interface GameAnswer {
  readonly id: string;
  readonly externalGameId: string | null;
  readonly platform: string | null;
  readonly strategyId: string | null;
  readonly createdAt: string | null;
  readonly updatedAt: string | null;
  readonly version: string;
  readonly owner: { readonly apiKey: string | null; readonly oauthUserId: string | null };
  readonly params: readonly { readonly id: string; readonly key: string; readonly value: string }[];
}

async function read(id: string, as: Owner): Promise<GameAnswer> {
  const { game } = await api.data<{ game: GameAnswer }>(READ, { id }, as);
  return game;
}

async function create(input: Variables, as: Owner): Promise<GameAnswer> {
  const { createGame } = await api.data<{ createGame: { game: GameAnswer } }>(CREATE, { input }, as);
  return createGame.game;
}

async function patch(input: Variables, as: Owner): Promise<{ game: GameAnswer; changes: unknown[] }> {
  type Data = { patchGame: { game: GameAnswer; changes: unknown[] } };
  const { patchGame } = await api.data<Data>(PATCH, { input }, as);
  return patchGame;
}

async function bulk(oldStrategyId: string, newStrategyId: string, as: Owner): Promise<number> {
  type Data = { bulkUpdateStrategyId: { count: number } };
  const input = { oldStrategyId, newStrategyId };
  return (await api.data<Data>(BULK, { input }, as)).bulkUpdateStrategyId.count;
}

/** All that tells two answers apart, but when each was sent and the id that each has. */
function bytes({ status, headers, text }: Answer): string {
  return JSON.stringify([
    status,
    [...headers].filter(([name]) => !['date', 'x-request-id'].includes(name)),
    text,
  ]);
}

/** Expects that `work` writes nothing at all. */
async function expectNoWrite<Result>(work: () => Promise<Result>): Promise<Result> {
  const before = await api.database.dump();
  const result = await work();
  expect(await api.database.dump()).toBe(before);
  return result;
}

/** The audit log, oldest first. */
function auditLog(): Promise<Record<string, unknown>[]> {
  return api.database.query(
    `SELECT module, log_level, message, details, "apiKey_used", oauth_user_id FROM logs ORDER BY created_at`,
  );
}

/** What the audit log has more after `work`. */
async function audited(work: () => Promise<unknown>): Promise<Record<string, unknown>[]> {
  const { length } = await auditLog();
  await work();
  return (await auditLog()).slice(length);
}

let unused = 0;
const newName = (): string => `new-game-${++unused}`;

describe('who is asking', () => {
  test('a caller with a key is its public prefix', async () => {
    expect(await api.data('{ viewer { apiKey oauthUserId isAdmin } }', {}, alice)).toEqual({
      viewer: { apiKey: alice.prefix, oauthUserId: null, isAdmin: false },
    });
  });

  test('a caller without credentials is nobody', async () => {
    expect(await api.data('{ viewer { apiKey oauthUserId isAdmin } }')).toEqual({
      viewer: { apiKey: null, oauthUserId: null, isAdmin: false },
    });
  });
});

describe("what is the caller's own", () => {
  test('a game shows its row and its params, oldest first and undated last', async () => {
    const { id } = await alice.game({
      externalGameId: 'own-game',
      platform: 'android',
      strategyId: 'socio_bee',
      created_at: '2024-02-29T23:59:59.000001Z',
      updated_at: '2026-02-10T12:15:00.123456+02:00',
    });
    const row = { gameId: id, apiKey_used: alice.prefix };
    await rows.insert('gamesparams', { ...row, key: 'undated', value: 'True', created_at: null });
    await rows.insert('gamesparams', {
      ...row,
      key: 'k',
      value: "{'a': 1}",
      created_at: '2024-01-02T00:00Z',
    });
    await rows.insert('gamesparams', { ...row, key: 'k', value: null, created_at: '2024-01-01T00:00Z' });
    expect(await read(id, alice)).toEqual({
      id,
      externalGameId: 'own-game',
      platform: 'android',
      strategyId: 'socio_bee',
      createdAt: '2024-02-29T23:59:59.000001Z',
      updatedAt: '2026-02-10T10:15:00.123456Z',
      version: expect.any(String),
      owner: { apiKey: alice.prefix, oauthUserId: null },
      params: [
        { id: expect.any(String), key: 'k', value: null },
        { id: expect.any(String), key: 'k', value: "{'a': 1}" },
        { id: expect.any(String), key: 'undated', value: 'True' },
      ],
    });
  });

  test('lists hold the games of the caller alone, newest first', async () => {
    const old = await alice.game({ created_at: '2024-01-01T00:00Z' });
    await bob.game();
    await rows.game();
    await rows.game({ oauth_user_id: alice.prefix });
    const recent = await alice.game({ created_at: '2024-01-01T00:00:00.000001Z' });
    const document = `{ games { totalCount nodes { id } edges { node { id } }
      pageInfo { hasNextPage hasPreviousPage } } }`;
    expect(await api.data(document, {}, alice)).toEqual({
      games: {
        totalCount: 2,
        nodes: [{ id: recent.id }, { id: old.id }],
        edges: [{ node: { id: recent.id } }, { node: { id: old.id } }],
        pageInfo: { hasNextPage: false, hasPreviousPage: false },
      },
    });
  });

  test('games by ids keep the order and length of the ids, with null for what is not there', async () => {
    const [a, b, theirs] = [await alice.game(), await alice.game(), await bob.game()];
    const ids = [b.id, theirs.id, randomUUID(), a.id, 'garbage', b.id, a.id.toUpperCase()];
    expect(await api.data('query ($ids: [ID!]!) { gamesByIds(ids: $ids) { id } }', { ids }, alice)).toEqual({
      gamesByIds: [{ id: b.id }, null, null, { id: a.id }, null, { id: b.id }, null],
    });
  });

  test('external ids leave out what is not there and say each game once', async () => {
    const [a, b, theirs] = [
      await alice.game({ externalGameId: 'external-a' }),
      await alice.game({ externalGameId: null }),
      await bob.game(),
    ];
    const ids = [b.id, theirs.id, randomUUID(), a.id, 'garbage', b.id, a.id];
    const document = 'query ($ids: [ID!]!) { externalGameIds(ids: $ids) { gameId externalGameId } }';
    expect(await api.data(document, { ids }, alice)).toEqual({
      externalGameIds: [
        { gameId: b.id, externalGameId: null },
        { gameId: a.id, externalGameId: 'external-a' },
      ],
    });
  });

  test('reads leave no trace', async () => {
    const { id } = await (await alice.game({ externalGameId: 'left-alone' })).withEverything();
    const document = `query ($id: ID!) { viewer { apiKey } games { nodes { ${GAME} } } game(id: $id) { ${GAME} }
      gameByExternalId(externalGameId: "left-alone") { id } gamesByIds(ids: [$id]) { id }
      externalGameIds(ids: [$id]) { gameId } }`;
    await expectNoWrite(() => api.data(document, { id }, alice));
  });
});

describe("what is not the caller's", () => {
  /** Operations on one game that answer NOT_FOUND. */
  const refused: Record<string, readonly [document: string, variables: (id: string) => Variables]> = {
    game: [READ, (id) => ({ id })],
    'patchGame with nothing to change': [PATCH, (id) => ({ input: { id } })],
    'patchGame with good values': [PATCH, (id) => ({ input: { id, externalGameId: 'fine', platform: 'x' } })],
    'patchGame with bad values': [PATCH, (id) => ({ input: { id, externalGameId: '!', platform: '' } })],
    'patchGame with a taken externalGameId': [PATCH, (id) => ({ input: { id, externalGameId: 'taken' } })],
    'patchGame with a param': [
      PATCH,
      (id) => ({ input: { id, params: { add: [{ key: 'k', value: 'v' }], remove: [randomUUID()] } } }),
    ],
    'patchGame of a version': [PATCH, (id) => ({ input: { id, platform: 'x', expectedVersion: 'v' } })],
    deleteGame: [DELETE, (id) => ({ input: { id } })],
    'deleteGame of a version': [DELETE, (id) => ({ input: { id, expectedVersion: 'v' } })],
    duplicateGame: [DUPLICATE, (id) => ({ input: { id, externalGameId: 'fine' } })],
    'duplicateGame with a bad externalGameId': [DUPLICATE, (id) => ({ input: { id, externalGameId: '!' } })],
  };
  /** Operations that answer as if the game were not there, without an error. */
  const silent: Record<string, string> = {
    gamesByIds: 'query ($id: ID!) { gamesByIds(ids: [$id]) { id } }',
    externalGameIds: 'query ($id: ID!) { externalGameIds(ids: [$id]) { gameId externalGameId } }',
    node: 'query ($id: ID!) { node(id: $id) { id } }',
    nodes: 'query ($id: ID!) { nodes(ids: [$id]) { id } }',
    games: `query ($id: ID!) { games(filter: { id: { eq: $id } }) {
      totalCount nodes { id } edges { cursor } pageInfo { hasNextPage hasPreviousPage startCursor } } }`,
  };

  let taken: Game;
  beforeAll(async () => {
    taken = await rows.game({ externalGameId: 'taken' });
  });

  /** A stranger's game, nobody's game, a missing one, and what is no id. */
  async function namesOfNothing(): Promise<string[]> {
    const own = await alice.game();
    const theirs = await (await bob.game()).withEverything();
    const garbage = [own.id.toUpperCase(), `{${own.id}}`, own.id.replaceAll('-', ''), ` ${own.id}`];
    return [
      theirs.id,
      taken.id,
      randomUUID(),
      ...garbage,
      '',
      'garbage',
      '0'.repeat(36),
      "' OR true --",
      '%',
    ];
  }

  test.each(Object.entries(refused))(
    "%s: another owner's game is not found, as if it did not exist",
    async (_name, [document, variables]) => {
      const ids = await namesOfNothing();
      await expectNoWrite(async () => {
        const answers = await Promise.all(ids.map((id) => api.errors(document, variables(id), alice)));
        expect(answers[0]).toMatchObject({ status: 200, codes: ['NOT_FOUND'] });
        expect(answers[0]?.errors[0]?.message).toBe('Game not found.');
        expect(new Set(answers.map(bytes)).size).toBe(1);
      });
    },
  );

  test.each(Object.entries(silent))(
    "%s: another owner's game is left out, as if it did not exist",
    async (_name, document) => {
      const ids = await namesOfNothing();
      const answers = await Promise.all(ids.map((id) => api.query(document, { id }, alice)));
      expect(answers[0]?.body.errors).toBeUndefined();
      expect(answers[0]?.text).not.toContain(ids[0]);
      expect(new Set(answers.map(bytes)).size).toBe(1);
    },
  );

  test("gameByExternalId: another owner's game is not found, as if it did not exist", async () => {
    await bob.game({ externalGameId: 'of-bob' });
    const document = 'query ($name: String!) { gameByExternalId(externalGameId: $name) { id } }';
    const names = ['of-bob', 'taken', 'of-nobody', '', '%', 'OF-BOB'];
    const answers = await Promise.all(names.map((name) => api.errors(document, { name }, alice)));
    expect(answers[0]).toMatchObject({ status: 200, codes: ['NOT_FOUND'] });
    expect(new Set(answers.map(bytes)).size).toBe(1);
  });

  test("no filter finds another owner's game", async () => {
    const theirs = await bob.game({ externalGameId: 'filtered-for', platform: 'only-bob' });
    const filters = [
      { externalGameId: { eq: 'filtered-for' } },
      { platform: { startsWith: 'only' } },
      { ownerApiKey: { eq: bob.prefix } },
      { not: { ownerApiKey: { eq: alice.prefix } } },
      { or: [{ id: { in: [theirs.id] } }, { id: { isNull: false } }] },
    ];
    const document = 'query ($filter: GameFilter) { games(filter: $filter) { totalCount nodes { id } } }';
    for (const filter of filters) {
      expect(await api.data(document, { filter }, alice)).toEqual({ games: { totalCount: 0, nodes: [] } });
    }
  });

  test("another owner's cursor is of no use", async () => {
    await Promise.all([alice.game(), bob.game()]);
    type Data = { games: { pageInfo: { endCursor: string } } };
    const { games } = await api.data<Data>('{ games { pageInfo { endCursor } } }', {}, bob);
    const document = 'query ($after: String) { games(after: $after) { nodes { id } } }';
    const { codes } = await api.errors(document, { after: games.pageInfo.endCursor }, alice);
    expect(codes).toEqual(['BAD_USER_INPUT']);
  });

  test.each([
    ['createGame', CREATE, (externalGameId: string) => ({ externalGameId, platform: 'web' })],
    ['patchGame', PATCH, (externalGameId: string, id: string) => ({ id, externalGameId })],
    ['duplicateGame', DUPLICATE, (externalGameId: string, id: string) => ({ id, externalGameId })],
  ])('%s: an externalGameId that is taken is a CONFLICT, whoever has it', async (_name, document, input) => {
    const [ownName, theirName] = [newName(), newName()];
    await Promise.all([alice.game({ externalGameId: ownName }), bob.game({ externalGameId: theirName })]);
    const { id } = await alice.game();
    await expectNoWrite(async () => {
      const answers = [];
      for (const name of [ownName, theirName, 'taken']) {
        answers.push(await api.errors(document, { input: input(name, id) }, alice));
      }
      expect(answers[0]).toMatchObject({ status: 200, codes: ['CONFLICT'] });
      expect(new Set(answers.map(bytes)).size).toBe(1);
    });
  });
});

describe('createGame', () => {
  test('the game is stored as given, and belongs to the key that made it', async () => {
    const name = newName();
    const params = [
      { key: 'b', value: 'True' },
      { key: 'a', value: '' },
      { key: 'a', value: "'; DROP TABLE games; --" },
    ];
    const input = { externalGameId: name, platform: 'Plattform Ω 🎲', strategyId: 'socio_bee', params };
    const game = await create(input, alice);
    expect(game).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
      externalGameId: name,
      platform: 'Plattform Ω 🎲',
      strategyId: 'socio_bee',
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/),
      updatedAt: game.createdAt,
      version: expect.any(String),
      owner: { apiKey: alice.prefix, oauthUserId: null },
      params: params.map((param) => ({ id: expect.any(String), ...param })),
    });
    expect(Math.abs(Date.parse(game.createdAt ?? '') - Date.now())).toBeLessThan(60_000);
    expect(await read(game.id, alice)).toEqual(game);
    const stored = await api.database.query(
      `SELECT "apiKey_used", oauth_user_id FROM games WHERE id = $1
       UNION ALL SELECT "apiKey_used", oauth_user_id FROM gamesparams WHERE "gameId" = $1`,
      [game.id],
    );
    expect(stored).toEqual(Array(4).fill({ apiKey_used: alice.prefix, oauth_user_id: null }));
  });

  test.each([{}, { strategyId: null, params: null }, { params: [] }])(
    'what is not given has a default: %j',
    async (optional) => {
      const game = await create({ externalGameId: newName(), platform: 'web', ...optional }, alice);
      expect(game).toMatchObject({ strategyId: 'default', params: [] });
    },
  );

  test('nobody else can be named as the owner', async () => {
    const base = { externalGameId: newName(), platform: 'web' };
    for (const extra of [
      { apiKey_used: bob.prefix },
      { ownerApiKey: bob.prefix },
      { owner: { apiKey: 'x' } },
    ]) {
      const answer = await expectNoWrite(() => api.errors(CREATE, { input: { ...base, ...extra } }, alice));
      expect(answer).toMatchObject({ status: 400, codes: ['BAD_USER_INPUT'] });
    }
  });

  test('an external id may have 3 to 60 characters, a platform 1 to 100', async () => {
    const inputs = [
      { externalGameId: 'a-1', platform: 'x' },
      { externalGameId: '_'.repeat(60), platform: '🎲'.repeat(100) },
    ];
    for (const input of inputs) expect(await create(input, alice)).toMatchObject(input);
  });

  test.each([
    ['externalGameId', 'ab'],
    ['externalGameId', 'a'.repeat(61)],
    ['externalGameId', 'with space'],
    ['externalGameId', 'été'],
    ['externalGameId', 'line\n'],
    ['platform', ''],
    ['platform', 'x'.repeat(101)],
    ['strategyId', ''],
    ['strategyId', 'Default'],
    ['strategyId', 'custom:'],
  ])('%s cannot be %j, when a game is made or changed', async (field, value) => {
    const { id } = await alice.game();
    const good = { externalGameId: newName(), platform: 'web' };
    await expectNoWrite(async () => {
      for (const [document, input] of [
        [CREATE, { ...good, [field]: value }],
        [PATCH, { id, [field]: value }],
      ] as const) {
        const { status, errors } = await api.errors(document, { input }, alice);
        expect(status).toBe(200);
        expect(errors).toMatchObject([
          { extensions: { code: 'BAD_USER_INPUT', problems: [{ argument: `input.${field}` }] } },
        ]);
      }
    });
  });
});

describe('patchGame', () => {
  test('what is given is written, the rest stays, and updatedAt moves', async () => {
    const { id } = await alice.game({
      externalGameId: 'patched',
      platform: 'web',
      strategyId: 'default',
      created_at: '2024-02-29T23:59:59.123456Z',
      updated_at: '2024-02-29T23:59:59.123456Z',
    });
    const before = await read(id, alice);
    const { game, changes } = await patch({ id, platform: 'ios', strategyId: 'socio_bee' }, alice);
    expect(game).toEqual({
      ...before,
      platform: 'ios',
      strategyId: 'socio_bee',
      updatedAt: expect.any(String),
      version: expect.any(String),
    });
    expect(Math.abs(Date.parse(game.updatedAt ?? '') - Date.now())).toBeLessThan(60_000);
    expect(game.version).not.toBe(before.version);
    expect(changes).toEqual([
      { field: 'platform', before: 'web', after: 'ios' },
      { field: 'strategyId', before: 'default', after: 'socio_bee' },
    ]);
    expect(await read(id, alice)).toEqual(game);
  });

  test.each([
    {},
    { externalGameId: null, platform: null, strategyId: null, params: null },
    { params: { add: null, update: [], remove: null } },
    { externalGameId: 'unchanged', platform: 'web', strategyId: 'default' },
  ])('nothing to change: nothing is written, not even to the log: %j', async (input) => {
    const { id } = await alice.game({ externalGameId: 'unchanged' });
    const before = await read(id, alice);
    const answer = await expectNoWrite(() => patch({ id, ...input }, alice));
    expect(answer).toEqual({ game: before, changes: [] });
    await api.data(DELETE, { input: { id } }, alice);
  });

  test('null and left out stay as they are beside a change', async () => {
    const { id } = await alice.game({
      externalGameId: 'half-patched',
      platform: null,
      strategyId: 'socio_bee',
    });
    const { game } = await patch({ id, platform: 'tv', strategyId: null, externalGameId: null }, alice);
    expect(game).toMatchObject({ externalGameId: 'half-patched', platform: 'tv', strategyId: 'socio_bee' });
  });

  test('params are added, changed and removed, and the game counts as changed', async () => {
    const game = await alice.game({ updated_at: '2024-01-01T00:00Z' });
    const [kept, changed, removed] = [
      await game.param({ key: 'kept', value: '1', created_at: '2024-01-01T00:00Z' }),
      await game.param({ key: 'changed', value: '2', created_at: '2024-01-02T00:00Z' }),
      await game.param({ key: 'removed', value: '3', created_at: '2024-01-03T00:00Z' }),
    ];
    const before = await read(game.id, alice);
    const params = {
      add: [{ key: 'added', value: '4' }],
      update: [{ id: changed.id, value: 'two' }],
      remove: [removed.id],
    };
    const { game: after, changes } = await patch({ id: game.id, params }, alice);
    expect(after.params).toEqual([
      { id: kept.id, key: 'kept', value: '1' },
      { id: changed.id, key: 'changed', value: 'two' },
      { id: expect.any(String), key: 'added', value: '4' },
    ]);
    expect(after.version).not.toBe(before.version);
    expect(after.updatedAt).not.toBe(before.updatedAt);
    expect(changes).toEqual([
      { field: 'params.changed', before: '2', after: 'two' },
      { field: 'params.removed', before: '3', after: null },
      { field: 'params.added', before: null, after: '4' },
    ]);
  });

  test("a param of another game is not found, whoever's the game is", async () => {
    const game = await alice.game();
    const [mine, theirs] = [await alice.game(), await bob.game()];
    const ids = [(await mine.param()).id, (await theirs.param()).id, randomUUID(), 'garbage'];
    await expectNoWrite(async () => {
      const answers = [];
      for (const id of ids) {
        const update = { id: game.id, platform: 'tv', params: { update: [{ id, value: 'stolen' }] } };
        const remove = { id: game.id, platform: 'tv', params: { remove: [id] } };
        answers.push(await api.errors(PATCH, { input: update }, alice));
        answers.push(await api.errors(PATCH, { input: remove }, alice));
      }
      expect(answers[0]?.codes).toEqual(['NOT_FOUND']);
      expect(new Set(answers.map(bytes)).size).toBe(1);
    });
  });

  test('a change made for another version of the game is a CONFLICT that tells the current one', async () => {
    const { id } = await alice.game();
    const seen = await read(id, alice);
    const { game: current } = await patch({ id, platform: 'tv', expectedVersion: seen.version }, alice);
    await expectNoWrite(async () => {
      for (const [document, input] of [
        [PATCH, { id, platform: 'late', expectedVersion: seen.version }],
        [DELETE, { id, expectedVersion: seen.version }],
      ] as const) {
        const { status, errors } = await api.errors(document, { input }, alice);
        const extensions = { code: 'CONFLICT', currentVersion: current.version };
        expect({ status, errors }).toMatchObject({ status: 200, errors: [{ extensions }] });
      }
    });
  });
});

describe('deleteGame', () => {
  test('everything that belongs to the game goes with it, and nothing of any other game', async () => {
    const user = await rows.user();
    const others = [await alice.game(), await bob.game()];
    for (const other of others) await other.withEverything();
    const content = (): Promise<string> => api.database.dump({ except: ['logs'] });
    const before = await content();

    const game = await alice.game({ externalGameId: 'deleted' });
    await Promise.all([game.param(), game.param({ apiKey_used: bob.prefix }), game.userConfig(user)]);
    const tasks = [await game.task(), await game.task({ apiKey_used: null }), await game.task()];
    for (const task of tasks) {
      await Promise.all([task.param(), task.points(user), task.points(user, { apiKey_used: bob.prefix })]);
    }
    expect(await api.data(DELETE, { input: { id: game.id } }, alice)).toEqual({
      deleteGame: {
        deletedGameId: game.id,
        externalGameId: 'deleted',
        deleted: { params: 2, tasks: 3, taskParams: 3, userPoints: 6, userGameConfigs: 1 },
      },
    });
    expect(await content()).toBe(before);
    expect((await api.errors(READ, { id: game.id }, alice)).codes).toEqual(['NOT_FOUND']);
    expect((await api.errors(DELETE, { input: { id: game.id } }, alice)).codes).toEqual(['NOT_FOUND']);
  });
});

describe('duplicateGame', () => {
  test('the copy has params, tasks and their params, but no points, and belongs to the caller', async () => {
    const source = await alice.game({ platform: 'tv', strategyId: 'removed' });
    await source.param({ key: 'p', value: '1', apiKey_used: bob.prefix });
    const task = await source.task({ externalTaskId: 'walk', status: 'closed' });
    await task.param({ key: 't', value: '2' });
    await task.points(await rows.user());
    const content = (id: string): Promise<unknown> =>
      api.database.query(
        `SELECT g.platform, g."strategyId", p.key, p.value, t."externalTaskId", t.status, tp.key || tp.value AS task_param,
           (SELECT count(*)::int FROM userpoints up WHERE up."taskId" = t.id) AS points,
           ARRAY[g."apiKey_used", p."apiKey_used", t."apiKey_used", tp."apiKey_used"] AS owners
         FROM games g JOIN gamesparams p ON p."gameId" = g.id JOIN tasks t ON t."gameId" = g.id
           JOIN tasksparams tp ON tp."taskId" = t.id WHERE g.id = $1`,
        [id],
      );
    const before = await content(source.id);
    const input = { id: source.id, externalGameId: newName() };
    const copy = await api.data<{ duplicateGame: { game: GameAnswer } }>(DUPLICATE, { input }, alice);
    const { game } = copy.duplicateGame;
    expect(game).toMatchObject({ externalGameId: input.externalGameId, platform: 'tv' });
    expect(game.id).not.toBe(source.id);
    expect(await content(source.id)).toEqual(before);
    expect(await content(game.id)).toEqual([
      {
        ...{ platform: 'tv', strategyId: 'removed', key: 'p', value: '1' },
        ...{ externalTaskId: 'walk', status: 'open', task_param: 't2', points: 0 },
        owners: Array(4).fill(alice.prefix),
      },
    ]);
  });
});

describe('bulkUpdateStrategyId', () => {
  test('moves the games of the caller and no other, and answers how many', async () => {
    const created = '2024-02-29T23:59:59.123456Z';
    const old = { strategyId: 'removed-strategy', created_at: created, updated_at: created };
    const moved = [await alice.game(old), await alice.game(old)];
    const kept = [
      await alice.game({ ...old, strategyId: 'socio_bee' }),
      await bob.game(old),
      await rows.game(old),
    ];
    const rowsAt = (games: readonly Game[]): Promise<Record<string, unknown>[]> =>
      api.database.query('SELECT xmin::text, g::text FROM games g WHERE id = ANY($1) ORDER BY id', [
        games.map(({ id }) => id),
      ]);
    const before = await rowsAt(kept);
    expect(await bulk('removed-strategy', 'greencrowdStrategy', alice)).toBe(2);
    for (const { id } of moved) {
      const game = await read(id, alice);
      expect(game).toMatchObject({ strategyId: 'greencrowdStrategy', createdAt: created });
      expect(Math.abs(Date.parse(game.updatedAt ?? '') - Date.now())).toBeLessThan(60_000);
    }
    expect(await rowsAt(kept)).toEqual(before);
  });

  test("a strategy that only another owner's games are on is a strategy without games", async () => {
    await bob.game({ strategyId: 'only-of-bob' });
    await expectNoWrite(async () => {
      const answers = [];
      for (const oldStrategyId of ['only-of-bob', 'of-nobody', '']) {
        const input = { oldStrategyId, newStrategyId: 'default' };
        answers.push(await api.query(BULK, { input }, alice));
      }
      expect(answers[0]?.body).toEqual({ data: { bulkUpdateStrategyId: { count: 0 } } });
      expect(new Set(answers.map(bytes)).size).toBe(1);
    });
  });

  test('with ids, moves those of the games alone; without any of them nothing', async () => {
    const [a, b, theirs] = [
      await alice.game({ strategyId: 'picked-from' }),
      await alice.game({ strategyId: 'picked-from' }),
      await bob.game({ strategyId: 'picked-from' }),
    ];
    const move = (ids: string[]): Promise<unknown> => {
      const input = { oldStrategyId: 'picked-from', newStrategyId: 'default', ids };
      return api.data(BULK, { input }, alice);
    };
    for (const ids of [[], [theirs.id], ['garbage']]) {
      const answer = await expectNoWrite(() => move(ids));
      expect(answer).toEqual({ bulkUpdateStrategyId: { count: 0 } });
    }
    expect(await move([b.id, theirs.id, b.id])).toEqual({ bulkUpdateStrategyId: { count: 1 } });
    expect([(await read(a.id, alice)).strategyId, (await read(b.id, alice)).strategyId]).toEqual([
      'picked-from',
      'default',
    ]);
  });

  test('more than atMost: nothing is written, and the message says how many there are', async () => {
    await Promise.all([1, 2, 3].map(() => alice.game({ strategyId: 'counted' })));
    const input = { oldStrategyId: 'counted', newStrategyId: 'default' };
    await expectNoWrite(async () => {
      for (const atMost of [0, 2]) {
        const { codes, errors } = await api.errors(BULK, { input: { ...input, atMost } }, alice);
        expect(codes).toEqual(['LIMIT_EXCEEDED']);
        expect(errors[0]?.message).toMatch(new RegExp(`3 games.*${atMost}`));
      }
    });
    expect(await api.data(BULK, { input: { ...input, atMost: 3 } }, alice)).toEqual({
      bulkUpdateStrategyId: { count: 3 },
    });
  });

  test.each([
    ['the same strategy', 'default', 'default'],
    ['an unknown strategy', 'default', 'no-such-strategy'],
  ])('%s is no target', async (_name, oldStrategyId, newStrategyId) => {
    await alice.game();
    await expectNoWrite(async () => {
      const { errors } = await api.errors(BULK, { input: { oldStrategyId, newStrategyId } }, alice);
      expect(errors).toMatchObject([
        { extensions: { code: 'BAD_USER_INPUT', problems: [{ argument: 'input.newStrategyId' }] } },
      ]);
    });
  });
});

describe('a dry run', () => {
  test('answers what would happen, with no object that has an identity, and writes nothing', async () => {
    const game = await (await alice.game({ strategyId: 'dry' })).withEverything();
    const { id } = game;
    const name = newName();
    const dryRun = true;
    await expectNoWrite(async () => {
      const created = { input: { externalGameId: name, platform: 'web', dryRun } };
      expect(await api.data(CREATE, created, alice)).toEqual({ createGame: { game: null } });
      const patched = { input: { id, platform: 'tv', dryRun } };
      expect(await api.data(PATCH, patched, alice)).toEqual({
        patchGame: { game: null, changes: [{ field: 'platform', before: 'web', after: 'tv' }] },
      });
      expect(await api.data(DELETE, { input: { id, dryRun } }, alice)).toEqual({
        deleteGame: {
          deletedGameId: null,
          externalGameId: expect.stringMatching(/^game-/),
          deleted: { params: 1, tasks: 1, taskParams: 1, userPoints: 1, userGameConfigs: 1 },
        },
      });
      const duplicated = { input: { id, externalGameId: name, dryRun } };
      expect(await api.data(DUPLICATE, duplicated, alice)).toEqual({ duplicateGame: { game: null } });
      const moved = { input: { oldStrategyId: 'dry', newStrategyId: 'default', dryRun } };
      expect(await api.data(BULK, moved, alice)).toEqual({ bulkUpdateStrategyId: { count: 1 } });
    });
  });

  test('fails as the write itself would', async () => {
    const { id } = await alice.game();
    const taken = 'dry-taken';
    await bob.game({ externalGameId: taken });
    const bad = { oldStrategyId: 'x', newStrategyId: 'x' };
    await expectNoWrite(async () => {
      for (const [document, input] of [
        [CREATE, { externalGameId: taken, platform: 'web' }],
        [CREATE, { externalGameId: '!', platform: '' }],
        [PATCH, { id, externalGameId: taken }],
        [PATCH, { id: randomUUID(), platform: 'tv' }],
        [DELETE, { id: randomUUID() }],
        [DUPLICATE, { id, externalGameId: taken }],
        [BULK, bad],
      ] as const) {
        const [dry, real] = [
          await api.errors(document, { input: { ...input, dryRun: true } }, alice),
          await api.errors(document, { input }, alice),
        ];
        expect(bytes(dry)).toBe(bytes(real));
      }
    });
  });
});

describe('custom strategies', () => {
  test("a published one of the caller's realm can be assigned in every way", async () => {
    const { strategyId } = await alice.strategy();
    const created = await create({ externalGameId: newName(), platform: 'web', strategyId }, alice);
    expect(created.strategyId).toBe(strategyId);
    const { id } = await alice.game({ strategyId: 'greengageStrategy' });
    expect((await patch({ id, strategyId }, alice)).game.strategyId).toBe(strategyId);
    await alice.game({ strategyId: 'getis_ord_gi_star' });
    expect(await bulk('getis_ord_gi_star', strategyId, alice)).toBe(1);
  });

  test('a draft, an archived one, one of another realm and an unknown one are one answer', async () => {
    const { id } = await alice.game({ strategyId: 'moved-from' });
    const unassignable = [
      await alice.strategy({ status: 'DRAFT' }),
      await alice.strategy({ status: 'ARCHIVED' }),
      await alice.strategy({ status: 'published' }),
      await alice.strategy({ realmId: null }),
      await bob.strategy(),
      await rows.strategy({ realmId: 'GameRealm', apiKey_used: alice.prefix }),
    ].map(({ strategyId }) => strategyId);
    const own = (await alice.strategy()).strategyId;
    const unknown = [
      `custom:${randomUUID()}`,
      own.toUpperCase(),
      own.slice('custom:'.length),
      `${own} `,
      'custom:x',
    ];
    await expectNoWrite(async () => {
      for (const [document, argument, input] of [
        [CREATE, 'strategyId', { externalGameId: newName(), platform: 'web' }],
        [PATCH, 'strategyId', { id }],
        [BULK, 'newStrategyId', { oldStrategyId: 'moved-from' }],
      ] as const) {
        const answers = [];
        for (const strategyId of [...unassignable, ...unknown]) {
          answers.push(await api.errors(document, { input: { ...input, [argument]: strategyId } }, alice));
        }
        expect(answers[0]?.errors).toMatchObject([
          { extensions: { code: 'BAD_USER_INPUT', problems: [{ argument: `input.${argument}` }] } },
        ]);
        expect(new Set(answers.map(bytes)).size).toBe(1);
      }
    });
  });
});

describe('rows that break the rules', () => {
  const broken: Record<string, Record<string, string | null>> = {
    'an empty external id': { externalGameId: '' },
    'an external id with spaces and accents': { externalGameId: ' Été — 100% ' },
    'a strategy that was removed': { strategyId: 'removed-strategy' },
    'a custom strategy that is gone': { strategyId: `custom:${randomUUID()}` },
    'a platform that is too long': { platform: 'x'.repeat(300) },
    'nothing at all': {
      ...{ externalGameId: null, strategyId: null, platform: null },
      ...{ created_at: null, updated_at: null },
    },
  };

  test.each(Object.entries(broken))(
    '%s: can be read, changed elsewhere and deleted',
    async (_name, columns) => {
      const { id } = await alice.game(columns);
      const [stored] = await api.database.query<GameAnswer>(
        'SELECT "externalGameId", platform, "strategyId" FROM games WHERE id = $1',
        [id],
      );
      const game = await read(id, alice);
      const dates = 'created_at' in columns ? { createdAt: null, updatedAt: null } : {};
      expect(game).toMatchObject({ ...stored, ...dates });

      const elsewhere = 'platform' in columns ? { strategyId: 'socio_bee' } : { platform: 'elsewhere' };
      const same = {
        externalGameId: game.externalGameId,
        platform: game.platform,
        strategyId: game.strategyId,
      };
      const { game: patched } = await patch({ id, ...same, ...elsewhere }, alice);
      expect(patched).toMatchObject({ ...stored, ...elsewhere, createdAt: game.createdAt });
      expect(patched.updatedAt).not.toBeNull();

      expect(await api.data(DELETE, { input: { id } }, alice)).toMatchObject({
        deleteGame: { deletedGameId: id },
      });
    },
  );
});

describe('the audit log', () => {
  test('every write leaves one row, of the one who made it', async () => {
    const entry = (message: string, details: unknown): unknown => ({
      ...{ module: 'game', log_level: 'SUCCESS', apiKey_used: alice.prefix, oauth_user_id: null },
      ...{ message, details },
    });
    const [name, copyName] = [newName(), newName()];
    let id = '';
    const params = [{ key: 'k', value: 'v' }];
    const created = await audited(async () => {
      ({ id } = await create({ externalGameId: name, platform: 'web', params }, alice));
    });
    expect(created).toEqual([
      entry('Game created', {
        ...{ game_id: id, externalGameId: name, platform: 'web', strategyId: 'default', params: 1, tasks: 0 },
      }),
    ]);
    expect(await audited(() => patch({ id, platform: 'tv', params: { add: params } }, alice))).toEqual([
      entry('Game updated', {
        game_id: id,
        changes: [
          { field: 'platform', before: 'web', after: 'tv' },
          { field: 'params.k', before: null, after: 'v' },
        ],
      }),
    ]);
    const duplicate = { input: { id, externalGameId: copyName } };
    expect(await audited(() => api.data(DUPLICATE, duplicate, alice))).toEqual([
      entry('Game duplicated', { game_id: expect.any(String), externalGameId: copyName, source_game_id: id }),
    ]);
    expect(await audited(() => bulk('default', 'socio_bee', alice))).toEqual([
      entry(
        'Strategy reassigned',
        expect.objectContaining({ old_strategy_id: 'default', games_reassigned: 2 }),
      ),
    ]);
    const deleted = { params: 2, tasks: 0, taskParams: 0, userPoints: 0, userGameConfigs: 0 };
    expect(await audited(() => api.data(DELETE, { input: { id } }, alice))).toEqual([
      entry('Game deleted', { game_id: id, externalGameId: name, deleted }),
    ]);
  });
});

describe('a write that fails half-way', () => {
  const writes: Record<string, (game: Game) => readonly [document: string, input: Variables]> = {
    createGame: () => [
      CREATE,
      { externalGameId: newName(), platform: 'web', params: [{ key: 'k', value: 'v' }] },
    ],
    patchGame: ({ id }) => [PATCH, { id, platform: 'tv', params: { add: [{ key: 'k', value: 'v' }] } }],
    deleteGame: ({ id }) => [DELETE, { id }],
    duplicateGame: ({ id }) => [DUPLICATE, { id, externalGameId: newName() }],
    bulkUpdateStrategyId: () => [BULK, { oldStrategyId: 'default', newStrategyId: 'socio_bee' }],
  };

  test.each(Object.entries(writes))('%s: leaves nothing behind', async (_name, write) => {
    const game = await (await alice.game()).withEverything();
    const [document, input] = write(game);
    // The log is written last.
    await api.database.query(
      `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no more paper'; END $$;
       CREATE TRIGGER refuse BEFORE INSERT ON logs FOR EACH ROW EXECUTE FUNCTION refuse()`,
    );
    try {
      await expectNoWrite(async () => {
        const { codes, text } = await api.errors(document, { input }, alice);
        expect(codes).toEqual(['INTERNAL_SERVER_ERROR']);
        expect(text).not.toContain('paper');
      });
    } finally {
      await api.database.query('DROP TRIGGER refuse ON logs; DROP FUNCTION refuse()');
    }
    await api.data(document, { input }, alice);
  });
});
