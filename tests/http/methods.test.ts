import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startApi, type Api } from '../support/api.js';
import type { Owner } from '../support/builders.js';
import { send, sendBytes, type RawAnswer } from '../support/http.js';
import { useApi } from '../support/use-api.js';

const { api, rows } = useApi();
let owner: Owner;
let cors: Api;

beforeAll(async () => {
  owner = await rows.owner();
  await owner.game();
  cors = await startApi({ database: api.database, env: { CORS_ORIGINS: 'https://app.example.org' } });
});
afterAll(() => cors.close());

const TYPENAME = '?query=%7B__typename%7D';

/** The status and the codes of an answer that has the form of every error. */
function refusal({ status, headers, text }: RawAnswer): { status: number; type: unknown; codes: string[] } {
  const { errors } = JSON.parse(text) as { errors: { message: string; extensions: { code: string } }[] };
  for (const { message } of errors) expect(message).toMatch(/\w/);
  return { status, type: headers['content-type'], codes: errors.map(({ extensions }) => extensions.code) };
}
const TYPE = 'application/json; charset=utf-8';

describe('the method', () => {
  test.each(['PUT', 'DELETE', 'PATCH', 'TRACE', 'PROPFIND', 'PURGE'])(
    '%s is not allowed where others are, and the answer names these',
    async (method) => {
      for (const [path, allow] of [
        ['/graphql', 'GET, HEAD, POST, OPTIONS'],
        ['/graphql/?a=b', 'GET, HEAD, POST, OPTIONS'],
        ['/health/live', 'GET, HEAD, OPTIONS'],
        ['/metrics', 'GET, HEAD, OPTIONS'],
        ['/', 'GET, HEAD, OPTIONS'],
      ] as const) {
        const answer = await send(api.origin + path, { method });
        expect({ path, ...refusal(answer), allow: answer.headers['allow'] }).toEqual({
          ...{ path, status: 405, type: TYPE, codes: ['BAD_REQUEST'], allow },
        });
      }
      expect((await send(`${api.origin}/nowhere`, { method })).status).toBe(404);
    },
  );

  test('POST is not allowed where only GET is', async () => {
    const answer = await send(`${api.origin}/health/live`, { method: 'POST' });
    expect({ ...refusal(answer), allow: answer.headers['allow'] }).toMatchObject({
      ...{ status: 405, allow: 'GET, HEAD, OPTIONS' },
    });
  });

  test('HEAD answers what GET does, without the body', async () => {
    const headers = { 'x-api-key': owner.key, accept: 'application/graphql-response+json' };
    for (const path of [
      `/graphql${TYPENAME}`,
      '/graphql?query=%7Bgamez%7D',
      '/graphql',
      '/health/live',
      '/health/ready',
      '/',
      '/nowhere',
    ]) {
      const [got, head] = await Promise.all([
        send(api.origin + path, { headers }),
        send(api.origin + path, { method: 'HEAD', headers }),
      ]);
      const seen = ({
        status,
        headers: { 'content-type': type, 'content-length': length },
      }: RawAnswer): object => ({
        ...{ path, status, type, length },
      });
      expect(seen(head)).toEqual(seen(got));
      expect(head.text).toBe('');
    }
  });

  test('OPTIONS answers which methods there are', async () => {
    const answer = await send(api.url, { method: 'OPTIONS' });
    expect(answer).toMatchObject({ status: 204, headers: { allow: 'GET, HEAD, POST, OPTIONS' }, text: '' });
    expect((await send(`${api.origin}/nowhere`, { method: 'OPTIONS' })).status).toBe(404);
    // Where other origins are let in, a preflight may be short of a header.
    expect(await send(cors.url, { method: 'OPTIONS' })).toMatchObject({ status: 204, text: '' });
  });

  test('a path with a slash at its end is the same', async () => {
    const headers = { 'content-type': 'application/json', 'x-api-key': owner.key };
    const body = '{"query":"{ games { totalCount } }"}';
    expect(await send(`${api.url}/`, { method: 'POST', headers, body })).toMatchObject({
      ...{ status: 200, text: '{"data":{"games":{"totalCount":1}}}\n' },
    });
    expect((await send(`${api.url}/${TYPENAME}`, { headers })).status).toBe(200);
  });
});

describe('GET from a page of another origin', () => {
  test('needs no header beyond a credential, which makes browsers ask first', async () => {
    const token = { authorization: 'Bearer x.y.z' };
    for (const [headers, status] of [
      [{ 'x-api-key': owner.key }, 200],
      [token, 401],
      [{ 'x-api-key': '' }, 400],
      [{ cookie: 'a=b' }, 400],
    ] as const) {
      expect((await send(api.url + TYPENAME, { headers })).status).toBe(status);
    }
  });
});

describe('an Accept header that cannot be served', () => {
  const CREATE =
    'mutation { createGame(input: { externalGameId: "accepted", platform: "web" }) { game { id } } }';

  test.each([
    'text/csv',
    'image/*',
    'application/json;q=0, application/graphql-response+json;q=0',
    'application/json; charset=utf-16',
    'multipart/mixed',
    'text/event-stream',
    ',',
    'nonsense',
  ])('is refused before anything is run: %s', async (accept) => {
    const before = await api.database.dump();
    const headers = { 'content-type': 'application/json', 'x-api-key': owner.key, accept };
    const mutation = await send(api.url, {
      method: 'POST',
      headers,
      body: JSON.stringify({ query: CREATE }),
    });
    expect(refusal(mutation)).toEqual({ status: 406, type: TYPE, codes: ['BAD_REQUEST'] });
    expect(refusal(await send(api.url + TYPENAME, { headers }))).toMatchObject({ status: 406 });
    expect(await api.database.dump()).toBe(before);
  });

  test.each([
    ['application/graphql-response+json, application/json;q=0.9', 'application/graphql-response+json'],
    ['application/json;q=0.9, application/graphql-response+json;q=0.95', 'application/graphql-response+json'],
    [
      'application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed',
      'application/graphql-response+json',
    ],
    ['application/json, application/graphql-response+json', 'application/json'],
    ['text/html, */*;q=0.1', 'application/json'],
    ['application/*, application/json;q=0', 'application/graphql-response+json'],
    ['APPLICATION/JSON; Charset="UTF-8"', 'application/json'],
    ['', 'application/json'],
  ])('else decides what is sent: %s', async (accept, type) => {
    const headers = { 'content-type': 'application/json', accept };
    for (let turn = 0; turn < 3; turn++) {
      const answer = await send(api.url, {
        method: 'POST',
        headers,
        body: '{"query":"{ viewer { isAdmin } }"}',
      });
      expect([answer.status, answer.headers['content-type']]).toEqual([200, `${type}; charset=utf-8`]);
    }
  });
});

describe('what is no request', () => {
  const post = 'POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';

  test.each<[what: string, bytes: string, status: number, code: string]>([
    ['no request line', 'HELO example.org\r\n\r\n', 400, 'BAD_REQUEST'],
    ['an unknown method', 'BREW / HTTP/1.1\r\nHost: x\r\n\r\n', 400, 'BAD_REQUEST'],
    ['a header without a name', 'GET / HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n', 400, 'BAD_REQUEST'],
    ['two lengths', `${post}Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}`, 400, 'BAD_REQUEST'],
    ['a chunk of no length', `${post}Transfer-Encoding: chunked\r\n\r\nzz\r\n`, 400, 'BAD_REQUEST'],
    ['no host', 'GET /health/live HTTP/1.1\r\nConnection: close\r\n\r\n', 400, 'BAD_REQUEST'],
    [
      'two hosts',
      'GET /health/live HTTP/1.1\r\nHost: x\r\nHOST: y\r\nConnection: close\r\n\r\n',
      400,
      'BAD_REQUEST',
    ],
    [
      'an expectation',
      `${post}Expect: 200-maybe\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}`,
      417,
      'BAD_REQUEST',
    ],
    ['a path of 20 kB', `GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 431, 'LIMIT_EXCEEDED'],
    [
      '500 headers',
      `GET / HTTP/1.1\r\nHost: x\r\n${'X-Filler: 0123456789012345678901234567890123456789\r\n'.repeat(500)}\r\n`,
      431,
      'LIMIT_EXCEEDED',
    ],
  ])('%s is answered in the form of every error', async (_what, bytes, status, code) => {
    const answer = await sendBytes(api.origin, bytes);
    expect(refusal(answer)).toEqual({ status, type: TYPE, codes: [code] });
    expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', connection: 'close' });
    expect(answer.text.length).toBeLessThan(500);
  });
});
