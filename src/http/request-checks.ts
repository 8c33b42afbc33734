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
/** The reset of the counter is scheduled at this many requests: scheduling it for each one would cost too much. */
const WAIT_AFTER = 5;

/** How many chunks a body may come in: a byte at a time, each costs as much as a packet. */
const MAX_CHUNKS = 5_000;

/**
 * What holds for every request, before its route. No cache may keep the answer, unless its route says so: most depend on
 * who asks. What names no host, or several, is refused. A connection that sends many requests at once is ended, and so is
 * one that sends a body in very many chunks.
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
    const problem = problemOfHost(raw);
    if (problem === null) done();
    else answer(reply.header('connection', 'close'), badRequest(problem, 400));
  });
}

function forget(connection: { begun: number }): void {
  connection.begun = 0;
}

/** What is wrong with the Host header (RFC 9112, 3.2); null: nothing. Node hands on the first of several. */
function problemOfHost({ httpVersion, rawHeaders }: IncomingMessage): string | null {
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? '';
    if (name.length === 4 && name.toLowerCase() === 'host') hosts++;
  }
  if (hosts > 1) return 'There must be one Host header at most.';
  return hosts === 1 || httpVersion !== '1.1' ? null : 'The Host header is missing.';
}

function boundChunks(request: IncomingMessage): void {
  let chunks = 0;
  // A 'data' listener would start the flow; the body must not flow before its parser listens.
  request.pause();
  request.on('data', () => {
    if (++chunks > MAX_CHUNKS) request.socket.destroy();
  });
}
