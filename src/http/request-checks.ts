import type { FastifyInstance } from 'fastify';
import { badRequest } from '../errors.js';
import { answer } from './error-responses.js';

/**
 * How many requests of one connection may begin at once. Hundreds fit into one packet, and all of these would be answered
 * before anybody else is heard. Browsers, HTTP libraries and proxies send one after the other.
 */
const MAX_AT_ONCE = 20;

/**
 * What holds for every request, before its route. No cache may keep the answer, unless its route says so: most depend on
 * who asks. What has no host is refused. A connection that sends many requests at once is ended.
 */
export function checkRequests(app: FastifyInstance): void {
  // Node reads a packet, and begins all requests in it, before anything else runs: they are of one connection.
  let begun = 0;
  const endOfPacket = (): void => {
    begun = 0;
  };
  app.addHook('onRequest', ({ raw }, reply, done) => {
    if (begun++ === 0) process.nextTick(endOfPacket);
    if (begun > MAX_AT_ONCE) {
      raw.socket.destroy();
      return;
    }
    reply.header('cache-control', 'no-store');
    if (raw.headers.host !== undefined || raw.httpVersion !== '1.1') done();
    else answer(reply.header('connection', 'close'), badRequest('The Host header is missing.', 400));
  });
}
