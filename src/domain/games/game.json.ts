import sql, { type Sql } from 'sql-template-tag';
import type { Caller } from '../../auth/caller.js';
import { Problems } from '../../errors.js';
import { canonicalFilter, filterCondition, type Filter, type FilterColumn } from '../../lists/filter.js';
import {
  effectiveOrder,
  idColumn,
  textColumn,
  timestampColumn,
  totalOrdering,
  type Order,
  type OrderColumn,
} from '../../lists/orders.js';
import { or, type Ordering } from '../../lists/keyset.js';
import {
  kindOf,
  nodeSelections,
  pageRequest,
  pageShape,
  withSlots,
  type PageArguments,
  type PageRequest,
} from '../../lists/page.js';
import { checkLeaderboards, gameLeaderboardShape } from '../leaderboards/leaderboard.json.js';
import type { Reader } from '../../sql-json/compile-context.js';
import type { Selection } from '../../sql-json/selection.js';
import {
  listShape,
  objectShape,
  optionalShape,
  text,
  timestamp,
  token,
  written,
  type Shape,
} from '../../sql-json/json-sql.js';
import { strategyShape } from '../strategies/strategy.json.js';
import { gameTaskShape, gameTasksShape, type TaskQuery } from '../tasks/task.json.js';

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
const ID = idColumn(sql`g.id`);
const NEWEST_FIRST: readonly GameOrder[] = [{ field: 'CREATED_AT', direction: 'DESC' }];
/** Made once: most lists have it. */
const NEWEST_FIRST_ORDERING = totalOrdering(NEWEST_FIRST, ORDER_COLUMNS, ID);

/**
 * The version of a game `g`. PostgreSQL's xmin, the transaction that wrote a row, changes with every write of
 * any program, so the version notices GAME's own writes, and a value that was changed and changed back.
 */
export const GAME_VERSION = sql`md5(concat(g.xmin, (SELECT string_agg(concat(p.id, p.xmin), ',' ORDER BY p.id)
  FROM gamesparams p WHERE p."gameId" = g.id)))`;

const PARAM_COLUMNS = { id: token(sql`p.id`), key: text(sql`p.key`), value: text(sql`p.value`) };

const COLUMNS = {
  id: token(sql`g.id`),
  externalGameId: text(sql`g."externalGameId"`),
  platform: text(sql`g.platform`),
  strategyId: text(sql`g."strategyId"`),
  createdAt: timestamp(sql`g.created_at`),
  updatedAt: timestamp(sql`g.updated_at`),
  version: () => token(GAME_VERSION),
};

/**
 * Which games a caller may see, and change: the rights are the same. They are conditions of which one must
 * hold, apart, because an index serves each of them alone; none means that nothing is visible.
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
      return [sql`g."apiKey_used" = ${caller.apiKey}`, sql`g.oauth_user_id = ${caller.oauthUserId}`];
    case 'admin':
      return [sql`TRUE`];
  }
}

/** The shape of a game `g`, with what belongs to it. The game must be visible to the reader. */
export function gameShape(reader: Reader, selection: Selection): Shape {
  checkLeaderboards(selection);
  return objectShape(reader, selection, {
    ...COLUMNS,
    owner: (_args, owner) => identityShape(reader, sql`g."apiKey_used"`, sql`g.oauth_user_id`, owner),
    params: (_args, param) => gameParamsShape(reader, param),
    tasks: (args: TaskQuery, tasks) => gameTasksShape(reader, args, tasks),
    task: ({ externalTaskId }: { externalTaskId: string }, task) =>
      gameTaskShape(reader, externalTaskId, task),
    strategy: (_args, strategy) => strategyShape(reader, sql`g."strategyId"`, strategy),
    leaderboard: (args: PageArguments, page) => gameLeaderboardShape(reader, args, page),
  });
}

/** The shape of the visible game with the id that this expression yields, or null. */
export function gameByIdShape(reader: Reader, id: Sql, selection: Selection): Shape {
  const game = written(gameShape(reader, selection));
  return optionalShape(
    sql`SELECT ${game} FROM games g WHERE g.id = ${id} AND ${or(visibleTo(reader.caller))}`,
  );
}

/** The shape of identities that own something, or that did something. */
export function identityShape(reader: Reader, apiKey: Sql, oauthUserId: Sql, selection: Selection): Shape {
  return objectShape(reader, selection, { apiKey: text(apiKey), oauthUserId: text(oauthUserId) });
}

/** The params of a game `g`: oldest first, undated last, then by id. */
function gameParamsShape(reader: Reader, selection: Selection): Shape {
  const param = written(objectShape(reader, selection, PARAM_COLUMNS));
  return listShape(
    sql`SELECT ${param} AS item FROM gamesparams p WHERE p."gameId" = g.id ORDER BY p.created_at, p.id`,
  );
}

/** A page of the visible games, checked. */
export interface GamePage {
  readonly ordering: Ordering;
  readonly filter: Sql | null;
  readonly request: PageRequest;
  /** What decides about the statement beside the kind of the caller; null where values of a filter do. */
  readonly key: string | null;
}

/** @throws BAD_USER_INPUT for bad page arguments, filters or orderings; LIMIT_EXCEEDED for too much */
export function gamePage(caller: Caller, games: GameQuery): GamePage {
  const problems = new Problems();
  const order = effectiveOrder(games.orderBy, NEWEST_FIRST, problems);
  const filter = games.filter ? filterCondition(games.filter, FILTER_COLUMNS, 'filter', problems) : null;
  const ordering = order === NEWEST_FIRST ? NEWEST_FIRST_ORDERING : totalOrdering(order, ORDER_COLUMNS, ID);
  const belongsTo = ['games', order, canonicalFilter(games.filter)];
  const request = pageRequest(games, { ordering }, belongsTo, () => caller, problems);
  const key = filter === null ? `${kindOf(request)} ${JSON.stringify(order)}` : null;
  return { ordering, filter, request, key };
}

/** The shape of a page of the games visible to the caller, with slots for the positions of its window. */
export function gamePageShape(
  reader: Reader,
  { ordering, filter, request }: GamePage,
  connection: Selection,
): Shape {
  const list = {
    table: sql`games g`,
    id: sql`g.id`,
    scope: visibleTo(reader.caller),
    filter: filter === null ? [] : [filter],
    ordering,
  };
  checkLeaderboards(...nodeSelections(connection));
  return pageShape(reader, list, withSlots(request), connection, (game) => gameShape(reader, game));
}

/** The shape of a page of the visible games that satisfy a condition, newest first, below some object. */
export function relatedGamesShape(
  reader: Reader,
  relation: { readonly name: string; readonly parentId: Sql; readonly condition: Sql },
  args: PageArguments,
  connection: Selection,
): Shape {
  const list = {
    table: sql`games g`,
    id: sql`g.id`,
    scope: visibleTo(reader.caller),
    filter: [relation.condition],
    ordering: NEWEST_FIRST_ORDERING,
    parentId: relation.parentId,
  };
  const request = pageRequest(args, list, [relation.name], () => reader.actualCaller, new Problems());
  checkLeaderboards(...nodeSelections(connection));
  return pageShape(reader, list, request, connection, (game) => gameShape(reader, game));
}
