import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { Caller, KnownCaller } from './auth/caller.js';
import { unauthenticated } from './errors.js';
import { Game } from './games/game.entity.js';
import type { GameRepository } from './games/game.repository.js';
import type { OperationLog } from './graphql/operation-log.js';
import type { Strategies } from './strategies/strategies.js';

/**
 * What a request's resolvers work with: who asks, and the repositories over one forked entity manager.
 *
 * Apollo copies the context's own properties, so what must be evaluated late is a getter of the class.
 */
export class Context {
  readonly games: GameRepository;

  constructor(
    /** Who is asking, also when nobody in particular is. */
    readonly viewer: Caller,
    em: SqlEntityManager,
    readonly strategies: Strategies,
    /** Filled with what the request's log line tells of the operation. */
    readonly log: OperationLog,
  ) {
    this.games = em.fork().getRepository(Game);
  }

  /** Who is asking. @throws UNAUTHENTICATED when no credential was sent */
  get caller(): KnownCaller {
    if (this.viewer.kind === 'anonymous')
      throw unauthenticated('Send an API key in the X-API-Key header, or a bearer token.');
    return this.viewer;
  }
}
