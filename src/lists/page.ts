import sql, { type Sql } from 'sql-template-tag';
import { Problems } from '../errors.js';
import { Param } from '../sql-json/bind.js';
import type { CompileContext } from '../sql-json/compile-context.js';
import type { JsonSql } from '../sql-json/json-sql.js';
import type { Selection } from '../sql-json/selection.js';
import { scopeDigest, type Position } from './cursor.js';
import { pageWindow, type CursorList, type PageArguments } from './page-arguments.js';
import { pageJson, type ListSql } from './page-sql.js';

/** What the statement of a page is bound to. */
export interface PageBindings {
  /** Digest of what the cursors of the page belong to. */
  readonly digest: string;
  readonly after: Position | null;
  readonly before: Position | null;
}

/** A list whose cursors belong to it. */
interface ScopedList extends Pick<CursorList, 'ordering'> {
  /** What its cursors belong to beside the caller: the list's name, its ordering and filter. */
  readonly cursorScope: readonly unknown[];
}

/** A list at the root of an operation. */
export interface RootList<Context> extends ScopedList {
  /** Names what of the list decides about the statement; null where its values are written into it: do not cache. */
  readonly key: string | null;
  readonly rows: (context: Context) => Pick<ListSql, 'table' | 'id' | 'scope' | 'filter'>;
  readonly row: (context: Context, selection: Selection) => JsonSql;
}

/** A page at the root of an operation, whose arguments are checked. */
export interface PreparedPage<Context> {
  /** Names what decides about its statement beside the kind of the caller and the selection; null: do not cache. */
  readonly key: string | null;
  readonly bindings: PageBindings;
  /** Compiles the page; its positions are parameters, so that one statement serves all pages of this key. */
  readonly compile: (context: Context, connection: Selection) => JsonSql;
}

/** @throws BAD_USER_INPUT with all of `problems`, or LIMIT_EXCEEDED */
export function preparePage<Context extends CompileContext>(
  args: PageArguments,
  { key, ordering, cursorScope, rows, row }: RootList<Context>,
  caller: object,
  problems: Problems,
): PreparedPage<Context> {
  const digest = scopeDigest(...cursorScope, caller);
  const window = pageWindow(args, { ordering, hasParent: false, digest: () => digest }, problems);
  const { fromEnd, limit, after, before } = window;
  const pageKey = `${fromEnd ? 'last' : 'first'} ${limit} ${nullsOf(after)} ${nullsOf(before)}`;
  return {
    key: key === null ? null : `${key} ${pageKey}`,
    bindings: { digest, after, before },
    compile: (context, connection) => {
      const list = { ...rows(context), ordering, parentId: null };
      const positions = { after: paramsOf('after', after), before: paramsOf('before', before) };
      return pageJson(
        context,
        list,
        { ...window, ...positions },
        sql`${new Param<PageBindings>((bindings) => bindings.digest)}`,
        connection,
        (selection) => row(context, selection),
      );
    },
  };
}

/**
 * Compiles a page below some object. Its positions are written into the statement as they are.
 *
 * @param problems what is wrong with the other arguments of the field
 * @throws BAD_USER_INPUT with all of `problems`, or LIMIT_EXCEEDED
 */
export function nestedPageJson(
  context: CompileContext,
  args: PageArguments,
  list: ListSql & ScopedList,
  connection: Selection,
  row: (selection: Selection) => JsonSql,
  problems = new Problems(),
): JsonSql {
  const { ordering, cursorScope } = list;
  const digest = (): string => scopeDigest(...cursorScope, context.actualCaller());
  const window = pageWindow(args, { ordering, hasParent: list.parentId !== null, digest }, problems);
  const positions = { after: valuesOf(window.after), before: valuesOf(window.before) };
  return pageJson(context, list, { ...window, ...positions }, scopeParam(cursorScope), connection, row);
}

/** Where a position has NULLs, which are conditions of their own. */
function nullsOf(position: Position | null): string {
  return position === null ? '-' : position.map((value) => (value === null ? 0 : 1)).join('');
}

/**
 * The values of a position as parameters, hidden from the planner by a subquery. Seen by the planner, each value would
 * have a plan of its own: the longer a list is, the less a row of it seems to cost. Planning takes longer than running.
 */
function paramsOf(name: keyof PageBindings, position: Position | null): (Sql | null)[] | null {
  if (position === null) return null;
  return position.map((value, index) =>
    value === null ? null : sql`(SELECT ${new Param<PageBindings>((bindings) => bindings[name]?.[index])})`,
  );
}

function valuesOf(position: Position | null): (Sql | null)[] | null {
  return position?.map((value) => (value === null ? null : sql`${value}`)) ?? null;
}

/** The digest of the scope of the cursors; the caller is bound. */
function scopeParam(cursorScope: readonly unknown[]): Sql {
  return sql`${new Param<{ readonly caller: object }>(({ caller }) => scopeDigest(...cursorScope, caller))}`;
}
