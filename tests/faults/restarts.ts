import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { addOwner, makeDatabase } from '../../bench/database.ts';
import { Server } from '../attacks/server.ts';
import { Owner, rowsOf } from '../support/builders.ts';
// Plain JavaScript, which jest needs before it can read anything else.
import { startPostgres } from '../support/postgres.js';
import { atLeast, exactly, type Figure, type Scenario } from './scenario.ts';

const SERVER_KILLS = 30;
const DATABASE_RESTARTS = 10;
const ENDED_BACKENDS = 200;
/** Clients that write without a pause; every other one retries with an Idempotency-Key as docs/using.md says. */
const CLIENTS = 8;
/** Writes between two faults, at least. */
const WRITES_BETWEEN = 40;
/** Params of one game, before a client takes the next game. */
const PARAMS = 300;
const PAUSE_MS = 20;

type Told = 'done' | 'not done' | 'unknown';

/** A write: a param with a key of its own, so that one that is there twice was written twice. */
interface Write {
  readonly param: string;
  readonly isRetried: boolean;
  readonly told: Told;
}

export const restarts: Scenario = {
  name: 'restarts',
  title: `${SERVER_KILLS} kills of the server, ${2 * DATABASE_RESTARTS} restarts of PostgreSQL, ${ENDED_BACKENDS} ended backends, under writes`,
  run: async (say) => {
    const postgres = await startPostgres({
      fsync: 'on',
      synchronous_commit: 'on',
      full_page_writes: 'on',
      shared_preload_libraries: '',
      log_statement: 'none',
    });
    const made = await makeDatabase(
      { databaseUrl: (name) => `${postgres.url}/${name}`, stop: () => postgres.stop() },
      'restarts',
    );
    const { url } = made;
    let { db } = made;
    db.on('error', () => {});
    let server = await Server.start(url);
    const clients = new Clients(db, await addOwner(db, 'fault-own1'), () => server.port);
    try {
      const running = clients.run();
      const fault = async (what: string, times: number, happen: () => Promise<void>): Promise<void> => {
        for (let time = 0; time < times; time++) {
          await clients.untilWritten(WRITES_BETWEEN);
          await happen();
        }
        say(`${times} × ${what}: ${clients.writes.length} writes so far`);
      };
      await fault('a backend is ended', ENDED_BACKENDS, async () => {
        await db.query(
          `SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity
             WHERE application_name = 'game-graphql' ORDER BY random() LIMIT 1) x`,
        );
      });
      await fault('the server is killed', SERVER_KILLS, async () => {
        await server.kill();
        server.forget();
        server = await Server.start(url);
      });
      for (const [what, signal] of [
        ['PostgreSQL is restarted', 'SIGINT'],
        ['PostgreSQL crashes', 'SIGQUIT'],
      ] as const) {
        await fault(what, DATABASE_RESTARTS, async () => {
          await db.end().catch(() => {});
          await postgres.restart(signal);
          db = await connect(db, url);
          clients.db = db;
        });
      }
      clients.stop();
      await running;
      return await judge(db, clients.writes, clients.others);
    } finally {
      clients.stop();
      await server.kill();
      server.forget();
      await db.end().catch(() => {});
      await postgres.stop();
    }
  },
};

async function connect(like: pg.Client, connectionString: string): Promise<pg.Client> {
  const Client = like.constructor as typeof pg.Client;
  const db = new Client({ connectionString });
  db.on('error', () => {});
  await db.connect();
  return db;
}

class Clients {
  readonly writes: Write[] = [];
  /** Answers that are none of those that may come. */
  readonly others: string[] = [];
  db: pg.Client;
  readonly #owner: { readonly secret: string; readonly prefix: string };
  readonly #port: () => number;
  #isOver = false;

  constructor(
    db: pg.Client,
    owner: { readonly secret: string; readonly prefix: string },
    port: () => number,
  ) {
    this.db = db;
    this.#owner = owner;
    this.#port = port;
  }

  async run(): Promise<void> {
    await Promise.all(Array.from({ length: CLIENTS }, (_, client) => this.#write(client % 2 === 0)));
  }

  stop(): void {
    this.#isOver = true;
  }

  /** Waits until so many more writes are done. */
  async untilWritten(count: number): Promise<void> {
    const wanted = this.#done + count;
    while (this.#done < wanted) await delay(5);
  }

  get #done(): number {
    return this.writes.filter(({ told }) => told === 'done').length;
  }

  async #write(isRetried: boolean): Promise<void> {
    let game = '';
    for (let count = 0; !this.#isOver; count++) {
      if (count % PARAMS === 0) game = await this.#newGame();
      const param = randomUUID();
      const key = isRetried ? randomUUID() : null;
      let told = await this.#send(game, param, key);
      if (key !== null && told !== 'done') told = await this.#retry(game, param, key);
      this.writes.push({ param, isRetried, told });
      if (told !== 'done') await delay(PAUSE_MS);
    }
  }

  async #retry(game: string, param: string, key: string): Promise<Told> {
    while (!this.#isOver) {
      await delay(PAUSE_MS);
      if ((await this.#send(game, param, key)) === 'done') return 'done';
    }
    return 'unknown';
  }

  /** A game, made past the server. */
  async #newGame(): Promise<string> {
    while (!this.#isOver) {
      try {
        const rows = rowsOf({
          query: async <Row extends object>(text: string, values: readonly unknown[] = []) =>
            (await this.db.query<Row>(text, [...values])).rows,
        });
        const { id } = await new Owner(rows, this.#owner.secret, this.#owner.prefix).game({
          externalGameId: randomUUID(),
        });
        return id;
      } catch {
        await delay(PAUSE_MS);
      }
    }
    return '';
  }

  async #send(game: string, param: string, key: string | null): Promise<Told> {
    const query = `mutation { patchGame(input: { id: "${game}", params: { add: [{ key: "${param}", value: "1" }] } }) { game { id } } }`;
    try {
      const response = await fetch(`http://127.0.0.1:${this.#port()}/graphql`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'x-api-key': this.#owner.secret,
          ...(key === null ? {} : { 'idempotency-key': key }),
        },
        body: JSON.stringify({ query }),
      });
      const text = await response.text();
      const { errors = [] } = JSON.parse(text) as { errors?: { extensions: { code: string } }[] };
      const code = errors[0]?.extensions.code;
      if (code === undefined) return 'done';
      if (code === 'SERVICE_UNAVAILABLE') return 'not done';
      if (code !== 'OUTCOME_UNKNOWN') this.others.push(text);
      return 'unknown';
    } catch {
      // Without an answer.
      return 'unknown';
    }
  }
}

async function judge(db: pg.Client, writes: readonly Write[], others: readonly string[]): Promise<Figure[]> {
  const { rows } = await db.query<{ key: string; count: string }>(
    'SELECT key, count(*) FROM gamesparams GROUP BY key',
  );
  const stored = new Map(rows.map(({ key, count }) => [key, Number(count)]));
  const timesOf = ({ param }: Write): number => stored.get(param) ?? 0;
  const told = (what: Told): Write[] => writes.filter((write) => write.told === what);
  const { rows: open } = await db.query(
    `SELECT FROM pg_stat_activity WHERE application_name = 'game-graphql' AND state LIKE 'idle in transaction%'`,
  );
  return [
    atLeast('writes that were told to be done', told('done').length, ENDED_BACKENDS * WRITES_BETWEEN),
    exactly('told to be done, and lost', told('done').filter((write) => timesOf(write) === 0).length, 0),
    exactly(
      'told not to be done, and done',
      told('not done').filter((write) => timesOf(write) > 0).length,
      0,
    ),
    exactly('done twice', writes.filter((write) => timesOf(write) > 1).length, 0),
    exactly('answers with another error', others.length, 0),
    exactly('left idle in a transaction', open.length, 0),
  ];
}
