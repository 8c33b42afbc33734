import type { FastifyInstance, FastifyRequest } from 'fastify';
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
    const reason = stopping ? 'stopping' : await unreadyReason(database, request);
    return reason === null
      ? { status: 'ready' }
      : reply.code(503).header('retry-after', '1').send({ status: 'not ready', reason });
  });
}

async function unreadyReason(database: Database, request: FastifyRequest): Promise<string | null> {
  const timeout = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => timeout.reject(new Error('The database did not answer in time.')),
    READINESS_TIMEOUT_MS,
  );
  try {
    const ready = await Promise.race([database.isReady(), timeout.promise]);
    return ready ? null : "the database does not hold GAME's tables: run npm run migrate";
  } catch (error) {
    request.log.warn({ err: error }, 'not ready');
    return 'the database does not answer';
  } finally {
    clearTimeout(timer);
  }
}
