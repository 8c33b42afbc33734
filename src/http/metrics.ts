import type { FastifyInstance } from 'fastify';
import { performance } from 'node:perf_hooks';
import { collectDefaultMetrics, Counter, Gauge, Registry, type RegistryContentType } from 'prom-client';
import type { Database } from '../database/database.js';
import type { Replicas } from '../database/replicas.js';
import { refusedPermits } from '../database/fair-semaphore.js';
import { idempotentMutations } from '../database/idempotency.js';
import { retries } from '../database/retries.js';
import { ERROR_CODES } from '../errors.js';
import { shedRequests, type Admission } from './admission.js';
import { sendCompressed } from './compression.js';
import { DurationHistogram } from './duration-histogram.js';
import { OperationNames } from './operation-names.js';
import { outcomeOf, type Outcome } from './request-end.js';
import { VERSION } from './version.js';

/** How many names of operations are told apart. With all types and outcomes each takes up to some 60 lines of a scrape. */
const MAX_OPERATIONS = 50;

/**
 * `/metrics`, for Prometheus; docs/signals.md describes all that are ours. Nothing in it tells who asked for what.
 */
export function serveMetrics(app: FastifyInstance, database: Database, admission: Admission): void {
  const registry = new Registry<RegistryContentType>();
  collectDefaultMetrics({ register: registry });
  describeProcess(app, registry);
  describeDatabase(database, registry);
  countRequests(app, admission, registry);
  app.get('/metrics', async (request, reply) => {
    return sendCompressed(request, reply.type(registry.contentType), await registry.metrics());
  });
}

function describeProcess(app: FastifyInstance, registry: Registry<RegistryContentType>): void {
  gauges(registry, 'game_graphql_build_info', 'Always 1: the version of the server.', () => [
    [{ version: VERSION }, 1],
  ]);
  gauges(
    registry,
    'game_graphql_ready',
    'Whether the server could serve when it last looked: 1 or 0.',
    () => [[{}, app.readiness.isReady ? 1 : 0]],
  );
  counter(
    registry,
    'nodejs_eventloop_active_seconds_total',
    'Time in which the event loop was busy: its rate is the part of one processor that it uses.',
    () => performance.eventLoopUtilization().active / 1_000,
  );
}

function describeDatabase(database: Database, registry: Registry<RegistryContentType>): void {
  gauges(
    registry,
    'database_connections',
    'Connections to the database: busy, idle, and statements that are waiting for one.',
    () => Object.entries(database.connections()).map(([state, value]) => [{ state }, value]),
  );
  gauges(
    registry,
    'database_pool_connections',
    'Connections of each pool: that of requests, and the one that is reserved for API keys and readiness.',
    () =>
      Object.entries(database.pools()).flatMap(([pool, { busy, idle }]) => [
        [{ pool, state: 'busy' }, busy],
        [{ pool, state: 'idle' }, idle],
      ]),
  );
  gauges(registry, 'database_pool_max_connections', 'How many connections each pool may have.', () =>
    Object.entries(database.pools()).map(([pool, { max }]) => [{ pool }, max]),
  );
  gauges(
    registry,
    'database_permits',
    'What holds a permit to use a connection, and what waits for one: statements, those of expensive operations, and transactions; moves of games have a permit of their own beside that.',
    () =>
      Object.entries(database.permits()).flatMap(([purpose, { held, waiting }]) => [
        [{ purpose, state: 'held' }, held],
        [{ purpose, state: 'waiting' }, waiting],
      ]),
  );
  if (database.replicas !== null) describeReplicas(database.replicas, registry);
  registry.registerMetric(refusedPermits);
  registry.registerMetric(retries);
  registry.registerMetric(idempotentMutations);
}

function describeReplicas(replicas: Replicas, registry: Registry<RegistryContentType>): void {
  gauges(
    registry,
    'database_replica_used',
    'Whether queries are read from a replica: 1, or 0 while it is left out.',
    () =>
      replicas.use().map(({ replica, problem }) => [{ replica: String(replica) }, problem === null ? 1 : 0]),
  );
  gauges(
    registry,
    'database_replica_lag_seconds',
    'How far a replica is behind the primary, up to half a second too much; NaN while that is not known.',
    () => replicas.use().map(({ replica, lagS }) => [{ replica: String(replica) }, lagS ?? Number.NaN]),
  );
  const statements = new Counter({
    name: 'database_replica_statements_total',
    help: 'Statements that a replica was chosen for, by what came of them: answered, or behind or failed and answered by the primary.',
    labelNames: ['replica', 'outcome'] as const,
    registers: [],
    collect() {
      this.reset();
      for (const { replica, answered, behind, failed } of replicas.use()) {
        for (const [outcome, count] of Object.entries({ answered, behind, failed })) {
          this.inc({ replica, outcome }, count);
        }
      }
    },
  });
  registry.registerMetric(statements);
}

function countRequests(
  app: FastifyInstance,
  admission: Admission,
  registry: Registry<RegistryContentType>,
): void {
  const registers = [registry];
  const requests = new DurationHistogram<string, string, number>(
    'http_request_duration_seconds',
    'Time from the arrival of a request to the end of its answer.',
    ['method', 'route', 'status'],
  );
  const operations = new DurationHistogram<string, string, Outcome>(
    'graphql_operation_duration_seconds',
    'Time from the arrival of a request to the API to the end of its answer, by the name and the type of its operation and by what came of it.',
    ['operation', 'type', 'outcome'],
  );
  const names = new OperationNames(MAX_OPERATIONS, (name) => operations.forget(name));
  for (const histogram of [requests, operations]) registry.registerMetric(histogram.asMetric());
  const errors = new Counter({
    name: 'graphql_errors_total',
    help: 'Answers with an error, by its code.',
    labelNames: ['code'] as const,
    registers,
  });
  for (const code of ERROR_CODES) errors.inc({ code }, 0);
  const limited = new Counter({
    name: 'graphql_rate_limited_total',
    help: 'Requests that were refused because their caller, or their address, had spent what it may.',
    labelNames: ['by'] as const,
    registers,
  });
  for (const by of ['caller', 'address']) limited.inc({ by }, 0);
  registry.registerMetric(shedRequests);
  gauges(registry, 'graphql_requests_running', 'Requests to the API that are being answered.', () => [
    [{}, admission.runningCount],
  ]);
  gauges(
    registry,
    'graphql_requests_running_max',
    'How many requests to the API may run at a time before others are refused, bursts and shares apart.',
    () => [[{}, admission.max]],
  );
  let statements = 0;
  counter(registry, 'database_statements_total', 'Statements that were sent for requests.', () => statements);
  let databaseMs = 0;
  counter(
    registry,
    'database_statement_seconds_total',
    'Time that the statements of requests took, all together.',
    () => databaseMs / 1_000,
  );

  app.onRequestEnd((request, reply, status, route) => {
    const seconds = reply.elapsedTime / 1_000;
    // What is not there has no route, and a label for each path that somebody tries would fill the memory.
    requests.observe(request.method, route ?? 'none', status, seconds);
    const { graphql, work } = request;
    if (graphql !== undefined) {
      const { operation, limitedBy } = graphql;
      if (limitedBy !== undefined) limited.inc({ by: limitedBy });
      for (const code of graphql.errors ?? []) errors.inc({ code: String(code) });
      const name =
        operation === undefined
          ? 'none'
          : names.labelFor(operation.name || 'unnamed', work?.callerKey ?? '', performance.now());
      operations.observe(name, operation?.type ?? 'none', outcomeOf(request, reply, status), seconds);
    }
    if (work !== undefined) {
      statements += work.statements;
      databaseMs += work.databaseMs + work.commitMs;
    }
  });
}

type Labels = Readonly<Record<string, string>>;

/** Gauges whose values are looked up, each with its labels. */
function gauges(
  registry: Registry<RegistryContentType>,
  name: string,
  help: string,
  values: () => readonly (readonly [Labels, number])[],
): void {
  const collect = function collect(this: Gauge): void {
    for (const [labels, value] of values()) this.set(labels, value);
  };
  const [first] = values();
  // Of an embedded database.
  if (first === undefined) return;
  const labelNames = Object.keys(first[0]);
  registry.registerMetric(new Gauge({ name, help, labelNames, registers: [], collect }));
}

/** A counter that is kept elsewhere. */
function counter(
  registry: Registry<RegistryContentType>,
  name: string,
  help: string,
  value: () => number,
): void {
  const collect = function collect(this: Counter): void {
    this.reset();
    this.inc(value());
  };
  registry.registerMetric(new Counter({ name, help, registers: [], collect }));
}
