import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import pg from 'pg';
// Plain JavaScript, which jest needs before it can read anything else.
import { startPostgres } from '../tests/support/postgres.js';

/** Where the built product is. */
export const DIST = fileURLToPath(new URL('../dist/src/', import.meta.url));

/** For a server that keeps its data, on a machine of its own; every contestant meets the same. */
const SETTINGS = {
  fsync: 'on',
  full_page_writes: 'on',
  shared_buffers: '1GB',
  work_mem: '64MB',
  maintenance_work_mem: '512MB',
  max_wal_size: '8GB',
  random_page_cost: 1.1,
  effective_cache_size: '4GB',
  timezone: 'UTC',
  log_statement: 'none',
  shared_preload_libraries: '',
};

/** How many users the points of a leaderboard are shared by. */
const PLAYERS_MAX = 50_000;
const POINTS_PER_PLAYER = 20;

/** Somebody who owns games through an API key. */
export interface Owner {
  readonly secret: string;
  /** What the columns hold. */
  readonly prefix: string;
}

/** A PostgreSQL server of the benchmark's own. */
export interface Postgres {
  /** Address of a database of this name. */
  databaseUrl(name: string): string;
  stop(): Promise<void>;
}

/** A filled database. */
export interface Data {
  readonly url: string;
  readonly db: pg.Client;
  /** Whose games the seed makes. */
  readonly owners: readonly Owner[];
  /** Owns as many games as all of `owners` have together, so that there is something deep. */
  readonly deepOwner: Owner;
  /** Owns the games that are moved between strategies. */
  readonly movedOwner: Owner;
  /** The game with the large leaderboard, and whose it is. */
  readonly leaderboard: { readonly gameId: string; readonly owner: Owner };
}

export interface Sizes {
  /** Games of the seed, and once more of the deep owner. */
  readonly games: number;
  /** Points of the large leaderboard. */
  readonly points: number;
  /** Games of the moved owner. */
  readonly moved: number;
}

export async function startDatabaseServer(): Promise<Postgres> {
  const start = startPostgres as (settings: object) => Promise<{ url: string; stop(): Promise<void> }>;
  const server = await start(SETTINGS);
  return { databaseUrl: (name) => `${server.url}/${name}`, stop: () => server.stop() };
}

/** Makes an empty database, migrated, and opens it. */
export async function makeDatabase(
  postgres: Postgres,
  name: string,
): Promise<{ url: string; db: pg.Client }> {
  const admin = new pg.Client({ connectionString: postgres.databaseUrl('postgres') });
  await admin.connect();
  await admin.query(`CREATE DATABASE ${name}`);
  await admin.end();
  const url = postgres.databaseUrl(name);
  await runCommand('migrate', [], url);
  const db = new pg.Client({ connectionString: url });
  await db.connect();
  return { url, db };
}

/** Makes a database, migrates it, fills it and leaves it without anything to tidy up. */
export async function makeData(
  postgres: Postgres,
  name: string,
  { games, points, moved }: Sizes,
): Promise<Data> {
  const { url, db } = await makeDatabase(postgres, name);
  const owners = [
    ...(await runCommand('seed', ['--games', String(games)], url)).matchAll(/gme_live_\S+/g),
  ].map(([secret]) => ownerOf(secret));
  // The seed leaves some games undated, as GAME's own are; they come first, and no other contestant has a cursor
  // that leads past them.
  await db.query(
    `UPDATE games SET created_at = now() - random() * interval '700 days' WHERE created_at IS NULL`,
  );
  const deepOwner = await addOwner(db, 'bench-de');
  await addGames(db, deepOwner, games);
  const movedOwner = await addOwner(db, 'bench-mv');
  await addGames(db, movedOwner, moved);
  const [owner = deepOwner] = owners;
  const leaderboard = { gameId: await addLeaderboard(db, owner, points), owner };
  await tidyUp(db);
  return { url, db, owners, deepOwner, movedOwner, leaderboard };
}

/** VACUUM, ANALYZE and a checkpoint: what runs next starts from the same state. */
export async function tidyUp(db: pg.Client): Promise<void> {
  await db.query('VACUUM ANALYZE');
  await db.query('CHECKPOINT');
}

/** Runs a command of the product to its end; answers what it printed. */
async function runCommand(command: string, args: readonly string[], url: string): Promise<string> {
  const program = `${DIST}commands/${command}.js`;
  const env = { PATH: process.env['PATH'], DATABASE_URL: url };
  const { stdout } = await run(process.execPath, [program, ...args], { env });
  return stdout;
}

// oxlint-disable-next-line typescript/strict-void-return -- Node gives execFile a promise form of its own.
const run = promisify(execFile);

const ownerOf = (secret: string): Owner => ({ secret, prefix: secret.slice(0, secret.indexOf('.')) });

/** An owner with an API key; the name has eight characters. */
export async function addOwner(db: pg.Client, name: string): Promise<Owner> {
  const owner = ownerOf(`gme_live_${name}.${'k'.repeat(32)}`);
  await db.query(
    `INSERT INTO apikey (id, "apiKey", "apiKeyHash", client, active, created_at, updated_at)
     VALUES ($1, $2, $3, $4, true, now(), now())`,
    [randomUUID(), owner.prefix, createHash('sha256').update(owner.secret).digest('hex'), name],
  );
  return owner;
}

/** Games of an owner, minutes apart. */
export async function addGames(db: pg.Client, { prefix }: Owner, games: number): Promise<void> {
  await db.query(
    `INSERT INTO games (id, "externalGameId", platform, "strategyId", "apiKey_used", created_at, updated_at)
     SELECT gen_random_uuid(), $1 || '-' || n, 'web', 'default', $1::varchar, t, t
     FROM generate_series(1, $2::int) n, LATERAL (SELECT now() - n * interval '3 minutes 1 microsecond' AS t) x`,
    [prefix, games],
  );
}

/** Tasks of each game of an owner, on the game's strategy. */
export async function addTasks(db: pg.Client, { prefix }: Owner, tasksPerGame: number): Promise<void> {
  await db.query(
    `INSERT INTO tasks (id, "externalTaskId", "gameId", "strategyId", status, "apiKey_used", created_at, updated_at)
     SELECT gen_random_uuid(), 'bench-' || n, g.id, g."strategyId", 'open', $1::varchar, g.created_at, g.created_at
     FROM games g, generate_series(1, $2::int) n WHERE g."apiKey_used" = $1::varchar`,
    [prefix, tasksPerGame],
  );
}

/** A game with ten tasks whose points are shared by many players. */
export async function addLeaderboard(db: pg.Client, owner: Owner, points: number): Promise<string> {
  const players = Math.min(PLAYERS_MAX, points / POINTS_PER_PLAYER);
  const id = randomUUID();
  await db.query(
    `INSERT INTO games (id, "externalGameId", platform, "strategyId", "apiKey_used", created_at, updated_at)
     VALUES ($1, 'bench-leaderboard', 'web', 'default', $2, now(), now())`,
    [id, owner.prefix],
  );
  await db.query(
    `INSERT INTO tasks (id, "externalTaskId", "gameId", "strategyId", status, "apiKey_used", created_at, updated_at)
     SELECT gen_random_uuid(), 'bench-' || n, $1, 'default', 'open', $2, now(), now()
     FROM generate_series(1, 10) n`,
    [id, owner.prefix],
  );
  await db.query(
    `INSERT INTO users (id, "externalUserId", created_at, updated_at)
     SELECT gen_random_uuid(), 'bench-player-' || n, now(), now() FROM generate_series(1, $1::int) n`,
    [players],
  );
  await db.query(
    `WITH u AS (SELECT id, row_number() OVER () - 1 AS n FROM users WHERE "externalUserId" LIKE 'bench-player-%'),
       t AS (SELECT id, row_number() OVER () - 1 AS n FROM tasks WHERE "gameId" = $1)
     INSERT INTO userpoints (id, points, "userId", "taskId", created_at, updated_at)
     SELECT gen_random_uuid(), (random() * 100)::int, u.id, t.id, now() - n.n * interval '1 second', now()
     FROM generate_series(1, $2::int) n (n) JOIN u ON u.n = n.n % $3::int JOIN t ON t.n = (n.n / 7) % 10`,
    [id, points, players],
  );
  return id;
}
