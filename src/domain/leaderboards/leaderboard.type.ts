import { Field, Float, Int, ObjectType } from 'type-graphql';
import { connectionType } from '../../graphql/schema/connection.js';
import { DateTime } from '../../graphql/schema/date-time.js';

/** Each page of a leaderboard adds up all points of the game, or of the task, anew. */
export const GAME_LEADERBOARD_COST = 1_000;
export const TASK_LEADERBOARD_COST = 500;

@ObjectType('LeaderboardEntry', {
  description: 'What a user has collected in a game or in one of its tasks.',
})
export class LeaderboardEntryType {
  @Field(() => Int, {
    description: 'Place on the leaderboard, from 1. Equal points share a place: 1, 2, 2, 4.',
  })
  readonly rank!: number;

  @Field(() => String, {
    nullable: true,
    description: 'The client\'s own name of the user. Example: `"user-42"`.',
  })
  readonly externalUserId!: string | null;

  @Field(() => Float, { description: 'Sum of the points that the user was awarded.' })
  readonly points!: number;

  @Field(() => Int, { description: 'How often the user was awarded points.' })
  readonly timesAwarded!: number;

  @Field(() => DateTime, { nullable: true, description: 'When the user was last awarded points.' })
  readonly lastAwardedAt!: string | null;
}

export const LeaderboardConnection = connectionType(
  'Leaderboard',
  'entries of a leaderboard',
  () => LeaderboardEntryType,
);
