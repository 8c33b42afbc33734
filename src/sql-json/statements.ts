import type { SqlEntityManager } from '@mikro-orm/postgresql';
import sql, { type Sql } from 'sql-template-tag';
import { query } from '../database/query.js';
import { withTimestamps } from '../database/timestamp.js';
import { Reader, type Given } from './compile-context.js';
import { limitExceeded } from '../errors.js';
import type { Selection } from './selection.js';
import { written, type Shape } from './json-sql.js';
import { Slot } from './params.js';
import { Written } from './encoded-json.js';

/** Most statements that are kept of one selection: of an operation whose variables shape them. */
const MAX_KEPT = 10;

/** Objects that are looked up: their shape, and where they are, after FROM; `id` is the column of their ids. */
export interface Lookup {
  readonly id: Sql;
  readonly shape: Shape;
  readonly from: Sql;
}

/** Most characters of a statement that is kept. */
const MAX_KEPT_LENGTH = 50_000;
/** Most values of a statement: PostgreSQL counts them in 16 bits. */
const MAX_VALUES = 65_535;

/** A statement with its slots, or the answer itself where none is needed. */
interface Statement {
  readonly text: string;
  readonly values: readonly unknown[];
  readonly constant?: string;
  readonly errors: readonly Error[];
}

/**
 * Reads for the repositories: makes a statement for what is asked, runs it, and hands out what PostgreSQL wrote.
 *
 * Making a statement takes longer than running it. So it is kept with the selection that it was made for, as long
 * as that is kept with its document; whatever differs between two requests that share it is a slot, or in its key.
 */
export class Statements {
  readonly #kept = new WeakMap<Selection, Map<string, Statement>>();

  constructor(private readonly strategies: Reader['strategies']) {}

  /**
   * Reads something of which there is one, in one statement; in none where the shape is constant.
   *
   * @param key names all that `make` depends on beside the kind of the caller and the selection; null: too much
   * @param make the shape, which must not depend on what is given
   */
  async one(
    em: SqlEntityManager,
    selection: Selection,
    given: Given,
    key: string | null,
    make: (reader: Reader) => Shape,
  ): Promise<Written> {
    const statement = this.#statement(given.caller, selection, key, (reader) => {
      const shape = make(reader);
      return shape.every((piece) => typeof piece === 'string')
        ? { text: '', values: [], constant: shape.join(''), errors: reader.errors }
        : made(sql`SELECT ${written(shape)} AS json`, reader);
    });
    if (statement.constant !== undefined) return new Written(statement.constant, selection, statement.errors);
    const [row] = await run<{ json: string }>(em, statement, given);
    return new Written(withTimestamps(row?.json ?? 'null'), selection, statement.errors);
  }

  /** Reads objects, in one statement, as `one` does; answers them by their ids, in the order they came. */
  async many(
    em: SqlEntityManager,
    selection: Selection,
    given: Given,
    key: string | null,
    make: (reader: Reader) => Lookup,
  ): Promise<Map<string, Written>> {
    const statement = this.#statement(given.caller, selection, key, (reader) => {
      const { id, shape, from } = make(reader);
      return made(sql`SELECT ${id} AS id, ${written(shape)} AS json FROM ${from}`, reader);
    });
    const rows = await run<{ id: string; json: string }>(em, statement, given);
    return new Map(
      rows.map(({ id, json }) => [id, new Written(withTimestamps(json), selection, statement.errors)]),
    );
  }

  #statement(
    caller: Given['caller'],
    selection: Selection,
    key: string | null,
    make: (reader: Reader) => Statement,
  ): Statement {
    const fullKey = `${caller.kind} ${key}`;
    const kept = this.#kept.get(selection);
    const known = key === null ? undefined : kept?.get(fullKey);
    if (known !== undefined) return known;
    const reader = new Reader(caller, this.strategies);
    const statement = make(reader);
    const isKept = selection.isConstant && reader.isForAll && statement.text.length <= MAX_KEPT_LENGTH;
    if (key !== null && isKept) {
      const statements = kept ?? new Map<string, Statement>();
      if (statements.size < MAX_KEPT) this.#kept.set(selection, statements.set(fullKey, statement));
    }
    return statement;
  }
}

/** @throws LIMIT_EXCEEDED */
function made({ text, values }: Sql, { errors }: Reader): Statement {
  if (values.length > MAX_VALUES) {
    throw limitExceeded(
      `The filters of an operation may hold ${MAX_VALUES} values at most, repeated ones included.`,
    );
  }
  return { text, values, errors };
}

function run<Row extends object>(
  em: SqlEntityManager,
  { text, values }: Statement,
  given: Given,
): Promise<Row[]> {
  return query<Row>(em, { text, values: Slot.fill(values, given) });
}
