import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { CommitProxy } from '../faults/commit-proxy.js';
import { MUTATION_NAMES, prepareMutation, type PreparedMutation } from '../faults/mutations.js';
import { startApi, type Answer, type Api, type Credentials } from '../support/api.js';
import { rowsOf, type Owner, type Rows } from '../support/builders.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { startIssuer, type Issuer } from '../support/issuer.js';
import { Lock } from '../support/locks.js';
import { until } from '../support/process.js';

/** Longest wait of the server for a statement, in ms: some tests wait for it to pass. */
const STATEMENT_MS = 1_000;

let issuer: Issuer;
let database: TestDatabase;
let proxy: CommitProxy;
let api: Api;
let rows: Rows;
let alice: Owner;
let bob: Owner;
let admin: Credentials;

beforeAll(async () => {
  issuer = await startIssuer();
  admin = await issuer.admin('operator');
});
afterAll(() => issuer.close());
beforeEach(async () => {
  database = await createTestDatabase();
  proxy = await CommitProxy.start(database.url);
  api = await start({ statementTimeoutMs: STATEMENT_MS });
  rows = rowsOf(database);
  [alice, bob] = [await rows.owner(), await rows.owner()];
});
afterEach(async () => {
  proxy.heal();
  await api.close();
  await proxy.close();
  await database.drop();
});

function start(options: object = {}): Promise<Api> {
  return startApi({ database, env: { ...issuer.env, DATABASE_URL: proxy.url }, ...options });
}

interface Told extends Pick<Answer, 'status' | 'text'> {
  readonly codes: readonly string[];
}

/** What the last answer had in its header. */
let replayed: string | null = null;

type Sendable = Pick<PreparedMutation, 'document'> & Partial<PreparedMutation>;

async function send(
  { document, variables = {}, needsAdmin = false }: Sendable,
  key: string | null,
  as: Credentials = needsAdmin ? admin : alice,
  { url } = api,
): Promise<Told> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(key === null ? {} : { 'idempotency-key': key }),
      ...(as.key === undefined ? {} : { 'x-api-key': as.key }),
      ...(as.token === undefined ? {} : { authorization: `Bearer ${as.token}` }),
    },
    body: JSON.stringify({ query: document, variables }),
  });
  const text = await response.text();
  const { errors = [] } = JSON.parse(text) as Answer['body'];
  replayed = response.headers.get('idempotency-replayed');
  return { status: response.status, text, codes: errors.map(({ extensions }) => extensions.code) };
}

/** How many writes the database has. */
async function writes(): Promise<number> {
  return (await database.query('SELECT FROM logs')).length;
}

const create = (name: string): string =>
  `createGame(input: { externalGameId: "${name}", platform: "web" }) { game { id } }`;

describe.each(MUTATION_NAMES)('%s', (name) => {
  test('with a key is done once, and answered with the same bytes', async () => {
    const mutation = await prepareMutation(name, rows, alice);
    const key = randomUUID();
    const first = await send(mutation, key);
    expect(first).toMatchObject({ status: 200, codes: [] });
    expect(replayed).toBe(null);
    for (const again of [key, `"${key}"`]) {
      expect(await send(mutation, again)).toEqual(first);
      expect(replayed).toBe('true');
    }
    expect(await writes()).toBe(1);
  });

  test('with a key whose outcome nobody could tell is done once, and the retry tells', async () => {
    const mutation = await prepareMutation(name, rows, alice);
    const key = randomUUID();
    proxy.cutNext('nobody to ask');
    expect(await send(mutation, key)).toMatchObject({ status: 500, codes: ['OUTCOME_UNKNOWN'] });
    proxy.heal();
    expect(await send(mutation, key)).toMatchObject({ status: 200, codes: [] });
    expect(await writes()).toBe(1);
  });

  test('without a key is done, or refused, each time', async () => {
    const mutation = await prepareMutation(name, rows, alice);
    const first = await send(mutation, null);
    expect(await send(mutation, null)).not.toEqual(first);
  });

  test('with a key and dryRun keeps nothing', async () => {
    const mutation = await prepareMutation(name, rows, alice);
    const key = randomUUID();
    const dry = { input: { ...(mutation.variables['input'] as object), dryRun: true } };
    expect(await send({ ...mutation, variables: dry }, key)).toMatchObject({ codes: [] });
    expect(await send(mutation, key)).toMatchObject({ status: 200, codes: [] });
    expect(await writes()).toBe(1);
  });
});

test('a key is known to every server of the database, and after a restart', async () => {
  const mutation = await prepareMutation('createGame', rows, alice);
  const first = await send(mutation, 'k');
  const other = await start();
  try {
    expect(await send(mutation, 'k', alice, other)).toEqual(first);
  } finally {
    await other.close();
  }
  await api.close();
  api = await start();
  expect(await send(mutation, 'k')).toEqual(first);
  expect(await writes()).toBe(1);
});

test('an answer is the same with aliases, a refused argument and several names of one object', async () => {
  const document = `mutation { made: createGame(input: { externalGameId: "split", platform: "web" }) {
    a: game { id } b: game { platform ok: tasks(first: 1) { totalCount } } } }`;
  const first = await send({ document }, 'k');
  expect(first).toMatchObject({ status: 200, codes: [] });
  expect(await send({ document }, 'k')).toEqual(first);
  const refused = { document: document.replace('split', 'refused').replace('first: 1', 'first: -1') };
  const second = await send(refused, 'r');
  expect(second.codes).toEqual(['BAD_USER_INPUT']);
  expect(await send(refused, 'r')).toEqual(second);
  expect(await writes()).toBe(2);
});

test('an error that is final stays, although it would not come again', async () => {
  const id = randomUUID();
  const document = `mutation { patchGame(input: { id: "${id}", platform: "x" }) { game { id } } }`;
  const first = await send({ document }, 'k');
  expect(first.codes).toEqual(['NOT_FOUND']);
  await alice.game({ id });
  expect(await send({ document }, 'k')).toEqual(first);
  expect(await send({ document }, 'l')).toMatchObject({ status: 200, codes: [] });
});

test('an error of the moment is not kept', async () => {
  const mutation = await prepareMutation('createGame', rows, alice);
  const lock = await Lock.ofTable(database, 'games', 'SHARE');
  expect(await send(mutation, 'k')).toMatchObject({ status: 503, codes: ['SERVICE_UNAVAILABLE'] });
  await lock.release();
  expect(await send(mutation, 'k')).toMatchObject({ status: 200, codes: [] });
  expect(await writes()).toBe(1);
});

test('of several mutations, a retry does those that were not done', async () => {
  const document = `mutation { a: ${create('game-a')} b: ${create('game-b')} }`;
  await database.query(`CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION USING ERRCODE = '57014'; END $$`);
  await database.query(`CREATE TRIGGER fail BEFORE INSERT ON games FOR EACH ROW
    WHEN (NEW."externalGameId" = 'game-b') EXECUTE FUNCTION fail()`);
  const first = await send({ document }, 'k');
  expect(first).toMatchObject({ status: 200, codes: ['SERVICE_UNAVAILABLE'] });
  await database.query('DROP FUNCTION fail CASCADE');
  const second = await send({ document }, 'k');
  expect(second).toMatchObject({ status: 200, codes: [] });
  expect(replayed).toBe(null);
  expect(await send({ document }, 'k')).toEqual(second);
  expect(replayed).toBe('true');
  const idOf = ({ text }: Told): unknown => (JSON.parse(text) as { data: { a: unknown } }).data.a;
  expect(idOf(second)).toEqual(idOf(first));
  expect(await writes()).toBe(2);
});

test('another operation under a key is a CONFLICT, and does nothing', async () => {
  await send({ document: `mutation { ${create('game-a')} }` }, 'k');
  for (const document of [`mutation { ${create('game-b')} }`, `mutation { other: ${create('game-a')} }`]) {
    expect(await send({ document }, 'k')).toMatchObject({ codes: ['CONFLICT'] });
  }
  const mutation = await prepareMutation('createGame', rows, alice);
  await send(mutation, 'l');
  const variables = { input: { ...(mutation.variables['input'] as object), platform: 'other' } };
  expect(await send({ ...mutation, variables }, 'l')).toMatchObject({ codes: ['CONFLICT'] });
  expect(await writes()).toBe(2);
});

test('keys of two callers never meet', async () => {
  const token = await issuer.caller({ sub: alice.prefix });
  const callers: readonly Credentials[] = [
    alice,
    bob,
    token,
    { ...token, key: alice.key },
    { ...token, key: bob.key },
  ];
  for (const [index, as] of callers.entries()) {
    expect(await send({ document: `mutation { ${create(`of-${index}`)} }` }, 'k', as)).toMatchObject({
      codes: [],
    });
  }
  expect(await writes()).toBe(callers.length);
});

test('sent many times at once, it is done once; who is too early may try again', async () => {
  const mutation = await prepareMutation('createGame', rows, alice);
  const told = await Promise.all(Array.from({ length: 20 }, () => send(mutation, 'k')));
  const done = told.filter(({ status }) => status === 200);
  expect(new Set(done.map(({ text }) => text)).size).toBe(1);
  const others = told.filter(({ status }) => status !== 200);
  expect(others.map(({ status, codes }) => [status, ...codes])).toEqual(
    others.map(() => [503, 'SERVICE_UNAVAILABLE']),
  );
  expect(await send(mutation, 'k')).toEqual(done[0]);
  expect(await writes()).toBe(1);
});

test('what would be too long to be kept is refused, and nothing is written', async () => {
  const { id } = await alice.game();
  const value = 'v'.repeat(50_000);
  for (let index = 0; index < 3; index++)
    await rows.insert('gamesparams', { key: `k${index}`, value, gameId: id });
  const document = `mutation { patchGame(input: { id: "${id}", platform: "long" }) { game { params { value again: value } } } }`;
  const { codes, text } = await send({ document }, 'k');
  expect(codes).toEqual(['LIMIT_EXCEEDED']);
  expect(text).toContain('Idempotency-Key');
  expect(await writes()).toBe(0);
  expect(await send({ document }, null)).toMatchObject({ status: 200, codes: [] });
});

test.each(['""', 'a key', 'a"key"', 'k'.repeat(201), '\u00e4'])('%j is no key', async (key) => {
  const mutation = await prepareMutation('createGame', rows, alice);
  expect(await send(mutation, key)).toMatchObject({ status: 400, codes: ['BAD_REQUEST'] });
  expect(await writes()).toBe(0);
});

test('a query does not mind a key', async () => {
  const document = '{ games { totalCount } }';
  const first = await send({ document }, 'k');
  await alice.game();
  expect(await send({ document }, 'k')).not.toEqual(first);
});

test('after a day a key is forgotten', async () => {
  const document = `mutation { ${create('game-a')} }`;
  await send({ document }, 'k');
  await database.query(
    `UPDATE game_graphql_idempotency_keys SET created_at = now() - interval '23 hours 59 minutes'`,
  );
  expect(await send({ document }, 'k')).toMatchObject({ codes: [] });
  await database.query(
    `UPDATE game_graphql_idempotency_keys SET created_at = now() - interval '24 hours 1 second'`,
  );
  expect(await send({ document }, 'k')).toMatchObject({ codes: ['CONFLICT'] });
  await database.query(
    `UPDATE game_graphql_idempotency_keys SET created_at = now() - interval '24 hours 1 second'`,
  );
  const other = await start();
  await until(async () => (await database.query('SELECT FROM game_graphql_idempotency_keys')).length === 0);
  await other.close();
});
