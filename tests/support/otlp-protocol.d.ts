/** The messages of OpenTelemetry's protocol, as protobufjs makes them of its definitions; what of them the tests use. */
declare module '@opentelemetry/otlp-transformer/build/src/generated/root.js' {
  interface KeyValue {
    readonly key: string;
    readonly value: Readonly<Record<string, unknown>>;
  }
  interface Span {
    readonly name: string;
    readonly kind: string;
    readonly traceId: Uint8Array;
    readonly spanId: Uint8Array;
    readonly parentSpanId: Uint8Array;
    readonly startTimeUnixNano: string;
    readonly endTimeUnixNano: string;
    readonly attributes: readonly KeyValue[];
    readonly status?: { readonly code: string } | null;
  }
  interface ExportTraceServiceRequest {
    readonly resourceSpans: readonly {
      readonly resource?: { readonly attributes: readonly KeyValue[] } | null;
      readonly scopeSpans: readonly { readonly spans: readonly Span[] }[];
    }[];
  }
  const protocol: {
    readonly opentelemetry: {
      readonly proto: {
        readonly collector: {
          readonly trace: {
            readonly v1: {
              readonly ExportTraceServiceRequest: {
                decode(bytes: Uint8Array): object;
                toObject(message: object, options: object): ExportTraceServiceRequest;
              };
            };
          };
        };
      };
    };
  };
  export default protocol;
}
