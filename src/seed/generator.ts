import { gameBatches } from './games.js';
import { DAY, type Instant } from './instant.js';
import { makeOwners, type Owner } from './owners.js';
import type { Plan } from './plan.js';
import type { Batch } from './tables.js';
import { userBatches } from './users.js';

const SPAN = 730 * DAY;
const MIN_USERS = 40;
const GAMES_PER_USER = 4;

/** The rows of a data set. Batches are made as they are asked for, so a data set may have any size. */
export interface DataSet {
  /** Owners, their strategies, users: to be inserted first, in this order. */
  readonly groundwork: Generator<Batch>;
  /** Games with all that belongs to them. No batch refers to another: any order will do. */
  readonly games: Generator<Batch>;
}

/** What all rows of a data set have in common. */
export interface Setting {
  readonly plan: Plan;
  readonly start: Instant;
  readonly games: number;
  readonly users: number;
  readonly owners: readonly Owner[];
}

/** Makes the rows of a data set. To make them again, call it again: its batches come once. */
export function generate(plan: Plan): DataSet {
  const start = plan.until - SPAN;
  const games = [...plan.keyOwners, ...plan.oauthOwners].reduce((sum, owner) => sum + owner.games, 0);
  const users = Math.max(MIN_USERS, Math.ceil(games / GAMES_PER_USER));
  const { owners, batch } = makeOwners(plan, start);
  const setting: Setting = { plan, start, games, users, owners };
  return { groundwork: groundwork(setting, batch), games: gameBatches(setting) };
}

function* groundwork(setting: Setting, owners: Batch): Generator<Batch> {
  yield owners;
  yield* userBatches(setting);
}
