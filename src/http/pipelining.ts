import type { FastifyInstance } from 'fastify';
import type { Socket } from 'node:net';

/** How many requests of one connection may begin within one turn of the event loop. */
const MAX_IN_ONE_TURN = 20;

/**
 * Ends connections that send many requests without waiting for answers. Hundreds of them fit into one packet, and all
 * of these would be answered before anybody else is heard. Browsers, HTTP libraries and proxies send one after the
 * other.
 */
export function boundPipelining(app: FastifyInstance): void {
  let turn = 0;
  let isCounted = false;
  const begun = new WeakMap<Socket, { turn: number; count: number }>();
  app.addHook('onRequest', ({ raw: { socket } }, _reply, done) => {
    if (!isCounted) {
      isCounted = true;
      setImmediate(() => {
        turn++;
        isCounted = false;
      });
    }
    const own = begun.get(socket);
    if (own === undefined) begun.set(socket, { turn, count: 1 });
    else if (own.turn !== turn) Object.assign(own, { turn, count: 1 });
    else if (++own.count > MAX_IN_ONE_TURN) {
      socket.destroy();
      return;
    }
    done();
  });
}
