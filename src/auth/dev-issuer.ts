import {
  createLocalJWKSet,
  exportJWK,
  generateKeyPair,
  importJWK,
  SignJWT,
  type JWK,
  type JWTVerifyGetKey,
} from 'jose';
import { link, mkdir, readFile, unlink, writeFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { BearerSettings } from './bearer-scheme.js';

const ALGORITHM = 'RS256';
const KEY_FILE = 'token-key.json';
const LIFETIME = '24h';

/**
 * Issues tokens for trying things out, with a key that lives in the directory of the embedded database. It
 * exists for the embedded database alone: with a real one, whoever can read a file must not become an admin.
 */
export class DevIssuer {
  static readonly ISSUER = 'urn:game-graphql:embedded';
  static readonly AUDIENCE = 'game-graphql';

  private constructor(private readonly key: JWK) {}

  /** Opens the issuer of a directory; makes its key when there is none yet. */
  static async open(directory: string): Promise<DevIssuer> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const file = join(directory, KEY_FILE);
    return new DevIssuer((await readKey(file)) ?? (await makeKey(file)));
  }

  /** For verifying its tokens. */
  get getKey(): JWTVerifyGetKey {
    const { kty, n, e, kid } = this.key as Required<JWK>;
    return createLocalJWKSet({ keys: [{ kty, n, e, kid, alg: ALGORITHM, use: 'sig' }] });
  }

  settings(adminRole: string): BearerSettings {
    return {
      issuer: DevIssuer.ISSUER,
      audience: DevIssuer.AUDIENCE,
      adminRole,
      clientId: DevIssuer.AUDIENCE,
    };
  }

  /** A token that is good for 24 hours. */
  async issue(subject: string, roles: readonly string[]): Promise<string> {
    return new SignJWT({ realm_access: { roles } })
      .setProtectedHeader({ alg: ALGORITHM, ...(this.key.kid === undefined ? {} : { kid: this.key.kid }) })
      .setIssuer(DevIssuer.ISSUER)
      .setAudience(DevIssuer.AUDIENCE)
      .setSubject(subject)
      .setIssuedAt()
      .setExpirationTime(LIFETIME)
      .sign(await importJWK(this.key, ALGORITHM));
  }
}

async function readKey(file: string): Promise<JWK | null> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as JWK;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}

/** The server and the token command may both be the first: `link` lets one of them win. */
async function makeKey(file: string): Promise<JWK> {
  const { privateKey } = await generateKeyPair(ALGORITHM, { extractable: true });
  const key = { ...(await exportJWK(privateKey)), kid: randomUUID() };
  const draft = `${file}.${key.kid}`;
  await writeFile(draft, JSON.stringify(key), { mode: 0o600 });
  try {
    await link(draft, file);
    return key;
  } catch (error) {
    const made = await readKey(file);
    if (made === null) throw error;
    return made;
  } finally {
    await unlink(draft);
  }
}
