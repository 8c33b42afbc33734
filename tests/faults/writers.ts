import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { Owner, rowsOf } from '../support/builders.ts';
import { atLeast, exactly, type Figure } from './scenario.ts';

/** Clients that write without a pause; every other one retries with an Idempotency-Key as docs/using.md says. */
const CLIENTS = 8;
/** Params of one game, before a client takes the next game. */
const PARAMS = 300;
const PAUSE_MS = 20;

type Told = 'done' | 'not done' | 'unknown';

/** A write: a param with a key of its own, so that one that is there twice was written twice. */
interface Write {
  readonly param: string;
  readonly isRetried: boolean;
  readonly told: Told;
  /** When it was first sent, and when it was told, by `performance.now()`. */
  readonly sentAt: number;
  readonly toldAt: number;
}

/** Clients who write through the server, and what they were told. */
export class Clients {
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
      const sentAt = performance.now();
      let told = await this.#send(game, param, key);
      if (key !== null && told !== 'done') told = await this.#retry(game, param, key);
      this.writes.push({ param, isRetried, told, sentAt, toldAt: performance.now() });
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

/** Compares what was told with what is stored. @param least how many writes must have been told to be done */
export async function judge(db: pg.Client, { writes, others }: Clients, least: number): Promise<Figure[]> {
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
    atLeast('writes that were told to be done', told('done').length, least),
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
