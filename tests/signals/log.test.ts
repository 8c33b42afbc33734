import { beforeAll, describe, expect, test } from '@jest/globals';
import { hashApiKey } from '../../src/api-keys/key-format.js';
import type { LogLine } from '../support/api.js';
import type { Owner } from '../support/builders.js';
import { send, sendBytes, type RawRequest } from '../support/http.js';
import { send as sendAndLeave } from '../support/leaving-client.js';
import { Lock, untilWaiting } from '../support/locks.js';
import { until } from '../support/process.js';
import { useApiAndIssuer } from '../support/use-api.js';

const ORIGIN = 'https://app.example.org';
const { api, rows, issuer } = useApiAndIssuer({ env: { CORS_ORIGINS: ORIGIN } });

let owner: Owner;
beforeAll(async () => {
  owner = await rows.owner();
});

/** Sends an operation under an id, and returns the line of it. */
async function lineOf(
  id: string,
  body: object | string,
  headers: Readonly<Record<string, string>> = {},
): Promise<LogLine> {
  await send(api.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-request-id': id, ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return lineWith(id);
}

const lineWith = (id: string): Promise<LogLine> =>
  until(() => api.log.find(({ reqId, msg }) => reqId === id && msg === 'request') ?? null);

describe('the line of a request', () => {
  test('tells what was asked for, by whom, how long it took, and what it cost', async () => {
    const game = await owner.game();
    const line = await lineOf(
      'reads',
      {
        query: 'query Two($id: ID!) { game(id: $id) { id } games { totalCount } }',
        variables: { id: game.id },
      },
      { 'x-api-key': owner.key },
    );
    expect(line).toMatchObject({
      reqId: 'reads',
      method: 'POST',
      path: '/graphql',
      status: 200,
      caller: { apiKey: owner.prefix, oauthUserId: null },
      operation: 'query Two',
    });
    // The two root fields, and perhaps the look-up of the key.
    expect([2, 3]).toContain(line['statements']);
    expect(line['databaseMs']).toBeGreaterThan(0);
    expect(line['ms']).toBeGreaterThanOrEqual(line['databaseMs'] as number);
    expect(line['cost']).toBeGreaterThan(0);
    expect(line['bytes']).toBe(
      JSON.stringify({ data: { game: { id: game.id }, games: { totalCount: 1 } } }).length + 1,
    );
    expect(line).not.toHaveProperty('errors');
    expect(line).not.toHaveProperty('traceId');
  });

  test('counts what a transaction sends, its begin and its COMMIT included', async () => {
    const { id } = await owner.game();
    const line = await lineOf(
      'writes',
      {
        query:
          'mutation Write($id: ID!) { patchGame(input: { id: $id, platform: "x" }) { game { platform } } }',
        variables: { id },
      },
      { 'x-api-key': owner.key },
    );
    expect(line).toMatchObject({ status: 200, operation: 'mutation Write' });
    expect(line['statements']).toBeGreaterThanOrEqual(5);
  });

  test('has the codes of errors, also of what no operation came of', async () => {
    const key = { 'x-api-key': owner.key };
    expect(await lineOf('not-found', { query: '{ games(first: 0) { totalCount } }' }, key)).toMatchObject({
      operation: 'query',
      errors: ['BAD_USER_INPUT'],
    });
    expect(await lineOf('no-json', '{', key)).toMatchObject({ status: 400, errors: ['BAD_REQUEST'] });
    expect(await lineOf('too-long', `"${'x'.repeat(100_001)}"`, key)).toMatchObject({
      status: 413,
      errors: ['LIMIT_EXCEEDED'],
    });
    expect(
      await lineOf('bad-key', { query: '{ __typename }' }, { 'x-api-key': 'gme_live_no' }),
    ).toMatchObject({
      status: 401,
      errors: ['UNAUTHENTICATED'],
    });
  });

  test('is there where the client went away', async () => {
    const lock = await Lock.ofTable(api.database, 'games');
    try {
      const sent = sendAndLeave(api, 'query Left { games { totalCount } }', owner);
      await untilWaiting(api, 1, 0);
      sent.leave();
      const line = await until(() => api.log.find(({ operation }) => operation === 'query Left') ?? null);
      expect(line).toMatchObject({ status: 499, path: '/graphql', caller: { apiKey: owner.prefix } });
    } finally {
      await lock.release();
    }
  });

  test('of an error that was hidden has the same id as the line of the error', async () => {
    await api.database.query('ALTER TABLE games RENAME TO hidden_games');
    try {
      await lineOf('hidden', { query: '{ games { totalCount } }' }, { 'x-api-key': owner.key });
    } finally {
      await api.database.query('ALTER TABLE hidden_games RENAME TO games');
    }
    expect(api.log.filter(({ reqId }) => reqId === 'hidden')).toMatchObject([
      { msg: 'masked error', errorId: expect.any(String) },
      { msg: 'request' },
    ]);
  });
});

describe('the id of a request', () => {
  const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
  const PARENT = `00-${TRACE}-00f067aa0ba902b7-01`;
  const MADE = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

  const idOf = async (headers: RawRequest['headers'], path = '/health/live'): Promise<unknown> =>
    (await send(api.origin + path, { headers: headers ?? {} })).headers['x-request-id'];

  test('is the one that was sent, and the answer has it, whatever it is', async () => {
    for (const path of ['/health/live', '/metrics', '/graphql', '/nowhere', '/%']) {
      expect(await idOf({ 'x-request-id': 'a1-B2_c3.d4:e5/f6+g7=' }, path)).toBe('a1-B2_c3.d4:e5/f6+g7=');
    }
    expect(await idOf({ 'x-request-id': 'x'.repeat(128), traceparent: PARENT })).toBe('x'.repeat(128));
  });

  test.each([
    ['', 'empty'],
    ['x'.repeat(129), 'too long'],
    ['a b', 'with a blank'],
    ['a"b', 'with a quotation mark'],
    ['<script>', 'with markup'],
    ['a\u00E9', 'beyond ASCII'],
    ['{x}', 'with braces'],
  ])('%j, which is %s, is not taken over', async (given) => {
    expect(await idOf({ 'x-request-id': given })).toMatch(MADE);
    expect(await idOf({ 'x-request-id': given, traceparent: PARENT })).toBe(TRACE);
  });

  test('is that of the trace where none was sent', async () => {
    expect(await idOf({ traceparent: PARENT })).toBe(TRACE);
    const bad = [
      `ff-${TRACE}-00f067aa0ba902b7-01`,
      `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
      `00-${TRACE}-${'0'.repeat(16)}-01`,
      `00-${TRACE.toUpperCase()}-00f067aa0ba902b7-01`,
      `00-${TRACE}`,
    ];
    for (const traceparent of bad) expect(await idOf({ traceparent })).toMatch(MADE);
  });

  test('is another one for each request that sent two of them, or none', async () => {
    const ids = [await idOf({}), await idOf({}), await idOf({ 'x-request-id': ['a', 'b'] })];
    for (const id of ids) expect(id).toMatch(MADE);
    expect(new Set(ids).size).toBe(3);
  });

  test('may be read by a page of another origin', async () => {
    const { headers } = await send(`${api.url}?query={__typename}`, { headers: { origin: ORIGIN } });
    expect(String(headers['access-control-expose-headers']).split(', ')).toContain('x-request-id');
  });
});

test('nothing that is secret, and no value, is ever logged', async () => {
  const canary = 'canary-7f3a9c';
  const word = 'canary7f3a9c';
  const key = { 'x-api-key': owner.key };
  const { token = '' } = await issuer.caller({ sub: 'somebody' });
  const json = { 'content-type': 'application/json' };
  const bodies: readonly object[] = [
    { query: `query A { games(filter: { externalGameId: { eq: "${canary}" } }) { totalCount } }` },
    {
      query: 'query B($x: String!) { gameByExternalId(externalGameId: $x) { id } }',
      variables: { x: canary },
    },
    { query: `query C { game(id: "${canary}") { id } }` },
    { query: `{ ${word} }` },
    { query: `{ "${canary}` },
    { query: `query D { games(after: "${canary}") { totalCount } }` },
    {
      query: `mutation E { createGame(input: { externalGameId: "${canary}", platform: "${canary}", params: [{ key: "${canary}", value: "${canary}" }] }) { game { id } } }`,
    },
    {
      query: 'mutation F($input: CreateGameInput!) { createGame(input: $input) { game { id } } }',
      variables: { input: { externalGameId: canary, platform: 'p' } },
    },
    { query: '{ __typename }', operationName: canary },
    { query: '{ __typename }', extensions: { persistedQuery: { version: 1, sha256Hash: canary } } },
  ];
  const before = api.log.length;
  let sent = 0;
  const post = async (headers: Readonly<Record<string, string>>, body: string): Promise<void> => {
    await send(api.url, {
      method: 'POST',
      headers: { ...json, 'x-request-id': `c${sent++}`, ...headers },
      body,
    });
  };
  for (const body of bodies) {
    for (const more of [key, { authorization: `Bearer ${token}` }, {}])
      await post(more, JSON.stringify(body));
  }
  await post(key, `{"query": ${canary}`);
  await post({ 'x-api-key': `gme_live_${word}.${word}` }, JSON.stringify(bodies[0]));
  await post({ authorization: `Bearer ${canary}` }, JSON.stringify(bodies[0]));
  await post({ ...key, cookie: canary, 'user-agent': canary, referer: canary }, JSON.stringify(bodies[0]));
  await post({ ...key, 'idempotency-key': canary }, JSON.stringify(bodies[6]));
  await post({ ...key, 'x-request-id': `${canary} ${canary}` }, JSON.stringify(bodies[0]));
  await post({ ...key, 'content-type': `text/${canary}` }, JSON.stringify(bodies[0]));
  await send(`${api.url}?query={${word}}&variables={"x":"${canary}"}`, { headers: key });
  await send(`${api.origin}/graphql;${canary}?${canary}#${canary}`, { headers: key });
  await sendBytes(
    api.origin,
    `GET http://user:${canary}@host/nowhere HTTP/1.1\r\nHost: host\r\nConnection: close\r\n\r\n`,
  );
  await until(() => api.log.filter(({ msg }) => msg === 'request').length >= before + sent);
  const text = api.log.map((line) => JSON.stringify(line)).join('\n');
  expect(text).toContain('"operation":"mutation F"');
  const secrets = [canary, word, owner.key, hashApiKey(owner.key), token, token.split('.')[1] ?? ''];
  for (const secret of secrets) expect(text).not.toContain(secret);
});

test('a path that is not there is cut', async () => {
  const path = `/${'p'.repeat(300)}`;
  await send(`${api.origin}${path}?x=y`, { headers: { 'x-request-id': 'long-path' } });
  expect((await lineWith('long-path'))['path']).toBe(path.slice(0, 100));
});
