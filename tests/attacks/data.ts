import { createHash, randomBytes } from 'node:crypto';
import type pg from 'pg';
import { addOwner, tidyUp, type Owner } from '../../bench/database.ts';
import { DATA, sqlIdOf, type OwnerName } from './ids.ts';

export type Owners = Readonly<Record<OwnerName, Owner>>;

/** Fills an empty, migrated database with what the corpus speaks of. */
export async function addData(db: pg.Client): Promise<Owners> {
  const owners = {
    owner: await addOwner(db, 'atk-own1'),
    neighbour: await addOwner(db, 'atk-nei1'),
    mover: await addOwner(db, 'atk-mov1'),
  };
  // Checking references of a million rows would take longer than writing them; they are right.
  await db.query('SET session_replication_role = replica');
  await addMillion(db, owners.owner);
  await addParams(db, owners.owner);
  await addBroad(db, owners.owner, DATA.broad);
  await addBroad(db, owners.neighbour, DATA.small);
  await addGames(db, owners.mover, DATA.many.firstGame, DATA.many.games);
  await db.query('SET session_replication_role = DEFAULT');
  await tidyUp(db);
  return owners;
}

/** A key that the server cannot have met yet. */
export function addFreshOwner(db: pg.Client): Promise<Owner> {
  return addOwner(db, randomBytes(6).toString('base64url'));
}

/** Games of consecutive numbers, minutes apart. */
async function addGames(db: pg.Client, { prefix }: Owner, first: number, count: number): Promise<void> {
  await db.query(
    `INSERT INTO games (id, "externalGameId", platform, "strategyId", "apiKey_used", created_at, updated_at)
     SELECT ${sqlIdOf('game', 'n')}, 'attacked-' || n, 'web', 'default', $1, t, t
     FROM generate_series($2::int, $2::int + $3::int - 1) n,
       LATERAL (SELECT now() - n * interval '1 minute 1 microsecond' AS t) x`,
    [prefix, first, count],
  );
}

/** Tasks of such games; the number of a task is that of its game and its own. */
async function addTasks(
  db: pg.Client,
  { prefix }: Owner,
  first: number,
  games: number,
  tasks: number,
): Promise<void> {
  await db.query(
    `INSERT INTO tasks (id, "externalTaskId", "gameId", "strategyId", status, "apiKey_used", created_at, updated_at)
     SELECT ${sqlIdOf('task', 'g * 1000 + n')}, 'task-' || n, ${sqlIdOf('game', 'g')}, 'default', 'open', $1, now(),
       now() - n * interval '1 minute'
     FROM generate_series($2::int, $2::int + $3::int - 1) g, generate_series(1, $4::int) n`,
    [prefix, first, games, tasks],
  );
}

async function addMillion(db: pg.Client, owner: Owner): Promise<void> {
  const { game, tasks, users, points } = DATA.million;
  await addGames(db, owner, game, 1);
  await addTasks(db, owner, game, 1, tasks);
  await db.query(
    `INSERT INTO users (id, "externalUserId", created_at, updated_at)
     SELECT ${sqlIdOf('user', 'n')}, 'user-' || n, now(), now() FROM generate_series(0, $1::int - 1) n`,
    [users],
  );
  await db.query(
    `INSERT INTO userpoints (id, points, "userId", "taskId", created_at, updated_at)
     SELECT gen_random_uuid(), n % 101, ${sqlIdOf('user', 'n % $2::int')},
       ${sqlIdOf('task', '$3::int * 1000 + 1 + n / 7 % $4::int')}, now() - n * interval '1 second', now()
     FROM generate_series(1, $1::int) n`,
    [points, users, game, tasks],
  );
}

async function addParams(db: pg.Client, owner: Owner): Promise<void> {
  for (const { game, params, bytes } of [DATA.params, { ...DATA.largeParam, params: 1 }]) {
    await addGames(db, owner, game, 1);
    await db.query(
      `INSERT INTO gamesparams (id, key, value, "gameId", "apiKey_used", created_at, updated_at)
       SELECT gen_random_uuid(), 'param-' || n, $2, ${sqlIdOf('game', '$1::int')}, $3, now(), now()
       FROM generate_series(1, $4::int) n`,
      [game, incompressible(bytes), owner.prefix, params],
    );
  }
}

/** Text that takes as much room in the database as in an answer, and the same in every run. */
function incompressible(length: number): string {
  const blocks = Array.from({ length: Math.ceil(length / 44) }, (_, index) =>
    createHash('sha256').update(String(index)).digest('base64'),
  );
  return blocks.join('').slice(0, length);
}

async function addBroad(
  db: pg.Client,
  owner: Owner,
  { firstGame, games, tasks }: { readonly firstGame: number; readonly games: number; readonly tasks: number },
): Promise<void> {
  await addGames(db, owner, firstGame, games);
  await addTasks(db, owner, firstGame, games, tasks);
  const range = [firstGame, games];
  await db.query(
    `INSERT INTO gamesparams (id, key, value, "gameId", created_at, updated_at)
     SELECT gen_random_uuid(), 'param-' || n, 'value ' || n, ${sqlIdOf('game', 'g')}, now(), now()
     FROM generate_series($1::int, $1::int + $2::int - 1) g, generate_series(1, 3) n`,
    range,
  );
  await db.query(
    `INSERT INTO tasksparams (id, key, value, "taskId", created_at, updated_at)
     SELECT gen_random_uuid(), 'param-' || n, 'value ' || n, ${sqlIdOf('task', 'g * 1000 + k')}, now(), now()
     FROM generate_series($1::int, $1::int + $2::int - 1) g, generate_series(1, $3::int) k, generate_series(1, 2) n`,
    [...range, tasks],
  );
  await db.query(
    `INSERT INTO userpoints (id, points, "userId", "taskId", created_at, updated_at)
     SELECT gen_random_uuid(), n, ${sqlIdOf('user', 'g * 100 + n')}, ${sqlIdOf('task', 'g * 1000 + k')}, now(), now()
     FROM generate_series($1::int, $1::int + $2::int - 1) g, generate_series(1, $3::int) k, generate_series(1, 5) n`,
    [...range, tasks],
  );
}
