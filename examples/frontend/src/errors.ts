import { CombinedGraphQLErrors, ServerError } from '@apollo/client';

interface ApiError {
  readonly message: string;
  readonly extensions?: Record<string, unknown> | undefined;
}

/** The errors of an answer. A request that is refused before it is an operation has them in its body. */
function errorsOf(error: unknown): readonly ApiError[] {
  if (CombinedGraphQLErrors.is(error)) return error.errors;
  if (!ServerError.is(error)) return [];
  try {
    return (JSON.parse(error.bodyText) as { errors?: ApiError[] }).errors ?? [];
  } catch {
    return []; // Something between the page and the API has answered.
  }
}

/** Whether there is no answer of the API: whatever was asked for may have been done. */
export const isLost = (error: unknown): boolean => errorsOf(error).length === 0;

/** The codes of an error: what a program decides by. */
export const codesOf = (error: unknown): unknown[] =>
  errorsOf(error).map(({ extensions }) => extensions?.code);

/** What is wrong with which argument: BAD_USER_INPUT names them all at once. */
export function problemsOf(error: unknown): Record<string, string> {
  const problems = errorsOf(error).flatMap(
    ({ extensions }) => (extensions?.problems ?? []) as { argument: string; message: string }[],
  );
  return Object.fromEntries(problems.map(({ argument, message }) => [argument, message]));
}

/** Whether a write was refused because what it changes has another version than the one that was read. */
export const isVersionConflict = (error: unknown): boolean =>
  errorsOf(error).some(({ extensions }) => extensions?.code === 'CONFLICT' && extensions.currentVersion);

/** What happened, and what to do. */
export function messageOf(error: unknown): string {
  const errors = errorsOf(error);
  if (isLost(error))
    return 'The API does not answer. Check that it runs and that you are online, then try again.';
  return errors.map(({ message }) => message).join(' ');
}
