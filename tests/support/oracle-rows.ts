import type { TestDatabase } from './database.js';
import type { Random } from './random.js';

// The rows that the differential test asks about: made at random, then read once as they are stored.

type Text = string | null;

export interface GameRow {
  readonly id: string;
  readonly externalGameId: Text;
  readonly platform: Text;
  readonly strategyId: Text;
  readonly apiKey: Text;
  readonly oauthUserId: Text;
  readonly createdAt: Text;
  readonly updatedAt: Text;
}
export interface TaskRow {
  readonly id: string;
  readonly gameId: Text;
  readonly externalTaskId: string;
  readonly strategyId: string;
  readonly status: string;
  readonly createdAt: Text;
  readonly updatedAt: Text;
}
export interface ParamRow {
  readonly id: string;
  /** The game's or the task's. */
  readonly parentId: Text;
  readonly key: Text;
  readonly value: Text;
  readonly createdAt: Text;
}
export interface AwardRow {
  readonly userId: Text;
  readonly taskId: Text;
  readonly points: number | null;
  readonly createdAt: Text;
}
export interface DefinitionRow {
  readonly id: string;
  readonly name: string;
  readonly version: number;
  readonly status: string;
  readonly description: Text;
  readonly realm: Text;
  readonly publishedAt: Text;
}
export interface ReassignmentRow {
  readonly id: string;
  readonly kind: string;
  readonly oldStrategyId: string;
  readonly newStrategyId: string;
  readonly count: number;
  readonly taskCount: number;
  readonly apiKey: Text;
  readonly oauthUserId: Text;
  readonly createdAt: string;
  readonly undoneAt: Text;
  readonly undoes: Text;
}

/** All rows that answers are made of. Timestamps are text, in UTC with six fraction digits. */
export interface Rows {
  readonly games: readonly GameRow[];
  readonly gameParams: readonly ParamRow[];
  readonly tasks: readonly TaskRow[];
  readonly taskParams: readonly ParamRow[];
  readonly users: readonly { readonly id: string; readonly externalUserId: Text }[];
  readonly awards: readonly AwardRow[];
  readonly userConfigs: readonly { readonly gameId: Text }[];
  readonly definitions: readonly DefinitionRow[];
  readonly reassignments: readonly ReassignmentRow[];
  readonly reassignedGames: readonly { readonly reassignmentId: string; readonly gameId: string }[];
  readonly reassignedTasks: readonly { readonly reassignmentId: string; readonly taskId: string }[];
}

export async function readRows(database: TestDatabase): Promise<Rows> {
  const read = <Row extends object>(columns: string, table: string): Promise<Row[]> =>
    database.query<Row>(`SELECT ${columns} FROM ${table}`);
  const time = (column: string, name: string): string =>
    `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS "${name}"`;
  const times = `${time('created_at', 'createdAt')}, ${time('updated_at', 'updatedAt')}`;
  const owner = `"apiKey_used" AS "apiKey", oauth_user_id AS "oauthUserId"`;
  return {
    games: await read(`id, "externalGameId", platform, "strategyId", ${owner}, ${times}`, 'games'),
    gameParams: await read(`id, "gameId" AS "parentId", key, value, ${times}`, 'gamesparams'),
    tasks: await read(`id, "gameId", "externalTaskId", "strategyId", status, ${times}`, 'tasks'),
    taskParams: await read(`id, "taskId" AS "parentId", key, value, ${times}`, 'tasksparams'),
    users: await read(`id, "externalUserId"`, 'users'),
    awards: await read(`"userId", "taskId", points, ${times}`, 'userpoints'),
    userConfigs: await read(`"gameId"`, 'usergameconfig'),
    definitions: await read(
      `id, name, version, status, description, "realmId" AS realm, ${time('"publishedAt"', 'publishedAt')}`,
      'strategydefinition',
    ),
    reassignments: await read(
      `id, kind, old_strategy_id AS "oldStrategyId", new_strategy_id AS "newStrategyId", games AS count,
       tasks AS "taskCount", api_key AS "apiKey", oauth_user_id AS "oauthUserId", undoes,
       ${time('created_at', 'createdAt')}, ${time('undone_at', 'undoneAt')}`,
      'game_graphql_reassignments',
    ),
    reassignedGames: await read(
      `reassignment_id AS "reassignmentId", game_id AS "gameId"`,
      'game_graphql_reassigned_games',
    ),
    reassignedTasks: await read(
      `reassignment_id AS "reassignmentId", task_id AS "taskId"`,
      'game_graphql_reassigned_tasks',
    ),
  };
}

/** Who owns rows. */
export interface Owners {
  readonly keys: readonly string[];
  readonly subjects: readonly string[];
}

/** Few, so that rows share them; with microseconds, and none. */
export const TIMES: readonly Text[] = [
  null,
  '2025-12-31T23:59:59.999999Z',
  '2026-01-01T00:00:00.000000Z',
  '2026-01-01T00:00:00.000001Z',
  '2026-01-02T03:04:05.100000Z',
  '2026-01-02T03:04:05.123450Z',
  '2026-02-10T12:15:00.000000Z',
  '2026-02-10T12:15:00.120000Z',
  '2026-03-29T01:30:00.000000Z',
];

/** What JSON escapes, LIKE and SQL treat as something else, letters of both cases, and code points that UTF-16 sorts otherwise. */
export const TEXTS: readonly string[] = [
  ...['web', 'Web', 'WEB', 'android', 'ios', '', ' web', 'we_b', '100%', '%', '_', String.raw`back\slash`],
  ...[`it's "quoted"`, '\u0001"2026-01-01T00:00:00.1', '\t\n\r\b\f\u007f', '{"!":0}', '\u2028\u2029'],
  ...[
    'ÉTÉ',
    'été',
    'STRASSE',
    'straße',
    'ΣΊΣΥΦΟΣ',
    'İstanbul',
    '\uFB00',
    '\uFFFD',
    '😀',
    'a😀',
    'x'.repeat(90),
  ],
];

export const STATUSES: readonly string[] = ['open', 'closed', 'pending', 'Open', '%', 'été'];

/** The built-in strategies of GAME, with their versions. */
export const BUILT_INS: Readonly<Record<string, string>> = {
  default: '0.0.2',
  constantEffortStrategy: '0.0.1',
  greencrowdStrategy: '1.0.0',
  greengageStrategy: '0.0.1',
  socio_bee: '0.0.2',
  getis_ord_gi_star: '0.0.1',
};

/** Realm of whoever has no API key. */
export const COMMON_REALM = 'GameRealm';

/** Fills an empty database. */
export async function plantRows(database: TestDatabase, random: Random, owners: Owners): Promise<void> {
  const put = (table: string, rows: readonly object[]): Promise<unknown> =>
    database.query(`INSERT INTO ${table} SELECT * FROM json_populate_recordset(NULL::${table}, $1::json)`, [
      JSON.stringify(rows),
    ]);
  const many = <Row>(count: number, make: (index: number) => Row): Row[] =>
    Array.from({ length: count }, (_, index) => make(index));
  const times = (): object => ({ created_at: random.pick(TIMES), updated_at: random.pick(TIMES) });
  const orNull = (value: string): Text => (random.chance(0.15) ? null : value);

  const realms = [...owners.keys, COMMON_REALM, null];
  const definitions = many(24, (index) => ({
    id: random.uuid(),
    realmId: realms[index % realms.length],
    name: ['family', 'Family', '😀', '\uFB00'][Math.floor(index / realms.length) % 2 ? index % 4 : 0],
    version: 1 + Math.floor(index / realms.length),
    status: random.pick(['PUBLISHED', 'PUBLISHED', 'DRAFT', 'ARCHIVED', 'RETIRED']),
    description: orNull(random.pick(TEXTS)),
    type: 'DSL_FULL',
    publishedAt: random.pick(TIMES),
    ...times(),
  }));
  await put('strategydefinition', definitions);
  const strategyIds = [
    ...Object.keys(BUILT_INS),
    ...['default', 'default', 'no-such', 'custom:x', ''],
    ...definitions.map(({ id }) => `custom:${id}`),
    `custom:${definitions[0]?.id.toUpperCase()}`,
  ];

  const games = many(110, (index) => ({
    id: random.uuid(),
    externalGameId: orNull(index % 5 === 0 ? `${random.pick(TEXTS)}${index}` : `game-${index}`),
    platform: orNull(random.pick(TEXTS)),
    strategyId: orNull(random.pick(strategyIds)),
    apiKey_used: random.chance(0.3) ? null : random.pick(owners.keys),
    oauth_user_id: random.chance(0.4) ? null : random.pick(owners.subjects),
    ...times(),
  }));
  await put('games', games);
  const params = (key: 'gameId' | 'taskId', parents: readonly { id: string }[]): object[] =>
    parents.flatMap(({ id }) =>
      many(random.below(4), () => ({
        ...{ id: random.uuid(), [key]: id, ...times() },
        ...{ key: orNull(random.pick(TEXTS)), value: orNull(random.pick(TEXTS)) },
      })),
    );
  await put('gamesparams', params('gameId', games));
  const tasks = games.flatMap(({ id: gameId }, index) =>
    // More than the default page in some games, none in others.
    many(index % 12 === 0 ? 27 : random.below(5), (number) => ({
      ...{ id: random.uuid(), gameId, ...times() },
      externalTaskId: random.chance(0.3) ? random.pick(TEXTS) : `task-${number}`,
      strategyId: random.pick(strategyIds),
      status: random.pick(STATUSES),
    })),
  );
  // A task that belongs to no game.
  await put('tasks', [
    ...tasks,
    {
      ...{ id: random.uuid(), gameId: null, externalTaskId: 'lost', strategyId: 'default', status: 'open' },
      ...times(),
    },
  ]);
  await put('tasksparams', params('taskId', tasks));

  const users = many(30, (index) => ({
    id: random.uuid(),
    externalUserId: orNull(`${index % 4 ? 'user' : random.pick(TEXTS)}-${index}`),
    ...times(),
  }));
  await put('users', users);
  const awards = tasks.flatMap(({ id: taskId }, index) =>
    many(index % 40 === 0 ? 60 : random.below(4), () => ({
      ...{ id: random.uuid(), taskId, ...times() },
      userId: orNull(random.pick(users).id),
      points: random.pick([null, 0, 1, 1, 5, 10, -3, 2_000_000_000]),
    })),
  );
  await put('userpoints', awards);
  await put(
    'usergameconfig',
    many(40, () => ({ id: random.uuid(), userId: random.pick(users).id, gameId: random.pick(games).id })),
  );

  const reassignments: { id: string; undoes: Text }[] = [];
  for (let index = 0; index < 26; index++) {
    reassignments.push({
      ...{ id: random.uuid(), kind: random.pick(['BULK', 'ROLLBACK', 'UNDO']) },
      ...{ old_strategy_id: random.pick(strategyIds), new_strategy_id: random.pick(strategyIds) },
      ...{ games: random.below(9), tasks: random.below(3) },
      api_key: random.chance(0.3) ? null : random.pick(owners.keys),
      oauth_user_id: random.chance(0.4) ? null : random.pick(owners.subjects),
      created_at: random.pick(TIMES.filter((time) => time !== null)),
      undone_at: random.pick(TIMES),
      undoes: index > 3 && random.chance(0.5) ? random.pick(reassignments).id : null,
    } as { id: string; undoes: Text });
  }
  await put('game_graphql_reassignments', reassignments);
  await put(
    'game_graphql_reassigned_games',
    reassignments.flatMap(({ id }) =>
      // One of them is gone.
      [...random.some(games, 25), { id: random.uuid() }].map((game) => ({
        reassignment_id: id,
        game_id: game.id,
      })),
    ),
  );
  await put(
    'game_graphql_reassigned_tasks',
    reassignments.flatMap(({ id }) =>
      [...random.some(tasks, 25), { id: random.uuid() }].map((task) => ({
        reassignment_id: id,
        task_id: task.id,
      })),
    ),
  );
}
