import { Counter } from 'prom-client';

const WHAT = ['statement', 'transaction'] as const;
const REASONS = ['collision', 'connection_lost', 'read_only', 'stale_statement'] as const;

/** Counts what was sent to PostgreSQL again. */
export const retries = new Counter({
  name: 'database_retries_total',
  help: 'Statements and transactions that were run again: after a collision with another one, after a connection was lost or led to a server that can only be read, or because a prepared statement was stale.',
  labelNames: ['what', 'reason'] as const,
  registers: [],
});
for (const what of WHAT) for (const reason of REASONS) retries.inc({ what, reason }, 0);
