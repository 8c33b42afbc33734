import { GraphQLError } from 'graphql';
import sql, { join, raw, type Sql } from 'sql-template-tag';
import { TIMESTAMP_MARK, timestampJson } from '../database/timestamp.js';
import { limitExceeded } from '../errors.js';
import type { Reader } from './compile-context.js';
import type { Field, Selection } from './selection.js';

/**
 * How PostgreSQL writes something as JSON text: constant text, and SQL expressions that yield text and never NULL,
 * which would leave nothing of what stands around it. Shapes nest, so that whatever an operation asks for is one
 * expression of one statement.
 */
export type Shape = readonly (string | Sql)[];

/** The shape of what is asked for with these arguments. @throws GraphQLError to refuse the arguments */
export type ShapeMaker = (args: never, selection: Selection) => Shape;

/** A nullable text, or anything else that PostgreSQL's own JSON is good for. */
export const text = (expression: Sql): Shape => [sql`coalesce(to_json(${expression})::text, 'null')`];

/** What is never NULL, and has no character that JSON escapes: an id, a hash. */
export const token = (expression: Sql): Shape => ['"', expression, '"'];

/** A number that is never NULL. */
export const number = (expression: Sql): Shape => [expression];

/** A nullable text or value that has no character that JSON escapes. */
export const quoted = (expression: Sql): Shape => [sql`coalesce('"' || ${expression} || '"', 'null')`];

export const boolean = (expression: Sql): Shape => [sql`(${expression})::text`];

/** A nullable `timestamptz`. */
export const timestamp = (column: Sql): Shape => [TIMESTAMP_MARK, timestampJson(column)];

/** The expression that yields a shape's text. */
export function written(shape: Shape): Sql {
  const texts: Sql[] = [];
  let constant = '';
  const flush = (): void => {
    if (constant !== '') texts.push(raw(literal(constant)));
    constant = '';
  };
  for (const piece of shape) {
    if (typeof piece === 'string') constant += piece;
    else {
      flush();
      texts.push(sql`(${piece})::text`);
    }
  }
  flush();
  return concatenated(texts);
}

/** Most texts that are concatenated one after the other: each copies what stands before it, and nests deeper. */
const MAX_CONCATENATED = 50;

/** By `||`, which costs PostgreSQL less than `concat()`: that converts each argument on its own. */
function concatenated(texts: readonly Sql[]): Sql {
  if (texts.length <= MAX_CONCATENATED) return sql`(${join(texts, '||')})`;
  const parts: Sql[] = [];
  for (let start = 0; start < texts.length; start += MAX_CONCATENATED) {
    parts.push(concatenated(texts.slice(start, start + MAX_CONCATENATED)));
  }
  return concatenated(parts);
}

/** A constant of SQL. Backslashes mean nothing there. */
function literal(constant: string): string {
  return `'${constant.replaceAll("'", "''")}'`;
}

/** Most fields of one object that are not plain: each is a query of its own in the statement. */
const MAX_PARTS = 100;

/**
 * The shape of an object as it is asked for.
 *
 * @param fields shapes of plain fields by name, and makers of the others; a maker that refuses its arguments puts
 *   an error in the place of its field
 * @throws LIMIT_EXCEEDED when too many fields are asked for
 */
export function objectShape(
  reader: Reader,
  selection: Selection,
  fields: Readonly<Record<string, Shape | ShapeMaker>>,
): Shape {
  const shape: (string | Sql)[] = ['{'];
  let parts = 0;
  for (const [key, field] of selection.fields) {
    shape.push(`${shape.length > 1 ? ',' : ''}"${key}":`);
    if (selection.isSplit) shape.push(...objectShape(reader, field.selection, fields));
    else if (field.name === '__typename') shape.push(`"${selection.typeName}"`);
    else {
      const known = fields[field.name];
      if (known === undefined)
        throw new Error(`${selection.typeName}.${field.name} is not read by any shape.`);
      if (typeof known !== 'function') shape.push(...known);
      else if (++parts <= MAX_PARTS) shape.push(...partShape(reader, field, known));
      else
        throw limitExceeded(
          `At most ${MAX_PARTS} lists, objects and computed fields may be asked for of one object.`,
        );
    }
  }
  shape.push('}');
  return shape;
}

function partShape(reader: Reader, { args, refusal, selection }: Field, make: ShapeMaker): Shape {
  if (refusal) return [reader.refuse(refusal)];
  try {
    return make(args as never, selection);
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    return [reader.refuse(error)];
  }
}

/** All rows of a subquery that selects one text `item`. */
export function listShape(subquery: Sql): Shape {
  return ['[', sql`coalesce((SELECT string_agg(listed.item, ',') FROM (${subquery}) listed), '')`, ']'];
}

/** One row, or null, of a subquery that selects one text. */
export function optionalShape(subquery: Sql): Shape {
  return [sql`coalesce((${subquery}), 'null')`];
}
