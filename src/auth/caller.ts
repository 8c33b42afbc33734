/**
 * Who is asking: one value, made once per request from the request's credentials.
 *
 * A new kind of caller is a new member of this union; every `switch` over it then fails to compile until
 * it has said what that caller may see.
 */
export type Caller = Anonymous | KnownCaller;

/** A caller that presented a good credential. */
export type KnownCaller = ApiKeyCaller | OAuthCaller | ApiKeyAndOAuthCaller | AdminCaller;

/** No credential was sent. Sees nothing. */
export interface Anonymous {
  readonly kind: 'anonymous';
}

/** An API key: owns what carries the key's public prefix. */
export interface ApiKeyCaller {
  readonly kind: 'apiKey';
  /** Public prefix of the key, never the secret. */
  readonly apiKey: string;
}

/** A bearer token: owns what carries the token's subject. */
export interface OAuthCaller {
  readonly kind: 'oauth';
  /** Subject of the token. */
  readonly oauthUserId: string;
}

/** A key and a token sent together: one caller that owns what either of them owns. */
export interface ApiKeyAndOAuthCaller {
  readonly kind: 'apiKeyAndOAuth';
  readonly apiKey: string;
  readonly oauthUserId: string;
}

/** A bearer token with the admin role, perhaps with a key beside it. Sees and changes everything. */
export interface AdminCaller {
  readonly kind: 'admin';
  readonly apiKey: string | null;
  readonly oauthUserId: string;
}

/** The caller without credentials. */
export const ANONYMOUS: Anonymous = { kind: 'anonymous' };

/** The identities of a caller, as they are stamped on what it creates. */
export interface Identity {
  readonly apiKey: string | null;
  readonly oauthUserId: string | null;
}

/** One text for the identities of a caller, which no other caller has: no API key's prefix has a blank in it. */
export function callerKeyOf({ apiKey, oauthUserId }: Identity): string {
  return oauthUserId === null ? (apiKey ?? '') : `${apiKey ?? ''} ${oauthUserId}`;
}

/** The identities of a caller; both null for an anonymous one. */
export function identityOf(caller: Caller): Identity {
  switch (caller.kind) {
    case 'anonymous':
      return { apiKey: null, oauthUserId: null };
    case 'apiKey':
      return { apiKey: caller.apiKey, oauthUserId: null };
    case 'oauth':
      return { apiKey: null, oauthUserId: caller.oauthUserId };
    case 'apiKeyAndOAuth':
    case 'admin':
      return { apiKey: caller.apiKey, oauthUserId: caller.oauthUserId };
  }
}
