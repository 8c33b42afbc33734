import sql, { type Sql } from 'sql-template-tag';
import { Problems } from '../../errors.js';
import { canonicalFilter, filterCondition, type Filter, type FilterColumn } from '../../lists/filter.js';
import { checkParamLists, gameByIdJson } from '../games/game.json.js';
import { gamesVisibleTo } from '../games/game.visibility.js';
import {
  effectiveOrder,
  idColumn,
  textColumn,
  timestampColumn,
  totalOrdering,
  type Order,
  type OrderColumn,
} from '../../lists/orders.js';
import { nestedPageJson } from '../../lists/page.js';
import type { PageArguments } from '../../lists/page-arguments.js';
import { nodeSelections } from '../../lists/page-sql.js';
import { checkLeaderboards, taskLeaderboardJson } from '../leaderboards/leaderboard.json.js';
import type { DomainContext } from '../domain-context.js';
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
import { TASKS } from '../params/params.js';
import { versionSql } from '../params/version.js';
import { strategyJson } from '../strategies/strategy.json.js';

export type TaskFilterField = 'externalTaskId' | 'status' | 'strategyId' | 'createdAt';
export type TaskFilter = Filter<TaskFilterField>;
export type TaskOrderField = 'CREATED_AT' | 'EXTERNAL_TASK_ID' | 'STATUS';
export type TaskOrder = Order<TaskOrderField>;

/** Which tasks are asked for, in which order, and which page of them. */
export interface TaskQuery extends PageArguments {
  readonly filter?: TaskFilter | null | undefined;
  readonly orderBy?: readonly TaskOrder[] | null | undefined;
}

const COLUMNS = {
  id: token(sql`t.id`),
  externalTaskId: text(sql`t."externalTaskId"`),
  status: text(sql`t.status`),
  strategyId: text(sql`t."strategyId"`),
  createdAt: timestamp(sql`t.created_at`),
  updatedAt: timestamp(sql`t.updated_at`),
  version: () => token(versionSql(sql`t`, TASKS)),
};

const PARAM_COLUMNS = { id: token(sql`p.id`), key: text(sql`p.key`), value: text(sql`p.value`) };

const FILTER_COLUMNS: Readonly<Record<TaskFilterField, FilterColumn>> = {
  externalTaskId: { column: sql`t."externalTaskId"`, type: 'text' },
  status: { column: sql`t.status`, type: 'text' },
  strategyId: { column: sql`t."strategyId"`, type: 'text' },
  createdAt: { column: sql`t.created_at`, type: 'timestamptz' },
};

const ORDER_COLUMNS: Readonly<Record<TaskOrderField, OrderColumn>> = {
  CREATED_AT: timestampColumn(sql`t.created_at`),
  EXTERNAL_TASK_ID: textColumn(sql`t."externalTaskId"`),
  STATUS: textColumn(sql`t.status`),
};

const NEWEST_FIRST: readonly TaskOrder[] = [{ field: 'CREATED_AT', direction: 'DESC' }];

/** A task `t`, with what belongs to it. The statement around it must make sure that the caller may see its game. */
export function taskJson(context: DomainContext, selection: Selection): JsonSql {
  checkLeaderboards(selection);
  checkParamLists(selection);
  return objectJson(context, selection, {
    ...COLUMNS,
    params: (_args, param) => taskParamsJson(context, param),
    game: (_args, game) => gameByIdJson(context, sql`t."gameId"`, game),
    strategy: (_args, strategy) => strategyJson(context, sql`t."strategyId"`, strategy),
    leaderboard: (args: PageArguments, page) => taskLeaderboardJson(context, args, page),
  });
}

/** The params of a task `t`: oldest first, undated last, then by id. */
function taskParamsJson(context: DomainContext, selection: Selection): JsonSql {
  const param = toSql(objectJson(context, selection, PARAM_COLUMNS));
  return listJson(
    context,
    selection,
    sql`SELECT ${param} AS item FROM tasksparams p WHERE p."taskId" = t.id ORDER BY p.created_at, p.id`,
  );
}

/** A page of the tasks of a game `g`. */
export function gameTasksJson(context: DomainContext, tasks: TaskQuery, connection: Selection): JsonSql {
  const problems = new Problems();
  const order = effectiveOrder(tasks.orderBy, NEWEST_FIRST, problems);
  const filter = filterCondition(tasks.filter, FILTER_COLUMNS, 'filter', problems);
  const list = {
    table: sql`tasks t`,
    id: sql`t.id`,
    // Who may see the game may see its tasks.
    visibility: [sql`t."gameId" = g.id`],
    filter: tasks.filter ? [filter] : [],
    ordering: totalOrdering(order, ORDER_COLUMNS, idColumn(sql`t.id`)),
    parentId: sql`g.id`,
    fingerprintParts: ['Game.tasks', order, canonicalFilter(tasks.filter)],
  };
  checkLeaderboards(...nodeSelections(connection));
  return nestedPageJson(context, tasks, list, connection, (task) => taskJson(context, task), problems);
}

/** The task of a game `g` with this external id; the oldest, where several share it. */
export function gameTaskJson(context: DomainContext, externalTaskId: string, selection: Selection): JsonSql {
  const task = toSql(taskJson(context, selection));
  return optionalJson(
    sql`SELECT ${task} FROM tasks t WHERE t."gameId" = g.id AND t."externalTaskId" = ${externalTaskId}
        ORDER BY t.created_at, t.id LIMIT 1`,
  );
}

/** A page of the visible tasks that satisfy a condition, newest first, below some object. */
export function relatedTasksJson(
  context: DomainContext,
  relation: { readonly name: string; readonly parentId: Sql; readonly condition: Sql },
  args: PageArguments,
  connection: Selection,
): JsonSql {
  const list = {
    table: sql`tasks t JOIN games g ON g.id = t."gameId"`,
    id: sql`t.id`,
    visibility: gamesVisibleTo(context.caller),
    filter: [relation.condition],
    ordering: totalOrdering(NEWEST_FIRST, ORDER_COLUMNS, idColumn(sql`t.id`)),
    parentId: relation.parentId,
    fingerprintParts: [relation.name],
  };
  checkLeaderboards(...nodeSelections(connection));
  return nestedPageJson(context, args, list, connection, (task) => taskJson(context, task));
}
