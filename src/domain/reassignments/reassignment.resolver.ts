import type { GraphQLResolveInfo } from 'graphql';
import { Arg, Args, Ctx, Info, Mutation, Query, Resolver } from 'type-graphql';
import type { Context } from '../../app/context.js';
import { ConnectionArgs } from '../../graphql/schema/connection.js';
import { checkIdCount } from '../../graphql/schema/ids.js';
import { selectionOf } from '../../graphql/schema/select.js';
import {
  BulkUpdateStrategyIdInput,
  BulkUpdateStrategyIdPayload,
  RollbackStrategyInput,
  RollbackStrategyPayload,
  StrategyReassignmentConnection,
  UndoStrategyReassignmentInput,
  UndoStrategyReassignmentPayload,
} from './reassignment.type.js';
import type { EncodedJson } from '../../sql-json/encoded-json.js';

@Resolver()
export class ReassignmentResolver {
  @Query(() => StrategyReassignmentConnection, {
    nullable: true,
    description: 'The moves of games between strategies that you made (an admin: all), newest first.',
  })
  async strategyReassignments(
    @Ctx() { caller, reassignments }: Context,
    @Args(() => ConnectionArgs) args: ConnectionArgs,
    @Info() info: GraphQLResolveInfo,
  ): Promise<EncodedJson> {
    return reassignments.getAllReassignments(caller, args, selectionOf(info));
  }

  @Mutation(() => BulkUpdateStrategyIdPayload, {
    nullable: true,
    description:
      'Moves all your games (an admin: all games) that are on one strategy to another, all of them or none.',
  })
  async bulkUpdateStrategyId(
    @Ctx() { caller, games, reassignments }: Context,
    @Arg('input', () => BulkUpdateStrategyIdInput, { description: 'From where to where, and which games.' })
    input: BulkUpdateStrategyIdInput,
    @Info() info: GraphQLResolveInfo,
  ): Promise<BulkUpdateStrategyIdPayload> {
    checkIdCount('input.ids', input.ids ?? []);
    const { count, reassignmentId } = await games.bulkUpdateStrategyId(caller, input);
    const selection = selectionOf(info).below('reassignment');
    const [reassignment] = await reassignments.getReassignmentsByIds(caller, [reassignmentId], selection);
    return { count, reassignment: reassignment ?? null };
  }

  @Mutation(() => UndoStrategyReassignmentPayload, {
    nullable: true,
    description:
      'Puts back exactly the games that a reassignment moved and that still carry its new strategy. CONFLICT when it is undone already, or was a rollback.',
  })
  async undoStrategyReassignment(
    @Ctx() { caller, reassignments }: Context,
    @Arg('input', () => UndoStrategyReassignmentInput, { description: 'What to take back.' })
    { id, dryRun }: UndoStrategyReassignmentInput,
    @Info() info: GraphQLResolveInfo,
  ): Promise<UndoStrategyReassignmentPayload> {
    const { restored, skipped, reassignmentId } = await reassignments.undoReassignment(caller, id, dryRun);
    const payload = selectionOf(info);
    const selection = payload.below('undone', 'reassignment');
    const [undone, reassignment] = dryRun
      ? []
      : await reassignments.getReassignmentsByIds(caller, [id, reassignmentId], selection);
    return { restored, skipped, undone: undone ?? null, reassignment: reassignment ?? null };
  }

  @Mutation(() => RollbackStrategyPayload, {
    nullable: true,
    description:
      'Publishes an earlier version of a custom strategy again, archives the published one, and moves its games and tasks. For admins.',
  })
  async rollbackStrategy(
    @Ctx() { caller, reassignments, strategies }: Context,
    @Arg('input', () => RollbackStrategyInput, { description: 'Which strategy, and back to which version.' })
    { strategyId, toVersion, dryRun }: RollbackStrategyInput,
    @Info() info: GraphQLResolveInfo,
  ): Promise<RollbackStrategyPayload> {
    const done = await strategies.rollbackStrategy(caller, strategyId, toVersion, dryRun);
    const payload = selectionOf(info);
    const { gameCount, taskCount, promotedId, reassignmentId } = done;
    if (dryRun) return { gameCount, taskCount, strategy: null, reassignment: null };
    const strategy = await strategies.getStrategyById(caller, promotedId, payload.below('strategy'));
    const [reassignment] = await reassignments.getReassignmentsByIds(
      caller,
      [reassignmentId],
      payload.below('reassignment'),
    );
    return { gameCount, taskCount, strategy, reassignment: reassignment ?? null };
  }
}
