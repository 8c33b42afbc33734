import type { SqlEntityManager } from '@mikro-orm/postgresql';
import sql, { type Sql } from 'sql-template-tag';
import type { Caller } from '../../auth/caller.js';
import { query } from '../../database/query.js';
import { isUuid } from '../../database/uuid.js';
import { notFound, Problems } from '../../errors.js';
import { or } from '../../lists/keyset.js';
import { callerSql } from '../caller-sql.js';
import { gamesVisibleTo } from './game.visibility.js';

/** What a write looks at of a game that it changes, or whose tasks it changes. */
export interface LockedGame {
  readonly id: string;
  readonly externalGameId: string | null;
  readonly platform: string | null;
  readonly strategyId: string | null;
  readonly ownerApiKey: string | null;
}

/**
 * Locks a game for the rest of the transaction. Nobody else changes it, and it gets no tasks meanwhile, not from GAME
 * either: a foreign key needs a share of the lock. What others were adding is there once the lock is free.
 *
 * @param argument where the id was given
 * @throws NOT_FOUND, also where the caller may not see it; BAD_USER_INPUT for a broken string
 */
export async function lockGame(
  em: SqlEntityManager,
  caller: Caller,
  id: string,
  argument: string,
): Promise<LockedGame> {
  const problems = new Problems();
  problems.checkText(argument, id);
  problems.throwIfAny();
  const [game] = isUuid(id) ? await lockGames(em, caller, sql`g.id = ${id}::uuid`) : [];
  if (game === undefined) throw notFound('Game');
  return game;
}

/** Locks the games `g` that satisfy a condition and that the caller may see, one after the other by their ids. */
export function lockGames(em: SqlEntityManager, caller: Caller, condition: Sql): Promise<LockedGame[]> {
  return query<LockedGame>(
    em,
    sql`SELECT g.id, g."externalGameId", g.platform, g."strategyId", g."apiKey_used" AS "ownerApiKey"
        FROM games g WHERE ${condition} AND ${or(gamesVisibleTo(callerSql(caller)))} ORDER BY g.id FOR UPDATE`,
  );
}
