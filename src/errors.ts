import { randomUUID } from 'node:crypto';
import { GraphQLError } from 'graphql';

/**
 * The errors of our code that a client may see; graphql-js and Apollo add their own. Each is a GraphQL error with a stable `extensions.code`; a code never
 * changes its meaning. Everything else is masked by `toClientError`.
 */
export const ERROR_CODES = [
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'NOT_FOUND',
  'BAD_USER_INPUT',
  'CONFLICT',
  'LIMIT_EXCEEDED',
  'RATE_LIMITED',
  'BAD_REQUEST',
  'MIGRATION_REQUIRED',
  'SERVICE_UNAVAILABLE',
  'OUTCOME_UNKNOWN',
  'INTERNAL_SERVER_ERROR',
] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

/** One thing that is wrong with an argument. */
export interface Problem {
  /** Path of the argument, as the client wrote it: `input.params.3.key`, `orderBy.0.field`. */
  readonly argument: string;
  /** What is wrong and what is allowed. */
  readonly message: string;
}

function clientError(code: ErrorCode, message: string, extensions: object = {}): GraphQLError {
  return new GraphQLError(message, { extensions: { code, ...extensions } });
}

/** The request is malformed, e.g. it is not in the form of GraphQL over HTTP. */
export const badRequest = (message: string, httpStatus: number): GraphQLError & { statusCode: number } =>
  Object.assign(clientError('BAD_REQUEST', message, { http: { status: httpStatus } }), {
    // As Fastify has it.
    statusCode: httpStatus,
  });

/** What a request without a credential is told. */
export const CREDENTIAL_NEEDED = 'Send an API key in the X-API-Key header, or a bearer token.';

/** Credentials that the server takes, as WWW-Authenticate names them. */
export const CHALLENGES = {
  apiKey: 'ApiKey realm="GAME"',
  bearer: 'Bearer realm="GAME"',
  /** After a bearer token that is not good (RFC 6750). */
  badToken: 'Bearer realm="GAME", error="invalid_token"',
} as const;

/**
 * No credential, or a bad one. HTTP 401.
 *
 * @param challenges which credentials would do
 */
export const unauthenticated = (
  message: string,
  ...challenges: readonly (typeof CHALLENGES)[keyof typeof CHALLENGES][]
): GraphQLError => {
  const challenge = (challenges.length > 0 ? challenges : [CHALLENGES.apiKey, CHALLENGES.bearer]).join(', ');
  return clientError('UNAUTHENTICATED', message, {
    http: { status: 401, headers: new Map([['www-authenticate', challenge]]) },
  });
};

/** The caller is known, but the operation is for others, or for nobody. */
export const forbidden = (message: string): GraphQLError => clientError('FORBIDDEN', message);

/** The thing is missing, or it is not the caller's: the answer must not tell which. */
export const notFound = (what: string): GraphQLError => clientError('NOT_FOUND', `${what} not found.`);

/** Maximum number of problems that are told of one field. */
const MAX_PROBLEMS = 50;

/** Arguments break the rules; all problems at once. */
export const badUserInput = (problems: readonly Problem[]): GraphQLError =>
  clientError(
    'BAD_USER_INPUT',
    problems.length === 1
      ? `${problems[0]?.argument}: ${problems[0]?.message}`
      : `${problems.length} arguments are not valid; see extensions.problems.`,
    { problems: problems.slice(0, MAX_PROBLEMS) },
  );

/** The write collides with what is stored. */
export const conflict = (message: string, extensions: object = {}): GraphQLError =>
  clientError('CONFLICT', message, extensions);

/** More was asked for than is allowed; the message says the limit and what was asked. */
export const limitExceeded = (message: string, httpStatus?: number): GraphQLError =>
  clientError('LIMIT_EXCEEDED', message, httpStatus === undefined ? {} : { http: { status: httpStatus } });

/** An answer would be longer than the setting MAX_RESPONSE_BYTES allows. */
export const answerTooLong = (maxBytes: number): GraphQLError =>
  limitExceeded(
    `An answer may have at most ${maxBytes} bytes; this one would have more. Ask for smaller pages or fewer fields.`,
    400,
  );

/** What a statement is told to fail with, as the text of a number, when its JSON gets too long: see `boundedSql`. */
export const TOO_LONG_MARK = 'game_graphql: answer too long';

/** Whether a statement failed because its JSON was too long. */
export function isTooLong(error: unknown): boolean {
  return sqlState(error) === '22P02' && error instanceof Error && error.message.includes(TOO_LONG_MARK);
}

/** A table of ours is missing in a database of GAME. */
const migrationRequired = (): GraphQLError =>
  clientError(
    'MIGRATION_REQUIRED',
    'The database lacks a table that this needs. An operator has to run: npm run migrate',
  );

/** The database is away or overloaded, and nothing was done: safe to retry. HTTP 503. */
export const serviceUnavailable = (
  message = 'The service is temporarily unavailable. Try again shortly.',
): GraphQLError =>
  clientError('SERVICE_UNAVAILABLE', message, {
    http: { status: 503, headers: new Map([['retry-after', '1']]) },
  });

/**
 * Nobody could tell in time what came of a write, or whether it stays. HTTP 500: what is below 500 or a 503 would be
 * taken for known.
 */
const outcomeUnknown = ({ message }: OutcomeUnknownError, errorId: string): GraphQLError =>
  clientError('OUTCOME_UNKNOWN', message, { errorId, http: { status: 500 } });

/** Nobody can tell whether a transaction was committed. Its message is for the client. */
export class OutcomeUnknownError extends Error {
  constructor(
    override readonly cause: unknown,
    what = 'The database did not tell whether this was written: it was done as a whole, or not at all.',
  ) {
    super(
      `${what} Read what is stored before you send it again, or send it again with the Idempotency-Key that it had.`,
    );
  }
}

/** A transaction was committed, and the standby that must have it too did not confirm it in time. */
export class UnconfirmedError extends OutcomeUnknownError {
  constructor(cause: unknown) {
    super(
      cause,
      'This was written, but the standby of the database did not confirm it in time: it is lost if the database fails before the standby has it.',
    );
  }
}

/** Codes of errors that the same operation would get again, as long as what is stored stays as it is. */
const FINAL_CODES = new Set<unknown>([
  'BAD_USER_INPUT',
  'NOT_FOUND',
  'FORBIDDEN',
  'CONFLICT',
  'LIMIT_EXCEEDED',
] satisfies ErrorCode[]);

/** Whether an error is one of the operation, not of the moment: a retry does not help. */
export function isFinal(error: unknown): error is GraphQLError {
  return error instanceof GraphQLError && FINAL_CODES.has(error.extensions['code']);
}

/** Who asks has spent what may be spent in a while. HTTP 429. */
export const rateLimited = (by: 'caller' | 'address', retryAfterS: number): GraphQLError =>
  clientError(
    'RATE_LIMITED',
    by === 'caller'
      ? `This caller has spent what it may for now. Try again in ${retryAfterS} s.`
      : `This address, without a good credential, has spent what it may for now. Try again in ${retryAfterS} s.`,
    { http: { status: 429, headers: new Map([['retry-after', String(retryAfterS)]]) } },
  );

/** Collects what is wrong with the arguments of one call, so that the client learns all of it at once. */
export class Problems {
  readonly #list: Problem[] = [];

  add(argument: string, message: string): void {
    this.#list.push({ argument, message });
  }

  /** Reports strings that PostgreSQL or UTF-8 cannot carry, wherever they stand in `value`. */
  checkText(argument: string, value: unknown): void {
    if (typeof value === 'string') {
      if (value.includes('\0')) this.add(argument, 'must not contain the NUL character.');
      else if (!value.isWellFormed()) this.add(argument, 'must not contain a lone surrogate.');
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, item] of Object.entries(value)) this.checkText(`${argument}.${key}`, item);
    }
  }

  /** Reports a text that has not 1 to `max` characters, or that cannot be carried. */
  checkLength(argument: string, value: string, max: number): void {
    this.checkText(argument, value);
    const length = [...value].length;
    if (length < 1 || length > max) {
      this.add(argument, `must be 1 to ${max} characters; it has ${length}.`);
    }
  }

  /** @throws BAD_USER_INPUT with every problem that was added, if there is any. */
  throwIfAny(): void {
    if (this.#list.length > 0) throw badUserInput(this.#list);
  }
}

/** SQLSTATE of an error of the database, or undefined for any other error. */
export function sqlState(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' && /^[0-9A-Z]{5}$/.test(error.code) ? error.code : undefined;
}

/** Whether the error means that the database role lacks a right. */
export const isMissingRight = (error: unknown): boolean => sqlState(error) === '42501';

/** Whether the error means that a table of ours, not one of GAME's, is missing: any, or the one with this name. */
export function isMissingOwnTable(error: unknown, name = 'game_graphql_'): boolean {
  return sqlState(error) === '42P01' && error instanceof Error && error.message.includes(name);
}

/** Errors of the socket beneath the driver. */
const CONNECTION_ERRNOS = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT',
]);

/** OpenSSL's and Node's codes for a database whose certificate is not good. */
const CERTIFICATE_CODE = /^(CERT_|SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_|ERR_TLS_|ERR_SSL_)/;

/** What `pg` and its pool say, without a code, when the database does not answer in time or goes away. */
const CONNECTION_MESSAGE =
  /^(Connection terminated|timeout expired|timeout exceeded when trying to connect|Query read timeout|Client has encountered a connection error|Cannot use a pool after calling end|The server does not support SSL)/;

/** Whether the error means that the database is away, starting, stopping, full or too slow. */
export function isDatabaseUnavailable(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(isDatabaseUnavailable);
  if (!(error instanceof Error)) return false;
  const state = sqlState(error);
  if (state !== undefined) {
    // 08 connection, 53 resources, 57 operator intervention (57014 = statement cancelled), 58030 I/O error,
    // 25006 a standby answered, 40001 and 40P01 = still colliding after the retries, 55P03 lock not available
    // (isPreparedStatementStale) a pooler mixes up prepared statements, whatever was tried
    return (
      /^(08(?!P01)|53|57|58030|25006|40001|40P01|55P03|28|3D)/.test(state) || isPreparedStatementStale(error)
    );
  }
  const code = 'code' in error ? String(error.code) : '';
  return CONNECTION_ERRNOS.has(code) || CERTIFICATE_CODE.test(code) || CONNECTION_MESSAGE.test(error.message);
}

/** What `pg` says, without a code, of a connection that has ended. */
const LOST_MESSAGE = /^(Connection terminated unexpectedly|Client has encountered a connection error)/;

/** Whether a connection has ended, so that another may serve; what ran on it may have been done or not. */
export function isConnectionLost(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const state = sqlState(error);
  // The backend was told to end, or another one crashed.
  if (state !== undefined) return state === '57P01' || state === '57P02';
  const code = 'code' in error ? error.code : undefined;
  return code === 'ECONNRESET' || code === 'EPIPE' || LOST_MESSAGE.test(error.message);
}

/** Whether a write was refused because the server may only read: it is a standby, or was made one. Nothing was done. */
export function isReadOnly(error: unknown): boolean {
  return sqlState(error) === '25006';
}

/** Whether PostgreSQL has said that the transaction is rolled back: a constraint is broken, or it collides with another. */
export function isRolledBack(error: unknown): boolean {
  return /^(23|40(?!003))/.test(sqlState(error) ?? '');
}

/**
 * Whether server and client disagree about a prepared statement: the type of a result column was changed (0A000), the
 * server does not have it (26000), or has it already (42P05). The client can prepare it again and retry.
 */
export function isPreparedStatementStale(error: unknown): boolean {
  const state = sqlState(error);
  return (
    state === '26000' ||
    state === '42P05' ||
    // PostgreSQL translates messages, not the names of its functions.
    (state === '0A000' && (error as { readonly routine?: unknown }).routine === 'RevalidateCachedQuery')
  );
}

/** The codes of the errors of what was given up: because the client went away, or because it took too long. */
export const CLIENT_GONE = 'CLIENT_GONE';
export const GIVEN_UP = 'GIVEN_UP';

/** Whether a text holds what the database cannot: readiness tells of such databases. */
function isUnstorable(error: unknown): boolean {
  const state = sqlState(error);
  return state === '22P05' || state === '22021';
}

/** An error as a client may see it, and what the log must carry beside it. */
export interface MaskedError {
  readonly clientError: GraphQLError;
  /** Set where something was hidden: to be logged at this level with the hidden error. */
  readonly log?: { readonly level: 'error' | 'warn'; readonly errorId: string };
}

/** Lets an error made for clients pass, and hides any other behind an id that the log carries too. */
export function toClientError(error: unknown): MaskedError {
  if (error instanceof GraphQLError && typeof error.extensions['code'] === 'string') {
    return { clientError: error };
  }
  if (isUnstorable(error)) {
    const message = "A text holds a character that the database's encoding does not have.";
    return { clientError: badUserInput([{ argument: '', message }]) };
  }
  if (isMissingOwnTable(error)) return { clientError: migrationRequired() };
  // After the first nobody reads this.
  if (error instanceof Error && 'code' in error && (error.code === CLIENT_GONE || error.code === GIVEN_UP)) {
    return { clientError: serviceUnavailable() };
  }
  const errorId = randomUUID();
  if (error instanceof OutcomeUnknownError) {
    return { clientError: outcomeUnknown(error, errorId), log: { level: 'warn', errorId } };
  }
  if (isDatabaseUnavailable(error)) {
    return { clientError: serviceUnavailable(), log: { level: 'warn', errorId } };
  }
  const masked = clientError('INTERNAL_SERVER_ERROR', 'Internal server error.', { errorId });
  return { clientError: masked, log: { level: 'error', errorId } };
}
