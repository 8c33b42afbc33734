import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { addOwner, makeDatabase } from '../../bench/database.ts';
import { Server } from '../attacks/server.ts';
import { rowsOf, Owner } from '../support/builders.ts';
// Plain JavaScript, which jest needs before it can read anything else.
import { startCluster, type PostgresServer } from '../support/postgres.js';
import { REDIS, startRedis } from '../support/redis.ts';
import { atLeast, atMost, exactly, type Figure, type Scenario } from './scenario.ts';

const READS = 10_000;
/** Callers of each kind. */
const CALLERS = 8;
/** Longest time that a standby is paused, and that it is left alone, in ms. */
const MAX_PAUSE_MS = 800;
const MAX_REST_MS = 2_000;
/** How often a standby crashes meanwhile. */
const CRASHES = 6;
/** Longest time until a replica is left out, and until it is taken back, in ms. */
const NOTICED_MS = 1_000;
/** How long Redis must have been there before replicas are read, and a little more, in ms. */
const REDIS_TRUST_MS = 12_000;

/** By what a caller is known to have seen something: one server, the header, or Redis. */
type Kind = 'of one server' | 'with the header' | 'with Redis';

export const replicas: Scenario = {
  name: 'replicas',
  title: `${READS} reads from two replicas that are paused, resumed and crash at random, while callers and others write`,
  run: async (say) => {
    const cluster = await startCluster(2, { log_statement: 'none', shared_preload_libraries: '' });
    const redis = REDIS.isThere ? await startRedis() : null;
    const servers: Server[] = [];
    let pool: pg.Pool | null = null;
    try {
      const postgres = {
        databaseUrl: (name: string) => `${cluster.primary.url}/${name}`,
        stop: () => cluster.stop(),
      };
      const { url, db } = await makeDatabase(postgres, 'replicas');
      pool = new pg.Pool({ connectionString: url, max: 4 });
      const env = {
        DATABASE_REPLICA_URL: cluster.standbys.map((standby) => `${standby.url}/replicas`).join(),
        ...(redis && { REDIS_URL: redis.url }),
      };
      for (let number = 0; number < 2; number++) servers.push(await Server.start(url, env));
      await delay(redis === null ? 2_000 : REDIS_TRUST_MS);
      const ports = servers.map(({ port }) => port);
      const kinds: readonly Kind[] = [
        'of one server',
        'with the header',
        ...(redis ? ['with Redis' as const] : []),
      ];
      const callers: Caller[] = [];
      for (const kind of kinds) {
        for (let number = 0; number < CALLERS; number++) {
          const owner = await addCaller(db, `wal-${kind.length}-${number}`.padEnd(8, 'x'));
          callers.push(new Caller(pool, kind, owner, ports));
        }
      }
      await db.end();
      const disturbance = new Disturbance(cluster.standbys, ports);
      const disturbing = disturbance.run();
      const reads = (): number => sum(callers, (caller) => caller.reads);
      await Promise.all(
        callers.map((caller) => caller.run(() => reads() < READS || !disturbance.hasCrashedAll)),
      );
      disturbance.stop();
      await disturbing;
      const outcomes = await Promise.all(ports.map(outcomesOf));
      for (const outcome of outcomes)
        say(`what replicas were chosen for, of one server: ${JSON.stringify(outcome)}`);
      say(
        `${sum(callers, (caller) => caller.writes)} writes, ${disturbance.pauses} pauses, ${CRASHES} crashes; ` +
          `${sum(callers, (caller) => caller.early)} reads did not show what one before had shown of a COMMIT that ran`,
      );
      const failure = callers.find(({ failures }) => failures.length > 0)?.failures[0];
      if (failure !== undefined) say(`the first that was no success: ${failure}`);
      return figuresOf(
        callers,
        disturbance,
        sum(outcomes, ({ answered = 0 }) => answered),
      );
    } finally {
      for (const server of servers) {
        await server.kill();
        server.forget();
      }
      await pool?.end();
      await redis?.kill();
      await cluster.stop();
    }
  },
};

const sum = <Item>(items: readonly Item[], of: (item: Item) => number): number =>
  items.reduce((all, item) => all + of(item), 0);

function figuresOf(callers: readonly Caller[], disturbance: Disturbance, answered: number): Figure[] {
  const kinds = [...new Set(callers.map(({ kind }) => kind))];
  return [
    atLeast(
      'reads',
      sum(callers, ({ reads }) => reads),
      READS,
    ),
    atLeast('statements that replicas answered', answered, READS / 5),
    ...kinds.map((kind) => {
      const own = callers.filter((caller) => caller.kind === kind);
      return exactly(
        `stale reads of callers ${kind}`,
        sum(own, ({ stale }) => stale),
        0,
      );
    }),
    exactly(
      'rows of another owner',
      sum(callers, ({ foreign }) => foreign),
      0,
    ),
    exactly(
      'answers that were no success',
      sum(callers, ({ failures }) => failures.length),
      0,
    ),
    atMost(
      'longest time until a replica that crashed was left out, in ms',
      disturbance.slowestOutMs,
      NOTICED_MS,
    ),
    atMost(
      'longest time until one that was back was read again, in ms',
      disturbance.slowestBackMs,
      NOTICED_MS,
    ),
  ];
}

/** What came of the statements that a server chose replicas for. */
async function outcomesOf(port: number): Promise<Readonly<Record<string, number>>> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const outcomes: Record<string, number> = {};
  for (const [, outcome = '', count] of text.matchAll(
    /^database_replica_statements_total\{replica="\d",outcome="(\w+)"\} (\d+)$/gm,
  )) {
    outcomes[outcome] = (outcomes[outcome] ?? 0) + Number(count);
  }
  return outcomes;
}

/**
 * Someone whose game counts up: by mutations of its own, and by GAME, past the servers. It knows at each read what it must
 * at least see: what it has written, and what it has seen, once its COMMIT was answered.
 */
class Caller {
  reads = 0;
  writes = 0;
  stale = 0;
  foreign = 0;
  /** Reads that were behind what was seen, but not yet committed by the word of the primary. */
  early = 0;
  readonly failures: string[] = [];
  readonly kind: Kind;
  readonly #db: pg.Pool;
  readonly #secret: string;
  readonly #game: string;
  readonly #ports: readonly number[];
  /** The number that was written last, the last one whose COMMIT was answered, the last own one, the greatest one seen. */
  #next = 0;
  #committed = 0;
  #own = 0;
  #seen = 0;
  #position: string | null = null;

  constructor(
    db: pg.Pool,
    kind: Kind,
    { secret, game }: { readonly secret: string; readonly game: string },
    ports: readonly number[],
  ) {
    this.#db = db;
    this.kind = kind;
    this.#secret = secret;
    this.#game = game;
    this.#ports = kind === 'of one server' ? ports.slice(0, 1) : ports;
  }

  async run(goesOn: () => boolean): Promise<void> {
    while (goesOn()) {
      const dice = Math.random();
      if (dice < 0.05) await this.#write();
      else if (dice < 0.1) await Promise.all([this.#writeElsewhere(), this.#read(), this.#read()]);
      else await Promise.all([this.#read(), this.#read()]);
      // So that the disturbance meets something.
      await delay(Math.random() * 10);
    }
  }

  async #write(): Promise<void> {
    const number = ++this.#next;
    const patched = await this.#send(
      `mutation { patchGame(input: { id: "${this.#game}", platform: "${number}" }) { game { platform } } }`,
    );
    if (patched === null) return;
    this.writes++;
    this.#committed = number;
    this.#own = number;
  }

  /** As GAME does it. */
  async #writeElsewhere(): Promise<void> {
    const number = ++this.#next;
    await this.#db.query('UPDATE games SET platform = $2 WHERE id = $1', [this.#game, String(number)]);
    this.writes++;
    this.#committed = number;
  }

  async #read(): Promise<void> {
    const seenBefore = this.#seen;
    const least = Math.max(this.#own, Math.min(seenBefore, this.#committed));
    const data = await this.#send('{ games(first: 10) { nodes { id platform } } }');
    if (data === null) return;
    const { nodes } = data['games'] as {
      readonly nodes: readonly { readonly id: string; readonly platform: string }[];
    };
    this.reads++;
    this.foreign += nodes.filter(({ id }) => id !== this.#game).length;
    const number = Number(nodes[0]?.platform ?? -1);
    if (number < least) this.stale++;
    else if (number < seenBefore) this.early++;
    this.#seen = Math.max(this.#seen, number);
  }

  async #send(query: string): Promise<Readonly<Record<string, unknown>> | null> {
    const port = this.#ports[Math.floor(Math.random() * this.#ports.length)];
    const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-api-key': this.#secret,
        ...(this.kind === 'with the header' && this.#position !== null && { 'wal-position': this.#position }),
      },
      body: JSON.stringify({ query }),
    });
    const body = (await response.json()) as { data?: Readonly<Record<string, unknown>>; errors?: unknown };
    const position = response.headers.get('wal-position');
    if (position !== null && lsnOf(position) > lsnOf(this.#position ?? '1:0/0')) this.#position = position;
    if (body.errors === undefined && body.data !== undefined) return body.data;
    this.failures.push(JSON.stringify(body));
    return null;
  }
}

function lsnOf(position: string): bigint {
  const [high = '', low = ''] = position.slice(position.indexOf(':') + 1).split('/');
  return (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`);
}

/** Pauses and resumes standbys at random, and lets one crash now and then. */
class Disturbance {
  pauses = 0;
  slowestOutMs = 0;
  slowestBackMs = 0;
  #crashes = 0;
  #isOver = false;
  readonly #standbys: readonly PostgresServer[];
  readonly #ports: readonly number[];

  constructor(standbys: readonly PostgresServer[], ports: readonly number[]) {
    this.#standbys = standbys;
    this.#ports = ports;
  }

  get hasCrashedAll(): boolean {
    return this.#crashes >= CRASHES;
  }

  stop(): void {
    this.#isOver = true;
  }

  async run(): Promise<void> {
    await Promise.all(this.#standbys.map((standby, index) => this.#disturb(standby, index)));
  }

  async #disturb(standby: PostgresServer, index: number): Promise<void> {
    while (!this.#isOver) {
      await delay(Math.random() * MAX_REST_MS);
      // One of them, so that the other goes on.
      if (index === 0 && !this.hasCrashedAll && Math.random() < 0.3) await this.#crash(standby, index);
      else {
        await ask(standby, 'SELECT pg_wal_replay_pause()');
        this.pauses++;
        await delay(Math.random() * MAX_PAUSE_MS);
        await ask(standby, 'SELECT pg_wal_replay_resume()');
      }
    }
  }

  async #crash(standby: PostgresServer, index: number): Promise<void> {
    await standby.end('SIGQUIT');
    this.slowestOutMs = Math.max(this.slowestOutMs, await this.#until(index, 'left out'));
    await standby.begin();
    this.slowestBackMs = Math.max(this.slowestBackMs, await this.#until(index, 'used'));
    this.#crashes++;
  }

  /** How long it takes until each server says so of a replica, in ms. */
  async #until(index: number, wanted: string): Promise<number> {
    const startedAt = performance.now();
    for (const port of this.#ports) {
      for (;;) {
        const response = await fetch(`http://127.0.0.1:${port}/health/ready`);
        const { replicas: told } = (await response.json()) as { replicas: readonly { status: string }[] };
        if (told[index]?.status === wanted || performance.now() - startedAt > 30_000) break;
        await delay(5);
      }
    }
    return performance.now() - startedAt;
  }
}

/** An owner with a game that counts from 0. */
async function addCaller(
  db: pg.Client,
  name: string,
): Promise<{ readonly secret: string; readonly game: string }> {
  const { secret, prefix } = await addOwner(db, name);
  const rows = rowsOf({
    query: async <Row extends object>(text: string, values: readonly unknown[] = []) =>
      (await db.query<Row>(text, [...values])).rows,
  });
  const { id } = await new Owner(rows, secret, prefix).game({ platform: '0' });
  return { secret, game: id };
}

async function ask({ url }: PostgresServer, text: string): Promise<void> {
  const client = new pg.Client({ connectionString: `${url}/replicas` });
  await client.connect();
  await client.query(text);
  await client.end();
}
