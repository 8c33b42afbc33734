/** Streams of one seed, from above; those from 0 on belong to the users, one each. */
export const STREAM = {
  subjects: 2 ** 32 - 1,
  owners: 2 ** 32 - 2,
  users: 2 ** 32 - 3,
  games: 2 ** 32 - 4,
} as const;

/**
 * A stream of pseudo-random numbers that a seed determines: sfc32, with 128 bits of state. The state is
 * wide so that data sets of different seeds can stand in one database without sharing a UUID; a generator
 * with 32 bits of state has one cycle, on which long runs meet.
 */
export class Random {
  #a: number;
  #b: number;
  #c = 0x9e3779b9;
  #counter = 1;

  /** Both are taken modulo 2^32. Streams of one seed are independent of each other. */
  constructor(seed: number, stream: number) {
    this.#a = seed | 0;
    this.#b = stream | 0;
    for (let round = 0; round < 15; round++) this.uint32();
  }

  /** A whole number from 0 to 2^32 - 1. */
  uint32(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** A number from 0 up to, not including, 1, with 53 bits. */
  fraction(): number {
    return ((this.uint32() >>> 5) * 0x4000000 + (this.uint32() >>> 6)) / 2 ** 53;
  }

  /** A whole number from `min` to `max`, both included. */
  integer(min: number, max: number): number {
    return min + Math.floor(this.fraction() * (max - min + 1));
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  /** One of the items, all equally likely. There must be one. */
  pick<Item>(items: readonly Item[]): Item {
    return items[this.integer(0, items.length - 1)] as Item;
  }

  /** One of the items, each as likely as its weight says. There must be one. */
  weighted<Item>(choices: readonly (readonly [item: Item, weight: number])[]): Item {
    const total = choices.reduce((sum, [, weight]) => sum + weight, 0);
    let rest = this.fraction() * total;
    const choice = choices.find(([, weight]) => (rest -= weight) < 0) ?? choices.at(-1);
    return (choice as readonly [Item, number])[0];
  }

  /** `count` different items in random order; all of them when there are fewer. */
  sample<Item>(items: readonly Item[], count: number): Item[] {
    const pool = [...items];
    const end = Math.min(count, pool.length);
    for (let index = 0; index < end; index++) {
      const other = this.integer(index, pool.length - 1);
      [pool[index], pool[other]] = [pool[other] as Item, pool[index] as Item];
    }
    return pool.slice(0, end);
  }

  /** A version 4 UUID in lower case. */
  uuid(): string {
    const hex = [this.uint32(), this.uint32(), this.uint32(), this.uint32()]
      .map((word) => word.toString(16).padStart(8, '0'))
      .join('');
    const variant = '89ab'[this.uint32() & 3];
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20)}`;
  }
}
