import { GraphQLError } from 'graphql';
import sql, { join, raw, type Sql } from 'sql-template-tag';
import { TIMESTAMP_MARK, timestampJson } from '../database/timestamp.js';
import { limitExceeded, TOO_LONG_MARK } from '../errors.js';
import type { CompileContext } from './compile-context.js';
import type { Field, Selection } from './selection.js';

/**
 * How PostgreSQL writes something as JSON text: constant text, and SQL expressions that yield text. No expression may
 * be NULL, because `||` would then yield NULL for the whole. JSON nests, so whatever an operation asks for is one
 * expression of one statement: `['{"id":"', g.id, '"}']` becomes `'{"id":"' || (g.id)::text || '"}'`.
 */
export type JsonSql = readonly (string | Sql)[];

/** Compiles a field with its arguments and what is asked for below it. @throws GraphQLError to refuse the arguments */
export type FieldJson = (args: never, selection: Selection) => JsonSql;

/** The columns of texts, which may have any length. */
const textColumns = new WeakMap<JsonSql, Sql>();

/** A nullable text, or anything else that PostgreSQL's own JSON is good for. */
export function text(expression: Sql): JsonSql {
  const json = [sql`coalesce(to_json(${expression})::text, 'null')`];
  textColumns.set(json, expression);
  return json;
}

/** What is never NULL, and has no character that JSON escapes: an id, a hash. */
export const token = (expression: Sql): JsonSql => ['"', expression, '"'];

/** A number that is never NULL. */
export const number = (expression: Sql): JsonSql => [expression];

/** A nullable text or value that has no character that JSON escapes. */
export const quoted = (expression: Sql): JsonSql => [sql`coalesce('"' || ${expression} || '"', 'null')`];

export const boolean = (expression: Sql): JsonSql => [sql`(${expression})::text`];

/** A nullable `timestamptz`, as clients are shown it. */
export const timestamp = (column: Sql): JsonSql => [TIMESTAMP_MARK, timestampJson(column)];

/** A nullable `timestamptz`, as PostgreSQL can read it again. */
export const timestampText = (column: Sql): JsonSql => [timestampJson(column)];

/** The SQL expression that yields this JSON as text. */
export function toSql(json: JsonSql): Sql {
  const texts: Sql[] = [];
  let constant = '';
  const flush = (): void => {
    if (constant !== '') texts.push(raw(literal(constant)));
    constant = '';
  };
  for (const piece of json) {
    if (typeof piece === 'string') constant += piece;
    else {
      flush();
      texts.push(sql`(${piece})::text`);
    }
  }
  flush();
  return concatenated(texts);
}

/** Texts that are concatenated one after the other. */
const CHAIN_LENGTH = 8;

/**
 * Concatenates by `||`, which costs PostgreSQL less than `concat()`: that converts each argument on its own. Each `||`
 * copies what stands to its left, so more than a few texts are concatenated in halves.
 */
function concatenated(texts: readonly Sql[]): Sql {
  if (texts.length <= CHAIN_LENGTH) return sql`(${join(texts, '||')})`;
  const middle = texts.length >> 1;
  return sql`(${concatenated(texts.slice(0, middle))}||${concatenated(texts.slice(middle))})`;
}

/** A constant of SQL. Backslashes mean nothing there. */
function literal(constant: string): string {
  return `'${constant.replaceAll("'", "''")}'`;
}

/** Maximum number of fields of one object that are not plain columns: most of them are a subquery. */
const MAX_COMPUTED_FIELDS = 100;

/**
 * An object with the fields that are asked for.
 *
 * @param fields what each field is compiled to: JSON, or a function of its arguments. Where that refuses the
 *   arguments, an error stands in the place of the field
 * @throws LIMIT_EXCEEDED when too many fields are asked for
 */
export function objectJson(
  context: CompileContext,
  selection: Selection,
  fields: Readonly<Record<string, JsonSql | FieldJson>>,
): JsonSql {
  const json: (string | Sql)[] = ['{'];
  /** How often each text is asked for. */
  const texts = new Map<Sql, number>();
  let computed = 0;
  for (const [responseName, field] of selection.fields) {
    json.push(`${json.length > 1 ? ',' : ''}"${responseName}":`);
    if (selection.isSplit) json.push(...objectJson(context, field.selection, fields));
    else if (field.name === '__typename') json.push(`"${selection.typeName}"`);
    else {
      const known = fields[field.name];
      if (known === undefined) throw new Error(`${selection.typeName}.${field.name} has no JSON.`);
      if (typeof known !== 'function') {
        json.push(...known);
        const column = textColumns.get(known);
        if (column) texts.set(column, (texts.get(column) ?? 0) + 1);
      } else if (++computed <= MAX_COMPUTED_FIELDS) json.push(...computedJson(context, field, known));
      else
        throw limitExceeded(
          `At most ${MAX_COMPUTED_FIELDS} lists, objects and computed fields may be asked for of one object.`,
        );
    }
  }
  json.push('}');
  if ([...texts.values()].reduce((sum, times) => sum + times, 0) <= FEW_TEXTS) return json;
  // Looked at before the texts are put together: to know how long they are they need not be read.
  const lengths = Array.from(
    texts,
    ([column, times]) => sql`coalesce(octet_length(${column}::text), 0)::bigint * ${raw(String(times))}`,
  );
  const length = join(lengths, ' + ');
  return [
    sql`CASE WHEN ${length} > ${raw(String(context.maxBytes))} THEN ${failureSql(sql`${length}`)} ELSE ${toSql(json)} END`,
  ];
}

/** The length of an object is checked only with more texts than this, that of each list item only with more fields. */
const FEW_TEXTS = 4;

function computedJson(
  context: CompileContext,
  { args, argumentError, selection }: Field,
  compile: FieldJson,
): JsonSql {
  if (argumentError) return [context.refuse(argumentError)];
  try {
    return compile(args as never, selection);
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    return [context.refuse(error)];
  }
}

/** All rows of a subquery that selects one text `item`. */
export function listJson({ maxBytes }: CompileContext, selection: Selection, subquery: Sql): JsonSql {
  // Many texts of each item: bounded one item after the other, because all items are in memory before they are joined.
  const items =
    selection.fields.size <= FEW_TEXTS
      ? subquery
      : sql`SELECT CASE WHEN sum(octet_length(every.item)) OVER (ROWS UNBOUNDED PRECEDING) > ${raw(String(maxBytes))}
          THEN ${failureSql(sql`octet_length(every.item)`)} ELSE every.item END AS item FROM (${subquery}) every`;
  const all = boundedSql(sql`string_agg(listed.item, ',')`, maxBytes);
  return ['[', sql`coalesce((SELECT ${all} FROM (${items}) listed), '')`, ']'];
}

/**
 * An expression of type text that makes the statement fail: see `isTooLong`.
 *
 * @param anyNumber stands in what is cast, so that PostgreSQL does not cast it while it plans
 */
function failureSql(anyNumber: Sql): Sql {
  return sql`(${raw(literal(TOO_LONG_MARK))} || left((${anyNumber})::text, 0))::int::text`;
}

/**
 * A text of at most so many bytes: a longer one makes the statement fail, see `isTooLong`. The length of a text is
 * known without reading it.
 *
 * @param value a column or an aggregate, which PostgreSQL computes once however often it stands there
 */
export function boundedSql(value: Sql, maxBytes: number): Sql {
  const length = sql`octet_length(${value})`;
  return sql`CASE WHEN ${length} > ${raw(String(maxBytes))} THEN ${failureSql(length)} ELSE ${value} END`;
}

/** One row, or null, of a subquery that selects one text. */
export function optionalJson(subquery: Sql): JsonSql {
  return [sql`coalesce((${subquery}), 'null')`];
}
