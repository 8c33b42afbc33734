import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import sql from 'sql-template-tag';
import { readConfig } from '../../src/config.js';
import { openDatabase } from '../../src/database/database.js';
import { query } from '../../src/database/query.js';
import { inTransaction } from '../../src/database/transaction.js';
import { Work } from '../../src/database/work.js';
import { startApi, type Api } from '../support/api.js';
import { rowsOf, type Game, type Owner } from '../support/builders.js';
import { send, type Sent } from '../support/leaving-client.js';
import { Lock, untilWaiting, waitingForLocks } from '../support/locks.js';
import { until } from '../support/process.js';
import { recordStatements, workOf } from '../support/statements.js';

/** Connections that statements of requests may take, and those of one caller. */
const [CONNECTIONS, SHARE] = [4, 2];

let api: Api;
let alice: Owner;
let bob: Owner;
let game: Game;
let lock: Lock | null = null;

beforeEach(async () => {
  api = await startApi({ env: { DATABASE_POOL_MAX: String(CONNECTIONS + 2) } });
  const rows = rowsOf(api.database);
  [alice, bob] = [await rows.owner(), await rows.owner()];
  game = await alice.game({ externalGameId: 'a-game' });
  await game.param({ key: 'k' });
});
afterEach(async () => {
  await lock?.release();
  lock = null;
  await api.close();
});

const READ = '{ games { totalCount } }';
const create = (name: string): string =>
  `createGame(input: { externalGameId: "${name}", platform: "web", params: [{ key: "k", value: "v" }] }) { game { id } }`;
const CREATE = `mutation { ${create('made-game')} }`;

async function hold(table: string, mode: 'SHARE' | 'ACCESS EXCLUSIVE' = 'ACCESS EXCLUSIVE'): Promise<Lock> {
  lock = await Lock.ofTable(api.database, table, mode);
  return lock;
}

/** The client goes away; what it waits for is cancelled within a second, although the lock is still held. */
async function expectCancelled(sent: Sent, left: number): Promise<void> {
  sent.leave();
  await until(
    async () => (await waitingForLocks(api.database)) === left,
    () => 'The statement still waits.',
    1_000,
  );
}

/** Expects that callers can have all of the connections at a time, and have answers. */
async function expectWholePool(): Promise<void> {
  const held = await hold('games');
  const sent = [alice, bob].flatMap((owner) => Array.from({ length: SHARE }, () => send(api, READ, owner)));
  await untilWaiting(api, CONNECTIONS, 0);
  await held.release();
  for (const { answer } of sent) expect(await answer).toMatchObject({ status: 200, body: { data: {} } });
}

describe('when its client goes away', () => {
  test('a read is cancelled in the database', async () => {
    const held = await hold('games');
    const reads = Array.from({ length: SHARE }, () => send(api, READ, alice));
    await untilWaiting(api, SHARE, 0);
    for (const [index, read] of reads.entries()) await expectCancelled(read, SHARE - 1 - index);
    await held.release();
    await expectWholePool();
  });

  test('each of several statements of one read is', async () => {
    const held = await hold('games');
    const read = send(api, '{ a: games { totalCount } b: games { totalCount } }', alice);
    await untilWaiting(api, 2, 0);
    await expectCancelled(read, 0);
    await held.release();
    await expectWholePool();
  });

  test('a read that had to wait for its turn is', async () => {
    const held = await hold('games');
    const [first, ...others] = Array.from({ length: SHARE }, () => send(api, READ, alice));
    await untilWaiting(api, SHARE, 0);
    const last = send(api, READ, alice);
    await untilWaiting(api, SHARE, 1);
    first?.leave();
    await untilWaiting(api, SHARE, 0);
    await expectCancelled(last, SHARE - 1);
    await held.release();
    for (const { answer } of others) expect(await answer).toMatchObject({ status: 200, body: { data: {} } });
    await expectWholePool();
  });

  test.each([
    ['at its first statement', 'games', 'SHARE'],
    ['at a later one', 'gamesparams', 'SHARE'],
    ['at its last', 'logs', 'SHARE'],
  ] as const)('a write that waits %s is cancelled and leaves nothing', async (_where, table, mode) => {
    const before = await api.database.dump();
    const held = await hold(table, mode);
    const write = send(api, CREATE, alice);
    await untilWaiting(api, 1, 0);
    await expectCancelled(write, 0);
    await held.release();
    await expectWholePool();
    expect(await api.database.dump()).toBe(before);
    await api.data(CREATE, {}, alice);
  });

  test('a write does not go on to its next statement, and the next write of the request does not begin', async () => {
    const before = await api.database.dump();
    const statements = await recordStatements(api, async () => {
      const held = await hold('games', 'SHARE');
      const write = send(api, `mutation { a: ${create('made-first')} b: ${create('made-then')} }`, alice);
      await untilWaiting(api, 1, 0);
      await expectCancelled(write, 0);
      await held.release();
      await expectWholePool();
    });
    const texts = statements.map(({ text }) => text);
    expect(texts.filter((text) => /insert into "?games"?\b/i.test(text))).toHaveLength(1);
    expect(texts.filter((text) => /INSERT INTO (gamesparams|logs)/i.test(text))).toEqual([]);
    expect(texts.filter((text) => /^begin/i.test(text))).toHaveLength(1);
    expect(await api.database.dump()).toBe(before);
  });

  test('a move is cancelled and leaves nothing', async () => {
    const before = await api.database.dump();
    const held = await hold('games', 'SHARE');
    const move = send(
      api,
      'mutation { bulkUpdateStrategyId(input: { oldStrategyId: "default", newStrategyId: "socio_bee" }) { count } }',
      alice,
    );
    await untilWaiting(api, 1, 0);
    await expectCancelled(move, 0);
    await held.release();
    await expectWholePool();
    expect(await api.database.dump()).toBe(before);
  });

  test('statements of others go on, also those of the same caller', async () => {
    const held = await hold('games');
    const others = [send(api, READ, bob), send(api, READ, alice)];
    await untilWaiting(api, 2, 0);
    for (let time = 0; time < 5; time++) {
      const read = send(api, READ, alice);
      await untilWaiting(api, 3, 0);
      await expectCancelled(read, 2);
    }
    await held.release();
    for (const { answer } of others) expect(await answer).toMatchObject({ status: 200, body: { data: {} } });
  });
});

test('what of it has ended already cancels nothing, whoever has that connection now', async () => {
  const held = await hold('games');
  const read = send(api, '{ strategies { totalCount } games { totalCount } }', alice);
  await untilWaiting(api, 1, 0);
  const others = Array.from({ length: SHARE }, () => send(api, READ, bob));
  await untilWaiting(api, 1 + SHARE, 0);
  await expectCancelled(read, SHARE);
  await held.release();
  for (const { answer } of others) expect(await answer).toMatchObject({ status: 200, body: { data: {} } });
});

test.each(['games', 'gamesparams'])(
  'a statement on %s that is cancelled is no alarm in the log',
  async (table) => {
    const held = await hold(table);
    const sent = [send(api, '{ games { nodes { params { key } } } }', alice), send(api, CREATE, alice)];
    await untilWaiting(api, 2, 0);
    for (const [index, request] of sent.entries()) await expectCancelled(request, 1 - index);
    await held.release();
    await expectWholePool();
    expect(api.log.filter(({ level }) => Number(level) >= 40).map(({ msg }) => msg)).toEqual([]);
  },
);

test('what waits for a connection is never sent, and the connection is free', async () => {
  const database = await openDatabase(readConfig({ DATABASE_URL: api.database.url }).database);
  try {
    const statements = await recordStatements(api, async () => {
      const work = new Work();
      const rows = work.run(() => query(database.em.fork(), sql`SELECT ${'x'}::text AS never_sent`));
      work.abandon();
      await expect(rows).rejects.toThrow('The client has gone away.');
    });
    expect(workOf(statements)).toEqual([]);
    expect(database.connections()).toEqual({ busy: 0, idle: 1, waiting: 0 });
  } finally {
    await database.close();
  }
});

test('a transaction of which nothing runs just then does not go on, and leaves nothing', async () => {
  const database = await openDatabase(readConfig({ DATABASE_URL: api.database.url }).database);
  try {
    const before = await api.database.dump();
    const statements = await recordStatements(api, async () => {
      const work = new Work();
      const written = work.run(() =>
        inTransaction(database.em.fork(), async (em) => {
          await query(em, sql`UPDATE games SET platform = ${'x'}`);
          work.abandon();
          await query(em, sql`UPDATE games SET platform = ${'never sent'}`);
        }),
      );
      await expect(written).rejects.toThrow('The client has gone away.');
    });
    expect(statements.filter(({ text }) => text.startsWith('UPDATE'))).toHaveLength(1);
    expect(await api.database.dump()).toBe(before);
  } finally {
    await database.close();
  }
});

test('a client that has its answer cancels nothing when it goes', async () => {
  const held = await hold('gamesparams');
  const slow = send(api, 'query ($id: ID!) { game(id: $id) { params { key } } }', alice, { id: game.id });
  await untilWaiting(api, 1, 0);
  for (let time = 0; time < 10; time++) {
    const read = send(api, READ, alice);
    expect(await read.answer).toMatchObject({ status: 200 });
    read.leave();
  }
  expect(await waitingForLocks(api.database)).toBe(1);
  await held.release();
  expect(await slow.answer).toMatchObject({
    status: 200,
    body: { data: { game: { params: [{ key: 'k' }] } } },
  });
});
