import { newApiKey, type NewApiKey } from '../api-keys/key-format.js';
import type { Instant } from './instant.js';
import { Random, STREAM } from './random.js';
import { CLIENTS, OAUTH_DOMAINS, type Domain } from './vocabulary.js';

/** Who owns games through an API key. */
export interface KeyOwner {
  readonly client: string;
  readonly domain: Domain;
  readonly key: NewApiKey;
  /** How many games. */
  readonly games: number;
}

/** Who owns games through bearer tokens alone. */
export interface OAuthOwner {
  /** Subject of the tokens. */
  readonly subject: string;
  readonly domain: Domain;
  /** How many games. */
  readonly games: number;
}

/** A data set: the same plan makes the same rows, whenever and wherever. */
export interface Plan {
  /** From 0 to 2^32 - 1. Two data sets in one database need different seeds: their ids come from it. */
  readonly seed: number;
  /** Letters and digits that end every name that must be unique; empty where the database is. */
  readonly tag: string;
  /** Realm of the custom strategies of owners without an API key. */
  readonly realm: string;
  /** Nothing is later; the first games are two years older. */
  readonly until: Instant;
  readonly keyOwners: readonly KeyOwner[];
  /** Whether their keys work. */
  readonly areKeysActive: boolean;
  /** At least one. */
  readonly oauthOwners: readonly OAuthOwner[];
}

const MIN_KEY_OWNERS = 3;
const GAMES_PER_KEY_OWNER = 20;

/**
 * The owners of a data set of any size: 3 to 20 API keys, one for every 20 games, and an OAuth owner for
 * every five of them. The first has about three times as many games as the last.
 *
 * @param seed decides the subjects of the OAuth owners; the keys are different each time
 */
export function planOwners(games: number, seed: number): Pick<Plan, 'keyOwners' | 'oauthOwners'> {
  const random = new Random(seed, STREAM.subjects);
  const wanted = Math.round(games / GAMES_PER_KEY_OWNER);
  const clients = CLIENTS.slice(0, Math.max(MIN_KEY_OWNERS, wanted));
  const domains = OAUTH_DOMAINS.slice(0, Math.max(1, Math.floor(clients.length / 5)));
  const shares = sharesOf(games, clients.length + domains.length);
  return {
    keyOwners: clients.map(([client, domain], index) => ({
      client,
      domain,
      key: newApiKey(),
      games: shares[index] ?? 0,
    })),
    oauthOwners: domains.map((domain, index) => ({
      subject: random.uuid(),
      domain,
      games: shares[clients.length + index] ?? 0,
    })),
  };
}

/** Splits a total into falling parts that add up to it. */
function sharesOf(total: number, parts: number): number[] {
  const weights = Array.from({ length: parts }, (_, index) => 1 / Math.sqrt(index + 2));
  const sum = weights.reduce((left, right) => left + right);
  let reached = 0;
  let given = 0;
  return weights.map((weight) => {
    reached += weight;
    const share = Math.round((reached / sum) * total) - given;
    given += share;
    return share;
  });
}
