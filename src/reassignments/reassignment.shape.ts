import sql, { type Sql } from 'sql-template-tag';
import type { Caller, Identity } from '../auth/caller.js';
import { timestampText } from '../database/timestamp.js';
import { Problems } from '../errors.js';
import { relatedGamesShape } from '../games/game.shape.js';
import { idColumn, timestampColumn } from '../paging/columns.js';
import { or, type Ordering } from '../paging/keyset.js';
import { nodeSelection, pageRequest, pageShape, type Page, type PageArguments } from '../paging/page.js';
import type { Reader } from '../reading/reader.js';
import type { Selection } from '../reading/selection.js';
import {
  listShape,
  objectShape,
  optionalShape,
  partShapes,
  type Selected,
  type Shape,
} from '../reading/shape.js';

export type ReassignmentKind = 'BULK' | 'ROLLBACK' | 'UNDO';

/** A reassignment as it is read. */
export interface ReassignmentRow {
  readonly id: string;
  readonly kind: ReassignmentKind;
  readonly oldStrategyId: string;
  readonly newStrategyId: string;
  /** Games moved. */
  readonly count: number;
  /** Tasks moved: by a rollback only. */
  readonly taskCount: number;
  readonly madeBy: Identity;
  readonly createdAt: string;
  readonly undoneAt: string | null;
}

/** A reassignment as it was asked for. */
export type SelectedReassignment = Selected<ReassignmentRow>;

const COLUMNS: Readonly<Record<keyof ReassignmentRow, Sql>> = {
  id: sql`r.id`,
  kind: sql`r.kind`,
  oldStrategyId: sql`r.old_strategy_id`,
  newStrategyId: sql`r.new_strategy_id`,
  count: sql`r.games`,
  taskCount: sql`r.tasks`,
  madeBy: sql`json_build_object('apiKey', r.api_key, 'oauthUserId', r.oauth_user_id)`,
  createdAt: timestampText(sql`r.created_at`),
  undoneAt: timestampText(sql`r.undone_at`),
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
      return [
        sql`r.api_key = ${caller.apiKey}`,
        sql`r.oauth_user_id = ${caller.oauthUserId} AND r.api_key IS DISTINCT FROM ${caller.apiKey}`,
      ];
    case 'admin':
      return [sql`TRUE`];
  }
}

/** The shape of a reassignment `r`, with what belongs to it. */
export function reassignmentShape(reader: Reader, selection: Selection): Shape<SelectedReassignment> {
  return objectShape(
    COLUMNS,
    selection,
    partShapes(selection, {
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
    }),
  );
}

/** The shape of the reassignment that a reassignment `r` undid, or null. */
function undoneShape(reader: Reader, selection: Selection): Shape<SelectedReassignment | null> {
  const undone = reassignmentShape(reader, selection);
  // Within the brackets `r` is still the one that undid.
  return optionalShape(
    undone,
    sql`SELECT ${undone.sql} FROM (SELECT x.* FROM game_graphql_reassignments x WHERE x.id = r.undoes) r
        WHERE ${or(madeBy(reader.caller))}`,
  );
}

/** The shape of the visible reassignments with these ids. */
export function reassignmentsByIdShape(
  reader: Reader,
  ids: readonly string[],
  selection: Selection,
): Shape<SelectedReassignment[]> {
  const reassignment = reassignmentShape(reader, selection);
  return listShape(
    reassignment,
    sql`SELECT ${reassignment.sql} AS o FROM game_graphql_reassignments r
        WHERE r.id = ANY(${ids}::uuid[]) AND ${or(madeBy(reader.caller))}`,
  );
}

/** The shape of a page of the reassignments that the caller may see, newest first. */
export function reassignmentPageShape(
  reader: Reader,
  args: PageArguments,
  connection: Selection,
): Shape<Page<SelectedReassignment> | Error> {
  const list = {
    table: sql`game_graphql_reassignments r`,
    id: sql`r.id`,
    scope: madeBy(reader.caller),
    filter: [],
    ordering: NEWEST_FIRST,
  };
  const request = pageRequest(args, list, ['strategyReassignments', reader.caller], new Problems());
  return pageShape(list, request, connection, reassignmentShape(reader, nodeSelection(connection)));
}
