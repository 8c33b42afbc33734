import { beforeAll, expect, test } from '@jest/globals';
import { request } from 'node:http';
import { rowsOf, type Owner } from '../support/builders.js';
import { useApi } from '../support/use-api.js';

// An operation that was answered three times takes a shorter way. Nobody may notice.

const { api } = useApi();
let alice: Owner;
let bob: Owner;

beforeAll(async () => {
  [alice, bob] = [await rowsOf(api.database).owner(), await rowsOf(api.database).owner()];
  await alice.game({ externalGameId: 'of-alice' });
  await bob.game({ externalGameId: 'of-bob' });
});

interface Response {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string;
}

async function post(body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  const response = await fetch(api.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': alice.key, ...headers },
    body: JSON.stringify(body),
  });
  const { date, 'keep-alive': _, 'x-request-id': id, ...others } = Object.fromEntries(response.headers);
  expect([date, id]).toEqual([expect.any(String), expect.any(String)]);
  return { status: response.status, headers: others, body: await response.text() };
}

let count = 0;
/** Text of an operation of its own, and answers to it as often as it takes to be known. */
async function repeat(
  make: (name: string) => string,
  variables: object = {},
): Promise<{ query: string; answers: Response[] }> {
  const query = make(`Repeated${++count}`);
  const answers = [];
  for (let time = 0; time < 4; time++) answers.push(await post({ query, variables }));
  return { query, answers };
}

const LIST = (name: string): string => `query ${name} { games { nodes { externalGameId } } }`;

test('the answer is the same byte for byte, with the same headers, in either media type, also compressed', async () => {
  const query = LIST('InAnyForm');
  for (const accept of [
    '*/*',
    'application/json',
    'application/graphql-response+json, application/json;q=0.5',
  ]) {
    const answers = [];
    for (let time = 0; time < 4; time++) answers.push(await post({ query }, { accept }));
    expect(answers).toEqual(Array(4).fill(answers[0]));
    expect(answers[0]).toMatchObject({
      status: 200,
      body: '{"data":{"games":{"nodes":[{"externalGameId":"of-alice"}]}}}\n',
    });
    expect(answers[0]?.headers['content-type']).toBe(
      `${accept.startsWith('application/graphql') ? 'application/graphql-response+json' : 'application/json'}; charset=utf-8`,
    );
  }
  expect(await post({ query }, { accept: 'text/html' })).toMatchObject({ status: 406 });
});

test('it is for whoever asks now', async () => {
  const { query } = await repeat(LIST);
  expect(await post({ query }, { 'x-api-key': bob.key })).toMatchObject({
    body: '{"data":{"games":{"nodes":[{"externalGameId":"of-bob"}]}}}\n',
  });
  const bad = await post({ query }, { 'x-api-key': 'gme_live_bad.bad' });
  expect(bad).toEqual(await post({ query: LIST('Fresh') }, { 'x-api-key': 'gme_live_bad.bad' }));
  expect(bad.status).toBe(401);
  expect(bad.body).toContain('UNAUTHENTICATED');
});

test('its log line is the same', async () => {
  const { query } = await repeat(LIST);
  const name = /Repeated\d+/.exec(query)?.[0] ?? '';
  const lines = api.log.filter((line) => line['operation'] === `query ${name}`);
  expect(lines).toHaveLength(4);
  for (const line of lines) expect(line).toMatchObject({ status: 200, caller: { apiKey: alice.prefix } });
});

test('limits that depend on variables hold each time', async () => {
  const { query, answers } = await repeat(
    (name) =>
      `query ${name}($n: Int) { games(first: $n) { nodes { tasks(first: $n) { nodes { game { tasks(first: $n) { nodes { id } } } } } } } }`,
    { n: 1 },
  );
  expect(answers.at(-1)?.status).toBe(200);
  const refused = await post({ query, variables: { n: 100 } });
  expect(refused.status).toBe(400);
  expect(refused.body).toContain('LIMIT_EXCEEDED');
});

test('what is wrong with a request is said as ever', async () => {
  const { query } = await repeat((name) => `query ${name}($n: Int) { games(first: $n) { nodes { id } } }`, {
    n: 1,
  });
  const answers = [
    await post({ query, variables: { n: 'x' } }),
    await post({ query, variables: '{}' }),
    await post({ query, variables: [1] }),
    await post({ query, operationName: 'Other' }),
    await post({ query, operationName: 1 }),
    await post({ query, extensions: 'x' }),
    await post([{ query }]),
    await post({ query, extensions: { persistedQuery: { version: 1, sha256Hash: 'x' } } }),
  ];
  expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(400));
  expect((await post({ query }, { 'content-type': 'text/plain' })).status).toBe(415);
  expect(await post({ query, variables: { n: 0 } })).toMatchObject({ status: 200 });
  expect((await post({ query, variables: { n: 0 } })).body).toContain('BAD_USER_INPUT');
  expect(
    await post({ query, variables: null, operationName: null, extensions: { clientLibrary: {} } }),
  ).toMatchObject({
    status: 200,
  });
});

test('one of several operations of a document is the one that was named', async () => {
  const query = 'query One { games { totalCount } } query Two { viewer { isAdmin } }';
  for (let time = 0; time < 4; time++) {
    expect((await post({ query, operationName: 'One' })).body).toBe('{"data":{"games":{"totalCount":1}}}\n');
    expect((await post({ query, operationName: 'Two' })).body).toBe(
      '{"data":{"viewer":{"isAdmin":false}}}\n',
    );
    expect(await post({ query })).toMatchObject({ status: 400 });
  }
});

test('an operation that is known vouches for no other of its document', async () => {
  const query = `query Cheap { games { totalCount } }
    query Dear($n: Int) { games(first: $n) { nodes { tasks(first: $n) { nodes { game { tasks(first: $n) { nodes { id } } } } } } } }`;
  for (let time = 0; time < 4; time++) {
    expect(await post({ query, operationName: 'Cheap' })).toMatchObject({ status: 200 });
    expect(await post({ query, operationName: 'Dear', variables: { n: 1 } })).toMatchObject({ status: 200 });
  }
  const refused = await post({ query, operationName: 'Dear', variables: { n: 100 } });
  expect(refused.status).toBe(400);
  expect(refused.body).toContain('LIMIT_EXCEEDED');
});

test('a mutation is done once, also when a part of it fails', async () => {
  const query = `mutation Twice($name: String!) {
    made: createGame(input: { externalGameId: $name, platform: "web" }) { game { externalGameId } }
    failed: deleteGame(input: { id: "missing" }) { deletedGameId }
  }`;
  for (let time = 0; time < 5; time++) {
    const answer = await post({ query, variables: { name: `made-${time}` } });
    expect(JSON.parse(answer.body)).toMatchObject({
      data: { made: { game: { externalGameId: `made-${time}` } }, failed: null },
      errors: [{ path: ['failed'], extensions: { code: 'NOT_FOUND' } }],
    });
  }
  const rows = await api.database.query(`SELECT FROM games WHERE "externalGameId" LIKE 'made-%'`);
  expect(rows).toHaveLength(5);
});

test('an empty name is the name of no operation: nothing runs, whatever the limits would say', async () => {
  const game = await alice.game({ externalGameId: 'stays' });
  const mutation = `mutation { deleteGame(input: { id: "${game.id}" }) { deletedGameId } }`;
  const deep = `{ games(first: 100) { nodes { tasks(first: 100) { nodes { game { tasks(first: 100) { nodes { id } } } } } } } }`;
  for (let time = 0; time < 5; time++) {
    for (const query of [mutation, deep, '{ viewer { isAdmin } }']) {
      const answer = await post({ query, operationName: '' });
      expect(answer.status).toBe(400);
      expect(JSON.parse(answer.body)).toEqual({
        errors: [
          {
            message: 'Unknown operation named "".',
            extensions: { code: 'OPERATION_RESOLUTION_FAILURE' },
          },
        ],
      });
    }
    const query = new URLSearchParams({ query: mutation, operationName: '' }).toString();
    const read = await fetch(`${api.url}?${query}`, {
      headers: { 'x-api-key': alice.key, 'apollo-require-preflight': 'true' },
    });
    // In a URL an empty parameter is one that was not given.
    expect(read.status).toBe(405);
  }
  expect(
    await api.data('query ($id: ID!) { game(id: $id) { externalGameId } }', { id: game.id }, alice),
  ).toEqual({ game: { externalGameId: 'stays' } });
});

test('a null in @skip or @include is refused, whoever asked with what before', async () => {
  const query = 'query ($x: Boolean = true) { viewer @include(if: $x) { isAdmin } }';
  const answers = [];
  for (const variables of [{}, { x: null }, { x: false }, { x: null }, {}, {}, {}, { x: null }]) {
    const { status, body } = await post({ query, variables });
    answers.push([status, body.includes('BAD_USER_INPUT') ? 'BAD_USER_INPUT' : body.trim()]);
  }
  const shown = [200, '{"data":{"viewer":{"isAdmin":false}}}'];
  const refused = [400, 'BAD_USER_INPUT'];
  expect(answers).toEqual([shown, refused, [200, '{"data":{}}'], refused, shown, shown, shown, refused]);
});

test('a form of answer that is no form is refused as ever', async () => {
  const { query } = await repeat(LIST);
  const body = JSON.stringify({ query });
  const headers = { 'content-type': 'application/json', 'x-api-key': alice.key };
  // fetch always says what it accepts.
  const status = await new Promise((resolve, reject) => {
    const sent = request(api.url, { method: 'POST', headers }, (answer) =>
      resolve(answer.resume().statusCode),
    );
    sent.on('error', reject).end(body);
  });
  expect(status).toBe(200);
  expect((await post({ query }, { accept: 'undefined' })).status).toBe(406);
});

interface Page {
  readonly games: {
    readonly nodes: readonly { readonly platform: string }[];
    readonly pageInfo: { readonly endCursor: string };
  };
}

test('a position that holds an empty text is not kept for the pages after others', async () => {
  const owner = await rowsOf(api.database).owner();
  for (const platform of ['', 'a', 'b', 'c']) await owner.game({ platform });
  const page = `query ($after: String) { games(first: 1, after: $after, orderBy: [{ field: PLATFORM }]) {
    nodes { platform } pageInfo { endCursor } } }`;
  for (let time = 0; time < 5; time++) {
    const seen = [];
    let after: string | null = null;
    for (let step = 0; step < 4; step++) {
      const { games }: Page = await api.data(page, { after }, owner);
      seen.push(...games.nodes.map(({ platform }) => platform));
      after = games.pageInfo.endCursor;
    }
    expect(seen).toEqual(['', 'a', 'b', 'c']);
  }
});
