import type { Caller } from '../auth/caller.js';
import type { Strategies } from '../strategies/strategies.js';
import type { Selection } from './selection.js';
import { errorMark, Written } from './written.js';

/** One reading: for whom something is read, and what of it is refused. */
export class Reader {
  readonly #errors: Error[] = [];

  constructor(
    /** Decides what may be seen. */
    readonly caller: Caller,
    /** Which strategies there are. */
    readonly strategies: Strategies,
  ) {}

  /** Refuses a part of what is read; answers the text that stands in its place. */
  refuse(error: Error): string {
    return errorMark(this.#errors.push(error) - 1);
  }

  /** What PostgreSQL wrote for this reading. */
  written(text: string, selection: Selection): Written {
    return new Written(text, selection, this.#errors);
  }
}
