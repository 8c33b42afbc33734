import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { addressKeyOf } from '../../src/rates/address.js';
import { Rates } from '../../src/rates/rates.js';
import { startApi, type Answer, type Api, type ApiOptions, type Credentials } from '../support/api.js';
import { rowsOf, type Owner, type Rows } from '../support/builders.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { send, sendBytes } from '../support/http.js';
import { startIssuer, type Issuer } from '../support/issuer.js';
import { until, within } from '../support/process.js';
import { startRedis, REDIS } from '../support/redis.js';
import { recordStatements } from '../support/statements.js';
import { forge, rsaKey } from '../support/tokens.js';

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

async function start(env: NodeJS.ProcessEnv, options: ApiOptions = {}): Promise<Api> {
  const api = await startApi({ database, env, ...options });
  cleanups.push(() => api.close());
  return api;
}

async function startWithIssuer(
  env: NodeJS.ProcessEnv,
  options?: ApiOptions,
): Promise<{ api: Api; issuer: Issuer }> {
  const issuer = await startIssuer();
  cleanups.push(() => issuer.close());
  return { api: await start({ ...issuer.env, ...env }, options), issuer };
}

/** Takes some 0.1 ms of the database, and is estimated to cost 521. */
const COUNT = '{ games { totalCount } }';
/** Is estimated to cost 500,000 / 3 or so, and takes hardly more than the other one: there are no games. */
const DEAR = '{ games(first: 100) { nodes { tasks(first: 100) { nodes { id externalTaskId status } } } } }';

/** The values of the header RateLimit; the first is who is limited. */
function limitOf({ headers }: Pick<Answer, 'headers'>): {
  by: string | undefined;
  remaining: number;
  resetS: number;
} {
  const [, by, remaining, resetS] =
    /^"(caller|address)";r=(\d+);t=(\d+)$/.exec(headers.get('ratelimit') ?? '') ?? [];
  return { by, remaining: Number(remaining), resetS: Number(resetS) };
}

/** Sends an operation until it is refused; returns the refusal, and how often it was answered before. */
async function untilRefused(
  api: Api,
  as: Credentials,
  operation = COUNT,
): Promise<{ refusal: Answer; answered: number }> {
  for (let answered = 0; answered < 2_000; answered++) {
    const answer = await api.query(operation, {}, as);
    if (answer.status === 429) return { refusal: answer, answered };
  }
  throw new Error('It was never refused.');
}

const codes = ({ body }: Answer): unknown[] => (body.errors ?? []).map(({ extensions }) => extensions.code);

describe('a caller', () => {
  test('that has spent what it may is refused, while another goes on, and is told when it may again', async () => {
    const api = await start({ RATE_LIMIT: '20000' }, { rateWindowS: 3 });
    const { refusal, answered } = await untilRefused(api, alice);
    expect(answered).toBeGreaterThan(3);
    expect(codes(refusal)).toEqual(['RATE_LIMITED']);
    expect(refusal.body).not.toHaveProperty('data');
    expect(refusal.headers.get('cache-control')).toBe('no-store');
    expect(limitOf(refusal)).toMatchObject({ by: 'caller', remaining: 0 });
    expect((await api.query(COUNT, {}, bob)).status).toBe(200);

    const waitS = Number(refusal.headers.get('retry-after'));
    expect([1, 2, 3]).toContain(waitS);
    expect(waitS).toBe(limitOf(refusal).resetS);
    await delay(waitS * 1_000);
    const again = await api.query(COUNT, {}, alice);
    expect(again.status).toBe(200);
    expect(limitOf(again).remaining).toBeGreaterThan(15_000);
  });

  test('is refused whatever it sends: mutations, GET, hashes, what cannot be parsed; and no statement is run', async () => {
    const api = await start({ RATE_LIMIT: '2000' });
    await untilRefused(api, alice);
    const headers = { 'x-api-key': alice.key, 'content-type': 'application/json' };
    const post = (body: object): ReturnType<typeof send> =>
      send(api.url, { method: 'POST', headers, body: JSON.stringify(body) });
    const statements = await recordStatements(api, async () => {
      const answers = [
        await post({
          query: 'mutation { createGame(input: { externalGameId: "a", platform: "b" }) { id } }',
        }),
        await send(`${api.url}?query=${encodeURIComponent(COUNT)}`, { headers }),
        await post({ extensions: { persistedQuery: { version: 1, sha256Hash: 'a'.repeat(64) } } }),
        await post({ query: '{' }),
        await send(api.url, { method: 'POST', headers, body: '{"query": not JSON' }),
        await send(api.url, { method: 'POST', headers, body: 'x'.repeat(200_000) }),
        await send(`${api.url}/`, { method: 'POST', headers, body: JSON.stringify({ query: COUNT }) }),
      ];
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 429));
      for (const answer of answers) expect(answer.headers['retry-after']).toMatch(/^[1-9]\d?$/);
    });
    expect(statements).toEqual([]);
  });

  test('is refused before its body has come', async () => {
    const api = await start({ RATE_LIMIT: '2000' });
    await untilRefused(api, alice);
    const head = `POST /graphql HTTP/1.1\r\nhost: a\r\nx-api-key: ${alice.key}\r\nconnection: close\r\n`;
    const answer = await within(
      5_000,
      sendBytes(api.origin, `${head}content-type: application/json\r\ncontent-length: 1000\r\n\r\n{`),
    );
    expect(answer.status).toBe(429);
  });

  test('is limited when it is an admin, whatever token of it is sent', async () => {
    const { api, issuer } = await startWithIssuer({ RATE_LIMIT: '2000' });
    const { refusal } = await untilRefused(api, await issuer.admin('root'));
    expect(codes(refusal)).toEqual(['RATE_LIMITED']);
    expect((await api.query(COUNT, {}, await issuer.admin('root'))).status).toBe(429);
    expect((await api.query(COUNT, {}, await issuer.admin('other'))).status).toBe(200);
  });

  test('pays for documents that are refused', async () => {
    const api = await start({ RATE_LIMIT: '2000' });
    let sent = 0;
    while ((await api.query(`{ nothing${sent} }`, {}, alice)).status === 400) sent++;
    expect(sent).toBeLessThan(60);
    expect((await api.query(COUNT, {}, alice)).status).toBe(429);
  });

  test('gets back what an operation did not take of its estimate', async () => {
    const api = await start({ RATE_LIMIT: '200000' });
    const first = await api.query(DEAR, {}, alice);
    expect(first.status).toBe(200);
    // Ten of them would be a million.
    for (let sent = 0; sent < 10; sent++) expect((await api.query(DEAR, {}, alice)).status).toBe(200);
    const { remaining } = limitOf(await api.query(DEAR, {}, alice));
    expect(remaining).toBeGreaterThan(100_000);
    expect(remaining).toBeLessThan(200_000);
  });

  test('pays for the time of the database where that was more than the estimate', async () => {
    const api = await start({ RATE_LIMIT: '100000' });
    const key = `slow-${alice.prefix}`;
    await database.query(`CREATE FUNCTION slow_count() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN PERFORM pg_sleep(0.3); RETURN NEW; END $$`);
    await database.query(
      'CREATE TRIGGER slow BEFORE INSERT ON games FOR EACH ROW EXECUTE FUNCTION slow_count()',
    );
    const create = `mutation { createGame(input: { externalGameId: "${key}", platform: "web", strategyId: "default" }) { game { id } } }`;
    const answer = await api.query(create, {}, alice);
    expect(answer.status).toBe(200);
    // A hundred for each of 300 ms.
    expect(limitOf(answer).remaining).toBeLessThan(70_000);
    expect(limitOf(answer).remaining).toBeGreaterThan(20_000);
    expect(limitOf(await api.query(COUNT, {}, alice)).remaining).toBeLessThan(70_000);
  });

  test('that sends at full force, all at once, spends hardly more than it may', async () => {
    const api = await start({ RATE_LIMIT: '20000' });
    const answers = await Promise.all(Array.from({ length: 300 }, () => api.query(COUNT, {}, alice)));
    const answered = answers.filter(({ status }) => status === 200).length;
    expect(answered + answers.filter(({ status }) => status === 429).length).toBe(300);
    // Each is charged with 521 before it is run, and with what it took afterwards.
    expect(answered).toBeGreaterThan(3);
    expect(answered).toBeLessThan(250);
  });

  test('reads of the limit in every answer, errors included, also from a page of another origin', async () => {
    const api = await start({
      CORS_ORIGINS: 'https://app.example.org',
      RATE_LIMIT: '500000',
      RATE_LIMIT_ADDRESS: '500000',
    });
    const answer = await api.query(COUNT, {}, alice);
    expect(answer.headers.get('ratelimit-policy')).toBe('"caller";q=500000;w=60;qu="cost"');
    const { by, remaining, resetS } = limitOf(answer);
    expect(by).toBe('caller');
    expect(remaining).toBeGreaterThan(400_000);
    expect(remaining).toBeLessThan(500_000);
    expect([59, 60]).toContain(resetS);
    const body = JSON.stringify({ query: '{ nothing }' });
    const json = { 'content-type': 'application/json' };
    const key = { 'x-api-key': alice.key };
    const page = { origin: 'https://app.example.org' };
    const others = [
      await send(api.url, { method: 'POST', headers: { ...json, ...key, ...page }, body }),
      await send(api.url, { method: 'POST', headers: { ...json, ...page }, body }),
      await send(api.url, { method: 'POST', headers: { ...json, ...page, 'x-api-key': 'no' }, body }),
      await send(api.url, { method: 'POST', headers: { ...page, 'content-type': 'text/plain' }, body }),
      await send(api.url, { method: 'POST', headers: { ...json, ...page }, body: 'x'.repeat(200_000) }),
      await send(api.url, { method: 'POST', headers: { ...json, ...page, accept: 'image/png' }, body }),
    ];
    expect(others.map(({ status }) => status)).toEqual([400, 400, 401, 415, 413, 406]);
    for (const { status, headers } of others) {
      expect(`${status} ${String(headers['ratelimit'])}`).toMatch(/^\d+ "(caller|address)";r=\d+;t=\d+$/);
      expect(headers['ratelimit-policy']).toMatch(/^"(caller|address)";q=\d+;w=60;qu="cost"$/);
      expect(headers['access-control-expose-headers']).toMatch(/^retry-after, ratelimit, ratelimit-policy, /);
    }
  });

  test('is not limited where that is switched off, nor told of a limit', async () => {
    const api = await start({ RATE_LIMIT: 'off', RATE_LIMIT_ADDRESS: '0' });
    for (let sent = 0; sent < 100; sent++) {
      expect((await api.query(COUNT, {}, alice)).status).toBe(200);
      expect((await api.query(COUNT, {}, { key: `unknown-${sent}` })).status).toBe(401);
    }
    const { headers } = await api.query(COUNT, {}, alice);
    expect([headers.get('ratelimit'), headers.get('ratelimit-policy')]).toEqual([null, null]);
  });
});

describe('an address', () => {
  test('from which unknown keys come is refused after some, and they cost the database nothing more', async () => {
    const api = await start({ RATE_LIMIT_ADDRESS: '200000' });
    const statuses: number[] = [];
    const statements = await recordStatements(api, async () => {
      for (let sent = 0; sent < 100; sent++) {
        statuses.push((await api.query(COUNT, {}, { key: `gme_live_unknown.${sent}` })).status);
      }
    });
    // 20,000 each.
    expect(statuses).toEqual([
      ...Array.from({ length: 10 }, () => 401),
      ...Array.from({ length: 90 }, () => 429),
    ]);
    expect(statements).toHaveLength(10);
    expect(statements.every(({ kind }) => kind === 'authentication')).toBe(true);
  });

  test('from which unknown keys come all at once is refused after as many', async () => {
    const api = await start({ RATE_LIMIT_ADDRESS: '200000' });
    const statements = await recordStatements(api, () =>
      Promise.all(
        Array.from({ length: 200 }, (_, sent) => api.query(COUNT, {}, { key: `gme_live_unknown.${sent}` })),
      ),
    );
    expect(statements).toHaveLength(10);
  });

  test('from which forged tokens come is refused after some', async () => {
    const { api, issuer } = await startWithIssuer({ RATE_LIMIT_ADDRESS: '20000' });
    const key = rsaKey('test-key');
    const claims = {
      iss: issuer.env['OAUTH_ISSUER'],
      aud: 'game-graphql',
      sub: 'somebody',
      exp: Math.floor(Date.now() / 1_000) + 300,
    };
    const forged = { token: forge({ alg: 'RS256', kid: 'test-key' }, claims, key) };
    const statuses: number[] = [];
    const statements = await recordStatements(api, async () => {
      for (let sent = 0; sent < 30; sent++) statuses.push((await api.query(COUNT, {}, forged)).status);
    });
    // 2,000 each.
    expect(statuses).toEqual([
      ...Array.from({ length: 10 }, () => 401),
      ...Array.from({ length: 20 }, () => 429),
    ]);
    expect(statements).toEqual([]);
  });

  test('that is refused lets good credentials through: tokens, and keys that were good before', async () => {
    const { api, issuer } = await startWithIssuer({ RATE_LIMIT_ADDRESS: '100000' });
    expect((await api.query(COUNT, {}, alice)).status).toBe(200);
    const { refusal } = await untilRefused(api, { key: 'gme_live_unknown.1' });
    expect(limitOf(refusal)).toMatchObject({ by: 'address', remaining: 0 });
    expect(refusal.headers.get('retry-after')).toMatch(/^[1-9]\d?$/);
    expect((await api.query(COUNT)).status).toBe(429);
    expect((await api.query(COUNT, {}, await issuer.caller({ sub: 'carol' }))).status).toBe(200);
    // Longer than it is taken for good: it is looked up again.
    await delay(5_100);
    const looked = await recordStatements(api, async () => {
      expect((await api.query(COUNT, {}, alice)).status).toBe(200);
    });
    expect(looked.map(({ kind }) => kind)).toEqual(['authentication', 'work']);
    // Nobody knows whether it is good before it is looked up.
    expect((await api.query(COUNT, {}, bob)).status).toBe(429);
    await database.query('UPDATE apikey SET active = false');
    await delay(5_100);
    expect((await api.query(COUNT, {}, alice)).status).toBe(429);
  });

  test('pays nothing for good credentials', async () => {
    const api = await start({ RATE_LIMIT_ADDRESS: '40000' });
    for (let made = 0; made < 10; made++) {
      expect((await api.query(COUNT, {}, await rows.owner())).status).toBe(200);
    }
    expect(limitOf(await api.query('{ viewer { apiKey } }')).remaining).toBeGreaterThan(30_000);
  });

  test('pays for what it asks without a credential', async () => {
    const api = await start({ RATE_LIMIT_ADDRESS: '20000' });
    expect((await api.query(COUNT, {}, alice)).status).toBe(200);
    const { refusal, answered } = await untilRefused(api, {}, '{ viewer { apiKey } }');
    expect(answered).toBeGreaterThan(3);
    expect(codes(refusal)).toEqual(['RATE_LIMITED']);
    expect((await api.query(COUNT, {}, alice)).status).toBe(200);
  });

  test('never keeps anybody from asking for health and metrics, which count who was refused', async () => {
    const api = await start({ RATE_LIMIT_ADDRESS: '2000', RATE_LIMIT: '2000' });
    await untilRefused(api, alice);
    await untilRefused(api, {});
    expect((await send(`${api.origin}/health/live`)).status).toBe(200);
    expect((await send(`${api.origin}/health/ready`)).status).toBe(200);
    const metrics = await send(`${api.origin}/metrics`);
    expect(metrics.status).toBe(200);
    const count = (metric: string): string | undefined =>
      metrics.text
        .split('\n')
        .find((line) => line.startsWith(metric))
        ?.slice(metric.length);
    expect(count('graphql_rate_limited_total{by="caller"}')).toBe(' 1');
    expect(count('graphql_rate_limited_total{by="address"}')).toBe(' 1');
    expect(count('graphql_errors_total{code="RATE_LIMITED"}')).toBe(' 2');
    expect(api.log.filter(({ limitedBy }) => limitedBy !== undefined)).toMatchObject([
      { status: 429, limitedBy: 'caller', errors: ['RATE_LIMITED'], caller: { apiKey: alice.prefix } },
      { status: 429, limitedBy: 'address', errors: ['RATE_LIMITED'] },
    ]);
  });

  test('is what a proxy says, where it is trusted, and nobody else', async () => {
    const from = (api: Api, address: string): ReturnType<typeof send> =>
      send(`${api.url}?query={viewer{apiKey}}`, {
        headers: { 'x-forwarded-for': address, 'apollo-require-preflight': '1' },
      });
    const trusting = await start({ RATE_LIMIT_ADDRESS: '2000', TRUST_PROXY: '127.0.0.0/8' });
    while ((await from(trusting, '192.0.2.1')).status !== 429);
    expect((await from(trusting, '192.0.2.2')).status).toBe(200);
    // What stands before the address that the proxy adds is what the client made up.
    expect((await from(trusting, '192.0.2.2, 192.0.2.1')).status).toBe(429);
    while ((await from(trusting, '2001:db8::1')).status !== 429);
    expect((await from(trusting, '2001:db8::ffff:1')).status).toBe(429);
    expect((await from(trusting, '2001:db8:0:1::1')).status).toBe(200);

    const other = await start({ RATE_LIMIT_ADDRESS: '2000', TRUST_PROXY: '192.0.2.0/24' });
    while ((await from(other, '192.0.2.1')).status !== 429);
    expect((await from(other, '192.0.2.2')).status).toBe(429);
  });

  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002::', '2001:db8:1:2::/64'],
    ['2001:db8::6', '2001:db8:0:0::/64'],
    ['2001:db8:1:2:3::6', '2001:db8:1:2::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ])('%s counts as %s', (address, key) => {
    expect(addressKeyOf(address)).toBe(key);
  });
});

(REDIS.isThere ? describe : describe.skip)('two servers with one Redis', () => {
  test('share a limit; each counts by itself while Redis is away, and they share again afterwards', async () => {
    const redis = await startRedis();
    cleanups.push(() => redis.kill());
    const env = { RATE_LIMIT: '50000', RATE_LIMIT_ADDRESS: '200000', REDIS_URL: redis.url };
    const one = await start(env);
    const two = await start(env);
    await untilRefused(one, alice);
    expect(await isRefusedSoon(two, alice)).toBe(true);
    expect((await two.query(COUNT, {}, bob)).status).toBe(200);

    await redis.kill();
    const carol = await rows.owner();
    await untilRefused(one, carol);
    // Per process now.
    expect((await two.query(COUNT, {}, carol)).status).toBe(200);
    await untilRefused(two, carol);
    expect(one.log.findLast(({ msg }) => String(msg).startsWith('Redis'))).toMatchObject({
      msg: 'Redis cannot be reached: each process counts rates by itself until it can.',
    });

    await redis.start();
    const dave = await rows.owner();
    await delay(2_500);
    await untilRefused(one, dave);
    expect(await isRefusedSoon(two, dave)).toBe(true);

    await untilRefused(two, { key: 'gme_live_unknown.1' });
    const statements = await recordStatements(one, () => one.query(COUNT, {}, { key: 'gme_live_unknown.2' }));
    expect(statements).toEqual([]);
  });

  test('wait 50 ms at most for a Redis that has fallen silent, and once a second', async () => {
    const redis = await startRedis();
    cleanups.push(() => redis.kill());
    const rates = await Rates.open(
      { caller: 1_000, address: null, windowS: 60, redisUrl: redis.url },
      () => {},
    );
    cleanups.push(() => Promise.resolve(rates.close()));
    const wait = async (key: string): Promise<number> => {
      const sentAt = performance.now();
      await rates.ofCaller(key).settleAt(1);
      return performance.now() - sentAt;
    };
    // Until it is connected.
    await until(
      async () => (await wait('early')) > 0 && (await redis.get('game-graphql:caller:early')) !== null,
    );
    await delay(1_000);
    await wait('before');
    redis.signal('SIGSTOP');
    // Without a limit it would wait for as long as Redis is silent.
    expect(await wait('silent')).toBeGreaterThan(45);
    const silentSince = performance.now();
    await Promise.all(Array.from({ length: 100 }, () => wait('silent')));
    const seconds = Math.floor((performance.now() - silentSince) / 1_000);
    redis.signal('SIGCONT');
    // It does now what it was asked for meanwhile.
    await until(async () => (await redis.get('game-graphql:caller:silent')) !== null);
    expect(Number(await redis.get('game-graphql:caller:silent'))).toBeLessThanOrEqual(1 + seconds);
  });

  test('start while Redis is away', async () => {
    const redis = await startRedis();
    await redis.kill();
    const api = await start({ RATE_LIMIT: '2000', REDIS_URL: redis.url });
    await untilRefused(api, alice);
    expect((await api.query(COUNT, {}, bob)).status).toBe(200);
  });
});

/**
 * Whether a caller is refused by a server that has hardly seen it: five operations are far from what it may spend. More than one,
 * because a machine that is busy may answer for Redis too late.
 */
async function isRefusedSoon(api: Api, as: Credentials): Promise<boolean> {
  for (let sent = 0; sent < 5; sent++) {
    if ((await api.query(COUNT, {}, as)).status === 429) return true;
    await delay(500);
  }
  return false;
}
