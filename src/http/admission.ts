import type { FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify';
import { Counter } from 'prom-client';
import { serviceUnavailable } from '../errors.js';
import { GivenUpError, type Work } from '../database/work.js';

/** How many requests may run for each connection to the database, and how many at least. */
const RUNNING_PER_CONNECTION = 6;
const MIN_RUNNING = 60;

/**
 * A burst may be so many times as large, for so long, in ms: a page, or a gateway, that sends a hundred requests at once is no
 * overload. The next burst is one after a calm second.
 */
const BURST_FACTOR = 10;
const BURST_MS = 100;
const CALM_MS = 1_000;

/**
 * How long requests may begin in one turn of the event loop, in ms: Node accepts one new connection in each turn, so long
 * turns would keep those waiting who ask for the server's health.
 */
const SLICE_MS = 0.5;
/** So few that run do not make a turn long: they begin at once. */
const FEW = 20;

/** How often it is looked at which requests run for too long, in ms. */
const CHECK_EVERY_MS = 250;

/** What is told to whom is refused: made once, because it is told most when there is least time. */
const REFUSAL = serviceUnavailable();

/** Counts requests that were refused or given up because there was too much to do. */
export const shedRequests = new Counter({
  name: 'graphql_requests_shed_total',
  help: 'Requests that were refused because too many ran or because the server was stopping, and requests that were given up after the longest time that one may take.',
  labelNames: ['reason'] as const,
  registers: [],
});
for (const reason of ['capacity', 'stopping', 'timeout']) shedRequests.inc({ reason }, 0);

/** How many requests may run at a time. */
export const maxRunning = (connections: number): number =>
  Math.max(MIN_RUNNING, RUNNING_PER_CONNECTION * connections);

/**
 * Bounds how many requests run at a time, so that what is beyond the server's capacity is refused at once and what was
 * begun is answered soon. Where there is no room, who has less than its share is let in still: the callers are told apart
 * by their credentials, which nobody has looked at yet. What runs for too long is given up.
 */
export class Admission {
  /** What runs, and with which credential. */
  readonly #running = new Map<Work, string>();
  /** What waits for the next turn of the event loop, the first first. */
  readonly #waiting: (() => void)[] = [];
  /** When requests began to begin in this turn; null: nobody counts, because none has or few run. */
  #turnBegan: number | null = null;
  #isTimed = false;
  /** When there were too many last, and since when there have been, without a calm second between. */
  #fullAt = -Infinity;
  #fullSince = -Infinity;
  /** Whether clients are told to close their connections, and whether nothing new is let in: the server stops. */
  isStopping = false;
  isClosed = false;
  /** When a request was last refused because of that, by `performance.now()`. */
  lastRefusedAt = 0;

  /** @param max how many may run; where several callers are there, each may have its share beyond that */
  constructor(readonly max: number) {}

  get runningCount(): number {
    return this.#running.size;
  }

  /** Whether one more with this credential is too much. */
  isFull(credential: string): boolean {
    if (this.#running.size < this.max || this.#isBurst()) return false;
    const credentials = [...this.#running.values()];
    const own = credentials.filter((other) => other === credential).length;
    const callers = new Set(credentials).add(credential).size;
    return own + 1 > this.max / callers;
  }

  /**
   * Runs `task`: where many run, at one of the next turns of the event loop if others have begun in this one.
   *
   * @throws SERVICE_UNAVAILABLE where too many run; what the work is abandoned with before it begins
   */
  async run<Result>(work: Work, credential: string, task: () => Promise<Result>): Promise<Result> {
    if (this.isFull(credential)) {
      shedRequests.inc({ reason: 'capacity' });
      throw REFUSAL;
    }
    this.#running.set(work, credential);
    this.#startTimer();
    try {
      if (!this.#mayBegin()) {
        await new Promise<void>((resolve) => {
          this.#waiting.push(resolve);
        });
        work.throwIfAbandoned();
      }
      return await work.run(task);
    } finally {
      this.#running.delete(work);
    }
  }

  /** The hook that refuses a request before its body is read; while the server stops, after that: see below. */
  readonly refuse = (request: FastifyRequest, _reply: FastifyReply, done: HookHandlerDoneFunction): void => {
    if (!this.isClosed && !this.isFull(credentialOf(request))) {
      done();
      return;
    }
    shedRequests.inc({ reason: this.isClosed ? 'stopping' : 'capacity' });
    if (!this.isClosed) done(REFUSAL);
    else {
      this.lastRefusedAt = performance.now();
      // The connection is closed after the answer. Were something left to be read, the client would find it reset, and
      // might lose the answer.
      request.raw.on('end', () => done(REFUSAL)).resume();
    }
  };

  /** Gives up all that runs: it is cancelled, and nothing of it that was not committed is done. */
  giveUp(): void {
    for (const work of this.#running.keys()) work.abandon(new GivenUpError());
  }

  /** Whether what is beyond the usual number has just begun to be. */
  #isBurst(): boolean {
    const now = performance.now();
    if (now - this.#fullAt > CALM_MS) this.#fullSince = now;
    this.#fullAt = now;
    return now - this.#fullSince < BURST_MS && this.#running.size < BURST_FACTOR * this.max;
  }

  #mayBegin(): boolean {
    if (this.#turnBegan === null) {
      if (this.#running.size <= FEW) return true;
      this.#turnBegan = performance.now();
      setImmediate(this.#endTurn);
      return true;
    }
    return this.#waiting.length === 0 && performance.now() - this.#turnBegan < SLICE_MS;
  }

  readonly #endTurn = (): void => {
    if (this.#waiting.length === 0) {
      this.#turnBegan = null;
      return;
    }
    this.#turnBegan = performance.now();
    setImmediate(this.#endTurn);
    this.#beginNext();
  };

  /** Begins what waits, one after the other, as long as the turn may last. */
  readonly #beginNext = (): void => {
    if (this.#turnBegan === null || performance.now() - this.#turnBegan >= SLICE_MS) return;
    const begin = this.#waiting.shift();
    if (begin === undefined) return;
    begin();
    // After all that follows from it at once.
    queueMicrotask(() => process.nextTick(this.#beginNext));
  };

  #startTimer(): void {
    if (this.#isTimed) return;
    this.#isTimed = true;
    setTimeout(this.#endOverdue, CHECK_EVERY_MS);
  }

  /** One timer for all: most run for some milliseconds. */
  readonly #endOverdue = (): void => {
    const now = performance.now();
    for (const work of this.#running.keys()) {
      if (work.deadline > now) continue;
      if (!work.isAbandoned) shedRequests.inc({ reason: 'timeout' });
      work.abandon(new GivenUpError());
    }
    this.#isTimed = this.#running.size > 0;
    if (this.#isTimed) setTimeout(this.#endOverdue, CHECK_EVERY_MS);
  };
}

/** What callers are told apart by before anybody has looked at who they are. */
export function credentialOf({ headers, ip }: FastifyRequest): string {
  const { 'x-api-key': key, authorization } = headers;
  return typeof key === 'string' ? key : (authorization ?? ip);
}
