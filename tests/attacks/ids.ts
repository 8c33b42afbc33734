/** Rows have ids made of a number, so that the corpus can name what is not there yet. */
const PREFIXES = { game: 'a0000000', task: 'b0000000', user: 'c0000000' } as const;
type Table = keyof typeof PREFIXES;

const MIDDLE = '-0000-4000-8000-';

export const idOf = (table: Table, number: number): string =>
  PREFIXES[table] + MIDDLE + number.toString(16).padStart(12, '0');

/** The same id, of a number that SQL knows. */
export const sqlIdOf = (table: Table, number: string): string =>
  `('${PREFIXES[table]}${MIDDLE}' || lpad(to_hex(${number}), 12, '0'))::uuid`;

/** Whose data there is. */
export type OwnerName = 'owner' | 'neighbour' | 'mover';

/** What each of them has; the numbers are those of ids. */
export const DATA = {
  /** Of `owner`: one game with very many points, collected by many users in a few tasks. */
  million: { game: 1, tasks: 10, users: 200_000, points: 1_000_000 },
  /** Of `owner`: a game whose params are large together, and one with a single large param. */
  params: { game: 2, params: 95, bytes: 50_000 },
  largeParam: { game: 3, bytes: 4_750_000 },
  /** Of `owner`: games with tasks, all with params and a few points. */
  broad: { firstGame: 101, games: 100, tasks: 60 },
  /** Of `neighbour`. */
  small: { firstGame: 301, games: 30, tasks: 3 },
  /** Of `mover`: games without anything. */
  many: { firstGame: 100_001, games: 100_000 },
} as const;

export const MILLION = idOf('game', DATA.million.game);
export const PARAMS = idOf('game', DATA.params.game);
export const LARGE_PARAM = idOf('game', DATA.largeParam.game);
/** One of the games with tasks. */
export const BROAD = idOf('game', DATA.broad.firstGame);

/** Ids of the first games of somebody who has very many. */
export const manyIds = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => idOf('game', DATA.many.firstGame + index));
