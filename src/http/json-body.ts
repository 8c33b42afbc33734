import type { FastifyInstance, FastifyRequest } from 'fastify';
import { isUtf8 } from 'node:buffer';
import { badRequest } from '../errors.js';

/** Content types without parameters that need a look. */
const PLAIN_TYPES = new Set(['application/json', 'application/json; charset=utf-8']);

/**
 * Reads bodies: JSON in UTF-8, and nothing else. What is not UTF-8 is refused, because decoding it would put other
 * characters in the place of what was sent.
 */
export function readJsonBodies(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    const error = bodyError(request, body);
    if (error === null) void parse(request, body.toString('utf8'), done);
    else done(error);
  });
}

function bodyError({ headers }: FastifyRequest, body: Buffer): Error | null {
  const { 'content-type': type = '', 'content-encoding': encoding = 'identity' } = headers;
  if (encoding.toLowerCase() !== 'identity') return badRequest('The body must not be compressed.', 415);
  if (!PLAIN_TYPES.has(type) && !charsetsOf(type).every((charset) => /^utf-?8$/i.test(charset))) {
    return badRequest('The body must be in UTF-8.', 415);
  }
  return isUtf8(body) ? null : badRequest('The body is not in UTF-8.', 400);
}

/** The encodings that a content type names. */
function charsetsOf(type: string): string[] {
  return [...type.matchAll(/;\s*charset\s*=\s*("?)([^";]*)\1/gi)].map(([, , charset = '']) => charset.trim());
}
