import { customStrategies, type Realm, type RealmStrategies } from './custom-strategies.js';
import { DAY, instantText, type Instant } from './instant.js';
import { NAME_STYLES, type NameStyle } from './names.js';
import type { Plan } from './plan.js';
import { Random, STREAM } from './random.js';
import { emptyBatch, type Batch } from './tables.js';
import type { Domain } from './vocabulary.js';

const MIN_STRATEGIES = 2;
const MAX_STRATEGIES = 3;

/** An owner while its games are made. */
export interface Owner {
  readonly apiKey: string | null;
  readonly oauthUserId: string | null;
  readonly domain: Domain;
  readonly style: NameStyle;
  readonly strategies: RealmStrategies;
  /** Games still to be made. */
  left: number;
}

/**
 * Makes the owners, and the batch with their rows and their custom strategies. Owners without an API key
 * share a realm.
 */
export function makeOwners(plan: Plan, start: Instant): { owners: Owner[]; batch: Batch } {
  const random = new Random(plan.seed, STREAM.owners);
  const batch = emptyBatch();
  const styleOf = (index: number): NameStyle => NAME_STYLES[index % NAME_STYLES.length] as NameStyle;
  const joined = () => {
    const at = instantText(start + random.integer(0, DAY));
    return { id: random.uuid(), created_at: at, updated_at: at };
  };
  const addStrategies = (realm: Realm): RealmStrategies => {
    const count = random.integer(MIN_STRATEGIES, MAX_STRATEGIES);
    const strategies = customStrategies(random, realm, count, start, plan.tag);
    batch.strategydefinition.push(...strategies.rows);
    return strategies;
  };

  for (const { subject } of plan.oauthOwners) {
    batch.oauthusers.push({
      ...joined(),
      provider: 'keycloak',
      provider_user_id: subject,
      status: 'active',
    });
  }
  for (const { client, key } of plan.keyOwners) {
    batch.apikey.push({
      ...joined(),
      apiKey: key.prefix,
      apiKeyHash: key.hash,
      client,
      description: `Games of ${client}`,
      active: plan.areKeysActive,
      createdBy: 'seed',
    });
  }

  const designer = plan.oauthOwners[0]?.subject ?? null;
  const shared = addStrategies({ id: plan.realm, apiKey: null, oauthUserId: designer });
  const owners = [
    ...plan.keyOwners.map(({ key: { prefix }, domain, games }) => ({
      apiKey: prefix,
      oauthUserId: null,
      domain,
      strategies: addStrategies({ id: prefix, apiKey: prefix, oauthUserId: null }),
      left: games,
    })),
    ...plan.oauthOwners.map(({ subject, domain, games }) => ({
      apiKey: null,
      oauthUserId: subject,
      domain,
      strategies: shared,
      left: games,
    })),
  ];
  return { owners: owners.map((owner, index) => ({ ...owner, style: styleOf(index) })), batch };
}
