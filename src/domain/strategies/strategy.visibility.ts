import sql, { type Sql } from 'sql-template-tag';
import type { CallerSql } from '../caller-sql.js';
import type { Strategies } from './strategies.js';

/** Which custom strategies `d` a caller may see: those of its realm (see `Strategies.realmOf`); an admin all. */
export function customStrategiesVisibleTo(caller: CallerSql, strategies: Strategies): Sql {
  switch (caller.kind) {
    case 'anonymous':
      return sql`FALSE`;
    case 'apiKey':
    case 'apiKeyAndOAuth':
      return sql`d."realmId" = ${caller.apiKey}`;
    case 'oauth':
      return sql`d."realmId" = ${strategies.realm}`;
    case 'admin':
      return sql`TRUE`;
  }
}
