import { Counter } from 'prom-client';
import { serviceUnavailable } from '../errors.js';
import type { Work } from './work.js';

/** How many statements and transactions may run at a time. */
export interface SemaphoreLimits {
  /** All together. */
  readonly total: number;
  /** Of one caller. */
  readonly perCaller: number;
  /** Longest wait for a permit, in ms: of a request that has had none, and of one that has had one. */
  readonly maxWaitMs: number;
  readonly maxWaitAfterFirstMs: number;
}

/** Maximum number of waiters of one caller. */
const MAX_WAITERS = 1_000;

/** Maximum number of queues that are remembered while nothing of them runs or waits. */
const MAX_IDLE_QUEUES = 10_000;

/** How often it is looked at who has waited too long, in ms. */
const CHECK_EVERY_MS = 100;

/** What a permit is for: a statement outside of transactions, one of an expensive operation, or a transaction. */
export type Purpose = 'statement' | 'expensive' | 'transaction';

/** How many of one purpose have a permit, and how many wait for one. */
export interface PermitCount {
  held: number;
  waiting: number;
}

/** Counts who was refused a permit. */
export const refusedPermits = new Counter({
  name: 'database_permits_refused_total',
  help: 'Statements and transactions that were refused: they waited too long for a connection, or too many of their caller waited.',
  labelNames: ['reason'] as const,
  registers: [],
});
for (const reason of ['wait', 'queue_full']) refusedPermits.inc({ reason }, 0);

/** What of one caller runs, and what waits: its ordinary statements, or those of its expensive operations. */
class CallerQueue {
  running = 0;
  /** The first come first. */
  readonly waiters = new Set<Waiter>();

  /** @param limit how many may run at a time */
  constructor(readonly limit: number) {}

  get isIdle(): boolean {
    return this.running === 0 && this.waiters.size === 0;
  }
}

/** The right to use one connection, until it is released. */
export class Permit {
  #isReleased = false;

  constructor(
    readonly queue: CallerQueue,
    readonly count: PermitCount,
    private readonly onRelease: (permit: Permit) => void,
  ) {}

  /** To be called when the connection is not used any more; again, it does nothing. */
  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.onRelease(this);
  }
}

/** A statement or transaction that waits for a permit. */
class Waiter {
  constructor(
    readonly queue: CallerQueue,
    readonly count: PermitCount,
    /** When the wait is given up, by `performance.now()`. */
    readonly deadline: number,
    readonly work: Work | undefined,
    readonly start: (permit: Permit) => void,
    readonly refuse: (error: Error) => void,
    private readonly onLeave: (waiter: Waiter) => void,
  ) {
    work?.onAbandon(this.#giveUp);
  }

  /** Ends the wait. */
  leave(): void {
    this.work?.offAbandon(this.#giveUp);
    this.onLeave(this);
  }

  readonly #giveUp = (): void => {
    this.leave();
    const reason = this.work?.abandonedWith;
    if (reason) this.refuse(reason);
  };
}

/**
 * Limits how many statements and transactions run at a time: in total, and for each caller, even while no other caller
 * waits, because a running one cannot be interrupted. Each caller has its own queue, and the queues are served in turn
 * (round robin), so that no caller waits behind the many requests of another. Statements of a caller's expensive
 * operations have a queue of their own with a limit of one, because each may keep a processor of the database busy.
 */
export class FairSemaphore {
  #running = 0;
  readonly #queues = new Map<string, CallerQueue>();
  /** The queues that have waiters, the next one first. */
  readonly #queuesWithWaiters = new Set<CallerQueue>();
  #isTimed = false;
  /** By purpose. */
  readonly counts: Readonly<Record<Purpose, PermitCount>> = {
    statement: { held: 0, waiting: 0 },
    expensive: { held: 0, waiting: 0 },
    transaction: { held: 0, waiting: 0 },
  };

  constructor(private readonly limits: SemaphoreLimits) {}

  /** How many wait. */
  get waitingCount(): number {
    return [...this.#queuesWithWaiters].reduce((sum, { waiters }) => sum + waiters.size, 0);
  }

  /**
   * Waits for a permit.
   *
   * @throws SERVICE_UNAVAILABLE after the longest wait, or at once where too many wait; what the work is abandoned with
   *   meanwhile
   */
  acquire(callerKey: string, work?: Work, purpose?: Purpose): Promise<Permit> {
    return new Promise((resolve, reject) => {
      this.acquireWithCallback(callerKey, work, resolve, reject, purpose);
    });
  }

  /** As `acquire`, at less cost. `start` is called in the context of whoever released the permit. */
  acquireWithCallback(
    callerKey: string,
    work: Work | undefined,
    start: (permit: Permit) => void,
    refuse: (error: Error) => void,
    purpose: Purpose = work?.isExpensive ? 'expensive' : 'statement',
  ): void {
    const queue = this.#queueOf(callerKey, work?.isExpensive ?? false);
    const count = this.counts[purpose];
    if (this.#hasRoom(queue)) start(this.#grant(queue, count, work));
    else if (queue.waiters.size >= MAX_WAITERS) {
      refusedPermits.inc({ reason: 'queue_full' });
      refuse(serviceUnavailable());
    } else {
      const maxWait = work?.hasBegun ? this.limits.maxWaitAfterFirstMs : this.limits.maxWaitMs;
      const deadline = performance.now() + maxWait;
      queue.waiters.add(new Waiter(queue, count, deadline, work, start, refuse, this.#onLeave));
      count.waiting++;
      this.#queuesWithWaiters.add(queue);
      if (this.#isTimed) return;
      this.#isTimed = true;
      setTimeout(this.#endWaits, CHECK_EVERY_MS);
    }
  }

  #queueOf(callerKey: string, isExpensive: boolean): CallerQueue {
    const key = `${isExpensive ? 'expensive' : 'ordinary'} ${callerKey}`;
    let queue = this.#queues.get(key);
    if (queue === undefined) {
      if (this.#queues.size >= MAX_IDLE_QUEUES) this.#forgetIdle();
      queue = new CallerQueue(isExpensive ? 1 : this.limits.perCaller);
      this.#queues.set(key, queue);
    }
    return queue;
  }

  #forgetIdle(): void {
    for (const [key, queue] of this.#queues) if (queue.isIdle) this.#queues.delete(key);
  }

  /** Lets those go who have waited too long. One timer for all: most wait for some milliseconds. */
  readonly #endWaits = (): void => {
    const now = performance.now();
    for (const { waiters } of this.#queuesWithWaiters) {
      for (const waiter of waiters) {
        if (waiter.deadline > now) continue;
        waiter.leave();
        refusedPermits.inc({ reason: 'wait' });
        waiter.refuse(serviceUnavailable());
      }
    }
    this.#isTimed = this.#queuesWithWaiters.size > 0;
    if (this.#isTimed) setTimeout(this.#endWaits, CHECK_EVERY_MS);
  };

  readonly #onLeave = (waiter: Waiter): void => {
    const { queue, count } = waiter;
    if (queue.waiters.delete(waiter)) count.waiting--;
    if (queue.waiters.size === 0) this.#queuesWithWaiters.delete(queue);
  };

  #hasRoom({ running, limit }: CallerQueue): boolean {
    return this.#running < this.limits.total && running < limit;
  }

  #grant(queue: CallerQueue, count: PermitCount, work?: Work): Permit {
    if (work) work.hasBegun = true;
    this.#running++;
    queue.running++;
    count.held++;
    return new Permit(queue, count, this.#onRelease);
  }

  readonly #onRelease = ({ queue, count }: Permit): void => {
    this.#running--;
    queue.running--;
    count.held--;
    this.#startNext();
  };

  /** Starts the next waiter whose queue has room. The queue that was served longest ago comes first. */
  #startNext(): void {
    for (const queue of this.#queuesWithWaiters) {
      if (this.#running >= this.limits.total) return;
      const [next] = queue.waiters;
      if (next === undefined || !this.#hasRoom(queue)) continue;
      // To the end: the other queues come first now.
      this.#queuesWithWaiters.delete(queue);
      this.#queuesWithWaiters.add(queue);
      next.leave();
      next.start(this.#grant(queue, next.count, next.work));
      return;
    }
  }
}
