import sql, { type Sql } from 'sql-template-tag';
import type { CallerSql } from '../caller-sql.js';

/**
 * Which games `g` a caller may see, and change: the rights are the same. They are conditions of which one must
 * hold, apart, because an index serves each of them alone; none means that nothing is visible.
 */
export function gamesVisibleTo(caller: CallerSql): Sql[] {
  switch (caller.kind) {
    case 'anonymous':
      return [];
    case 'apiKey':
      return [sql`g."apiKey_used" = ${caller.apiKey}`];
    case 'oauth':
      return [sql`g.oauth_user_id = ${caller.oauthUserId}`];
    case 'apiKeyAndOAuth':
      return [sql`g."apiKey_used" = ${caller.apiKey}`, sql`g.oauth_user_id = ${caller.oauthUserId}`];
    case 'admin':
      return [sql`TRUE`];
  }
}
