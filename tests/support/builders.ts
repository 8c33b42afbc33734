import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type { Credentials } from './api.js';
import type { TestDatabase } from './database.js';

/** Columns by name, as they are in the table: any of them replaces the default, also with null. */
export type Columns = Readonly<Record<string, unknown>>;

let counter = 0;
/** A number that no row of this test file had yet. */
const next = (): number => ++counter;

/** Puts rows into a database, past the server and its rules. */
export function rowsOf(database: Pick<TestDatabase, 'query'>): Rows {
  return new Rows(database);
}

export class Rows {
  readonly database: Pick<TestDatabase, 'query'>;

  constructor(database: Pick<TestDatabase, 'query'>) {
    this.database = database;
  }

  /** Someone with an API key, in GAME's form. */
  async owner(columns: Columns = {}): Promise<Owner> {
    const prefix = `gme_live_${randomBytes(6).toString('base64url')}`;
    const key = `${prefix}.${randomBytes(24).toString('base64url')}`;
    const apiKeyHash = createHash('sha256').update(key).digest('hex');
    await this.insert('apikey', { apiKey: prefix, apiKeyHash, client: 'tests', active: true, ...columns });
    return new Owner(this, key, prefix);
  }

  /** A game that nobody owns, unless the columns say who. */
  async game(columns: Columns = {}): Promise<Game> {
    const row = await this.insert('games', {
      externalGameId: `game-${next()}`,
      platform: 'web',
      strategyId: 'default',
      ...columns,
    });
    return new Game(this, row, columns['apiKey_used'] ?? null);
  }

  /** A user of GAME: one who collects points. */
  user(columns: Columns = {}): Promise<Row> {
    return this.insert('users', { externalUserId: `user-${next()}`, ...columns });
  }

  /** One version of a custom strategy. */
  async strategy(columns: Columns = {}): Promise<Strategy> {
    const row = await this.insert('strategydefinition', {
      name: `strategy-${next()}`,
      version: 1,
      status: 'PUBLISHED',
      ...columns,
    });
    return { ...row, strategyId: `custom:${row.id}` };
  }

  async insert(table: string, given: Columns): Promise<Row> {
    const now = new Date().toISOString();
    const row = { id: randomUUID(), created_at: now, updated_at: now, ...given };
    const names = Object.keys(row).map((name) => `"${name}"`);
    const places = names.map((_name, index) => `$${index + 1}`);
    await this.database.query(
      `INSERT INTO ${table} (${names.join()}) VALUES (${places.join()})`,
      Object.values(row),
    );
    return row;
  }
}

/** A row that was put into a database. */
export interface Row {
  readonly id: string;
}

export interface Strategy extends Row {
  /** What games carry. */
  readonly strategyId: string;
}

/** Someone with an API key; `as` of the API. */
export class Owner implements Credentials {
  /** The secret. */
  readonly key: string;
  /** What stands in `"apiKey_used"` of what it owns. */
  readonly prefix: string;
  readonly #rows: Rows;

  constructor(rows: Rows, key: string, prefix: string) {
    this.#rows = rows;
    this.key = key;
    this.prefix = prefix;
  }

  game(columns: Columns = {}): Promise<Game> {
    return this.#rows.game({ apiKey_used: this.prefix, ...columns });
  }

  /** A custom strategy of the owner's realm. */
  strategy(columns: Columns = {}): Promise<Strategy> {
    return this.#rows.strategy({ realmId: this.prefix, apiKey_used: this.prefix, ...columns });
  }
}

export class Game implements Row {
  readonly id: string;
  readonly #rows: Rows;
  /** Whose what belongs to the game is. */
  readonly #apiKey: unknown;

  constructor(rows: Rows, row: Row, apiKey: unknown) {
    this.#rows = rows;
    this.id = row.id;
    this.#apiKey = apiKey;
  }

  param(columns: Columns = {}): Promise<Row> {
    const defaults = { key: `key-${next()}`, value: 'value', gameId: this.id, apiKey_used: this.#apiKey };
    return this.#rows.insert('gamesparams', { ...defaults, ...columns });
  }

  async task(columns: Columns = {}): Promise<Task> {
    const row = await this.#rows.insert('tasks', {
      externalTaskId: `task-${next()}`,
      gameId: this.id,
      strategyId: 'default',
      status: 'open',
      apiKey_used: this.#apiKey,
      ...columns,
    });
    return new Task(this.#rows, row, this.#apiKey);
  }

  /** What the game knows about one of its users. */
  userConfig(user: Row, columns: Columns = {}): Promise<Row> {
    const defaults = { userId: user.id, gameId: this.id, experimentGroup: 'A', configData: {} };
    return this.#rows.insert('usergameconfig', { ...defaults, ...columns });
  }

  /** One of everything that can refer to a game. */
  async withEverything(): Promise<this> {
    const user = await this.#rows.user();
    const task = await this.task();
    await Promise.all([this.param(), task.param(), task.points(user), this.userConfig(user)]);
    return this;
  }
}

export class Task implements Row {
  readonly id: string;
  readonly #rows: Rows;
  readonly #apiKey: unknown;

  constructor(rows: Rows, row: Row, apiKey: unknown) {
    this.#rows = rows;
    this.id = row.id;
    this.#apiKey = apiKey;
  }

  param(columns: Columns = {}): Promise<Row> {
    const defaults = { key: `key-${next()}`, value: 'value', taskId: this.id, apiKey_used: this.#apiKey };
    return this.#rows.insert('tasksparams', { ...defaults, ...columns });
  }

  /** An award of points to a user. */
  points(user: Row, columns: Columns = {}): Promise<Row> {
    const defaults = { points: 10, userId: user.id, taskId: this.id, apiKey_used: this.#apiKey };
    return this.#rows.insert('userpoints', { ...defaults, ...columns });
  }
}
