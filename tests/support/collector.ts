import protocol from '@opentelemetry/otlp-transformer/build/src/generated/root.js';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A span as a collector receives it. */
export interface ReceivedSpan {
  readonly name: string;
  readonly kind: 'SPAN_KIND_INTERNAL' | 'SPAN_KIND_SERVER' | 'SPAN_KIND_CLIENT';
  readonly traceId: string;
  readonly spanId: string;
  /** Empty: it has none. */
  readonly parentSpanId: string;
  /** In ns. */
  readonly start: bigint;
  readonly end: bigint;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly isError: boolean;
  /** Of the resource that it comes from. */
  readonly resource: Readonly<Record<string, unknown>>;
}

interface KeyValue {
  readonly key: string;
  readonly value: Readonly<Record<string, unknown>>;
}

/** An OTLP receiver: takes traces by HTTP and protobuf, and decodes them by the messages of OpenTelemetry's protocol. */
export class Collector {
  readonly spans: ReceivedSpan[] = [];
  /** Bytes of each request, as text. */
  readonly received: string[] = [];
  /** Headers of each request. */
  readonly headers: Readonly<Record<string, unknown>>[] = [];
  /** What it answers with. */
  status = 200;
  /** Whether it answers at all. */
  isSilent = false;
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        this.headers.push({ ...request.headers, url: request.url });
        if (this.isSilent) return;
        const body = Buffer.concat(chunks);
        if (this.status === 200) this.#receive(body);
        response.writeHead(this.status, { 'content-type': 'application/x-protobuf' }).end();
      });
    });
  }

  /** @param port of the loopback address; 0 picks a free one */
  static async start(port = 0): Promise<Collector> {
    const collector = new Collector();
    await new Promise<void>((resolve) => {
      collector.#server.listen(port, '127.0.0.1', resolve);
    });
    return collector;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** For `OTEL_EXPORTER_OTLP_ENDPOINT`. */
  get endpoint(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => {
      this.#server.close(resolve);
    });
    this.#server.closeAllConnections();
    await closed;
  }

  #receive(body: Buffer): void {
    this.received.push(body.toString('latin1'));
    const { ExportTraceServiceRequest } = protocol.opentelemetry.proto.collector.trace.v1;
    const message = ExportTraceServiceRequest.toObject(ExportTraceServiceRequest.decode(body), {
      longs: String,
      enums: String,
      defaults: true,
    });
    for (const { resource, scopeSpans } of message.resourceSpans) {
      for (const { spans } of scopeSpans) {
        for (const span of spans) {
          this.spans.push({
            name: span.name,
            kind: span.kind as ReceivedSpan['kind'],
            traceId: hex(span.traceId),
            spanId: hex(span.spanId),
            parentSpanId: hex(span.parentSpanId),
            start: BigInt(span.startTimeUnixNano),
            end: BigInt(span.endTimeUnixNano),
            attributes: recordOf(span.attributes),
            isError: span.status?.code === 'STATUS_CODE_ERROR',
            resource: recordOf(resource?.attributes ?? []),
          });
        }
      }
    }
  }
}

const hex = (bytes: Uint8Array | readonly number[]): string => Buffer.from(bytes).toString('hex');

function recordOf(pairs: readonly KeyValue[]): Record<string, unknown> {
  return Object.fromEntries(
    pairs.map(({ key, value }) => {
      const only = Object.values(value).find((each) => each !== null);
      return [key, 'intValue' in value ? Number(only) : only];
    }),
  );
}
