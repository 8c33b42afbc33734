import { describe, expect, test } from '@jest/globals';
import {
  getNamedType,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  isScalarType,
  isSpecifiedDirective,
  isSpecifiedScalarType,
  type GraphQLInputType,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLOutputType,
} from 'graphql';
import { createSchema } from '../../src/app/schema.js';

const schema = createSchema();
/** A type as it is written. */
const shown = (type: GraphQLOutputType | GraphQLInputType | undefined): string => type?.toString() ?? 'none';
const types: GraphQLNamedType[] = Object.values(schema.getTypeMap()).filter(
  (type) => !type.name.startsWith('__') && !isSpecifiedScalarType(type),
);
const objects = types.filter((type): type is GraphQLObjectType => isObjectType(type));
const connections = objects.filter(({ name }) => name.endsWith('Connection'));

/** Everything that a client reads about, by where it stands. */
function described(): [place: string, description: string | null | undefined][] {
  return types.flatMap((type) => {
    const own: [string, string | null | undefined][] = [[type.name, type.description]];
    if (isEnumType(type)) {
      return [
        ...own,
        ...type
          .getValues()
          .map((value): [string, typeof value.description] => [
            `${type.name}.${value.name}`,
            value.description,
          ]),
      ];
    }
    if (isInputObjectType(type)) {
      return [
        ...own,
        ...Object.values(type.getFields()).map((field): [string, typeof field.description] => [
          `${type.name}.${field.name}`,
          field.description,
        ]),
      ];
    }
    if (!isObjectType(type) && !isInterfaceType(type)) return own;
    return [
      ...own,
      ...Object.values(type.getFields()).flatMap((field): [string, typeof field.description][] => [
        [`${type.name}.${field.name}`, field.description],
        ...field.args.map((argument): [string, typeof field.description] => [
          `${type.name}.${field.name}(${argument.name})`,
          argument.description,
        ]),
      ]),
    ];
  });
}

describe('what clients read', () => {
  test('everything has a description, which is a sentence', () => {
    const roots = ['Query', 'Mutation'];
    const all = described().filter(([place]) => !roots.includes(place));
    expect(all.length).toBeGreaterThan(250);
    expect(all.filter(([, text]) => !/^[A-Z`"'(](.|\n)*[.`)]$/.test(text ?? ''))).toEqual([]);
  });

  test('scalars of our own show an example', () => {
    const scalars = types.filter((type) => isScalarType(type));
    expect(scalars.map(({ name }) => name).sort()).toEqual(['DateTime', '_Any']);
    for (const { description } of scalars) expect(description).toMatch(/Example: `/);
  });

  test('what is deprecated says why, and there are no directives that nobody knows', () => {
    const deprecated = objects
      .flatMap((type) => Object.values(type.getFields()))
      .filter(({ deprecationReason }) => deprecationReason !== undefined && deprecationReason !== null);
    for (const { deprecationReason } of deprecated) expect(deprecationReason?.length).toBeGreaterThan(20);
    expect(schema.getDirectives().filter((directive) => !isSpecifiedDirective(directive))).toEqual([]);
  });
});

describe('the rules of Relay', () => {
  test('there are connections', () => {
    expect(connections.map(({ name }) => name).sort()).toEqual([
      'GameConnection',
      'LeaderboardConnection',
      'StrategyConnection',
      'StrategyReassignmentConnection',
      'TaskConnection',
    ]);
  });

  test.each(connections.map((type) => [type.name, type] as const))(
    '%s has edges with cursors, and a PageInfo',
    (name, type) => {
      const { edges, pageInfo } = type.getFields();
      expect(shown(pageInfo?.type)).toBe('PageInfo!');
      const list = getNullableType(edges?.type);
      expect(isListType(list)).toBe(true);
      const edge = getNamedType(edges?.type);
      if (!isObjectType(edge)) throw new Error(`${name} has no edges.`);
      expect(edge.name).toBe(name.replace(/Connection$/, 'Edge'));
      const { node, cursor } = edge.getFields();
      expect(shown(cursor?.type)).toBe('String!');
      expect(isListType(getNullableType(node?.type))).toBe(false);
    },
  );

  test('PageInfo is as Relay wants it', () => {
    const info = schema.getType('PageInfo');
    const fields = isObjectType(info) ? Object.values(info.getFields()) : [];
    expect(Object.fromEntries(fields.map(({ name, type }) => [name, shown(type)]))).toEqual({
      hasNextPage: 'Boolean!',
      hasPreviousPage: 'Boolean!',
      startCursor: 'String',
      endCursor: 'String',
    });
  });

  test('every field that answers a connection pages in both directions', () => {
    const fields = objects.flatMap((type) =>
      Object.values(type.getFields()).filter(({ type: of }) =>
        connections.some((c) => c === getNamedType(of)),
      ),
    );
    expect(fields.length).toBeGreaterThan(8);
    for (const field of fields) {
      const args = Object.fromEntries(field.args.map(({ name, type }) => [name, shown(type)]));
      expect(args).toMatchObject({ first: 'Int', after: 'String', last: 'Int', before: 'String' });
    }
  });

  test('what has an id that node understands is a Node, and node finds any', () => {
    const node = schema.getQueryType()?.getFields()['node'];
    expect(shown(node?.type)).toBe('Node');
    expect(node?.args.map(({ name, type }) => [name, shown(type)])).toEqual([['id', 'ID!']]);
    const nodes = objects.filter((type) => type.getInterfaces().some(({ name }) => name === 'Node'));
    expect(nodes.map(({ name }) => name).sort()).toEqual([
      'Game',
      'Strategy',
      'StrategyReassignment',
      'Task',
    ]);
    for (const type of nodes) expect(isNonNullType(type.getFields()['id']?.type)).toBe(true);
  });

  test('every mutation takes one input, of a type of its own name, and answers a payload of that name', () => {
    for (const field of Object.values(schema.getMutationType()?.getFields() ?? {})) {
      const name = field.name[0]?.toUpperCase() + field.name.slice(1);
      expect(field.args.map((argument) => `${argument.name}: ${shown(argument.type)}`)).toEqual([
        `input: ${name}Input!`,
      ]);
      expect(shown(field.type)).toBe(`${name}Payload`);
    }
  });
});
