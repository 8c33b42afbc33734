import { Field, ID, InterfaceType } from 'type-graphql';

/** What a resolver of `Node` says of an object, so that GraphQL knows which type it is. */
export interface Typed {
  readonly __typename: string;
}

@InterfaceType({
  description: "Anything that can be read again by its id: Relay's global object identification.",
})
export abstract class Node {
  @Field(() => ID, { description: 'Unique among all types.' })
  readonly id!: string;
}

/** Says of each object what type it is. */
export async function typed<T extends object>(
  __typename: string,
  objects: Promise<(T | null)[]>,
): Promise<((T & Typed) | null)[]> {
  return (await objects).map((object) => object && { ...object, __typename });
}
