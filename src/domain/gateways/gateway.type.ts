import { createUnionType, Field, ObjectType } from 'type-graphql';
import { GameType } from '../games/game.type.js';
import { StrategyType } from '../strategies/strategy.type.js';
import { TaskType } from '../tasks/task.type.js';

export const Entity = createUnionType({
  name: '_Entity',
  description: 'What a federated gateway can ask for by its key.',
  types: () => [GameType, TaskType, StrategyType] as const,
});

@ObjectType('_Service', { description: 'This API as a federated gateway sees it.' })
export class Service {
  @Field(() => String, { description: 'The schema with the directives of Apollo Federation 2.' })
  readonly sdl!: string;
}
