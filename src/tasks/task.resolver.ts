import type { GraphQLResolveInfo } from 'graphql';
import { Args, FieldResolver, Info, Resolver, Root } from 'type-graphql';
import { GameType } from '../games/game.type.js';
import type { SelectedGame } from '../games/game.shape.js';
import { ConnectionArgs, type Connection } from '../graphql/connection.js';
import { connectionPartOf, partOf } from '../graphql/part.js';
import type { SelectedLeaderboardEntry } from '../points/leaderboard.shape.js';
import { LeaderboardConnection } from '../points/leaderboard.type.js';
import type { SelectedStrategy } from '../strategies/strategy.shape.js';
import { StrategyType } from '../strategies/strategy.type.js';
import type { SelectedTask } from './task.shape.js';
import { TaskParamType, TaskType } from './task.type.js';

@Resolver(() => TaskType)
export class TaskResolver {
  @FieldResolver(() => StrategyType, {
    nullable: true,
    description: 'The strategy that scores the task; null where strategyId names none that you may see.',
  })
  strategy(@Root() task: SelectedTask, @Info() info: GraphQLResolveInfo): SelectedStrategy | null {
    return partOf(task, info);
  }

  @FieldResolver(() => GameType, { nullable: true, description: 'The game that the task belongs to.' })
  game(@Root() task: SelectedTask, @Info() info: GraphQLResolveInfo): SelectedGame | null {
    return partOf(task, info);
  }

  @FieldResolver(() => [TaskParamType], { description: 'Settings of the task: oldest first, undated last.' })
  params(@Root() task: SelectedTask, @Info() info: GraphQLResolveInfo): TaskParamType[] {
    return partOf(task, info);
  }

  @FieldResolver(() => LeaderboardConnection, {
    description: 'Who collected how many points in the task: most points first, then by user.',
  })
  leaderboard(
    @Root() task: SelectedTask,
    @Args(() => ConnectionArgs) _args: ConnectionArgs,
    @Info() info: GraphQLResolveInfo,
  ): Connection<SelectedLeaderboardEntry> {
    return connectionPartOf(task, info);
  }
}
