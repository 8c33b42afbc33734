import sql, { type Sql } from 'sql-template-tag';
import type { Caller, Identity } from '../auth/caller.js';
import { timestampText } from '../database/timestamp.js';
import { Problems } from '../errors.js';
import { canonicalFilter, filterCondition, type Filter, type FilterColumn } from '../filtering/filter.js';
import {
  effectiveOrder,
  idColumn,
  textColumn,
  timestampColumn,
  totalOrdering,
  type Order,
  type OrderColumn,
} from '../paging/columns.js';
import { or } from '../paging/keyset.js';
import { nodeSelection, pageRequest, pageShape, type Page, type PageArguments } from '../paging/page.js';
import { checkLeaderboards, gameLeaderboardShape } from '../points/leaderboard.shape.js';
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
import { strategyShape } from '../strategies/strategy.shape.js';
import { gameTaskShape, gameTasksShape, type TaskQuery } from '../tasks/task.shape.js';

/** A game as it is read. Timestamps are RFC 3339 text in UTC with six fraction digits. */
export interface GameRow {
  readonly id: string;
  readonly externalGameId: string | null;
  readonly platform: string | null;
  readonly strategyId: string | null;
  readonly createdAt: string | null;
  readonly updatedAt: string | null;
  readonly owner: Identity;
  /** Changes whenever the game or its params change, whoever wrote them. */
  readonly version: string;
}

/** A game as it was asked for. */
export type SelectedGame = Selected<GameRow>;

/** A param of a game as it is read. */
export interface GameParamRow {
  readonly id: string;
  readonly key: string | null;
  readonly value: string | null;
}

export type GameFilterField =
  | 'id'
  | 'externalGameId'
  | 'platform'
  | 'strategyId'
  | 'createdAt'
  | 'updatedAt'
  | 'ownerApiKey'
  | 'ownerOauthUserId';
export type GameFilter = Filter<GameFilterField>;

export type GameOrderField = 'CREATED_AT' | 'UPDATED_AT' | 'EXTERNAL_GAME_ID' | 'PLATFORM' | 'STRATEGY_ID';
export type GameOrder = Order<GameOrderField>;

/** Which games are asked for, in which order, and which page of them. */
export interface GameQuery extends PageArguments {
  readonly filter?: GameFilter | null | undefined;
  readonly orderBy?: readonly GameOrder[] | null | undefined;
}

const FILTER_COLUMNS: Readonly<Record<GameFilterField, FilterColumn>> = {
  id: { column: sql`g.id`, type: 'uuid' },
  externalGameId: { column: sql`g."externalGameId"`, type: 'text' },
  platform: { column: sql`g.platform`, type: 'text' },
  strategyId: { column: sql`g."strategyId"`, type: 'text' },
  createdAt: { column: sql`g.created_at`, type: 'timestamptz' },
  updatedAt: { column: sql`g.updated_at`, type: 'timestamptz' },
  ownerApiKey: { column: sql`g."apiKey_used"`, type: 'text' },
  ownerOauthUserId: { column: sql`g.oauth_user_id`, type: 'text' },
};

const ORDER_COLUMNS: Readonly<Record<GameOrderField, OrderColumn>> = {
  CREATED_AT: timestampColumn(sql`g.created_at`),
  UPDATED_AT: timestampColumn(sql`g.updated_at`),
  EXTERNAL_GAME_ID: textColumn(sql`g."externalGameId"`),
  PLATFORM: textColumn(sql`g.platform`),
  STRATEGY_ID: textColumn(sql`g."strategyId"`),
};
const NEWEST_FIRST: readonly GameOrder[] = [{ field: 'CREATED_AT', direction: 'DESC' }];

/**
 * The version of a game `g`. PostgreSQL's xmin, the transaction that wrote a row, changes with every write of
 * any program, so the version notices GAME's own writes, and a value that was changed and changed back.
 */
export const GAME_VERSION = sql`md5(concat(g.xmin, (SELECT string_agg(concat(p.id, p.xmin), ',' ORDER BY p.id)
  FROM gamesparams p WHERE p."gameId" = g.id)))`;

const COLUMNS: Readonly<Record<keyof GameRow, Sql>> = {
  id: sql`g.id`,
  externalGameId: sql`g."externalGameId"`,
  platform: sql`g.platform`,
  strategyId: sql`g."strategyId"`,
  createdAt: timestampText(sql`g.created_at`),
  updatedAt: timestampText(sql`g.updated_at`),
  owner: sql`json_build_object('apiKey', g."apiKey_used", 'oauthUserId', g.oauth_user_id)`,
  version: GAME_VERSION,
};

/**
 * Which games a caller may see, and change: the rights are the same. The conditions exclude each other, so
 * that each can be a branch of its own that an index serves; none means that nothing is visible.
 */
export function visibleTo(caller: Caller): Sql[] {
  switch (caller.kind) {
    case 'anonymous':
      return [];
    case 'apiKey':
      return [sql`g."apiKey_used" = ${caller.apiKey}`];
    case 'oauth':
      return [sql`g.oauth_user_id = ${caller.oauthUserId}`];
    case 'apiKeyAndOAuth':
      return [
        sql`g."apiKey_used" = ${caller.apiKey}`,
        sql`g.oauth_user_id = ${caller.oauthUserId} AND g."apiKey_used" IS DISTINCT FROM ${caller.apiKey}`,
      ];
    case 'admin':
      return [sql`TRUE`];
  }
}

/** The shape of a game `g`, with what belongs to it. The game must be visible to the reader. */
export function gameShape(reader: Reader, selection: Selection): Shape<SelectedGame> {
  checkLeaderboards(selection);
  return objectShape(
    COLUMNS,
    selection,
    partShapes(selection, {
      params: gameParamsShape,
      tasks: (args: TaskQuery, tasks) => gameTasksShape(reader, args, tasks),
      task: ({ externalTaskId }: { externalTaskId: string }, task) =>
        gameTaskShape(reader, externalTaskId, task),
      strategy: (_args, strategy) => strategyShape(reader, sql`g."strategyId"`, strategy),
      leaderboard: (args: PageArguments, page) => gameLeaderboardShape(reader.caller, args, page),
    }),
  );
}

/** The shape of the visible game with the id that this expression yields, or null. */
export function gameByIdShape(reader: Reader, id: Sql, selection: Selection): Shape<SelectedGame | null> {
  const game = gameShape(reader, selection);
  return optionalShape(
    game,
    sql`SELECT ${game.sql} FROM games g WHERE g.id = ${id} AND ${or(visibleTo(reader.caller))}`,
  );
}

/** The params of a game `g`: oldest first, undated last, then by id. */
function gameParamsShape(_args: unknown, selection: Selection): Shape<Selected<GameParamRow>[]> {
  const param = objectShape<GameParamRow>({ id: sql`p.id`, key: sql`p.key`, value: sql`p.value` }, selection);
  return listShape(
    param,
    sql`SELECT ${param.sql} AS o FROM gamesparams p WHERE p."gameId" = g.id ORDER BY p.created_at, p.id`,
  );
}

/**
 * The shape of a page of the games visible to the caller.
 *
 * @throws BAD_USER_INPUT for bad page arguments, filters or orderings; LIMIT_EXCEEDED for too much
 */
export function gamePageShape(
  reader: Reader,
  games: GameQuery,
  connection: Selection,
): Shape<Page<SelectedGame> | Error> {
  const problems = new Problems();
  const order = effectiveOrder(games.orderBy, NEWEST_FIRST, problems);
  const filter = filterCondition(games.filter, FILTER_COLUMNS, 'filter', problems);
  const list = {
    table: sql`games g`,
    id: sql`g.id`,
    scope: visibleTo(reader.caller),
    filter: games.filter ? [filter] : [],
    ordering: totalOrdering(order, ORDER_COLUMNS, idColumn(sql`g.id`)),
  };
  const belongsTo = ['games', order, canonicalFilter(games.filter), reader.caller];
  const request = pageRequest(games, list, belongsTo, problems);
  return pageShape(list, request, connection, gameShape(reader, nodeSelection(connection)));
}

/** The shape of a page of the visible games that satisfy a condition, newest first, below some object. */
export function relatedGamesShape(
  reader: Reader,
  relation: { readonly name: string; readonly parentId: Sql; readonly condition: Sql },
  args: PageArguments,
  connection: Selection,
): Shape<Page<SelectedGame> | Error> {
  const list = {
    table: sql`games g`,
    id: sql`g.id`,
    scope: visibleTo(reader.caller),
    filter: [relation.condition],
    ordering: totalOrdering(NEWEST_FIRST, ORDER_COLUMNS, idColumn(sql`g.id`)),
    parentId: relation.parentId,
  };
  const request = pageRequest(args, list, [relation.name, reader.caller], new Problems());
  return pageShape(list, request, connection, gameShape(reader, nodeSelection(connection)));
}
