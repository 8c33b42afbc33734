/**
 * What moving many games costs: the bulk update and its undo through the API, against the bare UPDATE of the
 * same rows, and the memory of the server while it does it.
 *
 *   npm run build && node bench/bulk.ts [games = 10000] [rounds = 5]
 *
 * On a PostgreSQL of its own, or on the empty database that BENCH_DATABASE_URL names. The three are run in turns,
 * each after a VACUUM, so that all of them meet the same table and the same weather.
 */
import { spawn } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
// Plain JavaScript, which jest needs before it can read anything else.
import { startPostgres } from '../tests/support/postgres.js';

const [games = 10_000, rounds = 5] = process.argv.slice(2).map(Number);
/** Where the built product is. */
const DIST = process.env['BENCH_DIST'] ?? fileURLToPath(new URL('../dist', import.meta.url));
const KEY = `gme_live_benchaaa.${'k'.repeat(32)}`;
const PREFIX = KEY.slice(0, KEY.indexOf('.'));
const SAMPLE_MS = 20;

const say = (text: string): void => void process.stdout.write(`${text}\n`);

interface Postgres {
  readonly url: string;
  stop(): Promise<void>;
}

/** A database of our own, or the one that was named. */
async function database(): Promise<Postgres> {
  const given = process.env['BENCH_DATABASE_URL'];
  if (given !== undefined) return { url: given, stop: () => Promise.resolve() };
  const server = await (startPostgres as () => Promise<Postgres>)();
  return { url: `${server.url}/postgres`, stop: () => server.stop() };
}

/** Runs a program of the product to its end. */
function run(program: string, url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [`${DIST}/src/${program}.js`], {
      env: { PATH: process.env['PATH'], DATABASE_URL: url },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    child.on('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`${program} ended with ${code}.`)),
    );
  });
}

interface Server {
  readonly origin: string;
  /** Resident memory now, in MB. */
  rss(): number;
  stop(): void;
}

function startServer(url: string): Promise<Server> {
  const child = spawn(process.execPath, [`${DIST}/src/main.js`], {
    env: { PATH: process.env['PATH'], DATABASE_URL: url, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const rss = (): number => {
    const [, kB] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8')) ?? [];
    return Number(kB) / 1024;
  };
  return new Promise((resolve, reject) => {
    child.on('exit', () => reject(new Error('The server ended.')));
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const origin = /"Ready: GraphQL at (http:\/\/[^/]+)\/graphql"/.exec(text)?.[1];
      if (origin !== undefined) resolve({ origin, rss, stop: () => void child.kill() });
    });
  });
}

async function call<Data>(origin: string, document: string): Promise<Data> {
  const response = await fetch(`${origin}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': KEY },
    body: JSON.stringify({ query: document }),
  });
  const { data, errors } = (await response.json()) as { data: Data; errors?: unknown };
  if (errors !== undefined) throw new Error(JSON.stringify(errors));
  return data;
}

/** Fills the tables of a migrated database; all of the games are of one owner and on one strategy. */
async function fill(db: pg.Client): Promise<void> {
  await db.query(
    `INSERT INTO apikey (id, "apiKey", "apiKeyHash", client, active, created_at, updated_at)
     VALUES ($1, $2, $3, 'bench', true, now(), now())`,
    [randomUUID(), PREFIX, createHash('sha256').update(KEY).digest('hex')],
  );
  await db.query(
    `INSERT INTO games (id, "externalGameId", platform, "strategyId", "apiKey_used", created_at, updated_at)
     SELECT gen_random_uuid(), 'game-' || n, 'web', 'default', $1, t, t
     FROM generate_series(1, $2::int) n, LATERAL (SELECT now() - n * interval '1 second' AS t) x`,
    [PREFIX, games],
  );
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
const ms = (value: number): string => `${Math.round(value)} ms`;
/** Median, least and most. */
const spread = (values: readonly number[], format: (value: number) => string): string =>
  `${format(median(values))} (${format(Math.min(...values))} to ${format(Math.max(...values))})`;

const postgres = await database();
await run('commands/migrate', postgres.url);
const db = new pg.Client({ connectionString: postgres.url });
await db.connect();
await fill(db);
const server = await startServer(postgres.url);
const times: Record<'bare' | 'bulk' | 'undo', number[]> = { bare: [], bulk: [], undo: [] };
const memory = { before: 0, peak: 0, after: 0 };

/** Time of `work`, in ms, on a table without dead rows. */
async function timed<Result>(work: () => Promise<Result>): Promise<readonly [number, Result]> {
  await db.query('VACUUM ANALYZE games');
  await db.query('CHECKPOINT');
  const start = performance.now();
  const result = await work();
  return [performance.now() - start, result];
}

/** The bare UPDATE that does to the games what the API does. */
const bareUpdate = (from: string, to: string): Promise<pg.QueryResult> =>
  db.query('UPDATE games SET "strategyId" = $2, updated_at = clock_timestamp() WHERE "strategyId" = $1', [
    from,
    to,
  ]);

const bulkUpdate = (
  from: string,
  to: string,
): Promise<{ bulk: { count: number; reassignment: { id: string } } }> =>
  call(
    server.origin,
    `mutation { bulk: bulkUpdateStrategyId(input: { oldStrategyId: "${from}", newStrategyId: "${to}" }) {
       count reassignment { id } } }`,
  );

const undoOf = (id: string): Promise<{ undo: { restored: number } }> =>
  call(server.origin, `mutation { undo: undoStrategyReassignment(input: { id: "${id}" }) { restored } }`);

const sampler = setInterval(() => {
  memory.peak = Math.max(memory.peak, server.rss());
}, SAMPLE_MS);
try {
  await call(server.origin, '{ games(first: 1) { nodes { id } } }');
  say(`${games} games, ${rounds} rounds after one to warm up, load average ${loadavg()[0]?.toFixed(1)}`);
  memory.before = server.rss();
  for (let round = 0; round <= rounds; round++) {
    // Each takes the games back to where the one before it found them; the next round goes the other way.
    const [here, there] =
      round % 2 === 0 ? (['default', 'socio_bee'] as const) : (['socio_bee', 'default'] as const);
    const [bare] = await timed(() => bareUpdate(here, there));
    const [bulk, moved] = await timed(() => bulkUpdate(there, here));
    const [undo, undone] = await timed(() => undoOf(moved.bulk.reassignment.id));
    if (moved.bulk.count !== games || undone.undo.restored !== games) {
      throw new Error('Not all games were moved.');
    }
    say(
      `${round === 0 ? 'warm-up' : `round ${round}`}: bare ${ms(bare)}, bulk ${ms(bulk)}, undo ${ms(undo)}`,
    );
    if (round === 0) continue;
    times.bare.push(bare);
    times.bulk.push(bulk);
    times.undo.push(undo);
  }
  memory.after = server.rss();
  const ratio = (of: 'bulk' | 'undo'): string =>
    spread(
      times[of].map((time, index) => time / (times.bare[index] ?? 0)),
      (value) => value.toFixed(2),
    );
  say(`bare UPDATE       ${spread(times.bare, ms)}`);
  say(`bulk update       ${spread(times.bulk, ms)}, ${ratio('bulk')} times the bare UPDATE`);
  say(`undo              ${spread(times.undo, ms)}, ${ratio('undo')} times the bare UPDATE`);
  const { before, peak, after } = memory;
  say(
    `server's memory   ${[before, peak, after].map((mb) => `${Math.round(mb)} MB`).join(', ')}: before, peak, after`,
  );
} finally {
  clearInterval(sampler);
  server.stop();
  await db.end();
  await postgres.stop();
}
