import type { FastifyInstance } from 'fastify';
import { destination, type DestinationStream } from 'pino';
import type { Config } from '../config.js';

/** How much of the log is collected before it is written, in bytes, and how long it may wait, in ms. */
const LOG_BUFFER_BYTES = 16_000;
const LOG_DELAY_MS = 100;

/**
 * Standard output. In production some lines at a time, because a write for each would be a tenth of the server's
 * work; what is left is written when the process exits.
 */
export function logStream({ database }: Config): DestinationStream {
  if (database.kind === 'embedded') return destination({ sync: true });
  const options = { sync: false, minLength: LOG_BUFFER_BYTES, periodicFlush: LOG_DELAY_MS } as const;
  const lines = destination({ ...options, contentMode: 'buffer' });
  // Of texts it would count, and so copy, all that it has collected at each line. It is not typed for the other mode.
  return { write: (line) => void lines.write(Buffer.from(line) as unknown as string) };
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
