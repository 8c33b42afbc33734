import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ErrorCode } from '../errors.js';

/** What a client that went away before it was answered is noted with, as nginx has it. */
const CLIENT_CLOSED_REQUEST = 499;

/** What came of a request to the API. `client_gone`: the client did not wait for the answer. */
export type Outcome = 'ok' | 'client_error' | 'server_error' | 'client_gone';

/** Codes of errors that are no fault of the client's. */
const SERVER_ERRORS: ReadonlySet<unknown> = new Set<ErrorCode>([
  'INTERNAL_SERVER_ERROR',
  'SERVICE_UNAVAILABLE',
  'OUTCOME_UNKNOWN',
  'MIGRATION_REQUIRED',
]);

/**
 * @param status of the answer; 499 where the client went away before it began
 * @param route undefined where there is none for the request
 */
type EndListener = (
  request: FastifyRequest,
  reply: FastifyReply,
  status: number,
  route: string | undefined,
) => void;

declare module 'fastify' {
  interface FastifyInstance {
    /** Has `listener` called once for each request: when its answer is sent, or when its client goes away before. */
    onRequestEnd(listener: EndListener): void;
  }
}

/** Fastify's own hook `onResponse` does not run for a client that went away. */
export function tellRequestEnds(app: FastifyInstance): void {
  const listeners: EndListener[] = [];
  app.decorate('onRequestEnd', (listener) => void listeners.push(listener));
  app.addHook('onRequest', (request, reply, done) => {
    reply.raw.on('close', () => {
      const status = reply.raw.headersSent ? reply.statusCode : CLIENT_CLOSED_REQUEST;
      // Looked up once: Fastify makes the object anew each time.
      const route = request.routeOptions.url;
      for (const listener of listeners) listener(request, reply, status, route);
    });
    done();
  });
}

/** What came of a request that has ended. @param status as its listener was told */
export function outcomeOf({ graphql }: FastifyRequest, { raw }: FastifyReply, status: number): Outcome {
  if (!raw.writableFinished) return 'client_gone';
  const { errors = [] } = graphql ?? {};
  if (status >= 500 || errors.some((code) => SERVER_ERRORS.has(code))) return 'server_error';
  return errors.length > 0 || status >= 400 ? 'client_error' : 'ok';
}
