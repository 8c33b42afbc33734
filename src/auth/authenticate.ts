import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { IncomingHttpHeaders } from 'node:http';
import { unauthenticated } from '../errors.js';
import { authenticateApiKey } from './api-key.js';
import { ANONYMOUS, type Caller } from './caller.js';

/**
 * Who sent this request. Called once per request.
 *
 * @throws UNAUTHENTICATED when a credential was sent that is not good: a bad one never makes the caller
 *   anonymous
 */
export async function authenticate(em: SqlEntityManager, headers: IncomingHttpHeaders): Promise<Caller> {
  if (headers.authorization !== undefined) {
    throw unauthenticated(
      'The Authorization header is not supported. Send an API key in the X-API-Key header.',
    );
  }
  const apiKey = await authenticateApiKey(em, headers);
  return apiKey === null ? ANONYMOUS : { kind: 'apiKey', apiKey };
}
