import sql, { join, raw, type Sql } from 'sql-template-tag';
import { parseTimestamp } from '../database/timestamp.js';
import { isUuid } from '../database/uuid.js';
import { badUserInput, limitExceeded, type Problems } from '../errors.js';
import type { Selection } from '../reading/selection.js';
import type { Shape } from '../reading/shape.js';
import { decodeCursor, encodeCursor, fingerprintOf, type Position } from './cursor.js';
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
  /** Digest of everything that the cursors of the list belong to. */
  readonly fingerprint: () => string;
}

/** A list that can be paged through. */
export interface List {
  /** The table with its alias, and what is joined to it. */
  readonly table: Sql;
  /** The unique id of a row, the last column of the ordering. */
  readonly id: Sql;
  /** Who may see what: conditions of which no row satisfies two. None: nothing is visible. */
  readonly scope: readonly Sql[];
  /** What else must hold. */
  readonly filter: readonly Sql[];
  readonly ordering: Ordering;
  /** Id of the object that the list belongs to; the cursors of its list are no other object's. */
  readonly parentId?: Sql;
}

/** One page of a list, with the fields of a Relay connection. What was not asked for is not there. */
export class Page<Row> {
  constructor(
    readonly nodes: readonly Row[],
    readonly totalCount: number,
    readonly hasNextPage: boolean,
    readonly hasPreviousPage: boolean,
    /** Cursor of the row at this index of `nodes`. */
    private readonly cursorAt: (index: number) => string,
  ) {}

  static readonly EMPTY = new Page<never>([], 0, false, false, () => '');

  /** The rows, each with its cursor, which is made only when it is asked for. */
  get edges(): readonly Edge<Row>[] {
    return this.nodes.map((node, index) => ({ node, cursor: () => this.cursorAt(index) }));
  }

  get pageInfo(): this {
    return this;
  }

  get startCursor(): string | null {
    return this.nodes.length === 0 ? null : this.cursorAt(0);
  }

  get endCursor(): string | null {
    return this.nodes.length === 0 ? null : this.cursorAt(this.nodes.length - 1);
  }
}

/** A row of a page and where it stands in the list. */
export interface Edge<Row> {
  readonly node: Row;
  readonly cursor: () => string;
}

/**
 * Checks the arguments of a connection.
 *
 * Adds to `problems` what is wrong with them. A page over the maximum is LIMIT_EXCEEDED; it is thrown only
 * when nothing else is wrong, so that the client learns of all the other mistakes at once.
 *
 * @param belongsTo what else the cursors belong to: connection, ordering, filter and caller
 * @throws BAD_USER_INPUT with all of `problems`, or LIMIT_EXCEEDED
 */
export function pageRequest(
  args: PageArguments,
  list: Pick<List, 'ordering' | 'parentId'>,
  belongsTo: readonly unknown[],
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
  // A page without cursors needs no digest.
  const fingerprint = (): string => fingerprintOf(...belongsTo);
  const types = [...(list.parentId ? ['text' as const] : []), ...list.ordering.map(({ type }) => type)];
  const position = (name: 'after' | 'before'): Position | null => {
    const cursor = args[name] ?? null;
    if (cursor === null) return null;
    const decoded = decodeCursor(fingerprint(), cursor);
    const isGood =
      decoded?.length === types.length && types.every((type, i) => isOfType(type, decoded[i] ?? null));
    if (!isGood) problems.add(name, BAD_CURSOR);
    return decoded;
  };
  const request = {
    fromEnd: last !== null,
    limit: first ?? last ?? DEFAULT_PAGE_SIZE,
    after: position('after'),
    before: position('before'),
    fingerprint,
  };
  problems.throwIfAny();
  if (request.limit > MAX_PAGE_SIZE) {
    throw limitExceeded(
      `${first === null ? 'last' : 'first'} ${range}; it is ${request.limit}. Use cursors to read further.`,
    );
  }
  return request;
}

/** A cursor can be forged; what PostgreSQL could not cast must not reach it. */
function isOfType(type: KeysetColumn['type'], value: string | null): boolean {
  if (value === null || type === 'text') return true;
  if (type === 'bigint') return /^-?\d{1,18}$/.test(value);
  return type === 'uuid' ? isUuid(value) : 'utc' in parseTimestamp(value);
}

/** What is asked for of the rows of a connection, as `nodes` or in its `edges`. */
export function nodeSelection(connection: Selection): Selection {
  return connection.below('nodes').merge(connection.below('edges').below('node'));
}

/**
 * The shape of one page of a list: its rows, and of its count, page flags and cursors what is asked for.
 *
 * Of the page flags, the one on the side that the page is read towards is known by reading one row more.
 * The other needs a look at the list beyond the cursor that was given: everything up to that cursor, its
 * own row included, lies before the page.
 */
export function pageShape<Row extends object>(
  list: List,
  request: PageRequest,
  connection: Selection,
  row: Shape<Row>,
): Shape<Page<Row> | Error> {
  const pageInfo = connection.below('pageInfo');
  const wantsCursors =
    connection.below('edges').has('cursor') || pageInfo.has('startCursor') || pageInfo.has('endCursor');
  const wantsRows = connection.has('nodes') || connection.has('edges') || connection.has('pageInfo');
  const [afterOwn, beforeOwn] = [ownPosition(list, request.after), ownPosition(list, request.before)];
  const own = { ...request, after: afterOwn, before: beforeOwn };
  const backward = reversed(list.ordering);
  const rowSql = wantsCursors
    ? sql`json_build_array(${row.sql}, ${join(
        list.ordering.map(({ text }) => text),
        ', ',
      )})`
    : row.sql;
  const expressions = [
    list.parentId ? sql`${list.parentId}::text` : sql`NULL`,
    wantsRows ? rowsSql(list, own, rowSql) : sql`'[]'::json`,
    connection.has('totalCount') ? countSql(list) : sql`NULL`,
    pageInfo.has('hasPreviousPage') && afterOwn ? existsSql(list, backward, afterOwn) : sql`FALSE`,
    pageInfo.has('hasNextPage') && beforeOwn ? existsSql(list, list.ordering, beforeOwn) : sql`FALSE`,
  ];
  return {
    sql: sql`json_build_array(${join(expressions, ', ')})`,
    read: (json) => {
      const [parentId, found, totalCount, anyBefore, anyAfter] = json as [
        string | null,
        unknown[],
        number,
        boolean,
        boolean,
      ];
      for (const name of ['after', 'before'] as const) {
        if (list.parentId && request[name] && request[name][0] !== parentId) {
          return badUserInput([{ argument: name, message: BAD_CURSOR }]);
        }
      }
      const more = found.length > request.limit;
      if (more) found.pop();
      if (request.fromEnd) found.reverse();
      const prefix = list.parentId ? [parentId] : [];
      const fingerprint = wantsCursors ? request.fingerprint() : '';
      return new Page(
        found.map((item) => row.read(wantsCursors ? (item as unknown[])[0] : item)),
        totalCount,
        request.fromEnd ? anyAfter : more || anyAfter,
        request.fromEnd ? more || anyBefore : anyBefore,
        (index) => {
          const position = (found[index] as unknown[]).slice(1) as Position;
          return encodeCursor(fingerprint, [...prefix, ...position]);
        },
      );
    },
  };
}

/** A position without the parent's id that stands before it in the cursors of a list with a parent. */
function ownPosition(list: List, position: Position | null): Position | null {
  return position && list.parentId ? position.slice(1) : position;
}

function countSql({ table, scope, filter }: List): Sql {
  if (scope.length === 0) return sql`0`;
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
  return probes.length === 0 ? sql`FALSE` : sql`coalesce(${join(probes, ', ')}, FALSE)`;
}

/** The rows of the page, and one more where there is one, in the direction that it is read in. */
function rowsSql(list: List, request: PageRequest, row: Sql): Sql {
  const branches = branchesOf(list, request);
  if (branches.length === 0) return sql`'[]'::json`;
  const { table, id } = list;
  const ordering = orderBy(request.fromEnd ? reversed(list.ordering) : list.ordering);
  // The limit is written into the text: as a parameter it would hide from the planner how few rows are
  // wanted, and a prepared statement would be planned anew each time.
  const tail = sql`ORDER BY ${ordering} LIMIT ${raw(String(request.limit + 1))}`;
  const [only, ...others] = branches;
  const condition =
    only !== undefined && others.length === 0
      ? only
      : sql`${id} IN (${join(
          branches.map((branch) => sql`(SELECT ${id} FROM ${table} WHERE ${branch} ${tail})`),
          ' UNION ALL ',
        )})`;
  return sql`(SELECT coalesce(json_agg(r.o), '[]') FROM (SELECT ${row} AS o FROM ${table} WHERE ${condition} ${tail}) r)`;
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
