import {
  defaultTextMapGetter,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Span,
  type Tracer,
} from '@opentelemetry/api';
import { W3CTraceContextPropagator, type ExportResult } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import {
  defaultResource,
  detectResources,
  resourceAttributesEnvDetector,
  resourceFromAttributes,
  serviceInstanceIdDetector,
  serviceNameEnvDetector,
} from '@opentelemetry/resources';
import {
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
  type ReadableSpan,
  type Sampler,
  type SpanExporter,
} from '@opentelemetry/sdk-trace';
import type { FastifyBaseLogger, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { setTimeout as delay } from 'node:timers/promises';
import { connectionOptions, type DatabaseConfig, type Sampling, type TracesConfig } from '../config.js';
import type { Trace } from '../database/work.js';
import { sqlState } from '../errors.js';
import { outcomeOf } from './request-end.js';
import { VERSION } from './version.js';

const NAME = 'game-graphql';
/** Longest text of a statement in a span, in characters. */
const MAX_TEXT = 4_000;
/** Longest wait at a stop for the collector, in ms. */
const SHUTDOWN_TIMEOUT_MS = 2_000;

declare module 'fastify' {
  interface FastifyRequest {
    /** Follows it; undefined where it is not traced. */
    trace?: RequestTrace;
  }
}

/**
 * Sends a trace of each request to the API that is sampled to an OpenTelemetry collector: the request, its operation, and
 * each statement. No header, no value and no document is in it. This module, and OpenTelemetry, are only loaded where
 * that is wanted.
 *
 * What waits for the collector is bounded; what is beyond that is dropped. A collector that is away is told once in the
 * log, and nobody waits for it.
 *
 * @param path of the API
 */
export function traceRequests(
  app: FastifyInstance,
  settings: TracesConfig,
  database: DatabaseConfig,
  path: string,
): void {
  const provider = new TracerProvider({
    sampler: samplerOf(settings.sampling),
    resource: defaultResource()
      .merge(resourceFromAttributes({ 'service.name': NAME, 'service.version': VERSION }))
      .merge(
        detectResources({
          detectors: [serviceInstanceIdDetector, resourceAttributesEnvDetector, serviceNameEnvDetector],
        }),
      ),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: new WatchedExporter(new OTLPTraceExporter(), app.log),
        scheduledDelayMillis: settings.scheduleDelayMs,
        exportTimeoutMillis: settings.exportTimeoutMs,
        maxQueueSize: settings.maxQueueSize,
        maxExportBatchSize: settings.maxBatchSize,
      }),
    ],
  });
  const tracer = provider.getTracer(NAME, VERSION);
  const propagator = new W3CTraceContextPropagator();
  const databaseAttributes = attributesOf(database);
  app.addHook('onRequest', (request, _reply, done) => {
    const route = request.routeOptions.url;
    if (route?.startsWith(path)) {
      const parent = propagator.extract(ROOT_CONTEXT, request.headers, defaultTextMapGetter);
      const followed = new RequestTrace(tracer, parent, request, route, databaseAttributes);
      if (followed.isRecording) request.trace = followed;
    }
    done();
  });
  app.onRequestEnd((request, reply, status) => request.trace?.end(request, reply, status));
  app.addHook('onClose', async () => {
    const waited = new AbortController();
    await Promise.race([
      // What goes wrong is told by the exporter.
      provider.shutdown().catch(() => {}),
      delay(SHUTDOWN_TIMEOUT_MS, undefined, { signal: waited.signal }).catch(() => {}),
    ]);
    waited.abort();
  });
}

/** The spans of one request. */
class RequestTrace implements Trace {
  readonly traceId: string;
  readonly #context: Context;
  readonly #span: Span;
  #operation: Context;

  constructor(
    private readonly tracer: Tracer,
    parent: Context,
    { method, protocol, raw }: FastifyRequest,
    route: string,
    private readonly databaseAttributes: Attributes,
  ) {
    const attributes: Attributes = {
      'http.request.method': method,
      'http.route': route,
      'url.path': route,
      'url.scheme': protocol,
      'network.protocol.version': raw.httpVersion,
    };
    this.#span = tracer.startSpan(`${method} ${route}`, { kind: SpanKind.SERVER, attributes }, parent);
    this.#context = trace.setSpan(parent, this.#span);
    this.#operation = this.#context;
    this.traceId = this.#span.spanContext().traceId;
  }

  get isRecording(): boolean {
    return this.#span.isRecording();
  }

  /** Runs what answers the operation, of which it is known afterwards what it was. */
  async followOperation<Result>(request: FastifyRequest, run: () => Promise<Result>): Promise<Result> {
    const span = this.tracer.startSpan('GraphQL Operation', {}, this.#context);
    this.#operation = trace.setSpan(this.#context, span);
    try {
      return await run();
    } finally {
      const { operation, errors = [] } = request.graphql ?? {};
      if (operation !== undefined) {
        span.updateName(operation.type);
        span.setAttribute('graphql.operation.type', operation.type);
        if (operation.name !== '') span.setAttribute('graphql.operation.name', operation.name);
      }
      if (errors.length > 0) {
        span.setAttribute('error.type', String(errors[0]));
        span.setStatus({ code: SpanStatusCode.ERROR });
      }
      span.end();
    }
  }

  startStatement(text: string, isBound: boolean): (error: unknown) => void {
    const { summary, ...named } = namesOf(text);
    const attributes: Attributes = { ...this.databaseAttributes, ...named, 'db.query.summary': summary };
    // Values that are not bound stand in the text.
    if (isBound) attributes['db.query.text'] = text.slice(0, MAX_TEXT);
    const span = this.tracer.startSpan(summary, { kind: SpanKind.CLIENT, attributes }, this.#operation);
    return (error) => {
      if (error !== null) {
        const state = sqlState(error);
        if (state !== undefined) span.setAttribute('db.response.status_code', state);
        span.setAttribute('error.type', state ?? (error instanceof Error ? error.name : 'unknown'));
        span.setStatus({ code: SpanStatusCode.ERROR });
      }
      span.end();
    };
  }

  /** Ends it. @param status of the answer, or what stands for one */
  end(request: FastifyRequest, reply: FastifyReply, status: number): void {
    if (reply.raw.headersSent) this.#span.setAttribute('http.response.status_code', status);
    const outcome = outcomeOf(request, reply, status);
    if (outcome === 'server_error' || outcome === 'client_gone') {
      const [code = status] = request.graphql?.errors ?? [];
      this.#span.setAttribute('error.type', String(code));
      this.#span.setStatus({ code: SpanStatusCode.ERROR });
    }
    this.#span.end();
  }
}

/** What a statement does, and to which table where it is one: the first words of it. */
function namesOf(text: string): Attributes & { readonly summary: string } {
  const [, into, from, update] =
    /^\s*(?:insert\s+into\s+"?(\w+)|delete\s+from\s+"?(\w+)|update\s+"?(\w+))/i.exec(text) ?? [];
  const operation = (/^\s*([a-z]+)/i.exec(text)?.[1] ?? 'statement').toUpperCase();
  const table = into ?? from ?? update;
  if (table === undefined) return { summary: operation, 'db.operation.name': operation };
  return {
    summary: `${operation} ${table}`,
    'db.operation.name': operation,
    'db.collection.name': table,
  };
}

function attributesOf(config: DatabaseConfig): Attributes {
  const system = { 'db.system.name': 'postgresql' };
  if (config.kind === 'embedded') return system;
  const { database, host, port } = connectionOptions(config.url);
  return {
    ...system,
    ...(database && { 'db.namespace': database }),
    ...(host && { 'server.address': host }),
    ...(port !== undefined && { 'server.port': port }),
  };
}

function samplerOf({ isParentBased, ratio }: Sampling): Sampler {
  const root = ratio === 1 ? new AlwaysOnSampler() : new TraceIdRatioBasedSampler(ratio);
  return isParentBased ? new ParentBasedSampler({ root }) : root;
}

/** Says in the log, once, that the collector cannot be reached, and that it can again. */
class WatchedExporter implements SpanExporter {
  #isFailing = false;

  constructor(
    private readonly exporter: OTLPTraceExporter,
    private readonly log: FastifyBaseLogger,
  ) {}

  export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    this.exporter.export(spans, (result) => {
      const { error } = result;
      if (error !== undefined && !this.#isFailing) {
        this.log.warn(`Traces are lost, because the collector does not take them: ${error.message}`);
      } else if (error === undefined && this.#isFailing) this.log.info('The collector takes traces again.');
      this.#isFailing = error !== undefined;
      done(result);
    });
  }

  shutdown(): Promise<void> {
    return this.exporter.shutdown();
  }

  forceFlush(): Promise<void> {
    return this.exporter.forceFlush();
  }
}
