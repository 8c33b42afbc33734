import type { FastifyInstance } from 'fastify';
import type { Socket } from 'node:net';

/** How many requests of one connection may be answered at a time. */
const MAX_PIPELINED = 20;

/**
 * Ends connections that send many requests without waiting for answers. Hundreds of them fit into one packet, and all
 * of these would be begun at once. Browsers, HTTP libraries and proxies send one after the other.
 */
export function boundPipelining(app: FastifyInstance): void {
  const requests = new WeakMap<Socket, number>();
  app.addHook('onRequest', ({ raw: { socket } }, _reply, done) => {
    const count = (requests.get(socket) ?? 0) + 1;
    requests.set(socket, count);
    if (count > MAX_PIPELINED) socket.destroy();
    else done();
  });
  app.addHook('onResponse', ({ raw: { socket } }, _reply, done) => {
    requests.set(socket, (requests.get(socket) ?? 1) - 1);
    done();
  });
}
