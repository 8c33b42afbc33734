import { DAY, instantText, type Instant } from './instant.js';
import type { Random } from './random.js';
import type { Row } from './tables.js';
import { STRATEGY_FAMILIES, type StrategyFamily } from './vocabulary.js';

/** The versions that every custom strategy has, oldest first, and when they were made, in days from the start. */
const VERSIONS = [
  { status: 'ARCHIVED', day: 3 },
  { status: 'PUBLISHED', day: 190 },
  { status: 'DRAFT', day: 640 },
] as const;

/** Whose custom strategies they are. */
export interface Realm {
  readonly id: string;
  readonly apiKey: string | null;
  readonly oauthUserId: string | null;
}

/** Custom strategies of one realm, and what games of that realm may have as their strategyId. */
export interface RealmStrategies {
  readonly rows: readonly Row<'strategydefinition'>[];
  readonly published: readonly string[];
  readonly archived: readonly string[];
}

/** Makes `families` custom strategies, at most five, each in three versions: archived, published and draft. */
export function customStrategies(
  random: Random,
  realm: Realm,
  families: number,
  start: Instant,
  tag: string,
): RealmStrategies {
  const rows: Row<'strategydefinition'>[] = [];
  for (const family of random.sample(STRATEGY_FAMILIES, families)) {
    const basePoints = random.pick([2, 5, 10]);
    for (const [index, { status, day }] of VERSIONS.entries()) {
      const createdAt = start + day * DAY + random.integer(0, 20 * DAY);
      const publishedAt = status === 'DRAFT' ? null : instantText(createdAt + random.integer(0, 2 * DAY));
      rows.push({
        id: random.uuid(),
        created_at: instantText(createdAt),
        updated_at: publishedAt ?? instantText(createdAt),
        apiKey_used: realm.apiKey,
        oauth_user_id: realm.oauthUserId,
        realmId: realm.id,
        name: tag === '' ? family.name : `${family.name} (${tag})`,
        description: family.description,
        type: 'DSL_FULL',
        astJson: JSON.stringify(program(family, basePoints, index + 1)),
        version: index + 1,
        status,
        createdBy: realm.oauthUserId,
        publishedAt,
      });
    }
  }
  const idsOf = (status: string): string[] =>
    rows.filter((row) => row.status === status).map((row) => `custom:${String(row.id)}`);
  return { rows, published: idsOf('PUBLISHED'), archived: idsOf('ARCHIVED') };
}

/** The program of a strategy as GAME's editor stores it: a rule with a bonus, else the base points. */
function program({ when, caseName }: StrategyFamily, basePoints: number, version: number): object {
  const literal = (value: number): object => ({ type: 'literal', value });
  return {
    type: 'program',
    rules: [
      {
        type: 'rule',
        when: {
          type: 'compare',
          op: when.op,
          left: { type: 'field', path: when.field },
          right: literal(when.value),
        },
        // oxlint-disable-next-line unicorn/no-thenable -- GAME's name for it; nothing awaits a program.
        then: [{ type: 'assign_points', value: literal(basePoints + 5 * version), case_name: caseName }],
      },
    ],
    default: { type: 'assign_points', value: literal(basePoints), case_name: 'BasicEngagement' },
  };
}
