import { GraphQLError } from 'graphql';
import type { IncomingMessage } from 'node:http';
import { ANONYMOUS, type Caller, type Identity } from './caller.js';

/** What a good credential says of its bearer. */
export interface Credential extends Identity {
  readonly isAdmin: boolean;
}

/**
 * One way to say who one is. Answers null for "not mine: no such credential was sent", a credential for
 * "this caller", and throws UNAUTHENTICATED for "mine, but bad", or SERVICE_UNAVAILABLE when it cannot tell.
 */
export type AuthScheme = (
  request: IncomingMessage,
  /** To be called before a credential of which nothing is known costs a statement; may throw. */
  beforeLookUp: () => Promise<void>,
) => Promise<Credential | null>;

/**
 * Who sent this request. Called once per request. Credentials of several schemes make one caller with all
 * their identities.
 *
 * @throws UNAUTHENTICATED when any credential that was sent is not good, whatever the others are: a bad one
 *   never makes the caller anonymous or somebody else
 */
export async function authenticate(
  schemes: readonly AuthScheme[],
  request: IncomingMessage,
  beforeLookUp: () => Promise<void>,
): Promise<Caller> {
  const credentials: Credential[] = [];
  const failures: unknown[] = [];
  for (const scheme of schemes) {
    try {
      const credential = await scheme(request, beforeLookUp);
      if (credential !== null) credentials.push(credential);
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures.find(isUnauthenticated) ?? failures[0];
  return callerOf(credentials);
}

function callerOf(credentials: readonly Credential[]): Caller {
  const apiKey = credentials.find((credential) => credential.apiKey !== null)?.apiKey ?? null;
  const oauthUserId = credentials.find((credential) => credential.oauthUserId !== null)?.oauthUserId ?? null;
  if (oauthUserId !== null && credentials.some(({ isAdmin }) => isAdmin)) {
    return { kind: 'admin', apiKey, oauthUserId };
  }
  if (apiKey !== null && oauthUserId !== null) return { kind: 'apiKeyAndOAuth', apiKey, oauthUserId };
  if (apiKey !== null) return { kind: 'apiKey', apiKey };
  if (oauthUserId !== null) return { kind: 'oauth', oauthUserId };
  return ANONYMOUS;
}

/** Whether a credential was sent that is not good. */
export function isUnauthenticated(error: unknown): boolean {
  return error instanceof GraphQLError && error.extensions['code'] === 'UNAUTHENTICATED';
}
