import type { GraphQLResolveInfo } from 'graphql';
import { Arg, Args, Ctx, FieldResolver, ID, Info, Mutation, Query, Resolver, Root } from 'type-graphql';
import { Principal } from '../auth/viewer.type.js';
import type { Context } from '../context.js';
import { connectionOf, type Connection } from '../graphql/connection.js';
import { checkIdCount } from '../graphql/ids.js';
import { selectedFields } from '../graphql/selection.js';
import type { GameParamRow, GameParts, GameRow } from './game.repository.js';
import {
  BulkUpdateStrategyIdInput,
  BulkUpdateStrategyIdPayload,
  CreateGameInput,
  CreateGamePayload,
  DeleteGameInput,
  DeleteGamePayload,
  ExternalGameId,
  GameConnection,
  GameParamType,
  GamesArgs,
  GameType,
  PatchGameInput,
  PatchGamePayload,
} from './game.type.js';

@Resolver(() => GameType)
export class GameResolver {
  @Query(() => GameConnection, {
    nullable: true,
    description: 'Your games, newest first unless ordered otherwise.',
  })
  async games(
    @Ctx() { caller, games }: Context,
    @Args(() => GamesArgs) args: GamesArgs,
    @Info() info: GraphQLResolveInfo,
  ): Promise<Connection<GameRow>> {
    return connectionOf(await games.getAllGames(caller, args, partsOf(info, ['nodes'], ['edges', 'node'])));
  }

  @Query(() => GameType, {
    nullable: true,
    description: 'One game by its id; NOT_FOUND when there is no such game of yours.',
  })
  game(
    @Ctx() { caller, games }: Context,
    @Arg('id', () => ID, { description: 'Id of the game.' }) id: string,
    @Info() info: GraphQLResolveInfo,
  ): Promise<GameRow> {
    return games.getGameById(caller, id, partsOf(info, []));
  }

  @Query(() => GameType, {
    nullable: true,
    description: "One game by the client's own name of it; NOT_FOUND when there is no such game of yours.",
  })
  gameByExternalId(
    @Ctx() { caller, games }: Context,
    @Arg('externalGameId', () => String, { description: "The client's own name of the game." })
    externalGameId: string,
    @Info() info: GraphQLResolveInfo,
  ): Promise<GameRow> {
    return games.getGameByExternalId(caller, externalGameId, partsOf(info, []));
  }

  @Query(() => [GameType], {
    nullable: 'items',
    description:
      'Games by their ids, in the order of the ids; null for each that is not there. For gateways and data loaders.',
  })
  gamesByIds(
    @Ctx() { caller, games }: Context,
    @Arg('ids', () => [ID], { description: 'Ids of games, 1,000 at most.' }) ids: string[],
    @Info() info: GraphQLResolveInfo,
  ): Promise<(GameRow | null)[]> {
    checkIdCount('ids', ids);
    return games.getGamesByIds(caller, ids, partsOf(info, []));
  }

  @Query(() => [ExternalGameId], {
    description:
      'External ids of games by their ids. Ids that name no game of yours are left out, repeated ones count once.',
  })
  async externalGameIds(
    @Ctx() { caller, games }: Context,
    @Arg('ids', () => [ID], { description: 'Ids of games, 1,000 at most.' }) ids: string[],
  ): Promise<ExternalGameId[]> {
    checkIdCount('ids', ids);
    const found = await games.listExternalIds(caller, ids);
    return Array.from(found, ([gameId, externalGameId]) => ({ gameId, externalGameId }));
  }

  @FieldResolver(() => Principal, { description: 'Who owns the game.' })
  owner(@Root() game: GameRow): Principal {
    return { apiKey: game.ownerApiKey, oauthUserId: game.ownerOauthUserId };
  }

  @FieldResolver(() => String, {
    description:
      'Opaque. Changes whenever the game or its params change, whoever wrote them. Not the version of its strategy.',
  })
  version(@Root() game: GameRow): string {
    if (game.version === undefined) throw new Error('The version was not read with its game.');
    return game.version;
  }

  @FieldResolver(() => [GameParamType], { description: 'Settings of the game: oldest first, undated last.' })
  params(@Root() game: GameRow, @Ctx() context: Context): Promise<GameParamRow[]> {
    return context.loaders.gameParams.load(game.id);
  }

  @Mutation(() => CreateGamePayload, {
    nullable: true,
    description:
      'Creates a game of yours. BAD_USER_INPUT lists everything that is wrong; CONFLICT when the external id is taken.',
  })
  async createGame(
    @Ctx() { caller, games, strategies }: Context,
    @Arg('input', () => CreateGameInput, { description: 'The new game.' }) input: CreateGameInput,
  ): Promise<CreateGamePayload> {
    return { game: await games.createGame(caller, strategies, input) };
  }

  @Mutation(() => PatchGamePayload, {
    nullable: true,
    description:
      'Changes what is given of a game and leaves the rest. A value equal to the stored one is no change.',
  })
  async patchGame(
    @Ctx() { caller, games, strategies }: Context,
    @Arg('input', () => PatchGameInput, { description: 'What to change.' }) input: PatchGameInput,
  ): Promise<PatchGamePayload> {
    return { game: await games.patchGameById(caller, strategies, input.id, input) };
  }

  @Mutation(() => DeleteGamePayload, {
    nullable: true,
    description: 'Deletes a game and everything that belongs to it: settings, tasks, their settings, points.',
  })
  async deleteGame(
    @Ctx() { caller, games }: Context,
    @Arg('input', () => DeleteGameInput, { description: 'What to delete.' }) input: DeleteGameInput,
  ): Promise<DeleteGamePayload> {
    const { id, externalGameId, deleted } = await games.deleteGameById(caller, input.id);
    return { deletedGameId: id, externalGameId, deleted };
  }

  @Mutation(() => BulkUpdateStrategyIdPayload, {
    nullable: true,
    description:
      'Moves all your games (an admin: all games) that are on one strategy to another, all of them or none.',
  })
  async bulkUpdateStrategyId(
    @Ctx() { caller, games, strategies }: Context,
    @Arg('input', () => BulkUpdateStrategyIdInput, { description: 'From where to where.' })
    input: BulkUpdateStrategyIdInput,
  ): Promise<BulkUpdateStrategyIdPayload> {
    const { oldStrategyId, newStrategyId } = input;
    return { count: await games.bulkUpdateStrategyId(caller, strategies, oldStrategyId, newStrategyId) };
  }
}

/** What to read of games that are shown at one of these paths below the field. */
function partsOf(info: GraphQLResolveInfo, ...paths: (readonly string[])[]): GameParts {
  return { version: paths.some((path) => selectedFields(info, path).has('version')) };
}
