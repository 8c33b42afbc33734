import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { GraphQLError } from 'graphql';
import { maskingPlugin } from '../../src/graphql/masking.js';
import { startApi, type Api, type Refusal, type Variables } from '../support/api.js';
import type { Owner } from '../support/builders.js';
import { send } from '../support/http.js';
import { useApi } from '../support/use-api.js';

const { api, rows } = useApi();
let closed: Api;
let owner: Owner;

beforeAll(async () => {
  owner = await rows.owner();
  await owner.game({ externalGameId: 'the-game' });
  closed = await startApi({ database: api.database, env: { INTROSPECTION: 'off' } });
});
afterAll(() => closed.close());

const CREATE = 'mutation ($input: CreateGameInput!) { createGame(input: $input) { game { id } } }';
const FILTER = 'query ($filter: GameFilter) { games(filter: $filter) { totalCount } }';
const ORDER = 'query ($order: [GameOrder!]) { games(orderBy: $order) { totalCount } }';
const long = 'Lorem ipsum "dolor" '.repeat(4_000);
const word = 'x'.repeat(60_000);
const digits = '1'.repeat(60_000);
const many = Array.from({ length: 2_000 }, (_, index) => index);
const keys = Object.fromEntries(many.map((index) => [`key${index}`, index]));

describe('an error quotes the beginning of a value only', () => {
  const game = (input: object): Variables => ({
    input: { externalGameId: 'quoted', platform: 'web', ...input },
  });
  test.each<[what: string, document: string, variables: Variables]>([
    ['a text for a number', 'query ($n: Int) { games(first: $n) { totalCount } }', { n: long }],
    ['a list for a text', CREATE, game({ platform: many })],
    ['a list of long texts for a text', CREATE, game({ platform: [long] })],
    ['an object for a text', CREATE, game({ platform: keys })],
    ['a long key', CREATE, game({ platform: { [word]: 1 } })],
    ['a field that is not there', FILTER, { filter: { [word]: 1 } }],
    ['an enum', ORDER, { order: [{ field: word }] }],
    ['an id that is none', 'query ($id: ID!) { game(id: $id) { id } }', { id: [word] }],
    ['a time', FILTER, { filter: { createdAt: { gt: long } } }],
    ['a cursor', 'query ($c: String) { games(after: $c) { totalCount } }', { c: word }],
    ['an external id', CREATE, game({ externalGameId: long })],
    ['a strategy', CREATE, game({ strategyId: word })],
    ['many texts', CREATE, game({ params: Array(500).fill({ key: 'x'.repeat(90), value: '\0' }) })],
    [
      'an entity',
      'query ($r: [_Any!]!) { _entities(representations: $r) { __typename } }',
      { r: [{ __typename: word, [`${word}k`]: '\0' }] },
    ],
    ['a literal text', `{ games(first: ${JSON.stringify(word)}) { totalCount } }`, {}],
    ['a block of text', `{ games(first: """${long.replaceAll('"', '')}""") { totalCount } }`, {}],
    ['a literal number', `{ games(first: ${digits}) { totalCount } }`, {}],
    ['a literal list', `{ games(filter: { platform: { eq: [${many.join(' ')}] } }) { totalCount } }`, {}],
    ['a literal enum', `{ games(orderBy: [{ field: ${'A'.repeat(99)} }]) { totalCount } }`, {}],
    ['a name in the wrong place', `{ games } ${word}`, {}],
    ['a text in the wrong place', `{ games } ${JSON.stringify(long)}`, {}],
    ['a number in the wrong place', `{ games } ${digits}`, {}],
  ])('%s', async (_what, document, variables) => {
    const refusal: Refusal = await api.errors(document, variables, owner);
    for (const { message, extensions } of refusal.errors) {
      for (const text of [
        message,
        ...(extensions.problems ?? []).flatMap((problem) => [problem.message, problem.argument]),
      ]) {
        expect(text.length).toBeLessThan(500);
        for (const value of text.match(/[xA1]{2,}|Lorem.*?(?=…|$)/g) ?? [])
          expect(value.length).toBeLessThan(120);
      }
    }
    expect(refusal.text.length / refusal.errors.length).toBeLessThan(100_000);
  });

  test('says all the same what is wrong', async () => {
    const { errors } = await api.errors(
      'query ($n: Int) { games(first: $n) { totalCount } }',
      { n: word },
      owner,
    );
    const message = `Variable "$n" got invalid value "${'x'.repeat(99)}…"; Int cannot represent non-integer value: "${'x'.repeat(99)}…"`;
    expect(errors).toMatchObject([{ message, extensions: { problems: [{ argument: 'n', message }] } }]);
    const deep = await api.errors(FILTER, { filter: { or: [{}, { platform: { eq: [word] } }] } }, owner);
    expect(deep.errors).toMatchObject([
      {
        message: expect.stringMatching(/ at "filter\.or\[1\]\.platform\.eq"; String cannot represent/),
        extensions: { problems: [{ argument: 'filter.or.1.platform.eq' }] },
      },
    ]);
  });

  test('and has 1,000 characters at most, of however many values', async () => {
    const { errors } = await api.errors(
      'query ($keys: [_Any!]!) { _entities(representations: $keys) { __typename } }',
      { keys: [{ __typename: 'Game', id: 'x', ['word '.repeat(4_000)]: '\0' }] },
      owner,
    );
    const [{ message, argument } = { message: '', argument: '' }] = errors[0]?.extensions.problems ?? [];
    expect(argument).toBe(`${`representations.0.${'word '.repeat(200)}`.slice(0, 1_000)}…`);
    for (const text of [message, errors[0]?.message]) expect(text?.length).toBeLessThanOrEqual(1_001);
  });

  test('also of a path', async () => {
    const answer = await send(`${api.origin}/${'x'.repeat(10_000)}%`);
    expect(answer.status).toBe(400);
    expect(answer.text.length).toBeLessThan(300);
  });
});

describe('where the schema is not given away, no error tells a name that was not sent', () => {
  test.each<[what: string, document: string, variables: Variables]>([
    ['a field', '{ game(id: "x") { externalGameIdd } }', {}],
    ['an argument', '{ games(frist: 1) { totalCount } }', {}],
    ['a type', 'query ($f: GameFilterr) { games(filter: $f) { totalCount } }', {}],
    ['an input field', '{ games(filter: { platfrom: { eq: "web" } }) { totalCount } }', {}],
    ['an enum value', '{ games(orderBy: [{ field: PLATFROM }]) { totalCount } }', {}],
    ['an input field of a variable', FILTER, { filter: { platfrom: { eq: 'web' } } }],
    ['an enum value of a variable', ORDER, { order: [{ field: 'PLATFROM' }] }],
    ['an input field of a mutation', CREATE, { input: { externalGameIdd: 'x' } }],
  ])('%s', async (_what, document, variables) => {
    // The other server would have told.
    const told = await api.errors(document, variables, owner);
    expect(told.text).toContain('Did you mean');
    for (let turn = 0; turn < 3; turn++) {
      const { text } = await closed.errors(document, variables, owner);
      expect(text).not.toContain('Did you mean');
    }
  });

  test('__typename is told', async () => {
    expect(await closed.data('{ __typename games { __typename nodes { __typename } } }', {}, owner)).toEqual({
      ...{ __typename: 'Query', games: { __typename: 'GameConnection', nodes: [{ __typename: 'Game' }] } },
    });
  });
});

describe('names that mean something to JavaScript are names in an answer', () => {
  const NAMES = [
    'toJSON',
    'then',
    'constructor',
    'valueOf',
    'toString',
    '__proto__',
    'hasOwnProperty',
    'prototype',
    'length',
    'data',
    'errors',
  ];

  test.each(NAMES)('%s', async (name) => {
    const inner = `${name}: externalGameId`;
    const documents: [document: string, failing: boolean][] = [
      [`{ ${name}: __typename games(first: 1) { nodes { ${inner} } } }`, false],
      [`{ games(first: 1) { ${name}: nodes { ${inner} } } }`, false],
      [`{ ${name}: games(first: 1) { nodes { ${inner} tasks { ${name}: totalCount } } } }`, false],
      [`{ ${name}: games(first: 1) { nodes { ${inner} } } viewer { apiKey } }`, false],
      [`{ ${name}: viewer { ${name}: isAdmin } }`, false],
      [`{ ${name}: game(id: "x") { id } games(first: 1) { nodes { ${inner} } } }`, true],
      [`{ games(first: 1) { nodes { ${inner} ${name}1: tasks(first: 0) { totalCount } } } }`, true],
      [`{ games(first: 1) { nodes { externalGameId ${name}: tasks(first: 0) { totalCount } } } }`, true],
    ];
    for (const [document, failing] of documents) {
      const plain = document.replaceAll(new RegExp(`\\b${name}(1?:)`, 'g'), 'plainName$1');
      for (let turn = 0; turn < 3; turn++) {
        const [given, expected] = await Promise.all([
          api.query(document, {}, owner),
          api.query(plain, {}, owner),
        ]);
        expect(given.status).toBe(expected.status);
        expect(given.body.errors === undefined).toBe(!failing);
        expect(given.text.replaceAll(/"column":\d+/g, '')).toBe(
          expected.text.replaceAll('plainName', name).replaceAll(/"column":\d+/g, ''),
        );
      }
    }
    const mutation = `mutation { ${name}: createGame(input: { externalGameId: "named-${name}", platform: "web" }) { ${name}: game { ${inner} } } }`;
    expect((await api.query(mutation, {}, owner)).text).toBe(
      `{"data":{"${name}":{"${name}":{"${name}":"named-${name}"}}}}\n`,
    );
  });

  test.each(NAMES)('%s as a variable, an operation and a fragment', async (name) => {
    const document = `query ${name}($${name}: Int) { games(first: $${name}) { ...${name} } } fragment ${name} on GameConnection { nodes { externalGameId } }`;
    const variables = JSON.parse(name === '__proto__' ? '{}' : `{"${name}":1}`) as Variables;
    const { games } = await api.data<{ games: { nodes: unknown[] } }>(document, variables, owner);
    expect(games.nodes.length).toBeGreaterThan(0);
  });
});

test('an error that cannot be masked is masked all the same, and the log has both', async () => {
  const cause = Object.freeze(new GraphQLError('the cause'));
  const plugin = maskingPlugin(() => new GraphQLError('masked'));
  const hooks = (await plugin.requestDidStart?.({} as never)) as {
    didEncounterErrors(context: object): Promise<void>;
  };
  const thrown: unknown = await Promise.resolve()
    .then(() => hooks.didEncounterErrors({ errors: [cause] }))
    .catch((error: unknown) => error);
  expect(thrown).toBeInstanceOf(AggregateError);
  expect((thrown as AggregateError).errors).toEqual([expect.any(TypeError), cause]);
});
