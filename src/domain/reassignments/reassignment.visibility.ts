import sql, { type Sql } from 'sql-template-tag';
import type { CallerSql } from '../caller-sql.js';

/**
 * Which reassignments `r` a caller may see, and undo: those it made; an admin all. They are conditions of which one
 * must hold: see `gamesVisibleTo`.
 */
export function reassignmentsVisibleTo(caller: CallerSql): Sql[] {
  switch (caller.kind) {
    case 'anonymous':
      return [];
    case 'apiKey':
      return [sql`r.api_key = ${caller.apiKey}`];
    case 'oauth':
      return [sql`r.oauth_user_id = ${caller.oauthUserId}`];
    case 'apiKeyAndOAuth':
      return [sql`r.api_key = ${caller.apiKey}`, sql`r.oauth_user_id = ${caller.oauthUserId}`];
    case 'admin':
      return [sql`TRUE`];
  }
}
