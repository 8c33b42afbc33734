import sql, { type Sql } from 'sql-template-tag';
import type { Problems } from '../errors.js';
import { quoted, timestampText } from '../sql-json/json-sql.js';
import { textForCursor } from './cursor.js';
import type { Direction, KeysetColumn, Ordering } from './keyset.js';

/** A column that lists can be ordered by, in either direction. */
export type OrderColumn = Omit<KeysetColumn, 'direction'>;

/** One level of an ordering, as a client asks for it. */
export interface Order<Field extends string> {
  readonly field: Field;
  readonly direction: Direction;
}

/** A nullable timestamp. */
export function timestampColumn(column: Sql): OrderColumn {
  return { expression: column, json: timestampText(column), type: 'timestamptz', nullable: true };
}

/** A nullable text, ordered by code point: the same on every database. */
export function textColumn(column: Sql): OrderColumn {
  return {
    expression: sql`${column} COLLATE "C"`,
    json: textForCursor(column),
    type: 'text',
    nullable: true,
  };
}

/** A unique id that is never NULL. */
export function idColumn(column: Sql): OrderColumn {
  return { expression: column, json: quoted(column), type: 'uuid', nullable: false };
}

/**
 * The orders that apply: those given, or else the default. A field that is given twice is a problem.
 */
export function effectiveOrder<Field extends string>(
  orders: readonly Order<Field>[] | null | undefined,
  fallback: readonly Order<Field>[],
  problems: Problems,
): readonly Order<Field>[] {
  if (!orders || orders.length === 0) return fallback;
  const seen = new Set<string>();
  orders.forEach(({ field }, index) => {
    if (seen.has(field))
      problems.add(`orderBy.${index}.field`, `${field} is given twice; give each field once.`);
    seen.add(field);
  });
  return orders.map(({ field, direction }) => ({ field, direction }));
}

/**
 * The ordering of the orders, made total by an id. The id runs in the direction of the last column, so that
 * one index serves both.
 */
export function totalOrdering<Field extends string>(
  orders: readonly Order<Field>[],
  columns: Readonly<Record<Field, OrderColumn>>,
  id: OrderColumn,
): Ordering {
  return [
    ...orders.map(({ field, direction }) => ({ ...columns[field], direction })),
    { ...id, direction: orders.at(-1)?.direction ?? 'ASC' },
  ];
}
