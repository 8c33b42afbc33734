import { beforeAll, expect, test } from '@jest/globals';
import {
  getNamedType,
  isAbstractType,
  isObjectType,
  parse,
  TypeInfo,
  visit,
  visitWithTypeInfo,
  type GraphQLNamedType,
  type GraphQLSchema,
} from 'graphql';
import { randomInt } from 'node:crypto';
import { createSchema } from '../../src/app/schema.js';
import { Random } from '../../src/seed/random.js';
import type { Answer, Credentials, Variables } from '../support/api.js';
import type { Columns, Game, Owner, Row, Task } from '../support/builders.js';
import { BULK, Moves, REASSIGNMENT, ROLLBACK, UNDO } from '../support/moves.js';
import { useApiAndIssuer } from '../support/use-api.js';

/** What B's rows do is determined by it; set NON_INTERFERENCE_SEED to see a failure again. */
const SEED = Number(process.env['NON_INTERFERENCE_SEED'] ?? randomInt(2 ** 31));
const ROUNDS = 6;
/** Stands in the texts of B's rows, and so may stand in no answer to A. */
const SECRET = 'belongs-to-B';
/** Of tasks that A would make; in B's games there are some of that name. */
const NEW_TASK = 'task-new';

/** Something that A asks. */
interface Question {
  readonly document: string;
  readonly variables: Variables;
  /** The code of the error that it is answered with. */
  readonly code?: string;
  /** Whether the pages after the first are asked for as well, and which way. The document has one pageInfo. */
  readonly walk?: 'forward' | 'backward';
}

/** What one owner has. */
interface World {
  /** What makes a row theirs. */
  readonly columns: Columns;
  readonly as: Credentials;
  /** Distinguishes the names of its games. */
  readonly tag: string;
  readonly names: readonly string[];
  readonly games: readonly Game[];
  readonly tasks: readonly Task[];
  /** Ids of custom strategies: `ladder` 1, 2 and 3, `quest` 1. */
  readonly strategies: readonly string[];
  /** Moved some games; moved some and was undone; undid it; undid a move of B's. */
  readonly reassignments: readonly string[];
}

/** The ids and names that rows of B have when they are there. The first of each is there throughout. */
interface Foreign {
  readonly games: readonly string[];
  readonly names: readonly (readonly [string, string])[];
  readonly tasks: readonly string[];
  readonly params: readonly string[];
  readonly strategies: readonly string[];
  readonly reassignments: readonly string[];
}

const random = new Random(SEED, 0);
const { api, issuer, rows } = useApiAndIssuer();
let users: readonly Row[];
let b: Owner;
let foreign: Foreign;
let worlds: readonly World[];
let questions: readonly Asked[];
/** The answers before B's rows change. */
let before: ReadonlyMap<string, Told>;

beforeAll(async () => {
  users = await Promise.all(Array.from({ length: 6 }, () => rows.user({ id: uuid() })));
  b = await rows.owner();
  const a = await rows.owner();
  foreign = {
    games: uuids(10),
    names: Array.from({ length: 10 }, (_, index): [string, string] => {
      const [name, end] = [NAMES[index] ?? `Other-${index}`, index % 2 ? 'k' : 'o'];
      return [`${name}${end}-`, `${name.toLowerCase()}${end}0`];
    }),
    tasks: uuids(20),
    params: uuids(20),
    strategies: uuids(5),
    reassignments: uuids(5),
  };
  const bearer = await issuer.caller({ sub: 'subject-of-A' });
  const strategies = new Map<string, readonly string[]>();
  for (const realm of [a.prefix, 'GameRealm']) strategies.set(realm, await ladderAndQuest(realm));
  // B's rows that are there throughout are there before A's, which refer to them.
  await changeStrategies('none');
  await changeReassignments('none', []);
  worlds = [
    await worldOf({ apiKey_used: a.prefix }, a, 'k', strategies.get(a.prefix) ?? []),
    await worldOf({ oauth_user_id: 'subject-of-A' }, bearer, 'o', strategies.get('GameRealm') ?? []),
  ];
  await changeForeign('some');
  const { games } = await api.data<{ games: { pageInfo: { endCursor: string } } }>(
    '{ games(first: 1) { pageInfo { endCursor } } }',
    {},
    b,
  );
  const [ofKey, ofSubject] = worlds as [World, World];
  const { endCursor } = games.pageInfo;
  const both = { ...ofKey, as: { ...ofKey.as, ...ofSubject.as } };
  questions = [
    ...asked('key', ofKey, {
      ...readsOf(ofKey, endCursor),
      ...filtersOf(ofKey),
      ...walksOf(ofKey),
      ...writesOf(ofKey),
    }),
    ...asked('bearer', ofSubject, {
      ...readsOf(ofSubject, endCursor),
      ...filtersOf(ofSubject),
      ...walksOf(ofSubject),
      ...writesOf(ofSubject),
    }),
    ...asked('both', both, { ...readsOf(both, endCursor), ...filtersOf(both) }),
  ];
  before = await askAll();
});

/** A UUID that the seed determines. */
function uuid(): string {
  const hex = Array.from({ length: 4 }, () => random.uint32().toString(16).padStart(8, '0')).join('');
  return hex.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, '$1-$2-4$3-a$4-$5');
}

function uuids(count: number): string[] {
  return Array.from({ length: count }, uuid);
}

// ---------------------------------------------------------------- A's rows

const NAMES = [
  'Walk-1',
  'Walk-2',
  'walk-3',
  'run_1',
  'run_2',
  'Ride',
  'a-swim',
  'Zumba',
  'climb',
  'fly',
  'row',
];
const PLATFORMS = ['web', 'web', 'ios', null, 'Web', 'web'];
const TIMES = [
  '2026-03-01T08:00:00.000001Z',
  '2026-03-01T08:00:00.000001Z',
  '2026-03-01T08:00:00.000003Z',
  null,
  '2026-03-02T08:00:00Z',
];

/** The custom strategies of a realm. */
async function ladderAndQuest(realmId: string): Promise<string[]> {
  const made = [];
  for (const [name, version, status] of [
    ['ladder', 1, 'ARCHIVED'],
    ['ladder', 2, 'PUBLISHED'],
    ['ladder', 3, 'DRAFT'],
    ['quest', 1, 'PUBLISHED'],
    ['default', 1, 'RETIRED'],
  ] as const) {
    const description = version === 2 ? null : `${name} of A`;
    const publishedAt = status === 'DRAFT' ? null : TIMES[0];
    made.push(await rows.strategy({ id: uuid(), realmId, name, version, status, description, publishedAt }));
  }
  return made.map(({ strategyId }) => strategyId);
}

async function worldOf(
  columns: Columns,
  as: Credentials,
  tag: string,
  strategies: readonly string[],
): Promise<World> {
  const used = [
    'default',
    strategies[1],
    strategies[3],
    `custom:${foreign.strategies[0]}`,
    'socio_bee',
    null,
  ];
  const names = NAMES.map((name) => name + tag);
  const games: Game[] = [];
  const tasks: Task[] = [];
  for (const [index, externalGameId] of [...names, null].entries()) {
    const game = await rows.game({
      ...columns,
      id: uuid(),
      externalGameId,
      platform: PLATFORMS[index % PLATFORMS.length],
      strategyId: used[index % used.length],
      created_at: TIMES[index % TIMES.length],
      updated_at: TIMES[(index + 2) % TIMES.length],
    });
    games.push(game);
    for (let n = 0; n < index % 4; n++) {
      await game.param({ id: uuid(), created_at: TIMES[n], key: n ? 'k' : null, value: `${n}` });
      const task = await game.task({
        id: uuid(),
        externalTaskId: n < 2 ? 'twice' : `task-${n}`,
        strategyId: used[(index + n) % 5],
        status: n ? 'open' : 'closed',
        created_at: TIMES[n],
      });
      tasks.push(task);
      await task.param({ id: uuid(), created_at: TIMES[n], key: 'k', value: 'v' });
      for (const [place, user] of users.entries()) {
        const points = place === 5 ? null : 10 * (place % 3);
        await task.points(user, { id: uuid(), points, created_at: TIMES[place % 4] });
      }
      await task.points(users[0] as Row, { id: uuid(), userId: null });
    }
  }
  await games[3]?.userConfig(users[0] as Row);
  const moves = new Moves(api);
  const [from, to] = ['socio_bee', strategies[3]];
  const first = await moves.moved({ oldStrategyId: from, newStrategyId: to }, as);
  const [old, greengage] = ['default', 'greengageStrategy'];
  const second = await moves.moved({ oldStrategyId: old, newStrategyId: greengage, tasks: true }, as);
  const { reassignment: third } = await moves.undo(second.id, as);
  const fourth = uuid();
  await api.database.query(
    `INSERT INTO game_graphql_reassignments
       (id, kind, old_strategy_id, new_strategy_id, games, api_key, oauth_user_id, undoes)
     VALUES ($1, 'UNDO', 'default', $2, 0, $3, $4, $5)`,
    [fourth, to, columns['apiKey_used'], columns['oauth_user_id'], foreign.reassignments[0]],
  );
  const reassignments = [first.id, second.id, third?.id ?? '', fourth];
  return { columns, as, tag, names, games, tasks, strategies, reassignments };
}

// ---------------------------------------------------------------- B's rows

/** How many of B's rows there are afterwards. */
type Amount = 'none' | 'some' | 'all';

/** Whether the row with this index is there. */
function wants(amount: Amount, index: number): boolean {
  return index === 0 || amount === 'all' || (amount === 'some' && random.chance(0.6));
}

/** Inserts, patches and deletes rows of B, past the server and its rules. */
async function changeForeign(amount: Amount): Promise<void> {
  const games = foreign.games.filter((_id, index) => wants(amount, index));
  await remove(games);
  await changeStrategies(amount);
  const strategies = ['default', 'socio_bee', 'greengageStrategy', ...worlds.flatMap((w) => w.strategies)];
  const anyStrategy = (): string => random.pick([...strategies, `custom:${foreign.strategies[0]}`]);
  for (const id of games) await upsert('games', gameOfB(id, anyStrategy()));
  for (const [index, id] of foreign.params.entries()) {
    if (wants(amount, index)) {
      const value = `${SECRET} ${random.integer(0, 99)}`;
      await upsert('gamesparams', { id, gameId: random.pick(games), key: 'k', value, created_at: anyTime() });
    }
  }
  for (const [index, id] of foreign.tasks.entries()) {
    if (wants(amount, index)) await addTask(id, random.pick(games), anyStrategy());
  }
  await changeReassignments(amount, games);
}

/** Deletes what belongs to B's games, and the games but these. */
async function remove(keep: readonly string[]): Promise<void> {
  const tasks = 'SELECT id FROM tasks WHERE "gameId" = ANY($1)';
  for (const statement of [
    `DELETE FROM userpoints WHERE "taskId" IN (${tasks})`,
    `DELETE FROM tasksparams WHERE "taskId" IN (${tasks})`,
    'DELETE FROM tasks WHERE "gameId" = ANY($1)',
    'DELETE FROM gamesparams WHERE "gameId" = ANY($1)',
    'DELETE FROM usergameconfig WHERE "gameId" = ANY($1)',
  ]) {
    await api.database.query(statement, [foreign.games]);
  }
  await api.database.query('DELETE FROM games WHERE id = ANY($1) AND id <> ALL($2)', [foreign.games, keep]);
}

function gameOfB(id: string, strategyId: string): Columns & { readonly id: string } {
  const index = foreign.games.indexOf(id);
  const [first, second] = foreign.names[index] ?? ['', ''];
  const isHeld = index === 0;
  return {
    id,
    apiKey_used: isHeld || random.chance(0.6) ? b.prefix : null,
    oauth_user_id: random.chance(0.4) ? 'subject-of-B' : null,
    externalGameId: isHeld || random.chance(0.5) ? first : random.pick([second, null]),
    platform: random.pick(['web', 'ios', null, 'Web', SECRET, `web ${SECRET}`]),
    strategyId: random.pick([strategyId, strategyId, null]),
    created_at: anyTime(),
    updated_at: anyTime(),
  };
}

/** The times of A's rows, and those right next to them. */
function anyTime(): string | null {
  return random.pick([
    ...TIMES,
    '2026-03-01T08:00:00Z',
    '2026-03-01T08:00:00.000002Z',
    '2027-01-01T00:00:00Z',
  ]);
}

async function addTask(id: string, gameId: string, strategyId: string): Promise<void> {
  const externalTaskId = random.pick(['twice', 'task-2', NEW_TASK, SECRET]);
  const status = random.pick(['open', 'closed', SECRET]);
  await upsert('tasks', { id, gameId, strategyId, externalTaskId, status, created_at: anyTime() });
  await upsert('tasksparams', { id: uuid(), taskId: id, key: 'k', value: SECRET });
  await upsert('usergameconfig', { id: uuid(), userId: random.pick(users).id, gameId });
  for (let count = random.integer(0, 4); count > 0; count--) {
    const points = random.pick([null, 5, 1_000_000]);
    const userId = random.pick(users).id;
    await upsert('userpoints', { id: uuid(), taskId: id, userId, points, created_at: anyTime() });
  }
}

/** B's strategies have the names of A's, in other realms. */
async function changeStrategies(amount: Amount): Promise<void> {
  for (const [index, id] of foreign.strategies.entries()) {
    await api.database.query('DELETE FROM strategydefinition WHERE id = $1', [id]);
    if (wants(amount, index)) {
      await upsert('strategydefinition', {
        id,
        realmId: index === 0 ? b.prefix : random.pick([b.prefix, 'realm-of-B', null]),
        name: random.pick(['ladder', 'quest', 'default', 'ladder-', 'Ladder']),
        version: 4 * index + random.integer(1, 4),
        status: random.pick(['DRAFT', 'PUBLISHED', 'ARCHIVED']),
        description: SECRET,
        publishedAt: anyTime(),
      });
    }
  }
}

/** B's records of moves of these games of B, to and from strategies that A uses. */
async function changeReassignments(amount: Amount, games: readonly string[]): Promise<void> {
  const strategies = ['default', 'socio_bee', 'greengageStrategy'];
  for (const [index, id] of foreign.reassignments.entries()) {
    for (const table of ['game_graphql_reassigned_games', 'game_graphql_reassigned_tasks']) {
      await api.database.query(`DELETE FROM ${table} WHERE reassignment_id = $1`, [id]);
    }
    if (!wants(amount, index)) {
      await api.database.query('DELETE FROM game_graphql_reassignments WHERE id = $1', [id]);
      continue;
    }
    const moved = games.filter(() => random.chance(0.5));
    await upsert('game_graphql_reassignments', {
      id,
      kind: random.pick(['BULK', 'ROLLBACK', 'UNDO']),
      old_strategy_id: random.pick(strategies),
      new_strategy_id: random.pick(strategies),
      games: moved.length,
      tasks: random.integer(0, 3),
      api_key: index === 0 || random.chance(0.5) ? b.prefix : null,
      oauth_user_id: 'subject-of-B',
      created_at: random.chance(0.5) ? '2026-01-01T00:00:00Z' : '2099-01-01T00:00:00Z',
      undone_at: random.chance(0.5) ? anyTime() : null,
      undoes: index === 0 ? null : random.pick([null, foreign.reassignments[0]]),
    });
    for (const game of moved) {
      await api.database.query('INSERT INTO game_graphql_reassigned_games VALUES ($1, $2)', [id, game]);
      await api.database.query(
        `INSERT INTO game_graphql_reassigned_tasks SELECT $1::uuid, id FROM tasks WHERE "gameId" = $2`,
        [id, game],
      );
    }
  }
}

async function upsert(table: string, row: Columns): Promise<void> {
  const names = Object.keys(row).map((name) => `"${name}"`);
  const places = names.map((_name, index) => `$${index + 1}`);
  const set = names.map((name) => `${name} = EXCLUDED.${name}`);
  await api.database.query(
    `INSERT INTO ${table} (${names.join()}) VALUES (${places.join()}) ON CONFLICT (id) DO UPDATE SET ${set.join()}`,
    Object.values(row),
  );
}

// ---------------------------------------------------------------- what A asks

const PAGE_INFO = 'pageInfo { hasNextPage hasPreviousPage startCursor endCursor }';
const page = (node: string): string =>
  `totalCount ${PAGE_INFO} nodes { ${node} } edges { cursor node { ${node} } }`;
const ENTRIES = page('rank externalUserId points timesAwarded lastAwardedAt');
const STRATEGY = 'id kind name version status description realm publishedAt';
const TASK = `id externalTaskId status strategyId createdAt updatedAt version params { id key value }
  strategy { ${STRATEGY} }`;
const GAME = `id externalGameId platform strategyId createdAt updatedAt version owner { apiKey oauthUserId }
  params { id key value } strategy { ${STRATEGY} }`;
const USAGE = `${STRATEGY} games { ${page('id externalGameId')} }
  tasks { ${page('id externalTaskId game { id }')} }`;
const WHOLE_STRATEGY = `${USAGE} versions { ${USAGE} }`;
const WHOLE_GAME = `${GAME} strategy { ${WHOLE_STRATEGY} } leaderboard { ${ENTRIES} }
  tasks { ${page(`${TASK} leaderboard(first: 2) { ${ENTRIES} }`)} }
  task(externalTaskId: "twice") { ${TASK} game { ${GAME} } }`;
const RECORD = `${REASSIGNMENT} undoes { ${REASSIGNMENT} games { totalCount } tasks { totalCount } }
  games { ${page(GAME)} } tasks { totalCount nodes { id strategyId } }`;
/** What is asked of a node of each type. */
const NODES = {
  Game: GAME,
  Task: `${TASK} game { ${GAME} } leaderboard { ${ENTRIES} }`,
  Strategy: WHOLE_STRATEGY,
  StrategyReassignment: RECORD,
};

/** The same for many. */
const PLAIN = {
  Game: GAME,
  Task: `${TASK} game { id }`,
  Strategy: `${STRATEGY} versions { ${STRATEGY} }`,
  StrategyReassignment: REASSIGNMENT,
};

const PAGING = '$first: Int, $after: String, $last: Int, $before: String';
const PASSED = 'first: $first, after: $after, last: $last, before: $before';
const LIST = `query (${PAGING}, $filter: GameFilter, $orderBy: [GameOrder!]) {
  games(${PASSED}, filter: $filter, orderBy: $orderBy) { ${page(GAME)} } }`;
const WALK = `query (${PAGING}, $filter: GameFilter, $orderBy: [GameOrder!]) {
  games(${PASSED}, filter: $filter, orderBy: $orderBy) {
    totalCount ${PAGE_INFO} edges { cursor node { id externalGameId } } } }`;
const STRATEGIES = `query (${PAGING}, $filter: StrategyFilter) {
  strategies(${PASSED}, filter: $filter) { totalCount ${PAGE_INFO} edges { cursor node { ${STRATEGY} } } } }`;
const below = (type: string, field: string): string => `query ($id: ID!, ${PAGING}) { node(id: $id) {
  ... on ${type} { ${field}(${PASSED}) { totalCount ${PAGE_INFO} edges { cursor } } } } }`;
const mutation = (
  field: string,
  answer: string,
): string => `mutation ($input: ${field[0]?.toUpperCase()}${field.slice(1)}Input!) {
  ${field}(input: $input) { ${answer} } }`;
const CREATE = mutation('createGame', 'game { id }');
const PATCH = mutation('patchGame', 'game { id } changes { field before after }');
const DELETE = mutation(
  'deleteGame',
  'deletedGameId externalGameId deleted { params tasks taskParams userPoints userGameConfigs }',
);
const DUPLICATE = mutation('duplicateGame', 'game { id }');
const CREATE_TASK = mutation('createTask', 'task { id }');
const PATCH_TASK = mutation('patchTask', 'task { id } changes { field before after }');
const DELETE_TASK = mutation('deleteTask', 'deletedTaskId externalTaskId deleted { params userPoints }');
const DUPLICATE_TASK = mutation('duplicateTask', 'task { id }');

type Questions = Readonly<Record<string, Question>>;
interface Asked {
  readonly name: string;
  readonly as: Credentials;
  readonly question: Question;
}

function asked(who: string, { as }: World, all: Questions): Asked[] {
  return Object.entries(all).map(([name, question]) => ({ name: `${who}: ${name}`, as, question }));
}

/** What has ids and names: A's own and B's. */
function readsOf(world: World, cursorOfB: string): Questions {
  const [game, task, ladder, move] = [
    world.games[3],
    world.tasks[0],
    world.strategies[1],
    world.reassignments,
  ];
  const customOfB = foreign.strategies.map((id) => `custom:${id}`);
  const ids = interleave(
    [...world.games.map(({ id }) => id), ...world.tasks.map(({ id }) => id), ...world.strategies, ...move],
    [...foreign.games, ...foreign.tasks, ...customOfB, ...foreign.reassignments],
  );
  const one = (field: string, type: string, selection: string): string =>
    `query ($id: ${type}!) { ${field}(${type === 'ID' ? 'id' : 'externalGameId'}: $id) { ${selection} } }`;
  const node = (type: keyof typeof NODES): string =>
    `query ($id: ID!) { node(id: $id) { ... on ${type} { ${NODES[type]} } } }`;
  const unknown = (field: string, type: string, targets: readonly string[]): Questions =>
    Object.fromEntries(
      targets.map((id, index): [string, Question] => [
        `${field} of B, ${index}`,
        { document: one(field, type, 'id'), variables: { id }, code: 'NOT_FOUND' },
      ]),
    );
  return {
    viewer: { document: '{ viewer { apiKey oauthUserId isAdmin } }', variables: {} },
    schema: { document: '{ _sdl _service { sdl } }', variables: {} },
    ...Object.fromEntries(
      [game?.id, foreign.games[0]].map((id, index): [string, Question] => [
        `_entities, ${index}`,
        {
          document: `query ($of: [_Any!]!) { _entities(representations: $of) { ... on Game { ${GAME} } ... on Task { id } } }`,
          variables: {
            of: ['Game', 'Task'].map((__typename) => ({ __typename, id })),
          },
        },
      ]),
    ),
    game: { document: one('game', 'ID', WHOLE_GAME), variables: { id: game?.id } },
    'game on a strategy of B': {
      document: one('game', 'ID', WHOLE_GAME),
      variables: { id: world.games[9]?.id },
    },
    gameByExternalId: {
      document: one('gameByExternalId', 'String', GAME),
      variables: { id: world.names[0] },
    },
    strategy: { document: one('strategy', 'ID', WHOLE_STRATEGY), variables: { id: ladder } },
    'built-in strategy': { document: one('strategy', 'ID', WHOLE_STRATEGY), variables: { id: 'default' } },
    task: { document: node('Task'), variables: { id: task?.id } },
    ...unknown('game', 'ID', foreign.games.slice(0, 4)),
    ...unknown('gameByExternalId', 'String', foreign.names.slice(0, 4).flat()),
    ...unknown('strategy', 'ID', customOfB.slice(0, 3)),
    ...Object.fromEntries(
      Object.entries({
        Game: foreign.games,
        Task: foreign.tasks,
        Strategy: customOfB,
        StrategyReassignment: foreign.reassignments,
      }).flatMap(([type, [id]]): [string, Question][] => [
        [`${type} of B`, { document: node(type as keyof typeof NODES), variables: { id } }],
        [
          `nodes, of them ${type}`,
          {
            document: `query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on ${type} { ${PLAIN[type as keyof typeof NODES]} } } }`,
            variables: { ids },
          },
        ],
      ]),
    ),
    gamesByIds: {
      document: `query ($ids: [ID!]!) { gamesByIds(ids: $ids) { ${GAME} } }`,
      variables: { ids },
    },
    externalGameIds: {
      document: 'query ($ids: [ID!]!) { externalGameIds(ids: $ids) { gameId externalGameId } }',
      variables: { ids },
    },
    'task of B in a game of A': {
      document: `query ($id: ID!, $name: String!) { game(id: $id) { task(externalTaskId: $name) { id } } }`,
      variables: { id: game?.id, name: SECRET },
    },
    strategies: { document: `{ strategies(first: 14) { ${page(WHOLE_STRATEGY)} } }`, variables: {} },
    strategyReassignments: { document: `{ strategyReassignments { ${page(RECORD)} } }`, variables: {} },
    'a cursor of B': { document: LIST, variables: { after: cursorOfB }, code: 'BAD_USER_INPUT' },
    'a bad order': {
      document: LIST,
      variables: { orderBy: Array.from({ length: 2 }, () => ({ field: 'PLATFORM' })) },
      code: 'BAD_USER_INPUT',
    },
  };
}

function interleave(ours: readonly string[], theirs: readonly string[]): string[] {
  const length = Math.max(ours.length, theirs.length);
  return Array.from({ length }, (_, index) => [ours[index], theirs[index]])
    .flat()
    .filter((id) => id !== undefined);
}

const ORDERS = ['CREATED_AT', 'UPDATED_AT', 'EXTERNAL_GAME_ID', 'PLATFORM', 'STRATEGY_ID'].flatMap(
  (field) => [[{ field, direction: 'ASC' }], [{ field, direction: 'DESC' }]],
);

/** Lists of games in every order, and under filters that B's rows satisfy too. */
function filtersOf(world: World): Questions {
  const filters: Variables[] = [
    { id: { in: [...foreign.games, world.games[1]?.id] } },
    { id: { notIn: foreign.games } },
    { externalGameId: { in: [...foreign.names.flat(), world.names[2]] } },
    { externalGameId: { startsWith: 'Walk-' } },
    { externalGameId: { containsInsensitive: 'walk' } },
    { externalGameId: { contains: `${world.tag}0` } },
    { externalGameId: { isNull: true } },
    { platform: { eq: SECRET } },
    { platform: { ne: 'web' } },
    { platform: { isNull: true } },
    { strategyId: { eq: world.strategies[1] } },
    { strategyId: { eq: `custom:${foreign.strategies[0]}` } },
    { strategyId: { isNull: true } },
    { createdAt: { gt: TIMES[0] } },
    { createdAt: { lte: TIMES[2] } },
    { updatedAt: { isNull: true } },
    { ownerApiKey: { eq: b.prefix } },
    { ownerApiKey: { ne: b.prefix } },
    { ownerOauthUserId: { eq: 'subject-of-B' } },
    { ownerOauthUserId: { isNull: true } },
    { not: { platform: { eq: 'web' } } },
    { or: [{ id: { in: foreign.games } }, { platform: { startsWith: 'W' } }] },
    { or: [] },
  ];
  return Object.fromEntries<Question>([
    ...filters.map((filter): [string, Question] => [
      `games ${JSON.stringify(filter)}`,
      { document: LIST, variables: { filter } },
    ]),
    ...ORDERS.map((orderBy): [string, Question] => [
      `games ${JSON.stringify(orderBy)}`,
      { document: LIST, variables: { first: 4, orderBy } },
    ]),
    ...[{ kind: 'CUSTOM' }, { name: { eq: 'ladder' } }, { status: { eq: 'DRAFT' } }].map(
      (filter): [string, Question] => [
        `strategies ${JSON.stringify(filter)}`,
        { document: STRATEGIES, variables: { filter } },
      ],
    ),
  ]);
}

/** Lists page by page. */
function walksOf(world: World): Questions {
  const walks: [name: string, document: string, variables: Variables][] = [
    ...ORDERS.map((orderBy): [string, string, Variables] => [JSON.stringify(orderBy), WALK, { orderBy }]),
    ['filtered', WALK, { filter: { not: { externalGameId: { startsWith: 'Walk' } } } }],
    ['strategies', STRATEGIES, {}],
    ['games of a strategy', below('Strategy', 'games'), { id: world.strategies[1] }],
    ['games of a built-in', below('Strategy', 'games'), { id: 'default' }],
    ['tasks of a strategy', below('Strategy', 'tasks'), { id: world.strategies[1] }],
    ['tasks of a built-in', below('Strategy', 'tasks'), { id: 'default' }],
    ['games of a reassignment', below('StrategyReassignment', 'games'), { id: world.reassignments[1] }],
    ['tasks of a reassignment', below('StrategyReassignment', 'tasks'), { id: world.reassignments[1] }],
    ['tasks', below('Game', 'tasks'), { id: world.games[3]?.id }],
    ['leaderboard of a game', below('Game', 'leaderboard'), { id: world.games[3]?.id }],
    ['leaderboard of a task', below('Task', 'leaderboard'), { id: world.tasks[0]?.id }],
    [
      'reassignments',
      `query (${PAGING}) { strategyReassignments(${PASSED}) { totalCount ${PAGE_INFO} edges { cursor node { id } } } }`,
      {},
    ],
  ];
  return Object.fromEntries(
    walks.flatMap(([name, document, variables], index): [string, Question][] => {
      const size = 3 + (index % 3);
      return [
        [`${name}, forward`, { document, variables: { ...variables, first: size }, walk: 'forward' }],
        [`${name}, backward`, { document, variables: { ...variables, last: size }, walk: 'backward' }],
      ];
    }),
  );
}

/** Mutations that write nothing: dry runs, and those that fail. */
function writesOf(world: World): Questions {
  const { id } = world.games[3] as Game;
  const [ladder, ofB, held] = [world.strategies[1], `custom:${foreign.strategies[0]}`, foreign.names[0]?.[0]];
  const dryRun = true;
  const bulk = { oldStrategyId: 'default', newStrategyId: ladder, dryRun };
  const patch = { platform: 'console', params: { add: [{ key: 'new', value: '1' }] } };
  const game = { externalGameId: `fresh-${world.tag}`, platform: 'web' };
  const task = world.tasks[0]?.id;
  const newTask = { externalTaskId: NEW_TASK, params: patch.params.add };
  const writes: [name: string, document: string, input: Variables, code?: string][] = [
    ['create', CREATE, { ...game, strategyId: ladder, dryRun }],
    ['create on a strategy of B', CREATE, { ...game, strategyId: ofB }, 'BAD_USER_INPUT'],
    [
      'create with many problems',
      CREATE,
      { externalGameId: '', platform: '', strategyId: ofB },
      'BAD_USER_INPUT',
    ],
    ['create with a name of B', CREATE, { ...game, externalGameId: held, dryRun }, 'CONFLICT'],
    ['patch', PATCH, { id, ...patch, strategyId: ladder, dryRun }],
    ['patch to a strategy of B', PATCH, { id: world.games[4]?.id, strategyId: ofB }, 'BAD_USER_INPUT'],
    ['patch to a name of B', PATCH, { id, externalGameId: held, dryRun }, 'CONFLICT'],
    ['patch a param of B', PATCH, { id, params: { remove: [foreign.params[0]] } }, 'NOT_FOUND'],
    ['patch what has changed', PATCH, { id, ...patch, expectedVersion: 'other' }, 'CONFLICT'],
    ['delete', DELETE, { id, dryRun }],
    ['duplicate', DUPLICATE, { id, externalGameId: game.externalGameId, dryRun }],
    ['duplicate to a name of B', DUPLICATE, { id, externalGameId: held, dryRun }, 'CONFLICT'],
    ['create with tasks', CREATE, { ...game, tasks: [{ ...newTask, strategyId: ladder }], dryRun }],
    [
      'create with a task on a strategy of B',
      CREATE,
      { ...game, tasks: [{ ...newTask, strategyId: ofB }] },
      'BAD_USER_INPUT',
    ],
    ['create a task', CREATE_TASK, { gameId: id, ...newTask, strategyId: ladder, dryRun }],
    [
      'create a task on a strategy of B',
      CREATE_TASK,
      { gameId: id, ...newTask, strategyId: ofB },
      'BAD_USER_INPUT',
    ],
    ['create a task twice', CREATE_TASK, { gameId: id, externalTaskId: 'twice' }, 'CONFLICT'],
    ['patch a task', PATCH_TASK, { id: task, status: 'open', params: patch.params, dryRun }],
    [
      'patch a task to a strategy of B',
      PATCH_TASK,
      { id: world.tasks[1]?.id, strategyId: ofB },
      'BAD_USER_INPUT',
    ],
    ['patch a task that has changed', PATCH_TASK, { id: task, expectedVersion: 'other' }, 'CONFLICT'],
    ['delete a task', DELETE_TASK, { id: task, dryRun }],
    ['duplicate a task', DUPLICATE_TASK, { id: task, externalTaskId: NEW_TASK, dryRun }],
    [
      'duplicate a task to another game',
      DUPLICATE_TASK,
      { id: task, gameId: world.games[0]?.id, externalTaskId: NEW_TASK, dryRun },
    ],
    ['bulk', BULK, bulk],
    ['bulk with tasks', BULK, { ...bulk, tasks: true }],
    ['bulk with tasks of some', BULK, { ...bulk, ids: [...foreign.games, world.games[0]?.id], tasks: true }],
    ['bulk with tasks of B', BULK, { ...bulk, ids: foreign.games, tasks: true, dryRun: false }],
    ['bulk of some', BULK, { ...bulk, ids: [...foreign.games, world.games[0]?.id] }],
    ['bulk of B', BULK, { ...bulk, ids: foreign.games, dryRun: false }],
    ['bulk from a strategy of B', BULK, { ...bulk, oldStrategyId: ofB }],
    ['bulk to a strategy of B', BULK, { ...bulk, newStrategyId: ofB }, 'BAD_USER_INPUT'],
    ['bulk of too many', BULK, { ...bulk, atMost: 0 }, 'LIMIT_EXCEEDED'],
    ['undo', UNDO, { id: world.reassignments[0], dryRun }],
    ['undo with tasks', UNDO, { id: world.reassignments[2], dryRun }],
    ['undo what is undone', UNDO, { id: world.reassignments[1] }, 'CONFLICT'],
    ['rollback', ROLLBACK, { strategyId: ladder, toVersion: '1' }, 'FORBIDDEN'],
    ['rollback of B', ROLLBACK, { strategyId: ofB, toVersion: '1' }, 'FORBIDDEN'],
    ...[0, 3].flatMap((index): typeof writes => {
      const [other, otherTask] = [foreign.games[index], foreign.tasks[index]];
      return [
        [`patch of B, ${index}`, PATCH, { id: other, ...patch }, 'NOT_FOUND'],
        [
          `patch of B as it was, ${index}`,
          PATCH,
          { id: other, ...patch, expectedVersion: 'other' },
          'NOT_FOUND',
        ],
        [`delete of B, ${index}`, DELETE, { id: other }, 'NOT_FOUND'],
        [`duplicate of B, ${index}`, DUPLICATE, { ...game, platform: undefined, id: other }, 'NOT_FOUND'],
        [
          `create a task of B, ${index}`,
          CREATE_TASK,
          { gameId: other, externalTaskId: 'twice', strategyId: ofB },
          'NOT_FOUND',
        ],
        [`patch a task of B, ${index}`, PATCH_TASK, { id: otherTask, status: 'x' }, 'NOT_FOUND'],
        [
          `patch a task of B as it was, ${index}`,
          PATCH_TASK,
          { id: otherTask, expectedVersion: 'other' },
          'NOT_FOUND',
        ],
        [`delete a task of B, ${index}`, DELETE_TASK, { id: otherTask }, 'NOT_FOUND'],
        [
          `duplicate a task of B, ${index}`,
          DUPLICATE_TASK,
          { id: otherTask, gameId: id, externalTaskId: 'twice' },
          'NOT_FOUND',
        ],
        [
          `duplicate a task to B, ${index}`,
          DUPLICATE_TASK,
          { id: task, gameId: other, externalTaskId: 'twice' },
          'NOT_FOUND',
        ],
        [`undo of B, ${index}`, UNDO, { id: foreign.reassignments[index] }, 'NOT_FOUND'],
      ];
    }),
  ];
  return Object.fromEntries(
    writes.map(([name, document, input, code]): [string, Question] => [
      name,
      { document, variables: { input }, ...(code === undefined ? {} : { code }) },
    ]),
  );
}

// ---------------------------------------------------------------- the answers

interface Told {
  readonly text: string;
  readonly pages: readonly Answer[];
}

/** Asks all questions: what reads side by side, what could write after it. */
async function askAll(): Promise<Map<string, Told>> {
  const told = new Map<string, Told>();
  const isWrite = ({ question }: Asked): boolean => question.document.startsWith('mutation');
  const reads = questions.filter((item) => !isWrite(item)).values();
  const work = async (items: Iterable<Asked>): Promise<void> => {
    for (const { name, as, question } of items) {
      const pages = await ask(question, as);
      told.set(name, { pages, text: pages.map(({ status, text }) => `${status} ${text}`).join('\n') });
    }
  };
  await Promise.all(Array.from({ length: 8 }, () => work(reads)));
  await work(questions.filter(isWrite));
  return told;
}

/** The answer, or one for each page. */
async function ask({ document, variables, walk }: Question, as: Credentials): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (let cursor: Variables | null = {}; cursor !== null && answers.length < 40;) {
    const answer = await api.query(document, { ...variables, ...cursor }, as);
    answers.push(answer);
    const info = walk && pageInfoIn(answer.body.data);
    if (walk === 'forward' && info?.['hasNextPage'] === true) cursor = { after: info['endCursor'] };
    else if (walk === 'backward' && info?.['hasPreviousPage'] === true)
      cursor = { before: info['startCursor'] };
    else cursor = null;
  }
  return answers;
}

/** The first pageInfo in an answer. */
function pageInfoIn(value: unknown): Variables | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if ('pageInfo' in value) return value.pageInfo as Variables;
  return Object.values(value)
    .map(pageInfoIn)
    .find((found) => found !== undefined);
}

/** The fields of the types of objects that queries lead to, such as `Game.id`. */
function readableFields(schema: GraphQLSchema): string[] {
  const known = new Set<GraphQLNamedType>();
  const queue: GraphQLNamedType[] = [schema.getQueryType()].filter((type) => isObjectType(type));
  for (let type = queue.shift(); type; type = queue.shift()) {
    if (known.has(type)) continue;
    known.add(type);
    if (isAbstractType(type)) queue.push(...schema.getPossibleTypes(type));
    if (isObjectType(type))
      queue.push(...Object.values(type.getFields()).map((field) => getNamedType(field.type)));
  }
  return [...known]
    .filter((type) => isObjectType(type))
    .flatMap((type) => Object.keys(type.getFields()).map((field) => `${type.name}.${field}`));
}

/** The fields that a document selects, such as `Game.id`. */
function selectedFields(schema: GraphQLSchema, document: string): string[] {
  const fields: string[] = [];
  const info = new TypeInfo(schema);
  const Field = (): void => {
    fields.push(`${info.getParentType()?.name}.${info.getFieldDef()?.name}`);
  };
  visit(parse(document), visitWithTypeInfo(info, { Field }));
  return fields;
}

test('the questions select every field there is', () => {
  const schema = createSchema();
  const documents = new Set(
    questions.filter((q) => q.question.code === undefined).map((q) => q.question.document),
  );
  const selected = new Set([...documents].flatMap((document) => selectedFields(schema, document)));
  expect(readableFields(schema).length).toBeGreaterThan(60);
  expect(readableFields(schema).filter((field) => !selected.has(field))).toEqual([]);
});

test('the questions are answered as they are meant to be, and no answer holds a text of B', () => {
  const unexpected = questions.flatMap(({ name, question }) => {
    const { pages = [], text } = before.get(name) ?? {};
    const codes = pages.flatMap(({ body }) => (body.errors ?? []).map(({ extensions }) => extensions.code));
    return codes.join() === (question.code ?? '') ? [] : [`${name}: ${text?.slice(0, 500)}`];
  });
  expect({ seed: SEED, unexpected }).toEqual({ seed: SEED, unexpected: [] });
  const told = [...before].filter(([, { text }]) => text.includes(SECRET)).map(([name]) => name);
  expect({ seed: SEED, told }).toEqual({ seed: SEED, told: [] });
});

test('whatever B owns, every answer to A is the same byte for byte', async () => {
  for (let round = 1; round <= ROUNDS; round++) {
    await changeForeign(round === 1 ? 'all' : round === 2 ? 'none' : 'some');
    const after = await askAll();
    const different = [...before].flatMap(([name, { text }]) => {
      const now = after.get(name)?.text;
      return now === text ? [] : [{ name, ...firstDifference(text, now ?? '') }];
    });
    const summary = { seed: SEED, round, count: different.length, different: different.slice(0, 10) };
    expect(summary).toEqual({ seed: SEED, round, count: 0, different: [] });
  }
});

/** Where two texts part, and what is around it. */
function firstDifference(was: string, is: string): { was: string; is: string } {
  let at = 0;
  while (at < was.length && was[at] === is[at]) at++;
  const around = (text: string): string => text.slice(Math.max(0, at - 80), at + 120);
  return { was: around(was), is: around(is) };
}
