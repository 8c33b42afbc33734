import type { Caller } from '../auth/caller.js';
import type { Strategies } from '../strategies/strategies.js';

/** For whom something is read: what the caller may see, and which strategies there are. */
export interface Reader {
  readonly caller: Caller;
  readonly strategies: Strategies;
}
