import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ANONYMOUS, type Caller } from '../../src/auth/caller.js';
import { readConfig } from '../../src/config.js';
import { openDatabase, type Database } from '../../src/database/database.js';
import { Game } from '../../src/domain/games/game.entity.js';
import { GameRepository } from '../../src/domain/games/game.repository.js';
import { Selection } from '../../src/sql-json/selection.js';
import { rowsOf, type Owner } from '../support/builders.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

// What has no way in over HTTP yet.

let store: TestDatabase;
let database: Database;
let games: GameRepository;
let alice: Owner;
let bob: Owner;

const { NOTHING } = Selection;
const COLUMNS = Selection.of('Game', { id: NOTHING, externalGameId: NOTHING, strategyId: NOTHING });
const CONNECTION = Selection.of('GameConnection', {
  totalCount: NOTHING,
  nodes: COLUMNS,
  pageInfo: Selection.of('PageInfo', { hasNextPage: NOTHING, hasPreviousPage: NOTHING, endCursor: NOTHING }),
});

beforeAll(async () => {
  store = await createTestDatabase();
  database = await openDatabase(readConfig({ DATABASE_URL: store.url }).database);
  games = database.em.fork().getRepository(Game);
  const rows = rowsOf(store);
  [alice, bob] = [await rows.owner(), await rows.owner()];
  for (const owner of [alice, bob]) {
    for (const [index, strategyId] of ['default', 'socio_bee', 'default'].entries()) {
      await owner.game({
        externalGameId: `${owner === alice ? 'alice' : 'bob'}-${index}`,
        strategyId,
        created_at: `2026-01-0${index + 1}T00:00:00Z`,
      });
    }
  }
});
afterAll(async () => {
  await database.close();
  await store.drop();
});

const key = ({ prefix }: Owner): Caller => ({ kind: 'apiKey', apiKey: prefix });
const admin: Caller = { kind: 'admin', apiKey: null, oauthUserId: 'boss' };

async function namesOn(strategyId: string, caller: Caller): Promise<unknown[]> {
  const found = await games.listByStrategyId(caller, strategyId, COLUMNS);
  return found.map((game) => game.get('externalGameId'));
}

test('the games on a strategy are those that the caller may see, newest first', async () => {
  expect(games).toBeInstanceOf(GameRepository);
  expect(await namesOn('default', key(alice))).toEqual(['alice-2', 'alice-0']);
  expect(await namesOn('socio_bee', key(bob))).toEqual(['bob-1']);
  expect(new Set(await namesOn('default', admin))).toEqual(new Set(['alice-0', 'alice-2', 'bob-0', 'bob-2']));
  expect(await namesOn('no-such-strategy', key(alice))).toEqual([]);
  expect(await namesOn('default', ANONYMOUS)).toEqual([]);
});

test('a caller with no identity gets an empty page without touching the database', async () => {
  const away = await openDatabase(
    readConfig({ DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' }).database,
  );
  try {
    const repository = away.em.fork().getRepository(Game);
    const page = await repository.getAllGames(ANONYMOUS, { first: 5 }, CONNECTION);
    expect(JSON.parse(page.text)).toEqual({
      totalCount: 0,
      nodes: [],
      pageInfo: { hasNextPage: false, hasPreviousPage: false, endCursor: null },
    });
    // The same question of a known caller does touch it.
    await expect(repository.getAllGames(key(alice), { first: 5 }, CONNECTION)).rejects.toThrow(
      'ECONNREFUSED',
    );
  } finally {
    await away.close();
  }
});

test('no ids, no statement; unknown, foreign, null and repeated ids do no harm', async () => {
  const [own = '', foreign = ''] = await Promise.all(
    [alice, bob].map(async (owner) => {
      const [game] = await games.listByStrategyId(key(owner), 'socio_bee', COLUMNS);
      return String(game?.get('id'));
    }),
  );
  const ids = [null, own, foreign, own, 'garbage', '00000000-0000-4000-8000-000000000000'];
  expect(await games.listExternalIds(key(alice), ids)).toEqual(new Map([[own, 'alice-1']]));
  const away = await openDatabase(
    readConfig({ DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' }).database,
  );
  try {
    expect(await away.em.fork().getRepository(Game).listExternalIds(key(alice), [null, 'x'])).toEqual(
      new Map(),
    );
  } finally {
    await away.close();
  }
});
