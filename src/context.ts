import type { SqlEntityManager } from '@mikro-orm/postgresql';
import DataLoader from 'dataloader';
import type { Caller, KnownCaller } from './auth/caller.js';
import { unauthenticated } from './errors.js';
import { Game } from './games/game.entity.js';
import type { GameParamRow, GameRepository } from './games/game.repository.js';
import type { OperationLog } from './graphql/operation-log.js';
import type { Strategies } from './strategies/strategies.js';

export interface Loaders {
  /** Params of a game that the caller may see, by the game's id. */
  readonly gameParams: DataLoader<string, GameParamRow[]>;
}

/**
 * What a request's resolvers work with: who asks, and the repositories over one forked entity manager.
 *
 * Apollo copies the context's own properties, so what must be evaluated late is a getter of the class.
 */
export class Context {
  readonly games: GameRepository;
  /** Gather what the objects of one response need into one statement each; they live for one request. */
  readonly loaders: Loaders;

  constructor(
    /** Who is asking, also when nobody in particular is. */
    readonly viewer: Caller,
    em: SqlEntityManager,
    readonly strategies: Strategies,
    /** Filled with what the request's log line tells of the operation. */
    readonly log: OperationLog,
  ) {
    const games = em.fork().getRepository(Game);
    this.games = games;
    this.loaders = {
      gameParams: new DataLoader(async (ids) => {
        const params = await games.listParams(viewer, ids);
        return ids.map((id) => params.get(id) ?? []);
      }),
    };
  }

  /** Who is asking. @throws UNAUTHENTICATED when no credential was sent */
  get caller(): KnownCaller {
    if (this.viewer.kind === 'anonymous')
      throw unauthenticated('Send an API key in the X-API-Key header, or a bearer token.');
    return this.viewer;
  }
}
