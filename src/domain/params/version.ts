import type { SqlEntityManager } from '@mikro-orm/postgresql';
import sql, { type Sql } from 'sql-template-tag';
import { query } from '../../database/query.js';
import { conflict } from '../../errors.js';
import { lockParams, type ParamsOwners } from './params.js';

/**
 * The version of a game or a task: of its row, by this name, and of its params. PostgreSQL's xmin, the transaction that
 * wrote a row, changes with every write of any program, so the version notices GAME's own writes, and a value that was
 * changed and changed back.
 */
export function versionSql(row: Sql, { params, ownerId }: ParamsOwners): Sql {
  return sql`md5(concat(${row}.xmin, (SELECT string_agg(concat(p.id, p.xmin), ',' ORDER BY p.id)
  FROM ${params} p WHERE p.${ownerId} = ${row}.id)))`;
}

/**
 * Checks the version of a locked game or task. Its params are locked too, so that it cannot change any more.
 *
 * @throws CONFLICT with the current version when it is another one
 */
export async function expectVersion(
  em: SqlEntityManager,
  owners: ParamsOwners,
  id: string,
  expected: string | null | undefined,
): Promise<void> {
  if (expected === null || expected === undefined) return;
  await lockParams(em, owners, id);
  const [row] = await query<{ version: string }>(
    em,
    sql`SELECT ${versionSql(sql`o`, owners)} AS version FROM ${owners.table} o WHERE o.id = ${id}::uuid`,
  );
  if (row?.version !== expected) {
    throw conflict(`The ${owners.noun} has changed since: it has another version than expected.`, {
      currentVersion: row?.version,
    });
  }
}
