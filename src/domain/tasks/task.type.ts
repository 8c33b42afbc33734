import { ArgsType, Field, ID, InputType, Int, ObjectType, registerEnumType } from 'type-graphql';
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
import {
  DRY_RUN,
  expectedVersion,
  FieldChange,
  GameParamInput,
  GameParamsPatch,
} from '../params/param.type.js';
import type * as params from '../params/params.js';
import { StrategyType } from '../strategies/strategy.type.js';
import { EXTERNAL_TASK_ID_LENGTH } from './task.rules.js';
import type { NewTask } from './new-tasks.js';
import type * as json from './task.json.js';
import type * as repository from './task.repository.js';
import type { EncodedJson } from '../../sql-json/encoded-json.js';

const EXTERNAL_TASK_ID = 'The client\'s own name of the task. Example: `"daily-steps"`.';
const NEW_EXTERNAL_TASK_ID = `The client's own name of the task: ${EXTERNAL_TASK_ID_LENGTH} characters, not taken yet in its game.`;
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
  @Field(() => String, { description: EXTERNAL_TASK_ID })
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

  @Field(() => String, {
    description:
      'Opaque. Changes whenever the task or its params change, whoever wrote them. Not the version of its strategy.',
  })
  readonly version!: string;

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

@InputType({ description: 'A task of a new game.' })
export class NewTaskInput implements NewTask {
  @Field(() => String, { description: NEW_EXTERNAL_TASK_ID })
  externalTaskId!: string;

  @Field(() => ID, {
    nullable: true,
    description:
      'A built-in strategy, or `custom:<uuid>` of a published custom one of yours; `"default"` when not given.',
  })
  strategyId?: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'State of the task: `"open"` or `"closed"`; `"open"` when not given.',
  })
  status?: string | null;

  @Field(() => [GameParamInput], { nullable: true, description: 'Settings of the task.' })
  params?: GameParamInput[] | null;
}

@InputType({ description: 'A new task of a game.' })
export class CreateTaskInput extends NewTaskInput implements repository.NewTaskOfGame {
  @Field(() => ID, { description: 'The game that gets the task.' })
  gameId!: string;

  @Field(() => Boolean, { defaultValue: false, description: DRY_RUN })
  dryRun!: boolean;
}

@ObjectType({ description: 'What `createTask` did.' })
export class CreateTaskPayload {
  @Field(() => TaskType, { nullable: true, description: 'The new task; null on a dry run.' })
  readonly task!: EncodedJson | null;
}

@InputType({
  description: 'Changes to a task. What is null or not given stays as it is; nothing can be cleared.',
})
export class PatchTaskInput implements repository.TaskPatch {
  @Field(() => ID, { description: 'Which task.' })
  id!: string;

  @Field(() => String, { nullable: true, description: NEW_EXTERNAL_TASK_ID })
  externalTaskId?: string | null;

  @Field(() => ID, {
    nullable: true,
    description: 'A built-in strategy, or `custom:<uuid>` of a published custom one of yours.',
  })
  strategyId?: string | null;

  @Field(() => String, {
    nullable: true,
    description: '`"closed"` closes the task, `"open"` opens it again.',
  })
  status?: string | null;

  @Field(() => GameParamsPatch, { nullable: true, description: 'Changes to its settings.' })
  params?: GameParamsPatch | null;

  @Field(() => String, { nullable: true, description: expectedVersion('task') })
  expectedVersion?: string | null;

  @Field(() => Boolean, { defaultValue: false, description: DRY_RUN })
  dryRun!: boolean;
}

@ObjectType({ description: 'What `patchTask` did.' })
export class PatchTaskPayload {
  @Field(() => [FieldChange], { description: 'What was changed; empty when everything was so already.' })
  readonly changes!: readonly params.FieldChange[];

  @Field(() => TaskType, { nullable: true, description: 'The task as it is now; null on a dry run.' })
  readonly task!: EncodedJson | null;
}

@InputType({ description: 'A task to delete, with everything that belongs to it.' })
export class DeleteTaskInput implements repository.TaskDeletion {
  @Field(() => ID, { description: 'Which task.' })
  id!: string;

  @Field(() => String, { nullable: true, description: expectedVersion('task') })
  expectedVersion?: string | null;

  @Field(() => Boolean, { defaultValue: false, description: DRY_RUN })
  dryRun!: boolean;
}

@ObjectType({ description: 'How much was deleted with a task.' })
export class DeletedTaskCounts implements repository.DeletedTaskCounts {
  @Field(() => Int, { description: 'Settings of the task.' })
  readonly params!: number;

  @Field(() => Int, { description: 'Awards of points in the task.' })
  readonly userPoints!: number;
}

@ObjectType({ description: 'What `deleteTask` did.' })
export class DeleteTaskPayload {
  @Field(() => ID, { nullable: true, description: 'Id of the task that is gone; null on a dry run.' })
  readonly deletedTaskId!: string | null;

  @Field(() => String, { nullable: true, description: EXTERNAL_TASK_ID })
  readonly externalTaskId!: string | null;

  @Field(() => DeletedTaskCounts, { description: 'What went with it.' })
  readonly deleted!: DeletedTaskCounts;
}

@InputType({ description: 'A task to copy.' })
export class DuplicateTaskInput implements repository.TaskCopy {
  @Field(() => ID, { description: 'Which task.' })
  id!: string;

  @Field(() => String, {
    description: `Name of the copy: ${EXTERNAL_TASK_ID_LENGTH} characters, not taken yet in the game of the copy.`,
  })
  externalTaskId!: string;

  @Field(() => ID, {
    nullable: true,
    description: "The game that gets the copy; the task's own when not given.",
  })
  gameId?: string | null;

  @Field(() => Boolean, { defaultValue: false, description: DRY_RUN })
  dryRun!: boolean;
}

@ObjectType({ description: 'What `duplicateTask` did.' })
export class DuplicateTaskPayload {
  @Field(() => TaskType, { nullable: true, description: 'The copy; null on a dry run.' })
  readonly task!: EncodedJson | null;
}
