import type { Redis } from 'ioredis';
import { LRUCache } from 'lru-cache';
import { hash } from 'node:crypto';
import { RateLimiterMemory, RateLimiterRedis, type RateLimiterRes } from 'rate-limiter-flexible';
import { inTime } from './redis.js';

/** Whose spending a limit counts: that of an authenticated caller, or of an address without a good credential. */
export type LimitedBy = 'caller' | 'address';

/**
 * Maximum number of keys that are counted in this process, the most recently used ones: some 12 MB. The library would
 * keep each of them, with a timer, until its window ends: 540 MB for a million addresses.
 */
const MAX_KEYS = 20_000;
/** Keys from this length on are counted by their SHA-256. The subject of a token may be long. */
const MAX_KEY_LENGTH = 100;

/** How long this process counts alone after Redis has failed, in ms, before it asks again. */
const REDIS_PAUSE_MS = 1_000;
/**
 * How long this process knows, in ms, that something is spent in Redis, before it asks again: another process may have
 * given back meanwhile.
 */
const KNOWN_MS = 1_000;

type Store = RateLimiterMemory | RateLimiterRedis;

/** What was spent by a key, once something was added to it. */
export interface Spending {
  /** In this window, with what was added. */
  readonly spent: number;
  /** When the window ends, by `Date.now()`. */
  readonly resetAt: number;
  readonly store: Store;
}

/** What this process knows of a key. */
interface Known {
  /** Until when it is known that all is spent, and when the window ends, by `Date.now()`. */
  spentUntil: number;
  resetAt: number;
}

export interface RateLimitOptions {
  readonly by: LimitedBy;
  /** How much may be spent in one window. */
  readonly limit: number;
  readonly windowS: number;
  /** Counts for several servers; null: this process counts alone. */
  readonly redis: Redis | null;
}

/**
 * How much each key may spend in a window, which begins with its first spending: in Redis where there is one, else in
 * this process. While Redis is away, this process counts by itself: one request a second finds out whether it is back.
 */
export class RateLimit {
  readonly by: LimitedBy;
  readonly limit: number;
  /** The value of the header RateLimit-Policy. */
  readonly policy: string;
  readonly #memory: RateLimiterMemory;
  readonly #redis: RateLimiterRedis | null;
  #redisAwayUntil = 0;
  readonly #known = new LRUCache<string, Known>({
    max: MAX_KEYS,
    dispose: (_known, key) => void this.#memory.delete(key),
  });

  constructor({ by, limit, windowS, redis }: RateLimitOptions) {
    this.by = by;
    this.limit = limit;
    this.policy = `"${by}";q=${limit};w=${windowS};qu="cost"`;
    const options = { points: limit, duration: windowS, keyPrefix: `game-graphql:${by}` };
    this.#memory = new RateLimiterMemory(options);
    // Not the library's `insuranceLimiter`: that waits for Redis at each request anew, as long as it is away.
    this.#redis = redis && new RateLimiterRedis({ ...options, storeClient: redis });
  }

  /** When the window ends of a key that is known to have spent all, by `Date.now()`; null: it is not known to. */
  spentUntil(key: string): number | null {
    const known = this.#known.get(shortened(key));
    return known !== undefined && known.spentUntil > Date.now() ? known.resetAt : null;
  }

  /** Adds to what a key has spent, whether or not it may. */
  async spend(key: string, cost: number): Promise<Spending> {
    const short = shortened(key);
    const known = this.#knownOf(short);
    const shared = this.#redis === null ? null : await this.#addShared(this.#redis, short, cost);
    const store = shared === null ? this.#memory : (this.#redis ?? this.#memory);
    const { consumedPoints, msBeforeNext } = shared ?? (await this.#memory.penalty(short, cost));
    const now = Date.now();
    known.resetAt = now + msBeforeNext;
    if (consumedPoints >= this.limit) {
      known.spentUntil = store === this.#memory ? known.resetAt : Math.min(known.resetAt, now + KNOWN_MS);
    }
    return { spent: consumedPoints, resetAt: known.resetAt, store };
  }

  /** Takes back some of what was spent, unless its window has ended. */
  giveBack(key: string, cost: number, { spent, resetAt, store }: Spending): void {
    if (cost === 0 || Date.now() >= resetAt) return;
    const short = shortened(key);
    // Of what Redis cannot be told, the end of the window takes care.
    store.reward(short, cost).catch(() => {});
    const known = this.#known.get(short);
    if (known !== undefined && spent - cost < this.limit) known.spentUntil = 0;
  }

  #knownOf(key: string): Known {
    let known = this.#known.get(key);
    if (known === undefined) this.#known.set(key, (known = { spentUntil: 0, resetAt: 0 }));
    return known;
  }

  /** Null where Redis is away, or was a moment ago. */
  async #addShared(redis: RateLimiterRedis, key: string, cost: number): Promise<RateLimiterRes | null> {
    if (Date.now() < this.#redisAwayUntil) return null;
    try {
      return await inTime(redis.penalty(key, cost));
    } catch {
      this.#redisAwayUntil = Date.now() + REDIS_PAUSE_MS;
      return null;
    }
  }
}

/** A key of a bounded length for who is counted. */
export function shortened(key: string): string {
  return key.length < MAX_KEY_LENGTH ? key : hash('sha256', key, 'hex');
}
