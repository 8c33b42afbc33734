import { hash } from 'node:crypto';
import sql, { raw, type Sql } from 'sql-template-tag';
import { text, toSql, type JsonSql } from '../sql-json/json-sql.js';

/** Longest cursor that is looked at, in characters. */
const MAX_CURSOR_LENGTH = 8_192;
/** Characters of a digest in a cursor. */
const DIGEST_LENGTH = 16;

/** Longest text that stands in a cursor itself, in bytes: so that a cursor of several fits into a URL. */
const MAX_TEXT_BYTES = 300;

/** Stands in a position for a text that is too long: the text is looked up again, and must still have this digest. */
export interface LongText {
  readonly sha256: string;
}

/**
 * Where a row stands in an ordering: the row's sort values as exact text, in the order of the ordering,
 * null where the column is NULL. The last is the row's unique id.
 */
export type Position = readonly (string | LongText | null)[];

/** A nullable text as JSON for a position. */
export function textForCursor(column: Sql): JsonSql {
  const long = sql`'{"sha256":"' || ${sha256Sql(column)} || '"}'`;
  return [
    sql`CASE WHEN octet_length(${column}) > ${raw(String(MAX_TEXT_BYTES))} THEN ${long} ELSE ${toSql(text(column))} END`,
  ];
}

/** The digest of a text, for `LongText`. */
export function sha256Sql(column: Sql): Sql {
  return sql`encode(sha256(convert_to(${column}, 'UTF8')), 'hex')`;
}

export function isLongText(value: unknown): value is LongText {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.keys(value).join() === 'sha256' &&
    typeof (value as LongText).sha256 === 'string'
  );
}

/** Digest of what a cursor belongs to: its connection, ordering, filter and caller. */
export function listFingerprint(...parts: readonly unknown[]): string {
  return digest(JSON.stringify(parts));
}

/**
 * Writes a position as an opaque cursor: base64url of a JSON array of a digest and the position. The digest covers
 * the position and what the cursor belongs to, so that one which is damaged or used elsewhere is told from a good
 * one. That is no signature: a cursor grants nothing, because the SQL of every page holds what its caller may see.
 *
 * @param fingerprint what it belongs to: see `listFingerprint`
 * @param position a column that holds the position as a JSON array, without blanks
 */
export function cursorSql(fingerprint: Sql, position: Sql): Sql {
  const sum = sql`sha256(convert_to(${fingerprint}::text || ${position}, 'UTF8'))`;
  const array = sql`'["' || substr(${base64url(sum)}, 1, ${raw(String(DIGEST_LENGTH))}) || '",' || substr(${position}, 2)`;
  return base64url(sql`convert_to(${array}, 'UTF8')`);
}

function base64url(bytes: Sql): Sql {
  return sql`translate(encode(${bytes}, 'base64'), E'+/=\\n', '-_')`;
}

/** Reads a cursor; null when it is damaged, or belongs to a list of another fingerprint. */
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
  if (!position.every((value) => value === null || typeof value === 'string' || isLongText(value)))
    return null;
  return sum === digest(fingerprint + JSON.stringify(position)) ? position : null;
}

function digest(content: string): string {
  return hash('sha256', content, 'base64url').slice(0, DIGEST_LENGTH);
}
