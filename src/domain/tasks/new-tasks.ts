import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { randomUUID } from 'node:crypto';
import sql, { type Sql } from 'sql-template-tag';
import { identityOf, type Identity, type KnownCaller } from '../../auth/caller.js';
import { query } from '../../database/query.js';
import { limitExceeded, type Problems } from '../../errors.js';
import { addParams, checkSize, TASKS, type NewParam } from '../params/params.js';
import { DEFAULT_STRATEGY_ID, type AssignableStrategies, type Strategies } from '../strategies/strategies.js';
import { checkExternalTaskId, checkStatus, MAX_NEW_TASKS, NEW_TASK_STATUS } from './task.rules.js';

/** A task to create: null and undefined mean the default. */
export interface NewTask {
  readonly externalTaskId: string;
  readonly strategyId?: string | null | undefined;
  readonly status?: string | null | undefined;
  readonly params?: readonly NewParam[] | null | undefined;
}

/** The strategy of a new task. */
export const strategyIdOf = ({ strategyId }: Pick<NewTask, 'strategyId'>): string =>
  strategyId ?? DEFAULT_STRATEGY_ID;

/** What new tasks are checked with. */
interface Check {
  readonly strategies: Strategies;
  /** The strategies that `findAssignable` has found. */
  readonly assignable: AssignableStrategies;
  /** Of the game. */
  readonly owner: Pick<Identity, 'apiKey'>;
  readonly problems: Problems;
}

/**
 * Checks a new task of a game; adds to `problems` what is wrong with it.
 *
 * @param path where the task was given
 * @throws LIMIT_EXCEEDED for too many params
 */
export function checkNewTask(task: NewTask, path: string, check: Check): void {
  const { strategies, assignable, owner, problems } = check;
  const { externalTaskId, status, params } = task;
  checkExternalTaskId(externalTaskId, `${path}.externalTaskId`, problems);
  strategies.checkAssignable(assignable, strategyIdOf(task), owner, `${path}.strategyId`, problems);
  if (typeof status === 'string') checkStatus(status, `${path}.status`, problems);
  checkSize(TASKS, params ?? [], params ?? []);
  problems.checkText(`${path}.params`, params);
}

/**
 * As `checkNewTask`, for the tasks that a game is created with.
 *
 * @throws LIMIT_EXCEEDED for too many of them
 */
export function checkNewTasks(tasks: readonly NewTask[], path: string, check: Check): void {
  if (tasks.length > MAX_NEW_TASKS) {
    throw limitExceeded(
      `A game may be created with at most ${MAX_NEW_TASKS} tasks; there are ${tasks.length}.`,
    );
  }
  const seen = new Set<string>();
  tasks.forEach((task, index) => {
    checkNewTask(task, `${path}.${index}`, check);
    if (seen.has(task.externalTaskId)) {
      check.problems.add(`${path}.${index}.externalTaskId`, 'is that of another task of the game.');
    }
    seen.add(task.externalTaskId);
  });
}

/**
 * Inserts tasks of a locked or a new game with their params, in two statements. The caller owns their rows.
 *
 * @returns their ids
 */
export async function insertTasks(
  em: SqlEntityManager,
  caller: KnownCaller,
  gameId: string,
  tasks: readonly NewTask[],
): Promise<string[]> {
  const ids = tasks.map(() => randomUUID());
  if (tasks.length === 0) return ids;
  const { apiKey, oauthUserId } = identityOf(caller);
  // A microsecond apart, tasks keep the order that they were given in.
  await query(
    em,
    sql`INSERT INTO tasks (id, "externalTaskId", "gameId", "strategyId", status, "apiKey_used", oauth_user_id, created_at, updated_at)
        SELECT n.id, n.name, ${gameId}::uuid, n.strategy_id, n.status, ${apiKey}, ${oauthUserId},
          now() + n.number * interval '1 microsecond', now()
        FROM unnest(${ids}::uuid[], ${tasks.map(({ externalTaskId }) => externalTaskId)}::text[],
          ${tasks.map(strategyIdOf)}::text[], ${tasks.map(({ status }) => status ?? NEW_TASK_STATUS)}::text[])
          WITH ORDINALITY n (id, name, strategy_id, status, number)`,
  );
  const paramsById = tasks.map(({ params }, index) => [ids[index] ?? '', params ?? []] as const);
  await addParams(em, caller, TASKS, new Map(paramsById));
  return ids;
}

/** What tasks are copied to. */
export interface TaskCopies {
  readonly gameId: string;
  /** The id of a copy, and its name, of a task `x`. */
  readonly id: Sql;
  readonly externalTaskId: Sql;
  readonly owner: Identity;
}

/** A microsecond apart, copies of rows `x` keep the order of these. */
export const COPIED_AT = sql`now() + row_number() OVER (ORDER BY x.created_at, x.id) * interval '1 microsecond'`;

/** What stands behind WITH to copy the tasks `x` that satisfy a condition, with their params as they are; the copies are open. */
export function copyTasksSql(condition: Sql, { gameId, id, externalTaskId, owner }: TaskCopies): Sql {
  const owners = sql`${owner.apiKey}::varchar, ${owner.oauthUserId}::varchar`;
  return sql`pairs AS MATERIALIZED (SELECT x.*, ${id} AS copy_id, ${externalTaskId} AS copy_name, ${COPIED_AT} AS copied_at
      FROM tasks x WHERE ${condition}),
    t AS (INSERT INTO tasks (id, "externalTaskId", "gameId", "strategyId", status, "apiKey_used", oauth_user_id, created_at, updated_at)
      SELECT copy_id, copy_name, ${gameId}::uuid, "strategyId", ${NEW_TASK_STATUS}::varchar, ${owners}, copied_at, now() FROM pairs)
    INSERT INTO tasksparams (id, key, value, "taskId", "apiKey_used", oauth_user_id, created_at, updated_at)
      SELECT gen_random_uuid(), x.key, x.value, pairs.copy_id, ${owners}, ${COPIED_AT}, now()
      FROM tasksparams x JOIN pairs ON pairs.id = x."taskId"`;
}
