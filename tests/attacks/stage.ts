import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type pg from 'pg';
import { makeDatabase } from '../../bench/database.ts';
// Plain JavaScript, which jest needs before it can read anything else.
import { startPostgres } from '../support/postgres.js';
import { gql, type Who } from './attack.ts';
import { addData, type Owners } from './data.ts';
import { send, type SendOptions } from './send.ts';
import { Server } from './server.ts';
import type { Order, Sight, Subject } from './watch.ts';

/** PostgreSQL as it comes, but for memory that all of it shares; what is written is lost with the run. */
const SETTINGS = {
  shared_buffers: '512MB',
  max_wal_size: '2GB',
  timezone: 'UTC',
  log_statement: 'none',
  shared_preload_libraries: '',
};

/** How many connections the server has at most, unless it is told otherwise. */
const CONNECTIONS = 10;
/** What the server's connections are called. */
const APPLICATION = 'game-graphql';

/** The process that watches. */
class Watch {
  readonly #process: ChildProcess;

  constructor() {
    this.#process = fork(fileURLToPath(new URL('watch.ts', import.meta.url)), { stdio: 'inherit' });
  }

  async ready(): Promise<void> {
    await once(this.#process, 'message');
  }

  async start(subject: Subject): Promise<void> {
    await this.#ask({ order: 'start', subject });
  }

  look(): Promise<Sight> {
    return this.#ask({ order: 'look' });
  }

  stop(): Promise<Sight> {
    return this.#ask({ order: 'stop' });
  }

  end(): void {
    this.#process.disconnect();
  }

  /** One question at a time: answers come in the order of questions. */
  async #ask(order: Order): Promise<Sight> {
    this.#process.send(order);
    const [answer] = (await once(this.#process, 'message')) as [Sight];
    return answer;
  }
}

/** Where the attacks take place: PostgreSQL with the data, the server, and the process that watches both. */
export class Stage {
  readonly db: pg.Client;
  readonly owners: Owners;
  readonly watch: Watch;
  readonly #url: string;
  readonly #postmasterPid: number;
  readonly #ownBackend: number;
  readonly #stopPostgres: () => Promise<void>;
  #server: Server;

  private constructor(parts: {
    readonly db: pg.Client;
    readonly owners: Owners;
    readonly url: string;
    readonly postmasterPid: number;
    readonly ownBackend: number;
    readonly stopPostgres: () => Promise<void>;
    readonly server: Server;
    readonly watch: Watch;
  }) {
    this.watch = parts.watch;
    this.db = parts.db;
    this.owners = parts.owners;
    this.#url = parts.url;
    this.#postmasterPid = parts.postmasterPid;
    this.#ownBackend = parts.ownBackend;
    this.#stopPostgres = parts.stopPostgres;
    this.#server = parts.server;
  }

  static async set(): Promise<Stage> {
    const start = startPostgres as (
      settings: object,
    ) => Promise<{ url: string; logFile: string; stop(): Promise<void> }>;
    const postgres = await start(SETTINGS);
    try {
      const { url, db } = await makeDatabase(
        { databaseUrl: (name) => `${postgres.url}/${name}`, stop: () => postgres.stop() },
        'attacks',
      );
      const owners = await addData(db);
      const { rows } = await db.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      const pidFile = join(dirname(postgres.logFile), 'data', 'postmaster.pid');
      const server = await Server.start(url);
      const watch = new Watch();
      await watch.ready();
      const stage = new Stage({
        db,
        owners,
        url,
        postmasterPid: Number.parseInt(readFileSync(pidFile, 'utf8'), 10),
        ownBackend: rows[0]?.pid ?? 0,
        stopPostgres: () => postgres.stop(),
        server,
        watch,
      });
      await stage.#warmUp();
      return stage;
    } catch (error) {
      await postgres.stop();
      throw error;
    }
  }

  get server(): Server {
    return this.#server;
  }

  get subject(): Subject {
    return {
      port: this.#server.port,
      serverPid: this.#server.pid,
      postmasterPid: this.#postmasterPid,
      ownBackends: [this.#ownBackend],
    };
  }

  /** How a request of this caller is sent. */
  options(who: Who, timeoutMs: number, signal?: AbortSignal): SendOptions {
    const key = who === 'nobody' ? null : this.owners[who].secret;
    return { port: this.#server.port, key, timeoutMs, ...(signal === undefined ? {} : { signal }) };
  }

  /** How many statements of the server are being run, or wait for something. */
  async running(): Promise<number> {
    const { rows } = await this.db.query<{ count: number }>(
      `SELECT count(*)::int AS count FROM pg_stat_activity WHERE application_name = $1 AND state <> 'idle'`,
      [APPLICATION],
    );
    return rows[0]?.count ?? 0;
  }

  /** Waits until none is; answers how long that took, in ms, or null when they do not end in time. */
  async untilIdle(maxWaitMs: number): Promise<number | null> {
    const startedAt = performance.now();
    for (;;) {
      if ((await this.running()) === 0) return performance.now() - startedAt;
      if (performance.now() - startedAt > maxWaitMs) return null;
      await delay(20);
    }
  }

  /** Ends the server at once and all that it has PostgreSQL do, and starts another one. */
  async restart(): Promise<void> {
    await this.#server.kill();
    this.#server.forget();
    await this.db.query(
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1',
      [APPLICATION],
    );
    await this.untilIdle(20_000);
    this.#server = await Server.start(this.#url);
    await this.#warmUp();
  }

  /** Has the server open all its connections and meet its callers, as one does that has run for a while. */
  async #warmUp(): Promise<void> {
    const page = gql('{ games(first: 20) { nodes { id version } } }');
    for (const who of ['owner', 'neighbour', 'mover', 'owner'] as const) {
      await Promise.all(Array.from({ length: CONNECTIONS }, () => send(page, this.options(who, 30_000))));
    }
  }

  async close(): Promise<void> {
    this.watch.end();
    await this.#server.kill();
    this.#server.forget();
    await this.db.end();
    await this.#stopPostgres();
  }
}
