import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import type { Api } from '../support/api.js';
import { rowsOf, type Game, type Owner } from '../support/builders.js';
import { startIssuer, type Issuer } from '../support/issuer.js';
import { until } from '../support/process.js';
import { replicasOf, startReplication, type Replication, type Standby } from '../support/replicas.js';

let replication: Replication;
let promoted: Standby;
let other: Standby;
let alice: Owner;
let game: Game;
let issuer: Issuer;

const cleanups: (() => Promise<unknown>)[] = [];
beforeAll(async () => {
  replication = await startReplication(2);
  const [one, two] = replication.standbys;
  if (one === undefined || two === undefined) throw new Error('There are not two standbys.');
  [promoted, other] = [one, two];
  alice = await rowsOf(replication.database).owner();
  game = await alice.game({ platform: 'before' });
  issuer = await startIssuer();
  await replication.caughtUp();
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});
afterAll(async () => {
  await issuer.close();
  await replication.stop();
});

async function start(env: NodeJS.ProcessEnv, isUsed = true): Promise<Api> {
  const api = await replication.startApi({ env: { ...issuer.env, ...env }, isUsed });
  cleanups.push(() => api.close());
  return api;
}

let counter = 0;
/** The platform of the game, as somebody reads it who has not sent anything yet. */
async function platform(api: Api): Promise<string> {
  const as = await issuer.admin(`reader-${++counter}`);
  const document = 'query ($id: ID!) { game(id: $id) { platform } }';
  const { game: read } = await api.data<{ game: { platform: string } }>(document, { id: game.id }, as);
  return read.platform;
}

const reasons = async (api: Api): Promise<(string | null)[]> =>
  (await replicasOf(api)).map(({ reason }) => reason);

test('a replica that is promoted is left out, and so is one that does not follow the new primary, until it does', async () => {
  const before = await start({ DATABASE_REPLICA_URL: promoted.url });
  expect(await platform(before)).toBe('before');
  await promoted.query('SELECT pg_promote()');
  await promoted.query('UPDATE games SET platform = $1', ['of the new primary']);
  for (let number = 0; number < 10; number++) expect(await platform(before)).toBe('before');
  await until(async () => (await reasons(before))[0] === 'it is no replica (any more)');
  expect(await platform(before)).toBe('before');

  const env = { DATABASE_URL: promoted.url, DATABASE_REPLICA_URL: other.url };
  const after = await start(env, false);
  const isElsewhere = 'it does not follow the primary: its timeline is another one';
  await until(async () => (await reasons(after))[0] === isElsewhere);
  expect(await platform(after)).toBe('of the new primary');

  await other.server.end('SIGINT');
  const { port } = new URL(promoted.url);
  await other.server.begin({ primary_conninfo: `host=127.0.0.1 port=${port} user=postgres` });
  await until(async () => (await reasons(after))[0] === null);

  // A role that may not see what the replica receives knows its timeline from its last restart point.
  await promoted.query('CREATE ROLE plain LOGIN IN ROLE pg_read_all_data');
  const plain = new URL(other.url);
  plain.username = 'plain';
  const withoutRight = await start({ ...env, DATABASE_REPLICA_URL: plain.href }, false);
  await until(async () => {
    await other.query('CHECKPOINT');
    return (await reasons(withoutRight))[0] === null;
  });

  await other.query('SELECT pg_wal_replay_pause()');
  await promoted.query('UPDATE games SET platform = $1', ['newest']);
  expect(await platform(after)).toBe('of the new primary');

  // A position of the new timeline is no position of the old one, whatever its number.
  const answer = await fetch(after.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': alice.key },
    body: JSON.stringify({ query: '{ games { totalCount } }' }),
  });
  expect(answer.headers.get('wal-position')).toMatch(/^2:/);
});
