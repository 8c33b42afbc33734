import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { Counter } from 'prom-client';
import sql from 'sql-template-tag';
import { conflict, limitExceeded, serviceUnavailable } from '../errors.js';
import { query, queryReserved } from './query.js';

/** How long what a mutation came to is kept, in hours. */
const KEPT_HOURS = 24;
/** Maximum length, in characters, of what is kept of one mutation. */
const MAX_LENGTH = 200_000;
/** Maximum number of rows that one sweep deletes: the next one follows soon. */
const SWEEP_ROWS = 10_000;

/** What a mutation came to: the result of its transaction, or an error that a retry would get again. */
export type Outcome = { readonly result: unknown } | { readonly error: Error };

/** A mutation that is to be done once, however often it is sent. */
export interface IdempotentMutation {
  /** Whose key it is. Keys of two callers never meet. */
  readonly owner: string;
  /** The client's key. */
  readonly key: string;
  /** A digest of the operation that the key was sent with. */
  readonly request: string;
  /** The response name of the mutation that runs now: an operation may have several. */
  field: string;
  readonly encode: (outcome: Outcome) => string;
  readonly decode: (text: string) => Outcome;
}

interface KeptRow {
  readonly field: string;
  readonly request: string;
  readonly outcome: string;
}

const RESULTS = ['done', 'replayed', 'still_running', 'other_operation'] as const;

/** Counts mutations that came with an Idempotency-Key, by what came of the key. */
export const idempotentMutations = new Counter({
  name: 'graphql_idempotent_mutations_total',
  help: 'Mutations with an Idempotency-Key: done for the first time, replayed, or refused because the first request was still running or the key was that of another operation.',
  labelNames: ['result'] as const,
  registers: [],
});
for (const result of RESULTS) idempotentMutations.inc({ result }, 0);

/**
 * What the mutation came to when it was sent before; null: it was not. Nobody else runs an operation of this key until
 * the transaction ends.
 *
 * @throws SERVICE_UNAVAILABLE while another request with this key runs; CONFLICT when another operation had it
 */
export async function findOutcome(
  em: SqlEntityManager,
  { owner, key, request, field, decode }: IdempotentMutation,
): Promise<Outcome | null> {
  const name = JSON.stringify([owner, key]);
  const [lock] = await query<{ isMine: boolean }>(
    em,
    sql`SELECT pg_try_advisory_xact_lock(hashtextextended(${name}, 2)) AS "isMine"`,
  );
  if (lock?.isMine !== true) {
    idempotentMutations.inc({ result: 'still_running' });
    throw serviceUnavailable('A request with this Idempotency-Key is still running. Try again shortly.');
  }
  // A statement of its own: its snapshot has all that was committed before the lock was free.
  const kept = await query<KeptRow>(
    em,
    sql`SELECT field, request, outcome FROM game_graphql_idempotency_keys
        WHERE owner = ${owner} AND key = ${key} AND created_at > clock_timestamp() - make_interval(hours => ${KEPT_HOURS})`,
  );
  if (kept.some((row) => row.request !== request)) {
    idempotentMutations.inc({ result: 'other_operation' });
    throw conflict(
      'This Idempotency-Key was sent with another operation. Send a new key with each operation.',
    );
  }
  const row = kept.find((candidate) => candidate.field === field);
  if (row === undefined) return null;
  idempotentMutations.inc({ result: 'replayed' });
  return decode(row.outcome);
}

/**
 * Keeps what the mutation came to, in its own transaction.
 *
 * @throws LIMIT_EXCEEDED when that is too long to be kept
 */
export async function keepOutcome(
  em: SqlEntityManager,
  { owner, key, request, field, encode }: IdempotentMutation,
  outcome: Outcome,
): Promise<void> {
  const text = encode(outcome);
  if (text.length > MAX_LENGTH) {
    throw limitExceeded(
      `What a mutation with an Idempotency-Key returns may have ${MAX_LENGTH} characters at most; this has ${text.length}. Nothing was written. Ask for less.`,
    );
  }
  await query(
    em,
    sql`INSERT INTO game_graphql_idempotency_keys (owner, key, field, request, outcome, created_at)
        VALUES (${owner}, ${key}, ${field}, ${request}, ${text}, clock_timestamp())
        ON CONFLICT (owner, key, field) DO UPDATE
          SET request = excluded.request, outcome = excluded.outcome, created_at = excluded.created_at`,
  );
}

/** Deletes what has been kept for long enough. */
export async function sweepOutcomes(em: SqlEntityManager): Promise<void> {
  await queryReserved(
    em,
    sql`DELETE FROM game_graphql_idempotency_keys WHERE ctid = ANY (ARRAY(
          SELECT ctid FROM game_graphql_idempotency_keys
          WHERE created_at < clock_timestamp() - make_interval(hours => ${KEPT_HOURS})
          ORDER BY created_at LIMIT ${SWEEP_ROWS}))`,
  );
}
