import type { FastifyInstance } from 'fastify';
import type { Socket } from 'node:net';

/** How many requests of one connection may be unanswered. */
const MAX_UNANSWERED = 20;

/**
 * Ends connections that send many requests without waiting for answers. Hundreds of them fit into one packet, and all
 * of these would be answered before anybody else is heard. Browsers, HTTP libraries and proxies send one after the
 * other.
 */
export function boundPipelining(app: FastifyInstance): void {
  const connections = new WeakMap<Socket, { unanswered: number }>();
  app.addHook('onRequest', ({ raw: { socket } }, _reply, done) => {
    let connection = connections.get(socket);
    if (connection === undefined) {
      connection = { unanswered: 0 };
      connections.set(socket, connection);
    }
    if (++connection.unanswered > MAX_UNANSWERED) socket.destroy();
    else done();
  });
  app.addHook('onResponse', ({ raw: { socket } }, _reply, done) => {
    const connection = connections.get(socket);
    if (connection) connection.unanswered--;
    done();
  });
}
