import { serviceUnavailable } from '../errors.js';
import { ClientGoneError, type Work } from './work.js';

/** How many may be served at a time. */
export interface QueueLimits {
  /** All together. */
  readonly total: number;
  /** Of one owner. */
  readonly perOwner: number;
  /** Longest wait, in ms, and longest wait of what has begun already: the further statements of a request. */
  readonly patienceMs: number;
  readonly patienceWithinMs: number;
}

/** Maximum number of what may wait of one owner. */
const MAX_WAITING = 1_000;

/** Maximum number of owners that are remembered while nothing of them is served or waits. */
const MAX_IDLE_OWNERS = 10_000;

/** How often it is looked at who has waited too long, in ms. */
const CHECK_EVERY_MS = 100;

/** Someone who waits for a turn. */
interface Waiting {
  /** When the wait is given up, by `performance.now()`. */
  readonly deadline: number;
  readonly start: () => void;
  readonly leave: (error: Error) => void;
}

/** What of one owner is served, and waits. */
class Share {
  served = 0;
  /** The first come first. */
  readonly waiting = new Set<Waiting>();

  get isIdle(): boolean {
    return this.served === 0 && this.waiting.size === 0;
  }
}

/** Being served, until it ends. */
export class Turn {
  #isOver = false;

  constructor(
    private readonly share: Share,
    private readonly onEnd: (share: Share) => void,
  ) {}

  /** To be called when it is over; again, it does nothing. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.onEnd(this.share);
  }
}

/**
 * Lets so many be served at a time, and of one owner at most a share of them, whether others wait or not: what has
 * begun cannot be interrupted when they come. Who has to wait, waits in a queue of its own owner; the owners take
 * turns. So nobody waits behind the many requests of another.
 */
export class FairQueue {
  #served = 0;
  readonly #shares = new Map<string, Share>();
  /** Shares of owners who wait, the next one first. */
  readonly #waiting = new Set<Share>();
  #isTimed = false;

  constructor(private readonly limits: QueueLimits) {}

  /** How many wait. */
  get waitingCount(): number {
    return [...this.#waiting].reduce((sum, { waiting }) => sum + waiting.size, 0);
  }

  /**
   * Waits for a turn.
   *
   * @throws SERVICE_UNAVAILABLE after the longest wait, or at once where too many wait; ClientGoneError when the client
   *   of the work goes away meanwhile
   */
  acquire(owner: string, work?: Work): Promise<Turn> | Turn {
    const share = this.#shareOf(owner);
    if (this.#hasRoom(share) && share.waiting.size === 0) return this.#serve(share, work);
    if (share.waiting.size >= MAX_WAITING) throw serviceUnavailable();
    return this.#wait(share, work);
  }

  #shareOf(owner: string): Share {
    let share = this.#shares.get(owner);
    if (share === undefined) {
      if (this.#shares.size >= MAX_IDLE_OWNERS) this.#forgetIdle();
      share = new Share();
      this.#shares.set(owner, share);
    }
    return share;
  }

  #forgetIdle(): void {
    for (const [owner, share] of this.#shares) if (share.isIdle) this.#shares.delete(owner);
  }

  #wait(share: Share, work: Work | undefined): Promise<Turn> {
    const patience = work?.hasBegun ? this.limits.patienceWithinMs : this.limits.patienceMs;
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        work?.offAbandon(giveUp);
        share.waiting.delete(waiting);
        if (share.waiting.size === 0) this.#waiting.delete(share);
      };
      const waiting: Waiting = {
        deadline: performance.now() + patience,
        start: () => {
          settle();
          resolve(this.#serve(share, work));
        },
        leave: (error) => {
          settle();
          reject(error);
        },
      };
      const giveUp = (): void => waiting.leave(new ClientGoneError('The client has gone away.'));
      work?.onAbandon(giveUp);
      share.waiting.add(waiting);
      this.#waiting.add(share);
      if (this.#isTimed) return;
      this.#isTimed = true;
      setTimeout(this.#endWaits, CHECK_EVERY_MS);
    });
  }

  /** Lets those go who have waited too long. One timer for all: most wait for some milliseconds. */
  readonly #endWaits = (): void => {
    const now = performance.now();
    for (const share of this.#waiting) {
      for (const { deadline, leave } of share.waiting) if (deadline <= now) leave(serviceUnavailable());
    }
    this.#isTimed = this.#waiting.size > 0;
    if (this.#isTimed) setTimeout(this.#endWaits, CHECK_EVERY_MS);
  };

  #hasRoom({ served }: Share): boolean {
    return this.#served < this.limits.total && served < this.limits.perOwner;
  }

  #serve(share: Share, work?: Work): Turn {
    if (work) work.hasBegun = true;
    this.#served++;
    share.served++;
    return new Turn(share, this.#onEnd);
  }

  readonly #onEnd = (share: Share): void => {
    this.#served--;
    share.served--;
    this.#startNext();
  };

  /** Starts whoever waits and has room, the owner that waits longest first. */
  #startNext(): void {
    for (const share of this.#waiting) {
      if (this.#served >= this.limits.total) return;
      const [next] = share.waiting;
      if (next === undefined || !this.#hasRoom(share)) continue;
      // To the end: the others come first now.
      this.#waiting.delete(share);
      this.#waiting.add(share);
      next.start();
      return;
    }
  }
}
