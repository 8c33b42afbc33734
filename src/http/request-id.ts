import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** What an `X-Request-Id` may be: up to 128 characters that mean nothing in a log, a header or a URL. */
const REQUEST_ID = /^[A-Za-z0-9_.:=+/-]{1,128}$/;
/** A `traceparent` header (W3C Trace Context), with the id of its trace. */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?$/;

/** What a request is called in the log: what its sender or a proxy has called it, or a name of our own. */
export function requestIdOf({ headers }: IncomingMessage): string {
  const { 'x-request-id': given, traceparent } = headers;
  if (typeof given === 'string' && REQUEST_ID.test(given)) return given;
  const traceId = typeof traceparent === 'string' ? TRACEPARENT.exec(traceparent)?.[1] : undefined;
  return traceId ?? randomUUID();
}
