import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { getNamedType, isObjectType, type GraphQLObjectType } from 'graphql';
import { randomUUID } from 'node:crypto';
import { createSchema } from '../../src/app/schema.js';
import { startApi, type Answer, type Api, type Credentials, type Variables } from '../support/api.js';
import { rowsOf, type Columns, type Owner, type Rows } from '../support/builders.js';
import { jwkOf, KeyServer, rsaKey } from '../support/tokens.js';

/** What there is to ask for: a game and what belongs to it, by the names under which it is sent and answered. */
interface Target {
  readonly game: string;
  readonly external: string;
  readonly task: string;
  readonly taskName: string;
  readonly strategy: string;
  readonly reassignment: string;
}
type Kind = 'game' | 'strategy' | 'reassignment';

/** Who asks: what a good credential makes of it, or null where it must be turned away. */
interface Asker {
  readonly as: Credentials;
  readonly identity: {
    readonly owns: readonly string[];
    readonly realm: string;
    readonly admin: boolean;
  } | null;
}

interface Row {
  /** Whose rule says who may see it. */
  readonly kind: Kind;
  readonly ask: (target: Target) => [document: string, variables: Variables];
  /** What only an answer with the target holds. */
  readonly sign: (target: Target) => string;
  /** A list that cannot be asked for one target alone. */
  readonly whole?: true;
}

const inGame =
  (field: string): Row['ask'] =>
  (t) => [`query ($id: ID!) { game(id: $id) { id ${field} } }`, { id: t.game }];
const inTask =
  (field: string): Row['ask'] =>
  (t) => [`query ($id: ID!) { node(id: $id) { ... on Task { id ${field} } } }`, { id: t.task }];
const inStrategy =
  (field: string): Row['ask'] =>
  (t) => [`query ($id: ID!) { strategy(id: $id) { id ${field} } }`, { id: t.strategy }];
const inReassignment =
  (field: string): Row['ask'] =>
  (t) => [
    `query ($id: ID!) { node(id: $id) { ... on StrategyReassignment { id ${field} } } }`,
    { id: t.reassignment },
  ];
const game = (ask: Row['ask'], sign: Row['sign'] = (t) => t.game): Row => ({ kind: 'game', ask, sign });
const strategy = (ask: Row['ask']): Row => ({ kind: 'strategy', ask, sign: (t) => `"${t.strategy}"` });
const reassignment = (ask: Row['ask']): Row => ({ kind: 'reassignment', ask, sign: (t) => t.reassignment });

/** How each field that loads something is asked for a target. A field without a row fails the test. */
const READS: Readonly<Record<string, Row>> = {
  'Query.game': game(
    (t) => ['query ($id: ID!) { game(id: $id) { externalGameId } }', { id: t.game }],
    (t) => t.external,
  ),
  'Query.gameByExternalId': game((t) => [
    'query ($id: String!) { gameByExternalId(externalGameId: $id) { id } }',
    { id: t.external },
  ]),
  'Query.games': game(
    (t) => [
      'query ($id: ID!) { games(filter: { id: { eq: $id } }) { totalCount pageInfo { hasNextPage endCursor } nodes { externalGameId } } }',
      { id: t.game },
    ],
    (t) => t.external,
  ),
  'Query.gamesByIds': game(
    (t) => ['query ($id: ID!) { gamesByIds(ids: [$id]) { externalGameId } }', { id: t.game }],
    (t) => t.external,
  ),
  'Query.externalGameIds': game(
    (t) => ['query ($id: ID!) { externalGameIds(ids: [$id]) { externalGameId } }', { id: t.game }],
    (t) => t.external,
  ),
  'Query.node': game(
    (t) => [
      'query ($id: ID!) { node(id: $id) { __typename ... on Game { externalGameId } } }',
      { id: t.game },
    ],
    (t) => t.external,
  ),
  'Query.nodes': game(
    (t) => [
      'query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Game { externalGameId } ... on Task { externalTaskId } } }',
      { ids: [t.game, t.task] },
    ],
    (t) => t.taskName,
  ),
  'Query._entities': game(
    (t) => [
      'query ($of: [_Any!]!) { _entities(representations: $of) { ... on Game { externalGameId } ... on Task { externalTaskId } } }',
      {
        of: [
          { __typename: 'Game', id: t.game },
          { __typename: 'Task', id: t.task },
        ],
      },
    ],
    (t) => t.taskName,
  ),
  'Query.strategies': {
    ...strategy(() => ['{ strategies(first: 100) { totalCount nodes { id } } }', {}]),
    whole: true,
  },
  'Query.strategy': strategy(inStrategy('name')),
  'Query.strategyReassignments': {
    ...reassignment(() => ['{ strategyReassignments(first: 100) { totalCount nodes { id } } }', {}]),
    whole: true,
  },
  'Game.leaderboard': game(inGame('leaderboard { totalCount nodes { externalUserId points } }')),
  'Game.owner': game(inGame('owner { apiKey oauthUserId }')),
  'Game.params': game(inGame('params { key value }')),
  'Game.strategy': game(inGame('strategy { id }')),
  'Game.task': game(
    (t) => [
      'query ($id: ID!, $name: String!) { game(id: $id) { task(externalTaskId: $name) { id } } }',
      { id: t.game, name: t.taskName },
    ],
    (t) => t.task,
  ),
  'Game.tasks': game(inGame('tasks { totalCount nodes { externalTaskId } }'), (t) => t.taskName),
  'Task.game': game(inTask('game { externalGameId }'), (t) => t.external),
  'Task.leaderboard': game(inTask('leaderboard { totalCount nodes { points } }'), (t) => t.task),
  'Task.params': game(inTask('params { key value }'), (t) => t.task),
  'Task.strategy': game(inTask('strategy { id }'), (t) => t.task),
  'Strategy.games': strategy(inStrategy('games { totalCount }')),
  'Strategy.tasks': strategy(inStrategy('tasks { totalCount }')),
  'Strategy.versions': strategy(inStrategy('versions { id }')),
  'StrategyReassignment.games': reassignment(inReassignment('games { totalCount nodes { id } }')),
  'StrategyReassignment.madeBy': reassignment(inReassignment('madeBy { apiKey oauthUserId }')),
  'StrategyReassignment.tasks': reassignment(inReassignment('tasks { totalCount nodes { id } }')),
  'StrategyReassignment.undoes': reassignment(inReassignment('undoes { id }')),
};

type Write = (target: Target) => Readonly<Record<string, unknown>>;
/** The input of each mutation for a target; of some in several ways, whose names have a word more. */
const WRITES: Readonly<Record<string, { kind: Kind | 'none' | 'admin'; input: Write; answer: string }>> = {
  bulkUpdateStrategyId: {
    kind: 'game',
    answer: 'count',
    input: (t) => ({ oldStrategyId: 'default', newStrategyId: 'greengageStrategy', ids: [t.game] }),
  },
  'bulkUpdateStrategyId tasks': {
    kind: 'game',
    answer: 'count taskCount',
    input: (t) => ({
      ...{ oldStrategyId: 'retired', newStrategyId: 'greengageStrategy' },
      ...{ ids: [t.game], tasks: true },
    }),
  },
  createGame: {
    kind: 'none',
    answer: 'game { platform }',
    input: () => ({
      externalGameId: `new-${randomUUID()}`,
      platform: 'web',
      tasks: [{ externalTaskId: 'first' }],
    }),
  },
  createTask: {
    kind: 'game',
    answer: 'task { status }',
    input: (t) => ({ gameId: t.game, externalTaskId: `new-${randomUUID()}` }),
  },
  deleteTask: { kind: 'game', answer: 'deletedTaskId', input: (t) => ({ id: t.task }) },
  duplicateTask: {
    kind: 'game',
    answer: 'task { status }',
    input: (t) => ({ id: t.task, externalTaskId: `copy-${randomUUID()}` }),
  },
  patchTask: { kind: 'game', answer: 'changes { field }', input: (t) => ({ id: t.task, status: 'closed' }) },
  deleteGame: { kind: 'game', answer: 'deletedGameId', input: (t) => ({ id: t.game }) },
  duplicateGame: {
    kind: 'game',
    answer: 'game { platform }',
    input: (t) => ({ id: t.game, externalGameId: `copy-${randomUUID()}` }),
  },
  patchGame: {
    kind: 'game',
    answer: 'changes { field }',
    input: (t) => ({ id: t.game, platform: 'patched' }),
  },
  rollbackStrategy: {
    kind: 'admin',
    answer: 'gameCount',
    input: (t) => ({ strategyId: t.strategy, toVersion: '1' }),
  },
  undoStrategyReassignment: {
    kind: 'reassignment',
    answer: 'restored',
    input: (t) => ({ id: t.reassignment }),
  },
};

const ROLES = { realm_access: { roles: ['AdministratorGAME'] } };
const OWNERS = ['key A', 'key B', 'user U', 'user V'] as const;
type OwnerName = (typeof OWNERS)[number];

const key = rsaKey('the-key');
let issuer: KeyServer;
let api: Api;
let rows: Rows;
let keyA: Owner;
let keyB: Owner;
let askers: Readonly<Record<string, Asker>>;
let owners: Readonly<Record<OwnerName, { columns: Columns; realm: string; as: Credentials }>>;

beforeAll(async () => {
  issuer = await KeyServer.start([jwkOf(key)]);
  api = await startApi({ env: issuer.env });
  rows = rowsOf(api.database);
  keyA = await rows.owner();
  keyB = await rows.owner();
  const revoked = await rows.owner({ active: false });
  const token = (sub: string | undefined, more = {}): string => issuer.token(key, { sub, ...more });
  const user = (sub: string): { columns: Columns; realm: string; as: Credentials } => ({
    columns: { oauth_user_id: sub },
    realm: 'GameRealm',
    as: { token: token(sub) },
  });
  owners = {
    'key A': { columns: { apiKey_used: keyA.prefix }, realm: keyA.prefix, as: { key: keyA.key } },
    'key B': { columns: { apiKey_used: keyB.prefix }, realm: keyB.prefix, as: { key: keyB.key } },
    'user U': user('u'),
    'user V': user('v'),
  };
  const known = (as: Credentials, owns: OwnerName[], realm: string, admin = false): Asker => ({
    as,
    identity: { owns, realm, admin },
  });
  const refused = (as: Credentials): Asker => ({ as, identity: null });
  const expired = { exp: Math.floor(Date.now() / 1_000) - 60 };
  askers = {
    anonymous: refused({}),
    'key A': known({ key: keyA.key }, ['key A'], keyA.prefix),
    'key B': known({ key: keyB.key }, ['key B'], keyB.prefix),
    'revoked key': refused({ key: revoked.key }),
    'malformed key': refused({ key: `${keyA.key} x` }),
    'user U': known({ token: token('u') }, ['user U'], 'GameRealm'),
    'user V': known({ token: token('v') }, ['user V'], 'GameRealm'),
    'user U with key A': known({ key: keyA.key, token: token('u') }, ['key A', 'user U'], keyA.prefix),
    'key A with a bad token': refused({ key: keyA.key, token: token('u', { aud: 'other' }) }),
    'user U with a revoked key': refused({ key: revoked.key, token: token('u') }),
    admin: known({ token: token('root', ROLES) }, [], '', true),
    'admin whose token expired': refused({ token: token('root', { ...ROLES, ...expired }) }),
    'token without a subject': refused({ token: token(undefined) }),
    'the role in a wrong place': known(
      { token: token('u', { resource_access: { other: ROLES.realm_access } }) },
      ['user U'],
      'GameRealm',
    ),
  };
});
afterAll(async () => {
  await api.close();
  await issuer.close();
});

const MOVE = `mutation ($input: BulkUpdateStrategyIdInput!) {
  bulkUpdateStrategyId(input: $input) { reassignment { id } } }`;

async function targetOf(owner: OwnerName): Promise<Target> {
  const { columns, realm, as } = owners[owner];
  const name = `strategy-${randomUUID()}`;
  const scoped = { ...columns, oauth_user_id: null, realmId: realm, name };
  await rows.strategy({ ...scoped, version: 1, status: 'ARCHIVED' });
  const { strategyId } = await rows.strategy({ ...scoped, version: 2 });
  const external = `external-${randomUUID()}`;
  const { id } = await rows.game({ ...columns, externalGameId: external });
  const moved = await rows.game(columns);
  const taskName = `task-${randomUUID()}`;
  const task = await rows.insert('tasks', {
    externalTaskId: taskName,
    gameId: id,
    strategyId: 'retired',
    status: 'open',
  });
  const input = { oldStrategyId: 'default', newStrategyId: 'socio_bee', ids: [moved.id] };
  const data = await api.data<{ bulkUpdateStrategyId: { reassignment: { id: string } } }>(
    MOVE,
    { input },
    as,
  );
  return {
    game: id,
    external,
    task: task.id,
    taskName,
    strategy: strategyId,
    reassignment: data.bulkUpdateStrategyId.reassignment.id,
  };
}

const nothing = (): Target => ({
  game: randomUUID(),
  external: `external-${randomUUID()}`,
  task: randomUUID(),
  taskName: `task-${randomUUID()}`,
  strategy: `custom:${randomUUID()}`,
  reassignment: randomUUID(),
});

function permits({ identity }: Asker, owner: OwnerName, kind: Kind | 'none' | 'admin'): boolean {
  if (identity === null) return false;
  if (kind === 'none' || identity.admin) return true;
  if (kind === 'admin') return false;
  return kind === 'strategy' ? identity.realm === owners[owner].realm : identity.owns.includes(owner);
}

/** An answer without what the client itself sent. */
function bare({ status, text }: Answer, sent: readonly string[]): string {
  return `${status} ${sent.reduce((rest, value) => rest.replaceAll(value, '<sent>'), text)}`;
}
const words = (value: unknown): string[] =>
  typeof value === 'string' ? [value] : Object.values(value ?? {}).flatMap(words);

const codes = ({ body }: Answer): (string | undefined)[] =>
  (body.errors ?? []).map(({ extensions }) => extensions.code);

test('every field that loads something has a row', () => {
  const schema = createSchema();
  const plumbing = /(Connection|Edge|Payload|PageInfo)$|^(Mutation|Query|__.*)$/;
  const loaded = Object.values(schema.getTypeMap())
    .filter((type) => isObjectType(type) && !plumbing.test(type.name))
    .flatMap((type) =>
      Object.values((type as GraphQLObjectType).getFields())
        .filter((field) => isObjectType(getNamedType(field.type)))
        .map((field) => `${type.name}.${field.name}`),
    );
  const roots = Object.keys(schema.getQueryType()?.getFields() ?? {}).filter(
    // What is the same for everybody.
    (name) => !['viewer', '_sdl', '_service'].includes(name),
  );
  expect(Object.keys(READS).toSorted()).toEqual(
    [...roots.map((name) => `Query.${name}`), ...loaded].toSorted(),
  );
  const mutations = Object.keys(schema.getMutationType()?.getFields() ?? {});
  const tried = new Set(Object.keys(WRITES).map((name) => name.split(' ', 1).join()));
  expect([...tried].toSorted()).toEqual(mutations.toSorted());
});

test('reads answer every caller with what is its own, and with nothing else as with what is missing', async () => {
  const targets = await Promise.all(OWNERS.map(async (owner) => [owner, await targetOf(owner)] as const));
  const wrong: string[] = [];
  let cells = 0;
  const cellsOf = async ([field, row]: readonly [string, Row]): Promise<void> => {
    for (const [who, asker] of Object.entries(askers)) {
      const absent = nothing();
      const [document, variables] = row.ask(absent);
      const missing = await api.query(document, variables, asker.as);
      cells++;
      for (const [owner, target] of targets) {
        const [, sent] = row.ask(target);
        const answer = await api.query(document, sent, asker.as);
        cells++;
        const expected = permits(asker, owner, row.kind);
        const turnedAway = answer.status === 401 && codes(answer).join() === 'UNAUTHENTICATED';
        const shown = answer.text.includes(row.sign(target));
        const same = row.whole ?? bare(answer, words(sent)) === bare(missing, words(variables));
        const right =
          asker.identity === null
            ? turnedAway && same
            : expected
              ? shown && codes(answer).length === 0
              : !shown && same;
        if (!right)
          wrong.push(
            `${field} of ${owner} asked by ${who}: ${answer.status} ${answer.text} | ${missing.text}`,
          );
      }
    }
  };
  await Promise.all(Object.entries(READS).map(cellsOf));
  expect(wrong).toEqual([]);
  process.stdout.write(`matrix: ${cells} cells of reads\n`);
});

const STATE = `SELECT md5(concat((SELECT string_agg(t::text || xmin, ',' ORDER BY id) FROM games t),
  (SELECT string_agg(t::text || xmin, ',' ORDER BY id) FROM tasks t),
  (SELECT string_agg(t::text || xmin, ',' ORDER BY id) FROM strategydefinition t))) AS digest`;
const state = async (): Promise<unknown> => (await api.database.query(STATE))[0]?.['digest'];

test('writes change what is the own of the caller, and nothing else', async () => {
  const wrong: string[] = [];
  let cells = 0;
  for (const [way, { kind, input, answer: selection }] of Object.entries(WRITES)) {
    const [name = ''] = way.split(' ');
    const type = `${name[0]?.toUpperCase()}${name.slice(1)}Input`;
    const document = `mutation ($input: ${type}!) { ${name}(input: $input) { ${selection} } }`;
    // What nobody was allowed to change can be tried by the next one.
    const targets = new Map<OwnerName, Target>();
    for (const [who, asker] of Object.entries(askers)) {
      const absent = input(nothing());
      const missing = await api.query(document, { input: absent }, asker.as);
      cells++;
      for (const owner of OWNERS) {
        const target = targets.get(owner) ?? (await targetOf(owner));
        targets.set(owner, target);
        const given = input(target);
        const before = await state();
        const answer = await api.query(document, { input: given }, asker.as);
        const changed = before !== (await state());
        cells++;
        const expected = permits(asker, owner, kind);
        const same = bare(answer, words(given)) === bare(missing, words(absent));
        const turnedAway =
          asker.identity !== null || (answer.status === 401 && codes(answer).join() === 'UNAUTHENTICATED');
        const right = expected ? changed && codes(answer).length === 0 : !changed && same && turnedAway;
        if (!right)
          wrong.push(
            `${way} of ${owner} by ${who}: changed ${changed} ${answer.status} ${answer.text} | ${missing.text}`,
          );
        if (changed) targets.delete(owner);
      }
    }
  }
  expect(wrong).toEqual([]);
  process.stdout.write(`matrix: ${cells} cells of writes\n`);
});
