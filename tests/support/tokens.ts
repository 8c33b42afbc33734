import { createHmac, constants, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export const AUDIENCE = 'game-graphql';

export type Json = Readonly<Record<string, unknown>>;

/** A pair of keys and the id that it has in a key set. */
export interface SigningKey {
  readonly kid: string;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

export function rsaKey(kid: string): SigningKey {
  return { kid, ...generateKeyPairSync('rsa', { modulusLength: 2048 }) };
}

export function ecKey(kid: string): SigningKey {
  return { kid, ...generateKeyPairSync('ec', { namedCurve: 'P-256' }) };
}

/** A public key as it stands in a key set. It names no algorithm, so that refusing one is up to the server. */
export function jwkOf({ kid, publicKey }: SigningKey): Json {
  return { ...publicKey.export({ format: 'jwk' }), kid };
}

/** Signs as an algorithm says, whether or not it is a sensible one. */
const SIGNERS: Readonly<Record<string, (data: Buffer, key: SigningKey) => Buffer>> = {
  none: () => Buffer.alloc(0),
  RS256: (data, { privateKey }) => sign('sha256', data, privateKey),
  RS384: (data, { privateKey }) => sign('sha384', data, privateKey),
  PS256: (data, { privateKey }) =>
    sign('sha256', data, { key: privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }),
  ES256: (data, { privateKey }) => sign('sha256', data, { key: privateKey, dsaEncoding: 'ieee-p1363' }),
  // The public key, which everybody has, as the secret.
  HS256: (data, { publicKey }) =>
    createHmac('sha256', publicKey.export({ format: 'pem', type: 'spki' }))
      .update(data)
      .digest(),
};

/** A token of exactly these parts, signed by hand: libraries refuse to sign most of what is worth sending. */
export function forge(header: Json, claims: Json, key: SigningKey): string {
  const part = (value: Json): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const data = `${part(header)}.${part(claims)}`;
  const signer = SIGNERS[String(header['alg'])];
  if (signer === undefined) throw new Error(`No signer for ${String(header['alg'])}.`);
  return `${data}.${signer(Buffer.from(data), key).toString('base64url')}`;
}

/** How the key server answers. */
export type KeyServerMode = 'keys' | 'down' | 'error' | 'garbage' | 'huge' | 'slow' | 'redirect';

/** An issuer whose key server does what a test wants. */
export class KeyServer {
  mode: KeyServerMode = 'keys';
  /** Requests so far. */
  requests = 0;
  /** Bytes that were written of huge answers. */
  bytes = 0;
  /** Where `redirect` leads. */
  redirectTo = '';

  private constructor(
    /** What is served as the set. */
    public keys: readonly Json[],
    private readonly server: ReturnType<typeof createServer>,
  ) {}

  static async start(keys: readonly Json[]): Promise<KeyServer> {
    const server = createServer((_request, response) => keyServer.answer(response));
    const keyServer = new KeyServer(keys, server);
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    return keyServer;
  }

  get issuer(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/realms/game`;
  }

  get url(): URL {
    return new URL(`${this.issuer}/certs`);
  }

  /** Settings that make a server accept this issuer's tokens. */
  get env(): NodeJS.ProcessEnv {
    return { OAUTH_ISSUER: this.issuer, OAUTH_AUDIENCE: AUDIENCE, OAUTH_JWKS_URL: this.url.href };
  }

  /** Claims of a good token, changed; what is undefined is left out. */
  claims(changes: Json = {}): Json {
    const now = Math.floor(Date.now() / 1_000);
    return { iss: this.issuer, aud: AUDIENCE, sub: 'somebody', iat: now, exp: now + 300, ...changes };
  }

  /** A token signed with RS256. */
  token(key: SigningKey, changes: Json = {}, header: Json = {}): string {
    return forge({ alg: 'RS256', kid: key.kid, ...header }, this.claims(changes), key);
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.server.close(() => resolve());
      this.server.closeAllConnections();
    });
  }

  private answer(response: ServerResponse): void {
    this.requests++;
    response.setHeader('content-type', 'application/json');
    const set = JSON.stringify({ keys: this.keys });
    switch (this.mode) {
      case 'keys':
        response.end(set);
        break;
      case 'down':
        response.destroy();
        break;
      case 'error':
        response.writeHead(500).end(set);
        break;
      case 'garbage':
        response.end('<html>Sign in</html>');
        break;
      case 'huge':
        this.flood(response, set);
        break;
      case 'slow':
        // The head comes at once and the body never.
        response.flushHeaders();
        break;
      case 'redirect':
        response.writeHead(302, { location: this.redirectTo }).end();
    }
  }

  /** The right keys with 10 MB of blanks before them. */
  private flood(response: ServerResponse, set: string): void {
    const chunk = ' '.repeat(64 * 1024);
    const write = (left: number): void => {
      if (response.destroyed) return;
      if (left === 0) {
        response.end(set);
        return;
      }
      this.bytes += chunk.length;
      response.write(chunk, () => write(left - 1));
    };
    write(160);
  }
}
