import { LRUCache } from 'lru-cache';
import { hash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** Maximum number of credentials that are remembered, and for how long, in ms. */
const MAX_CREDENTIALS = 10_000;
const MAX_AGE_MS = 60_000;

/**
 * Whose credentials were refused because their caller had spent what it may: so it is known who sends them again,
 * before a token is verified or the body of the request is read.
 */
export class RefusedCredentials {
  /** Callers by the SHA-256 of what they sent. */
  readonly #callers = new LRUCache<string, string>({ max: MAX_CREDENTIALS, ttl: MAX_AGE_MS });

  add(request: IncomingMessage, callerKey: string): void {
    this.#callers.set(digestOf(request), callerKey);
  }

  /** The caller whose credentials these are; null: that is not known. */
  callerOf(request: IncomingMessage): string | null {
    if (this.#callers.size === 0) return null;
    return this.#callers.get(digestOf(request)) ?? null;
  }
}

function digestOf({ headers }: IncomingMessage): string {
  return hash('sha256', `${String(headers['x-api-key'])}\n${headers.authorization ?? ''}`, 'hex');
}
