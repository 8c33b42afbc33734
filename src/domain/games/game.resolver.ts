import type { GraphQLResolveInfo } from 'graphql';
import { Arg, Args, Ctx, Extensions, ID, Info, Mutation, Query, Resolver } from 'type-graphql';
import type { Context } from '../../app/context.js';
import { checkIdCount, MOST_IDS } from '../../graphql/schema/ids.js';
import { selectionOf } from '../../graphql/schema/select.js';
import {
  GAMES_SCAN_COST,
  CreateGameInput,
  CreateGamePayload,
  DeleteGameInput,
  DeleteGamePayload,
  DuplicateGameInput,
  DuplicateGamePayload,
  ExternalGameId,
  GameConnection,
  GamesArgs,
  GameType,
  PatchGameInput,
  PatchGamePayload,
} from './game.type.js';
import type { EncodedJson } from '../../sql-json/encoded-json.js';

@Resolver()
export class GameResolver {
  @Extensions({ scanCost: GAMES_SCAN_COST })
  @Query(() => GameConnection, {
    nullable: true,
    description: 'Your games, newest first unless ordered otherwise.',
  })
  async games(
    @Ctx() { caller, games }: Context,
    @Args(() => GamesArgs) args: GamesArgs,
    @Info() info: GraphQLResolveInfo,
  ): Promise<EncodedJson> {
    return games.getAllGames(caller, args, selectionOf(info));
  }

  @Query(() => GameType, {
    nullable: true,
    description: 'One game by its id; NOT_FOUND when there is no such game of yours.',
  })
  game(
    @Ctx() { caller, games }: Context,
    @Arg('id', () => ID, { description: 'Id of the game.' }) id: string,
    @Info() info: GraphQLResolveInfo,
  ): Promise<EncodedJson> {
    return games.getGameById(caller, id, selectionOf(info));
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
  ): Promise<EncodedJson> {
    return games.getGameByExternalId(caller, externalGameId, selectionOf(info));
  }

  @Query(() => [GameType], {
    nullable: 'items',
    description:
      'Games by their ids, in the order of the ids; null for each that is not there. For gateways and data loaders.',
  })
  gamesByIds(
    @Ctx() { caller, games }: Context,
    @Arg('ids', () => [ID], { description: `Ids of games, ${MOST_IDS}.` }) ids: string[],
    @Info() info: GraphQLResolveInfo,
  ): Promise<(EncodedJson | null)[]> {
    checkIdCount('ids', ids);
    return games.getGamesByIds(caller, ids, selectionOf(info));
  }

  @Query(() => [ExternalGameId], {
    description:
      'External ids of games by their ids. Ids that name no game of yours are left out, repeated ones count once.',
  })
  async externalGameIds(
    @Ctx() { caller, games }: Context,
    @Arg('ids', () => [ID], { description: `Ids of games, ${MOST_IDS}.` }) ids: string[],
  ): Promise<ExternalGameId[]> {
    checkIdCount('ids', ids);
    const found = await games.listExternalIds(caller, ids);
    return Array.from(found, ([gameId, externalGameId]) => ({ gameId, externalGameId }));
  }

  @Mutation(() => CreateGamePayload, {
    nullable: true,
    description:
      'Creates a game of yours. BAD_USER_INPUT lists everything that is wrong; CONFLICT when the external id is taken.',
  })
  async createGame(
    @Ctx() { caller, games }: Context,
    @Arg('input', () => CreateGameInput, { description: 'The new game.' }) input: CreateGameInput,
    @Info() info: GraphQLResolveInfo,
  ): Promise<CreateGamePayload> {
    const game = await games.createGame(caller, input, selectionOf(info).below('game'));
    return { game: input.dryRun ? null : game };
  }

  @Mutation(() => PatchGamePayload, {
    nullable: true,
    description:
      'Changes what is given of a game and leaves the rest. A value equal to the stored one is no change.',
  })
  async patchGame(
    @Ctx() { caller, games }: Context,
    @Arg('input', () => PatchGameInput, { description: 'What to change.' }) input: PatchGameInput,
    @Info() info: GraphQLResolveInfo,
  ): Promise<PatchGamePayload> {
    const { game, changes } = await games.patchGameById(
      caller,
      input.id,
      input,
      selectionOf(info).below('game'),
    );
    return { game: input.dryRun ? null : game, changes };
  }

  @Mutation(() => DeleteGamePayload, {
    nullable: true,
    description: 'Deletes a game and everything that belongs to it: settings, tasks, their settings, points.',
  })
  async deleteGame(
    @Ctx() { caller, games }: Context,
    @Arg('input', () => DeleteGameInput, { description: 'What to delete.' }) input: DeleteGameInput,
  ): Promise<DeleteGamePayload> {
    const { id, externalGameId, deleted } = await games.deleteGameById(caller, input);
    return { deletedGameId: input.dryRun ? null : id, externalGameId, deleted };
  }

  @Mutation(() => DuplicateGamePayload, {
    nullable: true,
    description:
      'Copies a game with its settings and tasks (open, with their settings), not its points. The copy is yours.',
  })
  async duplicateGame(
    @Ctx() { caller, games }: Context,
    @Arg('input', () => DuplicateGameInput, { description: 'What to copy, and under which name.' })
    input: DuplicateGameInput,
    @Info() info: GraphQLResolveInfo,
  ): Promise<DuplicateGamePayload> {
    const game = await games.duplicateGame(caller, input, selectionOf(info).below('game'));
    return { game: input.dryRun ? null : game };
  }
}
