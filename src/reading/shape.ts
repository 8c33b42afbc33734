import { GraphQLError } from 'graphql';
import sql, { join, type Sql } from 'sql-template-tag';
import { limitExceeded } from '../errors.js';
import type { Selection } from './selection.js';

/**
 * How something is read: an SQL expression that yields it as JSON, and how that JSON becomes a value.
 * Shapes nest, so that whatever an operation asks for is one expression of one statement.
 */
export interface Shape<Value> {
  readonly sql: Sql;
  read(json: unknown): Value;
}

/** A shape of a plain value: text, number, boolean or null. */
export function scalar<Value extends string | number | boolean | null>(expression: Sql): Shape<Value> {
  return { sql: expression, read: (json) => json as Value };
}

/**
 * An object as it was asked for: its plain fields by name, and the others by the key under which they were asked
 * for, which is the name where there are no arguments.
 */
export type Selected<Columns> = Partial<Columns> & { readonly id: string };

/** `json_build_array` takes 100 arguments. */
const MAX_ENTRIES = 100;

/**
 * The shape of an object: of its columns those that are selected (`id` always), and its parts.
 *
 * @param columns expression by field name
 * @param parts shape by part key
 * @throws LIMIT_EXCEEDED when the object has more fields than one JSON array can be built of
 */
export function objectShape<Columns extends object>(
  columns: Readonly<Record<keyof Columns & string, Sql>>,
  selection: Selection,
  parts: Readonly<Record<string, Shape<unknown>>> = {},
): Shape<Selected<Columns>> {
  const names = (Object.keys(columns) as (keyof Columns & string)[]).filter(
    (name) => name === 'id' || selection.has(name),
  );
  const keyed = Object.entries(parts);
  if (names.length + keyed.length > MAX_ENTRIES) {
    throw limitExceeded(`At most ${MAX_ENTRIES} fields may be asked for of one object.`);
  }
  const expressions = [...names.map((name) => columns[name]), ...keyed.map(([, shape]) => shape.sql)];
  return {
    sql: sql`json_build_array(${join(expressions, ', ')})`,
    read: (json) => {
      const values = json as readonly unknown[];
      const object: Record<string, unknown> = {};
      names.forEach((name, index) => {
        object[name] = values[index];
      });
      keyed.forEach(([key, shape], index) => {
        object[key] = shape.read(values[names.length + index]);
      });
      return object as Selected<Columns>;
    },
  };
}

/** All rows of a subquery that selects one column `o` made by `item`. */
export function listShape<Item>(item: Shape<Item>, subquery: Sql): Shape<Item[]> {
  return {
    sql: sql`(SELECT coalesce(json_agg(r.o), '[]') FROM (${subquery}) r)`,
    read: (json) => (json as unknown[]).map((value) => item.read(value)),
  };
}

/** One row, or null, of a subquery that selects one column made by `item`. */
export function optionalShape<Item>(item: Shape<Item>, subquery: Sql): Shape<Item | null> {
  return { sql: sql`(${subquery})`, read: (json) => (json === null ? null : item.read(json)) };
}

/**
 * The shapes of all parts of some names, by their keys. An argument that is refused becomes the value of its
 * own part: GraphQL reports an Error that a field answers with at the place of that field.
 */
export function partShapes(
  selection: Selection,
  makers: Readonly<Record<string, (args: never, selection: Selection) => Shape<unknown>>>,
): Record<string, Shape<unknown>> {
  return Object.fromEntries(
    Object.entries(makers).flatMap(([name, make]) =>
      selection
        .parts(name)
        .map((part) => [part.key, orError(() => make(part.args as never, part.selection))]),
    ),
  );
}

function orError(make: () => Shape<unknown>): Shape<unknown> {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    return { sql: sql`NULL`, read: () => error };
  }
}
