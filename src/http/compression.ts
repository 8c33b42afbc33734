import type { FastifyReply, FastifyRequest } from 'fastify';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

/** Answers from this length on are compressed, in characters. */
const COMPRESS_FROM_LENGTH = 1_024;

/** Compresses off the main thread. */
export const compressed = promisify(gzip);

/** Whether the client takes gzip, which it may name with a preference (RFC 9110), of which 0 means no. */
export function acceptsGzip({ headers }: FastifyRequest): boolean {
  const accepted = headers['accept-encoding'];
  return accepted !== undefined && /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))/i.test(accepted);
}

/** Tells caches so. Answers vary with the origin too, where pages of others may call the API. */
export function variesByEncoding(reply: FastifyReply): FastifyReply {
  const vary = reply.getHeader('vary');
  return reply.header('vary', vary === undefined ? 'accept-encoding' : `${String(vary)}, accept-encoding`);
}

/**
 * Sends a text, compressed where it is long and the client takes that.
 *
 * Not by @fastify/compress: its hooks look at every answer, which takes a twentieth of the server's time, also where
 * nobody asked for compression.
 */
export function sendCompressed(
  request: FastifyRequest,
  reply: FastifyReply,
  text: string,
): FastifyReply | Promise<FastifyReply> {
  if (text.length < COMPRESS_FROM_LENGTH) return reply.send(text);
  variesByEncoding(reply);
  if (!acceptsGzip(request)) return reply.send(text);
  return compressed(text).then((bytes) => reply.header('content-encoding', 'gzip').send(bytes));
}
