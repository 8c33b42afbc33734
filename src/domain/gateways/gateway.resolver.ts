import type { GraphQLResolveInfo } from 'graphql';
import { Arg, Ctx, Extensions, Info, Query, Resolver } from 'type-graphql';
import type { Context } from '../../app/context.js';
import { Any, keysOf, KEYED_TYPES } from './representation.type.js';
import { MOST_IDS } from '../../graphql/schema/ids.js';
import { selectionOn } from '../../graphql/schema/select.js';
import type { EncodedJson } from '../../sql-json/encoded-json.js';
import { Entity, SDL_COST, Service } from './gateway.type.js';

@Resolver()
export class GatewayResolver {
  @Extensions({ isPublic: true })
  @Query(() => String, {
    complexity: SDL_COST,
    description:
      'For gateways that stitch: the schema with stitching directives. Needs no credential; FORBIDDEN where introspection is off.',
  })
  _sdl(@Ctx() { gatewaySdl }: Context): string {
    return gatewaySdl.stitching;
  }

  @Extensions({ isPublic: true })
  @Query(() => Service, {
    description:
      'For federated gateways: the schema. Needs no credential; FORBIDDEN where introspection is off.',
  })
  _service(@Ctx() { gatewaySdl }: Context): Service {
    return { sdl: gatewaySdl.federation };
  }

  @Query(() => [Entity], {
    nullable: 'items',
    description:
      'For federated gateways: games, tasks and strategies by their ids, in the order asked; null for each that is not there.',
  })
  _entities(
    @Ctx() context: Context,
    @Arg('representations', () => [Any], {
      description: `Objects of type Game, Task or Strategy, each with its id; ${MOST_IDS}.`,
    })
    representations: unknown[],
    @Info() info: GraphQLResolveInfo,
  ): Promise<(EncodedJson | null)[]> {
    return entitiesOf(context, representations, info);
  }
}

/** One statement for each type that is asked for. */
async function entitiesOf(
  { caller, games, tasks, strategies }: Context,
  representations: readonly unknown[],
  info: GraphQLResolveInfo,
): Promise<(EncodedJson | null)[]> {
  const keys = keysOf(representations);
  const read = {
    Game: (ids: string[]) => games.getGamesByIds(caller, ids, selectionOn(info, 'Game')),
    Task: (ids: string[]) => tasks.getTasksByIds(caller, ids, selectionOn(info, 'Task')),
    Strategy: (ids: string[]) => strategies.getStrategiesByIds(caller, ids, selectionOn(info, 'Strategy')),
  };
  const found: (EncodedJson | null)[] = keys.map(() => null);
  await Promise.all(
    KEYED_TYPES.map(async (type) => {
      const places = [...keys.keys()].filter((place) => keys[place]?.type === type);
      if (places.length === 0) return;
      const objects = await read[type](places.map((place) => keys[place]?.id ?? ''));
      places.forEach((place, index) => {
        found[place] = objects[index] ?? null;
      });
    }),
  );
  return found;
}
