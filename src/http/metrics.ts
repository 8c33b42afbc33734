import type { FastifyInstance } from 'fastify';
import { collectDefaultMetrics, Counter, Gauge, Registry, type RegistryContentType } from 'prom-client';
import { sendCompressed } from './compression.js';
import type { Database } from '../database/database.js';
import { RequestTimes } from './request-times.js';

/**
 * `/metrics`, for Prometheus: the process, the requests by route and status, the errors by code, the connections to the
 * database. Nothing in it tells who asked for what.
 */
export function serveMetrics(app: FastifyInstance, database: Database): void {
  const registry = new Registry<RegistryContentType>();
  collectDefaultMetrics({ register: registry });
  const requests = new RequestTimes();
  registry.registerMetric(requests.asMetric());
  const connections = new Gauge({
    name: 'database_connections',
    help: 'Connections to the database: busy, idle, and statements that are waiting for one.',
    labelNames: ['state'] as const,
    registers: [],
    collect() {
      for (const [state, count] of Object.entries(database.connections())) this.set({ state }, count);
    },
  });
  registry.registerMetric(connections);
  const errors = new Counter({
    name: 'graphql_errors_total',
    help: 'Answers with an error, by its code.',
    labelNames: ['code'] as const,
    registers: [registry],
  });
  const limited = new Counter({
    name: 'graphql_rate_limited_total',
    help: 'Requests that were refused because their caller, or their address, had spent what it may.',
    labelNames: ['by'] as const,
    registers: [registry],
  });
  app.addHook('onResponse', (request, reply, done) => {
    const by = request.graphql?.limitedBy;
    if (by !== undefined) limited.inc({ by });
    for (const code of request.graphql?.errors ?? []) errors.inc({ code: String(code) });
    // What is not there has no route, and a label for each path that somebody tries would fill the memory.
    const route = request.routeOptions.url ?? 'none';
    requests.observe(request.method, route, reply.statusCode, reply.elapsedTime / 1_000);
    done();
  });
  app.get('/metrics', async (request, reply) => {
    return sendCompressed(request, reply.type(registry.contentType), await registry.metrics());
  });
}
