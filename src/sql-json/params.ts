import sql from 'sql-template-tag';
import type { Given } from './compile-context.js';

/** A value in a statement that is filled in when it is run, so that a statement that was made once serves all. */
export class Slot {
  constructor(private readonly find: (given: Given) => unknown) {}

  /** A slot in the place of a value of this type, which no one looks at before the statement is run. */
  static for<Value>(find: (given: Given) => Value): Value {
    return new Slot(find) as unknown as Value;
  }

  /**
   * As `for`, hidden from the planner. It would otherwise look at each value, find that the longer a list is the less
   * a row of it costs, and plan the statement anew each time, which takes longer than to run it.
   */
  static hidden<Value>(find: (given: Given) => Value): Value {
    return sql`(SELECT ${new Slot(find)})` as unknown as Value;
  }

  /** The values of a statement, filled in. */
  static fill(values: readonly unknown[], given: Given): unknown[] {
    return values.map((value) => (value instanceof Slot ? value.find(given) : value));
  }
}

/** The key that something is looked up by. */
export const KEY = new Slot(({ key }) => key);
