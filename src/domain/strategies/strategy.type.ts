import { ArgsType, Field, InputType, ObjectType, registerEnumType } from 'type-graphql';
import { GameConnection } from '../games/game.type.js';
import { GameStringFilter } from '../../graphql/schema/filter.input.js';
import { ConnectionArgs, connectionType } from '../../graphql/schema/connection.js';
import { DateTime } from '../../graphql/schema/date-time.js';
import { FieldArgs } from '../../graphql/schema/field-args.js';
import { Node } from '../nodes/node.type.js';
import { TaskConnection } from '../tasks/task.type.js';
import type * as json from './strategy.json.js';
import type { EncodedJson } from '../../sql-json/encoded-json.js';

export const StrategyKind = { BUILT_IN: 'BUILT_IN', CUSTOM: 'CUSTOM' } as const;
registerEnumType(StrategyKind, {
  name: 'StrategyKind',
  description: 'What a strategy is made of.',
  valuesConfig: {
    BUILT_IN: { description: 'Code of GAME; every owner can use it.' },
    CUSTOM: { description: "Rules that were put together in GAME's editor, for one realm." },
  },
});

export const StrategyStatus = { DRAFT: 'DRAFT', PUBLISHED: 'PUBLISHED', ARCHIVED: 'ARCHIVED' } as const;
registerEnumType(StrategyStatus, {
  name: 'StrategyStatus',
  description: 'Where a version of a strategy stands. Built-ins are always published.',
  valuesConfig: {
    DRAFT: { description: 'Being worked on; no game can be put on it.' },
    PUBLISHED: { description: 'In use; games can be put on it.' },
    ARCHIVED: { description: 'No longer in use; games that are on it still name it.' },
  },
});

@ObjectType('Strategy', {
  implements: Node,
  description: 'How points are worked out: a built-in strategy, or one version of a custom one.',
})
export class StrategyType extends Node {
  @Field(() => StrategyKind, { description: 'What it is made of.' })
  readonly kind!: json.StrategyKind;

  @Field(() => String, { description: 'Its name; all versions of a custom strategy share it.' })
  readonly name!: string;

  @Field(() => String, { description: 'Its version: `"0.0.2"` for a built-in, `"3"` for a custom strategy.' })
  readonly version!: string;

  @Field(() => StrategyStatus, { description: 'Where this version stands.' })
  readonly status!: json.StrategyStatus;

  @Field(() => String, { nullable: true, description: 'What it is for, in the words of its author.' })
  readonly description!: string | null;

  @Field(() => String, { nullable: true, description: 'Whose custom strategy it is; null for a built-in.' })
  readonly realm!: string | null;

  @Field(() => DateTime, { nullable: true, description: 'When this version was published.' })
  readonly publishedAt!: string | null;

  @Field(() => [StrategyType], {
    description: 'All versions of this strategy, newest first; a built-in has itself alone.',
  })
  readonly versions!: EncodedJson;

  @Field(() => GameConnection, { description: 'Your games that are on this strategy, newest first.' })
  @FieldArgs(() => ConnectionArgs)
  readonly games!: EncodedJson;

  @Field(() => TaskConnection, {
    description: 'Tasks of your games that are on this strategy, newest first.',
  })
  @FieldArgs(() => ConnectionArgs)
  readonly tasks!: EncodedJson;
}

export const StrategyConnection = connectionType('Strategy', 'strategies', () => StrategyType);

@InputType({ description: 'Conditions on the status of a strategy. All that are given must hold.' })
export class StrategyStatusFilter {
  @Field(() => StrategyStatus, { nullable: true, description: 'This status.' })
  eq?: json.StrategyStatus | null;

  @Field(() => [StrategyStatus], {
    nullable: true,
    description: 'One of these; an empty list matches nothing.',
  })
  in?: json.StrategyStatus[] | null;
}

@InputType({
  description: 'Which strategies are wanted. Every condition given must hold; null counts as not given.',
})
export class StrategyFilter implements json.StrategyFilter {
  @Field(() => StrategyKind, { nullable: true, description: 'By kind.' })
  kind?: json.StrategyKind | null;

  @Field(() => StrategyStatusFilter, { nullable: true, description: 'By status.' })
  status?: StrategyStatusFilter | null;

  @Field(() => GameStringFilter, { nullable: true, description: 'By name.' })
  name?: GameStringFilter | null;
}

@ArgsType()
export class StrategiesArgs extends ConnectionArgs implements json.StrategyQuery {
  @Field(() => StrategyFilter, {
    nullable: true,
    description: 'Which strategies; all that you may see when not given.',
  })
  filter?: StrategyFilter | null;
}
