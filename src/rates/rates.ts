import type { Redis } from 'ioredis';
import { addressKeyOf } from './address.js';
import { Budget } from './budget.js';
import { RateLimit } from './rate-limit.js';
import { connectRedis } from './redis.js';

/** How much may be spent in a window. */
export interface RateSettings {
  /** By one caller, and by one address without a good credential; null: as much as it likes. */
  readonly caller: number | null;
  readonly address: number | null;
  readonly windowS: number;
  /** Where several servers count together; null: each process counts alone. */
  readonly redisUrl: string | null;
}

/** What callers and addresses may spend. */
export class Rates {
  readonly #callers: RateLimit | null;
  readonly #addresses: RateLimit | null;

  private constructor(
    { caller, address, windowS }: RateSettings,
    private readonly redis: Redis | null,
  ) {
    this.#callers = caller === null ? null : new RateLimit({ by: 'caller', limit: caller, windowS, redis });
    this.#addresses =
      address === null ? null : new RateLimit({ by: 'address', limit: address, windowS, redis });
  }

  /** @param warn is told when Redis goes away, and when it is there again */
  static async open(settings: RateSettings, warn: (message: string) => void): Promise<Rates> {
    const { redisUrl } = settings;
    return new Rates(
      settings,
      redisUrl === null
        ? null
        : await connectRedis(redisUrl, {
            away: () => warn('Redis cannot be reached: each process counts rates by itself until it can.'),
            back: () => warn('Redis is there again: rates are counted in it.'),
          }),
    );
  }

  get isOff(): boolean {
    return this.#callers === null && this.#addresses === null;
  }

  ofCaller(callerKey: string): Budget {
    return new Budget(this.#callers, callerKey);
  }

  /** @param address an IP address; undefined where the connection had ended before anybody asked for it */
  ofAddress(address: string | undefined): Budget {
    return new Budget(this.#addresses, addressKeyOf(address ?? ''));
  }

  close(): void {
    this.redis?.disconnect();
  }
}
