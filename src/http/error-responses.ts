import type { FastifyError, FastifyInstance, FastifyReply, HTTPMethods } from 'fastify';
import type { GraphQLError } from 'graphql';
import { maxHeaderSize, STATUS_CODES, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { badRequest, limitExceeded } from '../errors.js';
import { shortened } from '../graphql/error-texts.js';
import type { Mask } from '../graphql/masking.js';
import { GRAPHQL_PATH } from './graphql-route.js';

/** Answers an error outside of GraphQL. */
export type AnswerError = (error: FastifyError, reply: FastifyReply) => FastifyReply;

/** Methods that routes may have. */
const METHODS: readonly HTTPMethods[] = ['GET', 'HEAD', 'POST'];

const JSON_TYPE = 'application/json; charset=utf-8';

/** Errors outside of GraphQL look like those inside, so that clients need to understand one form only. */
export function errorResponses(mask: Mask, maxBodyBytes: number): AnswerError {
  return (error, reply) => {
    const status = error.statusCode ?? 500;
    if (status === 413) {
      return answer(
        reply,
        limitExceeded(`The body of a request may have ${maxBodyBytes} bytes at most.`, status),
      );
    }
    return answer(reply, status < 500 ? badRequest(error.message, status) : mask(error));
  };
}

/** Answers what no route does: another method than the path has, or a path that is not there. */
export function answerNotFound(app: FastifyInstance): void {
  app.setNotFoundHandler((request, reply) => {
    const { url, method } = request;
    const [path = ''] = url.split('?', 1);
    const methods = METHODS.filter((known) => app.hasRoute({ url: path, method: known }));
    if (methods.length === 0) {
      return answer(reply, badRequest(`There is nothing here. The API is at ${GRAPHQL_PATH}.`, 404));
    }
    const allow = [...methods, 'OPTIONS'].join(', ');
    reply.header('allow', allow);
    if (method === 'OPTIONS') return reply.code(204).send();
    return answer(reply, badRequest(`This path takes other methods: ${allow}.`, 405));
  });
}

/** Answers what Node refuses before it is a request. */
export function answerClientError(error: Error & { readonly code?: string }, socket: Socket): void {
  if (socket.writable && !hasAnswered(socket)) socket.write(rawAnswer(clientErrorFor(error.code)));
  socket.destroy(error);
}

/** Answers what is expected beyond HTTP, and will not be met. */
export function answerExpectation(_request: unknown, response: ServerResponse): void {
  const body = bodyOf(badRequest('This expectation cannot be met.', 417));
  response
    .writeHead(417, {
      'content-type': JSON_TYPE,
      'content-length': Buffer.byteLength(body),
      'cache-control': 'no-store',
      connection: 'close',
    })
    .end(body);
}

function clientErrorFor(code: string | undefined): GraphQLError {
  if (code === 'HPE_HEADER_OVERFLOW') {
    return limitExceeded(
      `The head of a request, its URL included, may have ${maxHeaderSize} bytes at most.`,
      431,
    );
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return badRequest('The request did not arrive in time.', 408);
  return badRequest('This is no HTTP request.', 400);
}

/** Whether an answer is on its way already, as Node itself finds out: another one would be taken for a part of it. */
function hasAnswered(socket: Socket): boolean {
  const { _httpMessage: message } = socket as { readonly _httpMessage?: ServerResponse | null };
  return message?.headersSent === true;
}

function rawAnswer(error: GraphQLError): string {
  const { status } = httpOf(error);
  const body = bodyOf(error);
  return [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `Content-Type: ${JSON_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Cache-Control: no-store',
    'Connection: close',
    '',
    body,
  ].join('\r\n');
}

/** Answers with an error. */
export function answer(reply: FastifyReply, error: GraphQLError): FastifyReply {
  const { status, headers = [] } = httpOf(error);
  const { request } = reply;
  if (request.routeOptions.url?.startsWith(GRAPHQL_PATH)) {
    (request.graphql ??= {}).errors ??= [error.extensions['code']];
  }
  for (const [name, value] of headers) reply.header(name, value);
  return reply.code(status).type(JSON_TYPE).header('cache-control', 'no-store').send(bodyOf(error));
}

/** How an error is answered over HTTP. */
interface Http {
  readonly status: number;
  readonly headers?: Iterable<readonly [name: string, value: string]>;
}

function httpOf({ extensions }: GraphQLError): Http {
  return (extensions['http'] as Http | undefined) ?? { status: 500 };
}

function bodyOf({ message, extensions: { http: _http, ...extensions } }: GraphQLError): string {
  return JSON.stringify({ errors: [{ message: shortened(message), extensions }] });
}
