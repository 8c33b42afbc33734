import { Field, ID, InputType, Int, ObjectType, registerEnumType } from 'type-graphql';
import { Principal } from '../viewer/viewer.type.js';
import { GameConnection } from '../games/game.type.js';
import { ConnectionArgs, connectionType } from '../../graphql/schema/connection.js';
import { DateTime } from '../../graphql/schema/date-time.js';
import { FieldArgs } from '../../graphql/schema/field-args.js';
import { MOST_IDS } from '../../graphql/schema/ids.js';
import { Node } from '../nodes/node.type.js';
import { TaskConnection } from '../tasks/task.type.js';
import { StrategyType } from '../strategies/strategy.type.js';
import type * as json from './reassignment.json.js';
import type { EncodedJson } from '../../sql-json/encoded-json.js';

export const StrategyReassignmentKind = { BULK: 'BULK', ROLLBACK: 'ROLLBACK', UNDO: 'UNDO' } as const;
registerEnumType(StrategyReassignmentKind, {
  name: 'StrategyReassignmentKind',
  description: 'What moved the games and tasks.',
  valuesConfig: {
    BULK: { description: '`bulkUpdateStrategyId`.' },
    ROLLBACK: { description: '`rollbackStrategy`. It cannot be undone: roll back again instead.' },
    UNDO: { description: '`undoStrategyReassignment`.' },
  },
});

@ObjectType('StrategyReassignment', {
  implements: Node,
  description:
    'The record of one move of games and tasks from one strategy to another: what, when, by whom, and which games and tasks.',
})
export class StrategyReassignmentType extends Node {
  @Field(() => StrategyReassignmentKind, { description: 'What moved the games and tasks.' })
  readonly kind!: json.ReassignmentKind;

  @Field(() => ID, { description: 'The strategy that the games and tasks were on.' })
  readonly oldStrategyId!: string;

  @Field(() => ID, { description: 'The strategy that they were moved to.' })
  readonly newStrategyId!: string;

  @Field(() => Int, { description: 'How many games were moved.' })
  readonly count!: number;

  @Field(() => Int, { description: 'How many tasks were moved.' })
  readonly taskCount!: number;

  @Field(() => Principal, { description: 'Who moved them.' })
  readonly madeBy!: Principal;

  @Field(() => DateTime, { description: 'When they were moved.' })
  readonly createdAt!: string;

  @Field(() => DateTime, { nullable: true, description: 'When this was undone; null as long as it is not.' })
  readonly undoneAt!: string | null;

  @Field(() => StrategyReassignmentType, {
    nullable: true,
    description: 'The reassignment that this one undid; null where it undid none that you may see.',
  })
  readonly undoes!: EncodedJson | null;

  @Field(() => GameConnection, {
    description: 'The games that it moved and that you may see, newest first.',
  })
  @FieldArgs(() => ConnectionArgs)
  readonly games!: EncodedJson;

  @Field(() => TaskConnection, {
    description:
      'The tasks that it moved and that you may see, newest first. None of a rollback by a server of version 0.1, which did not record them.',
  })
  @FieldArgs(() => ConnectionArgs)
  readonly tasks!: EncodedJson;
}

export const StrategyReassignmentConnection = connectionType(
  'StrategyReassignment',
  'strategy reassignments',
  () => StrategyReassignmentType,
);

const DRY_RUN =
  'Only answer what would happen, errors included; nothing is written. Objects in the answer are null.';

@InputType({
  description: 'A move of games, and of tasks, from one strategy to another: all of yours, or some of them.',
})
export class BulkUpdateStrategyIdInput {
  @Field(() => ID, {
    description: 'The strategy that the games and tasks are on now. It need not exist any more.',
  })
  oldStrategyId!: string;

  @Field(() => ID, {
    description: 'A built-in strategy, or `custom:<uuid>` of a published custom one of yours.',
  })
  newStrategyId!: string;

  @Field(() => [ID], {
    nullable: true,
    description: `Only games with these ids, and their tasks, ${MOST_IDS}; all when not given.`,
  })
  ids?: string[] | null;

  @Field(() => Boolean, {
    defaultValue: false,
    description:
      'Whether tasks move too: those of your games that are on the old strategy, whatever strategy their game is on. Without `ids`, nothing of yours is then left on the old strategy.',
  })
  tasks!: boolean;

  @Field(() => Int, {
    nullable: true,
    description:
      'Most games that may be moved; tasks do not count. When more match, nothing is written and the error is LIMIT_EXCEEDED.',
  })
  atMost?: number | null;

  @Field(() => Boolean, { defaultValue: false, description: DRY_RUN })
  dryRun!: boolean;
}

@ObjectType({ description: 'What `bulkUpdateStrategyId` did.' })
export class BulkUpdateStrategyIdPayload {
  @Field(() => Int, { description: 'How many games were moved.' })
  readonly count!: number;

  @Field(() => Int, { description: 'How many tasks were moved: 0 without `tasks: true`.' })
  readonly taskCount!: number;

  @Field(() => StrategyReassignmentType, {
    nullable: true,
    description:
      'The record of the move, to look at and to undo; null when nothing matched, and on a dry run.',
  })
  readonly reassignment!: EncodedJson | null;
}

@InputType({ description: 'A reassignment to take back.' })
export class UndoStrategyReassignmentInput {
  @Field(() => ID, { description: 'Which reassignment.' })
  id!: string;

  @Field(() => Boolean, { defaultValue: false, description: DRY_RUN })
  dryRun!: boolean;
}

@ObjectType({ description: 'What `undoStrategyReassignment` did.' })
export class UndoStrategyReassignmentPayload {
  @Field(() => StrategyReassignmentType, {
    nullable: true,
    description: 'The reassignment that was undone; null on a dry run.',
  })
  readonly undone!: EncodedJson | null;

  @Field(() => StrategyReassignmentType, {
    nullable: true,
    description:
      'The record of the undo, which can itself be undone; null on a dry run and when nothing was restored.',
  })
  readonly reassignment!: EncodedJson | null;

  @Field(() => Int, { description: 'How many games are back on their old strategy.' })
  readonly restored!: number;

  @Field(() => Int, { description: 'How many games have moved elsewhere since or are gone: not touched.' })
  readonly skipped!: number;

  @Field(() => Int, { description: 'How many tasks are back on their old strategy.' })
  readonly restoredTasks!: number;

  @Field(() => Int, { description: 'How many tasks have moved elsewhere since or are gone: not touched.' })
  readonly skippedTasks!: number;
}

@InputType({ description: 'A version of a custom strategy to go back to.' })
export class RollbackStrategyInput {
  @Field(() => ID, { description: 'Any version of the strategy: `custom:<uuid>`.' })
  strategyId!: string;

  @Field(() => String, { description: 'The version to publish again. Example: `"2"`.' })
  toVersion!: string;

  @Field(() => Boolean, { defaultValue: false, description: DRY_RUN })
  dryRun!: boolean;
}

@ObjectType({ description: 'What `rollbackStrategy` did.' })
export class RollbackStrategyPayload {
  @Field(() => StrategyType, {
    nullable: true,
    description: 'The version that is published now; null on a dry run.',
  })
  readonly strategy!: EncodedJson | null;

  @Field(() => Int, { description: 'How many games moved to it.' })
  readonly gameCount!: number;

  @Field(() => Int, { description: 'How many tasks moved to it.' })
  readonly taskCount!: number;

  @Field(() => StrategyReassignmentType, {
    nullable: true,
    description: 'The record of the move; null on a dry run and when nothing moved.',
  })
  readonly reassignment!: EncodedJson | null;
}
