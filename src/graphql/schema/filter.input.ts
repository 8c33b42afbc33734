import { Field, ID, InputType } from 'type-graphql';
import { DateTime } from './date-time.js';
import { MAX_FILTER_VALUES } from '../../lists/list.rules.js';
import type { IdFilter, StringFilter, TimestampFilter } from '../../lists/filter.js';

const EQ = 'Equal to this value.';
const NE = 'Not equal to this value; true where there is no value.';
const MOST = `${MAX_FILTER_VALUES.toLocaleString('en')} at most`;
const IN = `Equal to one of these values, ${MOST}; an empty list matches nothing.`;
const NOT_IN = `Equal to none of these values, ${MOST}; true where there is no value. An empty list matches all.`;
const IS_NULL = '`true`: there is no value. `false`: there is one.';

@InputType('GameIDFilter', {
  description:
    'Conditions on an id. All that are given must hold; null counts as not given. A malformed id matches nothing.',
})
export class GameIDFilter implements IdFilter {
  @Field(() => ID, { nullable: true, description: EQ })
  eq?: string | null;

  @Field(() => ID, { nullable: true, description: NE })
  ne?: string | null;

  @Field(() => [ID], { nullable: true, description: IN })
  in?: string[] | null;

  @Field(() => [ID], { nullable: true, description: NOT_IN })
  notIn?: string[] | null;

  @Field(() => Boolean, { nullable: true, description: IS_NULL })
  isNull?: boolean | null;
}

@InputType('GameStringFilter', {
  description:
    'Conditions on a text. All that are given must hold; null counts as not given. Case counts, except in ' +
    '`containsInsensitive`; no character is a wildcard.',
})
export class GameStringFilter implements StringFilter {
  @Field(() => String, { nullable: true, description: EQ })
  eq?: string | null;

  @Field(() => String, { nullable: true, description: NE })
  ne?: string | null;

  @Field(() => [String], { nullable: true, description: IN })
  in?: string[] | null;

  @Field(() => [String], { nullable: true, description: NOT_IN })
  notIn?: string[] | null;

  @Field(() => String, { nullable: true, description: 'Begins with this text.' })
  startsWith?: string | null;

  @Field(() => String, { nullable: true, description: 'Has this text anywhere in it.' })
  contains?: string | null;

  @Field(() => String, {
    nullable: true,
    description:
      'Has this text anywhere in it, in upper or lower case: finds all that `contains` finds. Letters of the same capital are alike, as `ß` and `ss` are.',
  })
  containsInsensitive?: string | null;

  @Field(() => Boolean, { nullable: true, description: IS_NULL })
  isNull?: boolean | null;
}

@InputType('GameDateTimeFilter', {
  description: 'Conditions on an instant. All that are given must hold; null counts as not given.',
})
export class GameDateTimeFilter implements TimestampFilter {
  @Field(() => DateTime, { nullable: true, description: 'At this instant, to the microsecond.' })
  eq?: string | null;

  @Field(() => DateTime, { nullable: true, description: 'Later than this instant.' })
  gt?: string | null;

  @Field(() => DateTime, { nullable: true, description: 'At this instant or later.' })
  gte?: string | null;

  @Field(() => DateTime, { nullable: true, description: 'Earlier than this instant.' })
  lt?: string | null;

  @Field(() => DateTime, { nullable: true, description: 'At this instant or earlier.' })
  lte?: string | null;

  @Field(() => Boolean, { nullable: true, description: IS_NULL })
  isNull?: boolean | null;
}
