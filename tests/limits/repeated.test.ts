import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { hash } from 'node:crypto';
import { KnownDocuments, type KnownDocument } from '../../src/graphql/known-documents.js';
import { createSchema } from '../../src/app/schema.js';
import type { Answer, Credentials, Variables } from '../support/api.js';
import type { Game, Owner } from '../support/builders.js';
import { times } from '../support/texts.js';
import { useApi } from '../support/use-api.js';

const { api, rows } = useApi();
let alice: Owner;
let game: Game;

beforeAll(async () => {
  alice = await rows.owner();
  game = await (await alice.game({ externalGameId: 'a-game' })).withEverything();
});

/** All that a client can tell two answers apart by. */
function seen({ status, headers, text }: Answer): unknown {
  return { status, headers: [...headers].filter(([name]) => !['date', 'x-request-id'].includes(name)), text };
}

/** The first of ten answers, which are all alike. */
async function tenAlike(document: string, variables: Variables, as?: Credentials): Promise<Answer> {
  const first = await api.query(document, variables, as);
  for (let time = 2; time <= 10; time++) {
    const next = await api.query(document, variables, as);
    expect({ time, ...Object(seen(next)) }).toEqual({ time, ...Object(seen(first)) });
  }
  return first;
}

describe('what was refused is refused again with the same bytes', () => {
  test.each<[what: string, code: string, document: string, variables?: Variables]>([
    ['no document', 'GRAPHQL_PARSE_FAILED', '{ viewer { isAdmin }'],
    ['too many tokens', 'GRAPHQL_PARSE_FAILED', `{ viewer { ${times(5_000, () => 'isAdmin')} } }`],
    ['an unknown field', 'GRAPHQL_VALIDATION_FAILED', '{ viewer { nope } }'],
    ['many unknown fields', 'GRAPHQL_VALIDATION_FAILED', `{ ${times(40, (index) => `nope${index}`)} }`],
    ['a long name', 'LIMIT_EXCEEDED', `{ ${'a'.repeat(101)}: __typename }`],
    ['many fields at the top', 'LIMIT_EXCEEDED', `{ ${times(51, (index) => `a${index}: __typename`)} }`],
    [
      'a high cost',
      'LIMIT_EXCEEDED',
      '{ games(first: 100) { nodes { tasks(first: 100) { nodes { leaderboard { totalCount } } } } } }',
    ],
    [
      'a high cost by variables',
      'LIMIT_EXCEEDED',
      'query ($n: Int) { games(first: $n) { nodes { tasks(first: $n) { nodes { leaderboard { totalCount } } } } } }',
      { n: 100 },
    ],
    [
      'a variable that is none',
      'BAD_USER_INPUT',
      'query ($n: Int) { games(first: $n) { totalCount } }',
      { n: 'x' },
    ],
  ])('%s', async (_what, code, document, variables = {}) => {
    const { status, body } = await tenAlike(document, variables, alice);
    expect(status).toBe(400);
    expect(new Set(body.errors?.map(({ extensions }) => extensions.code))).toEqual(new Set([code]));
  });

  test('nobody in particular asks, and then somebody', async () => {
    const document = '{ games { nodes { externalGameId } } }';
    expect(await tenAlike(document, {})).toMatchObject({ status: 401 });
    expect(await tenAlike(document, {}, alice)).toMatchObject({ status: 200 });
    expect(await tenAlike(document, {})).toMatchObject({ status: 401 });
  });
});

test('what was refused is remembered, and neither parsed nor validated again', () => {
  const documents = new KnownDocuments(createSchema(), true);
  const refuse = (text: string): unknown => {
    const textHash = hash('sha256', text, 'hex');
    const entry = documents.enter(textHash, text);
    const errors = entry.errorsFor(false);
    expect(entry.document).toBeNull();
    documents.leave(textHash, entry);
    return errors;
  };
  for (const text of ['{', `{ ${'a'.repeat(101)} }`, '{ nope }']) {
    const first = refuse(text);
    expect(first).toHaveLength(1);
    for (let time = 0; time < 4; time++) expect(refuse(text)).toBe(first);
  }
});

test.each([
  ['not parsed', `{ nope ${'#'.repeat(10_000)} }`],
  ['not valid', `#${'x'.repeat(10_000)}\n{ nope }`],
])('a document that is refused is not kept: %s', (_case, text) => {
  const documents = new KnownDocuments(createSchema(), true);
  const entry = documents.enter('hash', text);
  const errors = entry.errorsFor(false);
  documents.leave('hash', entry);
  expect(entry.length).toBeLessThan(500);
  // As data: an error would hold the nodes of the document.
  expect(errors?.map(({ constructor }) => constructor)).toEqual([Object]);
});

describe('a document is kept', () => {
  let documents: KnownDocuments;

  beforeEach(() => {
    documents = new KnownDocuments(createSchema(), true);
  });

  function enter(): KnownDocument {
    const entry = documents.enter('hash', '{ viewer { isAdmin } }');
    expect(entry.errorsFor(false)).toBeNull();
    return entry;
  }

  test('from the second time on that it is sent', () => {
    const entry = enter();
    documents.leave('hash', entry);
    expect(entry.document).toBeNull();
    for (let time = 2; time <= 3; time++) {
      expect(enter()).toBe(entry);
      documents.leave('hash', entry);
      expect(entry.document).not.toBeNull();
    }
  });

  test('as long as a request with it is not answered', () => {
    const [first, second] = [enter(), enter()];
    documents.leave('hash', first);
    expect(second.document).not.toBeNull();
  });
});

describe('of documents that were sent more than once, the most recently used ones are known', () => {
  /** Sends a document as often as it takes to be kept. */
  function keep(documents: KnownDocuments, text: string): void {
    const textHash = hash('sha256', text, 'hex');
    for (let time = 1; time <= 2; time++) {
      const entry = documents.enter(textHash, text);
      expect(entry.errorsFor(false)).toBeNull();
      documents.leave(textHash, entry);
    }
  }
  const isKnown = (documents: KnownDocuments, text: string): boolean =>
    documents.operation(text, null) !== null;
  const [first, second] = ['{ viewer { isAdmin } }', '{ viewer { apiKey } }'] as const;

  test('10,000 of them', () => {
    const documents = new KnownDocuments(createSchema(), true);
    for (const text of [first, second]) keep(documents, text);
    for (let index = 0; index < 9_999; index++) {
      const text = `{ a${index}: __typename }`;
      const textHash = hash('sha256', text, 'hex');
      documents.leave(textHash, documents.enter(textHash, text));
    }
    expect([first, second].map((text) => isKnown(documents, text))).toEqual([false, true]);
  });

  test('2,000,000 characters of them', () => {
    const documents = new KnownDocuments(createSchema(), true);
    const long = (index: number): string => `{ a${index}: __typename }`.padEnd(99_900, '#');
    keep(documents, first);
    for (let index = 0; index < 20; index++) keep(documents, long(index));
    expect(isKnown(documents, first)).toBe(true);
    expect(isKnown(documents, long(0))).toBe(true);
    for (let index = 20; index < 22; index++) keep(documents, long(index));
    expect(isKnown(documents, long(21))).toBe(true);
    expect(isKnown(documents, long(1))).toBe(false);
  });
});

test('of an operation, the fields at its root are kept for 16 sets of values of its conditions', () => {
  const documents = new KnownDocuments(createSchema(), true);
  const names = ['a', 'b', 'c', 'd', 'e'];
  const text = `query (${names.map((name) => `$${name}: Boolean!`).join()}) {
    __typename ${names.map((name) => `${name}: viewer @include(if: $${name}) { isAdmin }`).join(' ')} }`;
  const entry = documents.enter('hash', text.replace('__typename', 'v: viewer { isAdmin }'));
  expect(entry.errorsFor(false)).toBeNull();
  const operation = entry.operation(null);
  const isKept = Array.from({ length: 32 }, (_, number) => {
    const values = Object.fromEntries(names.map((name, bit) => [name, (number & (1 << bit)) > 0]));
    const fields = operation?.rootFields(values);
    return fields === operation?.rootFields(values);
  });
  expect(isKept).toEqual(Array.from({ length: 32 }, (_, number) => number < 16));
});

describe('the same operation has the same answer each time', () => {
  test.each<[what: string, document: string, variables?: (id: string) => Variables]>([
    ['a list', '{ games { totalCount nodes { externalGameId platform params { key value } } } }'],
    ['with variables', 'query ($id: ID!) { game(id: $id) { id tasks { nodes { id } } } }', (id) => ({ id })],
    ['what is complete only by graphql-js', '{ viewer { apiKey isAdmin } games { totalCount } }'],
    ['introspection', '{ __type(name: "Game") { fields { name } } games { totalCount } }'],
    ['nothing there', `{ game(id: "${'0'.repeat(8)}-0000-4000-8000-000000000000") { id } }`],
    ['a bad argument at the top', '{ games(first: 0) { totalCount } }'],
    ['a bad argument below a list', '{ games { nodes { id tasks(first: 0) { totalCount } } } }'],
    [
      'lists below lists',
      '{ games { nodes { strategy { name versions { games(first: 1) { nodes { id } } } } tasks { nodes { params { key } } } } } }',
    ],
    [
      'skipped by a variable',
      'query ($no: Boolean!) { games { totalCount nodes @include(if: $no) { id } } }',
      () => ({ no: false }),
    ],
    [
      'a dry run',
      'mutation { createGame(input: { externalGameId: "made", platform: "x", dryRun: true }) { game { id } } }',
    ],
  ])('%s', async (_what, document, variables = () => ({})) => {
    const { status, body } = await tenAlike(document, variables(game.id), alice);
    expect(status).toBe(200);
    expect(body).toHaveProperty('data');
  });
});
