import { Field, ID, InputType, Int, ObjectType, registerEnumType, ArgsType } from 'type-graphql';
import { GameDateTimeFilter, GameIDFilter, GameStringFilter } from '../../graphql/schema/filter.input.js';
import { ConnectionArgs, connectionType } from '../../graphql/schema/connection.js';
import { DateTime } from '../../graphql/schema/date-time.js';
import { OrderDirection } from '../../graphql/schema/order-direction.js';
import { FieldArg, FieldArgs } from '../../graphql/schema/field-args.js';
import { Node } from '../nodes/node.type.js';
import { FILTER_SIZE } from '../../lists/list.rules.js';
import type { Direction } from '../../lists/keyset.js';
import { GAME_LEADERBOARD_COST, LeaderboardConnection } from '../leaderboards/leaderboard.type.js';
import { Principal } from '../viewer/viewer.type.js';
import { StrategyType } from '../strategies/strategy.type.js';
import {
  DRY_RUN,
  expectedVersion,
  FieldChange,
  GameParamInput,
  GameParamsPatch,
} from '../params/param.type.js';
import { NewTaskInput, TaskConnection, TasksArgs, TaskType } from '../tasks/task.type.js';
import { MAX_NEW_TASKS } from '../tasks/task.rules.js';
import { EXTERNAL_GAME_ID_LENGTH, PLATFORM_LENGTH } from './game.rules.js';
import type * as params from '../params/params.js';
import type * as repository from './game.repository.js';
import type * as json from './game.json.js';
import type { EncodedJson } from '../../sql-json/encoded-json.js';

const EXTERNAL_GAME_ID =
  'The client\'s own name of the game, unique among all games. Example: `"summer-challenge-2026"`.';
const NEW_EXTERNAL_GAME_ID = `${EXTERNAL_GAME_ID_LENGTH} characters of A-Z, a-z, 0-9, \`_\` and \`-\`, not taken yet.`;
const PLATFORM = 'Where the game is played. Example: `"android"`.';
const STRATEGY_ID =
  'Id of the strategy that scores the game: a built-in such as `"default"`, or `"custom:<uuid>"`.';
const GAME_ID = 'Id of the game, a UUID in lower case. Example: `"3c6e0b8a-9c15-4f0d-8a3e-2b1f5d7c9e01"`.';

@ObjectType('GameParam', {
  description: 'A setting of a game. The same key may stand twice.',
})
export class GameParamType {
  @Field(() => ID, { description: 'Id of the param, a UUID in lower case.' })
  readonly id!: string;

  @Field(() => String, {
    nullable: true,
    description: 'Name of the setting. Example: `"variable_basic_points"`.',
  })
  readonly key!: string | null;

  @Field(() => String, { nullable: true, description: 'Its value, as text. Example: `"10"`.' })
  readonly value!: string | null;
}

@ObjectType('Game', {
  implements: Node,
  description: 'A game: users collect points in its tasks, and its strategy scores them.',
})
export class GameType extends Node {
  @Field(() => String, { nullable: true, description: EXTERNAL_GAME_ID })
  readonly externalGameId!: string | null;

  @Field(() => String, { nullable: true, description: PLATFORM })
  readonly platform!: string | null;

  @Field(() => ID, { nullable: true, description: STRATEGY_ID })
  readonly strategyId!: string | null;

  @Field(() => DateTime, {
    nullable: true,
    description: 'When the game was created; null for the oldest games.',
  })
  readonly createdAt!: string | null;

  @Field(() => DateTime, {
    nullable: true,
    description: 'When the game itself was last changed; null for the oldest games.',
  })
  readonly updatedAt!: string | null;

  @Field(() => Principal, { description: 'Who owns the game.' })
  readonly owner!: Principal;

  @Field(() => String, {
    description:
      'Opaque. Changes whenever the game or its params change, whoever wrote them. Not the version of its strategy.',
  })
  readonly version!: string;

  @Field(() => StrategyType, {
    nullable: true,
    description: 'The strategy that scores the game; null where strategyId names none that you may see.',
  })
  readonly strategy!: EncodedJson | null;

  @Field(() => [GameParamType], { description: 'Settings of the game: oldest first, undated last.' })
  readonly params!: EncodedJson;

  @Field(() => TaskConnection, {
    description: 'Tasks of the game, newest first unless ordered otherwise.',
  })
  @FieldArgs(() => TasksArgs)
  readonly tasks!: EncodedJson;

  @Field(() => TaskType, {
    nullable: true,
    description:
      'One task of the game; the oldest where several share the external id; null where there is none.',
  })
  @FieldArg('externalTaskId', () => String, { description: "The client's own name of the task." })
  readonly task!: EncodedJson | null;

  @Field(() => LeaderboardConnection, {
    complexity: GAME_LEADERBOARD_COST,
    description:
      'Who collected how many points in the game, over all its tasks: most points first, then by user.',
  })
  @FieldArgs(() => ConnectionArgs)
  readonly leaderboard!: EncodedJson;
}

/** What it costs to look at all games of an owner, for a filter or an order: there may be a million. */
export const GAMES_SCAN_COST = 5_000;

export const GameConnection = connectionType('Game', 'games', () => GameType);

@ObjectType({ description: 'The external id of a game, by its id.' })
export class ExternalGameId {
  @Field(() => ID, { description: GAME_ID })
  readonly gameId!: string;

  @Field(() => String, { nullable: true, description: EXTERNAL_GAME_ID })
  readonly externalGameId!: string | null;
}

@InputType({
  description:
    'Which games are wanted. Every field and operator given must hold; null counts as not given. A comparison with a ' +
    `value that is missing is false, and \`not\` is its exact complement. ${FILTER_SIZE}`,
})
export class GameFilter implements json.GameFilter {
  @Field(() => GameIDFilter, { nullable: true, description: 'By id.' })
  id?: GameIDFilter | null;

  @Field(() => GameStringFilter, { nullable: true, description: "By the client's own name of the game." })
  externalGameId?: GameStringFilter | null;

  @Field(() => GameStringFilter, { nullable: true, description: 'By platform.' })
  platform?: GameStringFilter | null;

  @Field(() => GameIDFilter, { nullable: true, description: 'By the id of the strategy.' })
  strategyId?: GameIDFilter | null;

  @Field(() => GameDateTimeFilter, { nullable: true, description: 'By the time of creation.' })
  createdAt?: GameDateTimeFilter | null;

  @Field(() => GameDateTimeFilter, { nullable: true, description: 'By the time of the last change.' })
  updatedAt?: GameDateTimeFilter | null;

  @Field(() => GameStringFilter, {
    nullable: true,
    description: 'By the key prefix of the owner; of use to admins.',
  })
  ownerApiKey?: GameStringFilter | null;

  @Field(() => GameStringFilter, {
    nullable: true,
    description: 'By the token subject of the owner; of use to admins.',
  })
  ownerOauthUserId?: GameStringFilter | null;

  @Field(() => [GameFilter], {
    nullable: true,
    description: 'All of these must hold; an empty list matches all.',
  })
  and?: GameFilter[] | null;

  @Field(() => [GameFilter], {
    nullable: true,
    description: 'One of these must hold; an empty list matches nothing.',
  })
  or?: GameFilter[] | null;

  @Field(() => GameFilter, { nullable: true, description: 'This must not hold.' })
  not?: GameFilter | null;
}

export const GameOrderField = {
  CREATED_AT: 'CREATED_AT',
  UPDATED_AT: 'UPDATED_AT',
  EXTERNAL_GAME_ID: 'EXTERNAL_GAME_ID',
  PLATFORM: 'PLATFORM',
  STRATEGY_ID: 'STRATEGY_ID',
} as const;
registerEnumType(GameOrderField, {
  name: 'GameOrderField',
  description: 'What games can be sorted by. Text is sorted by code point.',
  valuesConfig: {
    CREATED_AT: { description: 'When the game was created.' },
    UPDATED_AT: { description: 'When the game was last changed. A game that changes during a walk moves.' },
    EXTERNAL_GAME_ID: { description: "The client's own name of the game." },
    PLATFORM: { description: 'Where the game is played.' },
    STRATEGY_ID: { description: 'The id of the strategy.' },
  },
});

@InputType({ description: 'One level of sorting.' })
export class GameOrder implements json.GameOrder {
  @Field(() => GameOrderField, { description: 'What to sort by; each field once.' })
  field!: json.GameOrderField;

  @Field(() => OrderDirection, { defaultValue: OrderDirection.ASC, description: 'Which way.' })
  direction!: Direction;
}

@ArgsType()
export class GamesArgs extends ConnectionArgs implements json.GameQuery {
  @Field(() => GameFilter, { nullable: true, description: 'Which games; all of yours when not given.' })
  filter?: GameFilter | null;

  @Field(() => [GameOrder], {
    nullable: true,
    description:
      'How to sort, the first level first; newest first when not given or empty. The id breaks ties.',
  })
  orderBy?: GameOrder[] | null;
}

@InputType({ description: 'A new game. It belongs to the caller.' })
export class CreateGameInput implements repository.NewGame {
  @Field(() => String, {
    description: `The client's own name of the game: ${NEW_EXTERNAL_GAME_ID}`,
  })
  externalGameId!: string;

  @Field(() => String, { description: `${PLATFORM} ${PLATFORM_LENGTH} characters.` })
  platform!: string;

  @Field(() => ID, {
    nullable: true,
    description:
      'A built-in strategy, or `custom:<uuid>` of a published custom one of yours; `"default"` when not given.',
  })
  strategyId?: string | null;

  @Field(() => [GameParamInput], { nullable: true, description: 'Settings of the game.' })
  params?: GameParamInput[] | null;

  @Field(() => [NewTaskInput], {
    nullable: true,
    description: `Tasks of the game, at most ${MAX_NEW_TASKS}.`,
  })
  tasks?: NewTaskInput[] | null;

  @Field(() => Boolean, { defaultValue: false, description: DRY_RUN })
  dryRun!: boolean;
}

@ObjectType({ description: 'What `createGame` did.' })
export class CreateGamePayload {
  @Field(() => GameType, { nullable: true, description: 'The new game; null on a dry run.' })
  readonly game!: EncodedJson | null;
}

@InputType({
  description: 'Changes to a game. What is null or not given stays as it is; nothing can be cleared.',
})
export class PatchGameInput implements repository.GamePatch {
  @Field(() => ID, { description: 'Which game.' })
  id!: string;

  @Field(() => String, {
    nullable: true,
    description: `The client's own name of the game: ${NEW_EXTERNAL_GAME_ID}`,
  })
  externalGameId?: string | null;

  @Field(() => String, { nullable: true, description: `${PLATFORM} ${PLATFORM_LENGTH} characters.` })
  platform?: string | null;

  @Field(() => ID, {
    nullable: true,
    description: 'A built-in strategy, or `custom:<uuid>` of a published custom one of yours.',
  })
  strategyId?: string | null;

  @Field(() => GameParamsPatch, { nullable: true, description: 'Changes to its settings.' })
  params?: GameParamsPatch | null;

  @Field(() => String, { nullable: true, description: expectedVersion('game') })
  expectedVersion?: string | null;

  @Field(() => Boolean, { defaultValue: false, description: DRY_RUN })
  dryRun!: boolean;
}

@ObjectType({ description: 'What `patchGame` did.' })
export class PatchGamePayload {
  @Field(() => [FieldChange], { description: 'What was changed; empty when everything was so already.' })
  readonly changes!: readonly params.FieldChange[];

  @Field(() => GameType, { nullable: true, description: 'The game as it is now; null on a dry run.' })
  readonly game!: EncodedJson | null;
}

@InputType({ description: 'A game to delete, with everything that belongs to it.' })
export class DeleteGameInput {
  @Field(() => ID, { description: 'Which game.' })
  id!: string;

  @Field(() => String, { nullable: true, description: expectedVersion('game') })
  expectedVersion?: string | null;

  @Field(() => Boolean, { defaultValue: false, description: DRY_RUN })
  dryRun!: boolean;
}

@ObjectType({ description: 'How much was deleted with a game.' })
export class DeletedCounts implements repository.DeletedCounts {
  @Field(() => Int, { description: 'Settings of the game.' })
  readonly params!: number;

  @Field(() => Int, { description: 'Tasks of the game.' })
  readonly tasks!: number;

  @Field(() => Int, { description: 'Settings of those tasks.' })
  readonly taskParams!: number;

  @Field(() => Int, { description: 'Awards of points in those tasks.' })
  readonly userPoints!: number;

  @Field(() => Int, { description: 'Settings of users in the game.' })
  readonly userGameConfigs!: number;
}

@ObjectType({ description: 'What `deleteGame` did.' })
export class DeleteGamePayload {
  @Field(() => ID, { nullable: true, description: 'Id of the game that is gone; null on a dry run.' })
  readonly deletedGameId!: string | null;

  @Field(() => String, { nullable: true, description: EXTERNAL_GAME_ID })
  readonly externalGameId!: string | null;

  @Field(() => DeletedCounts, { description: 'What went with it.' })
  readonly deleted!: DeletedCounts;
}

@InputType({ description: 'A game to copy.' })
export class DuplicateGameInput {
  @Field(() => ID, { description: 'Which game.' })
  id!: string;

  @Field(() => String, {
    description: `Name of the copy: ${NEW_EXTERNAL_GAME_ID}`,
  })
  externalGameId!: string;

  @Field(() => Boolean, { defaultValue: false, description: DRY_RUN })
  dryRun!: boolean;
}

@ObjectType({ description: 'What `duplicateGame` did.' })
export class DuplicateGamePayload {
  @Field(() => GameType, { nullable: true, description: 'The copy; null on a dry run.' })
  readonly game!: EncodedJson | null;
}
