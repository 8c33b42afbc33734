import { isTimestampText } from '../database/timestamp.js';
import { isUuid } from '../database/uuid.js';
import { limitExceeded, type Problems } from '../errors.js';
import { decodeCursor, isLongText, type Position } from './cursor.js';
import type { KeysetColumn, Ordering } from './keyset.js';
import { DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE } from './list.rules.js';

export const BAD_CURSOR =
  'is not a cursor of this connection: it is damaged, or belongs to another connection, ordering, filter or caller.';

/** Said of a cursor that was good. */
export const LOST_CURSOR =
  'is the cursor of a row that is gone, or that is sorted by another value now. The value was too long to stand in the cursor: begin anew.';

/** What a connection field takes. Null counts as not given. */
export interface PageArguments {
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
  readonly last?: number | null | undefined;
  readonly before?: string | null | undefined;
}

/** The arguments of a connection, checked: `limit` rows from the start of the window, or from its end. */
export interface PageWindow {
  readonly fromEnd: boolean;
  readonly limit: number;
  /** The window lies after this position … */
  readonly after: Position | null;
  /** … and before this one. */
  readonly before: Position | null;
}

/** What the cursors of a list depend on. */
export interface CursorList {
  readonly ordering: Ordering;
  /** Whether the list belongs to an object, whose id then stands first in its cursors: they are no other object's. */
  readonly hasParent: boolean;
  /** What else they belong to: see `listFingerprint`. Called only when there is a cursor. */
  readonly fingerprint: () => string;
}

/**
 * Checks the arguments of a connection.
 *
 * Adds to `problems` what is wrong with them. A page over the maximum is LIMIT_EXCEEDED; it is thrown only
 * when nothing else is wrong, so that the client learns of all the other mistakes at once.
 *
 * @throws BAD_USER_INPUT with all of `problems`, or LIMIT_EXCEEDED
 */
export function pageWindow(
  args: PageArguments,
  { ordering, hasParent, fingerprint }: CursorList,
  problems: Problems,
): PageWindow {
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
  const columns = [...(hasParent ? [PARENT_COLUMN] : []), ...ordering];
  const position = (name: 'after' | 'before'): Position | null => {
    const cursor = args[name] ?? null;
    if (cursor === null) return null;
    const decoded = decodeCursor(fingerprint(), cursor);
    const isGood =
      decoded?.length === columns.length &&
      columns.every((column, index) => couldHold(column, decoded[index] ?? null)) &&
      // These stand in a cursor as they are, however long.
      ![hasParent ? decoded[0] : null, decoded.at(-1)].some(isLongText);
    if (!isGood) problems.add(name, BAD_CURSOR);
    return decoded;
  };
  const [after, before] = [position('after'), position('before')];
  problems.throwIfAny();
  const limit = first ?? last ?? DEFAULT_PAGE_SIZE;
  if (limit > MAX_PAGE_SIZE) {
    throw limitExceeded(
      `${first === null ? 'last' : 'first'} ${range}; it is ${limit}. Use cursors to read further.`,
    );
  }
  return { fromEnd: last !== null, limit, after, before };
}

/** What stands before the columns of the ordering in the cursors of a list with a parent. */
const PARENT_COLUMN = { type: 'text', nullable: false } as const;

/** A cursor can be forged; what PostgreSQL could not take or cast must not reach it. */
function couldHold(
  { type, nullable }: Pick<KeysetColumn, 'type' | 'nullable'>,
  value: Position[number],
): boolean {
  if (value === null) return nullable;
  if (typeof value !== 'string') return type === 'text' && /^[\da-f]{64}$/.test(value.sha256);
  if (type === 'text') return value.isWellFormed() && !value.includes('\0');
  if (type === 'bigint') return /^-?\d{1,18}$/.test(value);
  return type === 'uuid' ? isUuid(value) : isTimestampText(value);
}
