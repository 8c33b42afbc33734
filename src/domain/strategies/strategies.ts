import type { SqlEntityManager } from '@mikro-orm/postgresql';
import sql from 'sql-template-tag';
import { identityOf, type Identity, type KnownCaller } from '../../auth/caller.js';
import { query } from '../../database/query.js';
import { isUuid } from '../../database/uuid.js';
import type { Problems } from '../../errors.js';

/** The strategies that ship with GAME, with the version each of them has there. */
const GAME_STRATEGIES: Readonly<Record<string, string>> = {
  default: '0.0.2',
  constantEffortStrategy: '0.0.1',
  greencrowdStrategy: '1.0.0',
  greengageStrategy: '0.0.1',
  socio_bee: '0.0.2',
  getis_ord_gi_star: '0.0.1',
};

/** What stands before the id of a `strategydefinition` in a game's strategyId. */
export const CUSTOM_PREFIX = 'custom:';

/** The strategy of a game that is created without one. */
export const DEFAULT_STRATEGY_ID = 'default';

/** What a deployment knows about strategies beyond its database. */
export interface StrategySettings {
  /** Version by id of built-in strategies that this deployment has beyond GAME's own. */
  readonly furtherBuiltIns: Readonly<Record<string, string>>;
  /** Realm of custom strategies for callers and games without an API key. */
  readonly realm: string;
}

/** A strategy that games may be put on. */
export interface AssignableStrategy {
  /** Realm of a custom strategy: only games of this realm can run it. Null for a built-in. */
  readonly realm: string | null;
}

/** Which strategies there are and who may put games on them. */
export class Strategies {
  /** Version by id of the built-in strategies, in the order of their ids. */
  readonly builtIns: ReadonlyMap<string, string>;
  /** Realm of games and callers without an API key. */
  readonly realm: string;

  constructor(settings: StrategySettings = { furtherBuiltIns: {}, realm: 'GameRealm' }) {
    this.builtIns = new Map(Object.entries({ ...GAME_STRATEGIES, ...settings.furtherBuiltIns }));
    this.realm = settings.realm;
  }

  /**
   * The strategy, when the caller may put games on it: a built-in, or a PUBLISHED custom one of the
   * caller's realm (an admin: of any realm). Null otherwise. Whether it suits a game is a question about the game's
   * owner: see `checkAssignable`.
   *
   * @param toWrite whether games will be put on it in this transaction; else nothing is locked
   */
  async findAssignable(
    em: SqlEntityManager,
    caller: KnownCaller,
    strategyId: string,
    toWrite = true,
  ): Promise<AssignableStrategy | null> {
    if (this.builtIns.has(strategyId)) return { realm: null };
    const id = strategyId.startsWith(CUSTOM_PREFIX) ? strategyId.slice(CUSTOM_PREFIX.length) : '';
    if (!isUuid(id)) return null;
    // The share of a lock keeps a rollback from archiving the strategy before the game is on it.
    const [strategy] = await query<{ realm: string | null }>(
      em,
      sql`SELECT "realmId" AS realm FROM strategydefinition WHERE id = ${id}::uuid AND status = 'PUBLISHED'
          ${toWrite ? sql`FOR SHARE` : sql``}`,
    );
    if (strategy === undefined) return null;
    if (caller.kind === 'admin') return { realm: strategy.realm ?? '' };
    return strategy.realm === this.realmOf(identityOf(caller)) ? { realm: strategy.realm } : null;
  }

  /** Realm of a caller, or of the owner of a game: its key's prefix, else the configured one. */
  realmOf({ apiKey }: Pick<Identity, 'apiKey'>): string {
    return apiKey ?? this.realm;
  }

  /**
   * As `findAssignable`, for a game of this owner; adds to `problems` why not. The realm of the owner is compared for
   * every caller, because a caller with a token may see games of a realm other than its own.
   */
  async checkAssignable(
    em: SqlEntityManager,
    caller: KnownCaller,
    strategyId: string,
    owner: Pick<Identity, 'apiKey'>,
    argument: string,
    problems: Problems,
  ): Promise<void> {
    const strategy = await this.findAssignable(em, caller, strategyId);
    if (strategy === null) {
      problems.add(argument, this.unassignableMessage());
    } else if (strategy.realm !== null && strategy.realm !== this.realmOf(owner)) {
      problems.add(argument, "is a custom strategy of another realm than the game's owner.");
    }
  }

  /**
   * Keeps the custom strategies of a game and of its tasks from being rolled back until the transaction ends, so
   * that a copy is not left on a version that is archived meanwhile. To be called before the game is locked, as a
   * rollback locks strategies before games.
   */
  async keepFromRollback(em: SqlEntityManager, gameId: string): Promise<void> {
    if (!isUuid(gameId)) return;
    await query(
      em,
      sql`SELECT FROM strategydefinition WHERE ${CUSTOM_PREFIX}::text || id IN (
            SELECT "strategyId" FROM games WHERE id = ${gameId}::uuid
            UNION SELECT "strategyId" FROM tasks WHERE "gameId" = ${gameId}::uuid)
          ORDER BY id FOR SHARE`,
    );
  }

  /**
   * Whether a game and its tasks could be another owner's: their custom strategies are all of that owner's realm. One
   * that does not exist is treated like one of another realm, so that nobody learns which exist there.
   */
  async suitAll(em: SqlEntityManager, gameId: string, owner: Pick<Identity, 'apiKey'>): Promise<boolean> {
    const [row] = await query<{ suited: boolean }>(
      em,
      sql`SELECT NOT EXISTS (
            SELECT FROM (SELECT "strategyId" AS id FROM games WHERE id = ${gameId}::uuid
                         UNION SELECT "strategyId" FROM tasks WHERE "gameId" = ${gameId}::uuid) used
            WHERE starts_with(used.id, ${CUSTOM_PREFIX}) AND NOT EXISTS (
              SELECT FROM strategydefinition d
              WHERE ${CUSTOM_PREFIX}::text || d.id = used.id AND d."realmId" = ${this.realmOf(owner)})) AS suited`,
    );
    return row?.suited ?? false;
  }

  /** What a strategy that cannot be assigned should have been. */
  unassignableMessage(): string {
    const builtIns = [...this.builtIns.keys()].join(', ');
    return `must be a built-in strategy (${builtIns}) or custom:<id> of a published custom strategy of yours.`;
  }
}
