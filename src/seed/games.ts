import type { Setting } from './generator.js';
import { DAY, instantText, SECOND, type Instant } from './instant.js';
import { GameNames } from './names.js';
import type { Owner } from './owners.js';
import { Random, STREAM } from './random.js';
import { emptyBatch, type Batch } from './tables.js';
import { userId } from './users.js';
import {
  AWARDS,
  BASIC_PARAM,
  BUILT_IN_STRATEGIES,
  GAME_PARAMS,
  PLATFORMS,
  REMOVED_STRATEGIES,
  TASK_PARAMS,
} from './vocabulary.js';

/** How many of a thing, and how often that many. */
type Counts = readonly (readonly [count: number, weight: number])[];
const PARAMS: Counts = [
  [0, 14],
  [1, 18],
  [2, 24],
  [3, 20],
  [4, 12],
  [5, 8],
  [6, 4],
];
const TASKS: Counts = [
  [1, 20],
  [2, 25],
  [3, 22],
  [4, 14],
  [5, 9],
  [6, 5],
  [7, 3],
  [8, 2],
];
const TASK_PARAMS_OF_A_TASK: Counts = [
  [0, 60],
  [1, 28],
  [2, 12],
];
/** Awards of a game: from, to, and how often. Five on average; a few games have most of them. */
const AWARDS_OF_A_GAME: readonly (readonly [range: readonly [from: number, to: number], weight: number])[] = [
  [[0, 0], 34],
  [[1, 6], 50],
  [[7, 24], 14],
  [[30, 80], 2],
];
const AWARDS_PER_PARTICIPANT = 2.5;

/** Of the games with params. */
const BASIC_PARAM_SHARE = 0.75;

const CUSTOM_STRATEGY_SHARE = 0.18;
/** Of those on a custom strategy: games that stayed on its archived version. */
const ARCHIVED_STRATEGY_SHARE = 0.12;

/** What is odd about a game, as in databases that have lived for years; most games have none of it. */
const ODDITIES = [
  'undated',
  'title as external id',
  'param key twice',
  'external task id twice',
  'removed strategy',
  'key and subject',
  'no owner',
  'undated',
] as const;
type Oddity = (typeof ODDITIES)[number];
const ODDITY_STEP = 8;

/** Every hundred games have each oddity, so that small data sets have them too. */
function oddityOf(index: number): Oddity | null {
  const place = (index % 100) - 4;
  return place % ODDITY_STEP === 0 ? (ODDITIES[place / ODDITY_STEP] ?? null) : null;
}

/** A game while the rows that belong to it are made. */
interface GameInProgress {
  readonly id: string;
  readonly createdAt: Instant;
  readonly dated: boolean;
  readonly owner: Owner;
  /** Owner columns, the same in every row of a game. */
  readonly identity: { readonly apiKey_used: string | null; readonly oauth_user_id: string | null };
  readonly strategyId: string;
  readonly oddity: Oddity | null;
}

interface TaskInProgress {
  readonly id: string;
  readonly createdAt: Instant;
}

const GAMES_PER_BATCH = 1_000;

/** Batches of games, the oldest first, with their params, tasks, points and user settings. */
export function* gameBatches(setting: Setting): Generator<Batch> {
  const generator = new GameGenerator(setting);
  for (let from = 0; from < setting.games; from += GAMES_PER_BATCH) {
    const batch = emptyBatch();
    const end = Math.min(from + GAMES_PER_BATCH, setting.games);
    for (let index = from; index < end; index++) generator.addGame(batch, index);
    yield batch;
  }
}

class GameGenerator {
  readonly #random: Random;
  readonly #names: GameNames;
  #lastCreatedAt: Instant;
  #gamesLeft: number;

  constructor(private readonly setting: Setting) {
    this.#random = new Random(setting.plan.seed, STREAM.games);
    this.#names = new GameNames(this.#random, setting.plan.tag);
    this.#lastCreatedAt = setting.start;
    this.#gamesLeft = setting.games;
  }

  /** Adds a game and all that belongs to it. Games are made in order, the oldest first. */
  addGame(batch: Batch, index: number): void {
    const random = this.#random;
    const oddity = oddityOf(index);
    const owner = this.#nextOwner();
    const createdAt = this.#createdAt(index);
    const game: GameInProgress = {
      id: random.uuid(),
      createdAt,
      dated: oddity !== 'undated',
      owner,
      identity: this.#identity(owner, oddity),
      strategyId: this.#strategyId(owner, oddity),
      oddity,
    };
    batch.games.push({
      id: game.id,
      ...this.#times(createdAt, game.dated, random.chance(0.45) ? this.#until(createdAt, 3) : createdAt),
      ...game.identity,
      externalGameId:
        oddity === 'title as external id'
          ? this.#names.title(owner.domain, createdAt)
          : this.#names.slug(owner.domain, owner.style, createdAt),
      strategyId: game.strategyId,
      platform: random.weighted(PLATFORMS),
    });
    this.#addParams(batch, game);
    const playable = this.#addTasks(batch, game);
    if (playable.length > 0) this.#addAwards(batch, game, playable, index);
  }

  #addParams(batch: Batch, { id, createdAt, dated, identity, oddity }: GameInProgress): void {
    const random = this.#random;
    const twice = oddity === 'param key twice';
    const count = random.weighted(PARAMS);
    const chosen = random.chance(BASIC_PARAM_SHARE)
      ? [BASIC_PARAM, ...random.sample(GAME_PARAMS, count)].slice(0, count)
      : random.sample(GAME_PARAMS, count);
    if (twice) chosen.splice(0, 2, BASIC_PARAM, BASIC_PARAM);
    for (const [position, [key, values]] of chosen.entries()) {
      const at = createdAt + (position + 1) * 800 + random.integer(0, 700);
      batch.gamesparams.push({
        id: random.uuid(),
        ...this.#times(at, dated),
        ...identity,
        gameId: id,
        key,
        value: random.pick(values),
      });
    }
  }

  /** Adds the tasks; returns those in which points can be won. */
  #addTasks(batch: Batch, game: GameInProgress): TaskInProgress[] {
    const random = this.#random;
    const names = random.sample(game.owner.domain.tasks, random.weighted(TASKS));
    if (game.oddity === 'external task id twice') names.splice(1, 1, ...names.slice(0, 1));
    const age = (this.setting.plan.until - game.createdAt) / (this.setting.plan.until - this.setting.start);
    const playable: TaskInProgress[] = [];
    for (const [position, externalTaskId] of names.entries()) {
      const task = {
        id: random.uuid(),
        createdAt: this.#bounded(game.createdAt + (position + 1) * random.integer(SECOND, 900 * SECOND)),
      };
      const status = random.weighted([
        ['open', 80 - 50 * age],
        ['closed', 10 + 60 * age],
        ['pending', 10],
      ] as const);
      batch.tasks.push({
        id: task.id,
        ...this.#times(task.createdAt, game.dated, this.#laterOrSame(task.createdAt)),
        ...game.identity,
        gameId: game.id,
        externalTaskId,
        strategyId: random.chance(0.9) ? game.strategyId : random.weighted(BUILT_IN_STRATEGIES),
        status,
      });
      if (status !== 'pending') playable.push(task);
      for (const [key, values] of random.sample(TASK_PARAMS, random.weighted(TASK_PARAMS_OF_A_TASK))) {
        batch.tasksparams.push({
          id: random.uuid(),
          ...this.#times(task.createdAt + random.integer(500, 5_000), game.dated),
          ...game.identity,
          taskId: task.id,
          key,
          value: random.pick(values),
        });
      }
    }
    return playable;
  }

  #addAwards(batch: Batch, game: GameInProgress, tasks: readonly TaskInProgress[], index: number): void {
    const random = this.#random;
    const count = random.integer(...random.weighted(AWARDS_OF_A_GAME));
    if (count === 0) return;
    const participants = this.#participants(Math.ceil(count / AWARDS_PER_PARTICIPANT), index);
    for (let number = 1; number <= count; number++) {
      const task = random.pick(tasks);
      const { caseName, points } = random.weighted(AWARDS);
      const at = this.#until(task.createdAt, 2);
      batch.userpoints.push({
        id: random.uuid(),
        ...this.#times(at, true),
        ...game.identity,
        points: random.chance(0.005) ? null : points,
        data: random.chance(0.7) ? JSON.stringify({ [game.owner.domain.unit]: random.integer(1, 40) }) : null,
        description: random.chance(0.06) ? 'Assigned by hand' : null,
        userId: random.chance(0.003) ? null : random.pick(participants),
        taskId: task.id,
        caseName,
        // Clients of GAME may leave it out. The number keeps it unique within the game.
        idempotencyKey: random.chance(0.6) ? `${instantText(at).slice(0, 10)}-${number}` : null,
      });
    }
    if (random.chance(0.4)) this.#addSettings(batch, game, participants);
  }

  #addSettings(batch: Batch, game: GameInProgress, participants: readonly string[]): void {
    const random = this.#random;
    for (const user of random.sample(participants, random.integer(1, 3))) {
      const settings = {
        notifications: random.chance(0.7),
        difficulty: random.pick(['easy', 'medium', 'hard']),
      };
      batch.usergameconfig.push({
        id: random.uuid(),
        ...this.#times(this.#until(game.createdAt, 2), true),
        ...game.identity,
        userId: user,
        gameId: game.id,
        experimentGroup: random.pick(['A', 'B']),
        configData: JSON.stringify(settings),
      });
    }
  }

  /** Different users who had joined by then; those who joined early take part more often. */
  #participants(count: number, index: number): string[] {
    const joined = Math.max(1, Math.floor(this.setting.users * this.#progress(index)));
    const numbers = new Set<number>();
    for (let draw = 0; draw < count; draw++) numbers.add(Math.floor(this.#random.fraction() ** 1.5 * joined));
    return [...numbers].map((number) => userId(this.setting.plan.seed, number));
  }

  /** An owner drawn so that each gets exactly the games that the plan gives it. */
  #nextOwner(): Owner {
    let rest = this.#random.integer(1, this.#gamesLeft--);
    const owner = this.setting.owners.find(({ left }) => (rest -= left) <= 0) as Owner;
    owner.left--;
    return owner;
  }

  #identity({ apiKey, oauthUserId }: Owner, oddity: Oddity | null): GameInProgress['identity'] {
    if (oddity === 'no owner') return { apiKey_used: null, oauth_user_id: null };
    const subject = this.setting.owners.at(-1)?.oauthUserId ?? null;
    return {
      apiKey_used: apiKey,
      oauth_user_id: oddity === 'key and subject' ? subject : oauthUserId,
    };
  }

  #strategyId({ strategies }: Owner, oddity: Oddity | null): string {
    const random = this.#random;
    if (oddity === 'removed strategy') {
      return random.chance(0.5) ? random.pick(REMOVED_STRATEGIES) : `custom:${random.uuid()}`;
    }
    // A game that lost its owner has no realm whose strategies it could run.
    if (oddity === 'no owner' || !random.chance(CUSTOM_STRATEGY_SHARE)) {
      return random.weighted(BUILT_IN_STRATEGIES);
    }
    const { archived, published } = strategies;
    return random.pick(random.chance(ARCHIVED_STRATEGY_SHARE) ? archived : published);
  }

  /** How much of the two years has passed at a game; there are more games every month. */
  #progress(index: number): number {
    return Math.sqrt(index / this.setting.games);
  }

  /** Games come in by day; some are imported together and have the very same time. */
  #createdAt(index: number): Instant {
    const random = this.#random;
    if (index > 0 && random.chance(0.03)) return this.#lastCreatedAt;
    const { start, plan } = this.setting;
    const days = (this.#progress(index + random.fraction()) * (plan.until - start)) / DAY;
    const noonish = (7 + 6 * (random.fraction() + random.fraction())) / 24;
    this.#lastCreatedAt = start + Math.floor((Math.floor(days) + noonish) * DAY);
    return this.#lastCreatedAt;
  }

  /** A time from `since` to the end; the higher the power, the nearer to `since`. */
  #until(since: Instant, power: number): Instant {
    return since + Math.floor(this.#random.fraction() ** power * (this.setting.plan.until - since));
  }

  #laterOrSame(instant: Instant): Instant {
    return this.#random.chance(0.3) ? this.#until(instant, 3) : instant;
  }

  #bounded(instant: Instant): Instant {
    return Math.min(instant, this.setting.plan.until);
  }

  #times(created: Instant, dated: boolean, updated = created) {
    return {
      created_at: dated ? instantText(created) : null,
      updated_at: dated ? instantText(updated) : null,
    };
  }
}
