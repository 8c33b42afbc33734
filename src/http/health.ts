import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '../database/database.js';
import type { ReplicaUse } from '../database/replicas.js';
import { causeOf, problemOf, warningsOf } from '../app/database-check.js';

/** Longest wait for the database's answer to a readiness probe, in ms. */
const READINESS_TIMEOUT_MS = 2_000;
/** How often a server looks by itself whether it can serve, in ms. */
const LOOK_MS = 10_000;

declare module 'fastify' {
  interface FastifyInstance {
    readonly readiness: Readiness;
  }
}

/** `/health/live`: the process runs. `/health/ready`: it can serve; no once it is stopping. */
export function serveHealth(app: FastifyInstance, database: Database): void {
  const readiness = new Readiness(database, app.log);
  app.decorate('readiness', readiness);
  app.addHook('preClose', (done) => {
    readiness.stop();
    done();
  });
  app.get('/health/live', () => ({ status: 'live' }));
  app.get('/health/ready', async (_request, reply) => {
    const reason = await readiness.check();
    const replicas = database.replicas && { replicas: database.replicas.use().map(told) };
    return reason === null
      ? { status: 'ready', ...replicas }
      : reply
          .code(503)
          .header('retry-after', '1')
          .send({ status: 'not ready', reason, ...replicas });
  });
}

/** What readiness tells of a replica, which does not decide on it. */
function told({ replica, problem, lagS }: ReplicaUse): object {
  return { replica, status: problem === null ? 'used' : 'left out', reason: problem, lagSeconds: lagS };
}

/** Whether the server can serve. Each change is logged, once, whoever asks. */
class Readiness {
  readonly #stopping = new AbortController();
  /** Why the server could not serve when it was last looked at; null: it could. */
  #reason: string | null = null;
  #isAnnounced = false;
  #warnings: readonly string[] = [];

  constructor(
    private readonly database: Database,
    private readonly log: FastifyBaseLogger,
  ) {}

  /** Whether the server could serve when it was last looked at. */
  get isReady(): boolean {
    return this.#isAnnounced && this.#reason === null && !this.#isStopping();
  }

  stop(): void {
    this.#stopping.abort();
  }

  /** Why the server cannot serve; null: it can. */
  async check(): Promise<string | null> {
    if (this.#isStopping()) return 'stopping';
    const { reason, err } = await this.#look();
    if (this.#isStopping()) return 'stopping';
    if (reason !== this.#reason) {
      if (reason !== null) this.log.warn({ reason, err }, 'not ready');
      else if (this.#isAnnounced) this.log.info('Ready again.');
    }
    this.#reason = reason;
    return reason;
  }

  /**
   * Waits until the server can serve, and logs `ready` and what does not work. From then on it looks again and again.
   *
   * @param signal ends it
   */
  async announce(ready: string, signal: AbortSignal): Promise<void> {
    while ((await this.check()) !== null) if (!(await wait(signal))) return;
    this.log.info(ready);
    this.#isAnnounced = true;
    await this.#warn();
    void this.#goOn(signal);
  }

  #isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  async #goOn(signal: AbortSignal): Promise<void> {
    while (await wait(signal)) if ((await this.check()) === null) await this.#warn();
  }

  async #look(): Promise<{ readonly reason: string | null; readonly err?: unknown }> {
    const timeout = Promise.withResolvers<never>();
    const timer = setTimeout(
      () => timeout.reject(new Error('The database did not answer in time.')),
      READINESS_TIMEOUT_MS,
    );
    try {
      return { reason: await Promise.race([problemOf(this.database.em), timeout.promise]) };
    } catch (err) {
      return { reason: causeOf(err), err };
    } finally {
      clearTimeout(timer);
    }
  }

  /** Logs what does not work, where it is new. */
  async #warn(): Promise<void> {
    try {
      const warnings = await warningsOf(this.database.em);
      for (const warning of warnings) if (!this.#warnings.includes(warning)) this.log.warn(warning);
      this.#warnings = warnings;
    } catch (error) {
      if (!this.#isStopping()) this.log.warn({ err: error }, 'Rights and migrations could not be looked at.');
    }
  }
}

/** Waits until it is time to look again; returns whether it was not ended meanwhile. */
async function wait(signal: AbortSignal): Promise<boolean> {
  await delay(LOOK_MS, undefined, { signal }).catch(() => {});
  return !signal.aborted;
}
