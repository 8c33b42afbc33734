import sql, { type Sql } from 'sql-template-tag';
import { identityOf, type Caller } from '../auth/caller.js';
import { Placeholder } from '../sql-json/bind.js';
import type { CallerBindings } from '../sql-json/statement-runner.js';

/**
 * The caller as a statement sees it: its kind, which decides about the text of the statement, and its identities,
 * which are values. What may be seen is decided by these alone, so a statement that is kept cannot hold anybody's
 * identity.
 */
export interface CallerSql {
  readonly kind: Caller['kind'];
  readonly apiKey: Sql;
  readonly oauthUserId: Sql;
}

/** The caller of a statement that runs once. */
export function callerSql(caller: Caller): CallerSql {
  const { apiKey, oauthUserId } = identityOf(caller);
  return { kind: caller.kind, apiKey: sql`${apiKey}`, oauthUserId: sql`${oauthUserId}` };
}

const apiKey = sql`${new Placeholder<CallerBindings<Caller>>(({ caller }) => identityOf(caller).apiKey)}`;
const oauthUserId = sql`${new Placeholder<CallerBindings<Caller>>(({ caller }) => identityOf(caller).oauthUserId)}`;

/** The caller of a statement that is kept: its identities are bound when the statement runs. */
export function callerPlaceholders({ kind }: Caller): CallerSql {
  return { kind, apiKey, oauthUserId };
}
