import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { readConfig } from '../../src/config.js';
import { fateOf, type CommitMark } from '../../src/database/commit-outcome.js';
import { openDatabase, type Database } from '../../src/database/database.js';
import { CommitProxy, type Cut } from '../faults/commit-proxy.js';
import { MUTATION_NAMES, prepareMutation, type PreparedMutation } from '../faults/mutations.js';
import { startApi, type Answer, type Api, type Credentials } from '../support/api.js';
import { rowsOf, type Owner, type Rows } from '../support/builders.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { startIssuer, type Issuer } from '../support/issuer.js';

/** Longest wait of the server for a statement, in ms: some tests wait for it to pass. */
const STATEMENT_MS = 1_000;

let issuer: Issuer;
let database: TestDatabase;
let proxy: CommitProxy;
let api: Api;
let rows: Rows;
let owner: Owner;
let admin: Credentials;

beforeAll(async () => {
  issuer = await startIssuer();
  admin = await issuer.admin('operator');
});
afterAll(() => issuer.close());
beforeEach(async () => {
  database = await createTestDatabase();
  proxy = await CommitProxy.start(database.url);
  const env = { ...issuer.env, DATABASE_URL: proxy.url };
  api = await startApi({ database, env, statementTimeoutMs: STATEMENT_MS });
  rows = rowsOf(database);
  owner = await rows.owner();
  // Its first write makes connections, and a row for the subject of the token.
  for (const as of [owner, admin]) await sendCut(await prepareMutation('createGame', rows, owner), null, as);
});
afterEach(async () => {
  proxy.heal();
  await api.close();
  await proxy.close();
  await database.drop();
});

/** Sends a mutation whose COMMIT is cut; returns what was told, and how often it was done. */
async function sendCut(
  { document, variables, needsAdmin }: PreparedMutation,
  cut: Cut | null,
  as: Credentials = needsAdmin ? admin : owner,
): Promise<Answer & { readonly done: number }> {
  const before = await writes();
  if (cut !== null) proxy.cutNext(cut);
  const answer = await api.query(document, variables, as);
  expect(proxy.isWaiting).toBe(false);
  proxy.heal();
  return { ...answer, done: (await writes()) - before };
}

/** How many writes the database has. */
async function writes(): Promise<number> {
  return (await database.query('SELECT FROM logs')).length;
}

describe.each(MUTATION_NAMES)('%s', (name) => {
  test.each<Cut>(['before', 'during', 'late', 'after', 'answer lost'])(
    'whose COMMIT is cut off (%s) is answered as done, and is done once',
    async (cut) => {
      const { status, body, done } = await sendCut(await prepareMutation(name, rows, owner), cut);
      expect({ status, done, codes: codesOf(body) }).toEqual({ status: 200, done: 1, codes: [] });
    },
  );

  test('whose COMMIT never arrives is refused, and not done; nothing of it is left open', async () => {
    const { status, body, done } = await sendCut(await prepareMutation(name, rows, owner), 'never arrives');
    const unfinished = `SELECT FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'`;
    expect(await database.query(unfinished)).toEqual([]);
    expect({ status, done, codes: codesOf(body) }).toEqual({
      status: 503,
      done: 0,
      codes: ['SERVICE_UNAVAILABLE'],
    });
  });

  test('of which nobody can tell whether it is done is not called either', async () => {
    const { status, body, done } = await sendCut(await prepareMutation(name, rows, owner), 'nobody to ask');
    expect({ status, done, codes: codesOf(body) }).toEqual({
      status: 500,
      done: 1,
      codes: ['OUTCOME_UNKNOWN'],
    });
  });
});

describe('a transaction is not taken for another one', () => {
  let server: Database;
  beforeEach(async () => {
    server = await openDatabase(readConfig({ DATABASE_URL: database.url }).database);
  });
  afterEach(() => server.close());

  async function markOf(text: string): Promise<CommitMark> {
    const [row] = await database.query<{ id: string }>(`SELECT (${text})::text AS id`);
    return { logId: randomUUID(), transactionId: String(row?.id) };
  }

  test('that has the same id since PostgreSQL crashed', async () => {
    const mark = await markOf('SELECT pg_current_xact_id()');
    const [status] = await database.query(`SELECT pg_xact_status('${mark.transactionId}') AS status`);
    expect(status).toEqual({ status: 'committed' });
    expect(await fateOf(server.em.fork(), mark)).toBe('undone');
  });

  test('when its id was not given yet since then', async () => {
    const mark = await markOf(`SELECT (pg_current_xact_id()::text::numeric + 1000000)`);
    expect(await fateOf(server.em.fork(), mark)).toBe('undone');
  });
});

function codesOf(body: Answer['body']): string[] {
  return (body.errors ?? []).map(({ extensions }) => extensions.code);
}
