/**
 * What nested lists and leaderboards cost: statements, as PostgreSQL receives them, and milliseconds.
 *
 * Run by hand, against a database of its own that `npm run seed -- --games 200000` has filled (it gets one game
 * with 1,000,000 points more), with the key of a large owner as the seed prints it:
 *
 *   npm run build
 *   DATABASE_URL=postgres://postgres@127.0.0.1:5432/bench API_KEY=gme_live_… node bench/nested.ts [--explain]
 */
import { randomUUID } from 'node:crypto';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import pg from 'pg';

/** How often each operation is sent; the first time is not counted. */
const ROUNDS = 11;
const POINTS = 1_000_000;
const USERS = 50_000;
const LARGE_GAME = 'bench-one-million-points';

const databaseUrl = required('DATABASE_URL');
const apiKey = required('API_KEY');
const explain = process.argv.includes('--explain');

function required(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`Set ${name}: see the first lines of ${fileURLToPath(import.meta.url)}.`);
  return value;
}

/** Stands between the server and PostgreSQL, and keeps what is executed and what is explained. */
class Wire {
  /** Texts of the statements that were executed. */
  executed: string[] = [];
  /** Plans, where they are asked for. */
  plans: string[] = [];

  async listen(target: URL): Promise<number> {
    const server = createServer((client) => {
      const upstream = connect(Number(target.port || 5432), target.hostname);
      const texts = new Map<string, string>();
      forward(client, upstream, true, (type, body) => {
        const [first = '', second = ''] = body.toString('utf8').split('\0');
        if (type === 'P') texts.set(first, second);
        else if (type === 'B') this.executed.push(texts.get(second) ?? '');
        else if (type === 'Q') this.executed.push(first);
      });
      forward(upstream, client, false, (type, body) => {
        const field =
          type === 'N' &&
          body
            .toString('utf8')
            .split('\0')
            .find((text) => text.startsWith('M'));
        if (field) this.plans.push(field.slice(1));
      });
    });
    server.listen(0, '127.0.0.1').unref();
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }
}

/** Passes bytes on, and each message too; a client's first message has no type. */
function forward(
  from: Socket,
  to: Socket,
  hasStartup: boolean,
  see: (type: string, body: Buffer) => void,
): void {
  let rest = Buffer.alloc(0);
  let startup = hasStartup;
  from.on('data', (chunk: Buffer) => {
    to.write(chunk);
    rest = Buffer.concat([rest, chunk]);
    for (;;) {
      const head = startup ? 0 : 1;
      if (rest.length < head + 4) return;
      const end = head + rest.readInt32BE(head);
      if (rest.length < end) return;
      if (!startup) see(String.fromCharCode(rest.readUInt8()), rest.subarray(5, end));
      startup = false;
      rest = rest.subarray(end);
    }
  });
  const end = (): void => {
    to.destroy();
  };
  from.on('error', end).on('close', end);
}

/** Makes the game with very many points, once. */
async function largeGame(prefix: string): Promise<string> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const found = await client.query<{ id: string }>('SELECT id FROM games WHERE "externalGameId" = $1', [
      LARGE_GAME,
    ]);
    if (found.rows[0]) return found.rows[0].id;
    const id = randomUUID();
    await client.query('BEGIN');
    await client.query(
      `INSERT INTO games (id, "externalGameId", platform, "strategyId", "apiKey_used") VALUES ($1, $2, 'web', 'default', $3)`,
      [id, LARGE_GAME, prefix],
    );
    await client.query(
      `INSERT INTO tasks (id, "externalTaskId", "gameId", "strategyId", status, "apiKey_used")
       SELECT gen_random_uuid(), 'bench-' || n, $1, 'default', 'open', $2 FROM generate_series(1, 10) n`,
      [id, prefix],
    );
    await client.query(
      `WITH u AS (SELECT id, row_number() OVER () - 1 AS n FROM (SELECT id FROM users LIMIT ${USERS}) x),
         t AS (SELECT id, row_number() OVER () - 1 AS n FROM tasks WHERE "gameId" = $1)
       INSERT INTO userpoints (id, points, "userId", "taskId", created_at, updated_at)
       SELECT gen_random_uuid(), (random() * 100)::int, u.id, t.id, now() - n.n * interval '1 second', now()
       FROM generate_series(1, ${POINTS}) n (n)
         JOIN u ON u.n = n.n % (SELECT count(*) FROM u) JOIN t ON t.n = (n.n / 7) % 10`,
      [id],
    );
    await client.query('COMMIT');
    await client.query('VACUUM ANALYZE userpoints');
    return id;
  } finally {
    await client.end();
  }
}

/** Starts the built server behind the wire. */
async function startServer(port: number): Promise<{ url: string; server: ChildProcess }> {
  const url = new URL(databaseUrl);
  url.hostname = '127.0.0.1';
  url.port = String(port);
  if (explain) {
    const settings = {
      session_preload_libraries: 'auto_explain',
      'auto_explain.log_min_duration': 0,
      'auto_explain.log_analyze': 'on',
      'auto_explain.log_buffers': 'on',
      'auto_explain.log_timing': 'off',
      'auto_explain.log_level': 'notice',
    };
    const options = Object.entries(settings).map(([name, value]) => `-c ${name}=${value}`);
    url.searchParams.set('options', options.join(' '));
  }
  const server = spawn(process.execPath, ['dist/src/main.js'], {
    cwd: process.env['BENCH_DIRECTORY'] ?? fileURLToPath(new URL('..', import.meta.url)),
    env: { ...process.env, DATABASE_URL: url.href, PORT: '0', HOST: '127.0.0.1', LOG_LEVEL: 'info' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let printed = '';
  for await (const chunk of server.stdout as AsyncIterable<Buffer>) {
    printed += chunk.toString('utf8');
    const address = /http:\/\/127\.0\.0\.1:\d+/.exec(printed)?.[0];
    if (address !== undefined) {
      server.stdout.resume();
      return { url: `${address}/graphql`, server };
    }
  }
  throw new Error(`The server did not start:\n${printed}`);
}

const nested = (games: number): string => `{ games(first: ${games}) { nodes { params { key value }
  tasks(first: 20) { nodes { params { key value } leaderboard(first: 10) { nodes { rank points } } } } } } }`;
const board = (fields: string, args = '(first: 10)'): string =>
  `query ($id: ID!) { game(id: $id) { leaderboard${args} { ${fields} } } }`;
const ENTRY = 'nodes { rank externalUserId points }';

const wire = new Wire();
const gameId = await largeGame(apiKey.split('.')[0] ?? '');
const { url, server } = await startServer(await wire.listen(new URL(databaseUrl)));
try {
  const post = async (query: string, variables: object): Promise<string> => {
    const headers = { 'content-type': 'application/json', 'x-api-key': apiKey };
    const response = await fetch(url, {
      method: 'POST',
      headers,
      body: JSON.stringify({ query, variables }),
    });
    const text = await response.text();
    if (response.status !== 200 || text.includes('"errors"')) throw new Error(text.slice(0, 500));
    return text;
  };
  const firstPage = await post(board('pageInfo { endCursor }', '(first: 100)'), { id: gameId });
  const after = /"endCursor":"([^"]*)"/.exec(firstPage)?.[1];
  const operations: Record<string, [document: string, variables: object]> = {
    'games(first: 10) with tasks(first: 20) with leaderboard(first: 10)': [nested(10), {}],
    'games(first: 100) with tasks(first: 20) with leaderboard(first: 10)': [nested(100), {}],
    'games(first: 100) with leaderboard(first: 10), some 5 points each': [
      `{ games(first: 100) { nodes { leaderboard(first: 10) { ${ENTRY} } } } }`,
      {},
    ],
    'leaderboard of 1,000,000 points: first page': [board(ENTRY), { id: gameId }],
    'leaderboard of 1,000,000 points: page after a cursor': [
      board(ENTRY, `(first: 10, after: "${after}")`),
      { id: gameId },
    ],
    'leaderboard of 1,000,000 points: count alone': [board('totalCount'), { id: gameId }],
    'leaderboard of 1,000,000 points: page, count and flags': [
      board(
        `totalCount pageInfo { hasNextPage hasPreviousPage endCursor } ${ENTRY}`,
        `(first: 10, after: "${after}")`,
      ),
      { id: gameId },
    ],
    'leaderboard of one task of 100,000 points: first page': [
      `query ($id: ID!) { game(id: $id) { task(externalTaskId: "bench-1") { leaderboard(first: 10) { ${ENTRY} } } } }`,
      { id: gameId },
    ],
  };
  for (const [name, [document, variables]] of Object.entries(operations)) {
    const times: number[] = [];
    let size = 0;
    let statements = 0;
    for (let round = 0; round < ROUNDS; round++) {
      wire.executed = [];
      wire.plans = [];
      const start = performance.now();
      size = (await post(document, variables)).length;
      if (round > 0) times.push(performance.now() - start);
      statements = wire.executed.filter((text) => !text.includes('FROM apikey')).length;
    }
    times.sort((a, b) => a - b);
    const at = (index: number): string => (times.at(index) ?? 0).toFixed(1);
    process.stdout.write(
      `${name}: ${statements} statement(s), ${at(times.length >> 1)} ms (${at(0)} to ${at(-1)}), ${size} bytes\n`,
    );
    for (const plan of wire.plans) {
      if (!plan.includes('FROM apikey')) process.stdout.write(`${plan.replace(/^Query Text: .*$/m, '')}\n`);
    }
  }
} finally {
  server.kill('SIGTERM');
}
