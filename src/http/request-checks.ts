import type { FastifyInstance } from 'fastify';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { badRequest } from '../errors.js';
import { answer } from './error-responses.js';

/**
 * How many requests of one connection may begin in one turn of the event loop. Hundreds fit into one packet, and all of
 * these would be answered before anybody else is heard. Browsers, HTTP libraries and proxies send one after the other.
 */
const MAX_IN_ONE_TURN = 20;
/** After so many the end of the turn is waited for: to wait for each end would cost more than the rest of this. */
const WAIT_AFTER = 5;

/** How many chunks a body may come in: a byte at a time, each costs as much as a packet. */
const MAX_CHUNKS = 5_000;

/**
 * What holds for every request, before its route. No cache may keep the answer, unless its route says so: most depend on
 * who asks. What has no host is refused. A connection that sends many requests at once is ended, and so is one that sends a body in very many chunks.
 */
export function checkRequests(app: FastifyInstance): void {
  const connections = new WeakMap<Socket, { begun: number }>();
  app.addHook('onRequest', ({ raw }, reply, done) => {
    let connection = connections.get(raw.socket);
    if (connection === undefined) connections.set(raw.socket, (connection = { begun: 0 }));
    if (++connection.begun === WAIT_AFTER) setImmediate(forget, connection);
    if (connection.begun > MAX_IN_ONE_TURN) {
      raw.socket.destroy();
      return;
    }
    if (raw.headers['transfer-encoding'] !== undefined) boundChunks(raw);
    reply.header('cache-control', 'no-store');
    if (raw.headers.host !== undefined || raw.httpVersion !== '1.1') done();
    else answer(reply.header('connection', 'close'), badRequest('The Host header is missing.', 400));
  });
}

function forget(connection: { begun: number }): void {
  connection.begun = 0;
}

function boundChunks(request: IncomingMessage): void {
  let chunks = 0;
  request.on('data', () => {
    if (++chunks > MAX_CHUNKS) request.socket.destroy();
  });
}
