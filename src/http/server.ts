import { ApolloServer, HeaderMap, type HTTPGraphQLRequest } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginInlineTraceDisabled,
  ApolloServerPluginLandingPageDisabled,
} from '@apollo/server/plugin/disabled';
import cors, { type FastifyCorsOptions } from '@fastify/cors';
import Fastify, {
  LogController,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify';
import { MaxIntrospectionDepthRule, type GraphQLFormattedError } from 'graphql';
import { destination, type DestinationStream } from 'pino';
import { apiKeyScheme } from '../auth/api-key-scheme.js';
import { authenticate, type AuthScheme } from '../auth/authenticate.js';
import { bearerScheme } from '../auth/bearer-scheme.js';
import { identityOf, type Identity } from '../auth/caller.js';
import { DevIssuer } from '../auth/dev-issuer.js';
import { RemoteKeySet } from '../auth/key-set.js';
import { sendCompressed } from './compression.js';
import type { Config } from '../config.js';
import { Context, createRepositories } from '../app/context.js';
import type { Database } from '../database/database.js';
import { limitExceeded, toClientError, type MaskedError } from '../errors.js';
import { documentStore, persistedQueries } from '../graphql/apollo-cache.js';
import { executeBy } from '../graphql/apollo-executor.js';
import { createExecutor } from '../graphql/execution.js';
import { errorPlugin } from '../graphql/error-plugin.js';
import { limitsPlugin } from '../graphql/limits.js';
import { operationLogPlugin, type OperationLog } from '../graphql/operation-log.js';
import { RepeatedOperations, type RepeatedOperation } from '../graphql/repeated-operations.js';
import { schemaTexts } from '../domain/gateways/gateway-sdl.js';
import { serveGraphiql } from './graphiql/graphiql.js';
import { serveMetrics } from './metrics.js';
import { stringify } from '../sql-json/encoded-json.js';
import { createSchema } from '../app/schema.js';
import { Strategies } from '../domain/strategies/strategies.js';

/** Where the API is served. */
export const GRAPHQL_PATH = '/graphql';

/** Largest body of a request, in bytes. */
const MAX_BODY_BYTES = 100_000;
/** Most tokens of a document: it bounds what parsing costs. A list of 1,000 ids written out has some 1,000. */
const MAX_TOKENS = 5_000;
/** How long browsers may remember what a page of another origin may do, in seconds. */
const CORS_MAX_AGE_S = 600;
/** Longest time in which a request must have arrived, in ms. */
const REQUEST_TIMEOUT_MS = 30_000;
/** Longest wait for the database's answer to a readiness probe, in ms. */
const READINESS_TIMEOUT_MS = 2_000;

/** How much of the log is collected before it is written, in bytes, and how long it may wait, in ms. */
const LOG_BUFFER_BYTES = 16_000;
const LOG_DELAY_MS = 100;

declare module 'fastify' {
  interface FastifyRequest {
    /** What the log line of a GraphQL request tells beyond HTTP. */
    graphql?: OperationLog & { caller?: Identity };
  }
}

/**
 * Makes the HTTP server, not yet listening. Its `close()` finishes what it has and takes nothing new.
 *
 * @param demoKey an API key that GraphiQL begins with
 */
export async function createServer(
  config: Config,
  database: Database,
  demoKey: () => string | null = () => null,
): Promise<FastifyInstance> {
  const app = Fastify({
    logger: { level: config.logLevel, stream: logStream(config) },
    // Its lines name the request themselves: a logger of its own for each request would cost more than the line.
    childLoggerFactory: (logger) => logger,
    bodyLimit: MAX_BODY_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: 'idle',
    // A path that cannot be decoded, say.
    frameworkErrors: (error, request, reply) => void answerError(error, request, reply),
    logController: new LogController({ disableRequestLogging: true }),
  });
  logRequests(app);
  app.setErrorHandler<FastifyError>(answerError);
  app.setNotFoundHandler((_request, reply) =>
    answer(reply, 404, badRequest(`There is nothing here. The API is at ${GRAPHQL_PATH}.`)),
  );
  if (config.corsOrigins.length > 0) await app.register(cors, corsOptions(config.corsOrigins));
  serveHealth(app, database);
  serveMetrics(app, database);
  if (config.graphiql) serveGraphiql(app, demoKey);
  await serveGraphql(app, config, database);
  return app;
}

/**
 * Standard output. In production some lines at a time, because a write for each would be a tenth of the server's
 * work; what is left is written when the process exits.
 */
function logStream({ database }: Config): DestinationStream {
  if (database.kind === 'embedded') return destination({ sync: true });
  const options = { sync: false, minLength: LOG_BUFFER_BYTES, periodicFlush: LOG_DELAY_MS } as const;
  const lines = destination({ ...options, contentMode: 'buffer' });
  // Of texts it would count, and so copy, all that it has collected at each line. It is not typed for the other mode.
  return { write: (line) => void lines.write(Buffer.from(line) as unknown as string) };
}

/** One line per request. Headers and bodies are never logged: they carry secrets. */
function logRequests(app: FastifyInstance): void {
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

/** Errors outside of GraphQL look like those inside, so that clients need to understand one form only. */
function answerError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const status = error.statusCode ?? 500;
  if (status === 413) {
    const { message, extensions } = limitExceeded(
      `The body of a request may have ${MAX_BODY_BYTES} bytes at most.`,
    );
    return answer(reply, 413, { message, extensions });
  }
  if (status < 500) return answer(reply, status, badRequest(error.message));
  const masked = toClientError(error);
  if (masked.log) request.log[masked.log.level]({ err: error, errorId: masked.log.errorId }, 'masked error');
  const { http, ...extensions } = masked.clientError.extensions as { http?: { status: number } };
  return answer(reply, http?.status ?? 500, { message: masked.clientError.message, extensions });
}

function answer(reply: FastifyReply, status: number, error: GraphQLFormattedError): FastifyReply {
  return reply
    .code(status)
    .type('application/json; charset=utf-8')
    .send({ errors: [error] });
}

function badRequest(message: string): GraphQLFormattedError {
  return { message, extensions: { code: 'BAD_REQUEST' } };
}

/** Credentials are headers that pages set themselves, never cookies. */
function corsOptions(origins: Config['corsOrigins']): FastifyCorsOptions {
  return {
    origin: origins === 'all' ? '*' : [...origins],
    methods: ['GET', 'POST'],
    exposedHeaders: ['retry-after'],
    maxAge: CORS_MAX_AGE_S,
  };
}

/** `/health/live`: the process runs. `/health/ready`: it can serve; no once it is stopping. */
function serveHealth(app: FastifyInstance, database: Database): void {
  let stopping = false;
  app.addHook('preClose', (done) => {
    stopping = true;
    done();
  });
  app.get('/health/live', () => ({ status: 'live' }));
  app.get('/health/ready', async (request, reply) => {
    const reason = stopping ? 'stopping' : await unreadyReason(database, request);
    return reason === null
      ? { status: 'ready' }
      : reply.code(503).header('retry-after', '1').send({ status: 'not ready', reason });
  });
}

async function unreadyReason(database: Database, request: FastifyRequest): Promise<string | null> {
  const timeout = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => timeout.reject(new Error('The database did not answer in time.')),
    READINESS_TIMEOUT_MS,
  );
  try {
    const ready = await Promise.race([database.isReady(), timeout.promise]);
    return ready ? null : "the database does not hold GAME's tables: run npm run migrate";
  } catch (error) {
    request.log.warn({ err: error }, 'not ready');
    return 'the database does not answer';
  } finally {
    clearTimeout(timer);
  }
}

async function serveGraphql(app: FastifyInstance, config: Config, database: Database): Promise<void> {
  const repositories = createRepositories(database.em, new Strategies(config.strategies));
  const schemes = [apiKeyScheme(database.em), await bearer(config)];
  const logMasked = (log: NonNullable<MaskedError['log']>, error: unknown): void => {
    app.log[log.level]({ err: error, errorId: log.errorId }, 'masked error');
  };
  const schema = createSchema();
  const texts = config.introspection ? schemaTexts(schema) : null;
  const run = createExecutor(schema);
  const repeated = new RepeatedOperations();
  const { gateway, executorPlugin, fail } = executeBy(schema, run, repeated);
  const apollo = new ApolloServer<Context>({
    gateway,
    documentStore: documentStore(),
    cache: persistedQueries(),
    introspection: config.introspection,
    includeStacktraceInErrorResponses: false,
    stopOnTerminationSignals: false,
    parseOptions: { maxLexicalTokens: MAX_TOKENS },
    validationOptions: { maxErrors: 20 },
    validationRules: [MaxIntrospectionDepthRule],
    logger: app.log,
    stringifyResult: bodyOf,
    formatError: (formatted, error) => hideUnknown(formatted, error, logMasked),
    plugins: [
      ApolloServerPluginCacheControlDisabled(),
      ApolloServerPluginInlineTraceDisabled(),
      ApolloServerPluginLandingPageDisabled(),
      errorPlugin(logMasked),
      operationLogPlugin,
      limitsPlugin,
      executorPlugin,
    ],
  });
  await apollo.start();
  app.addHook('onClose', () => apollo.stop());

  app.route({
    method: ['GET', 'POST'],
    url: GRAPHQL_PATH,
    handler: async (request, reply) => {
      request.graphql = {};
      let made: Promise<Context> | undefined;
      const context = (): Promise<Context> => (made ??= contextOf(request));
      const operation = repeated.find(request);
      const answered = operation && (await answerRepeated(operation, context));
      if (answered) return sendCompressed(request, reply.type(operation.contentType), answered);
      const response = await apollo.executeHTTPGraphQLRequest({
        httpGraphQLRequest: toGraphqlRequest(request),
        context,
      });
      reply.code(response.status ?? 200);
      for (const [name, value] of response.headers) reply.header(name, value);
      if (response.body.kind === 'chunked') throw new Error('Incremental delivery is not served.');
      if (reply.statusCode === 200)
        repeated.accept(request.headers.accept, response.headers.get('content-type'));
      return sendCompressed(request, reply, response.body.string);
    },
  });

  async function contextOf(request: FastifyRequest): Promise<Context> {
    try {
      const viewer = await authenticate(schemes, request.raw);
      request.graphql = { caller: identityOf(viewer) };
      return new Context(viewer, repositories, request.graphql, texts);
    } catch (error) {
      const masked = toClientError(error);
      if (masked.log) logMasked(masked.log, error);
      throw masked.clientError;
    }
  }

  /** The body of the answer; null where it is for Apollo to say what went wrong. */
  async function answerRepeated(
    operation: RepeatedOperation,
    context: () => Promise<Context>,
  ): Promise<string | null> {
    const made = await context().catch(() => null);
    if (made === null) return null;
    const result = await run({ ...operation, context: made });
    if (result.errors) {
      fail(made, result);
      return null;
    }
    made.log.operation = operation.logName;
    return bodyOf(result);
  }
}

/** An answer as it is sent. */
function bodyOf(result: object): string {
  return `${stringify(result)}\n`;
}

/** Bearer tokens come from the configured issuer, or from the development issuer of an embedded database. */
async function bearer({ oauth, adminRole, database }: Config): Promise<AuthScheme> {
  if (oauth !== null) return bearerScheme({ ...oauth, adminRole }, new RemoteKeySet(oauth.jwksUrl).getKey);
  if (database.kind === 'postgresql') return bearerScheme(null, null);
  const issuer = await DevIssuer.open(database.directory);
  return bearerScheme(issuer.settings(adminRole), issuer.getKey);
}

/** The headers that Apollo looks at; none of them is ever an array. */
const APOLLO_HEADERS = ['content-type', 'accept', 'x-apollo-operation-name', 'apollo-require-preflight'];

function toGraphqlRequest(request: FastifyRequest): HTTPGraphQLRequest {
  const headers = new HeaderMap();
  for (const name of APOLLO_HEADERS) {
    const value = request.headers[name];
    if (typeof value === 'string') headers.set(name, value);
  }
  const query = request.url.indexOf('?');
  return {
    method: request.method,
    headers,
    search: query === -1 ? '' : request.url.slice(query),
    body: request.body,
  };
}

/** The last net: whatever came past `errorPlugin` without being made for clients is hidden here. */
function hideUnknown(
  formatted: GraphQLFormattedError,
  error: unknown,
  logMasked: (log: NonNullable<MaskedError['log']>, error: unknown) => void,
): GraphQLFormattedError {
  if (formatted.extensions?.['code'] !== 'INTERNAL_SERVER_ERROR' || 'errorId' in formatted.extensions) {
    return formatted;
  }
  const { clientError, log } = toClientError(
    error instanceof Error && 'originalError' in error ? error.originalError : error,
  );
  if (log) logMasked(log, error);
  const { message, extensions } = clientError;
  return { ...formatted, message, extensions: { ...extensions } };
}
