import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startApi, type Api, type LogLine } from '../support/api.js';
import type { Owner } from '../support/builders.js';
import { send, type RawAnswer } from '../support/http.js';
import { useApiAndIssuer } from '../support/use-api.js';

const { api, rows, issuer } = useApiAndIssuer();
/** The database is away. */
let away: Api;
let owner: Owner;
let token: string;

beforeAll(async () => {
  owner = await rows.owner();
  token = (await issuer.caller({ sub: 'somebody' })).token ?? '';
  away = await startApi({
    database: api.database,
    env: { DATABASE_URL: 'postgres://user:password@127.0.0.1:1/game', ...issuer.env },
  });
});
afterAll(() => away.close());

const JSON_TYPE = 'application/json';
const RESPONSE_TYPE = 'application/graphql-response+json';

interface Body {
  readonly data?: Record<string, unknown> | null;
  readonly errors?: readonly { readonly message: string; readonly extensions: { readonly code: string } }[];
}

async function post(
  body: object | string,
  headers: Record<string, string> = {},
  of = api,
): Promise<RawAnswer & { body: Body; codes: unknown[] }> {
  const answer = await send(of.url, {
    method: 'POST',
    headers: { 'content-type': JSON_TYPE, ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const parsed = JSON.parse(answer.text) as Body;
  return { ...answer, body: parsed, codes: (parsed.errors ?? []).map(({ extensions }) => extensions.code) };
}

function alarms(log: readonly LogLine[]): LogLine[] {
  return log.filter(({ level }) => Number(level) >= 40);
}

describe('data that is there comes with 200, whatever else there is', () => {
  test.each([JSON_TYPE, RESPONSE_TYPE])('%s', async (accept) => {
    for (let turn = 0; turn < 3; turn++) {
      const nobody = await post(
        {
          query: '{ me: viewer { isAdmin } strategyReassignments { totalCount } games { totalCount } }',
        },
        { accept },
      );
      expect(nobody).toMatchObject({
        ...{ status: 200, codes: ['UNAUTHENTICATED', 'UNAUTHENTICATED'] },
        body: { data: { me: { isAdmin: false }, strategyReassignments: null, games: null } },
      });
      const unread = await post(
        { query: '{ viewer { oauthUserId } games { totalCount } }' },
        { accept, authorization: `Bearer ${token}` },
        away,
      );
      expect(unread).toMatchObject({
        ...{ status: 200, codes: ['SERVICE_UNAVAILABLE'] },
        body: { data: { viewer: { oauthUserId: 'somebody' }, games: null } },
      });
    }
  });
});

describe('an operation of which nothing came has no data, and the status of its error', () => {
  test.each([JSON_TYPE, RESPONSE_TYPE])('%s', async (accept) => {
    for (const [query, headers, of, status] of [
      ['query A { games { totalCount } }', {}, api, 401],
      ['mutation { deleteGame(input: { id: "x" }) { deletedGameId } }', {}, api, 401],
      ['{ games { totalCount } }', { authorization: `Bearer ${token}` }, away, 503],
      [
        'mutation { deleteGame(input: { id: "7d8ad5c8-6d68-4b2c-8f5d-f4e3f0a3a4a4" }) { deletedGameId } }',
        { authorization: `Bearer ${token}` },
        away,
        503,
      ],
    ] as const) {
      const answer = await post({ query }, { accept, ...headers }, of);
      expect({ query, status: answer.status }).toEqual({ query, status });
      expect(answer.body).not.toHaveProperty('data');
    }
    const chosen = await post(
      { query: 'query A { viewer { isAdmin } } query B { games { totalCount } }', operationName: 'B' },
      { accept },
    );
    expect(chosen.status).toBe(401);
    expect(chosen.body).not.toHaveProperty('data');
  });
});

describe('401 says which credentials there are', () => {
  const ANY = 'ApiKey realm="GAME", Bearer realm="GAME"';
  const BAD_TOKEN = 'Bearer realm="GAME", error="invalid_token"';

  test.each<[what: string, headers: Record<string, string>, challenge: string]>([
    ['none', {}, ANY],
    ['an unknown key', { 'x-api-key': 'gme_live_AAAAAAAA.x' }, 'ApiKey realm="GAME"'],
    ['a bad token', { authorization: 'Bearer a.b.c' }, BAD_TOKEN],
    ['another scheme', { authorization: 'Basic YTpi' }, BAD_TOKEN],
    ['a bad token beside a key', { authorization: 'Bearer a.b.c', 'x-api-key': 'KEY' }, BAD_TOKEN],
  ])('%s', async (_what, { 'x-api-key': key, ...headers }, challenge) => {
    const all = {
      ...headers,
      ...(key === undefined ? {} : { 'x-api-key': key === 'KEY' ? owner.key : key }),
    };
    for (const query of [
      '{ games { totalCount } }',
      'mutation { deleteGame(input: { id: "x" }) { deletedGameId } }',
    ]) {
      const answer = await post({ query }, all);
      expect([answer.status, answer.headers['www-authenticate']]).toEqual([401, challenge]);
    }
    const search = new URLSearchParams({ query: '{ games { totalCount } }' }).toString();
    const got = await send(`${api.url}?${search}`, { headers: { 'apollo-require-preflight': '1', ...all } });
    expect([got.status, got.headers['www-authenticate']]).toEqual([401, challenge]);
  });

  test('a token where none are taken', async () => {
    const keysOnly = await startApi({ database: api.database });
    try {
      const answer = await post({ query: '{ __typename }' }, { authorization: 'Bearer a.b.c' }, keysOnly);
      expect([answer.status, answer.headers['www-authenticate']]).toEqual([401, 'ApiKey realm="GAME"']);
    } finally {
      await keysOnly.close();
    }
  });
});

describe("a client's mistake is 400 without data, and no alarm", () => {
  const deep = (open: string, close: string, inner: string, depth: number): string =>
    open.repeat(depth) + inner + close.repeat(depth);
  /** JSON of values within each other. */
  const nested = (depth: number): string => deep('[{"and":', '}]', '1', depth);
  /** Puts such JSON into the place of a text of this kind: JSON.stringify calls itself for each level. */
  const unfold = (json: string): string =>
    json.replaceAll(/"nested (\d+)"/g, (_text, depth) => nested(Number(depth)));
  const CREATE = 'mutation ($input: CreateGameInput!) { createGame(input: $input) { game { id } } }';
  const FILTER = 'query ($filter: GameFilter) { games(filter: $filter) { totalCount } }';

  const mistakes: [what: string, body: Record<string, unknown>][] = [
    ['a subscription', { query: 'subscription Watch { viewer { isAdmin } }' }],
    [
      'a subscription beside a query',
      { query: 'query A { __typename } subscription B { game(id: "x") { id } }', operationName: 'B' },
    ],
    ['a directive that is not there', { query: '{ viewer @live { isAdmin } }' }],
    ['@defer', { query: '{ ... @defer { viewer { isAdmin } } }' }],
    ['@stream', { query: '{ games { nodes @stream(initialCount: 1) { id } } }' }],
    ['a type', { query: 'type A { b: Int }' }],
    ['an extension of the schema beside a query', { query: '{ __typename } extend type Query { b: Int }' }],
    ['nothing but a fragment', { query: 'fragment F on Query { __typename }' }],
    ['a variable of an output type', { query: 'query ($g: Game) { game(id: $g) { id } }' }],
    ['a variable of no type', { query: 'query ($g: Nothing) { game(id: $g) { id } }' }],
    [
      'a deep type of a variable',
      {
        query: `query ($g: ${deep('[', ']', 'ID', 2_000)}) { game(id: $g) { id } }`,
        variables: { g: 'nested 100' },
      },
    ],
    ['a deep literal', { query: `{ games(filter: ${deep('[', ']', '1', 2_400)}) { totalCount } }` }],
    ['a deep object', { query: `{ games(filter: ${deep('{ not: ', '}', '{}', 1_200)}) { totalCount } }` }],
    ['deep fields', { query: deep('{ a', '}', '', 2_400) }],
    ['deep inline fragments', { query: deep('{ ... ', '}', '{ viewer { isAdmin } }', 1_600) }],
    ['deep variables of a query', { query: FILTER, variables: { filter: 'nested 5000' } }],
    ['deep variables of a mutation', { query: CREATE, variables: { input: 'nested 8000' } }],
    [
      'a deep default',
      {
        query: `query ($f: GameFilter = ${deep('{ not: ', '}', '{}', 1_200)}) { games(filter: $f) { totalCount } }`,
      },
    ],
    ['a deep hash', { extensions: { persistedQuery: { version: 1, sha256Hash: 'nested 8000' } } }],
    [
      'a hash that is no text',
      { extensions: { persistedQuery: { version: 1, sha256Hash: { toString: 1 } } } },
    ],
    ['a hash without its object', { query: '{ __typename }', extensions: { persistedQuery: 'x' } }],
    ['no hash', { query: '{ __typename }', extensions: { persistedQuery: { version: 1 } } }],
    [
      'a deep version of a persisted query',
      {
        query: '{ __typename }',
        extensions: { persistedQuery: { version: 'nested 8000', sha256Hash: 'x' } },
      },
    ],
  ];
  test.each(mistakes)('%s', async (_what, body) => {
    const alarmed = alarms(api.log).length;
    const text = unfold(JSON.stringify(body));
    const search = Object.entries(body).map(([name, value]): [string, string] => [
      name,
      typeof value === 'string' ? value : unfold(JSON.stringify(value)),
    ]);
    const url = `${api.url}?${new URLSearchParams(search).toString()}`;
    const headers = { accept: RESPONSE_TYPE, 'x-api-key': owner.key };
    for (let turn = 0; turn < 3; turn++) {
      const answer = await post(text, headers);
      expect({ codes: answer.codes, status: answer.status }).toMatchObject({ status: 400 });
      expect(answer.body).not.toHaveProperty('data');
      const anonymous = await post(text, { accept: RESPONSE_TYPE });
      expect([400, 401]).toContain(anonymous.status);
      const got = await send(url, { headers });
      expect([400, 405, 431]).toContain(got.status);
    }
    expect(alarms(api.log).slice(alarmed)).toEqual([]);
  });

  test('extensions may be nested as they like: nobody looks into them', async () => {
    const answer = await post(unfold('{"query":"{ __typename }","extensions":{"other":"nested 8000"}}'));
    expect(answer.body).toEqual({ data: { __typename: 'Query' } });
  });

  test('a subscription does not come by GET either', async () => {
    const search = new URLSearchParams({ query: 'subscription { games { totalCount } }' }).toString();
    expect((await send(`${api.url}?${search}`, { headers: { 'x-api-key': owner.key } })).status).toBe(400);
  });
});

test('an unknown hash is 400 in the type whose status tells of the operation, and 200 in the other', async () => {
  const body = { extensions: { persistedQuery: { version: 1, sha256Hash: 'b'.repeat(64) } } };
  for (const [accept, status] of [
    [RESPONSE_TYPE, 400],
    [`${RESPONSE_TYPE}, application/json;q=0.9`, 400],
    [JSON_TYPE, 200],
    ['*/*', 200],
  ] as const) {
    const answer = await post(body, { accept });
    expect({ accept, status: answer.status, codes: answer.codes }).toEqual({
      ...{ accept, status, codes: ['PERSISTED_QUERY_NOT_FOUND'] },
    });
    expect(answer.body).not.toHaveProperty('data');
  }
});
