import type { ApolloServerOptions, ApolloServerPlugin } from '@apollo/server';
import { GraphQLError } from 'graphql';
import type { Context } from '../app/context.js';
import { isMissingRight, toClientError } from '../errors.js';
import { withShortTexts } from './error-texts.js';

/**
 * Returns an error as a client may see it. What that hides is logged, with the id that the client is given. Every error
 * that was not made for clients goes through this function, whichever way it leaves the server.
 */
export type Mask = (error: unknown) => GraphQLError;

/** The part of a logger that masking needs. */
type Log = Readonly<Record<'error' | 'warn', (details: object, message: string) => void>>;

export function createMask(log: Log): Mask {
  return (error) => {
    const { clientError, log: entry } = toClientError(error);
    if (entry !== undefined) {
      const { level, errorId } = entry;
      // Of a right that is missing the message tells all, where it stands alone; which one it is, readiness warns of.
      log[level](
        isMissingRight(error) ? { errorId, reason: (error as Error).message } : { err: error, errorId },
        'masked error',
      );
    }
    return clientError;
  };
}

/**
 * Masks every error of an operation. Also gives those that graphql-js itself raises for arguments their code and the
 * path of the argument.
 *
 * @param suggests whether clients may be told names that they did not send
 */
export function maskingPlugin(mask: Mask, suggests = true): ApolloServerPlugin<Context> {
  const hooks = {
    didEncounterErrors({ errors }: { readonly errors: readonly GraphQLError[] }): Promise<void> {
      for (const error of errors) {
        try {
          if (!suggests) error.message = error.message.replace(SUGGESTION, '');
          maskInPlace(error, mask);
        } catch (cause) {
          // It is masked and logged in its place, with what it was about.
          throw new AggregateError([cause, error], 'An error could not be masked.', { cause });
        }
      }
      return Promise.resolve();
    },
  };
  return { requestDidStart: () => Promise.resolve(hooks) };
}

/**
 * Shortens what errors quote, and masks what Apollo reports without calling plugins: what its plugins or the making of a
 * context threw.
 */
export function formatError(mask: Mask): NonNullable<ApolloServerOptions<Context>['formatError']> {
  return (formatted, error) => {
    if (formatted.extensions?.['code'] !== 'INTERNAL_SERVER_ERROR' || 'errorId' in formatted.extensions) {
      return withShortTexts(formatted);
    }
    const cause = error instanceof Error && 'originalError' in error ? error.originalError : error;
    const { message, extensions } = mask(cause);
    return { ...formatted, message, extensions: { ...extensions } };
  };
}

/** An argument that graphql-js refuses while it executes, e.g. an explicit null for `Boolean! = false`. */
const ARGUMENT = /^Argument "([^"]*)"/;
/** A variable that graphql-js cannot coerce, with the path of what is wrong inside it. */
const VARIABLE = /^Variable "\$([^"]*)"(?: got invalid value .*? at "([^"]*)";)?/s;

/** What graphql-js says at the end where it finds a name that is like one that was sent. */
const SUGGESTION = / Did you mean [^?]*\?$/;

/** Changes an error of an operation in place; Apollo shows it, and takes its HTTP status from it, after this. */
function maskInPlace(error: GraphQLError, mask: Mask): void {
  const { extensions } = error;
  if (extensions['code'] === undefined) {
    const cause = error.originalError ?? error;
    const argument = cause instanceof GraphQLError ? ARGUMENT.exec(error.message)?.[1] : undefined;
    if (argument !== undefined) {
      const problems = [{ argument, message: error.message }];
      Object.assign(extensions, { code: 'BAD_USER_INPUT', problems, http: { status: 400 } });
      return;
    }
    if (error.message.startsWith('Too many errors processing variables')) {
      const problems = [{ argument: '', message: error.message }];
      Object.assign(extensions, { code: 'BAD_USER_INPUT', problems });
      return;
    }
    if (hasClientErrorStatus(extensions['http'])) {
      extensions['code'] = 'BAD_REQUEST';
      return;
    }
    const { message, extensions: shown } = mask(cause);
    error.message = message;
    Object.assign(extensions, shown);
  } else if (extensions['code'] === 'BAD_USER_INPUT' && extensions['problems'] === undefined) {
    const [, variable = '', path] = VARIABLE.exec(error.message) ?? [];
    // graphql-js writes `input.params[0]`, where the rest of this API writes `input.params.0`.
    const argument = (path ?? variable).replaceAll(/\[(\d+)\]/g, '.$1');
    extensions['problems'] = [{ argument, message: error.message }];
  }
}

/** Apollo refuses some requests with an HTTP status but without a code, e.g. a persisted query with a wrong hash. */
function hasClientErrorStatus(http: unknown): boolean {
  const { status } = Object(http) as { readonly status?: unknown };
  return typeof status === 'number' && status >= 400 && status < 500;
}
