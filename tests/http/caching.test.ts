import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startApi, type Api } from '../support/api.js';
import type { Owner } from '../support/builders.js';
import { send, sendBytes } from '../support/http.js';
import { useApi } from '../support/use-api.js';

const { api, rows } = useApi({ env: { CORS_ORIGINS: 'https://app.example.org' } });
let owner: Owner;
let away: Api;

beforeAll(async () => {
  owner = await rows.owner();
  away = await startApi({
    database: api.database,
    env: { DATABASE_URL: 'postgres://user:password@127.0.0.1:1/game' },
  });
});
afterAll(() => away.close());

const JSON_TYPE = { 'content-type': 'application/json' };

/** The value of Cache-Control. */
async function cacheControl(
  path: string,
  headers: Record<string, string> = {},
  body?: string,
  of = api,
): Promise<{ status: number; cacheControl: unknown }> {
  const answer = await send(of.origin + path, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { ...(body === undefined ? {} : JSON_TYPE), ...headers },
    ...(body === undefined ? {} : { body }),
  });
  return { status: answer.status, cacheControl: answer.headers['cache-control'] };
}

const get = (query: string): string => `/graphql?query=${encodeURIComponent(query)}`;
const post = (query: string): string => JSON.stringify({ query });
const GAMES = '{ games { totalCount } }';

test('no cache may keep the answer to an operation, by GET or POST, with a credential or without', async () => {
  const headers = { 'x-api-key': owner.key, 'apollo-require-preflight': '1' };
  // From the third time on the operation is known, and answered another way.
  for (let turn = 0; turn < 4; turn++) {
    for (const [path, body] of [
      [get(GAMES)],
      ['/graphql', post(GAMES)],
      [get('{ viewer { isAdmin } }')],
      ['/graphql', post('{ viewer { isAdmin } }')],
      ['/graphql', post('{ __typename }')],
    ] as const) {
      expect(await cacheControl(path, headers, body)).toEqual({ status: 200, cacheControl: 'no-store' });
    }
  }
});

test('no cache may keep an error', async () => {
  const preflight = { 'apollo-require-preflight': '1' };
  const hash = { version: 1, sha256Hash: 'a'.repeat(64) };
  for (const [status, ...args] of [
    [401, get(GAMES), preflight],
    [401, get(GAMES), { ...preflight, 'x-api-key': 'bad' }],
    [400, get(GAMES)],
    [400, get('{ gamez }'), { ...preflight, 'x-api-key': owner.key }],
    [400, get('{ games(first: 1000000) { totalCount } }'), {}],
    [
      405,
      get('mutation { deleteGame(input: { id: "x" }) { deletedGameId } }'),
      { ...preflight, 'x-api-key': owner.key },
    ],
    [406, '/graphql', { accept: 'image/png' }, post(GAMES)],
    [400, '/graphql', {}, '{'],
    [413, '/graphql', {}, ' '.repeat(100_001)],
    [415, '/graphql', { 'content-type': 'text/xml' }, '<x/>'],
    [404, '/nowhere'],
    [400, '/%'],
    [200, '/graphql', {}, JSON.stringify({ extensions: { persistedQuery: hash } })],
    [503, '/graphql', { 'x-api-key': owner.key }, post(GAMES), away],
    [503, '/health/ready', {}, undefined, away],
  ] as [number, ...Parameters<typeof cacheControl>][]) {
    expect({ args: args.slice(0, 3), ...(await cacheControl(...args)) }).toEqual({
      args: args.slice(0, 3),
      status,
      cacheControl: expect.stringMatching(/^no-store$|^private,/),
    });
  }
  const refused = await sendBytes(
    api.origin,
    `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`,
  );
  expect(refused).toMatchObject({ status: 431, headers: { 'cache-control': 'no-store' } });
});

test('what is served to everybody alike may be kept, and tells what it varies with', async () => {
  const script = await send(`${api.origin}/graphiql/render.js`, {
    headers: { origin: 'https://app.example.org' },
  });
  expect(script.headers).toMatchObject({
    'cache-control': 'no-cache',
    etag: expect.any(String),
    vary: 'Origin, accept-encoding',
  });
});
