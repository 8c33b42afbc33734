import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { serverAudits } from 'graphql-http';
import { createHash } from 'node:crypto';
import { request } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { startApi, type Api } from '../support/api.js';
import { rowsOf, type Owner } from '../support/builders.js';
import { until } from '../support/process.js';

const TYPENAME = '{ __typename }';

let api: Api;
let closed: Api;
let owner: Owner;

beforeAll(async () => {
  api = await startApi({ env: { CORS_ORIGINS: 'https://app.example.org, http://localhost:5173' } });
  owner = await rowsOf(api.database).owner();
  for (let index = 0; index < 30; index++) await owner.game({ externalGameId: `game-${index}` });
  closed = await startApi({ database: api.database, env: { GRAPHIQL: 'off', INTROSPECTION: 'off' } });
});
afterAll(async () => {
  await closed.close();
  await api.close();
});

const get = (path: string, headers: Record<string, string> = {}, of = api): Promise<Response> =>
  fetch(of.origin + path, { headers });
const post = (body: unknown, headers: Record<string, string> = {}, of = api): Promise<Response> =>
  fetch(`${of.origin}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
const query = (text: string, more: Record<string, string> = {}): string =>
  `/graphql?${new URLSearchParams({ query: text, ...more }).toString()}`;

describe('GET', () => {
  const preflight = { 'apollo-require-preflight': 'true' };

  test('answers queries, with variables and the name of the operation', async () => {
    const document =
      'query One($n: Int) { games(first: $n) { nodes { id } } } query Two { viewer { apiKey } }';
    const headers = { ...preflight, 'x-api-key': owner.key };
    const one = await get(query(document, { operationName: 'One', variables: '{"n":2}' }), headers);
    expect(((await one.json()) as { data: { games: { nodes: unknown[] } } }).data.games.nodes).toHaveLength(
      2,
    );
    const two = await get(query(document, { operationName: 'Two' }), headers);
    expect(await two.json()).toEqual({ data: { viewer: { apiKey: owner.prefix } } });
  });

  test('does not run mutations', async () => {
    const response = await get(
      query('mutation { deleteGame(input: { id: "x" }) { deletedGameId } }'),
      preflight,
    );
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('POST');
  });

  test('is refused to a page of another origin, which a browser lets send it without asking', async () => {
    const response = await get(query(TYPENAME));
    expect(response.status).toBe(400);
    expect(await response.text()).toContain('CSRF');
  });
});

describe('the media type', () => {
  test.each([
    ['application/json', 'application/json; charset=utf-8'],
    ['application/graphql-response+json', 'application/graphql-response+json; charset=utf-8'],
    ['*/*', 'application/json; charset=utf-8'],
  ])('is the one that %s asks for', async (accept, wanted) => {
    const response = await post({ query: TYPENAME }, { accept });
    expect(response.headers.get('content-type')).toBe(wanted);
    expect(response.status).toBe(200);
  });

  test('that cannot be served is refused with 406', async () => {
    expect((await post({ query: TYPENAME }, { accept: 'text/csv' })).status).toBe(406);
  });
});

describe('compression', () => {
  /** An answer as it travels: fetch would unpack it. */
  const raw = (
    encoding: string,
    path = '/graphql',
  ): Promise<{ encoding: string | undefined; body: Buffer }> =>
    new Promise((resolve, reject) => {
      const body = JSON.stringify({
        query: '{ games(first: 30) { nodes { id externalGameId createdAt } } }',
      });
      const sent = request(
        api.origin + path,
        {
          method: path === '/graphql' ? 'POST' : 'GET',
          headers: {
            'content-type': 'application/json',
            'x-api-key': owner.key,
            'accept-encoding': encoding,
          },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', () =>
            resolve({ encoding: response.headers['content-encoding'], body: Buffer.concat(chunks) }),
          );
        },
      );
      sent.on('error', reject);
      sent.end(path === '/graphql' ? body : undefined);
    });

  test('is used where the client takes it, and the answer is the same', async () => {
    const plain = await raw('identity');
    const zipped = await raw('gzip, br');
    expect([plain.encoding, zipped.encoding]).toEqual([undefined, 'gzip']);
    expect(zipped.body.length).toBeLessThan(plain.body.length / 2);
    expect(gunzipSync(zipped.body).toString()).toBe(plain.body.toString());
  });

  test.each(['br', 'gzip;q=0', 'gzip; q=0.0, br', ''])(
    'is not used where the client does not take it: %p',
    async (encoding) => {
      expect((await raw(encoding)).encoding).toBeUndefined();
    },
  );

  test.each(['gzip;q=0.5', 'br, GZIP', 'gzip;q=1'])(
    'is used at whatever preference: %p',
    async (encoding) => {
      expect((await raw(encoding)).encoding).toBe('gzip');
    },
  );

  test('is told to caches, beside the origin', async () => {
    const document = { query: '{ games(first: 30) { nodes { id externalGameId createdAt } } }' };
    for (const encoding of ['gzip', 'identity']) {
      const headers = {
        'x-api-key': owner.key,
        origin: 'https://app.example.org',
        'accept-encoding': encoding,
      };
      expect((await post(document, headers)).headers.get('vary')).toMatch(/^origin, accept-encoding$/i);
    }
  });

  test('also of what GraphiQL loads, to a fraction', async () => {
    const plain = await raw('identity', '/graphiql/graphiql.js');
    const zipped = await raw('gzip', '/graphiql/graphiql.js');
    expect(zipped.body.length).toBeLessThan(plain.body.length / 3);
    expect(gunzipSync(zipped.body).equals(plain.body)).toBe(true);
  });
});

describe('pages of other origins', () => {
  const preflight = (origin: string, of = api): Promise<Response> =>
    fetch(`${of.origin}/graphql`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type,x-api-key',
      },
    });

  test('may call the API when they are named in CORS_ORIGINS', async () => {
    for (const origin of ['https://app.example.org', 'http://localhost:5173']) {
      const asked = await preflight(origin);
      expect(asked.status).toBe(204);
      expect(asked.headers.get('access-control-allow-origin')).toBe(origin);
      expect(asked.headers.get('access-control-allow-headers')).toBe('content-type,x-api-key');
      expect(asked.headers.get('access-control-allow-credentials')).toBeNull();
      const answer = await post({ query: TYPENAME }, { origin });
      expect(answer.headers.get('access-control-allow-origin')).toBe(origin);
    }
  });

  test('may not otherwise', async () => {
    for (const origin of ['https://evil.example.org', 'null', 'https://app.example.org.evil.org']) {
      expect((await preflight(origin)).headers.get('access-control-allow-origin')).toBeNull();
      expect(
        (await post({ query: TYPENAME }, { origin })).headers.get('access-control-allow-origin'),
      ).toBeNull();
    }
    const asked = await preflight('https://app.example.org', closed);
    expect(asked.headers.get('access-control-allow-origin')).toBeNull();
  });
});

describe('persisted queries', () => {
  const text = '{ viewer { apiKey } }';
  const persistedQuery = { version: 1, sha256Hash: createHash('sha256').update(text).digest('hex') };

  test('an unknown one is asked for once, and then known by its hash', async () => {
    const headers = { 'x-api-key': owner.key };
    const unknown = await post({ extensions: { persistedQuery } }, headers);
    expect(await unknown.json()).toMatchObject({
      errors: [{ extensions: { code: 'PERSISTED_QUERY_NOT_FOUND' } }],
    });
    for (const body of [
      { query: text, extensions: { persistedQuery } },
      { extensions: { persistedQuery } },
    ]) {
      const answer = await post(body, headers);
      expect(await answer.json()).toEqual({ data: { viewer: { apiKey: owner.prefix } } });
    }
  });

  test('a text is not taken under the hash of another', async () => {
    const answer = await post({ query: TYPENAME, extensions: { persistedQuery } });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ errors: [{ extensions: { code: 'BAD_REQUEST' } }] });
  });
});

describe('GraphiQL', () => {
  test.each(['/', '/graphiql'])('is at %s, with nothing from elsewhere and no key', async (path) => {
    const response = await get(path);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    const policy = response.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self';");
    const page = await response.text();
    expect(page).not.toMatch(/https?:/);
    expect(page).not.toContain('gme_live');
    const files = [...page.matchAll(/(?:src|href)="(graphiql\/[^"]+)"/g)].map(([, file]) => file);
    expect(files.length).toBeGreaterThan(3);
    for (const file of files) expect((await get(`/${file}`)).status).toBe(200);
  });

  test('the operations that it opens with are answered', async () => {
    const page = await (await get('/')).text();
    const [, settings = ''] = /<script id="settings"[^>]*>(.*?)<\/script>/s.exec(page) ?? [];
    const { tabs } = JSON.parse(settings) as { tabs: { query: string; headers: string }[] };
    expect(tabs.length).toBeGreaterThan(2);
    for (const tab of tabs) {
      expect(JSON.parse(tab.headers)).toEqual({ 'X-API-Key': '' });
      expect(await api.data(tab.query, {}, owner)).toBeTruthy();
    }
  });

  test('a file that is known is not sent again', async () => {
    const first = await get('/graphiql/render.js');
    const again = await get('/graphiql/render.js', { 'if-none-match': first.headers.get('etag') ?? '' });
    expect([first.status, again.status]).toEqual([200, 304]);
  });

  test('is not there when it is switched off, and neither is the schema', async () => {
    for (const path of ['/', '/graphiql', '/graphiql/graphiql.js']) {
      expect((await get(path, {}, closed)).status).toBe(404);
    }
    const answer = await post({ query: '{ __schema { queryType { name } } }' }, {}, closed);
    expect(await answer.json()).toMatchObject({
      errors: [{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }],
    });
    expect(await (await post({ query: TYPENAME }, {}, closed)).json()).toEqual({
      data: { __typename: 'Query' },
    });
  });
});

describe('/metrics', () => {
  test('counts requests by route and status, and the connections to the database', async () => {
    await api.data('{ games { totalCount } }', {}, owner);
    await get('/nowhere/at/all');
    const response = await get('/metrics');
    expect(response.headers.get('content-type')).toContain('text/plain; version=0.0.4');
    const text = await response.text();
    expect(text).toMatch(
      /http_request_duration_seconds_count\{method="POST",route="\/graphql",status="200"\} \d+/,
    );
    expect(text).toMatch(/http_request_duration_seconds_count\{method="GET",route="none",status="404"\} \d+/);
    expect(text).toMatch(/database_connections\{state="idle"\} [1-9]/);
    expect(text).toMatch(/process_resident_memory_bytes \d+/);
    expect(text).not.toContain('nowhere');
    expect(text).not.toContain(owner.prefix);
  });

  test('counts answers with errors by their codes, each once an answer', async () => {
    const codes = ['UNAUTHENTICATED', 'BAD_USER_INPUT', 'INTERNAL_SERVER_ERROR'];
    const counts = async (): Promise<number[]> => {
      const text = await (await get('/metrics')).text();
      return codes.map((code) =>
        Number(new RegExp(`^graphql_errors_total\\{code="${code}"\\} (\\d+)`, 'm').exec(text)?.[1] ?? 0),
      );
    };
    const before = await counts();
    await api.query('{ games { totalCount } }');
    await api.query('{ a: games(first: 0) { totalCount } b: games(first: 0) { totalCount } }', {}, owner);
    const after = await until(async () => {
      const now = await counts();
      return (now[1] ?? 0) > (before[1] ?? 0) && now;
    });
    expect(after.map((count, index) => count - (before[index] ?? 0))).toEqual([1, 1, 0]);
  });

  test('counts the times of requests in classes, each with all that were faster', async () => {
    const times = async (): Promise<{
      classes: [bound: string, count: number][];
      sum: number;
      count: number;
    }> => {
      const text = await (await get('/metrics')).text();
      const values = (name: string): [string, number][] =>
        [...text.matchAll(new RegExp(`^http_request_duration_seconds_${name}\\{(.*)\\} (\\S+)$`, 'gm'))]
          .filter(([, labels]) => labels?.includes('method="POST",route="/graphql",status="200"'))
          .map(([, labels = '', value]) => [/le="([^"]*)"/.exec(labels)?.[1] ?? '', Number(value)]);
      expect(text.match(/^# TYPE http_request_duration_seconds histogram$/gm)).toHaveLength(1);
      return {
        classes: values('bucket'),
        sum: values('sum')[0]?.[1] ?? Number.NaN,
        count: values('count')[0]?.[1] ?? Number.NaN,
      };
    };
    const before = await times();
    for (let turn = 0; turn < 7; turn++) await api.data('{ games { totalCount } }', {}, owner);
    const after = await times();
    expect(after.count - before.count).toBe(7);
    expect(after.sum - before.sum).toBeGreaterThan(0);
    expect(after.sum - before.sum).toBeLessThan(7 * 15);
    const bounds = after.classes.map(([bound]) => Number(bound.replace('+Inf', 'Infinity')));
    expect(bounds).toEqual([0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, Infinity]);
    const counts = after.classes.map(([, count]) => count);
    expect(counts).toEqual(counts.toSorted((left, right) => left - right));
    // None took longer than the last class allows.
    expect(counts.slice(-2)).toEqual([after.count, after.count]);
  });
});

describe('GraphQL over HTTP, by the audits of graphql-http', () => {
  /** What is not as recommended, and why. None of them is a MUST. */
  const LOUD = 'What cannot be run is 400 for either media type, so that proxies, logs and alarms notice it.';
  const EXCEPTIONS: Readonly<Record<string, string>> = { '572B': LOUD, FDE2: LOUD, '7B9B': LOUD };
  const audits = serverAudits({
    url: () => `${api.origin}/graphql`,
    // Its requests by GET must show that they come from no form of a foreign page.
    fetchFn: (url: string, init?: RequestInit) =>
      fetch(url, { ...init, headers: { ...(init?.headers as object), 'apollo-require-preflight': 'true' } }),
  });

  test.each(audits.map((audit) => [audit.name, audit] as const))('%s', async (name, audit) => {
    const result = await audit.fn();
    expect({ name, status: result.status }).toEqual({
      name,
      status: EXCEPTIONS[audit.id] === undefined ? 'ok' : 'warn',
    });
  });
});
