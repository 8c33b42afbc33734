import type { GraphQLResolveInfo } from 'graphql';
import { Arg, Args, Ctx, ID, Info, Query, Resolver } from 'type-graphql';
import type { Context } from '../../app/context.js';
import { selectionOf } from '../../graphql/schema/select.js';
import { StrategiesArgs, StrategyConnection, StrategyType } from './strategy.type.js';
import type { EncodedJson } from '../../sql-json/encoded-json.js';

@Resolver()
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
  ): Promise<EncodedJson> {
    return strategies.getAllStrategies(caller, args, selectionOf(info));
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
  ): Promise<EncodedJson> {
    return strategies.getStrategyById(caller, id, selectionOf(info));
  }
}
