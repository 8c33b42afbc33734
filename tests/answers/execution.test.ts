import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  buildSchema,
  execute,
  getNamedType,
  isAbstractType,
  isLeafType,
  isObjectType,
  parse,
  validate,
  type DocumentNode,
  type ExecutionResult,
  type GraphQLNamedType,
  type GraphQLSchema,
} from 'graphql';
import { setTimeout as delay, setImmediate } from 'node:timers/promises';
import { createExecutor } from '../../src/graphql/execution.js';

// Operations are answered as graphql-js, the reference implementation, answers them: both run the same documents.

const schema = buildSchema(`
  interface Node { id: ID! }
  enum Kind { X Y }
  type A implements Node {
    id: ID! text: String number: Int! float: Float kind: Kind flag: Boolean b: B bs: [B!]! mixed: [B] nested: [[Int]]
    empty: [A!]! none: A wrongNumber: Int wrongKind: Kind missing: String! thrown: String rejected: String! lazy: String
    page(first: Int! = 2, text: [String!]): [B!] node: Node
  }
  type B implements Node { id: ID! text: String! a: A broken: String! }
  union AB = A | B
  type Query {
    a: A must: A! list: [A] strict: [A!] node: Node nodes: [Node]! either: [AB!] fails: A mustFail: String nothing: A
    number(n: Int!): Int echo(text: String = "x"): String
  }
  type Mutation { step(n: Int!): [Int!] fails: Int must: Int! }
`);

const makeB = (id: string): object => ({ __typename: 'B', id, text: `text ${id}`, broken: null });
function makeA(id: string, depth = 0): object {
  return {
    __typename: 'A',
    id,
    text: id === 'a2' ? null : `text ${id}`,
    number: 7,
    float: 1.5,
    kind: 'X',
    flag: false,
    b: { ...makeB(`${id}b`), a: depth > 2 ? null : makeA(`${id}ba`, depth + 1) },
    bs: [makeB('b1'), makeB('b2')],
    mixed: [makeB('b3'), null, new Error('No such b.')],
    nested: [[1, null], null, ['x', 2]],
    empty: [],
    none: null,
    wrongNumber: 'many',
    wrongKind: 'Z',
    missing: null,
    thrown: new Error('It is broken.'),
    rejected: new Error('It must not be broken.'),
    lazy: () => `lazy ${id}`,
    node: makeB('n'),
  };
}
setResolver('A', 'page', (_parent, { first, text }: { first: number; text?: string[] }) =>
  Array.from({ length: first }, (_, index) => makeB((text ?? ['page']).join() + String(index))),
);
const later = <Value>(value: Value): Promise<Value> => setImmediate(value);
setResolver('Query', 'a', () => later(makeA('a1')));
setResolver('Query', 'must', () => makeA('a2'));
setResolver('Query', 'list', () => later([makeA('a1'), null, new Error('No such a.'), makeA('a2')]));
setResolver('Query', 'strict', () => later([makeA('a1'), null]));
setResolver('Query', 'node', () => later(makeA('a1')));
setResolver('Query', 'nodes', () => [makeB('b'), null, makeA('a2')]);
setResolver('Query', 'either', () => [makeA('a1'), makeB('b')]);
setResolver('Query', 'fails', () => Promise.reject(new Error('Not now.')));
setResolver('Query', 'mustFail', () => {
  throw new Error('Never.');
});
setResolver('Query', 'nothing', () => null);
setResolver('Query', 'number', (_parent, { n }: { n: number }) => n);
setResolver('Query', 'echo', (_parent, { text }: { text: string | null }) => later(text));
const steps: number[] = [];
setResolver('Mutation', 'step', async (_parent, { n }: { n: number }) => {
  await delay(n);
  steps.push(n);
  return [...steps];
});
setResolver('Mutation', 'fails', () => Promise.reject(new Error('No.')));
setResolver('Mutation', 'must', () => Promise.reject(new Error('No!')));
for (const name of ['Node', 'AB']) {
  const type = schema.getType(name);
  if (isAbstractType(type)) type.resolveType = (value: { __typename: string }) => value.__typename;
}

function setResolver(type: string, field: string, resolve: (parent: unknown, args: never) => unknown): void {
  const object = schema.getType(type);
  const definition = isObjectType(object) ? object.getFields()[field] : undefined;
  if (definition === undefined) throw new Error(`No ${type}.${field}`);
  definition.resolve = (parent, args) => resolve(parent, args as never);
}

const run = createExecutor(schema);

/** Documents by their texts: plans are kept with a document. */
const documents = new Map<string, DocumentNode>();

/** The answers to an operation: of graphql-js twice, and ours, the second time from the plan of the first. */
async function bothWays(
  text: string,
  variables: Record<string, unknown> = {},
  operationName: string | null = null,
): Promise<{ readonly wanted: unknown; readonly given: unknown }> {
  const document = documents.get(text) ?? parse(text);
  documents.set(text, document);
  const problems = validate(schema, document);
  if (problems.length > 0) throw new Error(problems.join('\n'));
  const answers: unknown[] = [];
  for (const ask of [
    () => execute({ schema, document, variableValues: variables, operationName }),
    () => run({ document, variables, operationName, context: {} }),
    () => run({ document, variables, operationName, context: {} }),
  ]) {
    steps.length = 0;
    answers.push({ text, ...shown(await ask()) });
  }
  return { wanted: [answers[0], answers[0]], given: answers.slice(1) };
}

/** An answer as JSON, in the order of its fields; errors in no particular order. */
function shown({ data, errors = [] }: ExecutionResult): { data: string; errors: string[] } {
  return {
    data: JSON.stringify([data]),
    errors: errors.map((error) => JSON.stringify(error)).sort((a, b) => (a < b ? -1 : 1)),
  };
}

describe('operations are answered as graphql-js answers them', () => {
  test.each([
    ['plain values', '{ a { id text number float kind flag lazy } must { text } nothing { id } }'],
    ['lists, also within lists', '{ a { bs { id text } empty { id } nested } list { id } nodes { id } }'],
    ['errors and nulls in lists', '{ list { id mixed { id text } } strict { id } }'],
    ['an error takes the nearest that may be null with it', '{ a { b { id broken } bs { broken } } }'],
    ['an error at a field that must not be null', '{ must { id missing } a { id rejected } }'],
    ['values that do not fit their types', '{ a { wrongNumber wrongKind thrown nested } }'],
    ['a root that fails', '{ fails { id } a { id } mustFail }'],
    [
      'aliases, one field twice, merged selections',
      '{ x: a { id } a { id b { id } } a { text b { text } } }',
    ],
    ['an alias that objects know as something else', '{ __proto__: a { __proto__: id constructor: text } }'],
    ['types by their names', '{ __typename a { __typename b { __typename } } nodes { __typename id } }'],
    [
      'fragments',
      `{ nodes { ...N ... on A { t: text ...M } } either { ... on Node { id } ...M } }
       fragment N on Node { id ... on B { text } } fragment M on A { number bs { id } }`,
    ],
    [
      'arguments',
      '{ a { page { id } p: page(first: 1, text: ["x", "y"]) { id } } echo e: echo(text: null) }',
    ],
    ['introspection', '{ __schema { queryType { name fields { name } } } __type(name: "A") { kind name } }'],
    ['a mutation, one field after the other', 'mutation { a: step(n: 20) fails b: step(n: 1) }'],
    [
      'a mutation that stops at a field that must not fail',
      'mutation { a: step(n: 20) fails must b: step(n: 1) }',
    ],
  ])('%s', async (_name, text) => {
    const { wanted, given } = await bothWays(text);
    expect(given).toEqual(wanted);
  });

  test('variables: given, not given, null, with a default, bad, too many', async () => {
    const text =
      'query ($n: Int!, $f: Int! = 3, $t: [String!], $e: String = "d") { number(n: $n) echo(text: $e) a { page(first: $f, text: $t) { id } } }';
    for (const variables of [
      { n: 1 },
      { n: 1, f: 1, t: ['x'], e: null },
      { n: 'x' },
      {},
      { n: 1, f: null },
      { n: 1, t: [null, 1, {}] },
    ]) {
      const { wanted, given } = await bothWays(text, variables);
      expect(given).toEqual(wanted);
    }
  });

  test('a null that comes from a variable where none is allowed is an error of its field', async () => {
    const { wanted, given } = await bothWays(
      'query ($f: Int = 3) { a { id page(first: $f) { id } } list { page(first: $f) { id } } }',
      {
        f: null,
      },
    );
    expect(given).toEqual(wanted);
  });

  test('@skip and @include, with the same document and other values', async () => {
    const text = `query ($yes: Boolean!, $no: Boolean!) {
      a @include(if: $yes) { id text @skip(if: $no) ... @include(if: $no) { number } ...F @skip(if: $yes) } must @skip(if: $yes) { id }
    } fragment F on A { kind }`;
    for (const [yes, no] of [
      [true, false],
      [false, true],
      [true, true],
      [false, false],
    ]) {
      const { wanted, given } = await bothWays(text, { yes, no });
      expect(given).toEqual(wanted);
    }
  });

  test('one operation of several, one that is not there, none named', async () => {
    const text = 'query One { a { id } } query Two { must { id } }';
    for (const name of ['Two', 'Three', null]) {
      const { wanted, given } = await bothWays(text, {}, name);
      expect(given).toEqual(wanted);
    }
  });

  test('any operation', async () => {
    await fc.assert(
      fc.asyncProperty(fc.infiniteStream(fc.nat({ max: 1_000_000 })), async (numbers) => {
        const random = (limit: number): number => Number(numbers.next().value) % limit;
        const fields = Array.from({ length: 1 + random(3) }, (_, index) => `r${index}: ${rootField(random)}`);
        const { wanted, given } =
          await bothWays(`query ($yes: Boolean = true, $no: Boolean = false) { ${fields.join(' ')} __typename @include(if: $yes) ...Used @include(if: $no) }
          fragment Used on Query { __typename }`);
        expect(given).toEqual(wanted);
      }),
      { numRuns: 300 },
    );
  });
});

type Random = (limit: number) => number;
/** Not `must`: which errors of others are told when all of the answer is null depends on the time. */
const ROOTS = ['a', 'list', 'strict', 'node', 'nodes', 'either', 'fails', 'nothing'];

function rootField(random: Random): string {
  const name = ROOTS[random(ROOTS.length)] ?? 'a';
  return `${name} ${selectionOf(schema, schema.getQueryType()?.getFields()[name]?.type, random, 0)}`;
}

/** A selection of fields of a type, each under an alias of its own, so that any two can be merged. */
function selectionOf(in_: GraphQLSchema, type: unknown, random: Random, depth: number): string {
  const named = getNamedType(type as GraphQLNamedType);
  if (isAbstractType(named)) {
    const parts = in_
      .getPossibleTypes(named)
      .map((object) => `... on ${object.name} ${selectionOf(in_, object, random, depth)}`);
    return `{ __typename ${parts.join(' ')} }`;
  }
  if (!isObjectType(named)) return '';
  const fields = Object.values(named.getFields()).filter(
    (field) => depth < 4 || isLeafType(getNamedType(field.type)),
  );
  const chosen = Array.from({ length: 1 + random(4) }, () => {
    const field = fields[random(fields.length)] ?? fields[0];
    if (field === undefined) return '__typename';
    const below = selectionOf(in_, field.type, random, depth + 1);
    const directive = ['', '', '', ' @include(if: $yes)', ' @skip(if: $yes)', ' @skip(if: $no)'][random(6)];
    const text = `x_${named.name}_${field.name}_${depth}: ${field.name}${directive} ${below}`;
    return random(5) === 0 ? `... on ${named.name} { ${text} }` : text;
  });
  return `{ ${chosen.join(' ')} }`;
}
