import { errors, jwtVerify, type JWTHeaderParameters, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import type { IncomingMessage } from 'node:http';
import { CHALLENGES, serviceUnavailable, unauthenticated } from '../errors.js';
import type { AuthScheme } from './authenticate.js';
import { IssuerUnavailableError } from './key-set.js';

/** How far the clocks of the issuer and of this server may be apart, in seconds. */
const CLOCK_TOLERANCE_S = 30;

/** Whose tokens are accepted, and what in them makes an admin. */
export interface BearerSettings {
  readonly issuer: string;
  readonly audience: string;
  /** Role that makes an admin. */
  readonly adminRole: string;
  /** The API's client at the issuer: its client roles count, those of other clients do not. */
  readonly clientId: string;
}

/**
 * The bearer token scheme: `Authorization: Bearer`, a JWT as Keycloak issues it. Only RS256 is accepted, and
 * only keys of the issuer's own set. With no settings there is no issuer, and every token is refused.
 */
export function bearerScheme(settings: BearerSettings | null, getKey: JWTVerifyGetKey | null): AuthScheme {
  return async (request) => {
    const header = authorizationHeader(request);
    if (header === null) return null;
    if (settings === null || getKey === null)
      throw unauthenticated('Bearer tokens are not accepted here.', CHALLENGES.apiKey);
    const [, token] = /^Bearer +([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(header) ?? [];
    if (token === undefined) throw badToken();
    const claims = await verify(token, getKey, settings);
    const oauthUserId = subjectOf(claims);
    if (oauthUserId === null) throw badToken();
    return { apiKey: null, oauthUserId, isAdmin: hasRole(claims, settings) };
  };
}

/** The one Authorization header. Node would keep the first of several and drop the others silently. */
function authorizationHeader(request: IncomingMessage): string | null {
  if (request.headers.authorization === undefined) return null;
  const headers = request.headersDistinct['authorization'] ?? [];
  if (headers.length > 1)
    throw unauthenticated('There must be one Authorization header at most.', CHALLENGES.bearer);
  return headers[0] ?? null;
}

async function verify(token: string, getKey: JWTVerifyGetKey, settings: BearerSettings): Promise<JWTPayload> {
  const options = {
    algorithms: ['RS256'],
    issuer: settings.issuer,
    audience: settings.audience,
    requiredClaims: ['exp'],
    clockTolerance: CLOCK_TOLERANCE_S,
  };
  try {
    const { payload, protectedHeader } = await jwtVerify(token, getKey, options);
    if (!isAccessToken(protectedHeader, payload)) throw badToken();
    // jose looks at `iat` only where a greatest age is set.
    if (payload.iat !== undefined && payload.iat > Date.now() / 1_000 + CLOCK_TOLERANCE_S) throw badToken();
    return payload;
  } catch (error) {
    if (error instanceof IssuerUnavailableError) throw serviceUnavailable();
    if (error instanceof errors.JOSEError) throw badToken();
    throw error;
  }
}

/** Media types of access tokens, RFC 9068 section 2.1; older issuers say only that it is a JWT. */
const ACCESS_TOKEN_TYPES = new Set(['jwt', 'at+jwt', 'application/at+jwt']);

/** Claims of ID tokens and of events, such as a logout, that no access token has. */
const CLAIMS_OF_OTHERS = ['at_hash', 'c_hash', 's_hash', 'events'];

/**
 * Whether it is no other kind of token: an issuer signs ID tokens, refresh tokens and logout tokens with the same keys, and
 * may name the same audience in them. Keycloak says the kind in the claim `typ`, standards in the header.
 */
function isAccessToken({ typ }: JWTHeaderParameters, claims: JWTPayload): boolean {
  const isNamedSo = typ === undefined || ACCESS_TOKEN_TYPES.has(typ.toLowerCase());
  const kind = claims['typ'];
  const isBearer = kind === undefined || (typeof kind === 'string' && kind.toLowerCase() === 'bearer');
  return isNamedSo && isBearer && !CLAIMS_OF_OTHERS.some((name) => Object.hasOwn(claims, name));
}

/** GAME's rule: the first of these claims that is not blank. */
function subjectOf(claims: JWTPayload): string | null {
  const candidates = ['sub', 'preferred_username', 'email', 'client_id', 'azp'].map((name) => claims[name]);
  const subject = candidates.find((value) => typeof value === 'string' && value.trim() !== '');
  // A subject that PostgreSQL cannot store names nobody.
  return typeof subject === 'string' && subject.isWellFormed() && !subject.includes('\0') ? subject : null;
}

/** GAME's rule: where the admin role may stand. */
function hasRole(claims: JWTPayload, { adminRole, clientId }: BearerSettings): boolean {
  const access = claims['resource_access'];
  const lists = [
    member(claims['realm_access'], 'roles'),
    claims['roles'],
    member(member(access, clientId), 'roles'),
    member(member(access, 'account'), 'roles'),
  ];
  return lists.some((roles) => Array.isArray(roles) && roles.includes(adminRole));
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;
}

const badToken = (): Error => unauthenticated('The bearer token is not valid.', CHALLENGES.badToken);
