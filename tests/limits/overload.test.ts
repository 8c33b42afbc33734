import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { connect } from 'node:net';
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import { Work } from '../../src/database/work.js';
import { Admission } from '../../src/http/admission.js';
import { startApi, type Api, type ApiOptions } from '../support/api.js';
import { rowsOf, type Owner } from '../support/builders.js';
import { send, type Sent } from '../support/leaving-client.js';
import { Lock, untilWaiting, waitingForLocks } from '../support/locks.js';
import { health, until, within } from '../support/process.js';

/** How many requests may run at a time, with ten connections. */
const MAX = 60;
/** How long a burst may be larger, in ms. */
const BURST_MS = 100;
/** Far less than any wait that would end by itself. */
const AT_ONCE_MS = 5_000;

let api: Api;
let alice: Owner;
let bob: Owner;

const cleanups: (() => Promise<unknown>)[] = [];
beforeEach(() => start());
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(options: ApiOptions = {}): Promise<void> {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  api = await startApi(options);
  cleanups.push(() => api.close());
  const rows = rowsOf(api.database);
  [alice, bob] = [await rows.owner(), await rows.owner()];
}

async function hold(mode: 'SHARE' | 'ACCESS EXCLUSIVE' = 'ACCESS EXCLUSIVE'): Promise<Lock> {
  const lock = await Lock.ofTable(api.database, 'games', mode);
  cleanups.push(() => lock.release());
  return lock;
}

const READ = '{ games { totalCount } }';
const QUICK = '{ strategies { totalCount } }';

/** Sends so many requests that wait. One more comes then, and after it the time of a burst is over. */
async function sendMany(count: number, as: Owner): Promise<Sent[]> {
  const sent = Array.from({ length: count }, () => send(api, READ, as));
  await untilWaiting(api, 3, count - 3);
  const oneMore = send(api, READ, as);
  await untilWaiting(api, 3, count - 2);
  oneMore.leave();
  await untilWaiting(api, 3, count - 3);
  await delay(BURST_MS);
  return sent;
}

async function expectAnswered(sent: readonly Sent[]): Promise<void> {
  for (const { answer } of sent) expect(await answer).toMatchObject({ status: 200, body: { data: {} } });
}

/** Sends the head of a request whose body never comes; answers what comes back. */
async function sendHead(as: Owner, origin: string): Promise<string> {
  const socket = connect(Number(new URL(api.origin).port), '127.0.0.1');
  cleanups.push(() => Promise.resolve(socket.destroy()));
  let received = '';
  socket.setEncoding('utf8').on('data', (text: string) => (received += text));
  socket.write(
    `POST /graphql HTTP/1.1\r\nHost: x\r\nOrigin: ${origin}\r\nX-API-Key: ${as.key}\r\n` +
      'Content-Type: application/json\r\nContent-Length: 50\r\n\r\n',
  );
  await within(
    AT_ONCE_MS,
    until(() => received.includes('}]}')),
  );
  return received;
}

describe('of sixty requests that run at a time', () => {
  test('one more is refused at once, before its body is read, and may be read by the page that sent it', async () => {
    const origin = 'https://app.example.org';
    await start({ env: { CORS_ORIGINS: origin } });
    const lock = await hold();
    const running = await sendMany(MAX, alice);
    const answer = await sendHead(alice, origin);
    expect(answer).toMatch(/^HTTP\/1.1 503 /);
    expect(answer).toMatch(/\r\nretry-after: 1\r\n/i);
    expect(answer).toMatch(/\r\naccess-control-allow-origin: https:\/\/app\.example\.org\r\n/i);
    expect(answer).toMatch(/\r\ncache-control: no-store\r\n/i);
    expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))).toEqual({
      errors: [{ message: expect.any(String), extensions: { code: 'SERVICE_UNAVAILABLE' } }],
    });
    expect(await waitingForLocks(api.database)).toBe(3);
    await lock.release();
    await expectAnswered(running);
    await api.data(READ, {}, alice);
  });

  test('all may be of one caller, and another has its share all the same', async () => {
    const lock = await hold();
    const running = await sendMany(MAX, alice);
    const ofBob = Array.from({ length: MAX / 2 }, () => send(api, READ, bob));
    await untilWaiting(api, 6, MAX + MAX / 2 - 6);
    expect(await api.errors(QUICK, {}, bob)).toMatchObject({ status: 503, codes: ['SERVICE_UNAVAILABLE'] });
    await lock.release();
    await expectAnswered([...running, ...ofBob]);
  });

  test('none keeps the server from telling how it is, or counting what it refused', async () => {
    const lock = await hold();
    const running = await sendMany(MAX, alice);
    await api.errors(QUICK, {}, alice);
    expect([await health(api.origin, 'live'), await health(api.origin, 'ready')]).toEqual([200, 200]);
    const metrics = await (await fetch(`${api.origin}/metrics`)).text();
    expect(metrics).toContain('graphql_errors_total{code="SERVICE_UNAVAILABLE"} 1\n');
    await lock.release();
    await expectAnswered(running);
  });

  test('those whose clients went away leave room', async () => {
    const lock = await hold();
    const running = await sendMany(MAX, alice);
    await api.errors(QUICK, {}, alice);
    for (const request of running) request.leave();
    await untilWaiting(api, 0, 0);
    expect(await api.query(QUICK, {}, alice)).toMatchObject({ status: 200 });
    await lock.release();
  });
});

test('a burst is answered, and what goes on after it is not', async () => {
  const answers = await Promise.all(Array.from({ length: 3 * MAX }, () => api.query(QUICK, {}, alice)));
  expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
  const admission = new Admission(MAX);
  const never = new Promise<void>(() => {});
  const begin = (): boolean => {
    if (admission.isFull('alice')) return false;
    void admission.run(new Work(), 'alice', () => never);
    return true;
  };
  expect(Array.from({ length: 11 * MAX }, begin).filter(Boolean)).toHaveLength(10 * MAX);
  const later = new Admission(MAX);
  for (let index = 0; index <= MAX; index++) {
    expect(later.isFull('alice')).toBe(false);
    void later.run(new Work(), 'alice', () => never);
  }
  await delay(BURST_MS);
  expect(later.isFull('alice')).toBe(true);
});

test('requests begin in turns, the first first, so that the server accepts connections between them', async () => {
  const admission = new Admission(100);
  let turns = 0;
  const timer = setInterval(() => turns++, 0);
  const order: number[] = [];
  const spin = async (index: number): Promise<void> => {
    await Promise.resolve();
    order.push(index);
    for (const end = performance.now() + 5; performance.now() < end;);
    // As one that waits for the database.
    await until(() => order.length === 60);
  };
  const started = turns;
  // All within one turn, each by itself, as they come from their connections.
  await Promise.all(
    Array.from({ length: 60 }, async (_, index) => {
      await nextTurn();
      await admission.run(new Work(), 'alice', () => spin(index));
    }),
  );
  clearInterval(timer);
  expect(order).toEqual(Array.from({ length: 60 }, (_, index) => index));
  expect(turns - started).toBeGreaterThan(20);
  expect(admission.runningCount).toBe(0);
});

describe('a request that takes longer than REQUEST_TIMEOUT', () => {
  const env = { DATABASE_CONNECTION_TIMEOUT: '1', DATABASE_STATEMENT_TIMEOUT: '2', REQUEST_TIMEOUT: '3' };
  const CREATE =
    'mutation { createGame(input: { externalGameId: "late", platform: "web" }) { game { id } } }';

  test.each([
    ['read', READ, 'ACCESS EXCLUSIVE'],
    ['write', CREATE, 'SHARE'],
  ] as const)('is cancelled, rolled back and refused: a %s', async (_what, document, mode) => {
    await start({ env, statementTimeoutMs: 600_000 });
    const lock = await hold(mode);
    const before = performance.now();
    const refused = await within(20_000, api.errors(document, {}, alice));
    expect(refused).toMatchObject({ status: 503, codes: ['SERVICE_UNAVAILABLE'] });
    expect(performance.now() - before).toBeGreaterThan(2_900);
    await until(async () => (await waitingForLocks(api.database)) === 0);
    await lock.release();
    await delay(100);
    expect(await api.data(READ, {}, alice)).toEqual({ games: { totalCount: 0 } });
    expect(api.log.filter(({ level }) => Number(level) >= 50)).toEqual([]);
  });

  test('is refused while it waits for its turn', async () => {
    await start({ env, statementTimeoutMs: 600_000 });
    const lock = await hold();
    const running = Array.from({ length: 3 }, () => send(api, READ, alice));
    await untilWaiting(api, 3, 0);
    const refused = await within(20_000, api.errors(READ, {}, alice));
    expect(refused).toMatchObject({ status: 503, codes: ['SERVICE_UNAVAILABLE'] });
    for (const request of running) request.leave();
    await lock.release();
  });

  test('may be a move of games', async () => {
    await start({ env, statementTimeoutMs: 600_000 });
    await alice.game({ strategyId: 'default' });
    const lock = await hold('SHARE');
    const move = send(
      api,
      'mutation { bulkUpdateStrategyId(input: { oldStrategyId: "default", newStrategyId: "socio_bee" }) { count } }',
      alice,
    );
    await untilWaiting(api, 1, 0);
    await delay(5_000);
    await lock.release();
    expect(await move.answer).toMatchObject({ body: { data: { bulkUpdateStrategyId: { count: 1 } } } });
  });
});
