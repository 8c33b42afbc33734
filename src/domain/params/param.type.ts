import { Field, ID, InputType, ObjectType } from 'type-graphql';
import type * as params from './params.js';

export const DRY_RUN =
  'Only answer what would happen, errors included; nothing is written. Objects in the answer are null.';

/** @param noun what has the version */
export const expectedVersion = (noun: params.ParamsOwners['noun']): string =>
  `The \`version\` of the ${noun} that you have seen. When the ${noun} has another one by now, nothing is written and ` +
  'the error is CONFLICT.';

@InputType({ description: 'A new setting of a game or a task.' })
export class GameParamInput {
  @Field(() => String, { description: 'Name of the setting. Example: `"variable_basic_points"`.' })
  key!: string;

  @Field(() => String, { description: 'Its value, as text. Example: `"10"`.' })
  value!: string;
}

@InputType({ description: 'A change to a setting. What is null or not given stays as it is.' })
export class GameParamUpdate implements params.ParamUpdate {
  @Field(() => ID, { description: 'Which param; it must be one of the game or the task.' })
  id!: string;

  @Field(() => String, { nullable: true, description: 'Its new name.' })
  key?: string | null;

  @Field(() => String, { nullable: true, description: 'Its new value.' })
  value?: string | null;
}

@InputType({ description: 'Changes to the settings of a game or a task.' })
export class GameParamsPatch implements params.ParamsPatch {
  @Field(() => [GameParamInput], { nullable: true, description: 'Settings to add.' })
  add?: GameParamInput[] | null;

  @Field(() => [GameParamUpdate], { nullable: true, description: 'Settings to change, each once.' })
  update?: GameParamUpdate[] | null;

  @Field(() => [ID], { nullable: true, description: 'Ids of settings to remove; none of them in `update`.' })
  remove?: string[] | null;
}

@ObjectType({ description: 'A value that was changed.' })
export class FieldChange implements params.FieldChange {
  @Field(() => String, { description: 'What was changed: `"platform"`, `"params.<key>"`.' })
  readonly field!: string;

  @Field(() => String, { nullable: true, description: 'The value before; null where there was none.' })
  readonly before!: string | null;

  @Field(() => String, { nullable: true, description: 'The value after; null where there is none.' })
  readonly after!: string | null;
}
