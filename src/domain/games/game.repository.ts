import { EntityRepository, raw, type EntityName, type SqlEntityManager } from '@mikro-orm/postgresql';
import { randomUUID } from 'node:crypto';
import sql from 'sql-template-tag';
import { recordWrite } from '../audit/audit.js';
import { identityOf, type Caller, type KnownCaller } from '../../auth/caller.js';
import { query } from '../../database/query.js';
import { inTransaction } from '../../database/transaction.js';
import { isUuid } from '../../database/uuid.js';
import { conflict, notFound, Problems, sqlState } from '../../errors.js';
import { or } from '../../lists/keyset.js';
import { Selection } from '../../sql-json/selection.js';
import { LOOKUP_VALUE } from '../../sql-json/bind.js';
import { callerSql } from '../caller-sql.js';
import { domainStatementRunner } from '../domain-context.js';
import { gamesVisibleTo } from './game.visibility.js';
import type { EncodedJson } from '../../sql-json/encoded-json.js';
import { inMoveTransaction } from '../reassignments/moves.js';
import { ReassignmentRepository } from '../reassignments/reassignment.repository.js';
import { bulkUpdate, type BulkUpdate, type BulkUpdated } from '../reassignments/bulk-update.js';
import {
  addParams,
  checkSize,
  columnChanges,
  GAMES,
  planParams,
  type FieldChange,
  type NewParam,
  type ParamsPatch,
} from '../params/params.js';
import { expectVersion } from '../params/version.js';
import { DEFAULT_STRATEGY_ID, strategiesOfGame, Strategies } from '../strategies/strategies.js';
import {
  checkNewTasks,
  COPIED_AT,
  copyTasksSql,
  insertTasks,
  strategyIdOf,
  type NewTask,
} from '../tasks/new-tasks.js';
import type { Game } from './game.entity.js';
import { checkExternalGameId, checkPlatform } from './game.rules.js';
import { gameJson, checkGamePage, type GameQuery } from './game.json.js';
import { lockGame } from './lock-game.js';

export interface NewGame {
  readonly externalGameId: string;
  readonly platform: string;
  readonly strategyId?: string | null | undefined;
  readonly params?: readonly NewParam[] | null | undefined;
  readonly tasks?: readonly NewTask[] | null | undefined;
  readonly dryRun?: boolean;
}

/** What to change of a game: null and undefined mean unchanged, nothing can be cleared. */
export interface GamePatch {
  readonly externalGameId?: string | null | undefined;
  readonly platform?: string | null | undefined;
  readonly strategyId?: string | null | undefined;
  readonly params?: ParamsPatch | null | undefined;
  /** The version that the change was made for. */
  readonly expectedVersion?: string | null | undefined;
  readonly dryRun?: boolean;
}

/** What to delete, or to copy. */
export interface GameDeletion {
  readonly id: string;
  /** The version that the deletion is meant for. */
  readonly expectedVersion?: string | null | undefined;
  readonly dryRun?: boolean;
}
export interface GameCopy {
  readonly id: string;
  readonly externalGameId: string;
  readonly dryRun?: boolean;
}

export interface PatchedGame {
  readonly game: EncodedJson;
  readonly changes: readonly FieldChange[];
}

/** How many rows went with a deleted game. */
export interface DeletedCounts {
  readonly params: number;
  readonly tasks: number;
  readonly taskParams: number;
  readonly userPoints: number;
  readonly userGameConfigs: number;
}
export interface DeletedGame {
  readonly id: string;
  readonly externalGameId: string | null;
  readonly deleted: DeletedCounts;
}

/**
 * The questions that can be asked about games, and what can be done with them. The caller is always the
 * first parameter, and what it may see is part of the SQL of every statement: see `gamesVisibleTo`.
 */
export class GameRepository extends EntityRepository<Game> {
  constructor(
    em: SqlEntityManager,
    entityName: EntityName<Game>,
    readonly strategies = new Strategies(),
    private readonly runner = domainStatementRunner(strategies),
  ) {
    super(em, entityName);
  }

  /**
   * One page of the games visible to the caller. A caller with no identity gets an empty page without
   * touching the database.
   *
   * @throws BAD_USER_INPUT for bad page arguments, filters or orderings; LIMIT_EXCEEDED for too much
   */
  async getAllGames(caller: Caller, games: GameQuery, connection: Selection): Promise<EncodedJson> {
    const { cacheKey, bindings, compile } = checkGamePage(caller, games);
    return this.runner.runOne(this.em, connection, { caller, ...bindings }, cacheKey, (context) =>
      compile(context, connection),
    );
  }

  /** @throws NOT_FOUND when there is no such game, or the caller may not see it */
  async getGameById(caller: Caller, id: string, selection: Selection): Promise<EncodedJson> {
    return one(isUuid(id) ? await this.#find(caller, 'id', id, selection) : NONE);
  }

  /** @throws NOT_FOUND when there is no such game, or the caller may not see it */
  async getGameByExternalId(
    caller: Caller,
    externalGameId: string,
    selection: Selection,
  ): Promise<EncodedJson> {
    return one(await this.#find(caller, 'externalGameId', externalGameId, selection));
  }

  /** The games with these ids, in the order of the ids; null for each that is missing or not visible. */
  async getGamesByIds(
    caller: Caller,
    ids: readonly string[],
    selection: Selection,
  ): Promise<(EncodedJson | null)[]> {
    const wanted = [...new Set(ids.filter(isUuid))];
    if (wanted.length === 0) return ids.map(() => null);
    const games = await this.#find(caller, 'ids', wanted, selection);
    return ids.map((id) => games.get(id) ?? null);
  }

  /** The games on a strategy that the caller may see, newest first. */
  async listByStrategyId(caller: Caller, strategyId: string, selection: Selection): Promise<EncodedJson[]> {
    return [...(await this.#find(caller, 'strategyId', strategyId, selection)).values()];
  }

  /**
   * External id by id, for those of the ids that exist and that the caller may see, in the order of the
   * ids. Unknown, foreign, null and repeated ids do no harm. One statement; none when there are no ids.
   */
  async listExternalIds(
    caller: Caller,
    ids: readonly (string | null)[],
  ): Promise<Map<string, string | null>> {
    const wanted = [...new Set(ids.filter(isUuid))];
    const visibility = gamesVisibleTo(callerSql(caller));
    if (wanted.length === 0 || visibility.length === 0) return new Map();
    const rows = await query<{ id: string; externalGameId: string | null }>(
      this.em,
      sql`SELECT g.id, g."externalGameId" FROM games g WHERE g.id = ANY(${wanted}::uuid[]) AND ${or(visibility)}`,
    );
    const found = new Map(rows.map((row) => [row.id, row.externalGameId]));
    return new Map(wanted.filter((id) => found.has(id)).map((id) => [id, found.get(id) ?? null]));
  }

  /**
   * Creates a game with its params and tasks in one transaction, in a number of statements that does not depend on how
   * many there are. The caller owns it: with a key and a token, both are stamped on it.
   *
   * @throws BAD_USER_INPUT with everything that is wrong; CONFLICT when the external id is taken, by anyone;
   *   LIMIT_EXCEEDED for too many params or tasks
   */
  async createGame(caller: KnownCaller, game: NewGame, selection: Selection): Promise<EncodedJson> {
    const strategyId = game.strategyId ?? DEFAULT_STRATEGY_ID;
    const owner = identityOf(caller);
    return inTransaction(
      this.em,
      async (em) => {
        const problems = new Problems();
        checkExternalGameId(game.externalGameId, 'input.externalGameId', problems);
        checkPlatform(game.platform, 'input.platform', problems);
        const tasks = game.tasks ?? [];
        const strategyIds = [strategyId, ...tasks.map(strategyIdOf)];
        const assignable = await this.strategies.findAssignable(em, caller, strategyIds);
        this.strategies.checkAssignable(assignable, strategyId, owner, 'input.strategyId', problems);
        const params = game.params ?? [];
        checkSize(GAMES, params, params);
        problems.checkText('input.params', game.params);
        const { strategies } = this;
        checkNewTasks(tasks, 'input.tasks', { strategies, assignable, owner, problems });
        problems.throwIfAny();

        const id = randomUUID();
        const { externalGameId, platform } = game;
        await externalIdOrConflict(
          em.insert(this.entityName, {
            id,
            externalGameId,
            platform,
            strategyId,
            ownerApiKey: owner.apiKey,
            ownerOauthUserId: owner.oauthUserId,
            createdAt: raw('now()'),
            updatedAt: raw('now()'),
          }),
        );
        await addParams(em, caller, GAMES, new Map([[id, params]]));
        await insertTasks(em, caller, id, tasks);
        const counts = { params: params.length, tasks: tasks.length };
        const details = { game_id: id, externalGameId, platform, strategyId, ...counts };
        await recordWrite(em, caller, 'Game created', details);
        return this.#within(em).getGameById(caller, id, selection);
      },
      game,
    );
  }

  /**
   * Writes what is given and differs from what is stored, and bumps `updated_at`; returns the game as it now
   * is. A value equal to the stored one is no change and is not checked, so that a row that breaks today's
   * rules can be changed elsewhere. Nothing to change: no write, no audit row.
   *
   * @throws NOT_FOUND, also for a param that is not the game's; CONFLICT when the game has another version than
   *   expected, or the external id is taken; BAD_USER_INPUT with everything that is wrong
   */
  async patchGameById(
    caller: KnownCaller,
    id: string,
    patch: GamePatch,
    selection: Selection,
  ): Promise<PatchedGame> {
    return inTransaction(
      this.em,
      async (em) => {
        // Strategies are locked before games, as a rollback does it.
        const assignable = await this.strategies.findAssignable(
          em,
          caller,
          patch.strategyId ? [patch.strategyId] : [],
        );
        const stored = await lockGame(em, caller, id, 'input.id');
        await expectVersion(em, GAMES, id, patch.expectedVersion);
        const problems = new Problems();
        const columns = columnChanges(stored, patch, ['externalGameId', 'platform', 'strategyId']);
        for (const { field, after } of columns) {
          const argument = `input.${field}`;
          if (field === 'externalGameId') checkExternalGameId(after, argument, problems);
          else if (field === 'platform') checkPlatform(after, argument, problems);
          else {
            const owner = { apiKey: stored.ownerApiKey };
            this.strategies.checkAssignable(assignable, after, owner, argument, problems);
          }
        }
        const params = await planParams(em, GAMES, id, patch.params, 'input.params', problems);
        problems.throwIfAny();
        if (params.unknownIds.length > 0) throw notFound('Param');
        const changes = [...columns, ...params.changes];
        if (changes.length > 0) {
          const changed = Object.fromEntries(columns.map(({ field, after }) => [field, after]));
          const { externalGameId, platform, strategyId } = { ...stored, ...changed };
          await externalIdOrConflict(
            query(
              em,
              sql`UPDATE games SET "externalGameId" = ${externalGameId}, platform = ${platform},
                    "strategyId" = ${strategyId}, updated_at = clock_timestamp()
                  WHERE id = ${id}::uuid`,
            ),
          );
          await params.write(caller);
          await recordWrite(em, caller, 'Game updated', { game_id: id, changes });
        }
        return { game: await this.#within(em).getGameById(caller, id, selection), changes };
      },
      patch,
    );
  }

  /**
   * Deletes the game and everything that refers to it, in one transaction and in a number of statements
   * that does not depend on how much there is.
   *
   * @throws NOT_FOUND; CONFLICT when the game has another version than expected
   */
  async deleteGameById(caller: KnownCaller, deletion: GameDeletion): Promise<DeletedGame> {
    const { id, expectedVersion } = deletion;
    return inTransaction(
      this.em,
      async (em) => {
        const { externalGameId } = await lockGame(em, caller, id, 'input.id');
        await expectVersion(em, GAMES, id, expectedVersion);
        // Locked tasks and a locked game take no new children (a foreign key needs a share of the parent's
        // lock), so the statement after this one sees everything there is to delete.
        await query(em, sql`SELECT FROM tasks WHERE "gameId" = ${id}::uuid ORDER BY id FOR UPDATE`);
        const [deleted] = await query<DeletedCounts>(
          em,
          sql`WITH t AS (DELETE FROM tasks WHERE "gameId" = ${id}::uuid RETURNING id),
            tp AS (DELETE FROM tasksparams USING t WHERE "taskId" = t.id RETURNING 1),
            up AS (DELETE FROM userpoints USING t WHERE "taskId" = t.id RETURNING 1),
            p AS (DELETE FROM gamesparams WHERE "gameId" = ${id}::uuid RETURNING 1),
            c AS (DELETE FROM usergameconfig WHERE "gameId" = ${id}::uuid RETURNING 1),
            g AS (DELETE FROM games WHERE id = ${id}::uuid)
            SELECT (SELECT count(*)::int FROM p) AS params, (SELECT count(*)::int FROM t) AS tasks,
              (SELECT count(*)::int FROM tp) AS "taskParams", (SELECT count(*)::int FROM up) AS "userPoints",
              (SELECT count(*)::int FROM c) AS "userGameConfigs"`,
        );
        if (deleted === undefined) throw new Error('A SELECT of counts returned no row.');
        await recordWrite(em, caller, 'Game deleted', { game_id: id, externalGameId, deleted });
        return { id, externalGameId, deleted };
      },
      deletion,
    );
  }

  /**
   * Copies a game with its params, its tasks (their status is open) and their params, as they are; not its
   * points. The copy belongs to the caller. The number of statements does not depend on how much there is.
   *
   * @throws NOT_FOUND; BAD_USER_INPUT for a bad external id, or when a strategy does not suit the caller; CONFLICT when
   *   the external id is taken
   */
  async duplicateGame(caller: KnownCaller, copy: GameCopy, selection: Selection): Promise<EncodedJson> {
    const { id, externalGameId } = copy;
    return inTransaction(
      this.em,
      async (em) => {
        if (isUuid(id)) await this.strategies.keepFromRollback(em, strategiesOfGame(id));
        const { ownerApiKey } = await lockGame(em, caller, id, 'input.id');
        const problems = new Problems();
        checkExternalGameId(externalGameId, 'input.externalGameId', problems);
        const copyOwner = identityOf(caller);
        if (!(await this.strategies.suit(em, strategiesOfGame(id), { apiKey: ownerApiKey }, copyOwner))) {
          problems.add(
            'input.id',
            'is a game with custom strategies of another realm, for itself or its tasks.',
          );
        }
        problems.throwIfAny();

        const copyId = randomUUID();
        const { apiKey, oauthUserId } = copyOwner;
        const owner = sql`${apiKey}::varchar, ${oauthUserId}::varchar`;
        await externalIdOrConflict(
          query(
            em,
            sql`WITH
            g AS (INSERT INTO games (id, "externalGameId", platform, "strategyId", "apiKey_used", oauth_user_id, created_at, updated_at)
              SELECT ${copyId}::uuid, ${externalGameId}, x.platform, x."strategyId", ${owner}, now(), now()
              FROM games x WHERE x.id = ${id}::uuid),
            p AS (INSERT INTO gamesparams (id, key, value, "gameId", "apiKey_used", oauth_user_id, created_at, updated_at)
              SELECT gen_random_uuid(), x.key, x.value, ${copyId}::uuid, ${owner}, ${COPIED_AT}, now()
              FROM gamesparams x WHERE x."gameId" = ${id}::uuid),
            ${copyTasksSql(sql`x."gameId" = ${id}::uuid`, {
              gameId: copyId,
              id: sql`gen_random_uuid()`,
              externalTaskId: sql`x."externalTaskId"`,
              owner: copyOwner,
            })}`,
          ),
        );
        await recordWrite(em, caller, 'Game duplicated', {
          game_id: copyId,
          externalGameId,
          source_game_id: id,
        });
        return this.#within(em).getGameById(caller, copyId, selection);
      },
      copy,
    );
  }

  /**
   * Moves every game visible to the caller, and the tasks of such games where that is asked for, from one strategy to
   * another, in one transaction: see `bulkUpdate`.
   *
   * @param selection what is asked for of the record of the move
   */
  async bulkUpdateStrategyId(
    caller: KnownCaller,
    update: BulkUpdate,
    selection = Selection.NOTHING,
  ): Promise<BulkUpdated & { readonly reassignment: EncodedJson | null }> {
    const { dryRun = false, tasks = false } = update;
    return inMoveTransaction(this.em, caller, { dryRun, tasks }, async (em) => {
      const moved = await bulkUpdate(em, caller, this.strategies, update);
      const reassignments = new ReassignmentRepository(em, this.runner);
      const [reassignment = null] = await reassignments.getReassignmentsByIds(
        caller,
        [moved.reassignmentId],
        selection,
      );
      return { ...moved, reassignment };
    });
  }

  /** This repository in a transaction. */
  #within(em: SqlEntityManager): GameRepository {
    return new GameRepository(em, this.entityName, this.strategies, this.runner);
  }

  /** The visible games that are looked up by this value, by their ids. */
  async #find(
    caller: Caller,
    by: keyof typeof LOOKUP_CONDITIONS,
    lookupValue: unknown,
    selection: Selection,
  ): Promise<ReadonlyMap<string, EncodedJson>> {
    if (caller.kind === 'anonymous') return NONE;
    return this.runner.runById(this.em, selection, { caller, lookupValue }, by, (context) => ({
      id: sql`g.id`,
      json: gameJson(context, selection),
      from: sql`games g WHERE ${or(gamesVisibleTo(context.caller))} AND ${LOOKUP_CONDITIONS[by]}`,
    }));
  }
}

/** How games are looked up, and in which order where that matters. */
const LOOKUP_CONDITIONS = {
  id: sql`g.id = ${LOOKUP_VALUE}::uuid`,
  ids: sql`g.id = ANY(${LOOKUP_VALUE}::uuid[])`,
  externalGameId: sql`g."externalGameId" = ${LOOKUP_VALUE}`,
  strategyId: sql`g."strategyId" = ${LOOKUP_VALUE} ORDER BY g.created_at DESC, g.id DESC`,
};
const NONE: ReadonlyMap<string, EncodedJson> = new Map();

/** @throws NOT_FOUND when there is none */
function one(found: ReadonlyMap<string, EncodedJson>): EncodedJson {
  const [game] = found.values();
  if (game === undefined) throw notFound('Game');
  return game;
}

/** Turns the violation of the unique external id into a CONFLICT that tells nothing about whose it is. */
async function externalIdOrConflict<Result>(write: Promise<Result>): Promise<Result> {
  try {
    return await write;
  } catch (error) {
    if (sqlState(error) === '23505') throw conflict('This externalGameId is taken. Choose another one.');
    throw error;
  }
}
