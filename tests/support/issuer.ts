import { exportJWK, generateKeyPair, SignJWT, type JWTPayload } from 'jose';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Credentials } from './api.js';

const AUDIENCE = 'game-graphql';
const KEY_ID = 'test-key';

/** Someone who signs bearer tokens. */
export interface Issuer {
  /** Settings that make a server accept its tokens: `env` of `startApi`. */
  readonly env: NodeJS.ProcessEnv;
  /** A good token with these claims; `as` of the API. */
  caller(claims: JWTPayload): Promise<Credentials>;
  /** A good token of an admin. */
  admin(subject: string): Promise<Credentials>;
  close(): Promise<void>;
}

/** Starts an issuer that serves its keys on a port of its own. */
export async function startIssuer(): Promise<Issuer> {
  const { publicKey, privateKey } = await generateKeyPair('RS256');
  const keys = JSON.stringify({
    keys: [{ ...(await exportJWK(publicKey)), kid: KEY_ID, alg: 'RS256', use: 'sig' }],
  });
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json').end(keys);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const caller = async (claims: JWTPayload): Promise<Credentials> => ({
    token: await new SignJWT({ iss: url, aud: AUDIENCE, ...claims })
      .setProtectedHeader({ alg: 'RS256', kid: KEY_ID })
      .setIssuedAt()
      .setExpirationTime('5 minutes')
      .sign(privateKey),
  });
  return {
    env: { OAUTH_ISSUER: url, OAUTH_AUDIENCE: AUDIENCE, OAUTH_JWKS_URL: `${url}/certs` },
    caller,
    admin: (sub) => caller({ sub, realm_access: { roles: ['AdministratorGAME'] } }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
