import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startApi, type Api } from '../support/api.js';
import { rowsOf, type Owner } from '../support/builders.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { freePort } from '../support/postgres.js';
import { until } from '../support/process.js';

/** PgBouncer as Debian's package `pgbouncer` installs it: 1.18 knows nothing of prepared statements. */
const PROGRAM = '/usr/sbin/pgbouncer';
const isThere = existsSync(PROGRAM);
if (!isThere) process.stdout.write(`${PROGRAM} is not there: nothing is tried behind a pooler.\n`);

/** Connections of the pooler to the database: few, so that each is used for many clients. */
const CONNECTIONS = 4;
const OWNERS = 6;
/** More different statements than a connection keeps prepared. */
const TITLES = 220;
/** Of each owner. */
const AT_ONCE = 10;

let database: TestDatabase;
let owners: Owner[];
let directory: string;
let pooler: ChildProcess;
let url: string;

beforeAll(async () => {
  if (!isThere) return;
  database = await createTestDatabase();
  const rows = rowsOf(database);
  owners = [];
  for (let number = 0; number < OWNERS; number++) {
    const owner = await rows.owner();
    for (let game = 0; game < 3; game++) await owner.game({ platform: `of ${owner.prefix}` });
    owners.push(owner);
  }
  const port = await freePort();
  const { hostname, port: target, username } = new URL(database.url);
  directory = await mkdtemp(join(tmpdir(), 'game-graphql-pooler-'));
  // It refuses to run as root, and the user that it becomes must read its settings.
  await chmod(directory, 0o755);
  const settings = join(directory, 'pgbouncer.ini');
  await writeFile(
    settings,
    `[databases]
${database.name} = host=${hostname} port=${target || 5432} user=${username}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
auth_type = any
pool_mode = transaction
default_pool_size = ${CONNECTIONS}
server_round_robin = 1
ignore_startup_parameters = extra_float_digits
unix_socket_dir =
`,
  );
  const become = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
  pooler = spawn(PROGRAM, [...become, settings], { stdio: 'ignore' });
  await until(() => answers(port));
  const through = new URL(database.url);
  [through.hostname, through.port] = ['127.0.0.1', String(port)];
  url = through.href;
});
afterAll(async () => {
  if (!isThere) return;
  const ended = once(pooler, 'exit');
  pooler.kill('SIGINT');
  await ended;
  await database.drop();
  await rm(directory, { recursive: true, force: true });
});

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** Operations of many texts by all owners at once; each must be of its owner, and of its operation. */
async function readAtOnce(api: Api): Promise<{ codes: Set<unknown>; wrong: string[] }> {
  const codes = new Set<unknown>();
  const wrong: string[] = [];
  const read = async (owner: Owner, title: number): Promise<void> => {
    const { body } = await api.query(
      `{ games(first: ${(title % 100) + 1}) { own${title}: nodes { platform } } }`,
      {},
      owner,
    );
    for (const { extensions } of body.errors ?? []) codes.add(extensions.code);
    const nodes = (body.data?.['games'] as Record<string, { platform: string }[]> | null)?.[`own${title}`];
    const isRight =
      body.errors !== undefined || nodes?.every(({ platform }) => platform === `of ${owner.prefix}`);
    if (!isRight) wrong.push(`${owner.prefix} ${title} ${JSON.stringify(body)}`);
  };
  for (let round = 0; round < 2; round++) {
    for (let first = 0; first < TITLES; first += AT_ONCE) {
      const titles = Array.from({ length: AT_ONCE }, (_, index) => first + index);
      await Promise.all(titles.flatMap((title) => owners.map((owner) => read(owner, title))));
    }
  }
  return { codes, wrong };
}

/** Games made by all owners at once; returns what is wrong: of those that were said to be made, each must be there. */
async function createAtOnce(api: Api): Promise<unknown[]> {
  const wrong: unknown[] = [];
  const create = async (owner: Owner, number: number): Promise<void> => {
    const externalGameId = `game-${number}-${owner.prefix}`;
    const { body } = await api.query(
      'mutation ($name: String!) { createGame(input: { externalGameId: $name, platform: "x" }) { game { externalGameId } } }',
      { name: externalGameId },
      owner,
    );
    const isRefused = body.errors?.every(({ extensions }) => extensions.code === 'SERVICE_UNAVAILABLE');
    const isMade = JSON.stringify(body.data) === JSON.stringify({ createGame: { game: { externalGameId } } });
    const rows = await database.query('SELECT FROM games WHERE "externalGameId" = $1', [externalGameId]);
    if (isRefused ? rows.length > 0 : !isMade || rows.length !== 1) wrong.push(body);
    await database.query('DELETE FROM games WHERE "externalGameId" = $1', [externalGameId]);
  };
  await Promise.all(owners.flatMap((owner) => [1, 2, 3, 4].map((number) => create(owner, number))));
  return wrong;
}

async function withApi(env: NodeJS.ProcessEnv, work: (api: Api) => Promise<void>): Promise<void> {
  const api = await startApi({ database, env: { DATABASE_URL: url, ...env } });
  try {
    await work(api);
  } finally {
    await api.close();
  }
}

const WARNING = /DATABASE_PREPARED_STATEMENTS=off/;
const warnings = (api: Api): unknown[] => api.log.filter(({ msg }) => WARNING.test(String(msg)));

(isThere ? describe : describe.skip)('behind PgBouncer in transaction mode', () => {
  test('without prepared statements everything works', () =>
    withApi({ DATABASE_PREPARED_STATEMENTS: 'off' }, async (api) => {
      expect(await readAtOnce(api)).toEqual({ codes: new Set(), wrong: [] });
      expect(await createAtOnce(api)).toEqual([]);
      expect(warnings(api)).toEqual([]);
    }));

  test('with prepared statements left on no answer is that of another operation, and the log says which setting is wrong', () =>
    withApi({}, async (api) => {
      const { codes, wrong } = await readAtOnce(api);
      expect(wrong).toEqual([]);
      expect([...codes].filter((code) => code !== 'SERVICE_UNAVAILABLE')).toEqual([]);
      expect(warnings(api)).toHaveLength(1);
      expect(await createAtOnce(api)).toEqual([]);
    }));
});
