import sql, { type Sql } from 'sql-template-tag';
import type { Caller } from '../../auth/caller.js';
import { Problems } from '../../errors.js';
import { identityShape, relatedGamesShape } from '../games/game.json.js';
import { idColumn, timestampColumn } from '../../lists/orders.js';
import { or, type Ordering } from '../../lists/keyset.js';
import { pageRequest, pageShape, type PageArguments } from '../../lists/page.js';
import type { Reader } from '../../sql-json/compile-context.js';
import type { Selection } from '../../sql-json/selection.js';
import {
  number,
  objectShape,
  optionalShape,
  text,
  timestamp,
  token,
  written,
  type Shape,
} from '../../sql-json/json-sql.js';

export type ReassignmentKind = 'BULK' | 'ROLLBACK' | 'UNDO';

const COLUMNS = {
  id: token(sql`r.id`),
  kind: token(sql`r.kind`),
  oldStrategyId: text(sql`r.old_strategy_id`),
  newStrategyId: text(sql`r.new_strategy_id`),
  /** Games moved. */
  count: number(sql`r.games`),
  /** Tasks moved: by a rollback only. */
  taskCount: number(sql`r.tasks`),
  createdAt: timestamp(sql`r.created_at`),
  undoneAt: timestamp(sql`r.undone_at`),
};

const NEWEST_FIRST: Ordering = [
  { ...timestampColumn(sql`r.created_at`), nullable: false, direction: 'DESC' },
  { ...idColumn(sql`r.id`), direction: 'DESC' },
];

/** Which reassignments a caller may see, and undo: those it made; an admin all. See `visibleTo` of games. */
export function madeBy(caller: Caller): Sql[] {
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

/** The shape of a reassignment `r`, with what belongs to it. */
export function reassignmentShape(reader: Reader, selection: Selection): Shape {
  return objectShape(reader, selection, {
    ...COLUMNS,
    madeBy: (_args, maker) => identityShape(reader, sql`r.api_key`, sql`r.oauth_user_id`, maker),
    games: (args: PageArguments, games) =>
      relatedGamesShape(
        reader,
        {
          name: 'StrategyReassignment.games',
          parentId: sql`r.id`,
          condition: sql`EXISTS (SELECT FROM game_graphql_reassigned_games m
            WHERE m.reassignment_id = r.id AND m.game_id = g.id)`,
        },
        args,
        games,
      ),
    undoes: (_args, undone) => undoneShape(reader, undone),
  });
}

/** The shape of the reassignment that a reassignment `r` undid, or null. */
function undoneShape(reader: Reader, selection: Selection): Shape {
  const undone = written(reassignmentShape(reader, selection));
  // Within the brackets `r` is still the one that undid.
  return optionalShape(
    sql`SELECT ${undone} FROM (SELECT x.* FROM game_graphql_reassignments x WHERE x.id = r.undoes) r
        WHERE ${or(madeBy(reader.caller))}`,
  );
}

/** The shape of a page of the reassignments that the caller may see, newest first. */
export function reassignmentPageShape(reader: Reader, args: PageArguments, connection: Selection): Shape {
  const list = {
    table: sql`game_graphql_reassignments r`,
    id: sql`r.id`,
    scope: madeBy(reader.caller),
    filter: [],
    ordering: NEWEST_FIRST,
  };
  const request = pageRequest(
    args,
    list,
    ['strategyReassignments'],
    () => reader.actualCaller,
    new Problems(),
  );
  return pageShape(reader, list, request, connection, (made) => reassignmentShape(reader, made));
}
