import sql, { type Sql } from 'sql-template-tag';
import type { Caller, Identity } from '../auth/caller.js';
import { timestampText } from '../database/timestamp.js';
import { Problems } from '../errors.js';
import { canonicalFilter, filterCondition, type Filter, type FilterColumn } from '../filtering/filter.js';
import type { Direction, KeysetColumn } from '../paging/keyset.js';
import { nodeSelection, pageRequest, pageShape, type Page, type PageArguments } from '../paging/page.js';
import type { Selection } from '../reading/selection.js';
import { listShape, objectShape, partShapes, type Selected, type Shape } from '../reading/shape.js';

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
export interface GameOrder {
  readonly field: GameOrderField;
  readonly direction: Direction;
}

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

type OrderColumn = Omit<KeysetColumn, 'direction'>;

function timestampColumn(column: Sql): OrderColumn {
  return { expression: column, text: timestampText(column), type: 'timestamptz', nullable: true };
}

/** Text is ordered by code point, the same on every database. */
function textColumn(column: Sql): OrderColumn {
  return { expression: sql`${column} COLLATE "C"`, text: column, type: 'text', nullable: true };
}

const ORDER_COLUMNS: Readonly<Record<GameOrderField, OrderColumn>> = {
  CREATED_AT: timestampColumn(sql`g.created_at`),
  UPDATED_AT: timestampColumn(sql`g.updated_at`),
  EXTERNAL_GAME_ID: textColumn(sql`g."externalGameId"`),
  PLATFORM: textColumn(sql`g.platform`),
  STRATEGY_ID: textColumn(sql`g."strategyId"`),
};
const ID_COLUMN: OrderColumn = { expression: sql`g.id`, text: sql`g.id`, type: 'uuid', nullable: false };

const NEWEST_FIRST: readonly GameOrder[] = [{ field: 'CREATED_AT', direction: 'DESC' }];

const COLUMNS: Readonly<Record<keyof GameRow, Sql>> = {
  id: sql`g.id`,
  externalGameId: sql`g."externalGameId"`,
  platform: sql`g.platform`,
  strategyId: sql`g."strategyId"`,
  createdAt: timestampText(sql`g.created_at`),
  updatedAt: timestampText(sql`g.updated_at`),
  owner: sql`json_build_object('apiKey', g."apiKey_used", 'oauthUserId', g.oauth_user_id)`,
  // PostgreSQL's xmin, the transaction that wrote a row, changes with every write of any program, so the
  // version notices GAME's own writes, and a value that was changed and changed back.
  version: sql`md5(concat(g.xmin, (SELECT string_agg(concat(p.id, p.xmin), ',' ORDER BY p.id)
    FROM gamesparams p WHERE p."gameId" = g.id)))`,
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

/** The shape of a game `g`, with what belongs to it. */
export function gameShape(selection: Selection): Shape<SelectedGame> {
  return objectShape(COLUMNS, selection, partShapes(selection, { params: gameParamsShape }));
}

/** The params of a game `g`: oldest first, undated last, then by id. */
function gameParamsShape(): Shape<GameParamRow[]> {
  const param: Shape<GameParamRow> = {
    sql: sql`json_build_array(p.id, p.key, p.value)`,
    read: (json) => {
      const [id, key, value] = json as [string, string | null, string | null];
      return { id, key, value };
    },
  };
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
  caller: Caller,
  games: GameQuery,
  connection: Selection,
): Shape<Page<SelectedGame> | Error> {
  const problems = new Problems();
  const order = effectiveOrder(games.orderBy, problems);
  const filter = filterCondition(games.filter, FILTER_COLUMNS, 'filter', problems);
  // The tie-breaker runs in the direction of the last column, so that one index serves both.
  const ordering = [
    ...order.map(({ field, direction }) => ({ ...ORDER_COLUMNS[field], direction })),
    { ...ID_COLUMN, direction: order.at(-1)?.direction ?? 'DESC' },
  ];
  const request = pageRequest(
    games,
    ordering.map(({ type }) => type),
    ['games', order, canonicalFilter(games.filter), caller],
    problems,
  );
  const list = {
    table: sql`games g`,
    id: sql`g.id`,
    scope: visibleTo(caller),
    filter: games.filter ? [filter] : [],
    ordering,
  };
  return pageShape(list, request, connection, gameShape(nodeSelection(connection)));
}

function effectiveOrder(orders: GameQuery['orderBy'], problems: Problems): readonly GameOrder[] {
  if (!orders || orders.length === 0) return NEWEST_FIRST;
  const seen = new Set<string>();
  orders.forEach(({ field }, index) => {
    if (seen.has(field))
      problems.add(`orderBy.${index}.field`, `${field} is given twice; give each field once.`);
    seen.add(field);
  });
  return orders.map(({ field, direction }) => ({ field, direction }));
}
