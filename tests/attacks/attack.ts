import type { OwnerName } from './ids.ts';

/** Who sends a request. */
export type Who = 'nobody' | OwnerName;

/** One request as it goes over the wire. Not given: POST of JSON to the API. */
export interface Shot {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** Sends the body in pieces, each so many ms after the last one, until there were `times` of them. */
  readonly trickle?: { readonly piece: string | Buffer; readonly everyMs: number; readonly times: number };
  /** Bytes for a bare connection; head, key and all. */
  readonly raw?: string;
  /** Whether nobody reads what comes back over such a connection. */
  readonly unread?: boolean;
  /** When the client goes away, in ms. */
  readonly leaveAfterMs?: number;
}

/**
 * What may come back: a status, and the codes of errors that may come with it: `200`, `400 LIMIT_EXCEEDED`,
 * `431 *` for any codes. `closed`: the server ended the connection; `left`: the client went away itself.
 */
export type Allowed = `${number}` | `${number} ${string}` | 'closed' | 'left';

/** A hostile request, or several that belong together. */
export interface Attack {
  readonly id: string;
  readonly kind: Kind;
  readonly title: string;
  readonly as: Who;
  /** The request, made when it is sent: many are large. */
  readonly shot: (round: number, client: number) => Shot;
  /** How many are sent by each client, one after the other; 1 unless given. */
  readonly rounds?: number;
  /** How many clients send at the same time; 1 unless given. */
  readonly clients?: number;
  /** From the beginning of one round to that of the next; at once unless given. */
  readonly everyMs?: number;
  readonly allowed: readonly Allowed[];
  /** Most bytes of one answer, where that is less than of any. */
  readonly maxBytes?: number;
  /** When the statements of a client that went away must be gone, in ms. */
  readonly goneWithinMs?: number;
  /** What somebody else asks all the while, and the longest that this may take, in ms. */
  readonly beside?: { readonly as: Who; readonly shot: () => Shot; readonly withinMs: number };
}

export const KINDS = [
  'usual',
  'unfolding',
  'schema',
  'names',
  'leaderboards',
  'params',
  'filters',
  'ids',
  'errors',
  'moves',
  'validation',
  'documents',
  'values',
  'persisted',
  'http',
] as const;
export type Kind = (typeof KINDS)[number];

/** Text made of `count` pieces. */
export const times = (count: number, piece: string | ((index: number) => string), between = ' '): string =>
  Array.from({ length: count }, (_, index) => (typeof piece === 'string' ? piece : piece(index))).join(
    between,
  );

/** A name of this many letters. */
export const letters = (count: number, letter = 'a'): string => letter.repeat(count);

/** `depth` times `before`, `middle`, and as many times `after`. */
export const nested = (depth: number, before: string, middle: string, after: string): string =>
  before.repeat(depth) + middle + after.repeat(depth);

/** A JSON body as it is. */
export const json = (body: string | Buffer): Shot => ({ body });

/** An operation. */
export const gql = (
  query: string,
  variables?: unknown,
  more: Readonly<Record<string, unknown>> = {},
): Shot => ({
  body: JSON.stringify({ query, ...(variables === undefined ? {} : { variables }), ...more }),
});

/** An operation in an address. */
export const get = (parameters: Readonly<Record<string, string>>): Shot => ({
  method: 'GET',
  path: `/graphql?${new URLSearchParams(parameters).toString()}`,
  headers: { 'apollo-require-preflight': 'true' },
});
