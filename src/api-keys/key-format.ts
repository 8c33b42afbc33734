import { hash, randomBytes } from 'node:crypto';

/** Longest key that is looked up, in characters. GAME's own have 50. */
const MAX_LENGTH = 256;

/** A key as it is made: the secret is shown once, its hash and prefix are stored. */
export interface NewApiKey {
  readonly secret: string;
  readonly prefix: string;
  readonly hash: string;
}

/** Makes a key of GAME's form: `gme_live_` + 8 URL-safe characters + `.` + 32 URL-safe characters. */
export function newApiKey(): NewApiKey {
  const prefix = `gme_live_${randomBytes(6).toString('base64url')}`;
  const secret = `${prefix}.${randomBytes(24).toString('base64url')}`;
  return { secret, prefix, hash: hashApiKey(secret) };
}

/** SHA-256 of the whole key in hex: what GAME stores, and what a key is looked up by. */
export function hashApiKey(secret: string): string {
  return hash('sha256', secret, 'hex');
}

/** Whether a string can be a key at all: printable ASCII of a sane length. */
export function isApiKeyShaped(value: string): boolean {
  return value.length <= MAX_LENGTH && /^[\x21-\x7e]+$/.test(value);
}
