/** What no attack may get out of the server, whatever it is answered. */
export const LIMITS = {
  /** Longest wait of `/health/live`, in ms. */
  liveMs: 250,
  /** Most resident memory of the server, in MB. */
  serverMb: 500,
  /** Most memory of all backends of PostgreSQL together, without what they share, in MB. */
  backendsMb: 300,
  /** Most bytes of an answer. */
  answerBytes: 10_000_000,
  /** Longest time of a request, in ms. */
  requestMs: 30_000,
} as const;

/** How many times longer another caller may wait, of a hundred requests the slowest but one, beside the loud one. */
export const NEIGHBOUR_FACTOR = 3;
/** Longest time in which a key that was never seen before must get in, in ms. */
export const FRESH_KEY_MS = 1_000;

/**
 * When an attack is cut off: it has won beyond doubt, and would take the machine from everybody else. What is shown
 * of it then is no more than was seen until then.
 */
export const HOPELESS = { liveMs: 8_000, serverMb: 3_000, backendsMb: 3_000, attackMs: 60_000 } as const;

/** A server that has more than this when an attack is over is started anew, so that the next one finds it as usual. */
export const TIDY = { serverMb: 220, backendsMb: 120 } as const;
