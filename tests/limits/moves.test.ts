import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { startApi, type Api, type ApiOptions } from '../support/api.js';
import { rowsOf, type Owner, type Rows } from '../support/builders.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { send, type Sent } from '../support/leaving-client.js';
import { inUse, Lock, untilWaiting } from '../support/locks.js';

let database: TestDatabase;
let rows: Rows;
let alice: Owner;
let bob: Owner;

const cleanups: (() => Promise<unknown>)[] = [];
beforeEach(async () => {
  database = await createTestDatabase();
  cleanups.push(() => database.drop());
  rows = rowsOf(database);
  [alice, bob] = [await rows.owner(), await rows.owner()];
  await alice.game();
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** The server with six connections: two are reserved, and two are for moves. */
async function start(options: ApiOptions = {}): Promise<Api> {
  const api = await startApi({ database, ...options, env: { DATABASE_POOL_MAX: '6' } });
  cleanups.push(() => api.close());
  return api;
}

/** Keeps moves waiting, and no read. */
async function holdMoves(): Promise<Lock> {
  const lock = await Lock.ofTable(database, 'games', 'SHARE');
  cleanups.push(() => lock.release());
  return lock;
}

const move = (from: string, to: string, more = ''): string =>
  `mutation { bulkUpdateStrategyId(input: { oldStrategyId: "${from}", newStrategyId: "${to}"${more} }) { count } }`;
const FORTH = move('default', 'socio_bee');
const BACK = move('socio_bee', 'default');

async function countOf({ answer }: Sent): Promise<unknown> {
  return (await answer)?.body.data?.['bulkUpdateStrategyId'];
}

describe('a move of games waits for the other moves of its owner', () => {
  test('without a connection, and is done when these are done', async () => {
    const api = await start();
    const lock = await holdMoves();
    const first = send(api, FORTH, alice);
    await untilWaiting(api, 1, 0);
    const others = [BACK, FORTH].map((document) => send(api, document, alice));
    await untilWaiting(api, 1, 2);
    expect(await inUse(database)).toBe(1);
    await lock.release();
    expect(await Promise.all([first, ...others].map(countOf))).toEqual([
      { count: 1 },
      { count: 1 },
      { count: 1 },
    ]);
  });

  test('no longer than the server is patient, and is then to be tried again', async () => {
    const api = await start({ maxWaitMs: 50 });
    const lock = await holdMoves();
    const first = send(api, FORTH, alice);
    await untilWaiting(api, 1, 0);
    const { status, codes, headers } = await api.errors(BACK, {}, alice);
    expect({ status, codes }).toEqual({ status: 503, codes: ['SERVICE_UNAVAILABLE'] });
    expect(headers.get('retry-after')).toBe('1');
    await lock.release();
    expect(await countOf(first)).toEqual({ count: 1 });
    // The place of a move that was given up is free.
    expect(await api.data(BACK, {}, alice)).toEqual({ bulkUpdateStrategyId: { count: 1 } });
  });

  test('and is forgotten when its client goes away', async () => {
    const api = await start();
    const lock = await holdMoves();
    const first = send(api, FORTH, alice);
    await untilWaiting(api, 1, 0);
    const gone = send(api, BACK, alice);
    await untilWaiting(api, 1, 1);
    gone.leave();
    await untilWaiting(api, 1, 0);
    await lock.release();
    expect(await countOf(first)).toEqual({ count: 1 });
    expect(await api.data(move('socio_bee', 'default', ', dryRun: true'), {}, alice)).toEqual({
      bulkUpdateStrategyId: { count: 1 },
    });
  });

  test('unless it is a dry run', async () => {
    const api = await start();
    const lock = await holdMoves();
    const first = send(api, FORTH, alice);
    await untilWaiting(api, 1, 0);
    expect(await api.data(move('default', 'socio_bee', ', dryRun: true'), {}, alice)).toEqual({
      bulkUpdateStrategyId: { count: 1 },
    });
    await lock.release();
    await first.answer;
  });
});

test('a move waits ten seconds for the moves of other servers, and is then to be tried again', async () => {
  const api = await start({ statementTimeoutMs: 0 });
  const others = `SELECT pg_advisory_xact_lock(hashtextextended('game_graphql_moves', 0))`;
  const lock = await Lock.by(database, others);
  cleanups.push(() => lock.release());
  const { status, codes } = await api.errors(FORTH, {}, alice);
  expect({ status, codes }).toEqual({ status: 503, codes: ['SERVICE_UNAVAILABLE'] });
  await lock.release();
  expect(await api.data(FORTH, {}, alice)).toEqual({ bulkUpdateStrategyId: { count: 1 } });
});

test('moves of all owners take half of the connections at most; what is no move goes on', async () => {
  const api = await start();
  const lock = await holdMoves();
  const owners = [alice, bob, await rows.owner(), await rows.owner()];
  const moves = owners.map((owner) => send(api, FORTH, owner));
  await untilWaiting(api, 2, 2);
  expect(await inUse(database)).toBe(2);
  for (const owner of owners) {
    expect(await api.query('{ games { totalCount } }', {}, owner)).toMatchObject({ status: 200 });
  }
  await lock.release();
  for (const sent of moves) expect(await sent.answer).toMatchObject({ status: 200, body: { data: {} } });
});
