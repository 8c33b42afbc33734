import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { rowsOf, type Owner } from '../support/builders.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { ask, closeWorkplaces, until, Workplace, type Child } from '../support/process.js';

let workplace: Workplace;
let database: TestDatabase;
let owner: Owner;

beforeAll(async () => {
  workplace = await Workplace.create();
  database = await createTestDatabase();
  owner = await rowsOf(database).owner();
});
afterAll(async () => {
  await closeWorkplaces();
  await database.drop();
});

const PROCESSES = 3;

/** Starts the server and waits until all of its processes serve. */
async function serve(): Promise<{ child: Child; origin: string; pids: () => number[] }> {
  const child = await workplace.serve({ DATABASE_URL: database.url, PROCESSES: String(PROCESSES) });
  const pids = (): number[] => [
    ...new Set(
      child
        .log()
        .filter(({ msg }) => String(msg).startsWith('Ready'))
        .map(({ pid }) => Number(pid)),
    ),
  ];
  await until(() => pids().length === PROCESSES);
  return { child, origin: await child.origin(), pids };
}

/** Asks so many times, each time on a connection of its own. */
async function askOften(origin: string, times: number): Promise<void> {
  for (let turn = 0; turn < times; turn++) {
    const response = await fetch(`${origin}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': owner.key, connection: 'close' },
      body: JSON.stringify({ query: '{ games { totalCount } }' }),
    });
    expect(await response.json()).toEqual({ data: { games: { totalCount: 0 } } });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('several processes behind one port', () => {
  test('take requests in turn, and tell the metrics of all of them', async () => {
    const { child, origin, pids } = await serve();
    await askOften(origin, 30);
    const served = await until(() => {
      const requests = child.log().filter(({ msg }) => msg === 'request');
      return requests.length === 30 && requests.map(({ pid }) => Number(pid));
    });
    expect(new Set(served)).toEqual(new Set(pids()));
    for (let turn = 0; turn < PROCESSES; turn++) {
      const metrics = await (await fetch(`${origin}/metrics`, { headers: { connection: 'close' } })).text();
      expect(metrics).toContain(
        'http_request_duration_seconds_count{method="POST",route="/graphql",status="200"} 30\n',
      );
      expect(metrics).toMatch(/^database_connections\{state="idle"\} [1-9]/m);
    }
    child.signal('SIGTERM');
    expect(await child.ended()).toMatchObject({ code: 0, stderr: '' });
  });

  test('one that ends is replaced, and the others go on', async () => {
    const { child, origin, pids } = await serve();
    const [victim = 0] = pids();
    process.kill(victim, 'SIGKILL');
    await until(() => child.stderr.includes('another takes its place'));
    expect(child.stderr).toBe(`Process ${victim} ended (SIGKILL); another takes its place.\n`);
    await askOften(origin, 10);
    await until(() => pids().length === PROCESSES + 1);
    await askOften(origin, 10);
    child.signal('SIGTERM');
    expect(await child.ended()).toMatchObject({ code: 0 });
  });

  test('one that ends while it asks for metrics takes no other with it', async () => {
    const { child, origin, pids } = await serve();
    const [asking = 0, stuck = 0] = pids();
    // So that the others have to wait for its metrics.
    process.kill(stuck, 'SIGSTOP');
    const scrapes = Array.from({ length: PROCESSES }, () =>
      fetch(`${origin}/metrics`, { headers: { connection: 'close' } }).then(
        ({ status }) => status,
        () => null,
      ),
    );
    await delay(500);
    process.kill(asking, 'SIGKILL');
    process.kill(stuck, 'SIGCONT');
    await Promise.all(scrapes);
    await until(() => pids().length === PROCESSES + 1);
    await askOften(origin, 10);
    child.signal('SIGTERM');
    expect(await child.ended()).toMatchObject({ code: 0 });
  });

  test('a stop while the others are only starting is a clean one', async () => {
    const child = await workplace.serve({ DATABASE_URL: database.url, PROCESSES: '6' });
    await child.origin();
    child.signal('SIGTERM');
    expect(await child.ended()).toMatchObject({ code: 0, stderr: '' });
  });

  test('all end with the one that started them, whichever way it ends', async () => {
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      const { child, pids } = await serve();
      child.signal(signal);
      await child.ended();
      await until(() => !pids().some(isRunning));
      expect(pids()).toHaveLength(PROCESSES);
    }
  });

  test('finish what they have when they are told to stop', async () => {
    const { child, origin } = await serve();
    const slow = `query { games(filter: { externalGameId: { contains: "x" } }) { totalCount } }`;
    const release = await lockGames();
    const answers = Array.from({ length: 6 }, () => ask(origin, slow, owner.key));
    await until(async () => {
      const waiting = await database.query(
        `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      );
      return waiting.length === 6;
    });
    child.signal('SIGTERM');
    await release();
    for (const { status, data } of await Promise.all(answers)) {
      expect([status, data]).toEqual([200, { games: { totalCount: 0 } }]);
    }
    expect(await child.ended()).toMatchObject({ code: 0 });
  });

  test('a port that is taken is one line and exit code 1', async () => {
    const server = createServer();
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    const env = { DATABASE_URL: database.url, PROCESSES: String(PROCESSES), PORT: String(port) };
    const ended = await workplace.run('main', { env });
    server.close();
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(/^Cannot listen: .*Set HOST and PORT to an address that is free\.\n$/);
  });
});

/** Keeps reads of games waiting until it is let go. */
async function lockGames(): Promise<() => Promise<void>> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query('BEGIN; LOCK TABLE games IN ACCESS EXCLUSIVE MODE');
  return () => client.end();
}
