import { ArgsType, Field, ID, InputType, ObjectType, registerEnumType } from 'type-graphql';
import { GameType } from '../games/game.type.js';
import { GameDateTimeFilter, GameIDFilter, GameStringFilter } from '../../graphql/schema/filter.input.js';
import { ConnectionArgs, connectionType } from '../../graphql/schema/connection.js';
import { DateTime } from '../../graphql/schema/date-time.js';
import { OrderDirection } from '../../graphql/schema/order-direction.js';
import { FieldArgs } from '../../graphql/schema/field-args.js';
import { Node } from '../nodes/node.type.js';
import { FILTER_SIZE } from '../../lists/list.rules.js';
import type { Direction } from '../../lists/keyset.js';
import { TASK_LEADERBOARD_COST, LeaderboardConnection } from '../leaderboards/leaderboard.type.js';
import { StrategyType } from '../strategies/strategy.type.js';
import type * as json from './task.json.js';
import type { EncodedJson } from '../../sql-json/encoded-json.js';

const STRATEGY_ID =
  'Id of the strategy that scores the task: a built-in such as `"default"`, or `"custom:<uuid>"`.';

@ObjectType('TaskParam', {
  description: 'A setting of a task. The same key may stand twice.',
})
export class TaskParamType {
  @Field(() => ID, { description: 'Id of the param, a UUID in lower case.' })
  readonly id!: string;

  @Field(() => String, { nullable: true, description: 'Name of the setting.' })
  readonly key!: string | null;

  @Field(() => String, { nullable: true, description: 'Its value, as text.' })
  readonly value!: string | null;
}

@ObjectType('Task', {
  implements: Node,
  description: 'A task of a game: what users collect points for.',
})
export class TaskType extends Node {
  @Field(() => String, { description: 'The client\'s own name of the task. Example: `"daily-steps"`.' })
  readonly externalTaskId!: string;

  @Field(() => String, { description: 'State of the task, such as `"open"`, `"closed"` or `"pending"`.' })
  readonly status!: string;

  @Field(() => ID, { description: STRATEGY_ID })
  readonly strategyId!: string;

  @Field(() => DateTime, {
    nullable: true,
    description: 'When the task was created; null for the oldest ones.',
  })
  readonly createdAt!: string | null;

  @Field(() => DateTime, {
    nullable: true,
    description: 'When the task was last changed; null for the oldest ones.',
  })
  readonly updatedAt!: string | null;

  @Field(() => StrategyType, {
    nullable: true,
    description: 'The strategy that scores the task; null where strategyId names none that you may see.',
  })
  readonly strategy!: EncodedJson | null;

  @Field(() => GameType, { nullable: true, description: 'The game that the task belongs to.' })
  readonly game!: EncodedJson | null;

  @Field(() => [TaskParamType], { description: 'Settings of the task: oldest first, undated last.' })
  readonly params!: EncodedJson;

  @Field(() => LeaderboardConnection, {
    complexity: TASK_LEADERBOARD_COST,
    description: 'Who collected how many points in the task: most points first, then by user.',
  })
  @FieldArgs(() => ConnectionArgs)
  readonly leaderboard!: EncodedJson;
}

export const TaskConnection = connectionType('Task', 'tasks', () => TaskType);

@InputType({
  description: `Which tasks are wanted. Every field and operator given must hold; null counts as not given. ${FILTER_SIZE}`,
})
export class TaskFilter implements json.TaskFilter {
  @Field(() => GameStringFilter, { nullable: true, description: "By the client's own name of the task." })
  externalTaskId?: GameStringFilter | null;

  @Field(() => GameStringFilter, { nullable: true, description: 'By state.' })
  status?: GameStringFilter | null;

  @Field(() => GameIDFilter, { nullable: true, description: 'By the id of the strategy.' })
  strategyId?: GameIDFilter | null;

  @Field(() => GameDateTimeFilter, { nullable: true, description: 'By the time of creation.' })
  createdAt?: GameDateTimeFilter | null;

  @Field(() => [TaskFilter], {
    nullable: true,
    description: 'All of these must hold; an empty list matches all.',
  })
  and?: TaskFilter[] | null;

  @Field(() => [TaskFilter], {
    nullable: true,
    description: 'One of these must hold; an empty list matches nothing.',
  })
  or?: TaskFilter[] | null;

  @Field(() => TaskFilter, { nullable: true, description: 'This must not hold.' })
  not?: TaskFilter | null;
}

export const TaskOrderField = {
  CREATED_AT: 'CREATED_AT',
  EXTERNAL_TASK_ID: 'EXTERNAL_TASK_ID',
  STATUS: 'STATUS',
} as const;
registerEnumType(TaskOrderField, {
  name: 'TaskOrderField',
  description: 'What tasks can be sorted by. Text is sorted by code point.',
  valuesConfig: {
    CREATED_AT: { description: 'When the task was created.' },
    EXTERNAL_TASK_ID: { description: "The client's own name of the task." },
    STATUS: { description: 'State of the task.' },
  },
});

@InputType({ description: 'One level of sorting.' })
export class TaskOrder implements json.TaskOrder {
  @Field(() => TaskOrderField, { description: 'What to sort by; each field once.' })
  field!: json.TaskOrderField;

  @Field(() => OrderDirection, { defaultValue: OrderDirection.ASC, description: 'Which way.' })
  direction!: Direction;
}

@ArgsType()
export class TasksArgs extends ConnectionArgs implements json.TaskQuery {
  @Field(() => TaskFilter, { nullable: true, description: 'Which tasks; all of the game when not given.' })
  filter?: TaskFilter | null;

  @Field(() => [TaskOrder], {
    nullable: true,
    description:
      'How to sort, the first level first; newest first when not given or empty. The id breaks ties.',
  })
  orderBy?: TaskOrder[] | null;
}
