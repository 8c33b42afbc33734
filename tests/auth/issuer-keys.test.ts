import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { FlattenedJWSInput, JWSHeaderParameters } from 'jose';
import { setTimeout as delay } from 'node:timers/promises';
import { RemoteKeySet } from '../../src/auth/key-set.js';
import { startApi } from '../support/api.js';
import { jwkOf, KeyServer, rsaKey, type KeyServerMode } from '../support/tokens.js';

const first = rsaKey('first');
const second = rsaKey('second');
let server: KeyServer;
let now: number;
let set: RemoteKeySet;

beforeEach(async () => {
  server = await KeyServer.start([jwkOf(first)]);
  now = 0;
  set = new RemoteKeySet(server.url, () => now);
});
afterEach(() => server.close());

/** 'found', or what the search ends in. */
async function find(kid: string): Promise<string> {
  const header: JWSHeaderParameters = { alg: 'RS256', kid };
  const token: FlattenedJWSInput = { payload: '', signature: '' };
  try {
    await set.getKey({ ...header, alg: 'RS256' }, token);
    return 'found';
  } catch (error) {
    return (error as Error).name;
  }
}

/** Until a fetch in the background has come to its end. */
async function fetched(requests: number): Promise<void> {
  for (let turn = 0; turn < 200 && server.requests < requests; turn++) {
    await delay(5);
  }
  await delay(50);
  expect(server.requests).toBe(requests);
}

test('keys that are known go on working while the issuer is down', async () => {
  expect(await find('first')).toBe('found');
  server.mode = 'down';
  for (const hours of [1, 24, 1_000]) {
    now = hours * 3_600_000;
    expect(await find('first')).toBe('found');
    await fetched(1 + [1, 24, 1_000].indexOf(hours) + 1);
  }
});

test('a new key is accepted within 30 seconds', async () => {
  expect(await find('first')).toBe('found');
  server.keys = [jwkOf(first), jwkOf(second)];
  now = 29_999;
  expect(await find('second')).toBe('JWKSNoMatchingKey');
  now = 30_000;
  expect(await find('second')).toBe('found');
});

test('a key that was withdrawn is refused after the refresh', async () => {
  expect(await find('first')).toBe('found');
  server.keys = [jwkOf(second)];
  now = 5 * 60_000 + 1;
  expect(await find('first')).toBe('found');
  await fetched(2);
  expect(await find('first')).toBe('JWKSNoMatchingKey');
  expect(await find('second')).toBe('found');
});

test.each<KeyServerMode>(['keys', 'down', 'error'])(
  '1,000 unknown key ids cause one fetch in 30 seconds (the issuer answers with: %s)',
  async (mode) => {
    expect(await find('first')).toBe('found');
    server.mode = mode;
    now = 30_000;
    await Promise.all(Array.from({ length: 500 }, (_, index) => find(`at-once-${index}`)));
    for (let index = 0; index < 500; index++) {
      now = 30_000 + index * 59;
      await find(`one-by-one-${index}`);
    }
    expect(server.requests).toBe(2);
    now = 60_000;
    await find('later');
    expect(server.requests).toBe(3);
    expect(await find('first')).toBe('found');
  },
);

test.each<KeyServerMode>(['down', 'error', 'garbage', 'huge', 'slow', 'redirect'])(
  'a key set that comes as "%s" is not taken, in bounded time and bytes, and replaces nothing',
  async (mode) => {
    const elsewhere = await KeyServer.start([jwkOf(second)]);
    try {
      expect(await find('first')).toBe('found');
      server.keys = [jwkOf(second)];
      server.redirectTo = elsewhere.url.href;
      server.mode = mode;
      now = 30_000;
      const start = performance.now();
      expect(await find('second')).toBe('IssuerUnavailableError');
      expect(performance.now() - start).toBeLessThan(6_000);
      expect(await find('first')).toBe('found');
      expect(elsewhere.requests).toBe(0);
      expect(server.bytes).toBeLessThan(9_000_000);
    } finally {
      await elsewhere.close();
    }
  },
);

test('a key id that stands twice names no key', async () => {
  server.keys = [jwkOf(first), jwkOf({ ...second, kid: 'first' }), jwkOf(second)];
  expect(await find('first')).toBe('JWKSMultipleMatchingKeys');
  expect(await find('second')).toBe('found');
});

test('while the issuer was never reached a token is neither good nor bad: the client may try again', async () => {
  server.mode = 'down';
  const api = await startApi({ env: server.env });
  try {
    const refusal = await api.errors('{ viewer { isAdmin } }', {}, { token: server.token(first) });
    expect([refusal.status, refusal.codes]).toEqual([503, ['SERVICE_UNAVAILABLE']]);
    const bad = await api.errors('{ viewer { isAdmin } }', {}, { token: 'no.good.token' });
    expect([bad.status, bad.codes]).toEqual([401, ['UNAUTHENTICATED']]);
  } finally {
    await api.close();
  }
});
