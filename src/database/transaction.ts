import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { setTimeout as delay } from 'node:timers/promises';
import { isConnectionLost, isPreparedStatementStale, sqlState } from '../errors.js';
import type { Permit } from './fair-semaphore.js';
import { connectionsOf, dropIdle } from './query.js';
import { currentWork } from './work.js';

/** How often a transaction is tried before its collision is shown. */
const ATTEMPTS = 5;

/** Serialization failure and deadlock: PostgreSQL has rolled back, and the same transaction may pass next time. */
const COLLISIONS = new Set<string | undefined>(['40001', '40P01']);

/**
 * Calls `run` in one transaction, at READ COMMITTED: all of it happens or none. A transaction that
 * PostgreSQL ended because it collided with another, or because a type in the database was changed, is run again, so
 * `run` must have no effect outside the database. So is one, once, whose connection turned out to have ended before it
 * began; never one that did anything. A dry run does everything, returns the same, and leaves nothing.
 *
 * @throws what `run` throws, after the rollback
 */
export async function inTransaction<Result>(
  em: SqlEntityManager,
  run: (em: SqlEntityManager) => Promise<Result>,
  { dryRun = false }: { readonly dryRun?: boolean } = {},
): Promise<Result> {
  let connectionsLost = 0;
  for (let attempt = 1; ; attempt++) {
    const permit = await acquirePermit(em);
    const state = { hasBegun: false };
    try {
      currentWork()?.throwIfAbandoned();
      return await em.transactional(async (transaction) => {
        state.hasBegun = true;
        const result = await run(transaction);
        if (dryRun) throw new DryRun(result);
        return result;
      });
    } catch (error) {
      if (error instanceof DryRun) return error.result as Result;
      const pool = connectionsOf(em)?.pool;
      if (pool && !state.hasBegun && isConnectionLost(error) && ++connectionsLost === 1) {
        await dropIdle(pool);
        continue;
      }
      const isRetryable = COLLISIONS.has(sqlState(error)) || isPreparedStatementStale(error);
      if (attempt === ATTEMPTS || !isRetryable) throw error;
      // Before the wait, in which others may go on.
      permit?.release();
      await delay(Math.random() * 10 * 2 ** attempt);
    } finally {
      permit?.release();
    }
  }
}

/** Waits for a permit to use a connection: the transaction takes one until it ends. */
async function acquirePermit(em: SqlEntityManager): Promise<Permit | undefined> {
  const work = currentWork();
  work?.throwIfAbandoned();
  const semaphore = connectionsOf(em)?.semaphore;
  return work === undefined ? undefined : semaphore?.acquire(work.callerKey ?? '', work);
}

/** Ends a dry run: what is thrown out of a transaction rolls it back. */
class DryRun extends Error {
  constructor(readonly result: unknown) {
    super('Dry run');
  }
}
