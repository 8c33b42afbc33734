import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '../database/database.js';
import { problemOf, warningsOf } from '../app/database-check.js';
import { sqlState } from '../errors.js';

/** Longest wait for the database's answer to a readiness probe, in ms. */
const READINESS_TIMEOUT_MS = 2_000;
/** How often a server that has not been ready yet tells why, in ms. */
const REPEAT_MS = 10_000;

/** `/health/live`: the process runs. `/health/ready`: it can serve; no once it is stopping. */
export function serveHealth(app: FastifyInstance, database: Database): void {
  let stopping = false;
  app.addHook('preClose', (done) => {
    stopping = true;
    done();
  });
  app.get('/health/live', () => ({ status: 'live' }));
  app.get('/health/ready', async (request, reply) => {
    const reason = stopping ? 'stopping' : await checkReadiness(database, request.log);
    return reason === null
      ? { status: 'ready' }
      : reply.code(503).header('retry-after', '1').send({ status: 'not ready', reason });
  });
}

/**
 * Logs when the server can serve: `ready`, and what does not work. Until then it logs why not, at once and again every
 * ten seconds.
 */
export async function announceReadiness(
  database: Database,
  log: FastifyBaseLogger,
  ready: string,
  signal: AbortSignal,
): Promise<void> {
  try {
    while ((await checkReadiness(database, log)) !== null) await delay(REPEAT_MS, undefined, { signal });
    log.info(ready);
    for (const warning of await warningsOf(database.em)) log.warn(warning);
  } catch (error) {
    if (!signal.aborted) log.warn({ err: error }, 'Rights and migrations could not be looked at.');
  }
}

/** Why the server cannot serve, logged too; null: it can. */
async function checkReadiness(database: Database, log: FastifyBaseLogger): Promise<string | null> {
  const timeout = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => timeout.reject(new Error('The database did not answer in time.')),
    READINESS_TIMEOUT_MS,
  );
  try {
    const reason = await Promise.race([problemOf(database.em), timeout.promise]);
    if (reason !== null) log.warn({ reason }, 'not ready');
    return reason;
  } catch (error) {
    const reason = causeOf(error);
    log.warn({ reason, err: error }, 'not ready');
    return reason;
  } finally {
    clearTimeout(timer);
  }
}

/** Why the database cannot be asked, by SQLSTATE. */
const CAUSES: ReadonlyMap<string | undefined, string> = new Map([
  ['28P01', 'the database refuses the user or the password of DATABASE_URL'],
  ['28000', 'the database lets nobody in as the user of DATABASE_URL from here: see its pg_hba.conf'],
  ['3D000', 'there is no database with the name in DATABASE_URL'],
  ['42501', 'the database role lacks rights: grant it the rights that docs/operating.md lists'],
  ['53300', 'the database has no connection left: see its max_connections'],
  ['57P03', 'the database is starting or stopping'],
]);

/** What whoever asks for readiness is told: nothing of it is secret, and nothing tells addresses or certificates. */
function causeOf(error: unknown): string {
  const cause = CAUSES.get(sqlState(error));
  if (cause !== undefined) return cause;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const message = error instanceof Error ? error.message : '';
  if (code === 'ECONNREFUSED')
    return 'the database does not answer: nobody listens at the address in DATABASE_URL';
  if (code === 'ENOTFOUND') return 'the database does not answer: the host in DATABASE_URL is unknown';
  if (/SSL|TLS|certificate/i.test(`${code} ${message}`))
    return 'no TLS connection to the database: the log says why';
  return 'the database does not answer';
}
