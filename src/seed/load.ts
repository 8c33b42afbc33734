import sql, { join, raw } from 'sql-template-tag';
import type { Database } from '../database/database.js';
import { query } from '../database/query.js';
import { inTransaction } from '../database/transaction.js';
import type { DataSet } from './generator.js';
import { insertBatch, TABLES, type Batch, type Table } from './tables.js';

/** Batches on their way at once: while one is being made, PostgreSQL inserts the others. */
const LANES = 2;

/**
 * Inserts a data set, each batch in a transaction of its own, and brings the planner's statistics up to
 * date. Cut off, it leaves whole batches: no game without what belongs to it.
 *
 * @param onInserted is called with the number of games so far, after each batch
 * @returns the number of rows inserted, by table
 * @throws the driver's error
 */
export async function load(
  database: Database,
  dataSet: DataSet,
  onInserted: (games: number) => void,
): Promise<Map<Table, number>> {
  const counts = new Map<Table, number>(TABLES.map((table) => [table, 0]));
  const insert = async (batches: Iterable<Batch>): Promise<void> => {
    for (const batch of batches) {
      await inTransaction(database.em.fork(), (em) => insertBatch(em, batch));
      for (const table of TABLES) counts.set(table, (counts.get(table) ?? 0) + batch[table].length);
      if (batch.games.length > 0) onInserted(counts.get('games') ?? 0);
    }
  };
  await insert(dataSet.groundwork);
  // The lanes share one iterator. Where one fails it ends, and the others stop after their batch.
  const lanes = Array.from({ length: LANES }, () => insert(dataSet.games));
  await Promise.allSettled(lanes);
  await Promise.all(lanes);
  await query(database.em.fork(), sql`ANALYZE ${join(TABLES.map(raw))}`);
  return counts;
}
