import type { GraphQLResolveInfo } from 'graphql';
import { Arg, Args, Ctx, FieldResolver, ID, Info, Query, Resolver, Root } from 'type-graphql';
import type { Context } from '../context.js';
import type { SelectedGame } from '../games/game.shape.js';
import { GameConnection } from '../games/game.type.js';
import { ConnectionArgs, connectionOf, type Connection } from '../graphql/connection.js';
import { connectionPartOf, partOf } from '../graphql/part.js';
import { selectionOf } from '../graphql/selection.js';
import type { SelectedTask } from '../tasks/task.shape.js';
import { TaskConnection } from '../tasks/task.type.js';
import type { SelectedStrategy } from './strategy.shape.js';
import { StrategiesArgs, StrategyConnection, StrategyType } from './strategy.type.js';

@Resolver(() => StrategyType)
export class StrategyResolver {
  @Query(() => StrategyConnection, {
    nullable: true,
    description:
      'The strategies that you may see: built-ins by id, then custom ones by name, newest version first.',
  })
  async strategies(
    @Ctx() { caller, strategies }: Context,
    @Args(() => StrategiesArgs) args: StrategiesArgs,
    @Info() info: GraphQLResolveInfo,
  ): Promise<Connection<SelectedStrategy>> {
    return connectionOf(await strategies.getAllStrategies(caller, args, selectionOf(info)));
  }

  @Query(() => StrategyType, {
    nullable: true,
    description: 'One strategy by its id; NOT_FOUND when there is none that you may see.',
  })
  strategy(
    @Ctx() { caller, strategies }: Context,
    @Arg('id', () => ID, { description: 'A built-in id such as `"default"`, or `"custom:<uuid>"`.' })
    id: string,
    @Info() info: GraphQLResolveInfo,
  ): Promise<SelectedStrategy> {
    return strategies.getStrategyById(caller, id, selectionOf(info));
  }

  @FieldResolver(() => [StrategyType], {
    description: 'All versions of this strategy, newest first; a built-in has itself alone.',
  })
  versions(@Root() strategy: SelectedStrategy, @Info() info: GraphQLResolveInfo): SelectedStrategy[] {
    return partOf(strategy, info);
  }

  @FieldResolver(() => GameConnection, { description: 'Your games that are on this strategy, newest first.' })
  games(
    @Root() strategy: SelectedStrategy,
    @Args(() => ConnectionArgs) _args: ConnectionArgs,
    @Info() info: GraphQLResolveInfo,
  ): Connection<SelectedGame> {
    return connectionPartOf(strategy, info);
  }

  @FieldResolver(() => TaskConnection, {
    description: 'Tasks of your games that are on this strategy, newest first.',
  })
  tasks(
    @Root() strategy: SelectedStrategy,
    @Args(() => ConnectionArgs) _args: ConnectionArgs,
    @Info() info: GraphQLResolveInfo,
  ): Connection<SelectedTask> {
    return connectionPartOf(strategy, info);
  }
}
