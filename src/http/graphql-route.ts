import type {
  FastifyError,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  HookHandlerDoneFunction,
} from 'fastify';
import type { GraphQLError } from 'graphql';
import { Context, createRepositories, type OperationLog } from '../app/context.js';
import { createSchema } from '../app/schema.js';
import { apiKeyScheme } from '../auth/api-key-scheme.js';
import { authenticate, isUnauthenticated, type AuthScheme } from '../auth/authenticate.js';
import { bearerScheme } from '../auth/bearer-scheme.js';
import { identityOf, callerKeyOf, type Caller, type Identity } from '../auth/caller.js';
import { DevIssuer } from '../auth/dev-issuer.js';
import { RemoteKeySet } from '../auth/key-set.js';
import type { Config } from '../config.js';
import type { Database } from '../database/database.js';
import { sweepOutcomes } from '../database/idempotency.js';
import { Work } from '../database/work.js';
import { isDatabaseUnavailable, isMissingOwnTable, isMissingRight } from '../errors.js';
import { gatewaySdl } from '../domain/gateways/gateway-sdl.js';
import { Strategies } from '../domain/strategies/strategies.js';
import { Endpoint, type EndpointAnswer } from '../graphql/endpoint.js';
import { idempotencyKeyOf } from '../graphql/idempotency.js';
import type { Mask } from '../graphql/masking.js';
import type { Budget } from '../rates/budget.js';
import { Rates } from '../rates/rates.js';
import { credentialOf, type Admission } from './admission.js';
import { sendCompressed } from './compression.js';
import type { AnswerError } from './error-responses.js';
import { queryStringOf } from './query-string.js';
import { RefusedCredentials } from './refused-credentials.js';
import { POSITION_HEADER, WalPositions } from './wal-positions.js';

/** How often is deleted what was kept for Idempotency-Keys, in ms. */
const SWEEP_MS = 60_000;

/** Where the API is served. */
export const GRAPHQL_PATH = '/graphql';

/** What an unknown API key costs, which takes a statement to look up: 50 of them are all that an address may spend. */
const UNKNOWN_KEY_COST = 20_000;
/** What any other bad credential costs. Tokens expire, and clients find that out by being refused. */
const BAD_CREDENTIAL_COST = 2_000;

declare module 'fastify' {
  interface FastifyRequest {
    /** What the log line of a GraphQL request tells beyond HTTP. */
    graphql?: OperationLog & { caller?: Identity };
    /** What it may spend, once it is known who pays. */
    budget?: Budget;
    /** What was done for it. */
    work?: Work;
    /** Who sent it, where that was asked before its body was read. */
    viewer?: Promise<Caller>;
  }
}

/** Serves the API: who is asking, then the GraphQL endpoint. */
export async function serveGraphql(
  app: FastifyInstance,
  config: Config,
  database: Database,
  mask: Mask,
  answerError: AnswerError,
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
  const rates = await Rates.open(config.rates, (message) => app.log.warn(message));
  const positions =
    database.replicas &&
    (await WalPositions.open(database.replicas, config.rates.redisUrl, (message) => app.log.warn(message)));
  app.addHook('onClose', (_app, done) => {
    rates.close();
    positions?.close();
    done();
  });
  app.onRequestEnd((request, reply) => {
    if (!reply.raw.writableFinished) request.work?.abandon();
  });
  app.decorateRequest('budget');
  app.decorateRequest('viewer');
  const refusedCredentials = new RefusedCredentials();
  for (const url of [GRAPHQL_PATH, `${GRAPHQL_PATH}/`]) {
    const checks = rates.isOff
      ? { onRequest: admission.refuse }
      : {
          onRequest: [admission.refuse, checkEarly],
          errorHandler: (...fault: Parameters<typeof answerFault>) => void answerFault(...fault),
        };
    app.route({ method: ['GET', 'POST'], url, ...checks, handler: answer });
  }

  async function answer(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    request.graphql = {};
    const work = new Work(performance.now() + config.requestTimeoutMs);
    request.work = work;
    work.requestId = request.id;
    const { method, headers, body } = request;
    const asked =
      method === 'POST'
        ? { method, headers, search: '', body }
        : { method: 'GET', headers, search: queryStringOf(request.url), body };
    const run = (): Promise<EndpointAnswer> => endpoint.answer(asked, () => contextOf(request, work));
    const { trace } = request;
    if (trace !== undefined) work.trace = trace;
    const answered = await admission.run(
      work,
      credentialOf(request),
      trace === undefined ? run : () => trace.followOperation(request, run),
    );
    const budget = budgetOf(request);
    await budget.settle(work.databaseMs);
    noteRefusal(request, budget);
    reply.code(answered.status);
    const position = positions && (await positions.after(work));
    if (position !== null) reply.header(POSITION_HEADER, position);
    if (work.isReplay) reply.header('idempotency-replayed', 'true');
    // Of a request that had begun before, too.
    if (admission.isStopping) reply.header('connection', 'close');
    for (const [name, value] of answered.headers) reply.header(name, value);
    for (const [name, value] of budget.headers) reply.header(name, value);
    const { body: text } = answered;
    const isTold = headers[COST_HEADER] === '1';
    return sendCompressed(request, reply, isTold ? withCost(answered, budget, work) : text);
  }

  async function contextOf(request: FastifyRequest, work: Work): Promise<Context> {
    try {
      const viewer = await (request.viewer ?? viewerOf(request));
      const identity = identityOf(viewer);
      work.callerKey = callerKeyOf(identity);
      const budget =
        viewer.kind === 'anonymous' ? rates.ofAddress(request.ip) : rates.ofCaller(work.callerKey);
      request.budget = budget;
      request.graphql = { caller: identity };
      const refusal = budget.check();
      if (refusal !== null) throw refusal;
      work.idempotencyKey = idempotencyKeyOf(request.headers['idempotency-key']);
      if (positions !== null && viewer.kind !== 'anonymous') {
        work.replicaReads = await positions.readsOf(work.callerKey, request.headers[POSITION_HEADER]);
      }
      return new Context(viewer, repositories, request.graphql, config.maxResponseBytes, sdl, work, budget);
    } catch (error) {
      const shown = mask(error);
      (request.graphql ??= {}).errors = [shown.extensions['code']];
      throw shown;
    }
  }

  /**
   * Who sent a request. What a bad credential costs is counted against the address that it comes from.
   *
   * @throws UNAUTHENTICATED; RATE_LIMITED in its place where the address has spent what it may
   */
  async function viewerOf(request: FastifyRequest): Promise<Caller> {
    // Made at the first request for it: most requests come with a good credential, of which the address is not charged.
    let budget: Budget | undefined;
    const ofAddress = (): Budget => (budget ??= rates.ofAddress(request.ip));
    try {
      const viewer = await authenticate(schemes, request.raw, () => ofAddress().charge(UNKNOWN_KEY_COST));
      if (budget !== undefined) await budget.settleAt(0);
      return viewer;
    } catch (error) {
      request.budget = ofAddress();
      if (isUnauthenticated(error)) {
        await ofAddress().charge(BAD_CREDENTIAL_COST);
        await ofAddress().settleAt(ofAddress().requested ?? 0);
      } else await ofAddress().settleAt(0);
      throw error;
    }
  }

  /**
   * Refuses a request before its body is read: of a caller that was refused before, and of an address that has spent
   * what it may.
   */
  function checkEarly(request: FastifyRequest, _reply: FastifyReply, done: HookHandlerDoneFunction): void {
    const callerKey = refusedCredentials.callerOf(request.raw);
    const ofCaller = callerKey === null ? null : refusalBy(rates.ofCaller(callerKey), request);
    const ofAddress = rates.ofAddress(request.ip);
    if (ofCaller !== null || !ofAddress.isSpent) done(ofCaller ?? undefined);
    else void checkCredential(request, ofAddress, done);
  }

  async function checkCredential(
    request: FastifyRequest,
    ofAddress: Budget,
    done: HookHandlerDoneFunction,
  ): Promise<void> {
    const isGood = await hasGoodCredential(request);
    done((isGood ? null : refusalBy(ofAddress, request)) ?? undefined);
  }

  /**
   * Whether a request from an address that has spent what it may has a good credential. Then it is answered: one address
   * may have many people behind it, of whom one sends bad credentials. What cannot be told now is for the answer to tell.
   */
  async function hasGoodCredential(request: FastifyRequest): Promise<boolean> {
    request.viewer = viewerOf(request);
    try {
      return (await request.viewer).kind !== 'anonymous';
    } catch (error) {
      return !isUnauthenticated(error) && request.budget?.refusedBy !== 'address';
    }
  }

  /** RATE_LIMITED, where all is spent. */
  function refusalBy(budget: Budget, request: FastifyRequest): GraphQLError | null {
    const refusal = budget.check();
    if (refusal === null) return null;
    request.budget = budget;
    request.graphql = {};
    noteRefusal(request, budget);
    return refusal;
  }

  function noteRefusal(request: FastifyRequest, { refusedBy }: Budget): void {
    if (refusedBy === null || request.graphql === undefined) return;
    request.graphql.limitedBy = refusedBy;
    request.graphql.errors = ['RATE_LIMITED'];
    const { caller } = request.graphql;
    if (refusedBy === 'caller' && caller) refusedCredentials.add(request.raw, callerKeyOf(caller));
  }

  /** Answers what does not come to the endpoint. Where nobody knows yet who pays, its address does. */
  async function answerFault(
    error: FastifyError,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<void> {
    const budget = budgetOf(request);
    await budget.settle(0);
    for (const [name, value] of budget.headers) reply.header(name, value);
    answerError(error, reply);
  }

  /** Who pays for a request: its address, where nobody else is known to. */
  function budgetOf(request: FastifyRequest): Budget {
    request.budget ??= rates.ofAddress(request.ip);
    return request.budget;
  }
}

/** Asks for `extensions.cost`, by the value 1. */
const COST_HEADER = 'graphql-cost';

/** The body of an answer, which is an object and a line break, with what its operation has cost. */
function withCost({ body }: EndpointAnswer, budget: Budget, { databaseMs }: Work): string {
  const { requested, actual, left } = budget;
  const cost = {
    requested,
    actual,
    databaseMs: Math.round(databaseMs * 100) / 100,
    ...(left && { limit: left.limit, remaining: left.remaining, resetSeconds: left.resetS }),
  };
  const end = body.lastIndexOf('}');
  return `${body.slice(0, end)},"extensions":{"cost":${JSON.stringify(cost)}}${body.slice(end)}`;
}

/** Deletes what was kept for Idempotency-Keys, once its time is over. */
function sweepRegularly(app: FastifyInstance, { em }: Database): void {
  const sweep = (): void => {
    sweepOutcomes(em).catch((error: unknown) => {
      // What is away, not migrated or not granted is told elsewhere.
      const isTold = isDatabaseUnavailable(error) || isMissingOwnTable(error) || isMissingRight(error);
      if (!isTold) {
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
