import sql, { type Sql } from 'sql-template-tag';
import { Problems } from '../errors.js';
import { Placeholder } from '../sql-json/bind.js';
import type { CompileContext } from '../sql-json/compile-context.js';
import type { JsonSql } from '../sql-json/json-sql.js';
import type { Selection } from '../sql-json/selection.js';
import { isLongText, listFingerprint, sha256Sql, type Position } from './cursor.js';
import { or, typed } from './keyset.js';
import { pageWindow, type CursorList, type PageArguments } from './page-arguments.js';
import { pageJson, type ListSql, type CursorPosition } from './page-sql.js';

/** What the statement of a page is bound to. */
export interface PageBindings {
  /** What the cursors of the page belong to: see `listFingerprint`. */
  readonly fingerprint: string;
  readonly after: Position | null;
  readonly before: Position | null;
}

/** A list whose cursors belong to it. */
interface FingerprintedList extends Pick<CursorList, 'ordering'> {
  /** What its fingerprint is made of beside the caller: the list's name, its ordering and filter. */
  readonly fingerprintParts: readonly unknown[];
}

/** A list at the root of an operation. */
export interface RootList<Context> extends FingerprintedList {
  /** Names what the SQL depends on in this list; null: values are part of the SQL, so it is not cached. */
  readonly cacheKey: string | null;
  readonly rows: (context: Context) => Pick<ListSql, 'table' | 'id' | 'visibility' | 'filter'>;
  readonly row: (context: Context, selection: Selection) => JsonSql;
}

/** A page at the root of an operation, whose arguments are checked. */
export interface CheckedPage<Context> {
  /** Names what decides about its statement beside the kind of the caller and the selection; null: do not cache. */
  readonly cacheKey: string | null;
  readonly bindings: PageBindings;
  /** Compiles the page; its positions are placeholders, so that one statement serves all pages of one cache key. */
  readonly compile: (context: Context, connection: Selection) => JsonSql;
}

/** @throws BAD_USER_INPUT with all of `problems`, or LIMIT_EXCEEDED */
export function checkPage<Context extends CompileContext>(
  args: PageArguments,
  { cacheKey, ordering, fingerprintParts, rows, row }: RootList<Context>,
  caller: object,
  problems: Problems,
): CheckedPage<Context> {
  const fingerprint = listFingerprint(...fingerprintParts, caller);
  const window = pageWindow(args, { ordering, hasParent: false, fingerprint: () => fingerprint }, problems);
  const { fromEnd, limit, after, before } = window;
  const pageKey = `${fromEnd ? 'last' : 'first'} ${limit} ${kindsOf(after)} ${kindsOf(before)}`;
  return {
    cacheKey: cacheKey === null ? null : `${cacheKey} ${pageKey}`,
    bindings: { fingerprint, after, before },
    compile: (context, connection) => {
      const list = { ...rows(context), ordering, parentId: null };
      const positions = {
        after: positionOf(list, after, placeholderOf('after')),
        before: positionOf(list, before, placeholderOf('before')),
      };
      return pageJson(
        context,
        list,
        { ...window, ...positions },
        sql`${new Placeholder<PageBindings>((bindings) => bindings.fingerprint)}`,
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
  list: ListSql & FingerprintedList,
  connection: Selection,
  row: (selection: Selection) => JsonSql,
  problems = new Problems(),
): JsonSql {
  const { ordering, fingerprintParts } = list;
  const fingerprint = (): string => listFingerprint(...fingerprintParts, context.actualCaller());
  const window = pageWindow(args, { ordering, hasParent: list.parentId !== null, fingerprint }, problems);
  const valueOf: TextSql = (_index, text) => sql`${text}`;
  const positions = {
    after: positionOf(list, window.after, valueOf),
    before: positionOf(list, window.before, valueOf),
  };
  return pageJson(
    context,
    list,
    { ...window, ...positions },
    fingerprintPlaceholder(fingerprintParts),
    connection,
    row,
  );
}

/** Where a position has NULLs, which are conditions of their own, and long texts, which are looked up. */
function kindsOf(position: Position | null): string {
  if (position === null) return '-';
  return position.map((value) => (value === null ? 'n' : typeof value === 'string' ? 's' : 'l')).join('');
}

/** A text of a position as SQL: its index, and the text. */
type TextSql = (index: number, text: string) => Sql;

/**
 * A text of a position as a placeholder, hidden from the planner by a subquery. Seen by the planner, each value would
 * have a plan of its own: the longer a list is, the less a row of it seems to cost. Planning takes longer than running.
 */
function placeholderOf(name: 'after' | 'before'): TextSql {
  const textIn = (bindings: PageBindings, index: number): string | null | undefined => {
    const value = bindings[name]?.[index];
    return isLongText(value) ? value.sha256 : value;
  };
  return (index) => sql`(SELECT ${new Placeholder<PageBindings>((bindings) => textIn(bindings, index))})`;
}

/** A position as SQL. A long text is read from its row: null where that is gone, or has another text now. */
function positionOf(
  { table, id, visibility, ordering, parentId }: ListSql,
  position: Position | null,
  textSql: TextSql,
): CursorPosition | null {
  if (position === null) return null;
  const columns = parentId === null ? ordering : [null, ...ordering];
  const last = position.length - 1;
  const [idColumn, idText] = [columns[last], position[last]];
  const longTextReads: Sql[] = [];
  const values = position.map((value, index) => {
    if (value === null) return null;
    if (typeof value === 'string') return textSql(index, value);
    const column = columns[index];
    if (!column || !idColumn || typeof idText !== 'string') throw new RangeError('A long text is not an id.');
    const { expression } = column;
    const read = sql`(SELECT ${expression} FROM ${table} WHERE ${id} = ${typed(idColumn, textSql(last, idText))}
      AND ${or(visibility)} AND ${sha256Sql(expression)} = ${textSql(index, value.sha256)})`;
    longTextReads.push(read);
    return read;
  });
  return { values, longTextReads };
}

/** The fingerprint of a list whose caller is bound when the statement runs. */
function fingerprintPlaceholder(fingerprintParts: readonly unknown[]): Sql {
  return sql`${new Placeholder<{ readonly caller: object }>(({ caller }) => listFingerprint(...fingerprintParts, caller))}`;
}
