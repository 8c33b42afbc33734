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
    description:
      'The moves of games and tasks between strategies that you made (an admin: all), newest first.',
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
      'Moves all your games (an admin: all games) that are on one strategy to another, and with `tasks: true` also tasks: all of them or none.',
  })
  async bulkUpdateStrategyId(
    @Ctx() { caller, games }: Context,
    @Arg('input', () => BulkUpdateStrategyIdInput, { description: 'From where to where, and what.' })
    input: BulkUpdateStrategyIdInput,
    @Info() info: GraphQLResolveInfo,
  ): Promise<BulkUpdateStrategyIdPayload> {
    checkIdCount('input.ids', input.ids ?? []);
    return games.bulkUpdateStrategyId(caller, input, selectionOf(info).below('reassignment'));
  }

  @Mutation(() => UndoStrategyReassignmentPayload, {
    nullable: true,
    description:
      'Puts back exactly the games and tasks that a reassignment moved and that still carry its new strategy. CONFLICT when it is undone already, or was a rollback.',
  })
  async undoStrategyReassignment(
    @Ctx() { caller, reassignments }: Context,
    @Arg('input', () => UndoStrategyReassignmentInput, { description: 'What to take back.' })
    { id, dryRun }: UndoStrategyReassignmentInput,
    @Info() info: GraphQLResolveInfo,
  ): Promise<UndoStrategyReassignmentPayload> {
    const selection = selectionOf(info).below('undone', 'reassignment');
    return reassignments.undoReassignment(caller, id, dryRun, selection);
  }

  @Mutation(() => RollbackStrategyPayload, {
    nullable: true,
    description:
      'Publishes an earlier version of a custom strategy again, archives the published one, and moves its games and tasks. For admins.',
  })
  async rollbackStrategy(
    @Ctx() { caller, strategies }: Context,
    @Arg('input', () => RollbackStrategyInput, { description: 'Which strategy, and back to which version.' })
    { strategyId, toVersion, dryRun }: RollbackStrategyInput,
    @Info() info: GraphQLResolveInfo,
  ): Promise<RollbackStrategyPayload> {
    const payload = selectionOf(info);
    return strategies.rollbackStrategy(caller, strategyId, toVersion, dryRun, {
      strategy: payload.below('strategy'),
      reassignment: payload.below('reassignment'),
    });
  }
}
