import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { CompiledQuery } from 'kysely';
import type { Pool } from 'pg';
import type { Sql } from 'sql-template-tag';

/** Pool by kysely. PGlite has none; a transaction has a kysely of its own. */
const pools = new WeakMap<object, Pool>();

/** Lets `query` run the statements of a kysely that is in no transaction on its pool, not through kysely. */
export function queryOnPool(kysely: object, pool: Pool): void {
  pools.set(kysely, pool);
}

/** The pool that statements outside of transactions run on; none for PGlite. */
export function poolOf(em: SqlEntityManager): Pool | undefined {
  return pools.get(em.getKysely());
}

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
export async function query<Row extends object>(
  em: SqlEntityManager,
  statement: Pick<Sql, 'text' | 'values'>,
): Promise<Row[]> {
  const kysely = em.getKysely();
  const pool = pools.get(kysely);
  if (pool !== undefined) return queryPool(pool, statement);
  const result = await kysely.executeQuery<Row>(CompiledQuery.raw(statement.text, statement.values));
  return result.rows;
}

/** Kysely would only hand the statement on, through a dozen promises; the pool has callbacks that need none. */
function queryPool<Row extends object>(
  pool: Pool,
  { text, values }: Pick<Sql, 'text' | 'values'>,
): Promise<Row[]> {
  return new Promise((resolve, reject) => {
    pool.connect((unconnected, client, release) => {
      if (client === undefined) {
        reject(unconnected ?? new Error('The pool answered without a connection.'));
        return;
      }
      client.query<Row>(text, values, (failed: Error | null, result) => {
        release();
        if (failed === null) resolve(result.rows);
        else reject(failed);
      });
    });
  });
}
