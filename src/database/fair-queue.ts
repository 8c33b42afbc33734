import { serviceUnavailable } from '../errors.js';
import { ClientGoneError, type Work } from './work.js';

/** How many may be served at a time. */
export interface QueueLimits {
  /** All together. */
  readonly total: number;
  /** Of one caller. */
  readonly perCaller: number;
  /** Longest wait, in ms, and longest wait of what has begun already: the further statements of a request. */
  readonly patienceMs: number;
  readonly patienceWithinMs: number;
}

/** Maximum number of what may wait of one caller. */
const MAX_WAITING = 1_000;

/** Maximum number of shares that are remembered while nothing of them is served or waits. */
const MAX_IDLE_SHARES = 10_000;

/** How often it is looked at who has waited too long, in ms. */
const CHECK_EVERY_MS = 100;

/** What of one caller is served, and waits. */
class Share {
  served = 0;
  /** The first come first. */
  readonly waiting = new Set<Waiting>();

  /** @param limit how many may be served at a time */
  constructor(readonly limit: number) {}

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

/** Someone who waits for a turn. */
class Waiting {
  constructor(
    readonly share: Share,
    /** When the wait is given up, by `performance.now()`. */
    readonly deadline: number,
    readonly work: Work | undefined,
    readonly start: (turn: Turn) => void,
    readonly refuse: (error: Error) => void,
    private readonly onLeave: (waiting: Waiting) => void,
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
    this.refuse(new ClientGoneError('The client has gone away.'));
  };
}

/**
 * Limits how many statements and transactions run at a time: in total, and for each caller, even while no other caller
 * waits, because a running one cannot be interrupted. Each caller has its own queue, and the queues are served in turn
 * (round robin), so that no caller waits behind the many requests of another. Statements of a caller's expensive
 * operations have a queue of their own with a limit of one, because each may keep a processor of the database busy.
 */
export class FairQueue {
  #served = 0;
  readonly #shares = new Map<string, Share>();
  /** Shares of callers who wait, the next one first. */
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
  acquire(callerKey: string, work?: Work): Promise<Turn> {
    return new Promise((resolve, reject) => this.enter(callerKey, work, resolve, reject));
  }

  /** As `acquire`, at less cost. What is called when the turn comes, is called in the context of whoever gave it up. */
  enter(
    callerKey: string,
    work: Work | undefined,
    start: (turn: Turn) => void,
    refuse: (error: Error) => void,
  ): void {
    const share = this.#shareOf(callerKey, work?.isExpensive ?? false);
    if (this.#hasRoom(share) && share.waiting.size === 0) start(this.#serve(share, work));
    else if (share.waiting.size >= MAX_WAITING) refuse(serviceUnavailable());
    else {
      const patience = work?.hasBegun ? this.limits.patienceWithinMs : this.limits.patienceMs;
      share.waiting.add(new Waiting(share, performance.now() + patience, work, start, refuse, this.#onLeave));
      this.#waiting.add(share);
      if (this.#isTimed) return;
      this.#isTimed = true;
      setTimeout(this.#endWaits, CHECK_EVERY_MS);
    }
  }

  #shareOf(callerKey: string, isExpensive: boolean): Share {
    const key = `${isExpensive ? 'expensive' : 'ordinary'} ${callerKey}`;
    let share = this.#shares.get(key);
    if (share === undefined) {
      if (this.#shares.size >= MAX_IDLE_SHARES) this.#forgetIdle();
      share = new Share(isExpensive ? 1 : this.limits.perCaller);
      this.#shares.set(key, share);
    }
    return share;
  }

  #forgetIdle(): void {
    for (const [key, share] of this.#shares) if (share.isIdle) this.#shares.delete(key);
  }

  /** Lets those go who have waited too long. One timer for all: most wait for some milliseconds. */
  readonly #endWaits = (): void => {
    const now = performance.now();
    for (const { waiting } of this.#waiting) {
      for (const one of waiting) {
        if (one.deadline > now) continue;
        one.leave();
        one.refuse(serviceUnavailable());
      }
    }
    this.#isTimed = this.#waiting.size > 0;
    if (this.#isTimed) setTimeout(this.#endWaits, CHECK_EVERY_MS);
  };

  readonly #onLeave = (waiting: Waiting): void => {
    const { share } = waiting;
    share.waiting.delete(waiting);
    if (share.waiting.size === 0) this.#waiting.delete(share);
  };

  #hasRoom({ served, limit }: Share): boolean {
    return this.#served < this.limits.total && served < limit;
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

  /** Starts whoever waits and has room, the caller that waits longest first. */
  #startNext(): void {
    for (const share of this.#waiting) {
      if (this.#served >= this.limits.total) return;
      const [next] = share.waiting;
      if (next === undefined || !this.#hasRoom(share)) continue;
      // To the end: the others come first now.
      this.#waiting.delete(share);
      this.#waiting.add(share);
      next.leave();
      next.start(this.#serve(share, next.work));
      return;
    }
  }
}
