import { EntityRepository, raw, type SqlEntityManager } from '@mikro-orm/postgresql';
import { randomUUID } from 'node:crypto';
import sql, { empty, type Sql } from 'sql-template-tag';
import { recordWrite } from '../audit/audit.js';
import { identityOf, type Caller, type KnownCaller } from '../auth/caller.js';
import { query } from '../database/query.js';
import { inTransaction } from '../database/transaction.js';
import { isUuid } from '../database/uuid.js';
import { badUserInput, conflict, notFound, Problems, sqlState } from '../errors.js';
import { or } from '../paging/keyset.js';
import type { Page } from '../paging/page.js';
import { read } from '../reading/read.js';
import type { Selection } from '../reading/selection.js';
import { listShape } from '../reading/shape.js';
import { DEFAULT_STRATEGY_ID, type Strategies } from '../strategies/strategies.js';
import { GameParam } from './game-param.entity.js';
import { Game } from './game.entity.js';
import { checkExternalGameId, checkPlatform } from './game.rules.js';
import { gamePageShape, gameShape, visibleTo, type GameQuery, type SelectedGame } from './game.shape.js';

export interface NewGame {
  readonly externalGameId: string;
  readonly platform: string;
  readonly strategyId?: string | null | undefined;
  readonly params?: readonly { readonly key: string; readonly value: string }[] | null | undefined;
}

/** Columns to change: null and undefined mean unchanged, nothing can be cleared. */
export interface GamePatch {
  readonly externalGameId?: string | null | undefined;
  readonly platform?: string | null | undefined;
  readonly strategyId?: string | null | undefined;
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
 * first parameter, and what it may see is part of the SQL of every statement: see `visibleTo`.
 */
export class GameRepository extends EntityRepository<Game> {
  /**
   * One page of the games visible to the caller. A caller with no identity gets an empty page without
   * touching the database.
   *
   * @throws BAD_USER_INPUT for bad page arguments, filters or orderings; LIMIT_EXCEEDED for too much
   */
  async getAllGames(caller: Caller, games: GameQuery, connection: Selection): Promise<Page<SelectedGame>> {
    const shape = gamePageShape(caller, games, connection);
    if (caller.kind === 'anonymous') return EMPTY_PAGE;
    const page = await read(this.em, shape);
    if (page instanceof Error) throw page;
    return page;
  }

  /** @throws NOT_FOUND when there is no such game, or the caller may not see it */
  async getGameById(caller: Caller, id: string, selection: Selection): Promise<SelectedGame> {
    const [game] = isUuid(id) ? await this.#find(caller, sql`g.id = ${id}::uuid`, selection) : [];
    if (game === undefined) throw notFound('Game');
    return game;
  }

  /** @throws NOT_FOUND when there is no such game, or the caller may not see it */
  async getGameByExternalId(
    caller: Caller,
    externalGameId: string,
    selection: Selection,
  ): Promise<SelectedGame> {
    const [game] = await this.#find(caller, sql`g."externalGameId" = ${externalGameId}`, selection);
    if (game === undefined) throw notFound('Game');
    return game;
  }

  /** The games with these ids, in the order of the ids; null for each that is missing or not visible. */
  async getGamesByIds(
    caller: Caller,
    ids: readonly string[],
    selection: Selection,
  ): Promise<(SelectedGame | null)[]> {
    const wanted = [...new Set(ids.filter(isUuid))];
    if (wanted.length === 0) return ids.map(() => null);
    const games = await this.#find(caller, sql`g.id = ANY(${wanted}::uuid[])`, selection);
    const byId = new Map(games.map((game) => [game.id, game]));
    return ids.map((id) => byId.get(id) ?? null);
  }

  /** The games on a strategy that the caller may see, newest first. */
  async listByStrategyId(caller: Caller, strategyId: string, selection: Selection): Promise<SelectedGame[]> {
    return this.#find(
      caller,
      sql`g."strategyId" = ${strategyId}`,
      selection,
      sql`ORDER BY g.created_at DESC, g.id DESC`,
    );
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
    const scope = visibleTo(caller);
    if (wanted.length === 0 || scope.length === 0) return new Map();
    const rows = await query<{ id: string; externalGameId: string | null }>(
      this.em,
      sql`SELECT g.id, g."externalGameId" FROM games g WHERE g.id = ANY(${wanted}::uuid[]) AND ${or(scope)}`,
    );
    const found = new Map(rows.map((row) => [row.id, row.externalGameId]));
    return new Map(wanted.filter((id) => found.has(id)).map((id) => [id, found.get(id) ?? null]));
  }

  /**
   * Creates a game and its params in one transaction. The caller owns it: with a key and a token, both are
   * stamped on it.
   *
   * @throws BAD_USER_INPUT with everything that is wrong; CONFLICT when the external id is taken, by anyone
   */
  async createGame(
    caller: KnownCaller,
    strategies: Strategies,
    game: NewGame,
    selection: Selection,
  ): Promise<SelectedGame> {
    const strategyId = game.strategyId ?? DEFAULT_STRATEGY_ID;
    return inTransaction(this.em, async (em) => {
      const problems = new Problems();
      checkExternalGameId(game.externalGameId, 'input.externalGameId', problems);
      checkPlatform(game.platform, 'input.platform', problems);
      const owner = identityOf(caller);
      await checkStrategy(em, caller, strategies, strategyId, [owner.apiKey], problems);
      problems.checkText('input.params', game.params);
      problems.throwIfAny();

      const id = randomUUID();
      const now = raw('now()');
      await externalIdOrConflict(
        em.insert(Game, {
          id,
          externalGameId: game.externalGameId,
          platform: game.platform,
          strategyId,
          ownerApiKey: owner.apiKey,
          ownerOauthUserId: owner.oauthUserId,
          createdAt: now,
          updatedAt: now,
        }),
      );
      const params = game.params ?? [];
      if (params.length > 0) {
        await em.insertMany(
          GameParam,
          params.map(({ key, value }, index) => ({
            id: randomUUID(),
            key,
            value,
            gameId: id,
            ...owner,
            // Params are read oldest first: a microsecond apart they keep the order they were given in.
            createdAt: raw(`now() + ${index} * interval '1 microsecond'`),
            updatedAt: now,
          })),
        );
      }
      await recordWrite(em, caller, 'Game created', {
        game_id: id,
        externalGameId: game.externalGameId,
        platform: game.platform,
        strategyId,
        params: params.length,
      });
      return em.getRepository(Game).getGameById(caller, id, selection);
    });
  }

  /**
   * Writes the given columns that differ from what is stored, and bumps `updated_at`; answers the game as
   * it now is. A value equal to the stored one is no change and is not checked, so that a row that breaks
   * today's rules can be changed elsewhere. Nothing to change: no write, no audit row.
   *
   * @throws NOT_FOUND; BAD_USER_INPUT with everything that is wrong; CONFLICT when the external id is taken
   */
  async patchGameById(
    caller: KnownCaller,
    strategies: Strategies,
    id: string,
    patch: GamePatch,
    selection: Selection,
  ): Promise<SelectedGame> {
    return inTransaction(this.em, async (em) => {
      const repository = em.getRepository(Game);
      const stored = await repository.#lock(caller, id);
      const changes = changesOf(stored, patch);
      if (changes.length > 0) {
        await checkChanges(em, caller, strategies, stored, changes);
        await externalIdOrConflict(
          em.nativeUpdate(
            Game,
            { id },
            {
              ...Object.fromEntries(changes.map(({ column, after }) => [column, after])),
              updatedAt: raw('clock_timestamp()'),
            },
          ),
        );
        await recordWrite(em, caller, 'Game updated', {
          game_id: id,
          changes: changes.map(({ column, before, after }) => ({ field: column, before, after })),
        });
      }
      return repository.getGameById(caller, id, selection);
    });
  }

  /**
   * Deletes the game and everything that refers to it, in one transaction and in a number of statements
   * that does not depend on how much there is.
   *
   * @throws NOT_FOUND
   */
  async deleteGameById(caller: KnownCaller, id: string): Promise<DeletedGame> {
    return inTransaction(this.em, async (em) => {
      const game = await em.getRepository(Game).#lock(caller, id);
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
      await recordWrite(em, caller, 'Game deleted', {
        game_id: id,
        externalGameId: game.externalGameId,
        deleted,
      });
      return { id, externalGameId: game.externalGameId, deleted };
    });
  }

  /**
   * Moves every game visible to the caller from one strategy to another, in a single UPDATE; answers how
   * many there were.
   *
   * @throws BAD_USER_INPUT when the new strategy cannot be assigned, or does not suit one of the games: then
   *   nothing is written
   */
  async bulkUpdateStrategyId(
    caller: KnownCaller,
    strategies: Strategies,
    oldStrategyId: string,
    newStrategyId: string,
  ): Promise<number> {
    return inTransaction(this.em, async (em) => {
      const problems = new Problems();
      problems.checkText('input.oldStrategyId', oldStrategyId);
      if (oldStrategyId === newStrategyId) {
        problems.add('input.newStrategyId', 'must differ from oldStrategyId.');
      }
      const strategy = await findStrategy(
        em,
        caller,
        strategies,
        newStrategyId,
        'input.newStrategyId',
        problems,
      );
      problems.throwIfAny();

      const realm = strategy?.realm ?? null;
      const [moved] = await query<{ count: number; unsuited: number }>(
        em,
        sql`WITH moved AS (
              UPDATE games g SET "strategyId" = ${newStrategyId}, updated_at = clock_timestamp()
              WHERE g."strategyId" = ${oldStrategyId} AND ${or(visibleTo(caller))}
              RETURNING coalesce(g."apiKey_used", ${strategies.realm}) AS realm)
            SELECT count(*)::int AS count, (count(*) FILTER (WHERE realm <> ${realm}))::int AS unsuited FROM moved`,
      );
      const { count = 0, unsuited = 0 } = moved ?? {};
      if (caller.kind === 'admin' && unsuited > 0) {
        throw badUserInput([
          {
            argument: 'input.newStrategyId',
            message: `is a custom strategy of another realm than ${unsuited} of the ${count} games; nothing was written.`,
          },
        ]);
      }
      if (count > 0) {
        await recordWrite(em, caller, 'Strategy reassigned', {
          old_strategy_id: oldStrategyId,
          new_strategy_id: newStrategyId,
          games_reassigned: count,
        });
      }
      return count;
    });
  }

  async #find(
    caller: Caller,
    condition: Sql,
    selection: Selection,
    order: Sql = empty,
  ): Promise<SelectedGame[]> {
    const scope = visibleTo(caller);
    if (scope.length === 0) return [];
    const game = gameShape(selection);
    return read(
      this.em,
      listShape(game, sql`SELECT ${game.sql} AS o FROM games g WHERE ${condition} AND ${or(scope)} ${order}`),
    );
  }

  /** Locks the game for the rest of the transaction. @throws NOT_FOUND */
  async #lock(caller: Caller, id: string): Promise<StoredGame> {
    const [game] = isUuid(id)
      ? await query<StoredGame>(
          this.em,
          sql`SELECT g."externalGameId", g.platform, g."strategyId", g."apiKey_used" AS "ownerApiKey"
              FROM games g WHERE g.id = ${id}::uuid AND ${or(visibleTo(caller))} FOR UPDATE`,
        )
      : [];
    if (game === undefined) throw notFound('Game');
    return game;
  }
}

const EMPTY_PAGE: Page<never> = {
  nodes: [],
  hasNextPage: false,
  hasPreviousPage: false,
  totalCount: 0,
  cursorAt: () => '',
};

/** What a write looks at of the game that it changes. */
interface StoredGame {
  readonly externalGameId: string | null;
  readonly platform: string | null;
  readonly strategyId: string | null;
  readonly ownerApiKey: string | null;
}

interface Change {
  readonly column: 'externalGameId' | 'platform' | 'strategyId';
  readonly before: string | null;
  readonly after: string;
}

function changesOf(stored: StoredGame, patch: GamePatch): Change[] {
  return (['externalGameId', 'platform', 'strategyId'] as const).flatMap((column) => {
    const value = patch[column] ?? null;
    return value === null || value === stored[column]
      ? []
      : [{ column, before: stored[column], after: value }];
  });
}

async function checkChanges(
  em: SqlEntityManager,
  caller: KnownCaller,
  strategies: Strategies,
  stored: StoredGame,
  changes: readonly Change[],
): Promise<void> {
  const problems = new Problems();
  for (const { column, after } of changes) {
    switch (column) {
      case 'externalGameId':
        checkExternalGameId(after, 'input.externalGameId', problems);
        break;
      case 'platform':
        checkPlatform(after, 'input.platform', problems);
        break;
      case 'strategyId':
        await checkStrategy(em, caller, strategies, after, [stored.ownerApiKey], problems);
        break;
    }
  }
  problems.throwIfAny();
}

/** Checks that the caller may put a game of this owner on the strategy. */
async function checkStrategy(
  em: SqlEntityManager,
  caller: KnownCaller,
  strategies: Strategies,
  strategyId: string,
  [ownerApiKey]: readonly [string | null],
  problems: Problems,
): Promise<void> {
  const argument = 'input.strategyId';
  const strategy = await findStrategy(em, caller, strategies, strategyId, argument, problems);
  const realm = strategy?.realm ?? null;
  if (caller.kind === 'admin' && realm !== null && realm !== (ownerApiKey ?? strategies.realm)) {
    problems.add(argument, "is a custom strategy of another realm than the game's owner.");
  }
}

async function findStrategy(
  em: SqlEntityManager,
  caller: KnownCaller,
  strategies: Strategies,
  strategyId: string,
  argument: string,
  problems: Problems,
): ReturnType<Strategies['findAssignable']> {
  const strategy = await strategies.findAssignable(em, caller, strategyId);
  if (strategy === null) {
    problems.add(
      argument,
      `must be a built-in strategy (${strategies.builtInIds.join(', ')}) or custom:<id> of a published custom strategy of yours.`,
    );
  }
  return strategy;
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
