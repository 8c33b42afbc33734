import { randomInt } from 'node:crypto';
import sql from 'sql-template-tag';
import type { Config } from '../config.js';
import type { Database } from '../database/database.js';
import { query } from '../database/query.js';
import { generate } from '../seed/generator.js';
import { startOfToday } from '../seed/instant.js';
import { load } from '../seed/load.js';
import { planOwners, type Plan } from '../seed/plan.js';
import { Progress, withCommas } from '../seed/progress.js';
import type { Table } from '../seed/tables.js';
import { userId } from '../seed/users.js';
import { parseOptions, UsageError } from '../options.js';
import { endWith, makeReady, runCommand } from './command.js';

const USAGE = 'Usage: npm run seed -- --games N [--into-existing] [--active-keys] [--seed S]';
const HELP = `${USAGE}

Makes games with all that belongs to them, and API keys that own them.

  --games          how many games
  --into-existing  also where the database holds games already; the keys then do not work
  --active-keys    the keys work all the same: whoever has one may change its games
  --seed           another data set: a whole number`;
const MAX_GAMES = 10_000_000;
const MAX_SEED = 2 ** 32 - 1;
const DEFAULT_SEED = 1;

interface Arguments {
  readonly games: number;
  readonly intoExisting: boolean;
  readonly activeKeys: boolean;
  /** Null: the first data set of a database has the default seed, any further one a random seed. */
  readonly seed: number | null;
}

try {
  // Before the database is opened, which takes seconds where it is embedded and new.
  const args = readArguments(process.argv.slice(2));
  await runCommand((database, config) => makeDataSet(database, config, args));
} catch (error) {
  endWith(error);
}

/** tables -> seed and tag -> plan -> load -> summary */
async function makeDataSet(database: Database, config: Config, args: Arguments): Promise<void> {
  await makeReady(database, config);
  const identity = await identityOfDataSet(database, args);
  const plan: Plan = {
    ...identity,
    realm: config.strategies.realm,
    until: startOfToday(),
    areKeysActive: args.activeKeys || !args.intoExisting,
    ...planOwners(args.games, identity.seed),
  };
  const progress = new Progress(process.stderr, args.games, 'games');
  progress.update(0);
  const startedAt = performance.now();
  const counts = await load(database, generate(plan), (games) => progress.update(games)).finally(() =>
    progress.end(),
  );
  const seconds = (performance.now() - startedAt) / 1_000;
  process.stdout.write(summary(counts, seconds, plan));
}

function readArguments(args: string[]): Arguments {
  const { values } = parseOptions(
    {
      args,
      options: {
        games: { type: 'string' },
        'into-existing': { type: 'boolean', default: false },
        'active-keys': { type: 'boolean', default: false },
        seed: { type: 'string' },
      },
    },
    USAGE,
    HELP,
  );
  if (values.games === undefined) throw new UsageError(`--games is missing. ${USAGE}`);
  return {
    games: wholeNumber('--games', values.games, 1, MAX_GAMES),
    intoExisting: values['into-existing'],
    activeKeys: values['active-keys'],
    seed: values.seed === undefined ? null : wholeNumber('--seed', values.seed, 0, MAX_SEED),
  };
}

function wholeNumber(option: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max) {
    throw new UsageError(`${option} must be a whole number from ${withCommas(min)} to ${withCommas(max)}.`);
  }
  return value;
}

/**
 * The seed of the data set, and the tag that keeps its names apart from what the database holds.
 *
 * @throws UsageError when the database holds games and no more are wanted, or holds this very data set
 */
async function identityOfDataSet(
  database: Database,
  { intoExisting, seed: wanted }: Arguments,
): Promise<Pick<Plan, 'seed' | 'tag'>> {
  const em = database.em.fork();
  const [found] = await query<{ games: boolean; others: boolean }>(
    em,
    sql`SELECT EXISTS (SELECT FROM games) AS games,
               EXISTS (SELECT FROM users) OR EXISTS (SELECT FROM strategydefinition) AS others`,
  );
  if (found?.games === true && !intoExisting) {
    throw new UsageError('The database holds games already; --into-existing adds to them.');
  }
  if (found?.games === false && !found.others) return { seed: wanted ?? DEFAULT_SEED, tag: '' };

  const seed = wanted ?? randomInt(MAX_SEED + 1);
  const [user] = await query(em, sql`SELECT FROM users WHERE id = ${userId(seed, 0)}::uuid`);
  if (user !== undefined) {
    throw new UsageError(`The database holds the data set of seed ${seed} already; choose another --seed.`);
  }
  return { seed, tag: seed.toString(36) };
}

function summary(counts: ReadonlyMap<Table, number>, seconds: number, plan: Plan): string {
  const { seed, keyOwners, areKeysActive } = plan;
  const rows = [...counts.values()].reduce((sum, count) => sum + count);
  const width = Math.max(...keyOwners.map(({ client }) => client.length));
  return [
    `${withCommas(rows)} rows in ${seconds.toFixed(1)} s, seed ${seed}:`,
    ...[...counts].map(([table, count]) => `  ${table.padEnd(18)} ${withCommas(count).padStart(12)}`),
    '',
    areKeysActive
      ? 'API keys, shown this once:'
      : 'API keys, which do not work (--active-keys makes such that do):',
    ...keyOwners.map(
      ({ client, key }) => `  ${client.padEnd(width)}  ${areKeysActive ? key.secret : key.prefix}`,
    ),
    '',
  ].join('\n');
}
