/**
 * Whether the time of an answer tells a game of somebody else from one that does not exist.
 *
 * Run by hand, on a machine that has nothing else to do; it starts a PostgreSQL of its own:
 *
 *   npm run build
 *   node bench/existence-timing.ts
 *
 * `BENCH_DIRECTORY` names a directory with another build's `dist`, and `PAIRS` a number other than 2,000. Prints, for
 * each operation, the AUC: how often a foreign id took longer than a missing one. 0.5 tells nothing; an interval
 * that does not hold 0.5 tells something.
 */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { startPostgres } from '../tests/support/postgres.js';

const PAIRS = Number(process.env['PAIRS'] ?? 2_000);
/** Pairs before those that count: prepared statements and compiled code. */
const WARM_UP = 300;
const RESAMPLES = 1_000;
/** Foreign games; more than are in any cache by being asked again. */
const GAMES = 500;

const OPERATIONS = {
  'game(id)': 'query ($id: ID!) { game(id: $id) { id } }',
  patchGame: 'mutation ($id: ID!) { patchGame(input: { id: $id, platform: "mobile" }) { game { id } } }',
  deleteGame: 'mutation ($id: ID!) { deleteGame(input: { id: $id }) { deletedGameId } }',
};

const directory = process.env['BENCH_DIRECTORY'] ?? fileURLToPath(new URL('..', import.meta.url));

function startServer(env: NodeJS.ProcessEnv, ...args: string[]): ChildProcess {
  return spawn(process.execPath, args, {
    cwd: directory,
    env: { ...process.env, PORT: '0', HOST: '127.0.0.1', LOG_LEVEL: 'info', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

async function addressOf(server: ChildProcess): Promise<string> {
  let printed = '';
  for await (const chunk of server.stdout as AsyncIterable<Buffer>) {
    printed += chunk.toString('utf8');
    const address = /http:\/\/127\.0\.0\.1:\d+/.exec(printed)?.[0];
    if (address !== undefined) return address;
  }
  throw new Error(`The server did not start:\n${printed}`);
}

/** A key, and games of another one. */
async function fill(client: pg.Client): Promise<{ key: string; games: string[] }> {
  const keys = ['owner', 'stranger'].map((name) => {
    const prefix = `gme_live_${name}`;
    return { prefix, secret: `${prefix}.${randomBytes(24).toString('base64url')}` };
  });
  for (const { prefix, secret } of keys) {
    const hash = createHash('sha256').update(secret).digest('hex');
    await client.query(
      `INSERT INTO apikey (id, "apiKey", "apiKeyHash", client, active, created_at, updated_at)
       VALUES ($1, $2, $3, 'bench', true, now(), now())`,
      [randomUUID(), prefix, hash],
    );
  }
  const games = Array.from({ length: GAMES }, () => randomUUID());
  await client.query(
    `INSERT INTO games (id, "externalGameId", platform, "strategyId", "apiKey_used", created_at, updated_at)
     SELECT id, 'game-' || id, 'web', 'default', $2, now(), now() FROM unnest($1::uuid[]) id`,
    [games, keys[0]?.prefix],
  );
  await client.query('VACUUM ANALYZE');
  return { key: keys[1]?.secret ?? '', games };
}

/** One connection that stays open: its making is not measured. */
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
let connections = 0;

/** Sends an operation that must find nothing; answers the ms until the answer was complete. */
function timeOf(url: string, key: string, query: string, id: string): Promise<number> {
  const body = JSON.stringify({ query, variables: { id } });
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'x-api-key': key,
  };
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const sent = request(url, { method: 'POST', headers, agent }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString('utf8');
      });
      response.on('end', () => {
        const time = performance.now() - start;
        if (text.includes('"NOT_FOUND"')) resolve(time);
        else reject(new Error(text.slice(0, 500)));
      });
    });
    sent.on('socket', () => {
      if (!sent.reusedSocket) connections++;
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** How often one of `longer` is above one of `shorter`; ties count half. */
function auc(longer: readonly number[], shorter: readonly number[]): number {
  const all = [
    ...longer.map((time) => ({ time, own: true })),
    ...shorter.map((time) => ({ time, own: false })),
  ].toSorted((a, b) => a.time - b.time);
  let ranks = 0;
  for (let first = 0; first < all.length;) {
    let end = first;
    while (end < all.length && all[end]?.time === all[first]?.time) end++;
    const own = all.slice(first, end).filter((entry) => entry.own).length;
    ranks += own * ((first + end + 1) / 2);
    first = end;
  }
  return (ranks - (longer.length * (longer.length + 1)) / 2) / (longer.length * shorter.length);
}

function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? 0;
}

interface Pair {
  readonly foreign: number;
  readonly missing: number;
}

function report(name: string, pairs: readonly Pair[]): string {
  const aucOf = (some: readonly Pair[]): number =>
    auc(
      some.map(({ foreign }) => foreign),
      some.map(({ missing }) => missing),
    );
  const differenceOf = (some: readonly Pair[]): number =>
    quantile(
      some.map(({ foreign, missing }) => foreign - missing),
      0.5,
    );
  // Whole pairs are drawn: neighbours share what the machine was doing.
  const samples = Array.from({ length: RESAMPLES }, () =>
    Array.from({ length: pairs.length }, () => pairs[Math.floor(Math.random() * pairs.length)] as Pair),
  );
  const interval = (of: (some: readonly Pair[]) => number): string => {
    const values = samples.map(of);
    return `95 % in ${quantile(values, 0.025).toFixed(3)} to ${quantile(values, 0.975).toFixed(3)}`;
  };
  const median = quantile(
    pairs.map(({ missing }) => missing),
    0.5,
  );
  return (
    `${name}: AUC ${aucOf(pairs).toFixed(3)} (${interval(aucOf)}), foreign - missing ` +
    `${differenceOf(pairs).toFixed(3)} ms in the median (${interval(differenceOf)}) of ${median.toFixed(2)} ms`
  );
}

const postgres = await startPostgres();
const client = new pg.Client({ connectionString: `${postgres.url}/postgres` });
let server: ChildProcess | undefined;
try {
  const env = { DATABASE_URL: `${postgres.url}/postgres` };
  const migration = startServer(env, 'dist/src/commands/migrate.js');
  migration.stdout?.resume();
  const [code] = (await once(migration, 'exit')) as [number | null];
  if (code !== 0) throw new Error('The database could not be migrated.');
  await client.connect();
  const { key, games } = await fill(client);
  server = startServer(env, 'dist/src/main.js');
  const url = `${await addressOf(server)}/graphql`;
  server.stdout?.resume();
  for (const [name, query] of Object.entries(OPERATIONS)) {
    const pairs: Pair[] = [];
    for (let index = 0; index < WARM_UP + PAIRS; index++) {
      const foreignId = games[index % games.length] ?? '';
      const foreign = (): Promise<number> => timeOf(url, key, query, foreignId);
      const missing = (): Promise<number> => timeOf(url, key, query, randomUUID());
      let pair: Pair;
      // Which of them comes first is drawn, so that coming second tells nothing.
      if (Math.random() < 0.5) {
        const time = await foreign();
        pair = { foreign: time, missing: await missing() };
      } else {
        const time = await missing();
        pair = { foreign: await foreign(), missing: time };
      }
      if (index >= WARM_UP) pairs.push(pair);
    }
    process.stdout.write(`${report(name, pairs)}\n`);
  }
  process.stdout.write(`${PAIRS} pairs each, ${connections} connection(s)\n`);
} finally {
  agent.destroy();
  server?.kill('SIGTERM');
  await client.end();
  await postgres.stop();
}
