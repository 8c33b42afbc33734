import { beforeAll, expect, test } from '@jest/globals';
import type { Owner } from '../support/builders.js';
import { send, type RawAnswer } from '../support/http.js';
import { useApi } from '../support/use-api.js';

const { api, rows } = useApi({ env: { RATE_LIMIT: '1000000', RATE_LIMIT_ADDRESS: 'off' } });
let alice: Owner;
beforeAll(async () => {
  alice = await rows.owner();
  await alice.game();
});

const GAMES = '{ games(first: 2) { totalCount nodes { platform } } }';

/** The numbers of `extensions.cost`. */
interface Cost {
  readonly requested: number | null;
  readonly actual: number;
  readonly databaseMs: number;
  readonly limit: number;
  readonly remaining: number;
  readonly resetSeconds: number;
}

interface Told {
  readonly data?: unknown;
  readonly errors?: unknown;
  readonly extensions: { readonly cost: Cost };
}

function ask(
  query: string,
  headers: Record<string, string> = { 'x-api-key': alice.key },
): Promise<RawAnswer> {
  return send(api.url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query }),
  });
}

async function askTold(
  query: string,
  headers: Record<string, string> = { 'x-api-key': alice.key },
): Promise<Told> {
  const { text } = await ask(query, { ...headers, 'graphql-cost': '1' });
  expect(text).toMatch(/\}\n$/);
  return JSON.parse(text) as Told;
}

test('an answer says on demand what it was estimated to cost, what it took, and what is left, each time it is sent', async () => {
  const costs: Cost[] = [];
  // From the third time on it bypasses Apollo.
  for (let sent = 0; sent < 4; sent++) {
    const { data, extensions } = await askTold(GAMES);
    expect(data).toEqual({ games: { totalCount: 1, nodes: [{ platform: 'web' }] } });
    expect(Object.keys(extensions.cost)).toEqual([
      'requested',
      'actual',
      'databaseMs',
      'limit',
      'remaining',
      'resetSeconds',
    ]);
    costs.push(extensions.cost);
  }
  let left = (costs[0]?.remaining ?? 0) + (costs[0]?.actual ?? 0);
  expect(left).toBeLessThanOrEqual(1_000_000);
  for (const { requested, actual, databaseMs, limit, remaining, resetSeconds } of costs) {
    // Counting costs most of it.
    expect(requested).toBe(507);
    expect(databaseMs).toBeGreaterThan(0);
    // A hundred for each ms, and 30 for the request.
    expect(actual).toBeGreaterThanOrEqual(28 + 100 * databaseMs);
    expect(limit).toBe(1_000_000);
    left -= actual;
    expect(remaining).toBe(left);
    expect(resetSeconds).toBeGreaterThan(0);
    expect(resetSeconds).toBeLessThanOrEqual(60);
  }
});

test('so do errors and mutations', async () => {
  const refused = await askTold('{ nothing }');
  expect(refused.errors).toHaveLength(1);
  expect(refused.extensions.cost.requested).toBeNull();
  expect(refused.extensions.cost.actual).toBeGreaterThanOrEqual(30);

  const create =
    'mutation { createGame(input: { externalGameId: "told", platform: "web", strategyId: "default" }) { game { platform } } }';
  const created = await askTold(create);
  expect(created.data).toEqual({ createGame: { game: { platform: 'web' } } });
  expect(created.extensions.cost.databaseMs).toBeGreaterThan(0);
});

test('where there is no limit, it says what it has cost alone', async () => {
  const { extensions } = await askTold('{ viewer { apiKey } }', {});
  expect(Object.keys(extensions.cost)).toEqual(['requested', 'actual', 'databaseMs']);
  expect(extensions.cost.databaseMs).toBe(0);
});

test('nothing is said where nobody asked', async () => {
  for (let sent = 0; sent < 4; sent++) {
    expect((await ask('{ games(first: 1) { nodes { platform } } }')).text).toBe(
      '{"data":{"games":{"nodes":[{"platform":"web"}]}}}\n',
    );
    const other = await ask('{ games(first: 1) { nodes { platform } } }', {
      'x-api-key': alice.key,
      'graphql-cost': '0',
    });
    expect(other.text).toBe('{"data":{"games":{"nodes":[{"platform":"web"}]}}}\n');
  }
});
