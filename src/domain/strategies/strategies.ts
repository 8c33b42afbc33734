import type { SqlEntityManager } from '@mikro-orm/postgresql';
import sql, { type Sql } from 'sql-template-tag';
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

/** Strategies that games may be put on, by their ids. */
export type AssignableStrategies = ReadonlyMap<string, AssignableStrategy>;

/** Selects the ids of the strategies of a game and its tasks. */
export const strategiesOfGame = (id: string): Sql =>
  sql`SELECT "strategyId" FROM games WHERE id = ${id}::uuid
      UNION SELECT "strategyId" FROM tasks WHERE "gameId" = ${id}::uuid`;

/** Selects the id of the strategy of a task. */
export const strategiesOfTask = (id: string): Sql =>
  sql`SELECT "strategyId" FROM tasks WHERE id = ${id}::uuid`;

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
   * Those of the strategies that the caller may put games and tasks on, by their ids: a built-in, or a PUBLISHED custom
   * one of the caller's realm (an admin: of any realm). Whether one suits a game is a question about the game's owner:
   * see `checkAssignable`. One statement; none where all are built in.
   *
   * @param toWrite whether games or tasks will be put on them in this transaction; else nothing is locked
   */
  async findAssignable(
    em: SqlEntityManager,
    caller: KnownCaller,
    strategyIds: readonly string[],
    toWrite = true,
  ): Promise<AssignableStrategies> {
    const builtIns = strategyIds.filter((id) => this.builtIns.has(id));
    const found = new Map(builtIns.map((id): [string, AssignableStrategy] => [id, { realm: null }]));
    const ids = strategyIds
      .filter((id) => id.startsWith(CUSTOM_PREFIX))
      .map((id) => id.slice(CUSTOM_PREFIX.length))
      .filter(isUuid);
    if (ids.length === 0) return found;
    // The share of a lock keeps a rollback from archiving a strategy before the game is on it.
    const strategies = await query<{ id: string; realm: string | null }>(
      em,
      sql`SELECT id, "realmId" AS realm FROM strategydefinition
          WHERE id = ANY(${ids}::uuid[]) AND status = 'PUBLISHED' ORDER BY id ${toWrite ? sql`FOR SHARE` : sql``}`,
    );
    for (const { id, realm } of strategies) {
      if (caller.kind === 'admin' || realm === this.realmOf(identityOf(caller))) {
        found.set(CUSTOM_PREFIX + id, { realm: realm ?? '' });
      }
    }
    return found;
  }

  /** Realm of a caller, or of the owner of a game: its key's prefix, else the configured one. */
  realmOf({ apiKey }: Pick<Identity, 'apiKey'>): string {
    return apiKey ?? this.realm;
  }

  /**
   * Adds to `problems` why a game of this owner, or a task of it, cannot be put on a strategy. The realm of the owner is
   * compared for every caller, because a caller with a token may see games of a realm other than its own.
   *
   * @param assignable what `findAssignable` has found
   */
  checkAssignable(
    assignable: AssignableStrategies,
    strategyId: string,
    owner: Pick<Identity, 'apiKey'>,
    argument: string,
    problems: Problems,
  ): void {
    const strategy = assignable.get(strategyId);
    if (strategy === undefined) {
      problems.add(argument, this.unassignableMessage());
    } else if (strategy.realm !== null && strategy.realm !== this.realmOf(owner)) {
      problems.add(argument, "is a custom strategy of another realm than the game's owner.");
    }
  }

  /**
   * Keeps the custom strategies that are copied from being rolled back until the transaction ends, so that a copy is not
   * left on a version that is archived meanwhile. To be called before the game is locked, as a rollback locks strategies
   * before games.
   *
   * @param used selects their ids: see `strategiesOfGame`, `strategiesOfTask`
   */
  async keepFromRollback(em: SqlEntityManager, used: Sql): Promise<void> {
    await query(
      em,
      sql`SELECT FROM strategydefinition WHERE ${CUSTOM_PREFIX}::text || id IN (${used}) ORDER BY id FOR SHARE`,
    );
  }

  /**
   * Whether what is on these strategies could be another owner's: the custom ones are all of that owner's realm. One
   * that does not exist is treated like one of another realm, so that nobody learns which exist there. Within one realm a
   * copy is as good, or as bad, as what it is made of.
   *
   * @param used selects their ids
   */
  async suit(
    em: SqlEntityManager,
    used: Sql,
    from: Pick<Identity, 'apiKey'>,
    to: Pick<Identity, 'apiKey'>,
  ): Promise<boolean> {
    if (this.realmOf(from) === this.realmOf(to)) return true;
    const [row] = await query<{ suited: boolean }>(
      em,
      sql`SELECT NOT EXISTS (
            SELECT FROM (${used}) used (id)
            WHERE starts_with(used.id, ${CUSTOM_PREFIX}) AND NOT EXISTS (
              SELECT FROM strategydefinition d
              WHERE ${CUSTOM_PREFIX}::text || d.id = used.id AND d."realmId" = ${this.realmOf(to)})) AS suited`,
    );
    return row?.suited ?? false;
  }

  /** What a strategy that cannot be assigned should have been. */
  unassignableMessage(): string {
    const builtIns = [...this.builtIns.keys()].join(', ');
    return `must be a built-in strategy (${builtIns}) or custom:<id> of a published custom strategy of yours.`;
  }
}
