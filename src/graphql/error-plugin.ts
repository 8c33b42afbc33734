import type { ApolloServerPlugin } from '@apollo/server';
import { GraphQLError } from 'graphql';
import type { Context } from '../app/context.js';
import { toClientError, type MaskedError } from '../errors.js';

/** Writes down what was hidden from a client, with the id that the client was given. */
export type LogMasked = (masked: NonNullable<MaskedError['log']>, error: unknown) => void;

/**
 * Makes every error of an operation one that a client may see: see `toClientError`. Also gives those that
 * graphql-js itself raises for arguments their code and the path of the argument.
 */
export function errorPlugin(logMasked: LogMasked): ApolloServerPlugin<Context> {
  return {
    requestDidStart: () =>
      Promise.resolve({
        didEncounterErrors({ errors }): Promise<void> {
          for (const error of errors) toShow(error, logMasked);
          return Promise.resolve();
        },
      }),
  };
}

/** An argument that graphql-js refuses while it executes, e.g. an explicit null for `Boolean! = false`. */
const ARGUMENT = /^Argument "([^"]*)"/;
/** A variable that graphql-js cannot coerce, with the path of what is wrong inside it. */
const VARIABLE = /^Variable "\$([^"]*)"(?: got invalid value .*? at "([^"]*)";)?/s;

/** Changes an error of an operation in place; Apollo shows it, and takes its HTTP status from it, after this. */
function toShow(error: GraphQLError, logMasked: LogMasked): void {
  const { extensions } = error;
  if (extensions['code'] === undefined) {
    const cause = error.originalError ?? error;
    const argument = cause instanceof GraphQLError ? ARGUMENT.exec(error.message)?.[1] : undefined;
    if (argument !== undefined) {
      const problems = [{ argument, message: error.message }];
      Object.assign(extensions, { code: 'BAD_USER_INPUT', problems, http: { status: 400 } });
      return;
    }
    if (isRefusal(extensions['http'])) {
      extensions['code'] = 'BAD_REQUEST';
      return;
    }
    const { clientError, log } = toClientError(cause);
    if (log) logMasked(log, cause);
    error.message = clientError.message;
    Object.assign(extensions, clientError.extensions);
  } else if (extensions['code'] === 'BAD_USER_INPUT' && extensions['problems'] === undefined) {
    const [, variable = '', path] = VARIABLE.exec(error.message) ?? [];
    // graphql-js writes `input.params[0]`, where the rest of this API writes `input.params.0`.
    const argument = (path ?? variable).replaceAll(/\[(\d+)\]/g, '.$1');
    extensions['problems'] = [{ argument, message: error.message }];
  }
}

/** Apollo refuses some requests with an HTTP status but without a code, e.g. a persisted query with a wrong hash. */
function isRefusal(http: unknown): boolean {
  const { status } = Object(http) as { readonly status?: unknown };
  return typeof status === 'number' && status >= 400 && status < 500;
}
