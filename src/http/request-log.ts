import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { destination, type DestinationStream } from 'pino';
import type { Config } from '../config.js';
import { LogOutput } from './log-output.js';

/** Longest path that is logged where no route has it, in characters. */
const MAX_PATH_LENGTH = 100;

/** Standard output: at once where a developer reads it, in production some lines at a time. */
export function logStream({ database }: Config): DestinationStream {
  return database.kind === 'embedded' ? destination({ sync: true }) : new LogOutput();
}

/**
 * One line per request; docs/signals.md describes it. Headers, bodies, query strings and values are never logged: they
 * carry secrets. Every answer has the id of its request, by which its line is found.
 */
export function logRequests(app: FastifyInstance): void {
  app.decorateRequest('graphql');
  app.decorateRequest('work');
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    done();
  });
  app.onRequestEnd((request, reply, status, route) => {
    app.log.info(lineOf(request, reply, status, route), 'request');
  });
}

function lineOf(
  request: FastifyRequest,
  reply: FastifyReply,
  status: number,
  route: string | undefined,
): object {
  const { graphql, work, budget } = request;
  return {
    reqId: request.id,
    traceId: request.trace?.traceId,
    method: request.method,
    path: route ?? shownPath(request.url),
    status,
    ms: rounded(reply.elapsedTime),
    bytes: Number(reply.getHeader('content-length') ?? 0),
    caller: graphql?.caller,
    operation: graphql?.operation?.text,
    errors: graphql?.errors,
    limitedBy: graphql?.limitedBy,
    cost: budget?.actual,
    ...(work && { statements: work.statements, databaseMs: rounded(work.databaseMs + work.commitMs) }),
  };
}

/** The path of a request that no route has. One that begins with a host may have a password before that. */
function shownPath(url: string): string {
  return url.startsWith('/') ? (url.split(/[?#;]/, 1)[0] ?? '').slice(0, MAX_PATH_LENGTH) : 'none';
}

const rounded = (ms: number): number => Math.round(ms * 10) / 10;
