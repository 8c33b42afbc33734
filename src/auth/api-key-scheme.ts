import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { LRUCache } from 'lru-cache';
import sql from 'sql-template-tag';
import { hashApiKey, isApiKeyShaped } from '../api-keys/key-format.js';
import { queryReserved } from '../database/query.js';
import { CHALLENGES, unauthenticated } from '../errors.js';
import type { AuthScheme } from './authenticate.js';

/** How long a key that was found good is taken for good, in ms: a revoked key stops within this time. */
const CACHE_MS = 5_000;
/** How long a key that was good may be looked up without being charged for, in ms: see `AuthScheme`. */
const TRUST_MS = 24 * 60 * 60_000;
/** Maximum number of keys that are remembered. */
const CACHE_SIZE = 10_000;

/**
 * The API key scheme: `X-API-Key`.
 *
 * A key is found by its hash, so there is no comparison whose time could tell anything about a secret.
 * Only good keys are remembered: unknown ones, which anybody can send, would push the good ones out.
 */
export function apiKeyScheme(em: SqlEntityManager): AuthScheme {
  /** Prefix by hash. */
  const known = new LRUCache<string, string>({ max: CACHE_SIZE, ttl: CACHE_MS });
  /** Hashes of keys that were good. */
  const trusted = new LRUCache<string, true>({ max: CACHE_SIZE, ttl: TRUST_MS });
  return async (request, beforeLookUp) => {
    const key = request.headers['x-api-key'];
    if (key === undefined) return null;
    if (typeof key !== 'string' || !isApiKeyShaped(key)) throw badKey();
    const hash = hashApiKey(key);
    let prefix = known.get(hash) ?? null;
    if (prefix === null) {
      if (!trusted.has(hash)) await beforeLookUp();
      prefix = await find(hash);
    }
    if (prefix === null) throw badKey();
    return { apiKey: prefix, oauthUserId: null, isAdmin: false };
  };

  async function find(hash: string): Promise<string | null> {
    // The TTL starts before the look-up, so that a slow one does not keep a revoked key valid for longer.
    const start = performance.now();
    const prefix = await findPrefix(em, hash);
    if (prefix === null) trusted.delete(hash);
    else {
      known.set(hash, prefix, { start });
      trusted.set(hash, true);
    }
    return prefix;
  }
}

async function findPrefix(em: SqlEntityManager, hash: string): Promise<string | null> {
  const [row] = await queryReserved<{ prefix: string | null }>(
    em,
    sql`SELECT "apiKey" AS prefix FROM apikey WHERE "apiKeyHash" = ${hash} AND active`,
  );
  return row?.prefix ?? null;
}

const badKey = (): Error => unauthenticated('The API key is unknown or inactive.', CHALLENGES.apiKey);
