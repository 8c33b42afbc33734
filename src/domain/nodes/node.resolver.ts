import type { GraphQLResolveInfo } from 'graphql';
import { Arg, Ctx, ID, Info, Query, Resolver } from 'type-graphql';
import type { Context } from '../../app/context.js';
import { checkIdCount, MOST_IDS } from '../../graphql/schema/ids.js';
import { selectionOn } from '../../graphql/schema/select.js';
import type { EncodedJson } from '../../sql-json/encoded-json.js';
import { Node } from './node.type.js';

@Resolver()
export class NodeResolver {
  @Query(() => Node, {
    nullable: true,
    description: 'Anything by its id; null when there is nothing that you may see.',
  })
  async node(
    @Ctx() context: Context,
    @Arg('id', () => ID, { description: 'Id of a game, a task, a strategy or a strategy reassignment.' })
    id: string,
    @Info() info: GraphQLResolveInfo,
  ): Promise<EncodedJson | null> {
    const [node] = await nodesOf(context, [id], info);
    return node ?? null;
  }

  @Query(() => [Node], {
    nullable: 'items',
    description: 'Anything by ids, in the order of the ids; null for each that is not there.',
  })
  async nodes(
    @Ctx() context: Context,
    @Arg('ids', () => [ID], {
      description: `Ids of games, tasks, strategies or strategy reassignments, ${MOST_IDS}.`,
    })
    ids: string[],
    @Info() info: GraphQLResolveInfo,
  ): Promise<(EncodedJson | null)[]> {
    checkIdCount('ids', ids);
    return nodesOf(context, ids, info);
  }
}

/** An id does not tell its type, so each type is asked for all of them: one statement a type. */
async function nodesOf(
  { caller, games, tasks, strategies, reassignments }: Context,
  ids: string[],
  info: GraphQLResolveInfo,
): Promise<(EncodedJson | null)[]> {
  const found = await Promise.all([
    games.getGamesByIds(caller, ids, selectionOn(info, 'Game')),
    tasks.getTasksByIds(caller, ids, selectionOn(info, 'Task')),
    strategies.getStrategiesByIds(caller, ids, selectionOn(info, 'Strategy')),
    reassignments.getReassignmentsByIds(caller, ids, selectionOn(info, 'StrategyReassignment')),
  ]);
  return ids.map((_id, index) => found.map((objects) => objects[index]).find((object) => object) ?? null);
}
