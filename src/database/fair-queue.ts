import { serviceUnavailable } from '../errors.js';
import { ClientGoneError, type Work } from './work.js';

/** How many may be served at a time. */
export interface Shares {
  /** All together. */
  readonly total: number;
  /** Of one owner. */
  readonly perOwner: number;
  /** Longest wait, in ms, and longest wait of what has begun already: the further statements of a request. */
  readonly patienceMs: number;
  readonly patienceWithinMs: number;
}

/** Most that may wait of one owner. */
const MAX_WAITING = 1_000;

interface Waiting {
  readonly start: () => void;
}

/**
 * Lets so many be served at a time, and of one owner at most a share of them, whether others wait or not: what has
 * begun cannot be interrupted when they come. Who has to wait, waits in a queue of its own owner; the owners take
 * turns. So nobody waits behind the many requests of another.
 */
export class FairQueue {
  #served = 0;
  readonly #servedOf = new Map<string, number>();
  /** Owners who wait, the next one first. */
  readonly #waiting = new Map<string, Set<Waiting>>();

  constructor(private readonly shares: Shares) {}

  /** How many wait. */
  get waitingCount(): number {
    return [...this.#waiting.values()].reduce((sum, queue) => sum + queue.size, 0);
  }

  /**
   * Waits for a turn.
   *
   * @returns what is to be called when it is over
   * @throws SERVICE_UNAVAILABLE after the longest wait, or at once where too many wait; ClientGoneError when the client
   *   of the work goes away meanwhile
   */
  acquire(owner: string, work?: Work): Promise<() => void> | (() => void) {
    const patience = work?.hasBegun ? this.shares.patienceWithinMs : this.shares.patienceMs;
    if (this.#hasRoom(owner) && !this.#waiting.has(owner)) return this.#serve(owner, work);
    const queue = this.#waiting.get(owner) ?? new Set();
    if (queue.size >= MAX_WAITING) throw serviceUnavailable();
    this.#waiting.set(owner, queue);
    return new Promise((resolve, reject) => {
      const leave = (error: Error): void => {
        settle();
        reject(error);
      };
      const entry = {
        start: () => {
          settle();
          resolve(this.#serve(owner, work));
        },
      };
      const timer = setTimeout(() => leave(serviceUnavailable()), patience);
      const giveUp = (): void => leave(new ClientGoneError('The client has gone away.'));
      work?.onAbandon(giveUp);
      const settle = (): void => {
        clearTimeout(timer);
        work?.offAbandon(giveUp);
        queue.delete(entry);
        if (queue.size === 0) this.#waiting.delete(owner);
      };
      queue.add(entry);
    });
  }

  #hasRoom(owner: string): boolean {
    return this.#served < this.shares.total && (this.#servedOf.get(owner) ?? 0) < this.shares.perOwner;
  }

  #serve(owner: string, work?: Work): () => void {
    if (work) work.hasBegun = true;
    this.#served++;
    this.#servedOf.set(owner, (this.#servedOf.get(owner) ?? 0) + 1);
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#served--;
      const left = (this.#servedOf.get(owner) ?? 1) - 1;
      if (left === 0) this.#servedOf.delete(owner);
      else this.#servedOf.set(owner, left);
      this.#startNext();
    };
  }

  /** Starts whoever waits and has room, the owner that waits longest first. */
  #startNext(): void {
    for (const [owner, queue] of this.#waiting) {
      if (this.#served >= this.shares.total) return;
      const [next] = queue;
      if (next === undefined || !this.#hasRoom(owner)) continue;
      // To the end: the others come first now.
      this.#waiting.delete(owner);
      this.#waiting.set(owner, queue);
      next.start();
      return;
    }
  }
}
