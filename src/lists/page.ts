import sql, { empty, join, raw, type Sql } from 'sql-template-tag';
import { isTimestampText } from '../database/timestamp.js';
import { isUuid } from '../database/uuid.js';
import { badUserInput, limitExceeded, type Problems } from '../errors.js';
import type { Selection } from '../sql-json/selection.js';
import type { Reader } from '../sql-json/compile-context.js';
import {
  boolean,
  number,
  objectShape,
  quoted,
  text,
  token,
  written,
  type Shape,
  type ShapeMaker,
} from '../sql-json/json-sql.js';
import { Slot } from '../sql-json/params.js';
import { cursorSql, decodeCursor, fingerprintOf, type Position } from './cursor.js';
import { after, and, or, orderBy, reversed, type KeysetColumn, type Ordering } from './keyset.js';

/** Rows of a page when neither `first` nor `last` is given. */
export const DEFAULT_PAGE_SIZE = 20;
/** Most rows of one page. */
export const MAX_PAGE_SIZE = 100;

const BAD_CURSOR =
  'is not a cursor of this connection: it is damaged, or belongs to another connection, ordering, filter or caller.';

/** What a connection field takes. Null counts as not given. */
export interface PageArguments {
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
  readonly last?: number | null | undefined;
  readonly before?: string | null | undefined;
}

/** A page that was asked for, checked: `limit` rows from the start of the window, or from its end. */
export interface PageRequest {
  readonly fromEnd: boolean;
  readonly limit: number;
  /** The window lies after this position … */
  readonly after: Position | null;
  /** … and before this one. */
  readonly before: Position | null;
  /** Digest of everything that the cursors of the list belong to: a slot. */
  readonly fingerprint: string;
}

/** A list that can be paged through. */
export interface List {
  /** The table with its alias, and what is joined to it. */
  readonly table: Sql;
  /** The unique id of a row, the last column of the ordering. */
  readonly id: Sql;
  /** Who may see what: conditions of which one must hold. None: nothing is visible. */
  readonly scope: readonly Sql[];
  /** What else must hold. */
  readonly filter: readonly Sql[];
  readonly ordering: Ordering;
  /** Id of the object that the list belongs to; the cursors of its list are no other object's. */
  readonly parentId?: Sql;
}

/**
 * Checks the arguments of a connection.
 *
 * Adds to `problems` what is wrong with them. A page over the maximum is LIMIT_EXCEEDED; it is thrown only
 * when nothing else is wrong, so that the client learns of all the other mistakes at once.
 *
 * @param belongsTo what else the cursors belong to beside the caller: connection, ordering and filter
 * @param caller asked for only when there is a cursor
 * @throws BAD_USER_INPUT with all of `problems`, or LIMIT_EXCEEDED
 */
export function pageRequest(
  args: PageArguments,
  list: Pick<List, 'ordering' | 'parentId'>,
  belongsTo: readonly unknown[],
  caller: () => Reader['actualCaller'],
  problems: Problems,
): PageRequest {
  const first = args.first ?? null;
  const last = args.last ?? null;
  const range = `must be between 1 and ${MAX_PAGE_SIZE}`;
  if (first !== null && last !== null) {
    problems.add('last', `must not be given together with first; give one of them, which ${range}.`);
  }
  for (const [name, size] of [
    ['first', first],
    ['last', last],
  ] as const) {
    if (size !== null && size < 1) problems.add(name, `${range}; it is ${size}.`);
  }
  const columns = [...(list.parentId ? [PARENT_COLUMN] : []), ...list.ordering];
  const position = (name: 'after' | 'before'): Position | null => {
    const cursor = args[name] ?? null;
    if (cursor === null) return null;
    const decoded = decodeCursor(fingerprintOf(...belongsTo, caller()), cursor);
    const isGood =
      decoded?.length === columns.length &&
      columns.every((column, index) => couldHold(column, decoded[index] ?? null));
    if (!isGood) problems.add(name, BAD_CURSOR);
    return decoded;
  };
  const request = {
    fromEnd: last !== null,
    limit: first ?? last ?? DEFAULT_PAGE_SIZE,
    after: position('after'),
    before: position('before'),
    fingerprint: Slot.for((given) => fingerprintOf(...belongsTo, given.caller)),
  };
  problems.throwIfAny();
  if (request.limit > MAX_PAGE_SIZE) {
    throw limitExceeded(
      `${first === null ? 'last' : 'first'} ${range}; it is ${request.limit}. Use cursors to read further.`,
    );
  }
  return request;
}

/** The same request with slots for its positions, so that one statement serves all of its kind: see `kindOf`. */
export function withSlots(request: PageRequest): PageRequest {
  const slots = (name: 'after' | 'before'): Position | null =>
    request[name]?.map((value, index) =>
      value === null ? null : Slot.hidden((given) => given[name]?.[index] ?? null),
    ) ?? null;
  return { ...request, after: slots('after'), before: slots('before') };
}

/** What of a request decides about its statement. */
export function kindOf({ fromEnd, limit, after: start, before: end }: PageRequest): string {
  const nulls = (position: Position | null): string =>
    position === null ? '-' : position.map((value) => (value === null ? 0 : 1)).join('');
  return `${fromEnd ? 'last' : 'first'} ${limit} ${nulls(start)} ${nulls(end)}`;
}

/** What stands before the columns of the ordering in the cursors of a list with a parent. */
const PARENT_COLUMN = { type: 'text', nullable: false } as const;

/** A cursor can be forged; what PostgreSQL could not take or cast must not reach it. */
function couldHold(
  { type, nullable }: Pick<KeysetColumn, 'type' | 'nullable'>,
  value: string | null,
): boolean {
  if (value === null) return nullable;
  if (type === 'text') return value.isWellFormed() && !value.includes('\0');
  if (type === 'bigint') return /^-?\d{1,18}$/.test(value);
  return type === 'uuid' ? isUuid(value) : isTimestampText(value);
}

/** What is asked for of the rows of a connection, as `nodes` or in its `edges`: each way apart. */
export function nodeSelections(connection: Selection): Selection[] {
  const edges = connection.all('edges').flatMap(({ selection }) => selection.all('node'));
  return [...connection.all('nodes'), ...edges].map(({ selection }) => selection);
}

/** The column of a row's position in the list, as a JSON array. */
const POSITION = raw('item.position');

/**
 * The shape of one page of a list, with the fields of a Relay connection: its rows, and of its count, page flags
 * and cursors what is asked for.
 *
 * Of the page flags, the one on the side that the page is read towards is known by reading one row more.
 * The other needs a look at the list beyond the cursor that was given: everything up to that cursor, its
 * own row included, lies before the page.
 *
 * @param row the shape of a row
 */
export function pageShape(
  reader: Reader,
  list: List,
  request: PageRequest,
  connection: Selection,
  row: (selection: Selection) => Shape,
): Shape {
  if (list.scope.length === 0) return emptyPageShape(reader, connection);
  const own = {
    ...request,
    after: ownPosition(list, request.after),
    before: ownPosition(list, request.before),
  };
  const rows = new Rows(list, own);
  const cursor = (position: Sql): Sql => cursorSql(request.fingerprint, position);
  const backward = reversed(list.ordering);
  const anyBefore = own.after ? existsSql(list, backward, own.after) : sql`FALSE`;
  const anyAfter = own.before ? existsSql(list, list.ordering, own.before) : sql`FALSE`;
  const pageInfo: Record<string, ShapeMaker> = {
    hasNextPage: () => boolean(request.fromEnd ? anyAfter : rows.orMore(anyAfter)),
    hasPreviousPage: () => boolean(request.fromEnd ? rows.orMore(anyBefore) : anyBefore),
    startCursor: () => quoted(cursor(rows.position('first'))),
    endCursor: () => quoted(cursor(rows.position('last'))),
  };
  const edge: Record<string, ShapeMaker> = {
    node: (_args, node) => [rows.column(row(node))],
    cursor: () => token(cursor(rows.ownPosition())),
  };
  const page = objectShape(reader, connection, {
    nodes: (_args, node) => rows.joined([rows.column(row(node))]),
    edges: (_args, selection) => rows.joined(objectShape(reader, selection, edge)),
    pageInfo: (_args, selection) => objectShape(reader, selection, pageInfo),
    totalCount: () => number(countSql(list)),
  });
  return (['after', 'before'] as const).reduce<Shape>((shape, name) => {
    const position = request[name];
    if (position === null || list.parentId === undefined) return shape;
    const isOwn = sql`${list.parentId}::text IS NOT DISTINCT FROM ${position[0]}`;
    const refused = [reader.refuse(badUserInput([{ argument: name, message: BAD_CURSOR }]))];
    return [sql`CASE WHEN ${isOwn} THEN ${written(shape)} ELSE ${written(refused)} END`];
  }, rows.read(page));
}

/** The shape of a page of nothing, which needs no database. */
function emptyPageShape(reader: Reader, connection: Selection): Shape {
  const pageInfo = {
    hasNextPage: ['false'],
    hasPreviousPage: ['false'],
    startCursor: ['null'],
    endCursor: ['null'],
  };
  return objectShape(reader, connection, {
    nodes: ['[]'],
    edges: ['[]'],
    pageInfo: (_args, selection) => objectShape(reader, selection, pageInfo),
    totalCount: ['0'],
  });
}

/** Most texts that are made of the rows of one page; PostgreSQL has 1,664 columns at most. */
const MAX_TEXTS = 1_000;

/** Adds a text; answers its number. @throws LIMIT_EXCEEDED when there are too many */
function numberOfLast(texts: Sql[], next: Sql): number {
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
  readonly #joined: Sql[] = [];
  #wantsPosition = false;
  #wantsMore = false;

  constructor(
    private readonly list: List,
    private readonly request: PageRequest,
  ) {}

  /** A text made of each row. */
  column(shape: Shape): Sql {
    return raw(`item.c${numberOfLast(this.#columns, written(shape))}`);
  }

  /** The position of each row. */
  ownPosition(): Sql {
    this.#wantsPosition = true;
    return POSITION;
  }

  /** A list of what this shape makes of each row. */
  joined(shape: Shape): Shape {
    const joined = sql`string_agg(${written(shape)}, ','${this.#order()})`;
    return ['[', raw(`coalesce(page.l${numberOfLast(this.#joined, joined)}, '')`), ']'];
  }

  /** The position of the first or last row of the page, whichever way it is read; NULL when there is none. */
  position(end: 'first' | 'last'): Sql {
    const position = sql`array_agg(${this.ownPosition()}${this.#order()})`;
    const positions = `page.l${numberOfLast(this.#joined, position)}`;
    return raw(end === 'first' ? `${positions}[1]` : `${positions}[cardinality(${positions})]`);
  }

  /** Whether there are more rows in the direction of reading, or else this. */
  orMore(condition: Sql): Sql {
    this.#wantsMore = true;
    return sql`page.more OR ${condition}`;
  }

  /** The shape of the page, where all that it needs was asked for. */
  read(page: Shape): Shape {
    if (this.#joined.length === 0 && !this.#wantsMore) return page;
    const { limit, fromEnd } = this.request;
    const columns = this.#columns.map((column, index) => sql`${column} AS c${raw(String(index))}`);
    if (this.#wantsPosition) columns.push(sql`${positionSql(this.list)} AS position`);
    const rows = rowsSql(this.list, this.request, columns, this.#wantsMore ? limit + 1 : limit);
    const isNumbered = this.#wantsMore || fromEnd;
    const shown = this.#wantsMore ? sql` FILTER (WHERE item.number <= ${raw(String(limit))})` : empty;
    const joined = this.#joined.map((all, index) => sql`${all}${shown} AS l${raw(String(index))}`);
    if (this.#wantsMore) joined.push(sql`count(*) > ${raw(String(limit))} AS more`);
    // Rows are numbered as they come, which is the order of the subquery within.
    const items = isNumbered ? sql`SELECT *, row_number() OVER () AS number FROM (${rows}) item` : rows;
    return [sql`(SELECT ${written(page)} FROM (SELECT ${join(joined, ', ')} FROM (${items}) item) page)`];
  }

  #order(): Sql {
    return this.request.fromEnd ? sql` ORDER BY item.number DESC` : empty;
  }
}

/** A position without the parent's id that stands before it in the cursors of a list with a parent. */
function ownPosition(list: List, position: Position | null): Position | null {
  return position && list.parentId ? position.slice(1) : position;
}

function countSql({ table, scope, filter }: List): Sql {
  return sql`(SELECT count(*) FROM ${table} WHERE ${and([or(scope), ...filter])})`;
}

/**
 * Whether any row of the list stands at this position or after it. Asked as the first such row in the list's
 * order: that walks an index from the position, where EXISTS would let PostgreSQL search the table for any.
 */
function existsSql({ table, scope, filter }: List, ordering: Ordering, position: Position): Sql {
  const probes = scope.flatMap((visible) =>
    after(ordering, position, true).map(
      (later) =>
        sql`(SELECT TRUE FROM ${table} WHERE ${and([visible, ...filter, later])} ORDER BY ${orderBy(ordering)} LIMIT 1)`,
    ),
  );
  return sql`coalesce(${join(probes, ', ')}, FALSE)`;
}

/** The position of a row, as a JSON array. */
function positionSql({ parentId, ordering }: List): Sql {
  const values = ordering.map(({ text: column, type }) => (type === 'text' ? text(column) : quoted(column)));
  const all = parentId ? [text(sql`${parentId}::text`), ...values] : values;
  return written([...all.flatMap((value, index) => [index === 0 ? '[' : ',', ...value]), ']']);
}

/** So many rows of the page, in the direction that it is read in. */
function rowsSql(list: List, request: PageRequest, columns: readonly Sql[], limit: number): Sql {
  const { table, id } = list;
  const selected = columns.length === 0 ? empty : join(columns, ', ');
  const branches = branchesOf(list, request);
  const ordering = orderBy(request.fromEnd ? reversed(list.ordering) : list.ordering);
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
function branchesOf(list: List, request: PageRequest): Sql[] {
  const forward = list.ordering;
  const backward = reversed(forward);
  // The side that the page is read away from is walked by index; the other side only ends the walk.
  const [start, end] = request.fromEnd
    ? [request.before && after(backward, request.before), request.after && after(forward, request.after)]
    : [request.after && after(forward, request.after), request.before && after(backward, request.before)];
  return list.scope.flatMap((visible) =>
    (start ?? [undefined]).map((later) =>
      and([visible, ...list.filter, ...(later ? [later] : []), ...(end ? [or(end)] : [])]),
    ),
  );
}
