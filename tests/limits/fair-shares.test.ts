import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { FairSemaphore } from '../../src/database/fair-semaphore.js';
import { Work } from '../../src/database/work.js';
import { startApi, type Api, type ApiOptions } from '../support/api.js';
import { rowsOf, type Owner, type Rows } from '../support/builders.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { send, type Sent } from '../support/leaving-client.js';
import { inUse, Lock, untilWaiting, waitingForLocks } from '../support/locks.js';
import { health } from '../support/process.js';
import { recordStatements } from '../support/statements.js';
import { times } from '../support/texts.js';

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
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(poolMax: number, options: ApiOptions = {}): Promise<Api> {
  const api = await startApi({ database, ...options, env: { DATABASE_POOL_MAX: String(poolMax) } });
  cleanups.push(() => api.close());
  return api;
}

/** Keeps all that reads games waiting. */
async function holdGames(): Promise<Lock> {
  const lock = await Lock.ofTable(database, 'games');
  cleanups.push(() => lock.release());
  return lock;
}

/** A read that waits for the lock, and whose statement has this name in it. */
const slow = (name = 'slow'): string => `{ games { ${name}: totalCount } }`;
/** A read of something else. */
const QUICK = '{ strategies { totalCount } }';

function sendMany(api: Api, count: number, as: Owner): Sent[] {
  return Array.from({ length: count }, () => send(api, slow(), as));
}

async function expectAnswered(sent: readonly Sent[]): Promise<void> {
  for (const { answer } of sent) expect(await answer).toMatchObject({ status: 200, body: { data: {} } });
}

describe('of ten connections', () => {
  test('one caller holds three at a time, and the reads of another go through at once', async () => {
    const api = await start(10);
    const lock = await holdGames();
    const reads = sendMany(api, 20, alice);
    await untilWaiting(api, 3, 17);
    expect(await api.query(QUICK, {}, bob)).toMatchObject({ status: 200 });
    expect(await api.query(QUICK, {}, await rows.owner())).toMatchObject({ status: 200 });
    expect(await waitingForLocks(database)).toBe(3);
    await lock.release();
    await expectAnswered(reads);
  });

  test('all callers together hold eight; keys that were never seen are found, and the server is ready', async () => {
    const api = await start(10);
    const lock = await holdGames();
    const reads = [];
    for (const owner of [alice, bob, await rows.owner()]) reads.push(...sendMany(api, 5, owner));
    await untilWaiting(api, 8, 7);
    expect(await inUse(database)).toBe(8);
    const stranger = await rows.owner();
    expect((await api.data('{ viewer { apiKey } }', {}, stranger))['viewer']).toEqual({
      apiKey: stranger.prefix,
    });
    expect(await api.errors('{ viewer { apiKey } }', {}, { key: `${stranger.key}x` })).toMatchObject({
      status: 401,
    });
    expect([await health(api.origin, 'ready'), await health(api.origin, 'live')]).toEqual([200, 200]);
    await lock.release();
    await expectAnswered(reads);
  });

  test('writes take part in the share of their caller, each with one connection for all that it does', async () => {
    const api = await start(10);
    const lock = await holdGames();
    const writes = Array.from({ length: 6 }, (_, index) =>
      send(
        api,
        `mutation { createGame(input: { externalGameId: "game-of-${index}", platform: "web" }) { game { id } } }`,
        alice,
      ),
    );
    const reads = sendMany(api, 2, alice);
    await untilWaiting(api, 3, 5);
    expect(await api.query(QUICK, {}, bob)).toMatchObject({ status: 200 });
    await lock.release();
    await expectAnswered([...writes, ...reads]);
  });
});

/** It costs 363 for each game: with 100 games, the largest page, it is expensive; with 40 it is not. */
const TASKS = `query ($first: Int!) {
  games(first: $first) { nodes { tasks(first: 60) { nodes { id externalTaskId status createdAt } } } }
}`;

/** It costs 1,924 for each game: with 100 games it is expensive, with 10 it is not; with more tasks it could cost too much. */
const FIELDS = `query ($first: Int!, $tasks: Int = 60) {
  games(first: $first) { nodes { tasks(first: $tasks) { nodes { ${times(30, (index) => `s${index}: status`)} } } } }
}`;

describe.each([
  ['whatever its variables are', TASKS, 40],
  ['by its variables', FIELDS, 10],
])('of one caller, where an operation is within the limit %s', (_why, document, few) => {
  for (const isKnown of [false, true]) {
    test(`one expensive operation runs at a time, beside others; it is ${isKnown ? 'known' : 'new'}`, async () => {
      const api = await start(10);
      if (isKnown) for (let time = 1; time <= 3; time++) await api.data(document, { first: 1 }, alice);
      const lock = await holdGames();
      const sendOf = (first: number): Sent => send(api, document, alice, { first });
      const expensive = Array.from({ length: 5 }, () => sendOf(100));
      await untilWaiting(api, 1, 4);
      const others = Array.from({ length: 4 }, () => sendOf(few));
      await untilWaiting(api, 4, 5);
      const ofBob = send(api, document, bob, { first: 100 });
      await untilWaiting(api, 5, 5);
      await lock.release();
      await expectAnswered([...expensive, ...others, ofBob]);
    });
  }
});

test('who waits longer than the server lets anyone wait is told to try again', async () => {
  const api = await start(10, { maxWaitMs: 200 });
  const lock = await holdGames();
  const reads = sendMany(api, 3, alice);
  await untilWaiting(api, 3, 0);
  const { status, codes, headers } = await api.errors(slow(), {}, alice);
  expect({ status, codes }).toEqual({ status: 503, codes: ['SERVICE_UNAVAILABLE'] });
  expect(headers.get('retry-after')).toBe('1');
  expect(await api.query(QUICK, {}, bob)).toMatchObject({ status: 200 });
  // What holds its connections already is not given up.
  await lock.release();
  await expectAnswered(reads);
});

/** The names of the reads that were run, in their order. */
async function namesOfReads(api: Api, run: () => Promise<unknown>): Promise<string[]> {
  const statements = await recordStatements(api, run);
  return statements.flatMap(({ text }) => /"((?:alice|bob|carol)\d)":/.exec(text)?.[1] ?? []);
}

test('callers take turns: nobody waits behind the many requests of another', async () => {
  const api = await start(2);
  const carol = await rows.owner();
  const names = await namesOfReads(api, async () => {
    const lock = await holdGames();
    const reads = [];
    for (const [name, owner] of [
      ['alice1', alice],
      ['alice2', alice],
      ['alice3', alice],
      ['alice4', alice],
      ['bob1', bob],
      ['bob2', bob],
      ['carol1', carol],
    ] as const) {
      reads.push(send(api, slow(name), owner));
      await untilWaiting(api, 1, reads.length - 1);
    }
    await lock.release();
    await expectAnswered(reads);
  });
  expect(names).toEqual(['alice1', 'alice2', 'bob1', 'carol1', 'alice3', 'bob2', 'alice4']);
});

test('of requests that wait, those whose client went away are never run', async () => {
  const api = await start(2);
  const names = await namesOfReads(api, async () => {
    const lock = await holdGames();
    const held = send(api, slow('alice1'), alice);
    await untilWaiting(api, 1, 0);
    const gone = [send(api, slow('alice2'), alice), send(api, slow('bob1'), bob)];
    await untilWaiting(api, 1, 2);
    const patient = send(api, slow('alice3'), alice);
    await untilWaiting(api, 1, 3);
    for (const request of gone) request.leave();
    await untilWaiting(api, 1, 1);
    await lock.release();
    await expectAnswered([held, patient]);
    expect(await Promise.all(gone.map(({ answer }) => answer))).toEqual([null, null]);
    await untilWaiting(api, 0, 0);
  });
  expect(names).toEqual(['alice1', 'alice3']);
});

/** Room for one, and long waits. */
const NARROW = { total: 1, perCaller: 1, maxWaitMs: 60_000, maxWaitAfterFirstMs: 60_000 };

describe('a queue', () => {
  test('lets 1,000 of one caller wait, and refuses more at once, of this caller alone', async () => {
    const semaphore = new FairSemaphore(NARROW);
    const permit = await semaphore.acquire('alice');
    const work = new Work();
    const waiting = Array.from({ length: 1_000 }, () =>
      semaphore.acquire('alice', work).catch((error: unknown) => (error as { code: string }).code),
    );
    expect(semaphore.waitingCount).toBe(1_000);
    await expect(semaphore.acquire('alice')).rejects.toThrow('temporarily unavailable');
    const other = semaphore.acquire('bob');
    expect(semaphore.waitingCount).toBe(1_001);
    work.abandon();
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(['CLIENT_GONE']));
    expect(semaphore.waitingCount).toBe(1);
    permit.release();
    (await other).release();
  });

  test('is more patient with what has begun than with what is new', async () => {
    const semaphore = new FairSemaphore({ ...NARROW, maxWaitMs: 0 });
    const work = new Work();
    (await semaphore.acquire('alice', work)).release();
    const permit = await semaphore.acquire('bob');
    const next = semaphore.acquire('alice', work);
    await expect(semaphore.acquire('alice', new Work())).rejects.toThrow('temporarily unavailable');
    expect(semaphore.waitingCount).toBe(1);
    permit.release();
    (await next).release();
  });

  test('forgets callers of whom nothing runs or waits, and nobody else, when there are 10,000', async () => {
    const semaphore = new FairSemaphore({ ...NARROW, total: 3 });
    const permit = await semaphore.acquire('alice');
    for (let caller = 0; caller < 20_000; caller++) (await semaphore.acquire(`caller ${caller}`)).release();
    const next = semaphore.acquire('alice');
    expect(semaphore.waitingCount).toBe(1);
    permit.release();
    (await next).release();
    expect(semaphore.waitingCount).toBe(0);
  });

  test('gives a place back once, however often it is told so', async () => {
    const semaphore = new FairSemaphore(NARROW);
    const permit = await semaphore.acquire('alice');
    permit.release();
    permit.release();
    const held = await semaphore.acquire('alice');
    const next = semaphore.acquire('bob');
    expect(semaphore.waitingCount).toBe(1);
    held.release();
    (await next).release();
    expect(semaphore.waitingCount).toBe(0);
  });
});
