import { limitExceeded } from '../../errors.js';

/** Maximum number of ids that one call may ask for. */
export const MAX_IDS = 1_000;
/** The same in words. */
export const MOST_IDS = `${MAX_IDS.toLocaleString('en')} at most`;

/** @throws LIMIT_EXCEEDED when more ids are given than one call may ask for */
export function checkIdCount(argument: string, ids: readonly unknown[]): void {
  if (ids.length > MAX_IDS) {
    throw limitExceeded(`${argument}: at most ${MAX_IDS} ids may be given; there are ${ids.length}.`);
  }
}
