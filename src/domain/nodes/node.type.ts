import { Field, ID, InterfaceType } from 'type-graphql';

@InterfaceType({
  description: "Anything that can be read again by its id: Relay's global object identification.",
})
export abstract class Node {
  @Field(() => ID, { description: 'Unique among all types.' })
  readonly id!: string;
}
