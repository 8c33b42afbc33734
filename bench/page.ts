/**
 * What a page of 20 games costs: deep in a list against its beginning, and through the whole server against
 * PostgreSQL's own `pgbench -M prepared` running the very same SELECT.
 *
 * Run by hand, against a database of its own that `npm run seed -- --games 200000` has filled (it gets one owner
 * with 200,000 games more); needs `pgbench` on the PATH:
 *
 *   npm run build
 *   DATABASE_URL=postgres://postgres@127.0.0.1:5432/bench node bench/page.ts
 */
import { execFile, spawn } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { Agent, request, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import type * as GameShape from '../src/games/game.shape.js';
import type * as Selections from '../src/reading/selection.js';
import type * as AllStrategies from '../src/strategies/strategies.js';

const GAMES = 200_000;
const DEPTH = 190_000;
const CONNECTIONS = 16;
const ROUNDS = 5;
const ROUND_MS = 4_000;
const WARM_UP_MS = 4_000;
const DEEP_SAMPLES = 400;

const SECRET = 'gme_live_benchpag.bench-page-bench-page-bench-page';
const PREFIX = 'gme_live_benchpag';
const FIELDS = 'id externalGameId platform strategyId createdAt updatedAt';
const PAGE = `query ($after: String) { games(first: 20, after: $after) { nodes { ${FIELDS} } } }`;

const databaseUrl = process.env['DATABASE_URL'];
if (!databaseUrl)
  throw new Error(`Set DATABASE_URL: see the first lines of ${fileURLToPath(import.meta.url)}.`);

/** Makes the owner with very many games, once. */
async function deepOwner(): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const hash = createHash('sha256').update(SECRET).digest('hex');
  const made = await client.query(
    `INSERT INTO apikey (id, "apiKey", "apiKeyHash", client, active) VALUES ($1, $2, $3, 'bench', true)
     ON CONFLICT DO NOTHING`,
    [randomUUID(), PREFIX, hash],
  );
  if (made.rowCount === 1) {
    await client.query(
      `INSERT INTO games (id, "externalGameId", platform, "strategyId", "apiKey_used", created_at, updated_at)
       SELECT gen_random_uuid(), 'bench-page-' || n, 'web', 'default', $1, now() - n * interval '7 minutes', now()
       FROM generate_series(1, $2::int) n`,
      [PREFIX, GAMES],
    );
    await client.query('VACUUM ANALYZE games');
  }
  await client.end();
}

/** The statement that the server runs for the page, with its values written in. */
async function statement(): Promise<string> {
  const dist = new URL('../dist/src/', import.meta.url).href;
  const { gamePageShape } = (await import(`${dist}games/game.shape.js`)) as typeof GameShape;
  const { Selection } = (await import(`${dist}reading/selection.js`)) as typeof Selections;
  const { Strategies } = (await import(`${dist}strategies/strategies.js`)) as typeof AllStrategies;
  const nodes = { key: 'nodes', name: 'nodes', args: {}, selection: Selection.of(...FIELDS.split(' ')) };
  const reader = { caller: { kind: 'apiKey' as const, apiKey: PREFIX }, strategies: new Strategies() };
  const { sql } = gamePageShape(reader, { first: 20 }, new Selection([nodes]));
  const { values } = sql;
  const text = sql.text.replaceAll(/\$(\d+)/g, (_match, index) => `'${String(values[Number(index) - 1])}'`);
  // pgbench takes `:MI` and `:SS` of the timestamps' format for variables of its own.
  const format = text.replaceAll('HH24:MI:SS', 'HH24":"MI":"SS');
  return `SELECT (${format.replaceAll(/\s+/g, ' ')})::text AS json;\n`;
}

const port = 20_000 + Math.floor(Math.random() * 20_000);
const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });

async function ask(query: string, variables: object = {}): Promise<string> {
  const body = JSON.stringify({ query, variables });
  const sent = request({
    agent,
    port,
    host: '127.0.0.1',
    method: 'POST',
    path: '/graphql',
    headers: {
      'content-type': 'application/json',
      'x-api-key': SECRET,
      'content-length': Buffer.byteLength(body),
    },
  });
  sent.end(body);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  response.setEncoding('utf8');
  let text = '';
  for await (const chunk of response) text += chunk;
  if (response.statusCode !== 200 || text.includes('"errors"')) throw new Error(text);
  return text;
}

async function load(ms: number): Promise<number> {
  const end = performance.now() + ms;
  let count = 0;
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      for (; performance.now() < end; count++) await ask(PAGE);
    }),
  );
  return (count * 1_000) / ms;
}

async function pgbench(file: string): Promise<number> {
  const args = [
    '-n',
    '-M',
    'prepared',
    '-c',
    String(CONNECTIONS),
    '-j',
    '1',
    '-T',
    String(ROUND_MS / 1_000),
    '-f',
    file,
  ];
  const { stdout } = await run('pgbench', [...args, databaseUrl ?? '']);
  return Number(/tps = ([\d.]+)/.exec(stdout)?.[1]);
}

// oxlint-disable-next-line typescript/strict-void-return -- Node gives execFile a promise form of its own.
const run = promisify(execFile);

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function spread(values: readonly number[]): string {
  const round = (value: number): string => value.toFixed(value < 10 ? 2 : 0);
  return `${round(median(values))} (${round(Math.min(...values))}–${round(Math.max(...values))})`;
}

await deepOwner();
const server = spawn(process.execPath, [fileURLToPath(new URL('../dist/src/main.js', import.meta.url))], {
  env: { ...process.env, PORT: String(port), LOG_LEVEL: 'warn' },
  stdio: ['ignore', 'inherit', 'inherit'],
});
try {
  while (!(await ask('{ __typename }').catch(() => null))) await delay(100);

  let after: string | null = null;
  for (let depth = 0; depth < DEPTH; depth += 100) {
    const text = await ask(
      'query ($after: String) { games(first: 100, after: $after) { pageInfo { endCursor } } }',
      { after },
    );
    const { data } = JSON.parse(text) as { data: { games: { pageInfo: { endCursor: string } } } };
    after = data.games.pageInfo.endCursor;
  }
  const [first, deep]: [number[], number[]] = [[], []];
  for (let sample = 0; sample < DEEP_SAMPLES; sample++) {
    for (const [times, cursor] of [
      [first, null],
      [deep, after],
    ] as const) {
      const start = performance.now();
      await ask(PAGE, { after: cursor });
      if (sample >= DEEP_SAMPLES / 4) times.push(performance.now() - start);
    }
  }
  process.stdout.write(
    `page 1: ${spread(first)} ms; ${DEPTH} rows deep: ${spread(deep)} ms; ratio ${(median(deep) / median(first)).toFixed(2)}\n`,
  );

  const file = join(tmpdir(), `bench-page-${process.pid}.sql`);
  await writeFile(file, await statement());
  await load(WARM_UP_MS);
  const [ours, floor]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    floor.push(await pgbench(file));
    ours.push(await load(ROUND_MS));
  }
  process.stdout.write(
    `requests/s at ${CONNECTIONS} connections: ${spread(ours)}; pgbench: ${spread(floor)}; ratio ${(median(ours) / median(floor)).toFixed(2)}\n`,
  );
} finally {
  server.kill('SIGTERM');
  agent.destroy();
}
