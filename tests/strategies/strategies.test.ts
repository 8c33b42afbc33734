import { beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { startApi, type Credentials, type Variables } from '../support/api.js';
import type { Owner, Strategy } from '../support/builders.js';
import { useApiAndIssuer } from '../support/use-api.js';

const BUILT_INS = [
  'constantEffortStrategy',
  'default',
  'getis_ord_gi_star',
  'greencrowdStrategy',
  'greengageStrategy',
  'socio_bee',
];

const { api, issuer, rows } = useApiAndIssuer({ env: { STRATEGY_REALM: 'the-realm' } });
let admin: Credentials;

beforeAll(async () => {
  admin = await issuer.admin('root');
});

interface StrategyAnswer {
  readonly id: string;
  readonly kind: string;
  readonly name: string;
  readonly version: string;
  readonly status: string;
}
interface Page {
  readonly totalCount: number;
  readonly nodes: readonly StrategyAnswer[];
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly startCursor: string | null;
    readonly endCursor: string | null;
  };
}

const LIST = `query ($first: Int, $after: String, $last: Int, $before: String, $filter: StrategyFilter) {
  strategies(first: $first, after: $after, last: $last, before: $before, filter: $filter) {
    totalCount nodes { id kind name version status } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`;
const ONE = 'query ($id: ID!) { strategy(id: $id) { id name realm } }';

async function list(as: Credentials, variables: Variables = { first: 100 }): Promise<Page> {
  return (await api.data<{ strategies: Page }>(LIST, variables, as)).strategies;
}

/** The custom strategies of a list, as `name version`. */
async function customOf(as: Credentials, filter: Variables = {}): Promise<string[]> {
  const { nodes } = await list(as, { first: 100, filter: { kind: 'CUSTOM', ...filter } });
  return nodes.map(({ name, version }) => `${name} ${version}`);
}

test('built-ins come first, by id; each has the version that GAME has', async () => {
  const document = '{ strategies { nodes { id kind name version status description realm publishedAt } } }';
  const versions = ['0.0.1', '0.0.2', '0.0.1', '1.0.0', '0.0.1', '0.0.2'];
  expect(await api.data(document, {}, await rows.owner())).toEqual({
    strategies: {
      nodes: BUILT_INS.map((id, index) => ({
        id,
        kind: 'BUILT_IN',
        name: id,
        version: versions[index],
        status: 'PUBLISHED',
        description: null,
        realm: null,
        publishedAt: null,
      })),
    },
  });
});

test('custom ones follow by the code points of their names, the newest version first', async () => {
  const owner = await rows.owner();
  for (const [name, version] of [
    ['b', 2],
    ['b', 10],
    ['a', 1],
    ['é', 1],
    ['Z', 1],
    ['b', 9],
    ['default', 1],
    ['🦉', 1],
    ['\uff5e', 1],
  ] as const) {
    await owner.strategy({ name, version });
  }
  const { nodes } = await list(owner);
  expect(nodes.slice(0, 6).map(({ id }) => id)).toEqual(BUILT_INS);
  expect(nodes.slice(6).map(({ name, version }) => `${name} ${version}`)).toEqual([
    'Z 1',
    'a 1',
    'b 10',
    'b 9',
    'b 2',
    'default 1',
    'é 1',
    '\uff5e 1',
    '🦉 1',
  ]);
});

test('a custom strategy shows what it is', async () => {
  const owner = await rows.owner();
  const { strategyId } = await owner.strategy({
    name: 'shown',
    version: 3,
    description: 'For walkers',
    publishedAt: '2026-01-02T03:04:05.000006Z',
  });
  const fields = 'id kind name version status description realm publishedAt';
  const document = `query ($id: ID!) { strategy(id: $id) { ${fields} versions { ${fields} } } }`;
  const expected = {
    id: strategyId,
    kind: 'CUSTOM',
    name: 'shown',
    version: '3',
    status: 'PUBLISHED',
    description: 'For walkers',
    realm: owner.prefix,
    publishedAt: '2026-01-02T03:04:05.000006Z',
  };
  expect(await api.data(document, { id: strategyId }, owner)).toEqual({
    strategy: { ...expected, versions: [expected] },
  });
});

describe('filters', () => {
  let owner: Owner;
  beforeAll(async () => {
    owner = await rows.owner();
    await owner.strategy({ name: 'walk', version: 1, status: 'ARCHIVED' });
    await owner.strategy({ name: 'walk', version: 2, status: 'PUBLISHED' });
    await owner.strategy({ name: 'Walk', version: 1, status: 'DRAFT' });
    await owner.strategy({ name: 'run_100%', version: 1, status: 'RETIRED' });
    await owner.strategy({ name: 'run', version: 1, status: '' });
  });

  test.each<[Variables, string[]]>([
    [{ status: { eq: 'PUBLISHED' } }, ['walk 2']],
    [{ status: { eq: 'ARCHIVED' } }, ['run 1', 'run_100% 1', 'walk 1']],
    [{ status: { in: ['DRAFT', 'PUBLISHED'] } }, ['Walk 1', 'walk 2']],
    [{ status: { in: [] } }, []],
    [{ status: { eq: 'DRAFT', in: ['PUBLISHED'] } }, []],
    [{ status: { eq: null, in: null }, name: null }, ['Walk 1', 'run 1', 'run_100% 1', 'walk 2', 'walk 1']],
    [{ name: { eq: 'walk' } }, ['walk 2', 'walk 1']],
    [{ name: { ne: 'walk' } }, ['Walk 1', 'run 1', 'run_100% 1']],
    [{ name: { containsInsensitive: 'WALK' } }, ['Walk 1', 'walk 2', 'walk 1']],
    [{ name: { contains: '0%' } }, ['run_100% 1']],
    [{ name: { startsWith: 'run_' } }, ['run_100% 1']],
    [{ name: { notIn: ['walk', 'Walk'] }, status: { eq: 'ARCHIVED' } }, ['run 1', 'run_100% 1']],
    [{ name: { isNull: true } }, []],
  ])('%j', async (filter, expected) => {
    expect(await customOf(owner, filter)).toEqual(expected);
  });

  test('by kind: built-ins alone, and all when the kind is null', async () => {
    expect((await list(owner, { filter: { kind: 'BUILT_IN' } })).nodes.map(({ id }) => id)).toEqual(
      BUILT_INS,
    );
    expect((await list(owner, { filter: { kind: null } })).totalCount).toBe(BUILT_INS.length + 5);
    expect((await list(owner, { filter: { name: { eq: 'default' } } })).nodes).toMatchObject([
      { id: 'default' },
    ]);
  });

  test('a status that GAME does not know reads as ARCHIVED', async () => {
    const { nodes } = await list(owner, { filter: { name: { startsWith: 'run' } } });
    expect(nodes.map(({ status }) => status)).toEqual(['ARCHIVED', 'ARCHIVED']);
  });
});

describe('realms', () => {
  let alice: Owner;
  let bob: Owner;
  let user: Credentials;
  let strategies: Record<'alice' | 'bob' | 'realm' | 'nobody', Strategy>;

  beforeAll(async () => {
    [alice, bob] = [await rows.owner(), await rows.owner()];
    user = await issuer.caller({ sub: 'user' });
    const name = 'in-a-realm';
    strategies = {
      alice: await alice.strategy({ name, description: 'alice' }),
      bob: await bob.strategy({ name, description: 'bob', version: 2 }),
      realm: await rows.strategy({ name, description: 'realm', realmId: 'the-realm' }),
      nobody: await rows.strategy({ name, description: 'nobody', realmId: null, version: 4 }),
    };
  });

  test('a key sees its own realm, a token the configured one, both together the key’s, an admin all', async () => {
    const seen = async (as: Credentials): Promise<unknown> => {
      const document =
        '{ strategies(first: 100, filter: { name: { eq: "in-a-realm" } }) { nodes { description } } }';
      type Data = { strategies: { nodes: { description: string }[] } };
      return (await api.data<Data>(document, {}, as)).strategies.nodes
        .map(({ description }) => description)
        .sort();
    };
    expect(await seen(alice)).toEqual(['alice']);
    expect(await seen(bob)).toEqual(['bob']);
    expect(await seen(user)).toEqual(['realm']);
    expect(await seen({ key: alice.key, token: user.token ?? '' })).toEqual(['alice']);
    expect(await seen(admin)).toEqual(['alice', 'bob', 'nobody', 'realm']);
  });

  test('a strategy of another realm is not found, as if it did not exist', async () => {
    const ids = [
      strategies.bob.strategyId,
      strategies.nobody.strategyId,
      `custom:${randomUUID()}`,
      'nonsense',
      '',
    ];
    const answers = await Promise.all(ids.map((id) => api.errors(ONE, { id }, alice)));
    expect(answers[0]?.codes).toEqual(['NOT_FOUND']);
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(await api.data(ONE, { id: strategies.bob.strategyId }, admin)).toMatchObject({
      strategy: { realm: bob.prefix },
    });
  });

  test('a family is of one realm, also for an admin', async () => {
    const document = 'query ($id: ID!) { strategy(id: $id) { versions { id } } }';
    for (const { strategyId } of Object.values(strategies)) {
      expect(await api.data(document, { id: strategyId }, admin)).toEqual({
        strategy: { versions: [{ id: strategyId }] },
      });
    }
  });

  test('nobody in particular is told nothing', async () => {
    for (const document of ['{ strategies { totalCount } }', '{ strategy(id: "default") { id } }']) {
      expect((await api.errors(document)).codes).toEqual(['UNAUTHENTICATED']);
    }
  });
});

test('a family has all its versions, newest first; a built-in has itself', async () => {
  const owner = await rows.owner();
  for (const version of [2, 10, 1, 9])
    await owner.strategy({ name: 'family', version, status: `S${version}` });
  const { strategyId } = await owner.strategy({ name: 'family', version: 3, status: 'DRAFT' });
  await owner.strategy({ name: 'Family', version: 4 });
  const document = `query ($id: ID!) { strategy(id: $id) { version versions { version versions { version } } } }`;
  const versions = ['10', '9', '3', '2', '1'].map((version) => ({ version }));
  expect(await api.data(document, { id: strategyId }, owner)).toEqual({
    strategy: { version: '3', versions: versions.map(({ version }) => ({ version, versions })) },
  });
  const [own] = [{ version: '0.0.2' }];
  expect(await api.data(document, { id: 'default' }, owner)).toEqual({
    strategy: { ...own, versions: [{ ...own, versions: [own] }] },
  });
});

test('a game or task whose strategyId names nothing that the caller may see has no strategy', async () => {
  const owner = await rows.owner();
  const foreign = await (await rows.owner()).strategy();
  const own = await owner.strategy();
  const uuid = own.id;
  const names: Record<string, boolean> = {
    default: true,
    [own.strategyId]: true,
    [foreign.strategyId]: false,
    removedStrategy: false,
    Default: false,
    'default ': false,
    '': false,
    'custom:': false,
    'custom:garbage': false,
    [`custom:${randomUUID()}`]: false,
    [`custom:${uuid.toUpperCase()}`]: false,
    [`custom:${uuid}\n`]: false,
    [`custom: ${uuid}`]: false,
    [`Custom:${uuid}`]: false,
    [`custom:{${uuid}}`]: false,
    [`x\ncustom:${uuid}`]: false,
    [uuid]: false,
    "custom:' OR true --": false,
    ['custom:é'.repeat(50)]: false,
  };
  for (const strategyId of Object.keys(names)) {
    const game = await owner.game({ strategyId });
    await game.task({ strategyId });
  }
  await owner.game({ strategyId: null });
  type Read = { strategyId: string | null; strategy: { id: string } | null };
  const { games } = await api.data<{ games: { nodes: (Read & { tasks: { nodes: Read[] } })[] } }>(
    '{ games(first: 100) { nodes { strategyId strategy { id } tasks { nodes { strategyId strategy { id } } } } } }',
    {},
    owner,
  );
  expect(games.nodes).toHaveLength(Object.keys(names).length + 1);
  for (const game of games.nodes) {
    for (const { strategyId, strategy } of [game, ...game.tasks.nodes]) {
      const isThere = strategyId !== null && names[strategyId];
      expect([strategyId, strategy]).toEqual([strategyId, isThere ? { id: strategyId } : null]);
    }
  }
});

describe('who uses a strategy', () => {
  const USAGE = `query ($id: ID!, $first: Int, $after: String) { strategy(id: $id) {
    games(first: $first, after: $after) { totalCount nodes { externalGameId } pageInfo { hasNextPage hasPreviousPage endCursor } }
    tasks { totalCount nodes { externalTaskId game { externalGameId } } } } }`;
  interface Usage {
    readonly strategy: {
      readonly games: Omit<Page, 'nodes'> & {
        readonly nodes: readonly { readonly externalGameId: string }[];
      };
      readonly tasks: { readonly totalCount: number; readonly nodes: readonly unknown[] };
    };
  }
  const usage = (as: Credentials, variables: Variables): Promise<Usage> =>
    api.data<Usage>(USAGE, variables, as);

  test('is told within what the caller may see, newest first', async () => {
    const [alice, bob] = [await rows.owner(), await rows.owner()];
    const strategyId = 'greengageStrategy';
    const own = await alice.game({
      strategyId,
      externalGameId: 'usage-own',
      created_at: '2026-01-01T00:00:00Z',
    });
    await alice.game({ strategyId, externalGameId: 'usage-new', created_at: '2026-01-02T00:00:00Z' });
    const elsewhere = await alice.game({ externalGameId: 'usage-elsewhere' });
    const foreign = await bob.game({
      strategyId,
      externalGameId: 'usage-foreign',
      created_at: '2026-01-03T00:00:00Z',
    });
    await own.task({ externalTaskId: 'default-task' });
    await elsewhere.task({ externalTaskId: 'own-task', strategyId, created_at: '2026-01-01T00:00:00Z' });
    await foreign.task({ externalTaskId: 'foreign-task', strategyId, created_at: '2026-01-02T00:00:00Z' });
    const names = async (as: Credentials): Promise<unknown> => {
      const { games, tasks } = (await usage(as, { id: strategyId })).strategy;
      return [
        games.totalCount,
        games.nodes.map(({ externalGameId }) => externalGameId),
        tasks.totalCount,
        tasks.nodes,
      ];
    };
    const task = (externalTaskId: string, externalGameId: string): object => ({
      externalTaskId,
      game: { externalGameId },
    });
    const [mine, theirs] = [task('own-task', 'usage-elsewhere'), task('foreign-task', 'usage-foreign')];
    expect(await names(alice)).toEqual([2, ['usage-new', 'usage-own'], 1, [mine]]);
    expect(await names(bob)).toEqual([1, ['usage-foreign'], 1, [theirs]]);
    expect(await names(admin)).toEqual([3, ['usage-foreign', 'usage-new', 'usage-own'], 2, [theirs, mine]]);
    expect(await names(await rows.owner())).toEqual([0, [], 0, []]);
  });

  test('can be paged through; a cursor of another strategy is refused', async () => {
    const owner = await rows.owner();
    const { strategyId } = await owner.strategy();
    const other = await owner.strategy();
    const created_at = '2026-01-01T00:00:00Z';
    for (let number = 0; number < 5; number++) {
      await owner.game({ strategyId, created_at: number === 2 ? null : created_at });
    }
    const found: string[] = [];
    let after: string | null = null;
    do {
      const { games }: Usage['strategy'] = (await usage(owner, { id: strategyId, first: 2, after })).strategy;
      expect(games.totalCount).toBe(5);
      expect(games.pageInfo.hasPreviousPage).toBe(found.length > 0);
      found.push(...games.nodes.map(({ externalGameId }) => externalGameId));
      after = games.pageInfo.hasNextPage ? games.pageInfo.endCursor : null;
    } while (after !== null);
    expect([found.length, new Set(found).size]).toEqual([5, 5]);
    const { endCursor } = (await usage(owner, { id: strategyId, first: 2 })).strategy.games.pageInfo;
    const { errors } = await api.errors(USAGE, { id: other.strategyId, after: endCursor }, owner);
    expect(errors).toMatchObject([{ path: ['strategy', 'games'], extensions: { code: 'BAD_USER_INPUT' } }]);
  });
});

test.each([1, 7, 20, 100])(
  'pages of %i through 60 custom strategies and the built-ins are exact, both ways',
  async (size) => {
    const owner = await rows.owner();
    for (let number = 0; number < 60; number++) {
      await owner.strategy({ name: `name-${number % 13}`, version: number });
    }
    const { nodes: all, totalCount } = await list(owner, { first: 100 });
    expect([all.length, totalCount]).toEqual([66, 66]);
    for (const [count, cursor, edge] of [
      ['first', 'after', 'endCursor'],
      ['last', 'before', 'startCursor'],
    ] as const) {
      const found: StrategyAnswer[] = [];
      let position: string | null = null;
      do {
        const { nodes, pageInfo }: Page = await list(owner, { [count]: size, [cursor]: position });
        const left = all.length - found.length - nodes.length;
        expect(pageInfo).toMatchObject(
          count === 'first'
            ? { hasPreviousPage: found.length > 0, hasNextPage: left > 0 }
            : { hasPreviousPage: left > 0, hasNextPage: found.length > 0 },
        );
        found.splice(count === 'first' ? found.length : 0, 0, ...nodes);
        position = left > 0 ? pageInfo[edge] : null;
      } while (position !== null);
      expect(found).toEqual(all);
    }
  },
);

test('a cursor of another filter is refused', async () => {
  const owner = await rows.owner();
  const { pageInfo } = await list(owner, { first: 2 });
  const { errors } = await api.errors(
    LIST,
    { after: pageInfo.endCursor, filter: { kind: 'BUILT_IN' } },
    owner,
  );
  expect(errors).toMatchObject([
    { extensions: { code: 'BAD_USER_INPUT', problems: [{ argument: 'after' }] } },
  ]);
});

test('a deployment can have built-ins beyond those of GAME, and games can be put on them', async () => {
  const env = { BUILT_IN_STRATEGIES: 'aFurtherOne@3.1.4, default@9.9.9' };
  const other = await startApi({ database: api.database, env });
  try {
    const owner = await rows.owner();
    const { strategies } = await other.data<{ strategies: Page }>(LIST, {}, owner);
    const shown = strategies.nodes.map(({ id, version }) => `${id} ${version}`);
    expect(shown).toHaveLength(7);
    expect(shown.slice(0, 3)).toEqual(['aFurtherOne 3.1.4', 'constantEffortStrategy 0.0.1', 'default 9.9.9']);
    const create = `mutation ($input: CreateGameInput!) { createGame(input: $input) { game { strategy { version } } } }`;
    const input = { externalGameId: 'on-a-further-one', platform: 'web', strategyId: 'aFurtherOne' };
    expect(await other.data(create, { input }, owner)).toEqual({
      createGame: { game: { strategy: { version: '3.1.4' } } },
    });
    // A deployment without it reads the game all the same.
    const document = '{ games { nodes { strategyId strategy { id } } } }';
    expect(await api.data(document, {}, owner)).toEqual({
      games: { nodes: [{ strategyId: 'aFurtherOne', strategy: null }] },
    });
  } finally {
    await other.close();
  }
});

describe('a custom strategy suits games of its realm, which is that of their owner, whoever asks', () => {
  const CREATE = 'mutation ($input: CreateGameInput!) { createGame(input: $input) { game { id } } }';
  const PATCH = 'mutation ($input: PatchGameInput!) { patchGame(input: $input) { game { id } } }';
  const DUPLICATE = 'mutation ($input: DuplicateGameInput!) { duplicateGame(input: $input) { game { id } } }';
  const BULK =
    'mutation ($input: BulkUpdateStrategyIdInput!) { bulkUpdateStrategyId(input: $input) { count } }';
  const columns = { oauth_user_id: 'sharer' };
  let owner: Owner;
  let token: Credentials;
  let both: Credentials;
  let ofKey: string;
  let ofToken: string;
  let taken = 0;

  beforeAll(async () => {
    owner = await rows.owner();
    token = await issuer.caller({ sub: 'sharer' });
    both = { key: owner.key, ...token };
    ofKey = (await owner.strategy()).strategyId;
    ofToken = (await rows.strategy({ realmId: 'the-realm' })).strategyId;
  });

  /** Refused for this argument, and nothing is written. */
  async function expectRefused(
    document: string,
    input: Variables,
    as: Credentials,
    argument: string,
  ): Promise<string> {
    const before = await api.database.dump();
    const { errors } = await api.errors(document, { input }, as);
    expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT', problems: [{ argument }] } }]);
    expect(await api.database.dump()).toBe(before);
    return errors[0]?.message ?? '';
  }
  const newName = (): string => `suited-${++taken}`;

  test('patchGame: a game of the token alone, by key and token; a game of both, by the token alone', async () => {
    const [tokenGame, keyGame, sharedGame] = [
      await rows.game(columns),
      await owner.game(),
      await owner.game(columns),
    ];
    for (const [id, strategyId, as] of [
      [tokenGame.id, ofKey, both],
      [sharedGame.id, ofToken, token],
      [tokenGame.id, ofKey, admin],
      [keyGame.id, ofToken, admin],
    ] as const) {
      await expectRefused(PATCH, { id, strategyId }, as, 'input.strategyId');
    }
    await api.data(PATCH, { input: { id: keyGame.id, strategyId: ofKey } }, both);
    await api.data(PATCH, { input: { id: sharedGame.id, strategyId: ofKey } }, both);
    await api.data(PATCH, { input: { id: tokenGame.id, strategyId: ofToken } }, token);
  });

  test('createGame: an admin with a key is of the realm of the key', async () => {
    const as = { key: owner.key, ...admin };
    const input = { externalGameId: newName(), platform: 'web' };
    await expectRefused(CREATE, { ...input, strategyId: ofToken }, as, 'input.strategyId');
    await expectRefused(CREATE, { ...input, strategyId: ofKey }, admin, 'input.strategyId');
    await api.data(CREATE, { input: { ...input, strategyId: ofKey } }, as);
  });

  test('bulkUpdateStrategyId: those of the other realm are counted, and nothing is moved', async () => {
    const strategyId = 'to-be-moved';
    await rows.game({ strategyId, ...columns });
    await owner.game({ strategyId });
    await owner.game({ strategyId, ...columns });
    for (const more of [{}, { dryRun: true }, { atMost: 10 }]) {
      const move = { oldStrategyId: strategyId, ...more };
      const argument = 'input.newStrategyId';
      expect(await expectRefused(BULK, { ...move, newStrategyId: ofKey }, both, argument)).toContain(
        '1 of the 3 games',
      );
      // The token alone sees two of them, of which one is the key's as well.
      expect(await expectRefused(BULK, { ...move, newStrategyId: ofToken }, token, argument)).toContain(
        '1 of the 2 games',
      );
    }
    expect(
      await api.data(BULK, { input: { oldStrategyId: strategyId, newStrategyId: ofKey } }, owner),
    ).toEqual({ bulkUpdateStrategyId: { count: 2 } });
  });

  test('duplicateGame: the copy is the caller’s, and so must be its strategy and those of its tasks', async () => {
    const [game, withTask, builtIn] = [
      await owner.game({ strategyId: ofKey }),
      await owner.game(columns),
      await owner.game(columns),
    ];
    await withTask.task({ strategyId: ofKey });
    await builtIn.task({ strategyId: 'removed' });
    const tokenGame = await rows.game({ strategyId: ofToken, ...columns });
    const archived = await owner.game({
      strategyId: (await owner.strategy({ status: 'ARCHIVED' })).strategyId,
    });
    const copy = (id: string): Variables => ({ id, externalGameId: newName() });
    for (const [{ id }, as] of [
      [game, admin],
      [withTask, admin],
      [withTask, token],
      [tokenGame, both],
    ] as const) {
      await expectRefused(DUPLICATE, copy(id), as, 'input.id');
      await expectRefused(DUPLICATE, { ...copy(id), dryRun: true }, as, 'input.id');
    }
    for (const [{ id }, as] of [
      [game, owner],
      [game, { key: owner.key, ...admin }],
      [withTask, both],
      [tokenGame, token],
      [tokenGame, admin],
      [builtIn, token],
      [archived, owner],
    ] as const) {
      await api.data(DUPLICATE, { input: copy(id) }, as);
    }
  });

  test('duplicateGame: a strategy of another realm is one answer with one that does not exist', async () => {
    const foreign = (await (await rows.owner()).strategy()).strategyId;
    const messages = new Set<string>();
    for (const strategyId of [foreign, `custom:${randomUUID()}`, 'custom:x']) {
      const { id } = await owner.game({ strategyId });
      messages.add(await expectRefused(DUPLICATE, { id, externalGameId: newName() }, admin, 'input.id'));
      // Within its realm a copy is as it is.
      await api.data(DUPLICATE, { input: { id, externalGameId: newName() } }, owner);
    }
    expect(messages.size).toBe(1);
  });
});
