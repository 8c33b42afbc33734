import { raw, type SqlEntityManager } from '@mikro-orm/postgresql';
import { randomUUID } from 'node:crypto';
import { identityOf, type KnownCaller } from '../auth/caller.js';
import { LogEntry } from './log-entry.entity.js';

/**
 * Leaves a row in GAME's audit log. To be called with the entity manager of the write's own transaction,
 * so that the row stands exactly when the write does. Reads are not audited.
 */
export async function recordWrite(
  em: SqlEntityManager,
  caller: KnownCaller,
  message: string,
  details: Record<string, unknown>,
): Promise<void> {
  await em.insert(LogEntry, {
    id: randomUUID(),
    logLevel: 'SUCCESS',
    module: 'game',
    message,
    details: caller.kind === 'admin' ? { ...details, admin: true } : details,
    ...identityOf(caller),
    createdAt: raw('clock_timestamp()'),
    updatedAt: raw('clock_timestamp()'),
  });
}
