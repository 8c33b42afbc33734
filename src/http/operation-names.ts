/** A name that nobody has used for this long, in ms, makes room for another one. */
const IDLE_MS = 10 * 60_000;

/** Stands for all names that have no place of their own. */
export const OTHER = 'other';

/** A name with a place: who has it, and when it was last used. */
interface Place {
  readonly holder: string;
  usedAt: number;
}

/**
 * The names of operations that metrics tell apart: a bounded number, because clients make them up. A name gets a place
 * when a known caller uses it. Where all places are taken, the new name has the place of one that nobody has used for ten
 * minutes, or of a caller that has more places than this one: so nobody can keep all of them for long.
 */
export class OperationNames {
  readonly #places = new Map<string, Place>();
  readonly #countByHolder = new Map<string, number>();

  /**
   * @param max how many names there are at most
   * @param onForget is called with each name that loses its place
   */
  constructor(
    private readonly max: number,
    private readonly onForget: (name: string) => void,
  ) {}

  /**
   * The name under which an operation is counted: its own, or `other`.
   *
   * @param holder who sent it; empty: nobody in particular, who takes no place
   * @param now in ms
   */
  labelFor(name: string, holder: string, now: number): string {
    const place = this.#places.get(name);
    if (place !== undefined) {
      place.usedAt = now;
      return name;
    }
    if (holder === '' || !this.#makeRoom(holder, now)) return OTHER;
    this.#places.set(name, { holder, usedAt: now });
    this.#countByHolder.set(holder, (this.#countByHolder.get(holder) ?? 0) + 1);
    return name;
  }

  #makeRoom(holder: string, now: number): boolean {
    if (this.#places.size < this.max) return true;
    const [largest, most] = [...this.#countByHolder].reduce((a, b) => (b[1] > a[1] ? b : a));
    const own = this.#countByHolder.get(holder) ?? 0;
    // One more than own would only change places for ever.
    const name = this.#idlest(now - IDLE_MS) ?? (most > own + 1 ? this.#idlest(now, largest) : undefined);
    if (name === undefined) return false;
    this.#forget(name);
    return true;
  }

  /** The name that was used longest ago, at this time or before; of one holder, or of all. */
  #idlest(latest: number, holder?: string): string | undefined {
    let idlest: [name: string, Place] | undefined;
    for (const entry of this.#places) {
      const [, place] = entry;
      if (place.usedAt > latest || (holder !== undefined && place.holder !== holder)) continue;
      if (idlest === undefined || place.usedAt < idlest[1].usedAt) idlest = entry;
    }
    return idlest?.[0];
  }

  #forget(name: string): void {
    const { holder } = this.#places.get(name) ?? { holder: '' };
    this.#places.delete(name);
    const left = (this.#countByHolder.get(holder) ?? 0) - 1;
    if (left > 0) this.#countByHolder.set(holder, left);
    else this.#countByHolder.delete(holder);
    this.onForget(name);
  }
}
