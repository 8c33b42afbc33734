import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { CompiledQuery } from 'kysely';
import type { Sql } from 'sql-template-tag';

/**
 * Runs one statement and returns its rows.
 *
 * Values travel as bound parameters, and the statement is prepared once per connection (see
 * `PreparedClient`): MikroORM's own query builder writes values into the text, which PostgreSQL must then
 * parse and plan anew each time. The statement runs on MikroORM's pool, inside the transaction of `em`
 * where there is one.
 *
 * @throws the driver's error, with its SQLSTATE in `code`
 */
export async function query<Row>(em: SqlEntityManager, statement: Sql): Promise<Row[]> {
  const result = await em.getKysely().executeQuery<Row>(CompiledQuery.raw(statement.text, statement.values));
  return result.rows;
}
