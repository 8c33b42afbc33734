import type { GraphQLResolveInfo } from 'graphql';
import { Arg, Args, Ctx, FieldResolver, Info, Mutation, Query, Resolver, Root } from 'type-graphql';
import type { Context } from '../context.js';
import type { SelectedGame } from '../games/game.shape.js';
import { GameConnection } from '../games/game.type.js';
import { ConnectionArgs, connectionOf, type Connection } from '../graphql/connection.js';
import { connectionPartOf, partOf } from '../graphql/part.js';
import { selectionOf } from '../graphql/selection.js';
import type { SelectedReassignment } from './reassignment.shape.js';
import {
  RollbackStrategyInput,
  RollbackStrategyPayload,
  StrategyReassignmentConnection,
  StrategyReassignmentType,
  UndoStrategyReassignmentInput,
  UndoStrategyReassignmentPayload,
} from './reassignment.type.js';

@Resolver(() => StrategyReassignmentType)
export class ReassignmentResolver {
  @Query(() => StrategyReassignmentConnection, {
    nullable: true,
    description: 'The moves of games between strategies that you made (an admin: all), newest first.',
  })
  async strategyReassignments(
    @Ctx() { caller, reassignments }: Context,
    @Args(() => ConnectionArgs) args: ConnectionArgs,
    @Info() info: GraphQLResolveInfo,
  ): Promise<Connection<SelectedReassignment>> {
    return connectionOf(await reassignments.getAllReassignments(caller, args, selectionOf(info)));
  }

  @FieldResolver(() => StrategyReassignmentType, {
    nullable: true,
    description: 'The reassignment that this one undid; null where it undid none that you may see.',
  })
  undoes(
    @Root() reassignment: SelectedReassignment,
    @Info() info: GraphQLResolveInfo,
  ): SelectedReassignment | null {
    return partOf(reassignment, info);
  }

  @FieldResolver(() => GameConnection, {
    description: 'The games that it moved and that you may see, newest first.',
  })
  games(
    @Root() reassignment: SelectedReassignment,
    @Args(() => ConnectionArgs) _args: ConnectionArgs,
    @Info() info: GraphQLResolveInfo,
  ): Connection<SelectedGame> {
    return connectionPartOf(reassignment, info);
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
    const selection = payload.below('undone').merge(payload.below('reassignment'));
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
