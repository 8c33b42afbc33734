import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { KnownCaller } from '../auth/caller.js';
import { isUuid } from '../database/uuid.js';
import { StrategyDefinition } from './strategy-definition.entity.js';

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
const CUSTOM_PREFIX = 'custom:';

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
  readonly #builtIns: ReadonlyMap<string, string>;
  /** Realm of games and callers without an API key. */
  readonly realm: string;

  constructor(settings: StrategySettings) {
    this.#builtIns = new Map(Object.entries({ ...GAME_STRATEGIES, ...settings.furtherBuiltIns }));
    this.realm = settings.realm;
  }

  /**
   * The strategy, when the caller may put games on it: a built-in, or a PUBLISHED custom one of the
   * caller's realm (an admin: of any realm; whether it suits a game is the game's matter). Null otherwise.
   */
  async findAssignable(
    em: SqlEntityManager,
    caller: KnownCaller,
    strategyId: string,
  ): Promise<AssignableStrategy | null> {
    if (this.#builtIns.has(strategyId)) return { realm: null };
    const id = strategyId.startsWith(CUSTOM_PREFIX) ? strategyId.slice(CUSTOM_PREFIX.length) : '';
    if (!isUuid(id)) return null;
    const strategy = await em.findOne(
      StrategyDefinition,
      { id, status: 'PUBLISHED' },
      { disableIdentityMap: true },
    );
    if (strategy === null) return null;
    if (caller.kind === 'admin') return { realm: strategy.realmId ?? '' };
    return strategy.realmId === this.realmOf(caller) ? { realm: strategy.realmId } : null;
  }

  /** Realm of a caller: its key's prefix, else the configured one. */
  realmOf(caller: KnownCaller): string {
    return (caller.kind === 'oauth' ? null : caller.apiKey) ?? this.realm;
  }

  /** Ids of the built-in strategies, for messages. */
  get builtInIds(): string[] {
    return [...this.#builtIns.keys()];
  }
}
