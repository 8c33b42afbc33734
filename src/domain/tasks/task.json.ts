import sql from 'sql-template-tag';
import { Problems } from '../../errors.js';
import { canonicalFilter, filterCondition, type Filter, type FilterColumn } from '../../lists/filter.js';
import { gameByIdShape, visibleTo } from '../games/game.json.js';
import {
  effectiveOrder,
  idColumn,
  textColumn,
  timestampColumn,
  totalOrdering,
  type Order,
  type OrderColumn,
} from '../../lists/orders.js';
import { nodeSelections, pageRequest, pageShape, type PageArguments } from '../../lists/page.js';
import { checkLeaderboards, taskLeaderboardShape } from '../leaderboards/leaderboard.json.js';
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

/** The shape of a task `t`, with what belongs to it. Its game must be visible to the reader. */
export function taskShape(reader: Reader, selection: Selection): Shape {
  checkLeaderboards(selection);
  return objectShape(reader, selection, {
    ...COLUMNS,
    params: (_args, param) => taskParamsShape(reader, param),
    game: (_args, game) => gameByIdShape(reader, sql`t."gameId"`, game),
    strategy: (_args, strategy) => strategyShape(reader, sql`t."strategyId"`, strategy),
    leaderboard: (args: PageArguments, page) => taskLeaderboardShape(reader, args, page),
  });
}

/** The params of a task `t`: oldest first, undated last, then by id. */
function taskParamsShape(reader: Reader, selection: Selection): Shape {
  const param = written(objectShape(reader, selection, PARAM_COLUMNS));
  return listShape(
    sql`SELECT ${param} AS item FROM tasksparams p WHERE p."taskId" = t.id ORDER BY p.created_at, p.id`,
  );
}

/** The shape of a page of the tasks of a game `g`. */
export function gameTasksShape(reader: Reader, tasks: TaskQuery, connection: Selection): Shape {
  const problems = new Problems();
  const order = effectiveOrder(tasks.orderBy, NEWEST_FIRST, problems);
  const filter = filterCondition(tasks.filter, FILTER_COLUMNS, 'filter', problems);
  const list = {
    table: sql`tasks t`,
    id: sql`t.id`,
    // Who may see the game may see its tasks.
    scope: [sql`t."gameId" = g.id`],
    filter: tasks.filter ? [filter] : [],
    ordering: totalOrdering(order, ORDER_COLUMNS, idColumn(sql`t.id`)),
    parentId: sql`g.id`,
  };
  const belongsTo = ['Game.tasks', order, canonicalFilter(tasks.filter)];
  const request = pageRequest(tasks, list, belongsTo, () => reader.actualCaller, problems);
  checkLeaderboards(...nodeSelections(connection));
  return pageShape(reader, list, request, connection, (task) => taskShape(reader, task));
}

/** The shape of the task of a game `g` with this external id; the oldest, where several share it. */
export function gameTaskShape(reader: Reader, externalTaskId: string, selection: Selection): Shape {
  const task = written(taskShape(reader, selection));
  return optionalShape(
    sql`SELECT ${task} FROM tasks t WHERE t."gameId" = g.id AND t."externalTaskId" = ${externalTaskId}
        ORDER BY t.created_at, t.id LIMIT 1`,
  );
}

/** The shape of a page of the visible tasks that use a strategy `s`, newest first. */
export function strategyTasksShape(reader: Reader, args: PageArguments, connection: Selection): Shape {
  const list = {
    table: sql`tasks t JOIN games g ON g.id = t."gameId"`,
    id: sql`t.id`,
    scope: visibleTo(reader.caller),
    filter: [sql`t."strategyId" = s.id`],
    ordering: totalOrdering(NEWEST_FIRST, ORDER_COLUMNS, idColumn(sql`t.id`)),
    parentId: sql`s.id`,
  };
  const request = pageRequest(args, list, ['Strategy.tasks'], () => reader.actualCaller, new Problems());
  checkLeaderboards(...nodeSelections(connection));
  return pageShape(reader, list, request, connection, (task) => taskShape(reader, task));
}
