import type { FastifyBaseLogger, FastifyInstance } from 'fastify';
import type { Database } from '../database/database.js';

/** Longest wait for the database's answer to a readiness probe, in ms. */
const READINESS_TIMEOUT_MS = 2_000;

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

/** Why the server cannot serve, logged too; null: it can. */
export async function checkReadiness(database: Database, log: FastifyBaseLogger): Promise<string | null> {
  const timeout = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => timeout.reject(new Error('The database did not answer in time.')),
    READINESS_TIMEOUT_MS,
  );
  try {
    const reason = await Promise.race([database.unreadyReason(), timeout.promise]);
    if (reason !== null) log.warn({ reason }, 'not ready');
    return reason;
  } catch (error) {
    log.warn({ err: error }, 'not ready');
    return 'the database does not answer';
  } finally {
    clearTimeout(timer);
  }
}
