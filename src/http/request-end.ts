import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

/** What a client that went away before it was answered is noted with, as nginx has it. */
const CLIENT_CLOSED_REQUEST = 499;

/** @param status of the answer; 499 where the client went away before it began */
type EndListener = (request: FastifyRequest, reply: FastifyReply, status: number) => void;

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
      for (const listener of listeners) listener(request, reply, status);
    });
    done();
  });
}
