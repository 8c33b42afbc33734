import sql, { type Sql } from 'sql-template-tag';
import { limitExceeded, Problems } from '../../errors.js';
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
import { or } from '../../lists/keyset.js';
import { nestedPageJson, checkPage, type CheckedPage } from '../../lists/page.js';
import type { PageArguments } from '../../lists/page-arguments.js';
import { nodeSelections } from '../../lists/page-sql.js';
import { checkLeaderboards, gameLeaderboardJson } from '../leaderboards/leaderboard.json.js';
import type { DomainContext } from '../domain-context.js';
import { gamesVisibleTo } from './game.visibility.js';
import type { Caller } from '../../auth/caller.js';
import type { Selection } from '../../sql-json/selection.js';
import {
  listJson,
  objectJson,
  optionalJson,
  text,
  timestamp,
  token,
  toSql,
  type JsonSql,
} from '../../sql-json/json-sql.js';
import { GAMES } from '../params/params.js';
import { versionSql } from '../params/version.js';
import { strategyJson } from '../strategies/strategy.json.js';
import { gameTaskJson, gameTasksJson, type TaskQuery } from '../tasks/task.json.js';

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
const LIST = { table: sql`games g`, id: sql`g.id` };
/** Made once: most lists have it. */
const NEWEST_FIRST_ORDERING = totalOrdering(NEWEST_FIRST, ORDER_COLUMNS, ID);

const PARAM_COLUMNS = { id: token(sql`p.id`), key: text(sql`p.key`), value: text(sql`p.value`) };

const COLUMNS = {
  id: token(sql`g.id`),
  externalGameId: text(sql`g."externalGameId"`),
  platform: text(sql`g.platform`),
  strategyId: text(sql`g."strategyId"`),
  createdAt: timestamp(sql`g.created_at`),
  updatedAt: timestamp(sql`g.updated_at`),
  version: () => token(versionSql(sql`g`, GAMES)),
};

/** A game `g`, with what belongs to it. The statement around it must make sure that the caller may see the game. */
export function gameJson(context: DomainContext, selection: Selection): JsonSql {
  checkLeaderboards(selection);
  checkParamLists(selection);
  return objectJson(context, selection, {
    ...COLUMNS,
    owner: (_args, owner) => identityJson(context, sql`g."apiKey_used"`, sql`g.oauth_user_id`, owner),
    params: (_args, param) => gameParamsJson(context, param),
    tasks: (args: TaskQuery, tasks) => gameTasksJson(context, args, tasks),
    task: ({ externalTaskId }: { externalTaskId: string }, task) =>
      gameTaskJson(context, externalTaskId, task),
    strategy: (_args, strategy) => strategyJson(context, sql`g."strategyId"`, strategy),
    leaderboard: (args: PageArguments, page) => gameLeaderboardJson(context, args, page),
  });
}

/** The visible game with the id that this expression yields, or null. */
export function gameByIdJson(context: DomainContext, id: Sql, selection: Selection): JsonSql {
  const game = toSql(gameJson(context, selection));
  return optionalJson(
    sql`SELECT ${game} FROM games g WHERE g.id = ${id} AND ${or(gamesVisibleTo(context.caller))}`,
  );
}

/** Identities that own something, or that did something. */
export function identityJson(
  context: DomainContext,
  apiKey: Sql,
  oauthUserId: Sql,
  selection: Selection,
): JsonSql {
  return objectJson(context, selection, { apiKey: text(apiKey), oauthUserId: text(oauthUserId) });
}

/** Under so many names the params of one object may be asked for: they are the same each time, and may be long. */
const MAX_PARAM_LISTS = 3;

/** @throws LIMIT_EXCEEDED */
export function checkParamLists(selection: Selection): void {
  const count = selection.all('params').length;
  if (count > MAX_PARAM_LISTS) {
    throw limitExceeded(
      `The params of one object may be asked for under at most ${MAX_PARAM_LISTS} names; there are ${count}.`,
    );
  }
}

/** The params of a game `g`: oldest first, undated last, then by id. */
function gameParamsJson(context: DomainContext, selection: Selection): JsonSql {
  const param = toSql(objectJson(context, selection, PARAM_COLUMNS));
  return listJson(
    context,
    selection,
    sql`SELECT ${param} AS item FROM gamesparams p WHERE p."gameId" = g.id ORDER BY p.created_at, p.id`,
  );
}

/**
 * A page of the games that the caller may see.
 *
 * @throws BAD_USER_INPUT for bad page arguments, filters or orderings; LIMIT_EXCEEDED for too much
 */
export function checkGamePage(caller: Caller, games: GameQuery): CheckedPage<DomainContext> {
  const problems = new Problems();
  const order = effectiveOrder(games.orderBy, NEWEST_FIRST, problems);
  const filter = games.filter ? [filterCondition(games.filter, FILTER_COLUMNS, 'filter', problems)] : [];
  const list = {
    cacheKey: games.filter ? null : JSON.stringify(order),
    ordering: order === NEWEST_FIRST ? NEWEST_FIRST_ORDERING : totalOrdering(order, ORDER_COLUMNS, ID),
    fingerprintParts: ['games', order, canonicalFilter(games.filter)],
    rows: (context: DomainContext) => ({ ...LIST, visibility: gamesVisibleTo(context.caller), filter }),
    row: gameJson,
  };
  const page = checkPage(games, list, caller, problems);
  return {
    ...page,
    compile: (context, connection) => {
      checkLeaderboards(...nodeSelections(connection));
      return page.compile(context, connection);
    },
  };
}

/** A page of the visible games that satisfy a condition, newest first, below some object. */
export function relatedGamesJson(
  context: DomainContext,
  relation: { readonly name: string; readonly parentId: Sql; readonly condition: Sql },
  args: PageArguments,
  connection: Selection,
): JsonSql {
  const list = {
    ...LIST,
    visibility: gamesVisibleTo(context.caller),
    filter: [relation.condition],
    ordering: NEWEST_FIRST_ORDERING,
    parentId: relation.parentId,
    fingerprintParts: [relation.name],
  };
  checkLeaderboards(...nodeSelections(connection));
  return nestedPageJson(context, args, list, connection, (game) => gameJson(context, game));
}
