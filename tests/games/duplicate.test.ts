import { beforeAll, expect, test } from '@jest/globals';
import type { Credentials } from '../support/api.js';
import type { Game, Owner } from '../support/builders.js';
import { recordStatements } from '../support/statements.js';
import { useApiAndIssuer } from '../support/use-api.js';

const { api, issuer, rows } = useApiAndIssuer();
let alice: Owner;

beforeAll(async () => {
  alice = await rows.owner();
});

const CONTENT = `platform strategyId params { key value }
  tasks(first: 100) { nodes { externalTaskId status strategyId params { key value } } }
  leaderboard { totalCount }`;
const DUPLICATE = `mutation ($input: DuplicateGameInput!) { duplicateGame(input: $input) { game {
  id externalGameId createdAt updatedAt owner { apiKey oauthUserId } ${CONTENT} } } }`;

interface Copy {
  readonly id: string;
  readonly tasks: { readonly nodes: readonly object[] };
}

let unused = 0;
const newName = (): string => `copy-${++unused}`;

async function duplicate({ id }: Game, externalGameId: string, as: Credentials = alice): Promise<Copy> {
  const input = { id, externalGameId };
  const { duplicateGame } = await api.data<{ duplicateGame: { game: Copy } }>(DUPLICATE, { input }, as);
  return duplicateGame.game;
}

async function content(id: string): Promise<Copy> {
  const document = `query ($id: ID!) { game(id: $id) { ${CONTENT} } }`;
  return (await api.data<{ game: Copy }>(document, { id }, alice)).game;
}

async function expectNoWrite(work: () => Promise<void>): Promise<void> {
  const before = await api.database.dump();
  await work();
  expect(await api.database.dump()).toBe(before);
}

/** A game with rows that GAME lets be: equal times, no times, keys twice, tasks of one name. */
async function untidyGame(owner: Owner = alice): Promise<Game> {
  const game = await owner.game({
    platform: 'x'.repeat(150),
    strategyId: 'removed',
    externalGameId: `été ${newName()}`,
  });
  const created_at = '2026-01-01T00:00:00.123456Z';
  for (const value of ['1', '2', '3']) await game.param({ key: 'same', value, created_at });
  await game.param({ key: null, value: null, created_at: null });
  await game.param({ key: 'older', created_at: '2025-01-01T00:00:00Z' });
  const user = await rows.user();
  for (const [index, status] of ['pending', 'closed', 'open', 'closed'].entries()) {
    const task = await game.task({
      externalTaskId: 'same',
      status,
      strategyId: `strategy-${index}`,
      created_at: index < 2 ? created_at : null,
    });
    for (const value of ['b', 'a']) await task.param({ key: `key-${index}`, value, created_at });
    await task.points(user);
  }
  await game.userConfig(user);
  return game;
}

test('a copy has the params, the tasks, open, and their params, in the same order, and no points', async () => {
  const game = await untidyGame();
  const source = await content(game.id);
  const copy = await duplicate(game, 'copy-of-all');
  expect(copy).toEqual({
    ...source,
    id: expect.any(String),
    externalGameId: 'copy-of-all',
    createdAt: expect.any(String),
    updatedAt: expect.any(String),
    owner: { apiKey: alice.prefix, oauthUserId: null },
    tasks: { nodes: source.tasks.nodes.map((task) => ({ ...task, status: 'open' })) },
    leaderboard: { totalCount: 0 },
  });
  expect(source.tasks.nodes).toHaveLength(4);
  const left = await api.database.query(
    `SELECT (SELECT count(*)::int FROM usergameconfig WHERE "gameId" = $1) AS configs,
       (SELECT count(*)::int FROM userpoints p JOIN tasks t ON t.id = p."taskId" WHERE t."gameId" = $1) AS points`,
    [copy.id],
  );
  expect(left).toEqual([{ configs: 0, points: 0 }]);
});

/** Columns that a copy has of its own; all others it has from the original. A copied task is open. */
const OWN_COLUMNS: Readonly<Record<string, readonly string[]>> = {
  games: ['id', 'externalGameId', 'apiKey_used', 'oauth_user_id', 'created_at', 'updated_at'],
  gamesparams: ['id', 'gameId', 'apiKey_used', 'oauth_user_id', 'created_at', 'updated_at'],
  tasks: ['id', 'gameId', 'status', 'apiKey_used', 'oauth_user_id', 'created_at', 'updated_at'],
  tasksparams: ['id', 'taskId', 'apiKey_used', 'oauth_user_id', 'created_at', 'updated_at'],
};

/** A value that no column has by itself, by the type of the column. */
const VALUES: Readonly<Record<string, unknown>> = {
  'character varying': 'copied',
  text: 'copied',
  integer: 17,
  bigint: 17,
  boolean: true,
  json: { copied: true },
  jsonb: { copied: true },
  'timestamp with time zone': '2001-02-03T04:05:06.123456Z',
};

/** The one row that a game has in each table, by the name of the table. */
async function rowsOfGame(id: string): Promise<Record<string, Record<string, unknown>>> {
  const found = await api.database.query<{ name: string; row: Record<string, unknown> }>(
    `SELECT 'games' AS name, to_json(g) AS row FROM games g WHERE g.id = $1
     UNION ALL SELECT 'gamesparams', to_json(p) FROM gamesparams p WHERE p."gameId" = $1
     UNION ALL SELECT 'tasks', to_json(t) FROM tasks t WHERE t."gameId" = $1
     UNION ALL SELECT 'tasksparams', to_json(p) FROM tasksparams p JOIN tasks t ON t.id = p."taskId"
       WHERE t."gameId" = $1`,
    [id],
  );
  return Object.fromEntries(found.map(({ name, row }) => [name, row]));
}

test('a copy has every column of its tables from the original, but for those that are its own', async () => {
  const all = await api.database.query<{ table: string; name: string; type: string }>(
    `SELECT table_name AS table, column_name AS name, data_type AS type FROM information_schema.columns
     WHERE table_schema = 'public' AND table_name = ANY($1)`,
    [Object.keys(OWN_COLUMNS)],
  );
  const columns = all.filter(({ table, name }) => !OWN_COLUMNS[table]?.includes(name));
  expect(columns.filter(({ type }) => !(type in VALUES))).toEqual([]);
  const valuesOf = (table: string): Record<string, unknown> =>
    Object.fromEntries(
      columns.filter((column) => column.table === table).map(({ name, type }) => [name, VALUES[type]]),
    );
  const game = await alice.game(valuesOf('games'));
  await game.param(valuesOf('gamesparams'));
  await (await game.task(valuesOf('tasks'))).param(valuesOf('tasksparams'));

  const copy = await duplicate(game, newName());
  const [originals, copies] = [await rowsOfGame(game.id), await rowsOfGame(copy.id)];
  expect(Object.keys(copies).sort()).toEqual(Object.keys(OWN_COLUMNS).sort());
  const lost = columns.filter(
    ({ table, name }) => JSON.stringify(copies[table]?.[name]) !== JSON.stringify(originals[table]?.[name]),
  );
  const advice =
    'copy it in duplicateGame of src/domain/games/game.repository.ts, or add it to OWN_COLUMNS here';
  expect(lost.map(({ table, name }) => `${table}.${name} is lost: ${advice}`)).toEqual([]);
});

test('the original stays as it is', async () => {
  const game = await untidyGame();
  const state = async (): Promise<unknown> =>
    api.database.query(
      `SELECT g.xmin, g::text AS row, array(SELECT (p.xmin, p)::text FROM gamesparams p WHERE "gameId" = g.id) AS params,
         array(SELECT (t.xmin, t)::text FROM tasks t WHERE "gameId" = g.id) AS tasks FROM games g WHERE id = $1`,
      [game.id],
    );
  const before = await state();
  await duplicate(game, newName());
  expect(await state()).toEqual(before);
});

test("an admin's copy of anybody's game is the admin's", async () => {
  const bob = await rows.owner();
  const game = await untidyGame(bob);
  const copy = await duplicate(game, newName(), await issuer.admin('root'));
  expect(copy).toMatchObject({ owner: { apiKey: null, oauthUserId: 'root' } });
  const owners = await api.database.query(
    `SELECT DISTINCT "apiKey_used" AS key, oauth_user_id AS subject FROM
       (SELECT "apiKey_used", oauth_user_id FROM gamesparams WHERE "gameId" = $1
        UNION ALL SELECT "apiKey_used", oauth_user_id FROM tasks WHERE "gameId" = $1
        UNION ALL SELECT p."apiKey_used", p.oauth_user_id FROM tasksparams p JOIN tasks t ON t.id = p."taskId"
          WHERE t."gameId" = $1) rows`,
    [copy.id],
  );
  expect(owners).toEqual([{ key: null, subject: 'root' }]);
});

test.each(['ab', 'x'.repeat(61), 'with space', 'été', ''])(
  'the copy cannot be called %j: BAD_USER_INPUT, and nothing is written',
  async (externalGameId) => {
    const { id } = await alice.game();
    await expectNoWrite(async () => {
      const { errors } = await api.errors(DUPLICATE, { input: { id, externalGameId } }, alice);
      const problems = [{ argument: 'input.externalGameId', message: expect.any(String) }];
      expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT', problems } }]);
    });
  },
);

test('the copy cannot be called like any other game: CONFLICT, and nothing is written', async () => {
  const names = [newName(), newName()] as const;
  const game = await alice.game({ externalGameId: names[0] });
  await (await rows.owner()).game({ externalGameId: names[1] });
  await expectNoWrite(async () => {
    const [own, foreign] = [
      await api.errors(DUPLICATE, { input: { id: game.id, externalGameId: names[0] } }, alice),
      await api.errors(DUPLICATE, { input: { id: game.id, externalGameId: names[1] } }, alice),
    ];
    expect(own.codes).toEqual(['CONFLICT']);
    expect(foreign.text).toBe(own.text);
  });
});

test('a dry run says whether it can be done, and leaves nothing', async () => {
  const game = await untidyGame();
  const taken = newName();
  await alice.game({ externalGameId: taken });
  await expectNoWrite(async () => {
    const input = { id: game.id, dryRun: true };
    const name = { externalGameId: newName() };
    expect(await api.data(DUPLICATE, { input: { ...input, ...name } }, alice)).toEqual({
      duplicateGame: { game: null },
    });
    const { codes } = await api.errors(DUPLICATE, { input: { ...input, externalGameId: taken } }, alice);
    expect(codes).toEqual(['CONFLICT']);
  });
});

test('a copy leaves one row in the audit log', async () => {
  const game = await alice.game();
  const externalGameId = newName();
  const { id } = await duplicate(game, externalGameId);
  const log = await api.database.query(
    `SELECT message, details, "apiKey_used" AS key FROM logs WHERE details->>'game_id' = $1`,
    [id],
  );
  const details = { game_id: id, externalGameId, source_game_id: game.id };
  expect(log).toEqual([{ message: 'Game duplicated', details, key: alice.prefix }]);
});

test('the number of statements does not depend on how much is copied', async () => {
  const large = await alice.game();
  for (let number = 0; number < 30; number++) {
    await large.param();
    const task = await large.task();
    await Promise.all([task.param(), task.param()]);
  }
  const count = async (game: Game): Promise<number> =>
    (await recordStatements(api, () => duplicate(game, newName()))).length;
  const small = await count(await alice.game());
  expect(await count(large)).toBe(small);
});
