import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { setTimeout as delay } from 'node:timers/promises';
import {
  isConnectionLost,
  isFinal,
  isPreparedStatementStale,
  isReadOnly,
  isRolledBack,
  OutcomeUnknownError,
  sqlState,
  UnconfirmedError,
} from '../errors.js';
import { commitMarkOf, confirmAtCommit, fateOf, type CommitMark } from './commit-outcome.js';
import type { Permit } from './fair-semaphore.js';
import { findOutcome, idempotentMutations, keepOutcome, type Outcome } from './idempotency.js';
import { connectionsOf, dropIdle, renewConnections } from './query.js';
import { retries } from './retries.js';
import { ClientGoneError, currentWork } from './work.js';

/** How often a transaction is tried before its collision is shown. */
const ATTEMPTS = 5;

/** Serialization failure and deadlock: PostgreSQL has rolled back, and the same transaction may pass next time. */
const COLLISIONS = new Set<string | undefined>(['40001', '40P01']);

/** What a transaction came to, and what it can be found by when the answer to its COMMIT is lost. */
type MarkedOutcome = Outcome & { readonly mark: CommitMark | undefined; readonly isReplay?: boolean };

/**
 * Calls `run` in one transaction, at READ COMMITTED: all of it happens or none. A transaction that
 * PostgreSQL ended because it collided with another, or because a type in the database was changed, is run again, so
 * `run` must have no effect outside the database. So is one, once, whose connection was lost before it began or that is
 * known to have been rolled back at its COMMIT. A dry run does everything, returns the same, and leaves nothing.
 *
 * When the answer to COMMIT is lost, PostgreSQL is asked on another connection what came of it.
 *
 * Where the request has an Idempotency-Key, what `run` came to is kept in the same transaction, and stands for it the
 * next time.
 *
 * @throws what `run` throws, after the rollback; OutcomeUnknownError when nobody can tell whether it was committed
 */
export async function inTransaction<Result>(
  em: SqlEntityManager,
  run: (em: SqlEntityManager) => Promise<Result>,
  { dryRun = false }: { readonly dryRun?: boolean } = {},
): Promise<Result> {
  let connectionsLost = 0;
  for (let number = 1; ; number++) {
    const attempt = await runAttempt(em, run, dryRun);
    if ('outcome' in attempt) return resultOf<Result>(attempt.outcome);
    const { failure, isUndone } = attempt;
    const connections = connectionsOf(em);
    if (connections && isUndone && isConnectionLost(failure) && ++connectionsLost === 1) {
      retries.inc({ what: 'transaction', reason: 'connection_lost' });
      await dropIdle(connections.pool);
      continue;
    }
    if (connections && isReadOnly(failure)) {
      await renewConnections(connections);
      if (++connectionsLost === 1) {
        retries.inc({ what: 'transaction', reason: 'read_only' });
        continue;
      }
    }
    const isCollision = COLLISIONS.has(sqlState(failure));
    if (number === ATTEMPTS || !(isCollision || isPreparedStatementStale(failure))) throw failure;
    retries.inc({ what: 'transaction', reason: isCollision ? 'collision' : 'stale_statement' });
    await delay(Math.random() * 10 * 2 ** number);
  }
}

/** What came of one attempt: an outcome, or a failure, of which it is known or not that it left nothing. */
type Attempt = { readonly outcome: Outcome } | { readonly failure: unknown; readonly isUndone: boolean };

interface Progress {
  hasBegun: boolean;
  /** What it came to, once nothing but COMMIT is left. */
  toCommit: MarkedOutcome | null;
}

async function runAttempt<Result>(
  em: SqlEntityManager,
  run: (em: SqlEntityManager) => Promise<Result>,
  dryRun: boolean,
): Promise<Attempt> {
  const permit = await acquirePermit(em);
  const progress: Progress = { hasBegun: false, toCommit: null };
  const replicaReads = currentWork()?.replicaReads;
  if (replicaReads) replicaReads.usesPrimary = true;
  try {
    currentWork()?.throwIfAbandoned();
    const outcome = await em.transactional(async (transaction) => {
      progress.hasBegun = true;
      if (dryRun) throw new DryRun(await run(transaction));
      return (progress.toCommit = await runOnce(transaction, run));
    });
    return committed(outcome);
  } catch (error) {
    if (error instanceof DryRun) return { outcome: { result: error.result } };
    const { hasBegun, toCommit } = progress;
    if (toCommit !== null && (await isDone(em, toCommit, error))) return committed(toCommit);
    return { failure: error, isUndone: !hasBegun || toCommit !== null };
  } finally {
    permit?.release();
  }
}

function committed(outcome: MarkedOutcome): Attempt {
  if (currentWork()?.idempotentMutation && !outcome.isReplay) idempotentMutations.inc({ result: 'done' });
  return { outcome };
}

/** Runs what the request has not done before. */
async function runOnce<Result>(
  transaction: SqlEntityManager,
  run: (em: SqlEntityManager) => Promise<Result>,
): Promise<MarkedOutcome> {
  const work = currentWork();
  const mutation = work?.idempotentMutation;
  if (!work || !mutation) return { result: await run(transaction), mark: commitMarkOf(transaction) };
  const kept = await findOutcome(transaction, mutation);
  work.isReplay = kept !== null && work.isReplay !== false;
  if (kept !== null) {
    await confirmAtCommit(transaction);
    return { ...kept, mark: undefined, isReplay: true };
  }
  const done = await runToOutcome(transaction, run);
  await keepOutcome(transaction, mutation, done);
  return done;
}

/** Runs up to an error that would come again: then nothing of it is left but that. */
async function runToOutcome<Result>(
  transaction: SqlEntityManager,
  run: (em: SqlEntityManager) => Promise<Result>,
): Promise<MarkedOutcome> {
  try {
    // A savepoint.
    return await transaction.transactional(async (em) => ({ result: await run(em), mark: commitMarkOf(em) }));
  } catch (error) {
    if (!isFinal(error)) throw error;
    return { error, mark: undefined };
  }
}

function resultOf<Result>(outcome: Outcome): Result {
  if ('error' in outcome) throw outcome.error;
  return outcome.result as Result;
}

/**
 * Whether a transaction that failed at its COMMIT was committed all the same.
 *
 * @throws OutcomeUnknownError
 */
async function isDone(
  em: SqlEntityManager,
  { mark, isReplay }: MarkedOutcome,
  error: unknown,
): Promise<boolean> {
  // It was done before; whether the standby has it is what its COMMIT waited for.
  if (isReplay && !isConnectionLost(error)) throw new OutcomeUnknownError(error);
  // Without a mark nothing was written but what is kept for an Idempotency-Key. A client that went away is not told.
  if (mark === undefined || isRolledBack(error)) return false;
  if (currentWork()?.abandonedWith instanceof ClientGoneError) return false;
  const fate = await fateOf(em, mark);
  if (fate === 'unconfirmed') throw new UnconfirmedError(error);
  if (fate === 'unknown') throw new OutcomeUnknownError(error);
  return fate === 'committed';
}

/** Waits for a permit to use a connection: the transaction takes one until it ends. */
async function acquirePermit(em: SqlEntityManager): Promise<Permit | undefined> {
  const work = currentWork();
  work?.throwIfAbandoned();
  const semaphore = connectionsOf(em)?.semaphore;
  return work === undefined ? undefined : semaphore?.acquire(work.callerKey ?? '', work, 'transaction');
}

/** Ends a dry run: what is thrown out of a transaction rolls it back. */
class DryRun extends Error {
  constructor(readonly result: unknown) {
    super('Dry run');
  }
}
