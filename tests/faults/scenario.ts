/** One figure that a scenario measured, and what it must be. */
export interface Figure {
  /** What was measured, with the unit. */
  readonly what: string;
  readonly value: number;
  /** What it must be, as a person reads it: `0`, `<= 100`. */
  readonly limit: string;
  readonly isOk: boolean;
}

/** Faults or load on real parts, that the server must stand. It starts what it needs, and ends it. */
export interface Scenario {
  /** What `--only` calls it. */
  readonly name: string;
  /** What is done to the server, in one line. */
  readonly title: string;
  readonly run: (say: (text: string) => void) => Promise<readonly Figure[]>;
}

/** A figure that must be exactly this. */
export const exactly = (what: string, value: number, wanted: number): Figure => ({
  what,
  value,
  limit: String(wanted),
  isOk: value === wanted,
});

/** A figure that may be this at most. */
export const atMost = (what: string, value: number, most: number): Figure => ({
  what,
  value,
  limit: `<= ${most}`,
  isOk: value <= most,
});

/** A figure that must be this at least. */
export const atLeast = (what: string, value: number, least: number): Figure => ({
  what,
  value,
  limit: `>= ${least}`,
  isOk: value >= least,
});
