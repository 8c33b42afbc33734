import type { SqlEntityManager } from '@mikro-orm/postgresql';
import sql from 'sql-template-tag';
import type { Caller, KnownCaller } from '../../auth/caller.js';
import { forbidden, notFound, Problems } from '../../errors.js';
import type { Selection } from '../../sql-json/selection.js';
import { LOOKUP_VALUE } from '../../sql-json/bind.js';
import type { DomainStatementRunner } from '../domain-context.js';
import type { EncodedJson } from '../../sql-json/encoded-json.js';
import { inMoveTransaction } from '../reassignments/moves.js';
import { ReassignmentRepository } from '../reassignments/reassignment.repository.js';
import { rollBack, type RolledBack } from '../reassignments/rollback.js';
import {
  strategiesWithIds,
  strategyObjectJson,
  checkStrategyPage,
  type StrategyQuery,
} from './strategy.json.js';

/** The questions that can be asked about strategies, built-in and custom alike. */
export class StrategyRepository {
  constructor(
    private readonly em: SqlEntityManager,
    private readonly runner: DomainStatementRunner,
  ) {}

  /**
   * One page of the strategies that the caller may see: built-ins by id, then by name, newest version first.
   *
   * @throws BAD_USER_INPUT for bad page arguments or filters; LIMIT_EXCEEDED for too much
   */
  async getAllStrategies(
    caller: Caller,
    strategies: StrategyQuery,
    connection: Selection,
  ): Promise<EncodedJson> {
    const { cacheKey, bindings, compile } = checkStrategyPage(caller, strategies);
    return this.runner.runOne(this.em, connection, { caller, ...bindings }, cacheKey, (context) =>
      compile(context, connection),
    );
  }

  /** @throws NOT_FOUND when there is no such strategy, or the caller may not see it */
  async getStrategyById(caller: Caller, id: string, selection: Selection): Promise<EncodedJson> {
    const [strategy] = await this.getStrategiesByIds(caller, [id], selection);
    if (!strategy) throw notFound('Strategy');
    return strategy;
  }

  /** The strategies with these ids, in the order of the ids; null for each that is missing or not visible. */
  async getStrategiesByIds(
    caller: Caller,
    ids: readonly string[],
    selection: Selection,
  ): Promise<(EncodedJson | null)[]> {
    if (ids.length === 0) return [];
    const bindings = { caller, lookupValue: [...new Set(ids)] };
    const found = await this.runner.runById(this.em, selection, bindings, 'ids', (context) => ({
      id: sql`s.id`,
      json: strategyObjectJson(context, selection),
      from: strategiesWithIds(context, LOOKUP_VALUE),
    }));
    return ids.map((id) => found.get(id) ?? null);
  }

  /**
   * Goes back to an earlier version of a custom strategy, for all games and tasks: see `rollBack`.
   *
   * @param selections what is asked for of the version that is published now, and of the record of the move
   * @throws FORBIDDEN unless the caller is an admin; NOT_FOUND, CONFLICT, BAD_USER_INPUT
   */
  async rollbackStrategy(
    caller: KnownCaller,
    strategyId: string,
    toVersion: string,
    dryRun: boolean,
    selections: { readonly strategy: Selection; readonly reassignment: Selection },
  ): Promise<
    RolledBack & { readonly strategy: EncodedJson | null; readonly reassignment: EncodedJson | null }
  > {
    if (caller.kind !== 'admin') throw forbidden('This operation is for admins.');
    const problems = new Problems();
    problems.checkText('input', { strategyId, toVersion });
    problems.throwIfAny();
    return inMoveTransaction(this.em, caller, { dryRun, tasks: true }, async (em) => {
      const done = await rollBack(em, caller, strategyId, toVersion, dryRun);
      if (dryRun) return { ...done, strategy: null, reassignment: null };
      const strategies = new StrategyRepository(em, this.runner);
      const strategy = await strategies.getStrategyById(caller, done.promotedId, selections.strategy);
      const reassignments = new ReassignmentRepository(em, this.runner);
      const [reassignment = null] = await reassignments.getReassignmentsByIds(
        caller,
        [done.reassignmentId],
        selections.reassignment,
      );
      return { ...done, strategy, reassignment };
    });
  }
}
