import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { MUTATION_NAMES, prepareMutation } from '../faults/mutations.js';
import type { AnswerError, Api, ApiOptions, Credentials, Variables } from '../support/api.js';
import { rowsOf, type Game, type Owner, type Rows } from '../support/builders.js';
import { ChaosProxy } from '../support/chaos-proxy.js';
import { startIssuer, type Issuer } from '../support/issuer.js';
import { until } from '../support/process.js';
import { startRedis, REDIS } from '../support/redis.js';
import {
  replicasOf,
  startReplication,
  statementsOf,
  type Replication,
  type Standby,
} from '../support/replicas.js';

let replication: Replication;
let rows: Rows;
let alice: Owner;
let first: Standby;
let second: Standby;
let issuer: Issuer;

const cleanups: (() => Promise<unknown>)[] = [];
beforeAll(async () => {
  // A statement that is in the way of what is replayed is cancelled at once.
  replication = await startReplication(2, { max_standby_streaming_delay: 0 });
  rows = rowsOf(replication.database);
  const [one, other] = replication.standbys;
  if (one === undefined || other === undefined) throw new Error('There are not two standbys.');
  [first, second] = [one, other];
  alice = await rows.owner();
  issuer = await startIssuer();
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  for (const standby of replication.standbys) await standby.resume();
  await replication.caughtUp();
});
afterAll(async () => {
  await issuer.close();
  await replication.stop();
});

async function start(env: NodeJS.ProcessEnv = {}, options: ApiOptions = {}): Promise<Api> {
  const api = await replication.startApi({ env: { ...issuer.env, ...env }, ...options });
  cleanups.push(() => api.close());
  return api;
}

interface Read {
  readonly status: number;
  readonly position: string | null;
  readonly data: Readonly<Record<string, unknown>> | null;
  readonly errors: readonly AnswerError[];
}

/** Sends an operation with a position. */
async function send(
  api: Api,
  document: string,
  variables: Variables,
  as: Credentials,
  headers: Readonly<Record<string, string>> = {},
): Promise<Read> {
  const response = await fetch(api.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(as.key === undefined ? {} : { 'x-api-key': as.key }),
      ...(as.token === undefined ? {} : { authorization: `Bearer ${as.token}` }),
      ...headers,
    },
    body: JSON.stringify({ query: document, variables }),
  });
  const body = (await response.json()) as { readonly data?: Read['data']; readonly errors?: Read['errors'] };
  const position = response.headers.get('wal-position');
  return { status: response.status, position, data: body.data ?? null, errors: body.errors ?? [] };
}

const PLATFORM = 'query ($id: ID!) { game(id: $id) { platform } }';
const PATCH =
  'mutation ($id: ID!, $platform: String!) { patchGame(input: { id: $id, platform: $platform }) { game { platform } } }';

/** The platform of a game, as a query reads it. */
async function platformOf(
  api: Api,
  game: Game,
  as: Credentials,
  headers?: Readonly<Record<string, string>>,
): Promise<unknown> {
  const { data, errors } = await send(api, PLATFORM, { id: game.id }, as, headers);
  expect(errors).toEqual([]);
  return (data as { game: { platform: unknown } }).game.platform;
}

/** What GAME writes, past the server. */
const writeElsewhere = (game: Game, platform: string): Promise<unknown> =>
  replication.database.query('UPDATE games SET platform = $2 WHERE id = $1', [game.id, platform]);

/** A game that both standbys know, in its first state. */
async function replicatedGame(platform = 'before'): Promise<Game> {
  const game = await alice.game({ platform });
  await replication.caughtUp();
  return game;
}

/** Somebody who has not sent anything yet, and may see all games. */
const newcomer = (): Promise<Credentials> => issuer.admin(`admin-${randomUUID()}`);

const pauseAll = (): Promise<unknown> => Promise.all(replication.standbys.map((standby) => standby.pause()));

describe('a query', () => {
  test('is answered by a replica, and a mutation by the primary', async () => {
    const api = await start();
    const game = await replicatedGame();
    await pauseAll();
    await writeElsewhere(game, 'after');
    expect(await platformOf(api, game, await newcomer())).toBe('before');
    const entities = 'query ($of: [_Any!]!) { _entities(representations: $of) { ... on Game { platform } } }';
    const read = await send(api, entities, { of: [{ __typename: 'Game', id: game.id }] }, await newcomer());
    expect(read).toMatchObject({ data: { _entities: [{ platform: 'before' }] } });
    const { data } = await send(
      api,
      'mutation ($id: ID!) { patchGame(input: { id: $id, params: { add: [{ key: "k", value: "v" }] } }) { game { platform } } }',
      { id: game.id },
      alice,
    );
    expect(data).toEqual({ patchGame: { game: { platform: 'after' } } });
  });

  test('tells by its error what a replica does not know yet', async () => {
    const api = await start();
    await pauseAll();
    const game = await alice.game();
    const { errors, position } = await send(api, PLATFORM, { id: game.id }, alice);
    expect(errors.map(({ extensions }) => extensions.code)).toEqual(['NOT_FOUND']);
    expect(position).toMatch(/^1:[0-9A-F]+\/[0-9A-F]+$/);
  });

  test('has all its fields from one replica', async () => {
    const api = await start();
    const game = await replicatedGame();
    await second.pause();
    await writeElsewhere(game, 'after');
    await until(async () => {
      const [row] = await first.query<{ platform: string }>('SELECT platform FROM games WHERE id = $1', [
        game.id,
      ]);
      return row?.platform === 'after';
    });
    const fields = Array.from({ length: 6 }, (_, index) => `f${index}: game(id: $id) { platform }`).join(' ');
    const seen = new Set<string>();
    for (let number = 0; number < 12; number++) {
      const { data } = await send(api, `query ($id: ID!) { ${fields} }`, { id: game.id }, await newcomer());
      const platforms = new Set(
        Object.values(data ?? {}).map((value) => (value as { platform: string }).platform),
      );
      expect(platforms.size).toBe(1);
      for (const platform of platforms) seen.add(platform);
    }
    expect([...seen].sort()).toEqual(['after', 'before']);
  });

  test('finds an API key, and what an Idempotency-Key stands for, on the primary', async () => {
    const api = await start();
    const game = await replicatedGame();
    await pauseAll();
    const bob = await rows.owner();
    expect((await send(api, '{ games { totalCount } }', {}, bob)).data).toEqual({ games: { totalCount: 0 } });
    const key = { 'idempotency-key': randomUUID() };
    const patch = { id: game.id, platform: 'once' };
    const [one, again] = [
      await send(api, PATCH, patch, alice, key),
      await send(api, PATCH, patch, alice, key),
    ];
    expect(one.data).toEqual({ patchGame: { game: { platform: 'once' } } });
    expect(again.data).toEqual(one.data);
  });
});

describe('whoever has written reads what was written', () => {
  test.each(MUTATION_NAMES)('by %s, at once, while no replica has replayed it', async (name) => {
    const api = await start();
    const as = name === 'rollbackStrategy' ? await issuer.admin(`root-${randomUUID()}`) : alice;
    const { document, variables } = await prepareMutation(name, rows, alice);
    await replication.caughtUp();
    const before = await allThatIsSeen(api, as);
    const { answered } = await statementsOf(api);
    expect(answered).toBeGreaterThan(0);
    await pauseAll();
    const written = await send(api, document, variables, as);
    expect(written.errors).toEqual([]);
    const after = await allThatIsSeen(api, as);
    await allThatIsSeen(api, as, { 'wal-position': written.position ?? '' });
    expect(after).not.toEqual(before);
    expect((await replicasOf(api)).map(({ status }) => status)).toEqual(['used', 'used']);
    for (const standby of replication.standbys) await standby.resume();
    await replication.caughtUp();
    expect(await allThatIsSeen(api, as)).toEqual(after);
  });

  /** Everything that a mutation can change. */
  async function allThatIsSeen(api: Api, as: Credentials, headers = {}): Promise<unknown> {
    const tasks = 'tasks(first: 5) { totalCount nodes { id externalTaskId status params { key } } }';
    const games = `games(first: 50) { totalCount nodes { id version strategyId params { key value } ${tasks} } }`;
    const moves = 'strategyReassignments(first: 100) { totalCount nodes { id undoneAt } }';
    const strategies = 'strategies(first: 100) { totalCount nodes { id status } }';
    const { data, errors } = await send(api, `{ ${games} ${moves} ${strategies} }`, {}, as, headers);
    expect(errors).toEqual([]);
    return data;
  }

  test('also where the mutation was refused, because that shows what is stored', async () => {
    const api = await start();
    const game = await replicatedGame();
    await pauseAll();
    await writeElsewhere(game, 'after');
    const refused = await send(
      api,
      'mutation ($id: ID!) { patchGame(input: { id: $id, platform: "x", expectedVersion: "other" }) { game { id } } }',
      { id: game.id },
      alice,
    );
    expect(refused.errors.map(({ extensions }) => extensions.code)).toEqual(['CONFLICT']);
    expect(await platformOf(api, game, alice)).toBe('after');
  });

  test('and a replica again, once it has replayed that', async () => {
    const api = await start();
    const game = await replicatedGame();
    await send(api, PATCH, { id: game.id, platform: 'mine' }, alice);
    await replication.caughtUp();
    const { answered } = await statementsOf(api);
    await until(async () => {
      expect(await platformOf(api, game, alice)).toBe('mine');
      return (await statementsOf(api)).answered > answered;
    });
  });
});

describe('nobody reads older than what was seen', () => {
  test('while one replica is ahead of the other', async () => {
    const api = await start();
    const game = await replicatedGame();
    await second.pause();
    await writeElsewhere(game, 'after');
    const reader = await newcomer();
    await until(async () => (await platformOf(api, game, reader)) === 'after');
    for (let number = 0; number < 30; number++) expect(await platformOf(api, game, reader)).toBe('after');
    // To others both are good enough.
    const seen = new Set<unknown>();
    for (let number = 0; number < 10; number++) seen.add(await platformOf(api, game, await newcomer()));
    expect(seen).toContain('before');
  });

  test('on the primary, where that has answered while replicas were away', async () => {
    const [one, other] = [await ChaosProxy.start(first.url), await ChaosProxy.start(second.url)];
    cleanups.push(
      () => one.close(),
      () => other.close(),
    );
    const api = await start({ DATABASE_REPLICA_URL: `${one.url},${other.url}` });
    const game = await replicatedGame();
    await pauseAll();
    await writeElsewhere(game, 'after');
    expect(await platformOf(api, game, await newcomer())).toBe('before');
    for (const proxy of [one, other]) proxy.fallSilent();
    const reader = await newcomer();
    await until(async () => (await replicasOf(api)).every(({ status }) => status === 'left out'));
    expect(await platformOf(api, game, reader)).toBe('after');
    for (const proxy of [one, other]) proxy.heal();
    await until(async () => (await replicasOf(api)).every(({ status }) => status === 'used'));
    expect(await platformOf(api, game, await newcomer())).toBe('before');
    expect(await platformOf(api, game, reader)).toBe('after');
  });
});

describe('the header WAL-Position', () => {
  test('carries to another server what was written and seen', async () => {
    const [one, other] = [await start(), await start()];
    const game = await replicatedGame();
    await pauseAll();
    const { position } = await send(one, PATCH, { id: game.id, platform: 'after' }, alice);
    expect(position).toMatch(/^1:[0-9A-F]{1,8}\/[0-9A-F]{1,8}$/);
    expect(await platformOf(other, game, alice)).toBe('before');
    const headers = { 'wal-position': position ?? '' };
    expect(await platformOf(other, game, alice, headers)).toBe('after');
    expect(await platformOf(other, game, await newcomer(), headers)).toBe('after');
  });

  test('of an answer covers what the request sent and what it was shown', async () => {
    const api = await start();
    const game = await replicatedGame();
    const { position } = await send(api, PATCH, { id: game.id, platform: 'after' }, alice);
    for (let number = 0; number < 20; number++) {
      const read = await send(api, PLATFORM, { id: game.id }, await newcomer(), {
        'wal-position': position ?? '',
      });
      expect(lsnOf(read.position)).toBeGreaterThanOrEqual(lsnOf(position));
      expect(read.data).toEqual({ game: { platform: 'after' } });
    }
  });

  const lsnOf = (position: string | null): bigint => {
    const [, high = '', low = ''] = /^1:(\w+)\/(\w+)$/.exec(position ?? '') ?? [];
    return (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`);
  };

  test.each(['4294967295:FFFFFFFF/FFFFFFFF', '1:FFFFFFFF/FFFFFFFF', '2:0/1'])(
    'of the future, such as %s, is answered by the primary, with a position of today',
    async (future) => {
      const api = await start();
      const game = await replicatedGame();
      await pauseAll();
      await writeElsewhere(game, 'after');
      const reader = await newcomer();
      const read = await send(api, PLATFORM, { id: game.id }, reader, { 'wal-position': future });
      expect(read.data).toEqual({ game: { platform: 'after' } });
      expect(read.position).toMatch(/^1:0\//);
      // Nobody else is kept from the replicas by it, and neither is the reader, for longer than they take.
      expect(await platformOf(api, game, await newcomer())).toBe('before');
      for (const standby of replication.standbys) await standby.resume();
      await replication.caughtUp();
      const { answered } = await statementsOf(api);
      await until(async () => {
        expect(await platformOf(api, game, reader)).toBe('after');
        return (await statementsOf(api)).answered > answered;
      });
    },
  );

  test.each([
    '',
    '0/0',
    '1:',
    '1:0',
    '1:G/0',
    '1:123456789/0',
    '-1:0/0',
    '4294967296:0/0',
    '1:0/0, 1:0/0',
    "1:0/0' OR",
  ])('that is no position (%j) is refused, and says what is allowed', async (header) => {
    const api = await start();
    const { status, errors } = await send(api, '{ games { totalCount } }', {}, alice, {
      'wal-position': header,
    });
    expect(status).toBe(400);
    expect(errors).toEqual([
      {
        message: expect.stringMatching(/^WAL-Position: must be .*such as 1:16\/B374D848\.$/),
        extensions: {
          code: 'BAD_USER_INPUT',
          problems: [expect.objectContaining({ argument: 'WAL-Position' })],
        },
      },
    ]);
  });

  test('may be read by pages of other origins', async () => {
    const api = await start({ CORS_ORIGINS: 'https://app.example.org' });
    const response = await fetch(api.url, { headers: { origin: 'https://app.example.org' } });
    expect(response.headers.get('access-control-expose-headers')).toContain('wal-position');
  });

  test('is not there without a statement', async () => {
    const api = await start();
    expect((await send(api, '{ viewer { isAdmin } }', {}, alice)).position).toBeNull();
  });
});

(REDIS.isThere ? describe : describe.skip)('servers that share a Redis', () => {
  test('know what was written and seen through the other one; without Redis they read the primary', async () => {
    const redis = await startRedis();
    cleanups.push(() => redis.kill());
    const [one, other] = [await start({ REDIS_URL: redis.url }), await start({ REDIS_URL: redis.url })];
    const game = await replicatedGame();
    // Redis may have lost what matters, as long as it was not there for some time.
    await pauseAll();
    await writeElsewhere(game, 'early');
    expect(await platformOf(other, game, await newcomer())).toBe('early');
    for (const standby of replication.standbys) await standby.resume();
    const isRead = async (api: Api): Promise<boolean> => {
      await platformOf(api, game, await newcomer());
      return (await statementsOf(api)).answered > 0;
    };
    await until(async () => (await isRead(one)) && isRead(other));

    await pauseAll();
    await writeElsewhere(game, 'elsewhere');
    expect(await platformOf(other, game, await newcomer())).toBe('early');
    await send(one, PATCH, { id: game.id, platform: 'after' }, alice);
    expect(await platformOf(other, game, alice)).toBe('after');
    expect(await platformOf(one, game, alice)).toBe('after');
    expect(await platformOf(other, game, await newcomer())).toBe('early');
    expect((await replicasOf(other)).map(({ status }) => status)).toEqual(['used', 'used']);

    await redis.kill();
    await writeElsewhere(game, 'last');
    expect(await platformOf(other, game, await newcomer())).toBe('last');
  });
});

describe('a replica', () => {
  /** Reads all the time; counts what went wrong. */
  function readOn(
    api: Api,
    game: Game,
  ): { stop(): Promise<{ readonly errors: unknown[]; readonly count: number }> } {
    const errors: unknown[] = [];
    const over = new AbortController();
    let count = 0;
    const one = async (): Promise<void> => {
      while (!over.signal.aborted) {
        const read = await send(api, PLATFORM, { id: game.id }, alice);
        if (read.errors.length > 0) errors.push(read.errors);
        count++;
      }
    };
    const running = Promise.all([one(), one(), one(), one()]);
    return {
      stop: async () => {
        over.abort();
        await running;
        return { errors, count };
      },
    };
  }

  const status = async (api: Api, replica: number): Promise<string | undefined> =>
    (await replicasOf(api)).find((told) => told.replica === replica)?.status;

  test('that crashes is left out, and taken back by itself, without an error', async () => {
    const api = await start();
    const ofSecond = ({ msg }: { readonly msg?: unknown }): boolean => String(msg).startsWith('Replica 2');
    const game = await replicatedGame();
    const reading = readOn(api, game);
    await until(async () => (await statementsOf(api)).answered > 50);
    for (const signal of ['SIGQUIT', 'SIGINT'] as const) {
      await second.server.end(signal);
      // A failed statement leaves it out at once; the log tells of it at the next probe.
      await until(() => api.log.findLast(ofSecond)?.['msg'] === 'Replica 2 is left out: it does not answer.');
      expect(await status(api, 2)).toBe('left out');
      expect(await status(api, 1)).toBe('used');
      await second.server.begin();
      await until(async () => (await status(api, 2)) === 'used');
    }
    expect((await reading.stop()).errors).toEqual([]);
    expect(api.log.filter(ofSecond)).toEqual([
      expect.objectContaining({ msg: 'Replica 2 is used.' }),
      expect.objectContaining({ msg: 'Replica 2 is left out: it does not answer.' }),
      expect.objectContaining({ msg: 'Replica 2 is used.' }),
      expect.objectContaining({ msg: 'Replica 2 is left out: it does not answer.' }),
      expect.objectContaining({ msg: 'Replica 2 is used.' }),
    ]);
  });

  test('that falls silent is left out, with what runs on it, and taken back by itself, without an error', async () => {
    const proxy = await ChaosProxy.start(first.url);
    cleanups.push(() => proxy.close());
    const api = await start({ DATABASE_REPLICA_URL: proxy.url });
    const game = await replicatedGame();
    const reading = readOn(api, game);
    await until(async () => (await statementsOf(api)).answered > 50);
    proxy.fallSilent();
    await until(async () => (await status(api, 1)) === 'left out');
    const { answered, failed } = await statementsOf(api);
    expect(failed).toBeGreaterThan(0);
    proxy.heal();
    await until(
      async () => (await status(api, 1)) === 'used' && (await statementsOf(api)).answered > answered,
    );
    expect((await reading.stop()).errors).toEqual([]);
  });

  test('whose statements are cancelled, or whose connections are ended, does not show it', async () => {
    const api = await start();
    const game = await replicatedGame();
    const reading = readOn(api, game);
    await until(async () => (await statementsOf(api)).answered > 50);
    for (const way of ['pg_cancel_backend', 'pg_terminate_backend']) {
      const { failed } = await statementsOf(api);
      await until(async () => {
        await first.query(
          `DO $$ BEGIN FOR number IN 1..500 LOOP
             PERFORM ${way}(pid) FROM pg_stat_activity WHERE application_name = 'game-graphql' AND state = 'active';
             PERFORM pg_stat_clear_snapshot();
           END LOOP; END $$`,
        );
        return (await statementsOf(api)).failed > failed;
      });
    }
    expect((await reading.stop()).errors).toEqual([]);
  });

  test('on which statements collide with what it replays does not show it', async () => {
    const api = await start();
    const game = await replicatedGame();
    const reading = readOn(api, game);
    await until(async () => (await statementsOf(api)).answered > 50);
    const { failed } = await statementsOf(api);
    const collisions = async (): Promise<number> => {
      const counts = await Promise.all(
        replication.standbys.map((standby) =>
          standby.query<{ count: string }>(
            'SELECT confl_lock AS count FROM pg_stat_database_conflicts WHERE datname = current_database()',
          ),
        ),
      );
      return counts.flat().reduce((sum, { count }) => sum + Number(count), 0);
    };
    await until(async () => {
      for (let number = 0; number < 20; number++) {
        await replication.database.query('BEGIN; LOCK TABLE games IN ACCESS EXCLUSIVE MODE; COMMIT');
      }
      return (await statementsOf(api)).failed > failed && (await collisions()) > 0;
    });
    expect((await reading.stop()).errors).toEqual([]);
  });

  test('that replays nothing for long is left out, until it does, and readiness tells how far it is', async () => {
    const api = await start();
    const game = await replicatedGame();
    await second.pause();
    await writeElsewhere(game, 'after');
    await until(async () => (await status(api, 2)) === 'left out');
    const [, told] = await replicasOf(api);
    expect(told?.reason).toBe('it is more than 10 s behind the primary');
    expect(await status(api, 1)).toBe('used');
    for (let number = 0; number < 10; number++)
      expect(await platformOf(api, game, await newcomer())).toBe('after');
    await second.resume();
    await until(async () => (await status(api, 2)) === 'used');
  });

  test('that is none is never read: another cluster, another database, a primary, nothing', async () => {
    const { url } = replication.database;
    const elsewhere = new URL(first.url);
    elsewhere.pathname = '/postgres';
    const urls = [url, elsewhere.href, 'postgres://postgres@127.0.0.1:1/game'];
    const api = await startAny({ DATABASE_REPLICA_URL: urls.join() });
    const expected = [
      'it is no replica (any more)',
      'it names another database than DATABASE_URL',
      'it does not answer',
    ];
    await until(async () => (await replicasOf(api)).map(({ reason }) => reason).join() === expected.join());
    const ready = await fetch(`${api.origin}/health/ready`);
    expect(ready.status).toBe(200);
    expect(await ready.text()).not.toMatch(/127\.0\.0\.1|postgres:/);
    const game = await alice.game({ platform: 'new' });
    expect(await platformOf(api, game, alice)).toBe('new');
    expect(await statementsOf(api)).toEqual({ answered: 0, behind: 0, failed: 0 });
  });

  async function startAny(env: NodeJS.ProcessEnv): Promise<Api> {
    const api = await replication.startApi({ env: { ...issuer.env, ...env }, isUsed: false });
    cleanups.push(() => api.close());
    return api;
  }
});

describe('without replicas', () => {
  test('nothing is asked, and no header is read or sent', async () => {
    const api = await start({ DATABASE_REPLICA_URL: '' });
    const { status, position, errors } = await send(api, '{ games { totalCount } }', {}, alice, {
      'wal-position': 'x',
    });
    expect({ status, position, errors }).toEqual({ status: 200, position: null, errors: [] });
    expect(await replicasOf(api)).toEqual([]);
    expect(await (await fetch(`${api.origin}/metrics`)).text()).not.toContain('replica');
  });
});
