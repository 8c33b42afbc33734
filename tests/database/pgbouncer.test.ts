import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { startApi, type Api, type ApiOptions } from '../support/api.js';
import { rowsOf, type Owner } from '../support/builders.js';
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from '../support/database.js';
import { PGBOUNCER, startPgbouncer } from '../support/pgbouncer.js';
import { closeWorkplaces, until, Workplace } from '../support/process.js';

const { isThere } = PGBOUNCER;
if (!isThere) process.stdout.write('PgBouncer is not there: nothing is tried behind a pooler.\n');

/** Connections of the pooler to the database: few, so that each is used for many clients. */
const CONNECTIONS = 4;
const OWNERS = 6;
/** More different statements than a connection keeps prepared. */
const TITLES = 220;
/** Of each owner. */
const AT_ONCE = 10;

let database: TestDatabase;
let owners: Owner[];
let pooler: Awaited<ReturnType<typeof startPgbouncer>>;
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
  pooler = await startPgbouncer(database.url, CONNECTIONS);
  url = pooler.through(database.url);
});
afterAll(async () => {
  if (!isThere) return;
  await closeWorkplaces();
  await pooler.stop();
  await database.drop();
});

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

async function withApi(
  env: NodeJS.ProcessEnv,
  work: (api: Api) => Promise<void>,
  options: ApiOptions = {},
): Promise<void> {
  const api = await startApi({
    database,
    env: { DATABASE_URL: url, ...env },
    ...options,
  });
  try {
    await work(api);
  } finally {
    await api.close();
  }
}

const WARNING = /DATABASE_PREPARED_STATEMENTS=off/;
const warnings = (api: Api): unknown[] => api.log.filter(({ msg }) => WARNING.test(String(msg)));

async function readiness(api: Api): Promise<unknown> {
  const response = await fetch(`${api.origin}/health/ready`);
  const { reason = null } = (await response.json()) as { reason?: string };
  return { status: response.status, reason };
}

(isThere ? describe : describe.skip)('behind PgBouncer in transaction mode', () => {
  test('without prepared statements everything works', () =>
    withApi({ DATABASE_PREPARED_STATEMENTS: 'off' }, async (api) => {
      expect(await readAtOnce(api)).toEqual({ codes: new Set(), wrong: [] });
      expect(await createAtOnce(api)).toEqual([]);
      expect(warnings(api)).toEqual([]);
      expect(await readiness(api)).toEqual({ status: 200, reason: null });
    }));

  test('with prepared statements left on no answer is that of another operation, and the log says which setting is wrong', () =>
    withApi({}, async (api) => {
      const { codes, wrong } = await readAtOnce(api);
      expect(wrong).toEqual([]);
      expect([...codes].filter((code) => code !== 'SERVICE_UNAVAILABLE')).toEqual([]);
      expect(warnings(api)).toHaveLength(1);
      expect(await createAtOnce(api)).toEqual([]);
    }));

  test('with prepared statements left on the server is not ready, and says which setting is wrong', () =>
    withApi({}, async (api) => {
      expect(await readiness(api)).toMatchObject({
        status: 503,
        reason: expect.stringMatching(WARNING),
      });
    }));

  test('a statement that takes too long is cancelled in the database', () =>
    withApi(
      { DATABASE_PREPARED_STATEMENTS: 'off' },
      async (api) => {
        const [owner] = owners;
        const holder = new pg.Client({ connectionString: database.url });
        await holder.connect();
        try {
          await holder.query('BEGIN; LOCK TABLE games IN ACCESS EXCLUSIVE MODE');
          const waiting = async (): Promise<boolean> =>
            (
              await database.query(
                `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
              )
            ).length > 0;
          const answer = api.errors('{ games { totalCount } }', {}, owner);
          await until(waiting);
          expect((await answer).codes).toEqual(['SERVICE_UNAVAILABLE']);
          // The lock is still held: were it not cancelled, it would still wait.
          await until(async () => !(await waiting()));
        } finally {
          await holder.end();
        }
      },
      { statementTimeoutMs: 1_000 },
    ));

  test('migrations are run by one at a time, and leave no lock on a connection of the pooler', async () => {
    const empty = await createEmptyDatabase();
    try {
      const workplace = await Workplace.create();
      const env = { DATABASE_URL: pooler.through(empty.url) };
      const ended = await Promise.all([1, 2].map(() => workplace.run('commands/migrate', { env })));
      expect(ended.map(({ code, stderr }) => ({ code, stderr }))).toEqual(
        ended.map(() => ({ code: 0, stderr: '' })),
      );
      expect(new Set(ended.map(({ stdout }) => stdout.split(' ')[0]))).toEqual(new Set(['Applied', 'The']));
      expect(await empty.query(`SELECT FROM pg_locks WHERE locktype = 'advisory'`)).toEqual([]);
      expect(await workplace.run('commands/migrate', { env })).toMatchObject({ code: 0 });
    } finally {
      await empty.drop();
    }
  });
});

test('connections that keep their prepared statements are ready', async () => {
  const direct = await startApi();
  try {
    expect(await readiness(direct)).toMatchObject({ status: 200 });
  } finally {
    await direct.close();
  }
});
