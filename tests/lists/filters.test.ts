import { beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Owner } from '../support/builders.js';
import { useApi } from '../support/use-api.js';

const { api, rows } = useApi();
let alice: Owner;
const ids: Record<string, string> = {};

/** The games, by names that the examples use. */
const GAMES: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  plain: { externalGameId: 'summer', platform: 'web', created_at: '2026-02-10T12:15:00.123456Z' },
  later: { externalGameId: 'Summer', platform: 'Web', created_at: '2026-02-10T12:15:00.123457Z' },
  percent: { externalGameId: '100%', platform: 'a_b', created_at: '2026-02-10T12:15:01Z' },
  slash: { externalGameId: 'a\\b', platform: 'axb', created_at: '2026-02-11T00:00:00Z' },
  greek: { externalGameId: 'ΟΔΟΣ', platform: 'straße', created_at: '2026-02-12T00:00:00Z' },
  empty: { externalGameId: '', platform: 'web', strategyId: 'socio_bee', created_at: '2026-02-13T00:00:00Z' },
  nothing: { externalGameId: null, platform: null, strategyId: null, created_at: null, updated_at: null },
};
const ALL = Object.keys(GAMES);

beforeAll(async () => {
  alice = await rows.owner();
  for (const [name, columns] of Object.entries(GAMES)) ids[name] = (await alice.game(columns)).id;
});

const LIST = 'query ($filter: GameFilter) { games(first: 100, filter: $filter) { totalCount nodes { id } } }';
interface Found {
  readonly games: { readonly totalCount: number; readonly nodes: readonly { readonly id: string }[] };
}

/** Names of the games that a filter matches. */
async function named(filter: object | null): Promise<string[]> {
  return names(await api.data<Found>(LIST, { filter }, alice));
}

function names({ games: { nodes, totalCount } }: Found): string[] {
  expect(totalCount).toBe(nodes.length);
  const found = new Set(nodes.map(({ id }) => id));
  return ALL.filter((name) => found.has(ids[name] ?? ''));
}

/** As a literal in the document instead of a variable. */
function literal(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(literal).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([key, item]) => `${key}: ${literal(item)}`)
    .join()}}`;
}

const without = (...left: string[]): string[] => ALL.filter((name) => !left.includes(name));
const NO_ID = '00000000-0000-4000-8000-000000000000';

const EXAMPLES: readonly (readonly [object, readonly string[]])[] = [
  [{}, ALL],
  [{ externalGameId: {} }, ALL],
  [{ externalGameId: null, and: null, or: null, not: null }, ALL],
  [{ externalGameId: { eq: null } }, ALL],
  [{ externalGameId: { eq: 'summer' } }, ['plain']],
  [{ externalGameId: { eq: '' } }, ['empty']],
  [{ externalGameId: { ne: 'summer' } }, without('plain')],
  [{ externalGameId: { in: ['summer', '100%', 'unknown'] } }, ['plain', 'percent']],
  [{ externalGameId: { in: [] } }, []],
  [{ externalGameId: { notIn: ['summer', 'Summer'] } }, without('plain', 'later')],
  [{ externalGameId: { notIn: [] } }, ALL],
  [{ externalGameId: { isNull: true } }, ['nothing']],
  [{ externalGameId: { isNull: false } }, without('nothing')],
  [{ externalGameId: { startsWith: 'sum' } }, ['plain']],
  [{ externalGameId: { startsWith: '%' } }, []],
  [{ externalGameId: { startsWith: '' } }, without('nothing')],
  [{ externalGameId: { contains: 'umm' } }, ['plain', 'later']],
  [{ externalGameId: { contains: '%' } }, ['percent']],
  [{ externalGameId: { contains: '\\' } }, ['slash']],
  [{ platform: { contains: '_' } }, ['percent']],
  [{ platform: { startsWith: 'a_' } }, ['percent']],
  [{ platform: { containsInsensitive: 'A_B' } }, ['percent']],
  [{ externalGameId: { containsInsensitive: 'SUMMER' } }, ['plain', 'later']],
  [{ externalGameId: { containsInsensitive: 'οδ' } }, ['greek']],
  [{ platform: { containsInsensitive: 'STRAß' } }, ['greek']],
  [{ externalGameId: { startsWith: 'S', contains: 'mm' } }, ['later']],
  [{ strategyId: { eq: 'socio_bee' } }, ['empty']],
  [{ strategyId: { ne: 'default' } }, ['empty', 'nothing']],
  [{ strategyId: { isNull: true } }, ['nothing']],
  [{ strategyId: { in: ['socio_bee', 'gone'] } }, ['empty']],
  [{ strategyId: { notIn: ['socio_bee'] } }, without('empty')],
  [{ id: { eq: 'garbage' } }, []],
  [{ id: { ne: 'garbage' } }, ALL],
  [{ id: { in: ['garbage', NO_ID] } }, []],
  [{ id: { notIn: ['garbage', NO_ID] } }, ALL],
  [{ id: { isNull: true } }, []],
  [{ createdAt: { eq: '2026-02-10T12:15:00.123456Z' } }, ['plain']],
  [{ createdAt: { eq: '2026-02-10T14:15:00.123456+02:00' } }, ['plain']],
  [{ createdAt: { eq: '2026-02-10t12:15:01z' } }, ['percent']],
  [{ createdAt: { gt: '2026-02-10T12:15:00.123456Z', lte: '2026-02-10T12:15:01Z' } }, ['later', 'percent']],
  [{ createdAt: { gte: '2026-02-12T00:00:00Z' } }, ['greek', 'empty']],
  [{ createdAt: { lt: '2026-02-10T12:15:00.123457Z' } }, ['plain']],
  [{ createdAt: { lt: '2026-02-10T23:30:00-00:30' } }, ['plain', 'later', 'percent']],
  [{ createdAt: { isNull: true } }, ['nothing']],
  [{ updatedAt: { isNull: false } }, without('nothing')],
  [{ ownerOauthUserId: { isNull: true } }, ALL],
  [{ ownerApiKey: { startsWith: 'gme_live_' } }, ALL],
  [{ and: [] }, ALL],
  [{ or: [] }, []],
  [{ not: {} }, []],
  [{ and: [{ platform: { eq: 'web' } }, { externalGameId: { ne: '' } }] }, ['plain']],
  [{ or: [{ platform: { eq: 'Web' } }, { platform: { isNull: true } }] }, ['later', 'nothing']],
  [
    { platform: { eq: 'web' }, or: [{ externalGameId: { eq: '' } }, { externalGameId: { eq: '100%' } }] },
    ['empty'],
  ],
];

describe('a filter matches', () => {
  test.each(EXAMPLES.map(([filter, expected]) => [literal(filter), filter, expected] as const))(
    '%s',
    async (text, filter, expected) => {
      expect(await named(filter)).toEqual(expected);
      const document = `{ games(first: 100, filter: ${text}) { totalCount nodes { id } } }`;
      expect(names(await api.data<Found>(document, {}, alice))).toEqual(expected);
      // The exact complement, whatever is missing; and twice is not at all.
      expect(await named({ not: filter })).toEqual(without(...expected));
      expect(await named({ not: { not: filter } })).toEqual(expected);
    },
  );

  test('an id in its canonical form only', async () => {
    const id = (await alice.game({ id: 'abcdefab-cdef-4abc-8def-abcdefabcdef' })).id;
    const count = async (eq: string): Promise<number> =>
      (await api.data<Found>(LIST, { filter: { id: { eq } } }, alice)).games.totalCount;
    expect(await count(id)).toBe(1);
    for (const other of [id.toUpperCase(), `{${id}}`, `urn:uuid:${id}`, id.replaceAll('-', '')]) {
      expect(await count(other)).toBe(0);
    }
    await api.database.query('DELETE FROM games WHERE id = $1', [id]);
  });

  test('only what the caller may see, however it asks', async () => {
    const bob = await rows.owner();
    for (const filter of [{}, { not: { or: [] } }, { ownerApiKey: { eq: alice.prefix } }]) {
      const { games } = await api.data<Found>(LIST, { filter }, bob);
      expect(games).toEqual({ totalCount: 0, nodes: [] });
    }
  });
});

describe('a time', () => {
  test.each([
    'yesterday',
    '',
    '2026-02-10',
    '2026-02-10T12:15:00',
    '2026-02-30T12:15:00Z',
    '2026-02-10T24:00:00Z',
    '2026-02-10T12:15:00.1234567Z',
    '2026-02-10T12:15:00+25:00',
    'infinity',
    'now',
  ])('%j is refused with its path, as a variable and as a literal', async (time) => {
    const filter = { or: [{}, { createdAt: { gt: time } }] };
    const document = `{ games(filter: ${literal(filter)}) { totalCount } }`;
    for (const { codes, errors } of [
      await api.errors(LIST, { filter }, alice),
      await api.errors(document, {}, alice),
    ]) {
      expect(codes).toEqual(['BAD_USER_INPUT']);
      expect(errors[0]?.extensions.problems?.map(({ argument }) => argument)).toEqual([
        'filter.or.1.createdAt.gt',
      ]);
    }
  });

  test('every one that is wrong is reported at once', async () => {
    const filter = { createdAt: { gt: 'x', lt: 'y' }, not: { updatedAt: { eq: 'z' } } };
    const { errors } = await api.errors(LIST, { filter }, alice);
    expect(errors[0]?.extensions.problems?.map(({ argument }) => argument).toSorted()).toEqual([
      'filter.createdAt.gt',
      'filter.createdAt.lt',
      'filter.not.updatedAt.eq',
    ]);
  });
});

describe('a filter is bounded', () => {
  const nested = (levels: number): object => (levels === 1 ? {} : { not: nested(levels - 1) });
  const many = (count: number): object => ({ or: Array(count).fill({ platform: { eq: 'web' } }) });
  const values = (count: number): string[] => Array.from({ length: count }, (_, i) => `v${i}`);
  const time = '2026-02-10T12:15:00Z';
  const anyTime = { gt: time, gte: time, lt: time, lte: time, eq: time };
  /** An `or`, 83 times a field with five operators, and so many fields without any: 499 operators and these. */
  const operators = (more: number): object => ({
    or: [...Array<object>(83).fill({ createdAt: anyTime }), ...Array<object>(more).fill({ platform: {} })],
  });
  const empty = (count: number): object => ({ or: Array(count - 1).fill({}) });
  const searches = (count: number): object => ({
    or: Array.from({ length: count }, (_, i) => ({
      platform: { [['startsWith', 'contains', 'containsInsensitive'][i % 3] ?? '']: 'web' },
    })),
  });
  const searched = (operator: string, length: number): object => ({
    platform: { [operator]: 'w'.repeat(length) },
  });

  test.each([
    ['1,000 values', { platform: { in: values(1_000) } }],
    ['1,000 ids', { id: { notIn: values(1_000) } }],
    ['16 levels', nested(16)],
    ['200 conditions', many(200)],
    ['500 operators', operators(1)],
    ['500 conditions without an operator', empty(500)],
    ['20 texts that are looked for', searches(20)],
    ['1,000 characters to begin with', searched('startsWith', 1_000)],
    ['1,000 characters to look for', searched('contains', 1_000)],
    ['1,000 characters to look for without case', searched('containsInsensitive', 1_000)],
  ])('%s are served', async (_name, filter) => {
    await expect(named(filter)).resolves.toBeInstanceOf(Array);
  });

  test.each([
    ['1,001 values', { platform: { in: values(1_001) } }],
    ['1,001 ids', { id: { notIn: values(1_001) } }],
    ['17 levels', nested(17)],
    ['501 conditions', many(501)],
    ['501 operators', operators(2)],
    ['501 conditions without an operator', empty(501)],
    ['21 texts that are looked for', searches(21)],
    ['1,001 characters to begin with', searched('startsWith', 1_001)],
    ['1,001 characters to look for', searched('contains', 1_001)],
    ['1,001 characters to look for without case', searched('containsInsensitive', 1_001)],
  ])('%s are LIMIT_EXCEEDED', async (_name, filter) => {
    expect((await api.errors(LIST, { filter }, alice)).codes).toEqual(['LIMIT_EXCEEDED']);
  });
});

describe('without case', () => {
  const SEARCH = `query ($text: String!) {
    exact: games(first: 100, filter: { platform: { contains: $text } }) { nodes { platform } }
    alike: games(first: 100, filter: { platform: { containsInsensitive: $text } }) { nodes { platform } } }`;
  type Nodes = { readonly nodes: readonly { readonly platform: string }[] };
  let searcher: Owner;

  async function search(text: string): Promise<Record<'exact' | 'alike', string[]>> {
    const { exact, alike } = await api.data<{ exact: Nodes; alike: Nodes }>(SEARCH, { text }, searcher);
    const platforms = ({ nodes }: Nodes): string[] => nodes.map(({ platform }) => platform);
    return { exact: platforms(exact), alike: platforms(alike) };
  }

  beforeAll(async () => {
    searcher = await rows.owner();
  });

  test.each<[platform: string, found: string[]]>([
    ['ΛΑΟΣ-ΚΑΙ', ['ΛΑΟΣ', 'λαος', 'λαοσ', 'Λαος-και', 'ς-κ']],
    ['λαος', ['ΛΑΟΣ', 'λαοσ', 'Σ']],
    ['Maß', ['MASS', 'mass', 'MAẞ', 'ß', 'S']],
    ['GROẞ', ['groß', 'gross', 'GROSS', 'ẞ']],
    ['300 \\u212a', ['300 k', '300 K']],
    ['\\u212bngström', ['ångström', 'ÅNGSTRÖM']],
    ['DİYAR', ['di\\u0307yar', 'İ', 'Dİ']],
    ['ısı', ['ISI', 'ı']],
    ['ﬁnal oﬃce', ['FINAL', 'office', 'ﬁ']],
    ['ǆungla', ['ǅ', 'Ǆ']],
    ['\\u0391\\u0345', ['\\u1fb3', 'α\\u0345', 'ΑΙ']],
    ['e\\u0301té', ['E\\u0301T', 'É']],
    ['\\u0390', ['\\u1fd3', '\\u0399\\u0308\\u0301']],
  ])('%j is found by %j', async (given, texts) => {
    const unescaped = (text: string): string => JSON.parse(`"${text}"`) as string;
    const platform = unescaped(given);
    await searcher.game({ platform });
    for (const text of texts) expect((await search(unescaped(text))).alike).toContain(platform);
  });

  test('whatever is found with case is found without it, and so are its capitals and small letters', async () => {
    // Letters whose other case every version of Unicode knows that Node or PostgreSQL may have.
    const letters = [...Array(0x2000).keys()]
      .filter((code) => code < 0x250 || (code >= 0x370 && code < 0x530) || code >= 0x1e00)
      .map((code) => String.fromCodePoint(code))
      .filter((char) => char.toLowerCase() !== char || char.toUpperCase() !== char)
      // What comes after has been given its letters since.
      .filter((char) => char.toLowerCase() < '\ua7c0' && char.toUpperCase() < '\ua7c0');
    const unit = fc.oneof(
      fc.constantFrom(...letters),
      fc.constantFrom(
        'Σ',
        'σ',
        'ς',
        'ß',
        'ẞ',
        'İ',
        'ı',
        'I',
        'i',
        '\u0307',
        '\u0345',
        '\u0301',
        ' ',
        '.',
        'a',
        '\u00ad',
      ),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit, minLength: 1, maxLength: 8 }),
        fc.nat(),
        fc.nat(),
        async (platform, start, length) => {
          searcher = await rows.owner();
          await searcher.game({ platform });
          const chars = Array.from(platform);
          const from = start % chars.length;
          const part = chars.slice(from, from + 1 + (length % (chars.length - from))).join('');
          expect(await search(part)).toEqual({ exact: [platform], alike: [platform] });
          for (const text of [part.toUpperCase(), part.toLowerCase()])
            expect((await search(text)).alike).toEqual([platform]);
        },
      ),
      { numRuns: 100 },
    );
  });
});
