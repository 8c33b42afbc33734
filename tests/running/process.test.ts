import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { Agent, get } from 'node:http';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { rowsOf, type Owner } from '../support/builders.js';
import { send } from '../support/http.js';
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from '../support/database.js';
import { catalogOf } from '../support/game-database.js';
import {
  ask,
  closeWorkplaces,
  health,
  SOON_MS,
  until,
  within,
  Workplace,
  type Child,
} from '../support/process.js';

/** Stands in the URL of the database; the server of the tests asks for no password. */
const PASSWORD = 'canary-f3a9c2';

let workplace: Workplace;
let database: TestDatabase;
let owner: Owner;
let url: string;

beforeAll(async () => {
  workplace = await Workplace.create();
  database = await createTestDatabase();
  owner = await rowsOf(database).owner();
  url = withPassword(database.url);
});
afterAll(async () => {
  await closeWorkplaces();
  await database.drop();
});

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function withPassword(plain: string): string {
  return plain.replace('postgres@', `postgres:${PASSWORD}@`);
}

function serve(env: NodeJS.ProcessEnv = {}): Promise<Child> {
  return workplace.serve({ DATABASE_URL: url, ...env });
}

const create = (name: string) =>
  `mutation { createGame(input: { externalGameId: "${name}", platform: "web" }) { game { id } } }`;

/** Keeps every mutation of games waiting until it is told to let go. */
async function holdWrites(): Promise<() => Promise<void>> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query('BEGIN; LOCK TABLE games IN SHARE MODE');
  const release = (): Promise<void> => client.end().catch(() => {});
  cleanups.push(release);
  return release;
}

async function writesWaitingNow(): Promise<number> {
  const rows = await database.query(
    `SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
  );
  return rows.length;
}

/** Waits until so many statements of the server wait for a lock. */
async function writesWaiting(count: number): Promise<void> {
  await until(async () => (await writesWaitingNow()) >= count);
}

async function takenPort(): Promise<{ server: Server; port: number }> {
  const server = createServer((socket) => socket.destroy());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  cleanups.push(() => server.close());
  return { server, port: (server.address() as AddressInfo).port };
}

describe('a start on a database server', () => {
  test('tells no secret, makes no demo, and migrates nothing', async () => {
    const empty = await createEmptyDatabase();
    cleanups.push(() => empty.drop());
    const child = await serve({ DATABASE_URL: withPassword(empty.url), LOG_LEVEL: 'trace' });
    const origin = await child.origin();
    const ready = await fetch(`${origin}/health/ready`);
    expect([ready.status, await ready.text()]).toEqual([503, expect.stringContaining('npm run migrate')]);
    expect(await health(origin, 'live')).toBe(200);
    const key = 'gme_live_CANARY_1.canary-of-a-key';
    expect((await ask(origin, '{ games { totalCount } }', key)).status).toBeGreaterThanOrEqual(400);
    expect((await catalogOf(empty)).tables).toEqual([]);

    child.signal('SIGTERM');
    const { code, stdout, stderr } = await child.ended();
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout + stderr).not.toMatch(new RegExp(`${PASSWORD}|canary-of-a-key|gme_live_\\S+\\.|curl`));
    // Nothing but the log: a JSON object a line.
    for (const line of stdout.trim().split('\n')) expect(JSON.parse(line)).toHaveProperty('level');
  });

  test('is ready on a port of its own, and says so once', async () => {
    const child = await serve();
    const origin = await child.origin();
    expect([await health(origin, 'live'), await health(origin, 'ready')]).toEqual([200, 200]);
    await until(() => messagesOf(child).includes(`Ready: GraphQL at ${origin}/graphql`));
    expect(messagesOf(child).filter((message) => message.startsWith('Ready'))).toHaveLength(1);
    expect(await ask(origin, '{ viewer { apiKey } }', owner.key)).toMatchObject({
      data: { viewer: { apiKey: owner.prefix } },
    });
  });

  test('on a port that is taken says so in one line, and fails', async () => {
    const { port } = await takenPort();
    const ended = await workplace.run('main', { env: { DATABASE_URL: url, PORT: String(port) } });
    expect(ended).toMatchObject({ code: 1, signal: null, stdout: '' });
    expect(ended.stderr).toMatch(new RegExp(`^Cannot listen: .*EADDRINUSE.*${port}.*\\n$`));
  });

  test.each([
    ['that this machine does not have', '192.0.2.1'],
    ['that nobody knows', 'no-such-host.invalid'],
  ])('on an address %s says so in one line, and fails', async (_name, HOST) => {
    const ended = await workplace.run('main', { env: { DATABASE_URL: url, HOST, PORT: '0' } });
    expect(ended).toMatchObject({ code: 1, signal: null, stdout: '' });
    expect(ended.stderr).toMatch(/^Cannot listen: .*Set HOST and PORT.*\n$/);
  });

  test('with bad settings names all of them at once, without a stack, and fails', async () => {
    const env = {
      DATABASE_URL: `mysql://root:${PASSWORD}@localhost/game`,
      DATABASE_POOL_MAX: 'many',
      PORT: '70000',
      OAUTH_ISSUER: 'https://issuer.example.org',
      LOG_LEVEL: 'loud',
    };
    const ended = await workplace.run('main', { env });
    expect(ended).toMatchObject({ code: 1, signal: null, stdout: '' });
    const lines = ended.stderr.trim().split('\n');
    for (const name of Object.keys(env)) expect(lines.filter((line) => line.includes(name))).toHaveLength(1);
    expect(lines).toHaveLength(Object.keys(env).length);
    expect(ended.stderr).not.toMatch(/^ +at |canary/m);
  });
});

describe('npm start', () => {
  test('--help tells how it is used, and starts nothing', async () => {
    const ended = await workplace.run('main', { args: ['--help'], env: { DATABASE_URL: 'mysql://x' } });
    expect(ended).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringMatching(/^Usage: npm start\b.*\n$/),
    });
  });

  test.each([['--prot=80'], ['now']])('%s is refused in one line that says how it is used', async (arg) => {
    const ended = await workplace.run('main', { args: [arg], env: { DATABASE_URL: url } });
    expect(ended).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^.*Usage: npm start\b.*\n$/),
    });
    expect(ended.stderr).toContain(arg.split('=')[0]);
  });
});

test('the file .env holds settings; what the environment holds comes first', async () => {
  const place = await Workplace.create();
  await place.write('.env', `DATABASE_URL=${url}\nPORT=http\n`);
  const child = await place.serve({ PORT: '0' });
  expect(await ask(await child.origin(), '{ viewer { apiKey } }', owner.key)).toMatchObject({ status: 200 });
  await child.kill();
  expect(await place.run('main')).toMatchObject({ code: 1, stderr: expect.stringContaining('PORT must be') });
  expect(await place.run('commands/migrate')).toMatchObject({ code: 1 });
});

describe('a database that is not there', () => {
  const QUERY = '{ games { totalCount } }';

  test('when nobody listens the server is up but not ready, and serves by itself once there is one', async () => {
    const { server, port } = await takenPort();
    server.close();
    await once(server, 'close');
    const target = new URL(url);
    const child = await serve({ DATABASE_URL: url.replace(`:${target.port}/`, `:${port}/`) });
    const origin = await child.origin();
    expect([await health(origin, 'live'), await health(origin, 'ready')]).toEqual([200, 503]);
    expect(await ask(origin, QUERY, owner.key)).toMatchObject({
      status: 503,
      codes: ['SERVICE_UNAVAILABLE'],
    });
    expect(messagesOf(child).filter((message) => message.startsWith('Ready'))).toEqual([]);
    await until(() => reasonsOf(child).length > 0);
    expect(reasonsOf(child)).toEqual([expect.stringContaining('nobody listens')]);

    const forward = createServer((socket) => {
      const upstream = new URL(database.url);
      const onward = connectTo(Number(upstream.port));
      socket.pipe(onward).pipe(socket);
      for (const end of [socket, onward])
        end.on('error', () => [socket, onward].map((each) => each.destroy()));
    });
    cleanups.push(() => forward.close());
    await once(forward.listen(port, '127.0.0.1'), 'listening');
    await until(async () => (await health(origin, 'ready')) === 200);
    expect(await ask(origin, QUERY, owner.key)).toMatchObject({ status: 200, codes: [] });
    await until(() => messagesOf(child).includes(`Ready: GraphQL at ${origin}/graphql`));
    expect(child.stdout + child.stderr).not.toContain(PASSWORD);
    await child.kill();
  });

  test('each change while it serves is logged once, whoever asks', async () => {
    const { server, port } = await takenPort();
    server.close();
    const sockets = new Set<Socket>();
    const forward = createServer((socket) => {
      const onward = connectTo(Number(new URL(database.url).port));
      sockets.add(socket);
      socket.pipe(onward).pipe(socket);
      for (const end of [socket, onward]) {
        end.on('error', () => {});
        end.on('close', () => [socket, onward].map((each) => each.destroy()));
      }
    });
    cleanups.push(() => forward.close());
    await once(forward.listen(port, '127.0.0.1'), 'listening');
    const child = await serve({ DATABASE_URL: url.replace(`:${new URL(url).port}/`, `:${port}/`) });
    const origin = await child.origin();
    const lines = (message: string): Record<string, unknown>[] =>
      child.log().filter(({ msg }) => msg === message);
    await until(() => messagesOf(child).includes(`Ready: GraphQL at ${origin}/graphql`));

    forward.close();
    for (const socket of sockets) socket.destroy();
    // Nobody asks: the server looks by itself.
    await until(() => lines('not ready').length > 0, undefined, SOON_MS);
    for (let probe = 0; probe < 3; probe++) expect(await health(origin, 'ready')).toBe(503);
    await delay(11_000);
    expect(lines('not ready')).toEqual([
      expect.objectContaining({
        reason: expect.stringContaining('nobody listens'),
        err: expect.objectContaining({ stack: expect.stringContaining('ECONNREFUSED') }),
      }),
    ]);
    await once(forward.listen(port, '127.0.0.1'), 'listening');
    await until(() => lines('Ready again.').length > 0, undefined, SOON_MS);
    expect(await health(origin, 'ready')).toBe(200);
    await child.kill();
    expect(messagesOf(child).filter((message) => /ready/i.test(message))).toHaveLength(3);
  });

  test('when it does not exist yet the same holds', async () => {
    const name = `later_${randomUUID().replaceAll('-', '')}`;
    const child = await serve({ DATABASE_URL: url.replace(database.name, name) });
    const origin = await child.origin();
    expect([await health(origin, 'live'), await health(origin, 'ready')]).toEqual([200, 503]);
    expect(await ask(origin, QUERY, owner.key)).toMatchObject({
      status: 503,
      codes: ['SERVICE_UNAVAILABLE'],
    });

    await database.query(`CREATE DATABASE ${name} TEMPLATE game_template`);
    cleanups.push(async () => {
      await child.kill();
      await database.query(`DROP DATABASE ${name} WITH (FORCE)`);
    });
    await until(async () => (await health(origin, 'ready')) === 200);
    expect(await ask(origin, QUERY, owner.key)).toMatchObject({ status: 401, codes: ['UNAUTHENTICATED'] });
  });
});

/** What the log says. */
const messagesOf = (child: Child): string[] => child.log().map(({ msg }) => String(msg));

/** Why the server is not ready, as its log tells it, each reason once. */
const reasonsOf = (child: Child): unknown[] => [
  ...new Set(
    child
      .log()
      .filter(({ msg }) => msg === 'not ready')
      .map(({ reason }) => reason),
  ),
];

describe('a database that cannot be used', () => {
  /** Starts the server, and returns why it is not ready: as readiness and the log tell it, which are the same. */
  async function reasonOf(databaseUrl: string): Promise<string> {
    const child = await serve({ DATABASE_URL: databaseUrl });
    const origin = await child.origin();
    const response = await fetch(`${origin}/health/ready`);
    expect(response.status).toBe(503);
    const { reason } = (await response.json()) as { reason: string };
    await until(() => reasonsOf(child).length > 0);
    expect(reasonsOf(child)).toEqual([reason]);
    expect(messagesOf(child).filter((message) => message.startsWith('Ready'))).toEqual([]);
    expect(child.stdout + child.stderr).not.toContain(PASSWORD);
    await child.kill();
    return reason;
  }

  test('a name that is none', async () => {
    expect(await reasonOf(url.replace(database.name, 'no_such_database'))).toContain(
      'no database with the name',
    );
  });

  test('a host that is unknown', async () => {
    const { host } = new URL(url);
    expect(await reasonOf(url.replace(host, 'no-such-host.invalid:5432'))).toContain(
      'host in DATABASE_URL is unknown',
    );
  });

  test('a server without TLS', async () => {
    expect(await reasonOf(`${url}?sslmode=require`)).toContain('no TLS connection');
  });

  test('a role without rights: not ready where it may not read, else warned of', async () => {
    const role = `poor_${randomUUID().replaceAll('-', '')}`;
    await database.query(`CREATE ROLE ${role} LOGIN PASSWORD '${PASSWORD}'`);
    cleanups.push(async () => {
      await database.query(`DROP OWNED BY ${role}`);
      await database.query(`DROP ROLE ${role}`);
    });
    const target = new URL(url);
    target.username = role;
    target.password = PASSWORD;
    expect(await reasonOf(target.href)).toContain('may not read the table games');
    await database.query(`GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role}`);
    const child = await serve({ DATABASE_URL: target.href });
    const warning = await until(
      () => messagesOf(child).find((message) => message.includes('lacks rights')) ?? null,
    );
    expect(warning).toContain('INSERT on logs');
    expect(warning).not.toContain('SELECT');
    // What is lost later is told too.
    await database.query(`REVOKE SELECT ON oauthusers FROM ${role}`);
    await until(
      () => messagesOf(child).some((message) => message.includes('SELECT on oauthusers')),
      undefined,
      SOON_MS,
    );
    expect(messagesOf(child).filter((message) => message === warning)).toHaveLength(1);
    // What fails for the lack of it is one line, without a stack.
    const name = `denied-${randomUUID().slice(0, 8)}`;
    expect(await ask(await child.origin(), create(name), owner.key)).toMatchObject({
      codes: ['INTERNAL_SERVER_ERROR'],
    });
    const masked = await until(() => child.log().find(({ msg }) => msg === 'masked error') ?? null);
    expect(masked).toMatchObject({
      errorId: expect.any(String),
      reason: 'permission denied for table games',
    });
    expect(masked).not.toHaveProperty('err');
    await child.kill();
  });

  test('a role that may not use the schema is told so', async () => {
    const role = `shut_out_${randomUUID().replaceAll('-', '')}`;
    const closed = await createTestDatabase();
    await closed.query(`CREATE ROLE ${role} LOGIN`);
    cleanups.push(async () => {
      await closed.query(`DROP OWNED BY ${role}`);
      await closed.query(`DROP ROLE ${role}`);
      await closed.drop();
    });
    await closed.query('REVOKE USAGE ON SCHEMA public FROM PUBLIC');
    const target = new URL(withPassword(closed.url));
    target.username = role;
    expect(await reasonOf(target.href)).toBe(
      'the database role may not use the schema public: grant it USAGE ON SCHEMA public',
    );
  });
});

describe('a stop', () => {
  test('answers what it has begun, is no longer ready, and exits with 0', async () => {
    const child = await serve();
    const origin = await child.origin();
    const release = await holdWrites();
    const name = `held-${randomUUID().slice(0, 8)}`;
    const answer = ask(origin, create(name), owner.key);
    await writesWaiting(1);
    child.signal('SIGTERM');
    // Whoever asks for its health gets a no, or no connection.
    await until(async () => (await health(origin, 'ready').catch(() => 503)) === 503);
    expect(child.isOver).toBe(false);
    await release();
    expect(await answer).toMatchObject({ status: 200, codes: [] });
    expect(await within(SOON_MS, child.ended())).toMatchObject({ code: 0, signal: null, stderr: '' });
    const [stopping, stopped] = ['Stopping: requests that have begun are answered.', 'Stopped.'];
    expect(messagesOf(child).filter((message) => message.startsWith('Stop'))).toEqual([stopping, stopped]);
    expect(await database.query('SELECT FROM games WHERE "externalGameId" = $1', [name])).toHaveLength(1);
  });

  test('goes on for SHUTDOWN_DELAY, then refuses what is new until the rest is answered; it listens all the time', async () => {
    const child = await serve({ SHUTDOWN_DELAY: '3' });
    const origin = await child.origin();
    const release = await holdWrites();
    const answer = ask(origin, create(`delayed-${randomUUID().slice(0, 8)}`), owner.key);
    await writesWaiting(1);
    child.signal('SIGTERM');
    await until(async () => (await health(origin, 'ready')) === 503);
    const read = (path: string) =>
      send(origin + path, {
        headers: { 'x-api-key': owner.key, origin: 'https://app.example.org' },
      });
    const query = `/graphql?query=${encodeURIComponent('{ viewer { apiKey } }')}`;
    const served = await read(query);
    expect([served.status, served.headers['connection']]).toEqual([200, 'close']);
    await until(async () => (await read(query)).status === 503);
    const refused = await read(query);
    expect(refused.headers).toMatchObject({ connection: 'close', 'retry-after': '1' });
    expect(JSON.parse(refused.text)).toEqual({
      errors: [{ message: expect.any(String), extensions: { code: 'SERVICE_UNAVAILABLE' } }],
    });
    expect([await health(origin, 'live'), await health(origin, 'ready')]).toEqual([200, 503]);
    await release();
    expect(await answer).toMatchObject({ status: 200, codes: [] });
    expect(await within(SOON_MS, child.ended())).toMatchObject({ code: 0, stderr: '' });
  });

  test('reads all of a request that it refuses: the client is answered, not reset', async () => {
    const child = await serve();
    const origin = await child.origin();
    const release = await holdWrites();
    const answer = ask(origin, create(`long-${randomUUID().slice(0, 8)}`), owner.key);
    await writesWaiting(1);
    child.signal('SIGTERM');
    await until(async () => (await health(origin, 'ready')) === 503);
    const long = JSON.stringify({ query: '{ viewer { apiKey } }', variables: { a: 'a'.repeat(90_000) } });
    for (let count = 0; count < 20; count++) {
      const refused = await send(`${origin}/graphql`, {
        method: 'POST',
        headers: { 'x-api-key': owner.key, 'content-type': 'application/json' },
        body: long,
      });
      expect(refused.status).toBe(503);
    }
    await release();
    await answer;
    expect(await child.ended()).toMatchObject({ code: 0 });
  });

  test('cancels a move that takes longer than the stop may: it is rolled back, and refused', async () => {
    const child = await serve();
    const game = await owner.game({ strategyId: 'default' });
    const release = await holdWrites();
    const move = `mutation { bulkUpdateStrategyId(input: { oldStrategyId: "default", newStrategyId: "socio_bee" }) { count } }`;
    const answer = ask(await child.origin(), move, owner.key);
    await writesWaiting(1);
    child.signal('SIGTERM');
    expect(await within(2 * SOON_MS, answer)).toMatchObject({ status: 503, codes: ['SERVICE_UNAVAILABLE'] });
    expect(await child.ended()).toMatchObject({ code: 0, stderr: '' });
    expect(await writesWaitingNow()).toBe(0);
    await release();
    expect(
      await database.query('SELECT "strategyId" AS strategy FROM games WHERE id = $1', [game.id]),
    ).toEqual([{ strategy: 'default' }]);
  });

  test('by SIGKILL leaves no statement where the role has client_connection_check_interval, else the log warns', async () => {
    const careless = await serve();
    const warning = /^A statement goes on in the database when this process is killed: .*check_interval/;
    await until(() => messagesOf(careless).some((message) => warning.test(message)));
    await careless.kill();
    await database.query(`ALTER DATABASE ${database.name} SET client_connection_check_interval = '500ms'`);
    cleanups.push(() =>
      database.query(`ALTER DATABASE ${database.name} RESET client_connection_check_interval`),
    );
    const child = await serve();
    await holdWrites();
    const answer = ask(await child.origin(), create(`killed-${randomUUID().slice(0, 8)}`), owner.key);
    answer.catch(() => {});
    await writesWaiting(1);
    expect(messagesOf(child).filter((message) => warning.test(message))).toEqual([]);
    child.signal('SIGKILL');
    await child.ended();
    await within(
      10_000,
      until(async () => (await writesWaitingNow()) === 0),
    );
    await expect(answer).rejects.toThrow('fetch failed');
  });

  test('tells whoever asks on an open connection that it is not ready', async () => {
    const child = await serve();
    const { port } = new URL(await child.origin());
    const release = await holdWrites();
    // Two requests on one connection: the second is read before the first is answered.
    const socket = connectTo(Number(port));
    cleanups.push(() => socket.destroy());
    let received = '';
    socket.setEncoding('utf8').on('data', (text: string) => (received += text));
    const body = JSON.stringify({ query: create(`pipelined-${randomUUID().slice(0, 8)}`) });
    socket.write(
      `POST /graphql HTTP/1.1\r\nHost: x\r\nX-API-Key: ${owner.key}\r\nContent-Type: application/json\r\n` +
        `Content-Length: ${body.length}\r\n\r\n${body}`,
    );
    await writesWaiting(1);
    child.signal('SIGTERM');
    await delay(100);
    socket.write('GET /health/ready HTTP/1.1\r\nHost: x\r\n\r\n');
    await release();
    const { code } = await child.ended();
    expect(code).toBe(0);
    expect(received.match(/HTTP\/1.1 \d+/g)?.[0]).toBe('HTTP/1.1 200');
    expect(received.match(/HTTP\/1.1 \d+/g)?.[1] ?? 'HTTP/1.1 503').toBe('HTTP/1.1 503');
  });

  test('answers a request of which it has half, and says that it closes the connection', async () => {
    const child = await serve();
    const { port } = new URL(await child.origin());
    const socket = connectTo(Number(port));
    cleanups.push(() => socket.destroy());
    let received = '';
    socket.setEncoding('utf8').on('data', (text: string) => (received += text));
    const body = JSON.stringify({ query: '{ games { totalCount } }' });
    const head =
      `POST /graphql HTTP/1.1\r\nHost: x\r\nX-API-Key: ${owner.key}\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${body.length}\r\n\r\n`;
    socket.write(head + body.slice(0, 5));
    await delay(200);
    child.signal('SIGTERM');
    await delay(300);
    socket.write(body.slice(5));
    expect(await within(SOON_MS, child.ended())).toMatchObject({ code: 0, stderr: '' });
    expect(received.match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 200']);
    expect(received).toMatch(/\r\nconnection: close\r\n/i);
    expect(received).not.toContain('errors');
  });

  test('comes also where the reader of the log has gone away', async () => {
    // It ends before what it logs is written by itself.
    const program = `import { logStream } from './dist/src/http/request-log.js';
      const log = logStream({ database: { kind: 'postgresql' } });
      process.on('SIGTERM', () => { log.write('Stopped.\\n'); process.exit(0); });
      setInterval(() => {}, 1_000);
      process.stderr.write('begun');`;
    const child = workplace.spawn(process.execPath, ['--input-type=module', '--eval', program]);
    await until(() => child.stderr === 'begun');
    child.stopReading();
    child.signal('SIGTERM');
    expect(await within(SOON_MS, child.ended())).toMatchObject({ code: 0, signal: null, stderr: 'begun' });
  });

  test('writes what was logged last', async () => {
    const child = await serve();
    await child.origin();
    child.signal('SIGTERM');
    expect((await child.ended()).stdout).toMatch(/"msg":"Stopped\."\}\n$/);
  });

  test('under load leaves no write that was done but not answered', async () => {
    const child = await serve();
    const origin = await child.origin();
    const run = randomUUID().slice(0, 8);
    const answered = new Set<string>();
    const clients = Array.from({ length: 16 }, async (_, client) => {
      for (let count = 0; ; count++) {
        const name = `load-${run}-${client}-${count}`;
        const { status } = await ask(origin, create(name), owner.key);
        if (status !== 200) return;
        answered.add(name);
      }
    });
    const ends = Promise.allSettled(clients);
    await until(() => answered.size > 100);
    child.signal('SIGTERM');
    expect(await child.ended()).toMatchObject({ code: 0, stderr: '' });
    await ends;
    const done = await database.query<{ name: string }>(
      `SELECT "externalGameId" AS name FROM games WHERE starts_with("externalGameId", $1)`,
      [`load-${run}-`],
    );
    expect(done.map(({ name }) => name).filter((name) => !answered.has(name))).toEqual([]);
    expect(answered.size).toBe(done.length);
  });

  test('a connection that is kept alive without a request does not hold it up', async () => {
    const child = await serve();
    const agent = new Agent({ keepAlive: true });
    cleanups.push(() => agent.destroy());
    const response = get(`${await child.origin()}/health/live`, { agent });
    const [answer] = (await once(response, 'response')) as [NodeJS.ReadableStream];
    await once(answer.resume(), 'end');
    child.signal('SIGTERM');
    expect(await within(SOON_MS, child.ended())).toMatchObject({ code: 0 });
  });

  test('two signals within a second count as one: npm and a terminal both send them', async () => {
    const child = await serve();
    const release = await holdWrites();
    const answer = ask(await child.origin(), create(`twice-${randomUUID().slice(0, 8)}`), owner.key);
    await writesWaiting(1);
    child.signal('SIGINT');
    await delay(200);
    child.signal('SIGTERM');
    await delay(200);
    expect(child.isOver).toBe(false);
    await release();
    expect((await answer).codes).toEqual([]);
    expect(await child.ended()).toMatchObject({ code: 0 });
  });

  test('after a second signal what runs is cancelled and refused at once, and the code is 1', async () => {
    const child = await serve();
    await holdWrites();
    const name = `never-${randomUUID().slice(0, 8)}`;
    const answer = ask(await child.origin(), create(name), owner.key);
    await writesWaiting(1);
    child.signal('SIGTERM');
    await delay(1_150);
    expect(child.isOver).toBe(false);
    child.signal('SIGTERM');
    expect(await within(SOON_MS, child.ended())).toMatchObject({ code: 1, signal: null });
    expect(await answer).toMatchObject({ status: 503, codes: ['SERVICE_UNAVAILABLE'] });
    expect(await writesWaitingNow()).toBe(0);
  });

  test('of npm start stops the server, and leaves nothing running', async () => {
    const child = workplace.spawn('npm', ['start'], {
      DATABASE_URL: url,
      PORT: '0',
      HOME: workplace.directory,
    });
    const origin = await child.origin();
    expect(await health(origin, 'ready')).toBe(200);
    child.signal('SIGTERM');
    await child.ended();
    await until(() =>
      health(origin, 'live').then(
        () => false,
        () => true,
      ),
    );
    await until(async () => {
      const rows = await database.query(
        `SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'game-graphql'`,
      );
      return rows.length === 0;
    });
  });
});

test('whoever waits for a database that is slow to accept is told within three seconds', async () => {
  const silent = createServer(() => {});
  await once(silent.listen(0, '127.0.0.1'), 'listening');
  cleanups.push(() => silent.close());
  const { port } = silent.address() as AddressInfo;
  const child = await serve({ DATABASE_URL: url.replace(`:${new URL(url).port}/`, `:${port}/`) });
  const origin = await child.origin();
  const before = performance.now();
  const answers = Array.from({ length: 40 }, () => ask(origin, '{ games { totalCount } }', owner.key));
  for (const answer of answers)
    expect(await answer).toMatchObject({ status: 503, codes: ['SERVICE_UNAVAILABLE'] });
  expect(performance.now() - before).toBeLessThan(4_000);
  await child.kill();
});

describe('an error that nobody caught', () => {
  test.each([
    ['thrown', 'setTimeout(()=>{throw new Error("planted")})'],
    ['rejected', 'Promise.reject(new Error("planted"))'],
  ])('and was %s ends the server with 1, after it has answered what it has begun', async (_name, code) => {
    const plant = `data:text/javascript,process.on('SIGUSR2',()=>{${code}})`;
    const args = ['--import', plant, 'dist/src/main.js'];
    const child = workplace.spawn(process.execPath, args, { DATABASE_URL: url, PORT: '0' });
    const release = await holdWrites();
    const answer = ask(await child.origin(), create(`crash-${randomUUID().slice(0, 8)}`), owner.key);
    await writesWaiting(1);
    child.signal('SIGUSR2');
    await until(() => child.stderr.includes('Error: planted'));
    await release();
    expect(await answer).toMatchObject({ status: 200, codes: [] });
    expect(await within(SOON_MS, child.ended())).toMatchObject({ code: 1, signal: null });
  });
});

function connectTo(port: number) {
  return connect({ port, host: '127.0.0.1' });
}
