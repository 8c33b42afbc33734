import sql, { join, raw, type Sql } from 'sql-template-tag';
import { timestampOf } from '../database/timestamp.js';
import type { JsonSql } from '../sql-json/json-sql.js';

/** The values of a position as SQL, null where the column is NULL. */
export type KeysetValues = readonly (Sql | null)[];

/** Direction of one column of an ordering. NULLs are last ascending and first descending. */
export type Direction = 'ASC' | 'DESC';

/** One column of an ordering. */
export interface KeysetColumn {
  /** What is compared, e.g. `g."externalGameId" COLLATE "C"`. */
  readonly expression: Sql;
  /** The same value as a string of JSON that loses nothing, or null: for cursors. */
  readonly json: JsonSql;
  readonly direction: Direction;
  readonly nullable: boolean;
  /** Type that a cursor's text is made again, e.g. `timestamptz`. */
  readonly type: 'text' | 'timestamptz' | 'uuid' | 'bigint';
}

/**
 * An ordering that leaves no two rows equal: its last column is unique and never NULL.
 *
 * PostgreSQL's own defaults (NULLS LAST ascending, NULLS FIRST descending) are the contract's, so a plain
 * index serves an ordering and its reverse.
 */
export type Ordering = readonly KeysetColumn[];

/** `ORDER BY` list of an ordering. */
export function orderBy(ordering: Ordering): Sql {
  return join(
    ordering.map((column) => sql`${column.expression} ${raw(column.direction)}`),
    ', ',
  );
}

/** The same ordering, read from its other end. */
export function reversed(ordering: Ordering): Ordering {
  return ordering.map((column) => ({
    ...column,
    direction: column.direction === 'ASC' ? 'DESC' : 'ASC',
  }));
}

/**
 * Conditions for "comes after this position": no row satisfies two of them, and together they are exactly
 * the rows after it (with `inclusive`, the position's own row too).
 *
 * They are returned apart, not joined by OR, because PostgreSQL walks an index from the right place for
 * each of them alone, while an OR makes it read everything from the beginning.
 */
export function after(ordering: Ordering, position: KeysetValues, inclusive = false): Sql[] {
  const conditions: Sql[] = [];
  const last = ordering.length - 1;
  for (let index = last; index >= 0; index--) {
    const column = at(ordering, index);
    const value = position[index] ?? null;
    const equal = ordering.slice(0, index).map((c, i) => isEqual(c, position[i] ?? null));
    for (const step of stepsAfter(column, value, index === last && inclusive)) {
      conditions.push(and([...equal, step]));
    }
  }
  return mergeTail(ordering, position, inclusive, conditions);
}

/** What lies after `value` in one column: nothing, one range, or a range and the NULLs behind it. */
function stepsAfter(column: KeysetColumn, value: Sql | null, inclusive: boolean): Sql[] {
  if (value === null) return column.direction === 'DESC' ? [sql`${column.expression} IS NOT NULL`] : [];
  const range = sql`${column.expression} ${operator(column, inclusive)} ${typed(column, value)}`;
  return column.direction === 'ASC' && column.nullable ? [range, sql`${column.expression} IS NULL`] : [range];
}

/**
 * Replaces the two conditions "same value, later id" and "later value" of the last two columns by one row
 * comparison, where both run in the same direction: one range of one index instead of two.
 */
function mergeTail(ordering: Ordering, position: KeysetValues, inclusive: boolean, conditions: Sql[]): Sql[] {
  const last = ordering.length - 1;
  if (last < 1) return conditions;
  const [column, id] = [at(ordering, last - 1), at(ordering, last)];
  const [value, idValue] = [position[last - 1] ?? null, position[last] ?? null];
  if (value === null || idValue === null || column.direction !== id.direction) return conditions;
  const equal = ordering.slice(0, last - 1).map((c, i) => isEqual(c, position[i] ?? null));
  const tail = sql`(${column.expression}, ${id.expression}) ${operator(id, inclusive)} (${typed(column, value)}, ${typed(id, idValue)})`;
  return [and([...equal, tail]), ...conditions.slice(2)];
}

function at(ordering: Ordering, index: number): KeysetColumn {
  const column = ordering[index];
  if (column === undefined) throw new RangeError('An ordering has at least one column.');
  return column;
}

function isEqual(column: KeysetColumn, value: Sql | null): Sql {
  return value === null
    ? sql`${column.expression} IS NULL`
    : sql`${column.expression} = ${typed(column, value)}`;
}

function operator(column: KeysetColumn, inclusive: boolean): Sql {
  return raw(`${column.direction === 'ASC' ? '>' : '<'}${inclusive ? '=' : ''}`);
}

/** The value of a column, made of the text that stands in a position. */
export function typed(column: KeysetColumn, value: Sql): Sql {
  return column.type === 'timestamptz' ? timestampOf(value) : sql`${value}::${raw(column.type)}`;
}

/** All of the conditions; TRUE when there is none. */
export function and(conditions: readonly Sql[]): Sql {
  return conditions.length === 0 ? sql`TRUE` : join(conditions, ' AND ');
}

/** Any of the conditions, in brackets; FALSE when there is none. */
export function or(conditions: readonly Sql[]): Sql {
  if (conditions.length === 0) return sql`FALSE`;
  return sql`(${join(
    conditions.map((c) => sql`(${c})`),
    ' OR ',
  )})`;
}
