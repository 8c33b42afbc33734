import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { startApi, type Api } from '../support/api.js';
import { rowsOf, type Owner } from '../support/builders.js';
import { ChaosProxy } from '../support/chaos-proxy.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { health } from '../support/process.js';

let database: TestDatabase;
let proxy: ChaosProxy;
let api: Api;
let alice: Owner;

beforeEach(async () => {
  database = await createTestDatabase();
  proxy = await ChaosProxy.start(database.url);
  api = await startApi({ database, env: { DATABASE_URL: proxy.url, DATABASE_POOL_MAX: '1' } });
  alice = await rowsOf(database).owner();
  await alice.game({ externalGameId: 'a-game' });
});
afterEach(async () => {
  await api.close();
  await proxy.close();
  await database.drop();
});

const READ = '{ games { totalCount } }';
const WRITE =
  'mutation { createGame(input: { externalGameId: "made-now", platform: "web" }) { game { id } } }';

/** The connection of the server, by the process that serves it. */
async function backends(): Promise<number[]> {
  const found = await database.query<{ pid: number }>(
    `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'game-graphql'`,
  );
  return found.map(({ pid }) => pid);
}

test.each([
  ['a read', READ],
  ['a write', WRITE],
])(
  'an answer of the database that cannot be read ends %s and its connection, not the process',
  async (_what, document) => {
    // Finds the key, which is remembered.
    await api.data(READ, {}, alice);
    const before = await backends();
    expect(before).toHaveLength(1);
    proxy.corruptNextRow();
    const { status, codes } = await api.errors(document, {}, alice);
    expect(proxy.isCorrupting).toBe(false);
    expect(codes).toHaveLength(1);
    expect(['INTERNAL_SERVER_ERROR', 'SERVICE_UNAVAILABLE']).toContain(codes[0]);
    expect(status).toBe(codes[0] === 'SERVICE_UNAVAILABLE' ? 503 : 200);

    expect(await api.data(READ, {}, alice)).toEqual({ games: { totalCount: 1 } });
    expect(await health(api.origin, 'ready')).toBe(200);
    const after = await backends();
    expect(after).toHaveLength(1);
    expect(after).not.toEqual(before);
    await api.data(WRITE, {}, alice);
  },
);

test('many at once end each its own request', async () => {
  await api.data(READ, {}, alice);
  for (let time = 0; time < 5; time++) {
    proxy.corruptNextRow();
    const answers = await Promise.all(Array.from({ length: 5 }, () => api.query(READ, {}, alice)));
    const refused = answers.filter(({ body }) => body.errors !== undefined);
    expect(refused).toHaveLength(1);
  }
});
