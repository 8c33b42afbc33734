import { beforeAll, describe, expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { OperationNames } from '../../src/http/operation-names.js';
import type { Owner } from '../support/builders.js';
import { send } from '../support/http.js';
import { send as sendAndLeave } from '../support/leaving-client.js';
import { Lock, untilWaiting } from '../support/locks.js';
import { until } from '../support/process.js';
import { scrape, sumOf, type Sample } from '../support/scrape.js';
import { useApi } from '../support/use-api.js';

const DURATION = 'graphql_operation_duration_seconds_count';

const { api, rows } = useApi();
let owner: Owner;
beforeAll(async () => {
  owner = await rows.owner();
});

/** How much a metric has grown while something was done, once it has: what is counted is counted after the answer. */
async function growth(name: string, labels: Sample['labels'], task: () => Promise<unknown>): Promise<number> {
  const before = sumOf(await scrape(api.origin), name, labels);
  await task();
  return until(async () => {
    const grown = sumOf(await scrape(api.origin), name, labels) - before;
    return grown > 0 && grown;
  });
}

const read = (name: string, as?: Owner): Promise<unknown> =>
  api.query(`query ${name} { games { totalCount } }`, {}, as);

describe('the durations of operations', () => {
  test('are counted by name, type and outcome', async () => {
    const ok = { operation: 'Listed', type: 'query', outcome: 'ok' };
    expect(
      await growth(DURATION, ok, async () => {
        for (let turn = 0; turn < 4; turn++) await read('Listed', owner);
      }),
    ).toBeGreaterThan(0);
    await until(async () => sumOf(await scrape(api.origin), DURATION, ok) === 4);
    const wrong = { operation: 'Listed', type: 'query', outcome: 'client_error' };
    expect(
      await growth(DURATION, wrong, () =>
        api.query('query Listed { games(first: 0) { totalCount } }', {}, owner),
      ),
    ).toBe(1);
    const { id } = await owner.game();
    expect(
      await growth(DURATION, { operation: 'Written', type: 'mutation', outcome: 'ok' }, () =>
        api.data(
          'mutation Written($id: ID!) { patchGame(input: { id: $id, platform: "x" }) { game { id } } }',
          { id },
          owner,
        ),
      ),
    ).toBe(1);
    expect(
      await growth(DURATION, { operation: 'unnamed', type: 'query' }, () =>
        api.data('{ games { totalCount } }', {}, owner),
      ),
    ).toBe(1);
    expect(await growth(DURATION, { operation: 'none', outcome: 'client_error' }, () => read('Nobody'))).toBe(
      1,
    );
  });

  test('tell whose fault it was, and who did not wait', async () => {
    await api.database.query('ALTER TABLE games RENAME TO hidden_games');
    const failed = { operation: 'Failed', outcome: 'server_error' };
    expect(await growth(DURATION, failed, () => read('Failed', owner))).toBe(1);
    await api.database.query('ALTER TABLE hidden_games RENAME TO games');
    const lock = await Lock.ofTable(api.database, 'games');
    const gone = { operation: 'Gone', outcome: 'client_gone' };
    const grown = await growth(DURATION, gone, async () => {
      const sent = sendAndLeave(api, 'query Gone { games { totalCount } }', owner);
      await untilWaiting(api, 1, 0);
      sent.leave();
    });
    await lock.release();
    expect(grown).toBe(1);
    expect(
      sumOf(await scrape(api.origin), 'http_request_duration_seconds_count', {
        route: '/graphql',
        status: '499',
      }),
    ).toBe(1);
  });

  test('have at most fifty names, however many are sent', async () => {
    for (let number = 0; number < 70; number++) await read(`Made${number}`, owner);
    const operations = async (): Promise<Set<string | undefined>> =>
      new Set(
        (await scrape(api.origin))
          .filter(({ name }) => name === DURATION)
          .map(({ labels }) => labels['operation']),
      );
    await until(async () => sumOf(await scrape(api.origin), DURATION, { operation: 'other' }) >= 20);
    // Beside "other" and "none".
    expect((await operations()).size).toBeLessThanOrEqual(52);
    // Another caller has a place all the same.
    const bob = await rows.owner();
    expect(await growth(DURATION, { operation: 'OfBob', outcome: 'ok' }, () => read('OfBob', bob))).toBe(1);
    expect((await operations()).size).toBeLessThanOrEqual(52);
  });
});

describe('the names that are told apart', () => {
  const names = (max: number): { readonly of: OperationNames; readonly forgotten: string[] } => {
    const forgotten: string[] = [];
    return { of: new OperationNames(max, (name) => forgotten.push(name)), forgotten };
  };

  test('are not those of who is nobody in particular', () => {
    const { of } = names(3);
    expect(of.labelFor('A', '', 0)).toBe('other');
    expect(of.labelFor('A', 'alice', 0)).toBe('A');
    expect(of.labelFor('A', '', 1)).toBe('A');
  });

  test('of one caller may be all, until another one comes: then each has a share', () => {
    const { of, forgotten } = names(4);
    for (const name of ['A', 'B', 'C', 'D']) expect(of.labelFor(name, 'alice', 0)).toBe(name);
    expect(of.labelFor('E', 'alice', 1)).toBe('other');
    of.labelFor('A', 'alice', 2);
    expect(of.labelFor('X', 'bob', 3)).toBe('X');
    expect(of.labelFor('Y', 'bob', 3)).toBe('Y');
    // The ones that were not used for the longest.
    expect(forgotten).toEqual(['B', 'C']);
    expect(of.labelFor('Z', 'bob', 4)).toBe('other');
    expect(of.labelFor('B', 'alice', 4)).toBe('other');
    expect(of.labelFor('A', 'alice', 4)).toBe('A');
  });

  test('make room when nobody has used them for ten minutes', () => {
    const { of, forgotten } = names(2);
    of.labelFor('A', 'alice', 0);
    of.labelFor('B', 'alice', 1_000);
    expect(of.labelFor('C', 'alice', 599_999)).toBe('other');
    expect(of.labelFor('C', 'alice', 600_000)).toBe('C');
    expect(forgotten).toEqual(['A']);
  });
});

test('the scrape tells the version, whether the server is ready, and each count from the start', async () => {
  const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8');
  const { version } = JSON.parse(text) as { readonly version: string };
  const samples = await scrape(api.origin);
  expect(samples.filter(({ name }) => name === 'game_graphql_build_info')).toEqual([
    { name: 'game_graphql_build_info', labels: { version }, value: 1 },
  ]);
  // Nobody has announced this server.
  expect(samples.find(({ name }) => name === 'game_graphql_ready')).toMatchObject({ value: 0 });
  for (const [name, labels] of [
    ['graphql_errors_total', { code: 'OUTCOME_UNKNOWN' }],
    ['graphql_rate_limited_total', { by: 'address' }],
    ['graphql_requests_shed_total', { reason: 'timeout' }],
    ['database_permits_refused_total', { reason: 'queue_full' }],
    ['database_retries_total', { what: 'transaction', reason: 'connection_lost' }],
  ] as const) {
    expect(
      samples.filter((sample) => sample.name === name && sumOf([sample], name, labels) === 0),
    ).not.toEqual([]);
  }
  expect(sumOf(samples, 'nodejs_eventloop_active_seconds_total')).toBeGreaterThan(0);
});

test('what holds connections and what waits for one is told by what it is', async () => {
  const lock = await Lock.ofTable(api.database, 'games');
  const mutation =
    'mutation { createGame(input: { externalGameId: "held-one", platform: "web" }) { game { id } } }';
  const sent = [
    ...Array.from({ length: 5 }, () => sendAndLeave(api, '{ games { totalCount } }', owner)),
    sendAndLeave(api, mutation, await rows.owner()),
  ];
  try {
    // Of one caller three run, of the other one.
    await untilWaiting(api, 4, 2);
    const samples = await scrape(api.origin);
    const permits = (purpose: string, state: string): number =>
      sumOf(samples, 'database_permits', { purpose, state });
    expect([permits('statement', 'held'), permits('statement', 'waiting')]).toEqual([3, 2]);
    expect([permits('transaction', 'held'), permits('transaction', 'waiting')]).toEqual([1, 0]);
    expect(sumOf(samples, 'database_pool_connections', { pool: 'requests', state: 'busy' })).toBe(4);
    expect(sumOf(samples, 'database_pool_max_connections')).toBe(10);
    expect(sumOf(samples, 'graphql_requests_running')).toBe(6);
  } finally {
    await lock.release();
  }
  for (const { answer } of sent) expect(await answer).toMatchObject({ status: 200 });
  const samples = await until(async () => {
    const now = await scrape(api.origin);
    return sumOf(now, 'graphql_requests_running') === 0 && now;
  });
  expect(sumOf(samples, 'database_permits')).toBe(0);
});

test('mutations with an Idempotency-Key are counted by what came of the key', async () => {
  const body = (platform: string): string =>
    JSON.stringify({
      query: `mutation { createGame(input: { externalGameId: "counted-one", platform: "${platform}" }) { game { id } } }`,
    });
  const counted = (result: string, platform: string): Promise<number> =>
    growth('graphql_idempotent_mutations_total', { result }, () =>
      send(api.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-api-key': owner.key, 'idempotency-key': 'one' },
        body: body(platform),
      }),
    );
  expect(await counted('done', 'a')).toBe(1);
  expect(await counted('replayed', 'a')).toBe(1);
  expect(await counted('other_operation', 'b')).toBe(1);
});

test('statements, their time, and those that were run again are counted', async () => {
  expect(
    await growth('database_statements_total', {}, () =>
      api.data('{ games { totalCount } strategies { totalCount } }', {}, owner),
    ),
  ).toBeGreaterThanOrEqual(2);
  expect(await growth('database_statement_seconds_total', {}, () => read('Timed', owner))).toBeGreaterThan(0);
  const lost = { what: 'statement', reason: 'connection_lost' };
  // A read is sent again only where the server has not noticed yet that its connections have ended.
  await until(async () => {
    await api.database.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'game-graphql'`,
    );
    await Promise.all([read('Again', owner), read('Again', owner)]);
    return sumOf(await scrape(api.origin), 'database_retries_total', lost) > 0;
  });
});
