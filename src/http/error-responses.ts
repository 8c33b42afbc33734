import type { FastifyError, FastifyInstance, FastifyReply } from 'fastify';
import type { GraphQLFormattedError } from 'graphql';
import { limitExceeded } from '../errors.js';
import type { Mask } from '../graphql/masking.js';
import { GRAPHQL_PATH } from './graphql-route.js';

/** Answers an error outside of GraphQL. */
export type AnswerError = (error: FastifyError, reply: FastifyReply) => FastifyReply;

/** Errors outside of GraphQL look like those inside, so that clients need to understand one form only. */
export function errorResponses(mask: Mask, maxBodyBytes: number): AnswerError {
  return (error, reply) => {
    const status = error.statusCode ?? 500;
    if (status === 413) {
      const { message, extensions } = limitExceeded(
        `The body of a request may have ${maxBodyBytes} bytes at most.`,
      );
      return answer(reply, 413, { message, extensions });
    }
    if (status < 500) return answer(reply, status, badRequest(error.message));
    const masked = mask(error);
    const { http, ...extensions } = masked.extensions as { http?: { status: number } };
    return answer(reply, http?.status ?? 500, { message: masked.message, extensions });
  };
}

export function answerNotFound(app: FastifyInstance): void {
  app.setNotFoundHandler((_request, reply) =>
    answer(reply, 404, badRequest(`There is nothing here. The API is at ${GRAPHQL_PATH}.`)),
  );
}

function answer(reply: FastifyReply, status: number, error: GraphQLFormattedError): FastifyReply {
  return reply
    .code(status)
    .type('application/json; charset=utf-8')
    .send({ errors: [error] });
}

function badRequest(message: string): GraphQLFormattedError {
  return { message, extensions: { code: 'BAD_REQUEST' } };
}
