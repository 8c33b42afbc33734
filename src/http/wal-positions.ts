import type { Redis } from 'ioredis';
import { LRUCache } from 'lru-cache';
import { MAX_LAG_MS, type ReplicaReads, type Replicas } from '../database/replicas.js';
import {
  covers,
  formatWalPosition,
  latest,
  parseWalPosition,
  WAL_END,
  WAL_START,
  type WalPosition,
} from '../database/wal-position.js';
import type { Work } from '../database/work.js';
import { badHeader } from '../errors.js';
import { inTime, connectRedis } from '../rates/redis.js';
import { shortened } from '../rates/rate-limit.js';

/** Says how far a request, or the one before it, has seen the database. */
export const POSITION_HEADER = 'wal-position';

/** Maximum number of callers that are remembered one by one: some 5 MB. */
const MAX_CALLERS = 20_000;
/**
 * How long a position is remembered, in ms. A replica that is asked after that has passed it, because it is at most so far
 * behind; twice as long, because positions and lags are not measured at the same time.
 */
const KEPT_MS = 2 * MAX_LAG_MS;

/**
 * What each caller has written or seen: in this process, and in Redis where there is one. A caller may also know it
 * itself, and send it as a header.
 */
export class WalPositions {
  readonly #callers = new LRUCache<string, WalPosition>({
    max: MAX_CALLERS,
    ttl: KEPT_MS,
    dispose: (position, _caller, reason) => {
      if (reason === 'evict') this.#forget(position);
    },
  });
  /** Covers the positions of callers that were pushed out of memory: it holds for everybody, until then. */
  #pushedOut = WAL_START;
  #pushedOutUntil = 0;
  /** When Redis has been there for long enough to know all positions that still matter. */
  #redisKnowsFrom = Infinity;

  private constructor(
    private readonly replicas: Replicas,
    private readonly redis: Redis | null,
  ) {
    redis?.on('ready', () => this.#distrustRedis());
  }

  /** @param warn is told when Redis goes away, and when it is there again */
  static async open(
    replicas: Replicas,
    redisUrl: string | null,
    warn: (message: string) => void,
  ): Promise<WalPositions> {
    const on = {
      away: () => warn('Redis cannot be reached: replicas are not read until it can.'),
      back: () => warn(`Redis is there again: replicas are read in ${MAX_LAG_MS / 1_000} s.`),
    };
    return new WalPositions(replicas, redisUrl === null ? null : await connectRedis(redisUrl, on));
  }

  /**
   * How a request of a caller may read replicas: not at all while nobody knows what the caller did on other servers.
   *
   * @param header the position that the caller sent
   * @throws BAD_USER_INPUT for a header that is no position
   */
  async readsOf(callerKey: string, header: string | readonly string[] | undefined): Promise<ReplicaReads> {
    const sent = header === undefined ? WAL_START : positionOf(String(header));
    const shared = await this.#shared(callerKey);
    const known = latest(this.#remembered(callerKey), shared ?? WAL_START);
    return this.replicas.reads(known, shared === null ? null : latest(known, sent));
  }

  /**
   * Remembers what a request has written and seen. To be called before it is answered, when all of it has ended.
   *
   * @returns the value of the header; null where the request asked no database, or where nobody can tell
   */
  async after({ callerKey, replicaReads }: Work): Promise<string | null> {
    if (callerKey === null || replicaReads === null) return null;
    try {
      const position = await replicaReads.position();
      if (position === null) return null;
      if (!replicaReads.isKnown(position)) await this.#remember(callerKey, position);
      return formatWalPosition(position);
    } catch {
      // The primary went away. Until it tells its position, no replica is good enough.
      await this.#remember(callerKey, WAL_END);
      return null;
    }
  }

  close(): void {
    this.redis?.disconnect();
  }

  #remembered(callerKey: string): WalPosition {
    const own = this.#callers.get(shortened(callerKey)) ?? WAL_START;
    return Date.now() < this.#pushedOutUntil ? latest(own, this.#pushedOut) : own;
  }

  async #remember(callerKey: string, position: WalPosition): Promise<void> {
    const key = shortened(callerKey);
    const before = this.#callers.get(key) ?? WAL_START;
    // What is raised is kept for so long from now on; what is not raised need not be.
    if (!covers(before, position)) this.#callers.set(key, latest(before, position));
    if (this.redis === null) return;
    try {
      // Two numbers that only grow, together; up to 2^53 bytes of WAL they are exact.
      const raise = this.redis
        .multi()
        .zadd(redisKey(key), 'GT', String(position.timeline), 'timeline', String(position.lsn), 'lsn')
        .pexpire(redisKey(key), KEPT_MS);
      await inTime(raise.exec());
    } catch {
      this.#distrustRedis();
    }
  }

  /** What other processes know of a caller; null: nobody can tell. */
  async #shared(callerKey: string): Promise<WalPosition | null> {
    if (this.redis === null) return WAL_START;
    if (performance.now() < this.#redisKnowsFrom) return null;
    try {
      const [timeline, lsn] = await inTime(
        this.redis.zmscore(redisKey(shortened(callerKey)), 'timeline', 'lsn'),
      );
      return { timeline: Number(timeline ?? 0), lsn: BigInt(Number(lsn ?? 0)) };
    } catch {
      this.#distrustRedis();
      return null;
    }
  }

  /** It may have lost what it knew. After so long, all that matters was told to it again, or is not needed any more. */
  #distrustRedis(): void {
    this.#redisKnowsFrom = performance.now() + MAX_LAG_MS;
  }

  #forget(position: WalPosition): void {
    const isOver = Date.now() >= this.#pushedOutUntil;
    this.#pushedOut = isOver ? position : latest(this.#pushedOut, position);
    this.#pushedOutUntil = Date.now() + KEPT_MS;
  }
}

const redisKey = (key: string): string => `game-graphql:wal:${key}`;

/** @throws BAD_USER_INPUT */
function positionOf(header: string): WalPosition {
  const position = parseWalPosition(header);
  if (position === null) {
    throw badHeader(
      'WAL-Position',
      'must be what the server has answered: a timeline, a colon and an LSN, such as 1:16/B374D848.',
    );
  }
  return position;
}
