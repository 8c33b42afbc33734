import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { GraphQLError, GraphQLObjectType } from 'graphql';
import type { Caller, KnownCaller } from '../auth/caller.js';
import type { Work } from '../database/work.js';
import type { Budget } from '../rates/budget.js';
import { CREDENTIAL_NEEDED, forbidden, unauthenticated } from '../errors.js';
import { Game } from '../domain/games/game.entity.js';
import { GameRepository } from '../domain/games/game.repository.js';
import type { GatewaySdl } from '../domain/gateways/gateway-sdl.js';
import { ReassignmentRepository } from '../domain/reassignments/reassignment.repository.js';
import type { Strategies } from '../domain/strategies/strategies.js';
import { StrategyRepository } from '../domain/strategies/strategy.repository.js';
import type { Selection } from '../sql-json/selection.js';
import { domainStatementRunner } from '../domain/domain-context.js';
import { TaskRepository } from '../domain/tasks/task.repository.js';

/** What an operation is called. */
export interface OperationLabel {
  readonly type: 'query' | 'mutation' | 'subscription';
  /** Empty: it has none. */
  readonly name: string;
  /** Both. */
  readonly text: string;
}

/** What the log tells of an operation: never its text, variables or answers. */
export interface OperationLog {
  operation?: OperationLabel;
  /** Codes of the errors of the answer, each once. */
  errors?: unknown[];
  /** Whose limit refused the request: the caller's, or that of its address. */
  limitedBy?: 'caller' | 'address';
}

/** What can be asked and done. Repositories keep nothing of a request: all requests share them. */
export interface Repositories {
  readonly games: GameRepository;
  readonly tasks: TaskRepository;
  readonly strategies: StrategyRepository;
  readonly reassignments: ReassignmentRepository;
}

/** @param maxBytes most bytes of an answer */
export function createRepositories(
  em: SqlEntityManager,
  strategies: Strategies,
  maxBytes?: number,
): Repositories {
  const runner = domainStatementRunner(strategies, maxBytes);
  return {
    games: new GameRepository(em, Game, strategies, runner),
    tasks: new TaskRepository(em, strategies, runner),
    strategies: new StrategyRepository(em, runner),
    reassignments: new ReassignmentRepository(em, runner),
  };
}

/**
 * What a request's resolvers work with: who asks, and the repositories.
 *
 * Apollo copies the context's own properties, so what must be evaluated late is a getter of the class.
 */
export class Context implements Repositories {
  readonly games: GameRepository;
  readonly tasks: TaskRepository;
  readonly strategies: StrategyRepository;
  readonly reassignments: ReassignmentRepository;

  /** What the fields at the root of a query return, by their response names, once these have been run. */
  rootValues: ReadonlyMap<string, Promise<unknown>> | null = null;
  /** What is asked for below the fields at the root of a mutation, by the same names: see `selectionOf`. */
  rootSelections: ReadonlyMap<string, Map<GraphQLObjectType, Selection>> | null = null;
  /** Why the operation is refused although its fields were run. */
  answerError: GraphQLError | null = null;
  /** Errors of refused arguments that the answer has already: each is reported once. */
  readonly reported = new Set<Error>();

  constructor(
    /** Who is asking, also when nobody in particular is. */
    readonly viewer: Caller,
    { games, tasks, strategies, reassignments }: Repositories,
    /** Filled with what the request's log line tells of the operation. */
    readonly log: OperationLog,
    /** Maximum size, in bytes, of an answer. */
    readonly maxBytes: number,
    /** The schema for gateways; null where it is not given away. */
    private readonly texts: GatewaySdl | null,
    /** What its statements have in common. */
    readonly work: Work,
    /** What the request may spend. */
    readonly budget: Budget,
  ) {
    this.games = games;
    this.tasks = tasks;
    this.strategies = strategies;
    this.reassignments = reassignments;
  }

  /** The schema for gateways. @throws FORBIDDEN where introspection is off */
  get gatewaySdl(): GatewaySdl {
    if (this.texts === null) throw forbidden('The schema is not given away: introspection is off.');
    return this.texts;
  }

  /** Who is asking. @throws UNAUTHENTICATED when no credential was sent */
  get caller(): KnownCaller {
    if (this.viewer.kind === 'anonymous') throw unauthenticated(CREDENTIAL_NEEDED);
    return this.viewer;
  }
}
