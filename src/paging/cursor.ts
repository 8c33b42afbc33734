import { createHash } from 'node:crypto';

/** Longest cursor that is looked at, in characters. */
const MAX_CURSOR_LENGTH = 8_192;

/**
 * Where a row stands in an ordering: the row's sort values as exact text, in the order of the ordering,
 * null where the column is NULL. The last is the row's unique id.
 */
export type Position = readonly (string | null)[];

/** Digest of everything a cursor belongs to: its connection, ordering, filter and caller. */
export function fingerprintOf(...parts: readonly unknown[]): string {
  return digest(JSON.stringify(parts));
}

/**
 * Writes a position as an opaque cursor. The cursor carries a digest of the position and of what it
 * belongs to, so that one which is damaged or used elsewhere is told from a good one. That is no
 * signature: a cursor grants nothing, the caller's scope is in the SQL of every page.
 */
export function encodeCursor(fingerprint: string, position: Position): string {
  return Buffer.from(JSON.stringify([checksum(fingerprint, position), ...position])).toString('base64url');
}

/** Reads a cursor; null when it is damaged or does not belong to `fingerprint`. */
export function decodeCursor(fingerprint: string, cursor: string): Position | null {
  if (cursor.length > MAX_CURSOR_LENGTH) return null;
  const bytes = Buffer.from(cursor, 'base64url');
  if (bytes.toString('base64url') !== cursor) return null;
  let values: unknown;
  try {
    values = JSON.parse(bytes.toString('utf8'));
  } catch {
    return null;
  }
  if (!Array.isArray(values)) return null;
  const [sum, ...position] = values as unknown[];
  if (!position.every((value) => value === null || typeof value === 'string')) return null;
  return sum === checksum(fingerprint, position) ? position : null;
}

function checksum(fingerprint: string, position: Position): string {
  return digest(fingerprint + JSON.stringify(position));
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 16);
}
