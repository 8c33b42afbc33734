import type { Caller } from '../auth/caller.js';
import type { Position } from '../paging/cursor.js';

/** What a statement is given each time that it is run. */
export interface Given {
  readonly caller: Caller;
  /** By what something is looked up: an id, or several. */
  readonly key?: unknown;
  /** The window of a page. */
  readonly after?: Position | null;
  readonly before?: Position | null;
}

/** A value in a statement that is filled in when it is run, so that a statement that was made once serves all. */
export class Slot {
  constructor(private readonly find: (given: Given) => unknown) {}

  /** A slot in the place of a value of this type, which no one looks at before the statement is run. */
  static for<Value>(find: (given: Given) => Value): Value {
    return new Slot(find) as unknown as Value;
  }

  /** The values of a statement, filled in. */
  static fill(values: readonly unknown[], given: Given): unknown[] {
    return values.map((value) => (value instanceof Slot ? value.find(given) : value));
  }
}

/** The key that something is looked up by. */
export const KEY = new Slot(({ key }) => key);
