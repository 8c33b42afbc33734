import { beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Credentials } from '../support/api.js';
import { rowsOf } from '../support/builders.js';
import { useApiAndIssuer } from '../support/use-api.js';

const { api, issuer } = useApiAndIssuer();
let callers: readonly Caller[];
/** Prefixes of two API keys. */
let keys: readonly [string, string];

/** Who walks, and what is its own: said here anew, not by the server's code. */
interface Caller {
  readonly name: string;
  readonly as: Credentials;
  readonly owns: (row: Row) => boolean;
}

/** A game as it is put into the table. Times are microseconds after `EPOCH`. */
interface Row {
  readonly id: string;
  readonly externalGameId: string | null;
  readonly platform: string | null;
  readonly strategyId: string | null;
  readonly createdAt: number | null;
  readonly updatedAt: number | null;
  readonly ownerApiKey: string | null;
  readonly ownerOauthUserId: string | null;
}

type Field = keyof Row;
type Operators = Readonly<Record<string, unknown>>;
interface Filter extends Partial<Record<Field, Operators | null>> {
  readonly and?: readonly Filter[] | null;
  readonly or?: readonly Filter[] | null;
  readonly not?: Filter | null;
}
interface Order {
  readonly field: keyof typeof COLUMNS;
  readonly direction: 'ASC' | 'DESC';
}
interface Page {
  readonly totalCount: number;
  readonly nodes: readonly { readonly id: string }[];
  readonly edges: readonly { readonly cursor: string; readonly node: { readonly id: string } }[];
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly startCursor: string | null;
    readonly endCursor: string | null;
  };
}

const KEY_SUBJECT = 'subject';
const EPOCH = Date.UTC(2026, 1, 10, 12, 15);
const COLUMNS = {
  CREATED_AT: 'created_at',
  UPDATED_AT: 'updated_at',
  EXTERNAL_GAME_ID: '"externalGameId" COLLATE "C"',
  PLATFORM: 'platform COLLATE "C"',
  STRATEGY_ID: '"strategyId" COLLATE "C"',
};
const TIME_FIELDS: readonly Field[] = ['createdAt', 'updatedAt'];

/** Few ids, so that filters name those that are there. */
const IDS = Array.from({ length: 40 }, (_, i) => {
  const hex = ((i * 2_654_435_761) % 2 ** 32).toString(16).padStart(8, '0');
  return `${hex}-0000-4000-8000-${String(i % 3).padStart(12, '0')}`;
});
const ATOMS = [
  'a',
  'A',
  'Z',
  'z',
  'ß',
  'ẞ',
  'ä',
  'Ä',
  'İ',
  'i',
  'ı',
  'Σ',
  'σ',
  'ς',
  '😀',
  '￿',
  '%',
  '_',
  '\\',
  "'",
];

const ROWS_AT_MOST = 30;

beforeAll(async () => {
  const [alice, bob] = [await rowsOf(api.database).owner(), await rowsOf(api.database).owner()];
  keys = [alice.prefix, bob.prefix];
  const token = await issuer.caller({ sub: KEY_SUBJECT });
  const ofKey = (row: Row): boolean => row.ownerApiKey === alice.prefix;
  const ofSubject = (row: Row): boolean => row.ownerOauthUserId === KEY_SUBJECT;
  callers = [
    { name: 'key', as: { key: alice.key }, owns: ofKey },
    { name: 'token', as: token, owns: ofSubject },
    { name: 'key and token', as: { key: alice.key, ...token }, owns: (row) => ofKey(row) || ofSubject(row) },
    { name: 'admin', as: await issuer.admin('boss'), owns: () => true },
  ];
});

const PAGE = `query ($first: Int, $after: String, $last: Int, $before: String, $filter: GameFilter, $orderBy: [GameOrder!]) {
  games(first: $first, after: $after, last: $last, before: $before, filter: $filter, orderBy: $orderBy) {
    totalCount nodes { id } edges { cursor node { id } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`;

test('any list, walked in either direction, is exactly what its order and filter say, for any caller', async () => {
  const text = fc.oneof(
    fc.string({ unit: fc.constantFrom(...ATOMS), maxLength: 3 }),
    fc.constantFrom('', 'ΟΔΟΣ', 'straße', 'İzmir', '100%', 'a_b\\c'),
  );
  // Below, at and above a millisecond: what a Date cannot tell apart.
  const time = fc.constantFrom(0, 1, 2, 999, 1_000, 1_001, 5_000_000);
  const key = fc.constantFrom(...keys);
  const subject = fc.constantFrom(KEY_SUBJECT, 'other');
  const row: fc.Arbitrary<Row> = fc.record({
    id: fc.constantFrom(...IDS),
    externalGameId: fc.option(text, { freq: 8 }),
    platform: fc.option(fc.constantFrom('web', 'Web', 'ä', 'Z', '😀'), { freq: 3 }),
    strategyId: fc.option(fc.constantFrom('default', 'socio_bee', 'removed'), { freq: 3 }),
    createdAt: fc.option(time, { freq: 4 }),
    updatedAt: fc.option(time, { freq: 2 }),
    ownerApiKey: fc.option(
      fc.oneof({ weight: 4, arbitrary: fc.constant(keys[0]) }, { weight: 1, arbitrary: key }),
      {
        freq: 4,
      },
    ),
    ownerOauthUserId: fc.option(
      fc.oneof({ weight: 3, arbitrary: fc.constant(KEY_SUBJECT) }, { weight: 1, arbitrary: subject }),
      {
        freq: 3,
      },
    ),
  });
  const data = fc
    .uniqueArray(row, { selector: ({ id }) => id, maxLength: ROWS_AT_MOST, size: 'max' })
    .map(withUniqueExternalIds);

  const textOperators = (value: fc.Arbitrary<string>): fc.Arbitrary<Operators> =>
    operators({
      eq: value,
      ne: value,
      in: fc.array(value, { maxLength: 3 }),
      notIn: fc.array(value, { maxLength: 3 }),
      startsWith: value,
      contains: value,
      containsInsensitive: value,
      isNull: fc.boolean(),
    });
  const idOperators = (value: fc.Arbitrary<string>): fc.Arbitrary<Operators> =>
    operators({
      eq: value,
      ne: value,
      in: fc.array(value, { maxLength: 3 }),
      notIn: fc.array(value, { maxLength: 3 }),
      isNull: fc.boolean(),
    });
  const timeOperators = operators({
    eq: time,
    gt: time,
    gte: time,
    lt: time,
    lte: time,
    isNull: fc.boolean(),
  });
  const leaf: fc.Arbitrary<Filter> = fc.oneof(
    fc.record({ id: idOperators(fc.constantFrom(...IDS, ...IDS, 'nonsense', IDS[1]?.toUpperCase() ?? '')) }),
    fc.record({ externalGameId: textOperators(text) }),
    fc.record({ platform: textOperators(fc.constantFrom('web', 'Web', 'w', 'EB', 'Ä', 'Z', '')) }),
    fc.record({ strategyId: idOperators(fc.constantFrom('default', 'removed', 'gone')) }),
    fc.record({ createdAt: timeOperators, platform: fc.constant(null) }),
    fc.record({ updatedAt: timeOperators }),
    fc.record({ ownerApiKey: textOperators(key), ownerOauthUserId: fc.constant({}) }),
    fc.record({ ownerOauthUserId: textOperators(subject) }),
    fc.constant({}),
  );
  const { filter } = fc.letrec<{ filter: Filter }>((tie) => ({
    filter: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      leaf,
      fc.record({ and: fc.array(tie('filter'), { maxLength: 2 }), or: fc.constant(null) }),
      fc.record({ or: fc.array(tie('filter'), { maxLength: 3 }) }),
      fc.record({ not: tie('filter'), updatedAt: fc.constant(null) }),
    ),
  }));
  const orderBy = fc.uniqueArray(
    fc.record<Order>({
      field: fc.constantFrom(...(Object.keys(COLUMNS) as (keyof typeof COLUMNS)[])),
      direction: fc.constantFrom('ASC', 'DESC'),
    }),
    { selector: ({ field }) => field, maxLength: 3 },
  );
  const list = fc.record({
    data,
    filter: fc.option(filter, { freq: 2 }),
    orderBy,
    size: fc.integer({ min: 1, max: 25 }),
    caller: fc.constantFrom(...callers),
    window: fc.tuple(fc.nat(), fc.nat()),
  });

  // A run that fails prints its seed and path, and the smallest data that fails.
  await fc.assert(
    fc.asyncProperty(list, async ({ data: rows, filter: given, orderBy: order, size, caller, window }) => {
      await store(rows);
      const expected = await inOrder(
        rows.filter((candidate) => caller.owns(candidate) && (!given || matches(given, candidate))),
        order,
      );
      const page = async (args: object): Promise<Page> => {
        const variables = { ...args, filter: given && toInput(given), orderBy: order };
        return (await api.data<{ games: Page }>(PAGE, variables, caller.as)).games;
      };
      const cursors = await walk(page, expected, size, 'forward');
      await walk(page, expected, size, 'backward');
      await lookThrough(page, expected, cursors, window, size);
    }),
    { numRuns: 160, plugins: [fc.interruptAfterTimeLimit(50_000, { failOnInterrupt: true })] },
  );
});

/** Reads all pages, each checked to be the slice of `expected` that it must be; answers the cursors of all rows. */
async function walk(
  page: (args: object) => Promise<Page>,
  expected: readonly string[],
  size: number,
  direction: 'forward' | 'backward',
): Promise<string[]> {
  const forward = direction === 'forward';
  const cursors: string[] = [];
  let at: string | null = null;
  let [start, end] = forward
    ? [0, Math.min(size, expected.length)]
    : [expected.length - size, expected.length];
  for (;;) {
    start = Math.max(0, start);
    const found: Page = await page(forward ? { first: size, after: at } : { last: size, before: at });
    check(found, expected, start, end, { prev: start > 0, next: end < expected.length });
    const edges = found.edges.map(({ cursor }) => cursor);
    cursors[forward ? 'push' : 'unshift'](...edges);
    const next: string | null = forward ? found.pageInfo.endCursor : found.pageInfo.startCursor;
    if (!(forward ? found.pageInfo.hasNextPage : found.pageInfo.hasPreviousPage) || next === null) break;
    at = next;
    [start, end] = forward ? [end, Math.min(end + size, expected.length)] : [start - size, start];
  }
  expect(cursors).toHaveLength(expected.length);
  return cursors;
}

/** Both ends given, also crossed, and the empty pages behind the last row and before the first. */
async function lookThrough(
  page: (args: object) => Promise<Page>,
  expected: readonly string[],
  cursors: readonly string[],
  window: readonly [number, number],
  size: number,
): Promise<void> {
  const count = expected.length;
  if (count === 0) return;
  const windows = [
    [window[0] % count, window[1] % count] as const,
    [count - 1, null] as const,
    [null, 0] as const,
  ];
  for (const [from, to] of windows) {
    const ends = {
      after: from === null ? null : (cursors[from] ?? null),
      before: to === null ? null : (cursors[to] ?? null),
    };
    const [start, end] = [(from ?? -1) + 1, Math.max(to ?? count, (from ?? -1) + 1)];
    const [prev, next] = [from !== null, to !== null];
    const more = end - start > size;
    const forward = await page({ first: size, ...ends });
    check(forward, expected, start, more ? start + size : end, { prev, next: next || more });
    const backward = await page({ last: size, ...ends });
    check(backward, expected, more ? end - size : start, end, { prev: prev || more, next });
  }
}

function check(
  found: Page,
  expected: readonly string[],
  start: number,
  end: number,
  { prev, next }: { readonly prev: boolean; readonly next: boolean },
): void {
  expect({
    ids: found.nodes.map(({ id }) => id),
    totalCount: found.totalCount,
    hasPreviousPage: found.pageInfo.hasPreviousPage,
    hasNextPage: found.pageInfo.hasNextPage,
  }).toEqual({
    ids: expected.slice(start, end),
    totalCount: expected.length,
    hasPreviousPage: prev,
    hasNextPage: next,
  });
  expect(found.edges.map(({ node }) => node)).toEqual(found.nodes);
  expect(found.pageInfo.startCursor).toBe(found.edges[0]?.cursor ?? null);
  expect(found.pageInfo.endCursor).toBe(found.edges.at(-1)?.cursor ?? null);
}

/** Some of the operators, some of them null. */
function operators(values: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<Operators> {
  const one = Object.entries(values).map(([name, value]) => value.map((v) => ({ [name]: v })));
  const nothing = fc.constantFrom(...Object.keys(values)).map((name) => ({ [name]: null }));
  return fc.oneof(
    { weight: 6, arbitrary: fc.oneof(...one) },
    { weight: 1, arbitrary: nothing },
    { weight: 2, arbitrary: fc.tuple(fc.oneof(...one), fc.oneof(...one)).map(([a, b]) => ({ ...a, ...b })) },
  );
}

/** The filter by the contract's words, over a row, with nothing of SQL. */
function matches(filter: Filter, row: Row): boolean {
  if (filter.and && !filter.and.every((part) => matches(part, row))) return false;
  if (filter.or && !filter.or.some((part) => matches(part, row))) return false;
  if (filter.not && matches(filter.not, row)) return false;
  return (Object.keys(row) as Field[]).every((field) =>
    Object.entries(filter[field] ?? {}).every(
      ([operator, value]) => value === null || holds(operator, row[field], value),
    ),
  );
}

function holds(operator: string, column: string | number | null, value: unknown): boolean {
  switch (operator) {
    case 'isNull':
      return (column === null) === value;
    case 'ne':
      return column !== value;
    case 'notIn':
      return !(value as unknown[]).includes(column);
  }
  if (column === null) return false;
  switch (operator) {
    case 'eq':
      return column === value;
    case 'in':
      return (value as unknown[]).includes(column);
    case 'gt':
      return Number(column) > Number(value);
    case 'gte':
      return Number(column) >= Number(value);
    case 'lt':
      return Number(column) < Number(value);
    case 'lte':
      return Number(column) <= Number(value);
    case 'startsWith':
      return String(column).startsWith(String(value));
    case 'contains':
      return String(column).includes(String(value));
    case 'containsInsensitive':
      return capitals(String(column)).includes(capitals(String(value)));
    default:
      throw new RangeError(operator);
  }
}

const capitals = (text: string): string => text.toLowerCase().toUpperCase();

/** The filter as a client sends it: times as text. */
function toInput(filter: Filter): Filter {
  return Object.fromEntries(
    Object.entries(filter).map(([name, value]) => {
      if (value === null) return [name, null];
      if (name === 'and' || name === 'or') return [name, (value as Filter[]).map(toInput)];
      if (name === 'not') return [name, toInput(value as Filter)];
      if (!TIME_FIELDS.includes(name as Field)) return [name, value];
      const times = Object.entries(value as Operators).map(([operator, time]) => [
        operator,
        typeof time === 'number' ? timestamp(time) : time,
      ]);
      return [name, Object.fromEntries(times)];
    }),
  ) as Filter;
}

function timestamp(microseconds: number): string {
  const seconds = new Date(EPOCH + Math.floor(microseconds / 1_000_000) * 1_000).toISOString().slice(0, 19);
  return `${seconds}.${String(microseconds % 1_000_000).padStart(6, '0')}Z`;
}

function withUniqueExternalIds(rows: readonly Row[]): Row[] {
  const seen = new Set<string>();
  return rows.map((row) => {
    const isTaken = row.externalGameId !== null && seen.has(row.externalGameId);
    const externalGameId = isTaken ? null : row.externalGameId;
    if (externalGameId !== null) seen.add(externalGameId);
    return { ...row, externalGameId };
  });
}

async function store(rows: readonly Row[]): Promise<void> {
  await api.database.query('DELETE FROM games');
  const json = rows.map((row) => ({
    ...row,
    createdAt: row.createdAt === null ? null : timestamp(row.createdAt),
    updatedAt: row.updatedAt === null ? null : timestamp(row.updatedAt),
  }));
  await api.database.query(
    `INSERT INTO games (id, "externalGameId", platform, "strategyId", created_at, updated_at, "apiKey_used", oauth_user_id)
     SELECT * FROM json_to_recordset($1) AS r (id uuid, "externalGameId" text, platform text, "strategyId" text,
       "createdAt" timestamptz, "updatedAt" timestamptz, "ownerApiKey" text, "ownerOauthUserId" text)`,
    [JSON.stringify(json)],
  );
}

/** The order in plain SQL: NULLs last ascending and first descending, text by code point, then by id. */
async function inOrder(rows: readonly Row[], orderBy: readonly Order[]): Promise<string[]> {
  const orders = orderBy.length > 0 ? orderBy : [{ field: 'CREATED_AT', direction: 'DESC' } as const];
  const columns = orders.map(
    ({ field, direction }) =>
      `${COLUMNS[field]} ${direction} NULLS ${direction === 'ASC' ? 'LAST' : 'FIRST'}`,
  );
  const found = await api.database.query<{ id: string }>(
    `SELECT id FROM games WHERE id = ANY($1) ORDER BY ${columns.join()}, id ${orders.at(-1)?.direction}`,
    [rows.map(({ id }) => id)],
  );
  return found.map(({ id }) => id);
}
