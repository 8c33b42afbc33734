import type { SqlEntityManager } from '@mikro-orm/postgresql';
import sql from 'sql-template-tag';
import { query } from '../database/query.js';
import type { Shape } from './shape.js';

/** Reads a shape, in one statement. */
export async function read<Value>(em: SqlEntityManager, shape: Shape<Value>): Promise<Value> {
  // As text, because the drivers differ in what they make of JSON.
  const [row] = await query<{ json: string | null }>(em, sql`SELECT (${shape.sql})::text AS json`);
  return shape.read(row?.json ? (JSON.parse(row.json) as unknown) : null);
}
