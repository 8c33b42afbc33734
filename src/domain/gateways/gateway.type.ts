import { createUnionType, Field, ObjectType } from 'type-graphql';
import { GameType } from '../games/game.type.js';
import { StrategyType } from '../strategies/strategy.type.js';
import { TaskType } from '../tasks/task.type.js';

export const Entity = createUnionType({
  name: '_Entity',
  description: 'What a federated gateway can ask for by its key.',
  types: () => [GameType, TaskType, StrategyType] as const,
});

/** The schema is a text of some 35,000 characters. */
export const SDL_COST = 10_000;

@ObjectType('_Service', { description: 'This API as a federated gateway sees it.' })
export class Service {
  @Field(() => String, {
    complexity: SDL_COST,
    description: 'The schema with the directives of Apollo Federation 2.',
  })
  readonly sdl!: string;
}
