import type { SqlEntityManager } from '@mikro-orm/postgresql';
import sql, { join, raw, type Sql } from 'sql-template-tag';
import { query } from '../database/query.js';
import { limitExceeded, type Problems } from '../errors.js';
import { decodeCursor, encodeCursor, type Position } from './cursor.js';
import { after, and, or, orderBy, reversed, type Ordering } from './keyset.js';

/** Rows of a page when neither `first` nor `last` is given. */
export const DEFAULT_PAGE_SIZE = 20;
/** Most rows of one page. */
export const MAX_PAGE_SIZE = 100;

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
}

/** A list that can be paged through. */
export interface List<Row> {
  /** Select list that makes a `Row`. */
  readonly columns: Sql;
  /** The table with its alias. */
  readonly table: Sql;
  /** The unique id, the last column of the ordering. */
  readonly id: Sql;
  /** Who may see what: conditions of which no row satisfies two. None: nothing is visible. */
  readonly scope: readonly Sql[];
  /** What else must hold. */
  readonly filter: readonly Sql[];
  readonly ordering: Ordering;
  positionOf(row: Row): Position;
  /** Everything that the list's cursors belong to: see `fingerprintOf`. */
  readonly fingerprint: string;
}

/**
 * Checks the arguments of a connection.
 *
 * Adds to `problems` what is wrong with them. A page over the maximum is LIMIT_EXCEEDED; it is thrown only
 * when nothing else is wrong, so that the client learns of all the other mistakes at once.
 *
 * @throws BAD_USER_INPUT with all of `problems`, or LIMIT_EXCEEDED
 */
export function pageRequest(args: PageArguments, fingerprint: string, problems: Problems): PageRequest {
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
  const position = (name: 'after' | 'before'): Position | null => {
    const cursor = args[name] ?? null;
    if (cursor === null) return null;
    const decoded = decodeCursor(fingerprint, cursor);
    if (decoded === null) {
      problems.add(
        name,
        'is not a cursor of this connection: it is damaged, or belongs to another connection, ordering, filter or caller.',
      );
    }
    return decoded;
  };
  const request = {
    fromEnd: last !== null,
    limit: first ?? last ?? DEFAULT_PAGE_SIZE,
    after: position('after'),
    before: position('before'),
  };
  problems.throwIfAny();
  if (request.limit > MAX_PAGE_SIZE) {
    throw limitExceeded(
      `${first === null ? 'last' : 'first'} ${range}; it is ${request.limit}. Use cursors to read further.`,
    );
  }
  return request;
}

/** One page of a list. What costs a statement of its own is a method, so that only what is asked for is read. */
export class Page<Row> {
  constructor(
    readonly rows: readonly Row[],
    private readonly em: SqlEntityManager,
    private readonly list: List<Row>,
    private readonly request: PageRequest,
    /** Whether a row of the window lies beyond the page, on the side that it was read towards. */
    private readonly more: boolean,
  ) {}

  cursorOf(row: Row): string {
    return encodeCursor(this.list.fingerprint, this.list.positionOf(row));
  }

  /** Whether any row of the list comes after this page, whichever way it was read. */
  async hasNextPage(): Promise<boolean> {
    if (!this.request.fromEnd && this.more) return true;
    // Nothing bounds the window towards the end, and it was read to its end.
    if (this.request.before === null) return false;
    const last = this.rows.at(-1);
    return last === undefined
      ? this.#exists(this.list.ordering, this.request.before, true)
      : this.#exists(this.list.ordering, this.list.positionOf(last), false);
  }

  /** Whether any row of the list comes before this page, whichever way it was read. */
  async hasPreviousPage(): Promise<boolean> {
    if (this.request.fromEnd && this.more) return true;
    if (this.request.after === null) return false;
    const first = this.rows[0];
    return first === undefined
      ? this.#exists(reversed(this.list.ordering), this.request.after, true)
      : this.#exists(reversed(this.list.ordering), this.list.positionOf(first), false);
  }

  /** How many rows the list has, whatever the page. */
  async totalCount(): Promise<number> {
    const { table, scope, filter } = this.list;
    if (scope.length === 0) return 0;
    const [row] = await query<{ count: number }>(
      this.em,
      sql`SELECT count(*)::int AS count FROM ${table} WHERE ${and([or(scope), ...filter])}`,
    );
    return row?.count ?? 0;
  }

  async #exists(ordering: Ordering, position: Position, inclusive: boolean): Promise<boolean> {
    const { table, scope, filter } = this.list;
    const probes = scope.flatMap((visible) =>
      after(ordering, position, inclusive).map(
        (later) => sql`EXISTS (SELECT FROM ${table} WHERE ${and([visible, ...filter, later])})`,
      ),
    );
    if (probes.length === 0) return false;
    const [row] = await query<{ found: boolean }>(this.em, sql`SELECT ${join(probes, ' OR ')} AS found`);
    return row?.found ?? false;
  }
}

/** Reads one page of a list, in one statement; in none when nothing is visible. */
export async function readPage<Row extends object>(
  em: SqlEntityManager,
  list: List<Row>,
  request: PageRequest,
): Promise<Page<Row>> {
  const branches = branchesOf(list, request);
  if (branches.length === 0) return new Page([], em, list, request, false);
  // One row more than asked for tells whether there is a next one.
  const rows = await query<Row>(em, pageStatement(list, branches, request));
  const more = rows.length > request.limit;
  if (more) rows.pop();
  if (request.fromEnd) rows.reverse();
  return new Page(rows, em, list, request, more);
}

/** Conditions of the window, apart wherever an index can serve each of them alone. */
function branchesOf<Row>(list: List<Row>, request: PageRequest): Sql[] {
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

function pageStatement<Row>(list: List<Row>, branches: readonly Sql[], request: PageRequest): Sql {
  const { columns, table, id } = list;
  const ordering = orderBy(request.fromEnd ? reversed(list.ordering) : list.ordering);
  // The limit is written into the text: as a parameter it would hide from the planner how few rows are
  // wanted, and a prepared statement would be planned anew each time.
  const tail = sql`ORDER BY ${ordering} LIMIT ${raw(String(request.limit + 1))}`;
  const [only, ...others] = branches;
  if (only !== undefined && others.length === 0) {
    return sql`SELECT ${columns} FROM ${table} WHERE ${only} ${tail}`;
  }
  const picked = join(
    branches.map((branch) => sql`(SELECT ${id} FROM ${table} WHERE ${branch} ${tail})`),
    ' UNION ALL ',
  );
  return sql`SELECT ${columns} FROM ${table} WHERE ${id} IN (${picked}) ${tail}`;
}
