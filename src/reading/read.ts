import type { SqlEntityManager } from '@mikro-orm/postgresql';
import sql, { type Sql } from 'sql-template-tag';
import { query } from '../database/query.js';
import type { Reader } from './reader.js';
import type { Selection } from './selection.js';
import { written, type Shape } from './shape.js';
import type { Written } from './written.js';

/** Reads something of which there is one, in one statement; in none where the shape is constant. */
export async function read(
  em: SqlEntityManager,
  reader: Reader,
  shape: Shape,
  selection: Selection,
): Promise<Written> {
  if (shape.every((piece) => typeof piece === 'string')) return reader.written(shape.join(''), selection);
  const [row] = await query<{ json: string }>(em, sql`SELECT ${written(shape)} AS json`);
  return reader.written(row?.json ?? 'null', selection);
}

/**
 * Reads objects by their ids, in one statement.
 *
 * @param from what follows SELECT and the columns, of which `id` is the object's
 */
export async function readById(
  em: SqlEntityManager,
  reader: Reader,
  id: Sql,
  shape: Shape,
  from: Sql,
  selection: Selection,
): Promise<Map<string, Written>> {
  const rows = await query<{ id: string; json: string }>(
    em,
    sql`SELECT ${id} AS id, ${written(shape)} AS json ${from}`,
  );
  return new Map(rows.map(({ id: found, json }) => [found, reader.written(json, selection)]));
}
