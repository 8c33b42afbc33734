import type { FastifyReply, FastifyRequest } from 'fastify';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

/** Answers from this size on are compressed, in bytes. */
const COMPRESS_FROM_BYTES = 1_024;

/** Compresses off the main thread. */
export const compressed = promisify(gzip);

/** Whether the client takes gzip, which it may name with a preference (RFC 9110), of which 0 means no. */
export function acceptsGzip({ headers }: FastifyRequest): boolean {
  const accepted = headers['accept-encoding'];
  return accepted !== undefined && /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))/i.test(accepted);
}

/**
 * Sends a text, compressed where it is long and the client takes that.
 *
 * Not by @fastify/compress: its hooks look at every answer, which takes a twentieth of the server's time, also where
 * nobody asked for compression.
 */
export async function sendCompressed(
  request: FastifyRequest,
  reply: FastifyReply,
  text: string,
): Promise<FastifyReply> {
  if (!acceptsGzip(request) || Buffer.byteLength(text) < COMPRESS_FROM_BYTES) return reply.send(text);
  const body = await compressed(text);
  // It varies with the origin too, where pages of others may call the API.
  const vary = [reply.getHeader('vary'), 'accept-encoding'].filter((name) => name !== undefined).join(', ');
  return reply.headers({ 'content-encoding': 'gzip', vary }).send(body);
}
