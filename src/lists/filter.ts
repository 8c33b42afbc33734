import sql, { type Sql } from 'sql-template-tag';
import { parseTimestamp } from '../database/timestamp.js';
import { isUuid } from '../database/uuid.js';
import { limitExceeded, type Problems } from '../errors.js';
import { and, or } from './keyset.js';
import { MAX_FILTER_DEPTH, MAX_FILTER_OPERATORS, MAX_FILTER_VALUES } from './list.rules.js';

/** Maximum number of operators of one filter that look for a text within texts, and of characters of such a text. */
const MAX_SEARCHES = 20;
const MAX_SEARCHED_LENGTH = 1_000;

/** A null operator or field counts as not given. */
type Optional<T> = T | null | undefined;

/** Operators on an id. */
export interface IdFilter {
  readonly eq?: Optional<string>;
  readonly ne?: Optional<string>;
  readonly in?: Optional<readonly string[]>;
  readonly notIn?: Optional<readonly string[]>;
  readonly isNull?: Optional<boolean>;
}

/** Operators on a text column. */
export interface StringFilter extends IdFilter {
  readonly startsWith?: Optional<string>;
  readonly contains?: Optional<string>;
  readonly containsInsensitive?: Optional<string>;
}

/** Operators on a timestamp; the values are RFC 3339 text. */
export interface TimestampFilter {
  readonly eq?: Optional<string>;
  readonly gt?: Optional<string>;
  readonly gte?: Optional<string>;
  readonly lt?: Optional<string>;
  readonly lte?: Optional<string>;
  readonly isNull?: Optional<boolean>;
}

/** A filter over named fields, with the three connectives. */
export type Filter<Fields extends string> = {
  readonly [Field in Fields]?: Optional<IdFilter | StringFilter | TimestampFilter>;
} & {
  readonly and?: Optional<readonly Filter<Fields>[]>;
  readonly or?: Optional<readonly Filter<Fields>[]>;
  readonly not?: Optional<Filter<Fields>>;
};

/** What a field of a filter is compared with. */
export interface FilterColumn {
  readonly column: Sql;
  readonly type: 'uuid' | 'text' | 'timestamptz';
}

/**
 * Turns a filter into a condition.
 *
 * Every field and operator given must hold; a null one counts as not given. The logic is two-valued: a
 * comparison with a NULL column is false, and `not: F` is exactly the complement of `F`. To that end a
 * negation is carried down to the operators, where it becomes `(…) IS NOT TRUE`; a plain comparison stays
 * plain, so that an index can serve it.
 *
 * Values that cannot be compared are added to `problems`, each with its path below `path`.
 *
 * @throws LIMIT_EXCEEDED when the filter has too many values, operators or levels
 */
export function filterCondition<Fields extends string>(
  filter: Optional<Filter<Fields>>,
  columns: Readonly<Record<Fields, FilterColumn>>,
  path: string,
  problems: Problems,
): Sql {
  const compiler = new FilterCompiler(columns, problems);
  return filter ? compiler.compile(filter, path, false, 1) : sql`TRUE`;
}

/** A filter in a form that is equal for equal filters: what its cursors belong to. */
export function canonicalFilter(filter: Optional<object>): string {
  return JSON.stringify(filter ?? {}, (_key, value: unknown) => (value === null ? undefined : value));
}

/**
 * A case-folded text: texts that differ in case only have the same. It is in capitals, but made lower case first, because
 * not every letter has a capital that says the same: `ẞ` and the sign for Kelvin are capitals already. Lower case alone
 * would not do: that of a sigma depends on what stands behind it, so a part of a text could have another than it has in
 * the text.
 *
 * ICU's root collation does so alike on every database; the database's own locale may not.
 */
function caseFolded(text: Sql): Sql {
  return sql`upper(lower(${text} COLLATE "und-x-icu") COLLATE "und-x-icu")`;
}

class FilterCompiler<Fields extends string> {
  #operators = 0;
  #searches = 0;
  #filters = 0;

  constructor(
    private readonly columns: Readonly<Record<Fields, FilterColumn>>,
    private readonly problems: Problems,
  ) {}

  compile(filter: Filter<Fields>, path: string, negate: boolean, depth: number): Sql {
    if (depth > MAX_FILTER_DEPTH) {
      throw limitExceeded(
        `${path}: and, or and not may be nested ${MAX_FILTER_DEPTH} levels deep at most; this is level ${depth}.`,
      );
    }
    // Before anything is built.
    const fields = (Object.keys(this.columns) as Fields[]).filter((field) => filter[field]);
    const connectives = [filter.and, filter.or, filter.not].filter(Boolean);
    this.#countOperators(fields.length + connectives.length, path);
    if (++this.#filters > MAX_FILTER_OPERATORS) {
      throw limitExceeded(
        `${path}: a filter may have at most ${MAX_FILTER_OPERATORS} conditions within and, or and not.`,
      );
    }
    const all = negate ? or : and;
    const any = negate ? and : or;
    const nested = (list: readonly Filter<Fields>[], name: string): Sql[] =>
      list.map((item, index) => this.compile(item, `${path}.${name}.${index}`, negate, depth + 1));
    const parts: Sql[] = [];
    if (filter.and) parts.push(all(nested(filter.and, 'and')));
    if (filter.or) parts.push(any(nested(filter.or, 'or')));
    if (filter.not) parts.push(this.compile(filter.not, `${path}.not`, !negate, depth + 1));
    for (const field of fields) {
      const operators = filter[field];
      if (!operators) continue;
      const fieldPath = `${path}.${field}`;
      parts.push(all(this.#compareAll(this.columns[field], operators, fieldPath, negate)));
    }
    return sql`(${all(parts)})`;
  }

  #compareAll(column: FilterColumn, operators: object, path: string, negate: boolean): Sql[] {
    const given = Object.entries(operators).filter(([, value]) => value !== null && value !== undefined);
    this.#countOperators(given.length, path);
    return given.map(([operator, value]) => {
      const negative =
        operator === 'ne' || operator === 'notIn' || (operator === 'isNull' && value === false);
      const condition = this.#compare(column, operator, value, `${path}.${operator}`);
      return negate === negative ? condition : sql`(${condition}) IS NOT TRUE`;
    });
  }

  /** One comparison in its positive form: `ne` as `eq`, `notIn` as `in`, `isNull: false` as `isNull`. */
  #compare({ column, type }: FilterColumn, operator: string, value: unknown, path: string): Sql {
    switch (operator) {
      case 'isNull':
        return sql`${column} IS NULL`;
      case 'in':
      case 'notIn':
        return this.#isIn(column, type, value as string[], path);
      case 'startsWith':
        return sql`starts_with(${column}, ${this.#searched(value, path)})`;
      case 'contains':
        return sql`strpos(${column}, ${this.#searched(value, path)}) > 0`;
      case 'containsInsensitive':
        return sql`strpos(${caseFolded(column)}, ${caseFolded(sql`${this.#searched(value, path)}::text`)}) > 0`;
      case 'gt':
        return sql`${column} > ${this.#timestamp(value, path)}`;
      case 'gte':
        return sql`${column} >= ${this.#timestamp(value, path)}`;
      case 'lt':
        return sql`${column} < ${this.#timestamp(value, path)}`;
      case 'lte':
        return sql`${column} <= ${this.#timestamp(value, path)}`;
      case 'eq':
      case 'ne':
        if (type === 'timestamptz') return sql`${column} = ${this.#timestamp(value, path)}`;
        if (type === 'uuid') return isUuid(value) ? sql`${column} = ${value}::uuid` : sql`FALSE`;
        return sql`${column} = ${value}`;
      default:
        throw new RangeError(`Unknown filter operator ${operator}`);
    }
  }

  #isIn(column: Sql, type: FilterColumn['type'], values: readonly string[], path: string): Sql {
    if (values.length > MAX_FILTER_VALUES) {
      throw limitExceeded(
        `${path}: at most ${MAX_FILTER_VALUES} values may be given; there are ${values.length}.`,
      );
    }
    return type === 'uuid'
      ? sql`${column} = ANY(${values.filter(isUuid)}::uuid[])`
      : sql`${column} = ANY(${values}::text[])`;
  }

  /** A text that is looked for. @throws LIMIT_EXCEEDED when it is too long, or one of too many */
  #searched(value: unknown, path: string): string {
    const text = String(value);
    if (text.length > MAX_SEARCHED_LENGTH) {
      throw limitExceeded(
        `${path}: a text that is looked for may have at most ${MAX_SEARCHED_LENGTH} characters; it has ${text.length}.`,
      );
    }
    if (++this.#searches > MAX_SEARCHES) {
      throw limitExceeded(`${path}: a filter may look for at most ${MAX_SEARCHES} texts.`);
    }
    return text;
  }

  #timestamp(value: unknown, path: string): Sql {
    const parsed = parseTimestamp(String(value));
    if ('utc' in parsed) return sql`${parsed.utc}::timestamptz`;
    this.problems.add(path, parsed.problem);
    return sql`NULL::timestamptz`;
  }

  #countOperators(count: number, path: string): void {
    this.#operators += count;
    if (this.#operators > MAX_FILTER_OPERATORS) {
      throw limitExceeded(
        `${path}: a filter may have ${MAX_FILTER_OPERATORS} operators at most; up to here there are ${this.#operators}.`,
      );
    }
  }
}
