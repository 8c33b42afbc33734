import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { randomUUID } from 'node:crypto';
import sql from 'sql-template-tag';
import { identityOf, type KnownCaller } from '../../auth/caller.js';
import { markCommit } from '../../database/commit-outcome.js';
import { query } from '../../database/query.js';

/**
 * Leaves a row in GAME's audit log. To be called with the entity manager of the write's own transaction,
 * so that the row stands exactly when the write does: when the answer to COMMIT is lost, it tells what came of it. Reads
 * are not audited.
 */
export async function recordWrite(
  em: SqlEntityManager,
  caller: KnownCaller,
  message: string,
  details: Record<string, unknown>,
  module: 'game' | 'task' | 'strategies_custom' = 'game',
): Promise<void> {
  const { apiKey, oauthUserId } = identityOf(caller);
  // The log refers to the table of subjects, which GAME fills when it first sees one. Several writes may be
  // the first.
  if (oauthUserId !== null) {
    await query(
      em,
      sql`INSERT INTO oauthusers (id, provider, provider_user_id, status, created_at, updated_at)
          VALUES (${randomUUID()}::uuid, 'keycloak', ${oauthUserId}, 'active', clock_timestamp(), clock_timestamp())
          ON CONFLICT (provider_user_id) DO NOTHING`,
    );
  }
  const told = JSON.stringify(caller.kind === 'admin' ? { ...details, admin: true } : details);
  const logId = randomUUID();
  const [row] = await query<{ transactionId: string }>(
    em,
    sql`INSERT INTO logs (id, log_level, module, message, details, "apiKey_used", oauth_user_id, created_at, updated_at)
        VALUES (${logId}::uuid, 'SUCCESS', ${module}, ${message}, ${told}::json, ${apiKey}, ${oauthUserId},
                clock_timestamp(), clock_timestamp())
        RETURNING pg_current_xact_id()::text AS "transactionId"`,
  );
  if (row !== undefined) markCommit(em, { logId, transactionId: row.transactionId });
}
