import { ApolloLink, CombinedGraphQLErrors } from '@apollo/client';
import { defer, retry, tap, throwError, timer } from 'rxjs';
import { codesOf, isLost } from './errors';

/** After these the same request may succeed. */
const CODES: readonly unknown[] = [
  'RATE_LIMITED',
  'SERVICE_UNAVAILABLE',
  'OUTCOME_UNKNOWN',
  'INTERNAL_SERVER_ERROR',
];
const isOfTheMoment = (error: unknown): boolean =>
  isLost(error) || codesOf(error).some((code) => CODES.includes(code));

/** How often a request is sent at most. */
const ATTEMPTS = 3;
/** How long to wait where the API does not say, in seconds. */
const WAIT_S = 1;

/**
 * Gives each mutation an Idempotency-Key, so that the API does it once, however often it is sent. Whoever sends a form
 * again makes a new operation, with a new key.
 */
export const keyLink = new ApolloLink((operation, forward) => {
  if (operation.operationType === 'mutation') {
    operation.setContext(({ headers }) => ({
      headers: { ...(headers as object), 'idempotency-key': crypto.randomUUID() },
    }));
  }
  return forward(operation);
});

/** Sends again what failed for the moment, after the time that the API asks for in Retry-After. */
export const retryLink = new ApolloLink((operation, forward) =>
  defer(() => forward(operation)).pipe(
    tap((result) => {
      const error = result.errors && new CombinedGraphQLErrors(result);
      if (error && isOfTheMoment(error)) throw error;
    }),
    retry({
      count: ATTEMPTS - 1,
      delay: (error) => {
        if (!isOfTheMoment(error)) return throwError(() => error as unknown);
        const { response } = operation.getContext() as { response?: Response };
        return timer(1000 * Number(response?.headers.get('retry-after') ?? WAIT_S));
      },
    }),
  ),
);
