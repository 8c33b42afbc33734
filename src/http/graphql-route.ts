import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Context, createRepositories, type OperationLog } from '../app/context.js';
import { createSchema } from '../app/schema.js';
import { apiKeyScheme } from '../auth/api-key-scheme.js';
import { authenticate, type AuthScheme } from '../auth/authenticate.js';
import { bearerScheme } from '../auth/bearer-scheme.js';
import { identityOf, callerKeyOf, type Identity } from '../auth/caller.js';
import { DevIssuer } from '../auth/dev-issuer.js';
import { RemoteKeySet } from '../auth/key-set.js';
import type { Config } from '../config.js';
import type { Database } from '../database/database.js';
import { sweepOutcomes } from '../database/idempotency.js';
import { Work } from '../database/work.js';
import { isDatabaseUnavailable, isMissingOwnTable } from '../errors.js';
import { gatewaySdl } from '../domain/gateways/gateway-sdl.js';
import { Strategies } from '../domain/strategies/strategies.js';
import { Endpoint } from '../graphql/endpoint.js';
import { idempotencyKeyOf } from '../graphql/idempotency.js';
import type { Mask } from '../graphql/masking.js';
import { credentialOf, type Admission } from './admission.js';
import { sendCompressed } from './compression.js';
import { queryStringOf } from './query-string.js';

/** How often is deleted what was kept for Idempotency-Keys, in ms. */
const SWEEP_MS = 60_000;

/** Where the API is served. */
export const GRAPHQL_PATH = '/graphql';

declare module 'fastify' {
  interface FastifyRequest {
    /** What the log line of a GraphQL request tells beyond HTTP. */
    graphql?: OperationLog & { caller?: Identity };
  }
}

/** Serves the API: who is asking, then the GraphQL endpoint. */
export async function serveGraphql(
  app: FastifyInstance,
  config: Config,
  database: Database,
  mask: Mask,
  admission: Admission,
): Promise<void> {
  const repositories = createRepositories(
    database.em,
    new Strategies(config.strategies),
    config.maxResponseBytes,
  );
  const schemes = [apiKeyScheme(database.em), await bearer(config)];
  const schema = createSchema();
  const sdl = config.introspection ? gatewaySdl(schema) : null;
  const endpoint = await Endpoint.start(schema, {
    introspection: config.introspection,
    mask,
    logger: app.log,
  });
  sweepRegularly(app, database);
  for (const url of [GRAPHQL_PATH, `${GRAPHQL_PATH}/`]) {
    app.route({ method: ['GET', 'POST'], url, onRequest: admission.refuse, handler: answer });
  }

  async function answer(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    request.graphql = {};
    const work = new Work(performance.now() + config.requestTimeoutMs);
    reply.raw.on('close', () => {
      if (!reply.raw.writableFinished) work.abandon();
    });
    const { method, headers, body } = request;
    const asked =
      method === 'POST'
        ? { method, headers, search: '', body }
        : { method: 'GET', headers, search: queryStringOf(request.url), body };
    const answered = await admission.run(work, credentialOf(request), () =>
      endpoint.answer(asked, () => contextOf(request, work)),
    );
    reply.code(answered.status);
    // Of a request that had begun before, too.
    if (admission.isStopping) reply.header('connection', 'close');
    for (const [name, value] of answered.headers) reply.header(name, value);
    return sendCompressed(request, reply, answered.body);
  }

  async function contextOf(request: FastifyRequest, work: Work): Promise<Context> {
    try {
      const viewer = await authenticate(schemes, request.raw);
      const identity = identityOf(viewer);
      work.callerKey = callerKeyOf(identity);
      request.graphql = { caller: identity };
      work.idempotencyKey = idempotencyKeyOf(request.headers['idempotency-key']);
      return new Context(viewer, repositories, request.graphql, config.maxResponseBytes, sdl, work);
    } catch (error) {
      throw mask(error);
    }
  }
}

/** Deletes what was kept for Idempotency-Keys, once its time is over. */
function sweepRegularly(app: FastifyInstance, { em }: Database): void {
  const sweep = (): void => {
    sweepOutcomes(em).catch((error: unknown) => {
      // What is away or not migrated is told elsewhere.
      if (!isDatabaseUnavailable(error) && !isMissingOwnTable(error)) {
        app.log.warn({ err: error }, 'What was kept for Idempotency-Keys could not be deleted.');
      }
    });
  };
  const timer = setInterval(sweep, SWEEP_MS).unref();
  app.addHook('onListen', (done) => {
    sweep();
    done();
  });
  app.addHook('onClose', (_app, done) => {
    clearInterval(timer);
    done();
  });
}

/** Bearer tokens come from the configured issuer, or from the development issuer of an embedded database. */
async function bearer({ oauth, adminRole, database }: Config): Promise<AuthScheme> {
  if (oauth !== null) return bearerScheme({ ...oauth, adminRole }, new RemoteKeySet(oauth.jwksUrl).getKey);
  if (database.kind === 'postgresql') return bearerScheme(null, null);
  const issuer = await DevIssuer.open(database.directory);
  return bearerScheme(issuer.settings(adminRole), issuer.getKey);
}
