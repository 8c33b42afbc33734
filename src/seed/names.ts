import type { Instant } from './instant.js';
import type { Random } from './random.js';
import {
  ACCENTED,
  ACCENTED_SEASONS,
  FIRST_NAMES,
  LAST_NAMES,
  PLACES,
  SEASONS,
  type Domain,
} from './vocabulary.js';

/** How an owner writes the external ids of its games. */
export const NAME_STYLES = ['place-first', 'theme-first', 'pascal-case'] as const;
export type NameStyle = (typeof NAME_STYLES)[number];

/** Steps without a factor in common with the number of combinations: they visit each of them once. */
const GAME_STRIDES = [7_919, 6_971, 5_801, 4_789, 3_527] as const;
const USER_STRIDE = 1_009;

/** A walk through the combinations of place and theme, for one domain and quarter. */
interface Walk {
  readonly offset: number;
  readonly stride: number;
  count: number;
}

/** Names games: `porto-step-challenge-spring-2026`. No name comes twice, though none is remembered. */
export class GameNames {
  readonly #walks = new Map<Domain, Map<number, Walk>>();

  constructor(
    private readonly random: Random,
    /** Ends every name, to keep it apart from those of another data set; may be empty. */
    private readonly tag: string,
  ) {}

  /** The external id of the next game; it satisfies GAME's rule for one. */
  slug(domain: Domain, style: NameStyle, createdAt: Instant): string {
    const { place, theme, year, quarter, edition } = this.#next(domain, createdAt);
    const name = this.#styled(place, theme, year, quarter, style);
    return tagged(edition > 1 ? `${name}-${edition}` : name, this.tag);
  }

  /** The same as a title with spaces and accents, as in rows that never passed GAME's rule. */
  title(domain: Domain, createdAt: Instant): string {
    const { place, theme, year, quarter, edition } = this.#next(domain, createdAt);
    const city = ACCENTED[place] ?? capitalised(place);
    const words = theme.split('-').map(capitalised).join(' ');
    const name = `${words} ${city} – ${ACCENTED_SEASONS[quarter]} ${year}`;
    return tagged(edition > 1 ? `${name} (${edition})` : name, this.tag);
  }

  #styled(place: string, theme: string, year: number, quarter: number, style: NameStyle): string {
    switch (style) {
      case 'place-first':
        return `${place}-${theme}-${SEASONS[quarter]}-${year}`;
      case 'theme-first':
        return `${theme}-${place}-${year}-q${quarter + 1}`;
      case 'pascal-case':
        return `${[place, ...theme.split('-')].map(capitalised).join('')}${year}Q${quarter + 1}`;
    }
  }

  /** Once a quarter's combinations have run out, the next edition begins. */
  #next(domain: Domain, createdAt: Instant) {
    const date = new Date(createdAt / 1_000);
    const year = date.getUTCFullYear();
    const quarter = Math.floor(date.getUTCMonth() / 3);
    const combinations = domain.themes.length * PLACES.length;

    const walk = this.#walk(domain, year * 4 + quarter, combinations);
    const step = walk.count++;
    const combination = (walk.offset + step * walk.stride) % combinations;
    return {
      theme: domain.themes[combination % domain.themes.length] as string,
      place: PLACES[Math.floor(combination / domain.themes.length)] as string,
      year,
      quarter,
      edition: Math.floor(step / combinations) + 1,
    };
  }

  #walk(domain: Domain, period: number, combinations: number): Walk {
    const walks = this.#walks.get(domain) ?? new Map<number, Walk>();
    this.#walks.set(domain, walks);
    const walk = walks.get(period) ?? {
      offset: this.random.integer(0, combinations - 1),
      stride: this.random.pick(GAME_STRIDES),
      count: 0,
    };
    walks.set(period, walk);
    return walk;
  }
}

/** The external id of the user with this number; no two are the same. */
export function userName(index: number, tag: string): string {
  const combinations = FIRST_NAMES.length * LAST_NAMES.length;
  const combination = (index * USER_STRIDE) % combinations;
  const first = FIRST_NAMES[combination % FIRST_NAMES.length];
  const last = LAST_NAMES[Math.floor(combination / FIRST_NAMES.length)];
  const round = Math.floor(index / combinations);
  return tagged(`${first}.${last}${round > 0 ? round + 1 : ''}`, tag);
}

/** No name holds an underscore but before its tag. */
function tagged(name: string, tag: string): string {
  return tag === '' ? name : `${name}_${tag}`;
}

function capitalised(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
