import { ArgsType, Field, Int, ObjectType, type ClassType } from 'type-graphql';
import { DEFAULT_PAGE_SIZE, PAGE_SIZE_RANGE } from '../../lists/list.rules.js';
import type { PageArguments } from '../../lists/page-arguments.js';

@ArgsType()
export class ConnectionArgs implements PageArguments {
  @Field(() => Int, {
    nullable: true,
    description: `How many to read from the start of the list, or after \`after\`: ${PAGE_SIZE_RANGE}. ${DEFAULT_PAGE_SIZE} when neither \`first\` nor \`last\` is given.`,
  })
  first?: number | null;

  @Field(() => String, {
    nullable: true,
    description:
      'Read what comes after this cursor. It must come from the same field with the same filter, order and caller.',
  })
  after?: string | null;

  @Field(() => Int, {
    nullable: true,
    description: `How many to read from the end of the list, or before \`before\`: ${PAGE_SIZE_RANGE}. Not together with \`first\`.`,
  })
  last?: number | null;

  @Field(() => String, {
    nullable: true,
    description:
      'Read what comes before this cursor. It must come from the same field with the same filter, order and caller.',
  })
  before?: string | null;
}

@ObjectType({ description: 'Where a page stands in its list.' })
export class PageInfo {
  @Field(() => Boolean, { description: 'Whether anything comes after this page, whichever way it was read.' })
  readonly hasNextPage!: boolean;

  @Field(() => Boolean, {
    description: 'Whether anything comes before this page, whichever way it was read.',
  })
  readonly hasPreviousPage!: boolean;

  @Field(() => String, { nullable: true, description: 'Cursor of the first item; null on an empty page.' })
  readonly startCursor!: string | null;

  @Field(() => String, { nullable: true, description: 'Cursor of the last item; null on an empty page.' })
  readonly endCursor!: string | null;
}

/** Counting looks at each item of the list, however few are shown. */
const COUNT_COST = 500;

interface Edge<Node> {
  readonly cursor: string;
  readonly node: Node;
}
interface Connection<Node> {
  readonly edges: readonly Edge<Node>[];
  readonly nodes: readonly Node[];
  readonly pageInfo: PageInfo;
  readonly totalCount: number;
}

/** Makes the types `<name>Connection` and `<name>Edge` of a node type, which is called `items` in texts. @param countCost what `totalCount` costs */
export function connectionType<Node extends object>(
  name: string,
  items: string,
  nodeType: () => ClassType<Node>,
  countCost = COUNT_COST,
): ClassType<Connection<Node>> {
  @ObjectType(`${name}Edge`, {
    description: `One of the ${items} of a list, and where it stands there.`,
  })
  class EdgeType implements Edge<Node> {
    @Field(() => String, {
      description: 'Where this item stands in the list: to be given to `after` or `before`.',
    })
    readonly cursor!: string;

    @Field(nodeType, { description: 'The item itself.' })
    readonly node!: Node;
  }

  @ObjectType(`${name}Connection`, { description: `A page of ${items}.` })
  class ConnectionType implements Connection<Node> {
    @Field(() => [EdgeType], { description: 'The items of the page, each with its cursor.' })
    readonly edges!: readonly Edge<Node>[];

    @Field(() => [nodeType()], { description: 'The items of the page.' })
    readonly nodes!: readonly Node[];

    @Field(() => PageInfo, { description: 'Where the page stands in the list.' })
    readonly pageInfo!: PageInfo;

    @Field(() => Int, {
      complexity: countCost,
      description: 'How many items the whole list has, whatever the page. Counted only when it is asked for.',
    })
    readonly totalCount!: number;
  }
  return ConnectionType as ClassType<Connection<Node>>;
}
