import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { apiKeyScheme } from '../../src/auth/api-key-scheme.js';
import { hashApiKey } from '../../src/api-keys/key-format.js';
import { startApi, type Api } from '../support/api.js';
import { rowsOf, type Owner } from '../support/builders.js';
import { send } from '../support/http.js';
import { recordStatements } from '../support/statements.js';
import { jwkOf, KeyServer, rsaKey } from '../support/tokens.js';

const VIEWER = '{ viewer { apiKey oauthUserId isAdmin } }';
const key = rsaKey('the-key');
let issuer: KeyServer;
let api: Api;
let alice: Owner;

beforeAll(async () => {
  issuer = await KeyServer.start([jwkOf(key)]);
  api = await startApi({ env: { ...issuer.env, LOG_LEVEL: 'trace' } });
  alice = await rowsOf(api.database).owner();
});
afterAll(async () => {
  await api.close();
  await issuer.close();
});

async function statusOf(headers: Record<string, string | string[]>, search = ''): Promise<number> {
  const body = JSON.stringify({ query: VIEWER });
  const sent = { 'content-type': 'application/json', ...headers };
  return (await send(api.url + search, { method: 'POST', headers: sent, body })).status;
}

const create = (name: string): string =>
  `mutation { createGame(input: { externalGameId: "${name}", platform: "web" }) { game { owner { apiKey oauthUserId } } } }`;

test('a revoked key stops within 5 seconds', async () => {
  const owner = await rowsOf(api.database).owner();
  await api.data(VIEWER, {}, owner);
  await api.database.query('UPDATE apikey SET active = false WHERE "apiKey" = $1', [owner.prefix]);
  await delay(5_000);
  expect((await api.errors(VIEWER, {}, owner)).status).toBe(401);
});

test('a key that was found is not looked up again, though 20,000 unknown ones came after it', async () => {
  const good = `gme_live_good.${randomBytes(24).toString('base64url')}`;
  const lookUps = new Map<unknown, number>();
  const executeQuery = ({ parameters: [hash] }: { parameters: readonly unknown[] }): unknown => {
    lookUps.set(hash, (lookUps.get(hash) ?? 0) + 1);
    return { rows: hash === hashApiKey(good) ? [{ prefix: 'gme_live_good' }] : [] };
  };
  const em = { fork: () => em, getKysely: () => ({ executeQuery }) };
  const scheme = apiKeyScheme(em as unknown as SqlEntityManager);
  const authenticateWith = (secret: string): ReturnType<typeof scheme> =>
    scheme({ headers: { 'x-api-key': secret } } as unknown as IncomingMessage, () => Promise.resolve());

  const start = performance.now();
  expect(await authenticateWith(good)).toMatchObject({ apiKey: 'gme_live_good' });
  const unknown = Array.from({ length: 20_000 }, (_, index) => `gme_live_unknown.${index}`);
  const answers = await Promise.allSettled(unknown.map(authenticateWith));
  expect(answers.filter(({ status }) => status === 'rejected')).toHaveLength(20_000);
  expect(await authenticateWith(good)).toMatchObject({ apiKey: 'gme_live_good' });
  // Had it taken longer, the key would have been looked up for its age.
  expect(performance.now() - start).toBeLessThan(5_000);
  expect(lookUps.size).toBe(20_001);
  expect(lookUps.get(hashApiKey(good))).toBe(1);
});

test('a key is looked up once for many requests, until 5 seconds are over', async () => {
  const owner = await rowsOf(api.database).owner();
  const looked = async (): Promise<number> => {
    const statements = await recordStatements(api, () => api.data(VIEWER, {}, owner));
    return statements.filter(({ kind }) => kind === 'authentication').length;
  };
  expect([await looked(), await looked(), await looked()]).toEqual([1, 0, 0]);
  await delay(5_000);
  expect([await looked(), await looked()]).toEqual([1, 0]);
});

test('a key that is inactive, unknown or malformed is refused, and never taken for no key', async () => {
  const rows = rowsOf(api.database);
  const inactive = await rows.owner({ active: false });
  const neither = await rows.owner({ active: null });
  const bad: (string | string[])[] = [
    inactive.key,
    neither.key,
    '',
    'unknown',
    alice.prefix,
    alice.key.toUpperCase(),
    `${alice.key} x`,
    `${alice.key}\u00e9`,
    'x'.repeat(10_000),
    [alice.key, alice.key],
    [alice.key, 'x'],
  ];
  const statuses = await Promise.all(bad.map((value) => statusOf({ 'x-api-key': value })));
  expect(statuses).toEqual(bad.map(() => 401));
});

test('a key in the URL is no credential', async () => {
  const { text } = await send(`${api.url}?x-api-key=${alice.key}&query=${encodeURIComponent(VIEWER)}`, {
    headers: { 'apollo-require-preflight': '1' },
  });
  expect(text).toContain('"apiKey":null');
});

test('a key and a token are one caller: both are stamped, either bad one is refused', async () => {
  const token = issuer.token(key, { sub: 'both' });
  const as = { key: alice.key, token };
  expect(await api.data(create('of-both'), {}, as)).toEqual({
    createGame: { game: { owner: { apiKey: alice.prefix, oauthUserId: 'both' } } },
  });
  await api.data(create('of-the-key'), {}, alice);
  await api.data(create('of-the-token'), {}, { token });
  expect(await api.data('{ games { totalCount } }', {}, as)).toEqual({ games: { totalCount: 3 } });
  expect((await api.errors(VIEWER, {}, { key: 'bad', token })).status).toBe(401);
  expect((await api.errors(VIEWER, {}, { key: alice.key, token: `${token}x` })).status).toBe(401);
});

test('a subject is remembered once by its first writes, 16 at a time, and not by reads', async () => {
  const as = { token: issuer.token(key, { sub: 'newcomer' }) };
  const count = (): Promise<unknown> =>
    api.database.query("SELECT count(*)::int FROM oauthusers WHERE provider_user_id = 'newcomer'");
  await api.data('{ games { totalCount } }', {}, as);
  expect(await count()).toEqual([{ count: 0 }]);
  await Promise.all(Array.from({ length: 16 }, (_, index) => api.data(create(`newcomer-${index}`), {}, as)));
  expect(await count()).toEqual([{ count: 1 }]);
});

test("an admin's writes say so in the audit log", async () => {
  const token = issuer.token(key, { sub: 'root', roles: ['AdministratorGAME'] });
  await api.data(create('by-an-admin'), {}, { token });
  const [row] = await api.database.query<{ details: unknown }>(
    "SELECT details FROM logs WHERE oauth_user_id = 'root'",
  );
  expect(row?.details).toMatchObject({ admin: true });
});

test('no secret is ever logged', () => {
  const log = JSON.stringify(api.log);
  expect(api.log.length).toBeGreaterThan(10);
  expect(log).not.toContain(alice.key);
  expect(log).not.toContain('eyJ');
  expect(log).not.toContain('of-both');
});
