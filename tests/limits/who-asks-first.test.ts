import { beforeAll, describe, expect, test } from '@jest/globals';
import { getIntrospectionQuery } from 'graphql';
import type { Answer } from '../support/api.js';
import type { Owner } from '../support/builders.js';
import { times } from '../support/texts.js';
import { useApi } from '../support/use-api.js';

// Who asks is looked at before a document is validated: what nobody may ask costs nothing.

const { api, rows } = useApi();
let alice: Owner;

beforeAll(async () => {
  alice = await rows.owner();
});

/** Status and codes of an answer. */
function outcome({ status, body }: Answer): [number, string[]] {
  return [status, body.errors?.map(({ extensions }) => extensions.code) ?? []];
}

const NOBODY = [401, ['UNAUTHENTICATED']];
const INVALID = [400, ['GRAPHQL_VALIDATION_FAILED']];

describe('without a credential, a document that asks for nothing public is refused before it is validated', () => {
  test.each([
    ['a list', '{ games { nodes { id } } }'],
    ['an invalid field below it', '{ games { nope } }'],
    ['an invalid argument', '{ games(nope: 1) { totalCount } }'],
    ['an invalid variable', 'query ($a: Nope) { game(id: $b) { id } }'],
    ['a fragment', '{ ...F } fragment F on Query { games { nope } }'],
    ['fragments that lead back to themselves', '{ ...F } fragment F on Query { games { nope } ...F }'],
    ['an inline fragment', '{ ... on Query { games { nope } } }'],
    ['several operations', 'query A { games { nope } } query B { strategies { nope } }'],
    ['a write', 'mutation { deleteGame(input: { id: "x" }) { deletedGameId } }'],
    ['an invalid write', 'mutation { deleteGame(input: { nope: "x" }) { nope } }'],
  ])('%s', async (_what, document) => {
    for (let time = 0; time < 3; time++) expect(outcome(await api.query(document))).toEqual(NOBODY);
  });

  test('with one, the same document is validated; without one, it is refused as before', async () => {
    const document = '{ games { nopeAtAll } }';
    expect(outcome(await api.query(document, {}, alice))).toEqual(INVALID);
    for (let time = 0; time < 3; time++) {
      expect(outcome(await api.query(document))).toEqual(NOBODY);
      expect(outcome(await api.query(document, {}, alice))).toEqual(INVALID);
    }
  });
});

test('without a credential, a document that asks for nothing at all is refused, whoever asked it before', async () => {
  const document = 'query ($all: Boolean!) { games @include(if: $all) { totalCount } }';
  for (let time = 0; time < 3; time++) {
    expect(outcome(await api.query(document, { all: false }, alice))).toEqual([200, []]);
    expect(outcome(await api.query(document, { all: false }))).toEqual(NOBODY);
  }
});

describe('without a credential, a document may have 1,000 tokens', () => {
  /** Five tokens around it, and three for each field. */
  const document = (fields: number, more = ''): string =>
    `{ viewer { ${times(fields, (index) => `a${index}: isAdmin`)} ${more} } }`;

  test('more are refused with their number', async () => {
    expect(outcome(await api.query(document(331, 'isAdmin apiKey')))).toEqual([200, []]);
    const { status, codes, errors } = await api.errors(document(332));
    expect({ status, codes }).toEqual({ status: 400, codes: ['LIMIT_EXCEEDED'] });
    expect(errors[0]?.message).toBe(
      'Without a credential a document may have at most 1000 tokens; it has 1001.',
    );
  });

  test('they are refused before they are validated', async () => {
    expect(outcome(await api.query(document(400, 'nope')))).toEqual([400, ['LIMIT_EXCEEDED']]);
  });

  test('whatever others with a credential have asked', async () => {
    const long = document(333);
    for (let time = 0; time < 5; time++) {
      expect(outcome(await api.query(long))).toEqual([400, ['LIMIT_EXCEEDED']]);
      expect(outcome(await api.query(long, {}, alice))).toEqual([200, []]);
    }
  });
});

describe('without a credential there is an answer', () => {
  test.each([
    ['to introspection', '{ __schema { queryType { name } } }'],
    ['to introspection of a type', '{ __type(name: "Game") { name fields { name } } }'],
    ['to __typename', '{ __typename }'],
    ['to viewer', '{ viewer { apiKey isAdmin } }'],
    ['to _sdl', '{ _sdl }'],
    ['to _service', '{ _service { sdl } }'],
    ['by fragments', '{ ...F } fragment F on Query { ... on Query { viewer { isAdmin } } }'],
    [
      'to the introspection of tools, with all that it can ask for',
      getIntrospectionQuery({
        descriptions: true,
        specifiedByUrl: true,
        directiveIsRepeatable: true,
        schemaDescription: true,
        inputValueDeprecation: true,
        oneOf: true,
      }),
    ],
  ])('%s', async (_what, document) => {
    for (let time = 0; time < 4; time++) expect(outcome(await api.query(document))).toEqual([200, []]);
  });

  test('that says where a field needs one', async () => {
    const { status, body } = await api.query('{ viewer { isAdmin } games { totalCount } }');
    expect(status).toBe(200);
    expect(body.data).toEqual({ viewer: { isAdmin: false }, games: null });
    expect(body.errors).toMatchObject([{ path: ['games'], extensions: { code: 'UNAUTHENTICATED' } }]);
  });
});

test('with a bad key nothing is looked at', async () => {
  const as = { key: `gme_live_AAAAAAAA.${'A'.repeat(32)}` };
  const documents = [
    '{ viewer { isAdmin } }',
    '{ games { nope } }',
    '{ nope',
    '',
    `{ ${'a'.repeat(500)} }`,
    `{ viewer { ${times(3_000, () => 'isAdmin')} } }`,
  ];
  const texts = new Set<string>();
  for (const document of documents) {
    for (let time = 0; time < 3; time++) {
      const answer = await api.errors(document, {}, as);
      expect(outcome(answer)).toEqual(NOBODY);
      texts.add(answer.text);
    }
  }
  expect(texts.size).toBe(1);
});
