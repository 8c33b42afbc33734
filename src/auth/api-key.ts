import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { IncomingHttpHeaders } from 'node:http';
import sql from 'sql-template-tag';
import { hashApiKey, isApiKeyShaped } from '../api-keys/api-key.js';
import { query } from '../database/query.js';
import { unauthenticated } from '../errors.js';

/**
 * The API key scheme: `X-API-Key`. Answers null when no key was sent, else the key's public prefix.
 *
 * A key is found by its hash, so there is no comparison whose time could tell anything about a secret.
 *
 * @throws UNAUTHENTICATED for a key that is unknown, inactive or malformed
 */
export async function authenticateApiKey(
  em: SqlEntityManager,
  headers: IncomingHttpHeaders,
): Promise<string | null> {
  const key = headers['x-api-key'];
  if (key === undefined) return null;
  if (typeof key === 'string' && isApiKeyShaped(key)) {
    const [row] = await query<{ prefix: string | null }>(
      em,
      sql`SELECT "apiKey" AS prefix FROM apikey WHERE "apiKeyHash" = ${hashApiKey(key)} AND active`,
    );
    if (row?.prefix) return row.prefix;
  }
  throw unauthenticated('The API key is unknown or inactive.');
}
