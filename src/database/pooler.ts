import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { Client, type Pool, type PoolConfig } from 'pg';
import { isPreparedStatementStale } from '../errors.js';
import { PreparedClient } from './prepared-client.js';
import { connectionsOf } from './query.js';

/** The statement that is tried, under the same name each time. */
const PROBE = { name: 'game_graphql_probe', text: 'SELECT 1' };

/** Pools whose prepared statements were found to be where they were made. */
const sound = new WeakSet<Pool>();

/**
 * Whether a pooler stands before the database that gives a connection to whoever comes next, with the statements that
 * others have prepared on it. Two connections prepare a statement of one name: such a pooler has it already for the
 * second, or has it no more for the first. (A busy one may happen to do neither; `PreparedClient` then warns later.)
 * It is looked at until it is found not to be so; then the answer stays. Two connections and three statements.
 *
 * @throws the driver's error when the database does not answer
 */
export async function mixesUpPreparedStatements(em: SqlEntityManager): Promise<boolean> {
  const pool = connectionsOf(em)?.pool;
  if (pool === undefined || sound.has(pool)) return false;
  const options = pool.options as PoolConfig;
  if (options.Client !== PreparedClient) return false;
  const [first, second] = [new Client(options), new Client(options)];
  try {
    for (const client of [first, second]) {
      client.on('error', () => {});
      await client.connect();
    }
    for (const client of [first, first, second]) await client.query(PROBE);
  } catch (error) {
    if (isPreparedStatementStale(error)) return true;
    throw error;
  } finally {
    await Promise.all([first.end(), second.end()]);
  }
  sound.add(pool);
  return false;
}
