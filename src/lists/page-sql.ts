import sql, { empty, join, raw, type Sql } from 'sql-template-tag';
import { badUserInput, limitExceeded } from '../errors.js';
import type { CompileContext } from '../sql-json/compile-context.js';
import {
  boolean,
  boundedSql,
  number,
  objectJson,
  quoted,
  text,
  token,
  toSql,
  type FieldJson,
  type JsonSql,
} from '../sql-json/json-sql.js';
import type { Selection } from '../sql-json/selection.js';
import { cursorSql } from './cursor.js';
import { after, and, or, orderBy, reversed, type Ordering, type KeysetValues } from './keyset.js';
import { BAD_CURSOR, LOST_CURSOR, type PageWindow } from './page-arguments.js';

/** What is asked for of the rows of a connection, as `nodes` or in its `edges`: each way apart. */
export function nodeSelections(connection: Selection): Selection[] {
  const edges = connection.all('edges').flatMap(({ selection }) => selection.all('node'));
  return [...connection.all('nodes'), ...edges].map(({ selection }) => selection);
}

/** The column of a row's position in the list, as a JSON array. */
const POSITION = raw('item.position');

/** Where the rows of a list are. */
export interface ListSql {
  /** The table with its alias, and what is joined to it. */
  readonly table: Sql;
  /** The unique id of a row, the last column of the ordering. */
  readonly id: Sql;
  /** Who may see what: conditions of which one must hold. None: nothing is visible. */
  readonly visibility: readonly Sql[];
  /** What else must hold. */
  readonly filter: readonly Sql[];
  readonly ordering: Ordering;
  /** Id of the object that the list belongs to; null for a list of its own. */
  readonly parentId: Sql | null;
}

/** The window of a page, its positions as SQL. */
export interface PageWindowSql<At = CursorPosition> extends Pick<PageWindow, 'fromEnd' | 'limit'> {
  readonly after: At | null;
  readonly before: At | null;
}

/** A position that a client gave. */
export interface CursorPosition {
  readonly values: KeysetValues;
  /** Its long texts, read again from their rows; each must be found. */
  readonly longTextReads: readonly Sql[];
}

/**
 * The JSON of one page of a list, with the fields of a Relay connection: its rows, and of its count, page flags and
 * cursors what is asked for.
 *
 * Of the page flags, the one on the side that the page is read towards is known by reading one row more.
 * The other needs a look at the list beyond the cursor that was given: everything up to that cursor, its
 * own row included, lies before the page.
 *
 * @param fingerprint what its cursors belong to: see `listFingerprint`
 * @param row compiles a row
 */
export function pageJson(
  context: CompileContext,
  list: ListSql,
  window: PageWindowSql,
  fingerprint: Sql,
  connection: Selection,
  row: (selection: Selection) => JsonSql,
): JsonSql {
  if (list.visibility.length === 0) return emptyPageJson(context, connection);
  const windowInList = {
    ...window,
    after: withoutParentId(list, window.after?.values ?? null),
    before: withoutParentId(list, window.before?.values ?? null),
  };
  const rows = new Rows(list, windowInList, context.maxBytes);
  const cursor = (position: Sql): Sql => cursorSql(fingerprint, position);
  const backward = reversed(list.ordering);
  const anyBefore = windowInList.after ? existsSql(list, backward, windowInList.after) : sql`FALSE`;
  const anyAfter = windowInList.before ? existsSql(list, list.ordering, windowInList.before) : sql`FALSE`;
  const pageInfo: Record<string, FieldJson> = {
    hasNextPage: () => boolean(window.fromEnd ? anyAfter : rows.orMore(anyAfter)),
    hasPreviousPage: () => boolean(window.fromEnd ? rows.orMore(anyBefore) : anyBefore),
    startCursor: () => quoted(cursor(rows.position('first'))),
    endCursor: () => quoted(cursor(rows.position('last'))),
  };
  const edge: Record<string, FieldJson> = {
    node: (_args, node) => [rows.column(row(node), node)],
    cursor: () => token(cursor(rows.rowPosition())),
  };
  const page = objectJson(context, connection, {
    nodes: (_args, node) => rows.joined([rows.column(row(node), node)]),
    edges: (_args, selection) => rows.joined(objectJson(context, selection, edge)),
    pageInfo: (_args, selection) => objectJson(context, selection, pageInfo),
    totalCount: () => number(countSql(list)),
  });
  return (['after', 'before'] as const).reduce<JsonSql>((json, name) => {
    const position = window[name];
    if (position === null) return json;
    const unless = (condition: Sql, message: string, otherwise: JsonSql): JsonSql => {
      const refused = [context.refuse(badUserInput([{ argument: name, message }]))];
      return [sql`CASE WHEN ${condition} THEN ${toSql(otherwise)} ELSE ${toSql(refused)} END`];
    };
    const found = position.longTextReads.map((read) => sql`${read} IS NOT NULL`);
    const checked = found.length === 0 ? json : unless(and(found), LOST_CURSOR, json);
    const [parentOfCursor] = position.values;
    if (!parentOfCursor || list.parentId === null) return checked;
    return unless(sql`${list.parentId}::text IS NOT DISTINCT FROM ${parentOfCursor}`, BAD_CURSOR, checked);
  }, rows.read(page));
}

/** The JSON of a page of nothing, which needs no database. */
function emptyPageJson(context: CompileContext, connection: Selection): JsonSql {
  const pageInfo = {
    hasNextPage: ['false'],
    hasPreviousPage: ['false'],
    startCursor: ['null'],
    endCursor: ['null'],
  };
  return objectJson(context, connection, {
    nodes: ['[]'],
    edges: ['[]'],
    pageInfo: (_args, selection) => objectJson(context, selection, pageInfo),
    totalCount: ['0'],
  });
}

/** Maximum number of texts that are made of the rows of one page; PostgreSQL has 1,664 columns at most. */
const MAX_TEXTS = 1_000;

/**
 * One row of a page may take so many times its equal share of the longest answer. So all rows of a page take at most
 * five times the longest answer in the database's memory.
 */
const ROW_SHARE = 5;

/** Adds a text; returns its number. @throws LIMIT_EXCEEDED when there are too many */
function addText<Text>(texts: Text[], next: Text): number {
  if (texts.length === MAX_TEXTS) {
    throw limitExceeded(`The rows of one page may be asked for in ${MAX_TEXTS} ways at most.`);
  }
  return texts.push(next) - 1;
}

/** The rows of one page, of which is read what was asked for. */
class Rows {
  /** Texts made of each row: the columns `item.c0`, … */
  readonly #columns: Sql[] = [];
  /** What is made of all rows: the columns `page.l0`, … */
  readonly #joined: ((shown: Sql) => Sql)[] = [];
  #wantsPosition = false;
  #wantsMore = false;

  constructor(
    private readonly list: ListSql,
    private readonly window: PageWindowSql<KeysetValues>,
    private readonly maxBytes: number,
  ) {}

  /** A text made of each row, as it is asked for. */
  column(json: JsonSql, selection: Selection): Sql {
    const column = raw(`item.c${addText(this.#columns, toSql(json))}`);
    const isPlain = [...selection.fields.values()].every(({ selection: below }) => below.fields.size === 0);
    if (isPlain) return column;
    // Bounded one by one, because the rows are all in memory before their sum is known.
    const share = Math.ceil((this.maxBytes * ROW_SHARE) / this.window.limit);
    return boundedSql(column, Math.min(share, this.maxBytes));
  }

  /** The position of each row. */
  rowPosition(): Sql {
    this.#wantsPosition = true;
    return POSITION;
  }

  /** A list of what this JSON is for each row. */
  joined(json: JsonSql): JsonSql {
    const joined = (shown: Sql): Sql => sql`string_agg(${toSql(json)}, ','${this.#order()})${shown}`;
    const all = boundedSql(raw(`page.l${addText(this.#joined, joined)}`), this.maxBytes);
    return ['[', sql`coalesce(${all}, '')`, ']'];
  }

  /** The position of the first or last row of the page, whichever way it is read; NULL when there is none. */
  position(end: 'first' | 'last'): Sql {
    const column = this.rowPosition();
    const position = (shown: Sql): Sql => sql`array_agg(${column}${this.#order()})${shown}`;
    const positions = `page.l${addText(this.#joined, position)}`;
    return raw(end === 'first' ? `${positions}[1]` : `${positions}[cardinality(${positions})]`);
  }

  /** Whether there are more rows in the direction of reading, or else this. */
  orMore(condition: Sql): Sql {
    this.#wantsMore = true;
    return sql`page.more OR ${condition}`;
  }

  /** The JSON of the page, once all that it needs was asked for. */
  read(page: JsonSql): JsonSql {
    if (this.#joined.length === 0 && !this.#wantsMore) return page;
    const { limit, fromEnd } = this.window;
    const columns = this.#columns.map((column, index) => sql`${column} AS c${raw(String(index))}`);
    if (this.#wantsPosition) columns.push(sql`${rowPositionJson(this.list)} AS position`);
    const rows = rowsSql(this.list, this.window, columns, this.#wantsMore ? limit + 1 : limit);
    const isNumbered = this.#wantsMore || fromEnd;
    const shown = this.#wantsMore ? sql` FILTER (WHERE item.number <= ${raw(String(limit))})` : empty;
    const joined = this.#joined.map((all, index) => sql`${all(shown)} AS l${raw(String(index))}`);
    if (this.#wantsMore) joined.push(sql`count(*) > ${raw(String(limit))} AS more`);
    // Rows are numbered as they come, which is the order of the subquery within.
    const items = isNumbered ? sql`SELECT *, row_number() OVER () AS number FROM (${rows}) item` : rows;
    return [sql`(SELECT ${toSql(page)} FROM (SELECT ${join(joined, ', ')} FROM (${items}) item) page)`];
  }

  #order(): Sql {
    return this.window.fromEnd ? sql` ORDER BY item.number DESC` : empty;
  }
}

/** A position without the parent's id that stands before it in the cursors of a list with a parent. */
function withoutParentId(list: ListSql, position: KeysetValues | null): KeysetValues | null {
  return position && list.parentId ? position.slice(1) : position;
}

function countSql({ table, visibility, filter }: ListSql): Sql {
  return sql`(SELECT count(*) FROM ${table} WHERE ${and([or(visibility), ...filter])})`;
}

/**
 * Whether any row of the list stands at this position or after it. Asked as the first such row in the list's
 * order: that walks an index from the position, where EXISTS would let PostgreSQL search the table for any.
 */
function existsSql({ table, visibility, filter }: ListSql, ordering: Ordering, position: KeysetValues): Sql {
  const probes = visibility.flatMap((visible) =>
    after(ordering, position, true).map(
      (later) =>
        sql`(SELECT TRUE FROM ${table} WHERE ${and([visible, ...filter, later])} ORDER BY ${orderBy(ordering)} LIMIT 1)`,
    ),
  );
  return sql`coalesce(${join(probes, ', ')}, FALSE)`;
}

/** The position of a row, as a JSON array. */
function rowPositionJson({ parentId, ordering }: ListSql): Sql {
  const values = ordering.map(({ json }) => json);
  const all = parentId ? [text(sql`${parentId}::text`), ...values] : values;
  return toSql([...all.flatMap((value, index) => [index === 0 ? '[' : ',', ...value]), ']']);
}

/** So many rows of the page, in the direction that it is read in. */
function rowsSql(
  list: ListSql,
  window: PageWindowSql<KeysetValues>,
  columns: readonly Sql[],
  limit: number,
): Sql {
  const { table, id } = list;
  const selected = columns.length === 0 ? empty : join(columns, ', ');
  const branches = branchesOf(list, window);
  const ordering = orderBy(window.fromEnd ? reversed(list.ordering) : list.ordering);
  // The limit is written into the text: as a parameter it would hide from the planner how few rows are
  // wanted, and a prepared statement would be planned anew each time.
  const tail = sql`ORDER BY ${ordering} LIMIT ${raw(String(limit))}`;
  const [only, ...others] = branches;
  const condition =
    only !== undefined && others.length === 0
      ? only
      : sql`${id} IN (${join(
          branches.map((branch) => sql`(SELECT ${id} FROM ${table} WHERE ${branch} ${tail})`),
          ' UNION ALL ',
        )})`;
  return sql`SELECT ${selected} FROM ${table} WHERE ${condition} ${tail}`;
}

/** Conditions of the window, apart wherever an index can serve each of them alone. */
function branchesOf(list: ListSql, window: PageWindowSql<KeysetValues>): Sql[] {
  const forward = list.ordering;
  const backward = reversed(forward);
  // The bound where reading starts becomes index conditions, one branch each; the bound at the far end is a filter.
  const [start, end] = window.fromEnd
    ? [window.before && after(backward, window.before), window.after && after(forward, window.after)]
    : [window.after && after(forward, window.after), window.before && after(backward, window.before)];
  return list.visibility.flatMap((visible) =>
    (start ?? [undefined]).map((later) =>
      and([visible, ...list.filter, ...(later ? [later] : []), ...(end ? [or(end)] : [])]),
    ),
  );
}
