import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { randomUUID } from 'node:crypto';
import sql from 'sql-template-tag';
import { identityOf, type Caller, type KnownCaller } from '../../auth/caller.js';
import { query } from '../../database/query.js';
import { inTransaction } from '../../database/transaction.js';
import { isUuid } from '../../database/uuid.js';
import { conflict, notFound, Problems } from '../../errors.js';
import { gamesVisibleTo } from '../games/game.visibility.js';
import { lockGame, lockGames, type LockedGame } from '../games/lock-game.js';
import { or } from '../../lists/keyset.js';
import type { Selection } from '../../sql-json/selection.js';
import { LOOKUP_VALUE } from '../../sql-json/bind.js';
import { recordWrite } from '../audit/audit.js';
import type { DomainStatementRunner } from '../domain-context.js';
import type { EncodedJson } from '../../sql-json/encoded-json.js';
import { columnChanges, planParams, TASKS, type FieldChange, type ParamsPatch } from '../params/params.js';
import { expectVersion } from '../params/version.js';
import { strategiesOfTask, type Strategies } from '../strategies/strategies.js';
import { checkNewTask, copyTasksSql, insertTasks, strategyIdOf, type NewTask } from './new-tasks.js';
import { taskJson } from './task.json.js';
import { checkExternalTaskId, checkStatus, NEW_TASK_STATUS } from './task.rules.js';

/** A task to add to a game. */
export interface NewTaskOfGame extends NewTask {
  readonly gameId: string;
  readonly dryRun?: boolean;
}

/** What to change of a task: null and undefined mean unchanged, nothing can be cleared. */
export interface TaskPatch {
  readonly externalTaskId?: string | null | undefined;
  readonly strategyId?: string | null | undefined;
  readonly status?: string | null | undefined;
  readonly params?: ParamsPatch | null | undefined;
  /** The version that the change was made for. */
  readonly expectedVersion?: string | null | undefined;
  readonly dryRun?: boolean;
}

/** What to delete, or to copy. */
export interface TaskDeletion {
  readonly id: string;
  /** The version that the deletion is meant for. */
  readonly expectedVersion?: string | null | undefined;
  readonly dryRun?: boolean;
}
export interface TaskCopy {
  readonly id: string;
  readonly externalTaskId: string;
  /** The game that gets the copy; the task's own when it is not given. */
  readonly gameId?: string | null | undefined;
  readonly dryRun?: boolean;
}

export interface PatchedTask {
  readonly task: EncodedJson;
  readonly changes: readonly FieldChange[];
}

/** How many rows went with a deleted task. */
export interface DeletedTaskCounts {
  readonly params: number;
  readonly userPoints: number;
}
export interface DeletedTask {
  readonly id: string;
  readonly externalTaskId: string;
  readonly deleted: DeletedTaskCounts;
}

/** What a write looks at of the task that it changes. */
interface StoredTask {
  readonly gameId: string;
  readonly externalTaskId: string;
  readonly strategyId: string;
  readonly status: string;
}

/** A task and games that are locked. */
interface LockedTask {
  readonly task: StoredTask;
  /** Of the task. */
  readonly game: LockedGame;
  /** The other game that was asked for; undefined where the caller may not see it, or none was. */
  readonly otherGame: LockedGame | undefined;
}

/**
 * The questions that can be asked about tasks themselves, most are asked through their game; and what can be done with
 * them. A write locks first the strategy, then the game, then the task, as all writes do.
 */
export class TaskRepository {
  constructor(
    private readonly em: SqlEntityManager,
    private readonly strategies: Strategies,
    private readonly runner: DomainStatementRunner,
  ) {}

  /** The tasks with these ids, in the order of the ids; null for each that is missing or not visible. */
  async getTasksByIds(
    caller: Caller,
    ids: readonly string[],
    selection: Selection,
  ): Promise<(EncodedJson | null)[]> {
    const wanted = [...new Set(ids.filter(isUuid))];
    if (wanted.length === 0) return ids.map(() => null);
    const bindings = { caller, lookupValue: wanted };
    const tasks = await this.runner.runById(this.em, selection, bindings, 'ids', (context) => ({
      id: sql`t.id`,
      json: taskJson(context, selection),
      from: sql`tasks t JOIN games g ON g.id = t."gameId"
        WHERE t.id = ANY(${LOOKUP_VALUE}::uuid[]) AND ${or(gamesVisibleTo(context.caller))}`,
    }));
    return ids.map((id) => tasks.get(id) ?? null);
  }

  /**
   * Adds a task with its params to a game.
   *
   * @throws NOT_FOUND; BAD_USER_INPUT with everything that is wrong; CONFLICT when the game has a task with the external id
   */
  async createTask(caller: KnownCaller, task: NewTaskOfGame, selection: Selection): Promise<EncodedJson> {
    const { gameId, externalTaskId } = task;
    const strategyId = strategyIdOf(task);
    return inTransaction(
      this.em,
      async (em) => {
        const assignable = await this.strategies.findAssignable(em, caller, [strategyId]);
        const { ownerApiKey } = await lockGame(em, caller, gameId, 'input.gameId');
        const problems = new Problems();
        const { strategies } = this;
        checkNewTask(task, 'input', { strategies, assignable, owner: { apiKey: ownerApiKey }, problems });
        problems.throwIfAny();
        await expectFree(em, gameId, externalTaskId);
        const [id = ''] = await insertTasks(em, caller, gameId, [task]);
        const status = task.status ?? NEW_TASK_STATUS;
        const params = task.params?.length ?? 0;
        const details = { task_id: id, game_id: gameId, externalTaskId, strategyId, status, params };
        await recordWrite(em, caller, 'Task created', details, 'task');
        return this.#within(em).#getTaskById(caller, id, selection);
      },
      task,
    );
  }

  /**
   * Writes what is given and differs from what is stored, and bumps `updated_at`; returns the task as it now is. A value
   * equal to the stored one is no change and is not checked. Nothing to change: no write, no audit row.
   *
   * @throws NOT_FOUND, also for a param that is not the task's; CONFLICT when the task has another version than expected,
   *   or the game has a task with the external id; BAD_USER_INPUT with everything that is wrong
   */
  async patchTaskById(
    caller: KnownCaller,
    id: string,
    patch: TaskPatch,
    selection: Selection,
  ): Promise<PatchedTask> {
    return inTransaction(
      this.em,
      async (em) => {
        const repository = this.#within(em);
        const assignable = await this.strategies.findAssignable(
          em,
          caller,
          patch.strategyId ? [patch.strategyId] : [],
        );
        const { task: stored, game } = await repository.#lock(caller, id);
        await expectVersion(em, TASKS, id, patch.expectedVersion);
        const problems = new Problems();
        const columns = columnChanges(stored, patch, ['externalTaskId', 'strategyId', 'status']);
        for (const { field, after } of columns) {
          const argument = `input.${field}`;
          if (field === 'externalTaskId') checkExternalTaskId(after, argument, problems);
          else if (field === 'status') checkStatus(after, argument, problems);
          else {
            const owner = { apiKey: game.ownerApiKey };
            this.strategies.checkAssignable(assignable, after, owner, argument, problems);
          }
        }
        const params = await planParams(em, TASKS, id, patch.params, 'input.params', problems);
        problems.throwIfAny();
        if (params.unknownIds.length > 0) throw notFound('Param');
        const changed = Object.fromEntries(columns.map(({ field, after }) => [field, after]));
        const { externalTaskId, strategyId, status } = { ...stored, ...changed };
        if (externalTaskId !== stored.externalTaskId) {
          await expectFree(em, stored.gameId, externalTaskId);
        }
        const changes = [...columns, ...params.changes];
        if (changes.length > 0) {
          await query(
            em,
            sql`UPDATE tasks SET "externalTaskId" = ${externalTaskId}, "strategyId" = ${strategyId}, status = ${status},
                  updated_at = clock_timestamp()
                WHERE id = ${id}::uuid`,
          );
          await params.write(caller);
          const details = { task_id: id, game_id: stored.gameId, changes };
          await recordWrite(em, caller, 'Task updated', details, 'task');
        }
        return { task: await repository.#getTaskById(caller, id, selection), changes };
      },
      patch,
    );
  }

  /**
   * Deletes the task, its params and its awards of points, in a number of statements that does not depend on how much
   * there is.
   *
   * @throws NOT_FOUND; CONFLICT when the task has another version than expected
   */
  async deleteTaskById(caller: KnownCaller, deletion: TaskDeletion): Promise<DeletedTask> {
    const { id, expectedVersion } = deletion;
    return inTransaction(
      this.em,
      async (em) => {
        // A locked task takes no new children, as a locked game does.
        const { task } = await this.#within(em).#lock(caller, id);
        const { gameId, externalTaskId } = task;
        await expectVersion(em, TASKS, id, expectedVersion);
        const [deleted] = await query<DeletedTaskCounts>(
          em,
          sql`WITH p AS (DELETE FROM tasksparams WHERE "taskId" = ${id}::uuid RETURNING 1),
            up AS (DELETE FROM userpoints WHERE "taskId" = ${id}::uuid RETURNING 1),
            t AS (DELETE FROM tasks WHERE id = ${id}::uuid)
            SELECT (SELECT count(*)::int FROM p) AS params, (SELECT count(*)::int FROM up) AS "userPoints"`,
        );
        if (deleted === undefined) throw new Error('A SELECT of counts returned no row.');
        const details = { task_id: id, game_id: gameId, externalTaskId, deleted };
        await recordWrite(em, caller, 'Task deleted', details, 'task');
        return { id, externalTaskId, deleted };
      },
      deletion,
    );
  }

  /**
   * Copies a task with its params, as they are, into its game or another one; not its points. The copy is open.
   *
   * @throws NOT_FOUND; BAD_USER_INPUT for a bad external id, or when the strategy does not suit the other game; CONFLICT
   *   when the game has a task with the external id
   */
  async duplicateTask(caller: KnownCaller, copy: TaskCopy, selection: Selection): Promise<EncodedJson> {
    const { id, externalTaskId } = copy;
    return inTransaction(
      this.em,
      async (em) => {
        const repository = this.#within(em);
        if (isUuid(id)) await this.strategies.keepFromRollback(em, strategiesOfTask(id));
        const { game, otherGame } = await repository.#lock(caller, id, copy.gameId);
        const target = typeof copy.gameId === 'string' ? otherGame : game;
        if (target === undefined) throw notFound('Game');
        const problems = new Problems();
        checkExternalTaskId(externalTaskId, 'input.externalTaskId', problems);
        const [from, to] = [{ apiKey: game.ownerApiKey }, { apiKey: target.ownerApiKey }];
        if (!(await this.strategies.suit(em, strategiesOfTask(id), from, to))) {
          problems.add('input.gameId', "is a game of another realm than the task's custom strategy.");
        }
        problems.throwIfAny();
        await expectFree(em, target.id, externalTaskId);
        const copyId = randomUUID();
        const copies = {
          gameId: target.id,
          id: sql`${copyId}::uuid`,
          externalTaskId: sql`${externalTaskId}::varchar`,
          owner: identityOf(caller),
        };
        await query(em, sql`WITH ${copyTasksSql(sql`x.id = ${id}::uuid`, copies)}`);
        const details = { task_id: copyId, game_id: target.id, externalTaskId, source_task_id: id };
        await recordWrite(em, caller, 'Task duplicated', details, 'task');
        return repository.#getTaskById(caller, copyId, selection);
      },
      copy,
    );
  }

  /** This repository in a transaction. */
  #within(em: SqlEntityManager): TaskRepository {
    return new TaskRepository(em, this.strategies, this.runner);
  }

  /** @throws NOT_FOUND */
  async #getTaskById(caller: Caller, id: string, selection: Selection): Promise<EncodedJson> {
    const [task] = await this.getTasksByIds(caller, [id], selection);
    if (!task) throw notFound('Task');
    return task;
  }

  /**
   * Locks a task for the rest of the transaction, after its game, and after another game where one is given.
   *
   * @throws NOT_FOUND for the task; BAD_USER_INPUT for a broken string
   */
  async #lock(caller: Caller, id: string, otherGameId: string | null = null): Promise<LockedTask> {
    const problems = new Problems();
    problems.checkText('input.id', id);
    problems.checkText('input.gameId', otherGameId);
    problems.throwIfAny();
    if (!isUuid(id)) throw notFound('Task');
    const others = [otherGameId].filter(isUuid);
    const games = await lockGames(
      this.em,
      caller,
      sql`g.id = ANY(ARRAY(SELECT "gameId" FROM tasks WHERE id = ${id}::uuid) || ${others}::uuid[])`,
    );
    const [task] = await query<StoredTask>(
      this.em,
      sql`SELECT "gameId", "externalTaskId", "strategyId", status FROM tasks
          WHERE id = ${id}::uuid AND "gameId" = ANY(${games.map((game) => game.id)}::uuid[]) FOR UPDATE`,
    );
    const game = games.find((locked) => locked.id === task?.gameId);
    if (task === undefined || game === undefined) throw notFound('Task');
    return { task, game, otherGame: games.find((locked) => locked.id === otherGameId) };
  }
}

/** @throws CONFLICT when the game, which is locked, has a task with this external id */
async function expectFree(em: SqlEntityManager, gameId: string, externalTaskId: string): Promise<void> {
  const taken = await query(
    em,
    sql`SELECT FROM tasks WHERE "gameId" = ${gameId}::uuid AND "externalTaskId" = ${externalTaskId} LIMIT 1`,
  );
  if (taken.length > 0) throw conflict('This externalTaskId is taken in the game. Choose another one.');
}
