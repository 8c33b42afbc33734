import type { Sql } from 'sql-template-tag';

/**
 * The place of a value in a compiled statement. The value is read from the bindings each time that the statement
 * runs, so one statement serves many requests.
 */
export class Placeholder<Bindings> {
  constructor(readonly valueIn: (bindings: Bindings) => unknown) {}
}

/** The value that objects are looked up by: an id, or several. */
export const LOOKUP_VALUE = new Placeholder<{ readonly lookupValue?: unknown }>(
  ({ lookupValue }) => lookupValue,
);

/** A compiled statement: its text, and its values, some of which are `Placeholder`s. */
export interface CompiledStatement extends Pick<Sql, 'text' | 'values'> {
  /** The answer itself, where it needs no database. */
  readonly constant?: string;
  /** The errors that stand in the answer: see `CompileContext.refuse`. */
  readonly errors: readonly Error[];
}

/**
 * The values of a statement for one run.
 *
 * @throws Error when the bindings lack a value
 */
export function bind({ values }: Pick<Sql, 'values'>, bindings: object): unknown[] {
  return values.map((value) => {
    if (!(value instanceof Placeholder)) return value;
    const bound = (value as Placeholder<object>).valueIn(bindings);
    if (bound === undefined) throw new Error('A parameter of a statement was given no value.');
    return bound;
  });
}
