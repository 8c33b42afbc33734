import type { FastifyInstance } from 'fastify';
import { destination, type DestinationStream } from 'pino';
import type { Config } from '../config.js';
import { LogOutput } from './log-output.js';

/** Standard output: at once where a developer reads it, in production some lines at a time. */
export function logStream({ database }: Config): DestinationStream {
  return database.kind === 'embedded' ? destination({ sync: true }) : new LogOutput();
}

/** One line per request. Headers and bodies are never logged: they carry secrets. */
export function logRequests(app: FastifyInstance): void {
  app.decorateRequest('graphql');
  app.addHook('onResponse', (request, reply, done) => {
    request.log.info(
      {
        reqId: request.id,
        method: request.method,
        path: request.url.split('?', 1)[0],
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime * 10) / 10,
        ...request.graphql,
      },
      'request',
    );
    done();
  });
}
