import sql, { type Sql } from 'sql-template-tag';
import { timestampText } from '../database/timestamp.js';
import { Problems } from '../errors.js';
import { canonicalFilter, filterCondition, type Filter, type FilterColumn } from '../filtering/filter.js';
import { gameByIdShape, visibleTo } from '../games/game.shape.js';
import {
  effectiveOrder,
  idColumn,
  textColumn,
  timestampColumn,
  totalOrdering,
  type Order,
  type OrderColumn,
} from '../paging/columns.js';
import { nodeSelection, pageRequest, pageShape, type Page, type PageArguments } from '../paging/page.js';
import { checkLeaderboards, taskLeaderboardShape } from '../points/leaderboard.shape.js';
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

/** A task as it is read. */
export interface TaskRow {
  readonly id: string;
  readonly externalTaskId: string;
  readonly status: string;
  readonly strategyId: string;
  readonly createdAt: string | null;
  readonly updatedAt: string | null;
}

/** A task as it was asked for. */
export type SelectedTask = Selected<TaskRow>;

export type TaskFilterField = 'externalTaskId' | 'status' | 'strategyId' | 'createdAt';
export type TaskFilter = Filter<TaskFilterField>;
export type TaskOrderField = 'CREATED_AT' | 'EXTERNAL_TASK_ID' | 'STATUS';
export type TaskOrder = Order<TaskOrderField>;

/** Which tasks are asked for, in which order, and which page of them. */
export interface TaskQuery extends PageArguments {
  readonly filter?: TaskFilter | null | undefined;
  readonly orderBy?: readonly TaskOrder[] | null | undefined;
}

const COLUMNS: Readonly<Record<keyof TaskRow, Sql>> = {
  id: sql`t.id`,
  externalTaskId: sql`t."externalTaskId"`,
  status: sql`t.status`,
  strategyId: sql`t."strategyId"`,
  createdAt: timestampText(sql`t.created_at`),
  updatedAt: timestampText(sql`t.updated_at`),
};

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
export function taskShape(reader: Reader, selection: Selection): Shape<SelectedTask> {
  checkLeaderboards(selection);
  return objectShape(
    COLUMNS,
    selection,
    partShapes(selection, {
      params: taskParamsShape,
      game: (_args, game) => gameByIdShape(reader, sql`t."gameId"`, game),
      strategy: (_args, strategy) => strategyShape(reader, sql`t."strategyId"`, strategy),
      leaderboard: (args: PageArguments, page) => taskLeaderboardShape(reader.caller, args, page),
    }),
  );
}

/** The params of a task `t`: oldest first, undated last, then by id. */
function taskParamsShape(_args: unknown, selection: Selection): Shape<unknown> {
  const param = objectShape({ id: sql`p.id`, key: sql`p.key`, value: sql`p.value` }, selection);
  return listShape(
    param,
    sql`SELECT ${param.sql} AS o FROM tasksparams p WHERE p."taskId" = t.id ORDER BY p.created_at, p.id`,
  );
}

/** The shape of a page of the tasks of a game `g`. */
export function gameTasksShape(
  reader: Reader,
  tasks: TaskQuery,
  connection: Selection,
): Shape<Page<SelectedTask> | Error> {
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
  const belongsTo = ['Game.tasks', order, canonicalFilter(tasks.filter), reader.caller];
  const request = pageRequest(tasks, list, belongsTo, problems);
  return pageShape(list, request, connection, taskShape(reader, nodeSelection(connection)));
}

/** The shape of the task of a game `g` with this external id; the oldest, where several share it. */
export function gameTaskShape(
  reader: Reader,
  externalTaskId: string,
  selection: Selection,
): Shape<SelectedTask | null> {
  const task = taskShape(reader, selection);
  return optionalShape(
    task,
    sql`SELECT ${task.sql} FROM tasks t WHERE t."gameId" = g.id AND t."externalTaskId" = ${externalTaskId}
        ORDER BY t.created_at, t.id LIMIT 1`,
  );
}

/** The shape of a page of the visible tasks that use a strategy `s`, newest first. */
export function strategyTasksShape(
  reader: Reader,
  args: PageArguments,
  connection: Selection,
): Shape<Page<SelectedTask> | Error> {
  const list = {
    table: sql`tasks t JOIN games g ON g.id = t."gameId"`,
    id: sql`t.id`,
    scope: visibleTo(reader.caller),
    filter: [sql`t."strategyId" = s.id`],
    ordering: totalOrdering(NEWEST_FIRST, ORDER_COLUMNS, idColumn(sql`t.id`)),
    parentId: sql`s.id`,
  };
  const request = pageRequest(args, list, ['Strategy.tasks', reader.caller], new Problems());
  return pageShape(list, request, connection, taskShape(reader, nodeSelection(connection)));
}
