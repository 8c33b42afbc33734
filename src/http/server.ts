import cors, { type FastifyCorsOptions } from '@fastify/cors';
import Fastify, { LogController, type FastifyError, type FastifyInstance } from 'fastify';
import type { Config } from '../config.js';
import type { Database } from '../database/database.js';
import { currentWork } from '../database/work.js';
import { createMask } from '../graphql/masking.js';
import { Admission, maxRunning } from './admission.js';
import { answerClientError, answerExpectation, answerNotFound, errorResponses } from './error-responses.js';
import { serveGraphiql } from './graphiql/graphiql.js';
import { GRAPHQL_PATH, serveGraphql } from './graphql-route.js';
import { serveHealth } from './health.js';
import { readJsonBodies } from './json-body.js';
import { serveMetrics } from './metrics.js';
import { checkRequests } from './request-checks.js';
import { tellRequestEnds } from './request-end.js';
import { requestIdOf } from './request-id.js';
import { logRequests, logStream } from './request-log.js';
import { finishBeforeClose } from './shutdown.js';

/** Largest body of a request, in bytes. */
const MAX_BODY_BYTES = 100_000;
/** How long browsers may remember what a page of another origin may do, in seconds. */
const CORS_MAX_AGE_S = 600;
/** Longest time in which a request must have arrived, in ms. */
const REQUEST_TIMEOUT_MS = 30_000;

/**
 * Makes the HTTP server, not yet listening. Its `close()` finishes what it has, and refuses what comes meanwhile.
 *
 * @param demoKey an API key that GraphiQL begins with
 */
export async function createServer(
  config: Config,
  database: Database,
  demoKey: () => string | null = () => null,
): Promise<FastifyInstance> {
  const mask = createMask({
    error: (details, message) => app.log.error({ ...details, ...requestInfo() }, message),
    warn: (details, message) => app.log.warn({ ...details, ...requestInfo() }, message),
  });
  database.onWarning((message) => app.log.warn(message));
  database.replicas?.start((message) => app.log.warn(message));
  const answerError = errorResponses(mask, MAX_BODY_BYTES);
  const app: FastifyInstance = Fastify({
    logger: { level: config.logLevel, stream: logStream(config) },
    // Its lines name the request themselves: a logger of its own for each request would cost more than the line.
    childLoggerFactory: (logger) => logger,
    genReqId: requestIdOf,
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: 'idle',
    // A stop takes longer than it allows its plugins.
    pluginTimeout: 0,
    // While it stops, requests are answered or refused by their routes, and are the last of their connections.
    return503OnClosing: false,
    // Fastify's hook checks it, because Node would answer without a body.
    http: { requireHostHeader: false },
    trustProxy: config.trustedProxies.length > 0 && [...config.trustedProxies],
    clientErrorHandler: answerClientError,
    // A path that cannot be decoded, say.
    frameworkErrors: (error, request, reply) => {
      answerError(error, reply.header('x-request-id', request.id));
    },
    logController: new LogController({ disableRequestLogging: true }),
  });
  app.server.on('checkExpectation', answerExpectation);
  tellRequestEnds(app);
  logRequests(app);
  if (config.traces !== null) {
    // Loaded only where it is used.
    const { traceRequests } = await import('./tracing.js');
    traceRequests(app, config.traces, config.database, GRAPHQL_PATH);
  }
  checkRequests(app);
  readJsonBodies(app);
  app.setErrorHandler<FastifyError>((error, _request, reply) => answerError(error, reply));
  answerNotFound(app);
  if (config.corsOrigins.length > 0) await app.register(cors, corsOptions(config.corsOrigins));
  serveHealth(app, database);
  const { database: data } = config;
  const admission = new Admission(maxRunning(data.kind === 'postgresql' ? data.poolMax : 1));
  serveMetrics(app, database, admission);
  if (config.graphiql) serveGraphiql(app, demoKey);
  finishBeforeClose(app, admission, config.shutdownDelayMs);
  await serveGraphql(app, config, database, mask, answerError, admission);
  return app;
}

/** Of the request that an error belongs to. */
function requestInfo(): { readonly reqId?: string } {
  const reqId = currentWork()?.requestId;
  return reqId === undefined ? {} : { reqId };
}

/** Credentials are headers that pages set themselves, never cookies. */
function corsOptions(origins: Config['corsOrigins']): FastifyCorsOptions {
  return {
    origin: origins === 'all' ? '*' : [...origins],
    methods: ['GET', 'POST'],
    exposedHeaders: [
      'retry-after',
      'ratelimit',
      'ratelimit-policy',
      'idempotency-replayed',
      'x-request-id',
      'wal-position',
    ],
    maxAge: CORS_MAX_AGE_S,
    strictPreflight: false,
  };
}
