import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { warningsOf } from '../../src/app/database-check.js';
import { readConfig } from '../../src/config.js';
import { fateOf } from '../../src/database/commit-outcome.js';
import { openDatabase } from '../../src/database/database.js';
import { sweepOutcomes } from '../../src/database/idempotency.js';
import { startApi, type Api } from '../support/api.js';
import { rowsOf, type Owner } from '../support/builders.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { closeWorkplaces, Workplace } from '../support/process.js';

let database: TestDatabase;
let role: string;
let url: string;
let api: Api;
let owner: Owner;

/** The statements of docs/operating.md that make a role for the server. */
async function grants(): Promise<string> {
  const text = await readFile(new URL('../../docs/operating.md', import.meta.url), 'utf8');
  const [, script = ''] = /```sql\n(CREATE ROLE [^]*?)```/.exec(text) ?? [];
  expect(script).toContain('GRANT');
  return script
    .replaceAll('game_graphql;', `${role};`)
    .replaceAll('ROLE game_graphql ', `ROLE ${role} `)
    .replace('ON DATABASE game ', `ON DATABASE ${database.name} `);
}

beforeAll(async () => {
  role = `server_${randomUUID().replaceAll('-', '')}`;
  database = await createTestDatabase();
  // Nobody has a right that was not granted.
  await database.query(
    `REVOKE ALL ON SCHEMA public FROM PUBLIC; REVOKE ALL ON DATABASE ${database.name} FROM PUBLIC`,
  );
  await database.query(await grants());
  const target = new URL(database.url);
  target.username = role;
  url = target.href;
  owner = await rowsOf(database).owner();
  api = await startApi({ database, env: { DATABASE_URL: url } });
});
afterAll(async () => {
  await api.close();
  await closeWorkplaces();
  await database.query(`DROP OWNED BY ${role}`);
  await database.query(`DROP ROLE ${role}`);
  await database.drop();
});

test('the role that docs/operating.md makes is not one of those who may do everything', async () => {
  const [row] = await database.query(
    `SELECT rolsuper OR rolbypassrls AS "isMighty" FROM pg_roles WHERE rolname = '${role}'`,
  );
  expect(row).toEqual({ isMighty: false });
  const opened = await openDatabase(readConfig({ DATABASE_URL: url }).database);
  expect(await warningsOf(opened.em)).toEqual([]);
  await opened.close();
});

test('it can do all that the server does', async () => {
  const created = await api.data(
    `mutation { createGame(input: { externalGameId: "of-a-poor-role", platform: "web", strategyId: "default",
       params: [{ key: "a", value: "1" }], tasks: [{ externalTaskId: "t", params: [{ key: "a", value: "1" }] }] }) {
       game { id task(externalTaskId: "t") { id params { id } } } } }`,
    {},
    owner,
  );
  interface Made {
    game: { id: string; task: { id: string; params: { id: string }[] } };
  }
  const { id, task } = (created['createGame'] as Made).game;
  for (const mutation of [
    `patchGame(input: { id: "${id}", platform: "app", params: { add: [{ key: "b", value: "2" }] } }) { game { id } }`,
    `duplicateGame(input: { id: "${id}", externalGameId: "copy-of-a-poor-role" }) { game { id } }`,
    `createTask(input: { gameId: "${id}", externalTaskId: "other" }) { task { id } }`,
    `patchTask(input: { id: "${task.id}", status: "closed", params: { update: [{ id: "${task.params[0]?.id}", value: "2" }] } }) { task { id } }`,
    `duplicateTask(input: { id: "${task.id}", externalTaskId: "copy" }) { task { id } }`,
    `deleteTask(input: { id: "${task.id}" }) { deletedTaskId }`,
    `bulkUpdateStrategyId(input: { oldStrategyId: "default", newStrategyId: "socio_bee" }) { reassignment { id } }`,
    `deleteGame(input: { id: "${id}" }) { deletedGameId }`,
  ]) {
    expect(Object.values(await api.data(`mutation { ${mutation} }`, {}, owner))).toEqual([expect.anything()]);
  }
  const list = await api.data(
    `{ strategyReassignments(first: 1) { nodes { id } } strategies { totalCount } viewer { apiKey }
       games { totalCount nodes { tasks { totalCount } leaderboard { totalCount } } } }`,
    {},
    owner,
  );
  const [move] = (list['strategyReassignments'] as { nodes: { id: string }[] }).nodes;
  const undo = `mutation { undoStrategyReassignment(input: { id: "${move?.id}" }) { reassignment { id } } }`;
  expect(Object.values(await api.data(undo, {}, owner))).toEqual([expect.anything()]);
});

test('without the right to find what it wrote, it says which one is missing', async () => {
  await database.query(`REVOKE SELECT (id) ON logs FROM ${role}`);
  const opened = await openDatabase(readConfig({ DATABASE_URL: url }).database);
  expect(await warningsOf(opened.em)).toEqual([expect.stringContaining('SELECT on logs')]);
  await opened.close();
  await database.query(`GRANT SELECT (id) ON logs TO ${role}`);
});

test('it can keep what an Idempotency-Key is for, and find what it wrote', async () => {
  const opened = await openDatabase(readConfig({ DATABASE_URL: url }).database);
  await sweepOutcomes(opened.em);
  const mark = { logId: randomUUID(), transactionId: '3' };
  expect(await fateOf(opened.em, mark)).toBe('undone');
  await opened.close();
  const body = JSON.stringify({
    query:
      'mutation { createGame(input: { externalGameId: "with-a-key", platform: "web" }) { game { id } } }',
  });
  const headers = { 'content-type': 'application/json', 'x-api-key': owner.key, 'idempotency-key': 'k' };
  const answers = [1, 2].map(async () => (await fetch(api.url, { method: 'POST', headers, body })).status);
  expect(await Promise.all(answers)).toContain(200);
});

test('to migrate it has not enough: one line says which right is missing', async () => {
  await database.query('DROP INDEX IF EXISTS game_graphql_games_owner');
  await database.query(`DELETE FROM game_graphql_migrations WHERE name LIKE 'M0003%'`);
  const place = await Workplace.create();
  const ended = await place.run('commands/migrate', { env: { DATABASE_URL: url } });
  expect(ended).toMatchObject({ code: 1, stdout: '' });
  expect(ended.stderr.trim().split('\n')).toHaveLength(1);
  expect(ended.stderr).toMatch(
    /^The database role lacks a right: .*(must be owner|permission denied).*owner of GAME's tables\.\n$/,
  );
});
