import { beforeAll, describe, expect, test } from '@jest/globals';
import type { Owner } from '../support/builders.js';
import { nested, times } from '../support/texts.js';
import { useApi } from '../support/use-api.js';

// The form of a document is bounded before it is validated, so that no document takes long to be refused.

const { api, rows } = useApi();
let alice: Owner;

beforeAll(async () => {
  alice = await rows.owner();
});

/** A document that has so much of something. */
type Make = (size: number) => string;

const letters = (count: number): string => 'a'.repeat(count);

/** So many levels of fields below a game. */
function belowGame(levels: number): string {
  const opening = times(levels - 1, (index) => (index % 2 === 0 ? 'task(externalTaskId: "x") {' : 'game {'));
  return `${opening} __typename ${'}'.repeat(levels - 1)}`;
}

describe('a document with the most that is allowed is let through; with one more, it is refused', () => {
  const names: [what: string, make: Make, limit: number][] = [
    ['name of a field', (n) => `{ ${letters(n)} }`, 100],
    ['alias', (n) => `{ ${letters(n)}: __typename }`, 100],
    ['alias below a list', (n) => `{ games { nodes { ${letters(n)}: id } } }`, 100],
    ['name of an argument', (n) => `{ game(${letters(n)}: "x") { id } }`, 100],
    ['name of a field of an input', (n) => `{ games(filter: { ${letters(n)}: 1 }) { totalCount } }`, 100],
    [
      'name of a variable',
      (n) => `query ($${letters(n)}: Int) { games(first: $${letters(n)}) { totalCount } }`,
      100,
    ],
    ['name of a fragment', (n) => `{ ...${letters(n)} } fragment ${letters(n)} on Query { __typename }`, 100],
    ['name of an operation', (n) => `query ${letters(n)} { __typename }`, 100],
    ['name of a type', (n) => `{ ... on ${letters(n)} { __typename } }`, 100],
    ['name of a directive', (n) => `{ __typename @${letters(n)} }`, 100],
  ];
  const counts: [what: string, make: Make, limit: number][] = [
    [
      'fragments',
      (n) =>
        `{ ...F1 } ${times(n, (index) => `fragment F${index + 1} on Query { ${index + 1 < n ? `...F${index + 2}` : '__typename'} }`)}`,
      100,
    ],
    [
      'places where fragments are spread',
      (n) => `{ ${times(n, () => '...F')} } fragment F on Query { __typename }`,
      300,
    ],
    ['operations', (n) => times(n, (index) => `query Q${index} { __typename }`), 50],
    ['fields at the top', (n) => `{ ${times(n, (index) => `a${index}: __typename`)} }`, 50],
    [
      'fields at the top by fragments',
      (n) =>
        `{ ...F ...G } fragment F on Query { ${times(n - 20, (index) => `a${index}: __typename`)} }
         fragment G on Query { ${times(20, (index) => `b${index}: __typename`)} }`,
      50,
    ],
    [
      'fields at the top by inline fragments',
      (n) => `{ ${times(n, (index) => `... on Query { a${index}: __typename }`)} }`,
      50,
    ],
    ['levels of fields', (n) => `{ game(id: "x") { ${belowGame(n - 1)} } }`, 20],
    [
      'levels of fields by fragments',
      (n) =>
        `{ ...F } fragment F on Query { game(id: "x") { ...G } } fragment G on Game { ${belowGame(n - 1)} }`,
      20,
    ],
  ];

  test.each([...names, ...counts])('%s', async (_what, make, limit) => {
    const { body } = await api.query(make(limit), {}, alice);
    expect(body.errors?.filter(({ extensions }) => extensions.code === 'LIMIT_EXCEEDED') ?? []).toEqual([]);

    const refused = await api.errors(make(limit + 1), {}, alice);
    expect(refused).toMatchObject({ status: 400, codes: ['LIMIT_EXCEEDED'] });
    expect(refused.body).not.toHaveProperty('data');
    expect(refused.errors[0]?.message).toMatch(new RegExp(`\\b${limit}\\b.*\\b${limit + 1}\\b`));
  });
});

test('a name that is too long is shown at its place, and not whole', async () => {
  const { errors } = await api.errors(`{\n  viewer { ${letters(200)}: isAdmin } }`, {}, alice);
  expect(errors[0]?.message).toBe(
    `A name may have at most 100 characters; "${letters(20)}…" (line 2, column 12) has 200.`,
  );
});

describe('fields count where their fragments are spread', () => {
  /** One field, and `outer` times `inner` fields below it. */
  const unfolding = (outer: number, inner: number): string =>
    `{ viewer { ...F } } fragment F on Viewer { ${times(outer, () => '...G')} }
     fragment G on Viewer { ${times(inner, (index) => `a${index}: isAdmin`)} }`;

  test('10,000 of them are let through, 10,001 are refused', async () => {
    expect(await api.query(unfolding(99, 101), {}, alice)).toMatchObject({ status: 200 });
    const { status, codes, errors } = await api.errors(unfolding(100, 100), {}, alice);
    expect({ status, codes }).toEqual({ status: 400, codes: ['LIMIT_EXCEEDED'] });
    expect(errors[0]?.message).toMatch(/10000.*10001/);
  });

  test('fragments that double sixty times are refused at once', async () => {
    const chain = times(60, (index) => `fragment F${index} on Viewer { ...F${index + 1} ...F${index + 1} }`);
    const document = `{ viewer { ...F0 } } ${chain} fragment F60 on Viewer { isAdmin }`;
    expect(await api.errors(document, {}, alice)).toMatchObject({ status: 400, codes: ['LIMIT_EXCEEDED'] });
  });

  test('those of a fragment that no operation uses count too', async () => {
    const document = `{ __typename } fragment F on Viewer { ${times(100, () => '...G')} }
      fragment G on Viewer { ${times(101, (index) => `a${index}: isAdmin`)} }`;
    expect(await api.errors(document, {}, alice)).toMatchObject({ status: 400, codes: ['LIMIT_EXCEEDED'] });
  });
});

describe('of fields with one response name, 10,000 pairs are let through, and no more', () => {
  test.each<[where: string, make: Make]>([
    ['side by side', (n) => `{ viewer { ${times(n, () => 'isAdmin')} } }`],
    ['by an alias', (n) => `{ viewer { isAdmin ${times(n, () => 'a: isAdmin')} } }`],
    ['by inline fragments', (n) => `{ viewer { ${times(n, () => '... { isAdmin }')} } }`],
    [
      'by fragments',
      (n) =>
        `{ viewer { ...F ...G } } fragment F on Viewer { ${times(n - 50, () => 'isAdmin')} }
         fragment G on Viewer { ... on Viewer { ${times(50, () => 'isAdmin')} } }`,
    ],
    [
      'in fragments that are spread twice, once each',
      (n) => `{ viewer { ...F ...F ... { ...F } } } fragment F on Viewer { ${times(n, () => 'isAdmin')} }`,
    ],
  ])('%s', async (_where, make) => {
    expect(await api.query(make(100), {}, alice)).toMatchObject({ status: 200 });
    const { status, codes, errors } = await api.errors(make(101), {}, alice);
    expect({ status, codes }).toEqual({ status: 400, codes: ['LIMIT_EXCEEDED'] });
    expect(errors[0]?.message).toContain('at most 10000 pairs');
  });

  test.each([
    ['that no operation uses', ''],
    ['that leads back to itself', '...F'],
  ])('also in a fragment %s, which validation refuses', async (_what, spread) => {
    const make = (n: number): string =>
      `{ viewer { isAdmin } } fragment F on Viewer { ${spread} ${times(n, () => 'isAdmin')} }`;
    expect((await api.errors(make(100), {}, alice)).codes).toContain('GRAPHQL_VALIDATION_FAILED');
    expect(await api.errors(make(101), {}, alice)).toMatchObject({ status: 400, codes: ['LIMIT_EXCEEDED'] });
  });

  test('pairs of the fields below fields of one name count as well', async () => {
    // Two pairs of two, and the fields of both below.
    const make = (n: number): string => `{ ${times(2, () => `viewer { ${times(n, () => 'isAdmin')} }`)} }`;
    expect(await api.query(make(49), {}, alice)).toMatchObject({ status: 200 });
    expect(await api.errors(make(50), {}, alice)).toMatchObject({ status: 400, codes: ['LIMIT_EXCEEDED'] });
  });
});

describe('lists and objects of arguments may be nested 64 levels deep', () => {
  test.each<[what: string, make: Make]>([
    ['lists', (n) => `{ nodes(ids: ${nested(n, '[', '1', ']')}) { id } }`],
    ['objects', (n) => `{ game(id: ${nested(n, '{ a: ', '1', ' }')}) { id } }`],
    [
      'both, in a default of a variable',
      (n) =>
        `query ($f: Int = ${nested(Math.floor(n / 2), '[{ a: ', n % 2 === 0 ? '1' : '[1]', ' }]')}) { games(first: $f) { totalCount } }`,
    ],
  ])('%s', async (_what, make) => {
    const { codes } = await api.errors(make(64), {}, alice);
    expect(new Set(codes)).toEqual(new Set(['GRAPHQL_VALIDATION_FAILED']));
    const { status, codes: refused, errors } = await api.errors(make(65), {}, alice);
    expect({ status, refused }).toEqual({ status: 400, refused: ['LIMIT_EXCEEDED'] });
    expect(errors[0]?.message).toContain('at most 64 levels deep');
  });

  test('values side by side are not within each other', async () => {
    const document = `{ games(filter: { or: [${times(70, () => '{}')}] }) { totalCount } }`;
    expect(await api.query(document, {}, alice)).toMatchObject({ status: 200 });
  });
});

test('braces around fields may be nested 64 levels deep, those of inline fragments included', async () => {
  const document = (levels: number): string => `{ ${nested(levels - 1, '... { ', '__typename', ' }')} }`;
  expect(await api.query(document(64), {}, alice)).toMatchObject({ status: 200 });
  const { status, codes, errors } = await api.errors(document(65), {}, alice);
  expect({ status, codes }).toEqual({ status: 400, codes: ['LIMIT_EXCEEDED'] });
  expect(errors[0]?.message).toBe('Selections may be nested at most 64 levels deep.');
});

test('a document may have 5,000 tokens; with more it cannot be parsed', async () => {
  // Five tokens around it, and three for each field.
  const document = (fields: number, more = ''): string =>
    `{ viewer { ${times(fields, (index) => `a${index}: isAdmin`)} ${more} } }`;
  expect(await api.query(document(1_665), {}, alice)).toMatchObject({ status: 200 });
  const { status, codes, errors } = await api.errors(document(1_665, 'isAdmin'), {}, alice);
  expect({ status, codes }).toEqual({ status: 400, codes: ['GRAPHQL_PARSE_FAILED'] });
  expect(errors[0]?.message).toContain('5000 tokens');
});

describe('what is nested as deep as so many tokens allow is refused, whether it can be parsed or not', () => {
  test.each([
    ['lists', `{ nodes(ids: ${nested(2_490, '[', '1', ']')}) { id } }`],
    ['objects', `{ game(id: ${nested(1_240, '{ a: ', '1', ' }')}) { id } }`],
    ['inline fragments', `{ ${nested(1_650, '... { ', '__typename', ' }')} }`],
  ])('%s', async (_what, document) => {
    for (let time = 0; time < 3; time++) {
      const { status, codes } = await api.errors(`${document}${' '.repeat(time)}`, {}, alice);
      expect({ status, codes }).toEqual({ status: 400, codes: ['LIMIT_EXCEEDED'] });
    }
  });
});

describe('fragments that lead back to themselves are invalid, whatever else is in them', () => {
  test.each([
    ['one', '{ ...A } fragment A on Query { ...A }'],
    ['one, among others', '{ viewer { ...A } } fragment A on Viewer { isAdmin ...A ...A }'],
    ['two', '{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }'],
    [
      'one below its own fields',
      '{ game(id: "x") { ...A } } fragment A on Game { strategy { games { nodes { ...A } } } }',
    ],
    ['one by an inline fragment', '{ ...A } fragment A on Query { ... on Query { __typename ...A } }'],
    [
      'one that no operation uses',
      '{ __typename } fragment A on Game { strategy { games { nodes { ...A ...A } } } }',
    ],
  ])('%s', async (_what, document) => {
    for (let time = 0; time < 3; time++) {
      const { status, codes, errors } = await api.errors(document, {}, alice);
      expect(status).toBe(400);
      expect(new Set(codes)).toEqual(new Set(['GRAPHQL_VALIDATION_FAILED']));
      expect(errors.map(({ message }) => message).join()).toContain('within itself');
    }
  });
});
