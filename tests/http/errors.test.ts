import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { createServer, type AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import {
  startApi,
  type Api,
  type Credentials,
  type LogLine,
  type Refusal,
  type Variables,
} from '../support/api.js';
import { rowsOf, type Game, type Owner, type Task } from '../support/builders.js';
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from '../support/database.js';
import { send, type RawAnswer } from '../support/http.js';
import { rootOperations, schemaOf, textPlaces } from '../support/schema-walk.js';
import { useApiAndIssuer } from '../support/use-api.js';

const { api, issuer, rows } = useApiAndIssuer();
let alice: Owner;
let game: Game;
let task: Task;
let admin: Credentials;

beforeAll(async () => {
  admin = await issuer.admin('root');
  alice = await rows.owner();
  game = await (await alice.game({ externalGameId: 'a-game', strategyId: 'removed' })).withEverything();
  task = await game.task();
  const input = { oldStrategyId: 'removed', newStrategyId: 'default' };
  await api.data(BULK, { input }, alice);
});

const JSON_TYPE = { 'content-type': 'application/json' };
const BULK = `mutation ($input: BulkUpdateStrategyIdInput!) {
  bulkUpdateStrategyId(input: $input) { count reassignment { id } } }`;
const ROLLBACK = `mutation ($input: RollbackStrategyInput!) { rollbackStrategy(input: $input) { gameCount } }`;
const CREATE = 'mutation ($input: CreateGameInput!) { createGame(input: $input) { game { id } } }';

/** Values for what operations require. */
const samples = (): Variables => ({
  id: game.id,
  ids: [game.id],
  gameId: game.id,
  ...Object.fromEntries(['Patch', 'Delete', 'Duplicate'].map((what) => [`${what}TaskInput.id`, task.id])),
  externalGameId: 'walked-through',
  externalTaskId: 'walked-through',
  platform: 'web',
  key: 'k',
  value: 'v',
  oldStrategyId: 'unused-strategy',
  newStrategyId: 'default',
});

function post(body: string | Buffer, headers: Record<string, string> = JSON_TYPE): Promise<RawAnswer> {
  return send(api.url, { method: 'POST', headers, body });
}

/** The codes of the errors of an answer that came outside of `api.query`. */
function codesOf({ text }: RawAnswer): string[] {
  const { errors } = JSON.parse(text) as { errors: { extensions: { code: string } }[] };
  return errors.map(({ extensions }) => extensions.code);
}

/** The arguments that an answer finds fault with. */
function faults({ errors }: Refusal): string[] {
  return errors.flatMap(({ extensions }) => extensions.problems ?? []).map(({ argument }) => argument);
}

/** Lines of the log that tell of something gone wrong. */
function alarms(log: readonly LogLine[]): LogLine[] {
  return log.filter(({ level }) => Number(level) >= 40);
}

describe('UNAUTHENTICATED', () => {
  test('without a credential only viewer, introspection and what gateways read of the schema answer', async () => {
    const operations = rootOperations(await schemaOf(api), samples());
    expect(Object.keys(operations)).toEqual(expect.arrayContaining(['viewer', 'games', 'deleteGame']));
    const before = await api.database.dump();
    for (const [name, { document, variables }] of Object.entries(operations)) {
      const { status, body } = await api.query(document, variables);
      const codes = body.errors?.map(({ extensions }) => extensions.code);
      expect({ name, status, codes }).toEqual(
        ['viewer', '_sdl', '_service'].includes(name)
          ? { name, status: 200, codes: undefined }
          : { name, status: 401, codes: ['UNAUTHENTICATED'] },
      );
    }
    expect(await api.database.dump()).toBe(before);
  });

  test('the message says what to send', async () => {
    const { errors } = await api.errors('{ games { totalCount } }');
    expect(errors[0]?.message).toBe('Send an API key in the X-API-Key header, or a bearer token.');
  });

  test('a key that is not good is refused alike whatever is asked, viewer and introspection included', async () => {
    const unknown = `gme_live_AAAAAAAA.${'A'.repeat(32)}`;
    const keys = [
      unknown,
      (await rows.owner({ active: false })).key,
      (await rows.owner({ active: null })).key,
      alice.prefix,
      alice.key.slice(0, -1),
      `${alice.key}x`,
      alice.key.toUpperCase(),
      '',
      'x'.repeat(5_000),
      `${alice.key}, ${alice.key}`,
    ];
    const texts = new Set<string>();
    for (const key of keys) {
      for (const document of ['{ viewer { apiKey } }', '{ __typename }', '{ games { totalCount } }']) {
        const { status, codes, text } = await api.errors(document, {}, { key });
        expect({ key, status, codes }).toEqual({ key, status: 401, codes: ['UNAUTHENTICATED'] });
        texts.add(text);
      }
    }
    expect(texts.size).toBe(1);
    expect([...texts][0]).toContain('The API key is unknown or inactive.');
  });

  test('a key that is sent twice is refused, also when both are good', async () => {
    const headers = { ...JSON_TYPE, 'x-api-key': [alice.key, alice.key] };
    const answer = await send(api.url, { method: 'POST', headers, body: '{"query":"{ __typename }"}' });
    expect({ status: answer.status, codes: codesOf(answer) }).toEqual({
      status: 401,
      codes: ['UNAUTHENTICATED'],
    });
  });

  test('a bearer token is refused unless it is good, whatever key comes with it', async () => {
    const tokens = ['a.b.c', '', 'x', alice.key, `${admin.token}x`];
    for (const token of tokens) {
      for (const as of [{ token }, { token, key: alice.key }]) {
        const { status, codes } = await api.errors('{ __typename }', {}, as);
        expect({ token, status, codes }).toEqual({ token, status: 401, codes: ['UNAUTHENTICATED'] });
      }
    }
    const without = await startApi({ database: api.database });
    try {
      const { status, codes } = await without.errors('{ __typename }', {}, admin);
      expect({ status, codes }).toEqual({ status: 401, codes: ['UNAUTHENTICATED'] });
    } finally {
      await without.close();
    }
  });
});

describe('FORBIDDEN', () => {
  test('what is for admins is refused to any other caller, before anything is looked at', async () => {
    const { strategyId } = await alice.strategy();
    const user = await issuer.caller({ sub: 'user' });
    for (const as of [alice, user]) {
      for (const id of [strategyId, 'nope', '\0']) {
        const { status, errors } = await api.errors(
          ROLLBACK,
          { input: { strategyId: id, toVersion: '1' } },
          as,
        );
        const error = { message: 'This operation is for admins.', extensions: { code: 'FORBIDDEN' } };
        expect({ status, errors }).toMatchObject({ status: 200, errors: [error] });
      }
    }
  });
});

describe('NOT_FOUND', () => {
  test('comes with HTTP 200 at the place of its field, and leaves its neighbours alone', async () => {
    const document = `{ viewer { isAdmin } game(id: "${randomUUID()}") { id } strategy(id: "none") { id } }`;
    const { status, body } = await api.errors(document, {}, alice);
    expect(status).toBe(200);
    expect(body.data).toEqual({ viewer: { isAdmin: false }, game: null, strategy: null });
    expect(body.errors).toMatchObject([
      { message: 'Game not found.', path: ['game'], extensions: { code: 'NOT_FOUND' } },
      { message: 'Strategy not found.', path: ['strategy'], extensions: { code: 'NOT_FOUND' } },
    ]);
  });
});

describe('MIGRATION_REQUIRED', () => {
  test('what needs a table that is not there yet names the command; games are served all the same', async () => {
    const database = await createTestDatabase();
    await dropOurs(database);
    const unmigrated = await startApi({ database });
    try {
      const owner = await rowsOf(database).owner();
      await unmigrated.data(CREATE, { input: { externalGameId: 'created', platform: 'web' } }, owner);
      expect(await unmigrated.data('{ games { totalCount } }', {}, owner)).toEqual({
        games: { totalCount: 1 },
      });
      const bulk = { input: { oldStrategyId: 'default', newStrategyId: 'socio_bee' } };
      for (const [document, variables] of [
        [BULK, bulk],
        ['{ strategyReassignments { totalCount } }', {}],
      ] as const) {
        const { status, errors } = await unmigrated.errors(document, variables, owner);
        const error = { message: expect.stringContaining('npm run migrate') };
        const extensions = { code: 'MIGRATION_REQUIRED' };
        expect({ status, errors }).toMatchObject({ status: 200, errors: [{ ...error, extensions }] });
      }
      expect(await send(`${unmigrated.origin}/health/ready`)).toMatchObject({ status: 200 });
    } finally {
      await unmigrated.close();
      await database.drop();
    }
  });
});

describe('CONFLICT', () => {
  test('says what to do, and nothing of the game that is in the way', async () => {
    const input = { externalGameId: 'a-game', platform: 'web' };
    const { status, errors } = await api.errors(CREATE, { input }, alice);
    expect(status).toBe(200);
    expect(errors).toEqual([
      {
        message: 'This externalGameId is taken. Choose another one.',
        locations: expect.any(Array),
        path: ['createGame'],
        extensions: { code: 'CONFLICT' },
      },
    ]);
  });
});

describe('BAD_USER_INPUT', () => {
  test('lists everything that is wrong with an input, each with its path and what is allowed', async () => {
    const input = {
      externalGameId: 'no spaces!',
      platform: '',
      strategyId: 'nope',
      params: [
        { key: 'good', value: 'good' },
        { key: '\0', value: '\uD800' },
      ],
    };
    const { status, errors } = await api.errors(CREATE, { input }, alice);
    expect(status).toBe(200);
    expect(errors).toHaveLength(1);
    expect(errors[0]?.message).toBe('5 arguments are not valid; see extensions.problems.');
    expect(errors[0]?.extensions).toEqual({
      code: 'BAD_USER_INPUT',
      problems: [
        { argument: 'input.externalGameId', message: expect.stringContaining('3 to 60 characters') },
        { argument: 'input.platform', message: expect.stringContaining('1 to 100 characters') },
        { argument: 'input.strategyId', message: expect.stringMatching(/default.*socio_bee.*custom:<id>/) },
        { argument: 'input.params.1.key', message: expect.stringContaining('NUL') },
        { argument: 'input.params.1.value', message: expect.stringContaining('surrogate') },
      ],
    });
  });

  test('one problem alone is the message itself', async () => {
    const { errors } = await api.errors('{ games(first: 0) { totalCount } }', {}, alice);
    expect(errors[0]?.message).toBe('first: must be between 1 and 100; it is 0.');
  });

  test.each([
    ['first: 0', ['first']],
    ['first: -1', ['first']],
    ['last: 0', ['last']],
    ['last: -2147483648', ['last']],
    ['first: 1, last: 1', ['last']],
    ['first: 0, last: 0', ['first', 'last', 'last']],
    ['first: -1, last: 101', ['first', 'last']],
    ['first: 101, after: "x"', ['after']],
    ['after: "x", before: ""', ['after', 'before']],
    ['orderBy: [{ field: PLATFORM }, { field: PLATFORM, direction: DESC }]', ['orderBy.1.field']],
    ['filter: { createdAt: { gte: "yesterday" } }', ['filter.createdAt.gte']],
    [
      'filter: { not: { or: [{}, { updatedAt: { eq: "2024-02-30T00:00:00Z" } }] } }',
      ['filter.not.or.1.updatedAt.eq'],
    ],
    ['filter: { createdAt: { lt: "2024-01-01T00:00:00.1234567Z" } }', ['filter.createdAt.lt']],
    [
      `first: 0, after: "x", before: "y", filter: { createdAt: { gt: "", lt: "2024-01-01" } },
       orderBy: [{ field: PLATFORM }, { field: PLATFORM }]`,
      ['orderBy.1.field', 'filter.createdAt.gt', 'filter.createdAt.lt', 'first', 'after', 'before'],
    ],
  ])('games(%s)', async (args, expected) => {
    const refusal = await api.errors(`{ games(${args}) { totalCount } }`, {}, alice);
    expect(refusal).toMatchObject({ status: 200, codes: ['BAD_USER_INPUT'] });
    expect(faults(refusal).toSorted()).toEqual(expected.toSorted());
  });

  test('null counts as not given', async () => {
    const document = `query ($n: Int, $s: String) {
      games(first: $n, last: $n, after: $s, before: $s, filter: null, orderBy: null) { totalCount } }`;
    expect(await api.data(document, { n: null, s: null }, alice)).toEqual({ games: { totalCount: 1 } });
  });

  test('a cursor is refused unless it is one of this very list', async () => {
    type Data = { games: { edges: { cursor: string }[] } };
    const cursorOf = async (args: string): Promise<string> => {
      const { games } = await api.data<Data>(`{ games${args} { edges { cursor } } }`, {}, alice);
      return games.edges[0]?.cursor ?? '';
    };
    const good = await cursorOf('');
    const encode = (text: string): string => Buffer.from(text).toString('base64url');
    const decoded = JSON.parse(Buffer.from(good, 'base64url').toString()) as unknown[];
    const cursors = [
      ...[
        '',
        ' ',
        'garbage',
        '=',
        '%00',
        good.slice(1),
        good.slice(0, -1),
        `${good}A`,
        `${good}=`,
        good.toLowerCase(),
      ],
      ...['', 'null', '[null]', '{"a":1}', '[1,2,3]', '["$ne"]', '[]', '[[]]', '\0', '['.repeat(5_000)].map(
        encode,
      ),
      encode(JSON.stringify([decoded[0], '2024-01-01T00:00:00.000000Z', game.id])),
      encode(JSON.stringify([...decoded, 'more'])),
      'x'.repeat(90_000),
      await cursorOf('(orderBy: [{ field: CREATED_AT }])'),
      await cursorOf('(orderBy: [{ field: PLATFORM, direction: DESC }])'),
      await cursorOf('(filter: { platform: { eq: "web" } })'),
    ];
    const document = 'query ($c: String) { games(after: $c) { totalCount } }';
    await api.data(document, { c: good }, alice);
    for (const c of cursors) {
      const refusal = await api.errors(document, { c }, alice);
      expect({ c, codes: refusal.codes, faults: faults(refusal) }).toEqual({
        ...{ c, codes: ['BAD_USER_INPUT'], faults: ['after'] },
      });
    }
  });

  describe('a variable that cannot be coerced comes with HTTP 400', () => {
    test.each<[declared: string, field: string, variables: Variables, argument: string]>([
      ['$n: Int', 'games(first: $n) { totalCount }', { n: 'x' }, 'n'],
      ['$n: Int', 'games(first: $n) { totalCount }', { n: 2_147_483_648 }, 'n'],
      ['$n: Int', 'games(first: $n) { totalCount }', { n: 1.5 }, 'n'],
      ['$id: ID!', 'game(id: $id) { id }', {}, 'id'],
      ['$id: ID!', 'game(id: $id) { id }', { id: null }, 'id'],
      ['$id: ID!', 'game(id: $id) { id }', { id: { a: 1 } }, 'id'],
      ['$ids: [ID!]!', 'gamesByIds(ids: $ids) { id }', { ids: ['a', null] }, 'ids.1'],
      [
        '$f: GameFilter',
        'games(filter: $f) { totalCount }',
        { f: { createdAt: { gt: 5 } } },
        'f.createdAt.gt',
      ],
      ['$f: GameFilter', 'games(filter: $f) { totalCount }', { f: { $ne: 1 } }, 'f'],
      ['$f: GameFilter', 'games(filter: $f) { totalCount }', { f: { or: [{}, { not: 1 }] } }, 'f.or.1.not'],
      ['$o: [GameOrder!]', 'games(orderBy: $o) { totalCount }', { o: [{ field: 'ID' }] }, 'o.0.field'],
      ['$o: [GameOrder!]', 'games(orderBy: $o) { totalCount }', { o: [{}] }, 'o.0'],
    ])('%s of %s as %j', async (declared, field, variables, argument) => {
      const refusal = await api.errors(`query (${declared}) { ${field} }`, variables, alice);
      expect(refusal).toMatchObject({ status: 400, codes: ['BAD_USER_INPUT'] });
      expect(faults(refusal)).toEqual([argument]);
      expect(refusal.body).not.toHaveProperty('data');
    });

    test('all that is wrong with the variables is told at once', async () => {
      const document = 'query ($n: Int, $id: ID!) { games(first: $n) { totalCount } game(id: $id) { id } }';
      const refusal = await api.errors(document, { n: 'x' }, alice);
      expect(refusal.status).toBe(400);
      expect(faults(refusal)).toEqual(['n', 'id']);
    });

    test('in a mutation nothing is written', async () => {
      const before = await api.database.dump();
      const input = { externalGameId: 'coerced', platform: 5, params: [{ key: 'k' }], owner: 'x' };
      const refusal = await api.errors(CREATE, { input }, alice);
      expect(refusal.status).toBe(400);
      expect(faults(refusal)).toEqual(['input.platform', 'input.params.0', 'input']);
      expect(await api.database.dump()).toBe(before);
    });
  });

  test.each([
    'games(orderBy: [{ field: CREATED_AT, direction: $d }]) { totalCount }',
    'games { nodes { tasks(orderBy: [{ field: CREATED_AT, direction: $d }]) { totalCount } } }',
  ])('null where null is not allowed but a default is: %s', async (field) => {
    const document = `query ($d: OrderDirection) { ${field} }`;
    const refusal = await api.errors(document, { d: null }, alice);
    expect(refusal).toMatchObject({ status: 400, codes: ['BAD_USER_INPUT'] });
    expect(faults(refusal)).toEqual(['orderBy']);
    await api.data(document, {}, alice);
  });
});

describe('text that PostgreSQL cannot hold', () => {
  test.each([
    ['NUL', 'a\0b'],
    ['a lone surrogate', 'a\uD800b'],
  ])('%s is refused wherever a string can be put', async (_name, text) => {
    const places = textPlaces(await schemaOf(api), samples());
    expect(places.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        'Query.game(id)',
        'Game.tasks(filter.status.in.0)',
        'Query.games(filter.and.0.id.eq)',
      ]),
    );
    const before = await api.database.dump();
    const alarmed = alarms(api.log).length;
    const unlike: unknown[] = [];
    const sendPlace = async ({ name, argument, put }: (typeof places)[number]): Promise<void> => {
      const { document, variables } = put(text);
      const { status, body } = await api.query(document, variables, admin);
      const codes = [...new Set(body.errors?.map(({ extensions }) => extensions.code))];
      const found = body.errors?.[0]?.extensions.problems?.map((problem) => problem.argument) ?? [];
      const refused =
        (codes.join() === 'BAD_USER_INPUT' && found.includes(argument)) ||
        // A version that no game can have is not the game's.
        (argument.endsWith('.expectedVersion') && codes.join() === 'CONFLICT');
      if (!refused || status !== 200) unlike.push({ name, status, codes, found });
    };
    for (let start = 0; start < places.length; start += AT_A_TIME) {
      await Promise.all(places.slice(start, start + AT_A_TIME).map(sendPlace));
    }
    expect(unlike).toEqual([]);
    expect(await api.database.dump()).toBe(before);
    expect(alarms(api.log).slice(alarmed)).toEqual([]);
  });
});

/** More than sixty would be refused. */
const AT_A_TIME = 20;

describe('LIMIT_EXCEEDED', () => {
  const nested = (levels: number): object => (levels === 0 ? {} : { not: nested(levels - 1) });
  const ids = (length: number): string[] => Array.from({ length }, () => game.id);
  const FILTER = 'query ($filter: GameFilter) { games(filter: $filter) { totalCount } }';

  test.each<[what: string, document: string, variables: (size: number) => Variables, limit: number]>([
    ['page from the start', 'query ($n: Int) { games(first: $n) { totalCount } }', (n) => ({ n }), 100],
    ['page from the end', 'query ($n: Int) { games(last: $n) { totalCount } }', (n) => ({ n }), 100],
    [
      'page of tasks',
      'query ($n: Int) { games { nodes { tasks(first: $n) { totalCount } } } }',
      (n) => ({ n }),
      100,
    ],
    ['gamesByIds', 'query ($ids: [ID!]!) { gamesByIds(ids: $ids) { id } }', (n) => ({ ids: ids(n) }), 1_000],
    [
      'externalGameIds',
      'query ($ids: [ID!]!) { externalGameIds(ids: $ids) { gameId } }',
      (n) => ({ ids: ids(n) }),
      1_000,
    ],
    ['nodes', 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', (n) => ({ ids: ids(n) }), 1_000],
    ['in', FILTER, (n) => ({ filter: { id: { in: ids(n) } } }), 1_000],
    ['notIn', FILTER, (n) => ({ filter: { platform: { notIn: ids(n) } } }), 1_000],
    ['levels of a filter', FILTER, (n) => ({ filter: nested(n - 1) }), 16],
    // An `or`, and for each of its members a field and an operator.
    [
      'operators of a filter',
      FILTER,
      (n) => ({ filter: { or: Array(Math.floor((n - 1) / 2)).fill({ platform: { eq: 'x' } }) } }),
      500,
    ],
  ])(
    '%s: the most is allowed, more is refused, and the message says how much',
    async (what, document, variables, limit) => {
      await api.data(document, variables(limit), alice);
      const { status, errors, codes } = await api.errors(document, variables(limit + 1), alice);
      expect({ what, status, codes }).toEqual({ what, status: 200, codes: ['LIMIT_EXCEEDED'] });
      // How much of a filter there is is not known where counting it ends.
      const told = what.endsWith('of a filter') ? [limit] : [limit, limit + 1];
      for (const size of told) expect(errors[0]?.message).toContain(String(size));
    },
  );

  test('a body may have 100,000 bytes', async () => {
    const body = (length: number): string => '{"query":"{ __typename }"}'.padEnd(length);
    expect((await post(body(100_000))).status).toBe(200);
    const answer = await post(body(100_001));
    expect({ status: answer.status, codes: codesOf(answer) }).toEqual({
      status: 413,
      codes: ['LIMIT_EXCEEDED'],
    });
    expect(answer.text).toContain('100000 bytes');
  });

  test.each<[what: string, document: string]>([
    ['fields at the top', `{ ${Array.from({ length: 51 }, (_, i) => `a${i}: __typename`).join(' ')} }`],
    [
      'cost',
      '{ games(first: 100) { nodes { tasks(first: 100) { nodes { leaderboard(first: 100) { totalCount } } } } } }',
    ],
    [
      'depth',
      `{ game(id: "x") { ${'task(externalTaskId: "x") { game { '.repeat(10)} id ${'} }'.repeat(10)} } }`,
    ],
    [
      'fragments that unfold',
      `{ ...f0 } ${Array.from({ length: 15 }, (_, i) => `fragment f${i} on Query { ...f${i + 1} ...f${i + 1} }`).join(' ')}
       fragment f15 on Query { viewer { isAdmin } }`,
    ],
  ])('%s of an operation: refused with HTTP 400 before anything runs', async (_what, document) => {
    const { status, codes, body } = await api.errors(document, {}, alice);
    expect({ status, codes }).toEqual({ status: 400, codes: ['LIMIT_EXCEEDED'] });
    expect(body).not.toHaveProperty('data');
  });
});

describe('operations that are none', () => {
  test.each<[what: string, document: string, code: string]>([
    ['no end', '{ games {', 'GRAPHQL_PARSE_FAILED'],
    ['nothing', '#', 'GRAPHQL_PARSE_FAILED'],
    ['more than 5,000 tokens', `{ ${'viewer { isAdmin } '.repeat(1_251)} }`, 'GRAPHQL_PARSE_FAILED'],
    ['a field that is not there', '{ gamez { id } }', 'GRAPHQL_VALIDATION_FAILED'],
    ['an argument that is not there', '{ games(offset: 5) { totalCount } }', 'GRAPHQL_VALIDATION_FAILED'],
    [
      'an enum value that is not there',
      '{ games(orderBy: [{ field: ID }]) { totalCount } }',
      'GRAPHQL_VALIDATION_FAILED',
    ],
    ['a literal of another type', '{ games(first: 2147483648) { totalCount } }', 'GRAPHQL_VALIDATION_FAILED'],
    [
      'two operations without a choice',
      'query A { __typename } query B { __typename }',
      'OPERATION_RESOLUTION_FAILURE',
    ],
  ])('%s', async (_what, document, code) => {
    const { status, codes, body } = await api.errors(document, {}, alice);
    expect({ status, codes }).toEqual({ status: 400, codes: [code] });
    expect(body).not.toHaveProperty('data');
  });

  test('at most 20 faults of a document are told', async () => {
    const { status, codes } = await api.errors(
      `{ ${Array.from({ length: 40 }, (_, i) => `x${i}`).join(' ')} }`,
    );
    expect(status).toBe(400);
    expect(codes.length).toBeLessThanOrEqual(21);
  });
});

test('at most five faults of the variables of an operation are told, and that there are more', async () => {
  const document = 'query ($filter: GameFilter) { games(filter: $filter) { totalCount } }';
  const unknownFields = (count: number): object =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`nope${index}`, 1]));
  const all = await api.errors(document, { filter: unknownFields(5) }, alice);
  expect({ status: all.status, codes: all.codes }).toEqual({
    status: 400,
    codes: Array(5).fill('BAD_USER_INPUT'),
  });
  const { status, errors, codes } = await api.errors(document, { filter: unknownFields(40) }, alice);
  expect({ status, codes }).toEqual({ status: 400, codes: Array(6).fill('BAD_USER_INPUT') });
  expect(errors.at(-1)?.message).toContain('Too many errors');
});

test('at most 50 problems of the arguments of a field are told, and how many there are', async () => {
  const document = 'mutation ($input: CreateGameInput!) { createGame(input: $input) { game { id } } }';
  const input = (count: number): Variables => ({
    input: {
      externalGameId: 'bad-params',
      platform: 'web',
      params: Array(count).fill({ key: 'k', value: '\0' }),
    },
  });
  for (const [count, told] of [
    [50, 50],
    [60, 50],
  ] as const) {
    const { errors, codes } = await api.errors(document, input(count), alice);
    expect(codes).toEqual(['BAD_USER_INPUT']);
    expect(errors[0]?.message).toContain(`${count} arguments are not valid`);
    expect(errors[0]?.extensions.problems).toHaveLength(told);
  }
});

describe('requests that are none', () => {
  test.each([
    '',
    ' ',
    '{',
    'null',
    '"x"',
    '5',
    '[]',
    '{}',
    '[{"query":"{ __typename }"}]',
    '{"query":null}',
    '{"query":5}',
    '{"query":"{ __typename }","variables":"x"}',
    '{"query":"{ __typename }","variables":[1]}',
    '{"query":"{ __typename }","operationName":5}',
    '{"query":"{ __typename }","__proto__":{"isAdmin":true}}',
    '{"query":"{ __typename }"',
  ])('a body that is %s: BAD_REQUEST', async (body) => {
    const answer = await post(body);
    expect({ status: answer.status, codes: codesOf(answer) }).toEqual({
      status: 400,
      codes: ['BAD_REQUEST'],
    });
  });

  test('a body in another encoding: BAD_REQUEST', async () => {
    const query = '{"query":"{ __typename }"}';
    for (const body of [Buffer.from(query, 'utf16le'), gzipSync(query)]) {
      const answer = await post(body);
      expect({ status: answer.status, codes: codesOf(answer) }).toEqual({
        status: 400,
        codes: ['BAD_REQUEST'],
      });
    }
  });

  test.each<[type: string, status: number]>([
    ['text/plain', 415],
    ['text/html', 415],
    ['application/x-www-form-urlencoded', 415],
    ['multipart/form-data; boundary=x', 415],
    ['application/graphql', 415],
    ['nonsense', 415],
  ])('a body of type %s: BAD_REQUEST', async (type, status) => {
    const answer = await post('{"query":"{ __typename }"}', { 'content-type': type });
    expect({ status: answer.status, codes: codesOf(answer) }).toEqual({ status, codes: ['BAD_REQUEST'] });
  });

  test.each(['/graphiqlx', '/graphqlx', '/graphql/x', '/health', '/.env', '/%'])(
    'nothing is at %s: BAD_REQUEST',
    async (path) => {
      const answer = await send(api.origin + path);
      expect(answer.headers['content-type']).toContain('application/json');
      expect(codesOf(answer)).toEqual(['BAD_REQUEST']);
      expect([400, 404]).toContain(answer.status);
    },
  );

  test('a mutation does not come by GET', async () => {
    const query = encodeURIComponent(
      `mutation { deleteGame(input: { id: "${game.id}" }) { deletedGameId } }`,
    );
    const headers = { 'apollo-require-preflight': '1', 'x-api-key': alice.key };
    const before = await api.database.dump();
    const answer = await send(`${api.url}?query=${query}`, { headers });
    expect({ status: answer.status, codes: codesOf(answer) }).toEqual({
      status: 405,
      codes: ['BAD_REQUEST'],
    });
    expect(answer.headers['allow']).toBe('POST');
    expect(await api.database.dump()).toBe(before);
  });

  test('a query comes by GET, but not from a page of another site', async () => {
    const url = `${api.url}?query=${encodeURIComponent('{ viewer { isAdmin } }')}`;
    expect(await send(url, { headers: { 'apollo-require-preflight': '1' } })).toMatchObject({ status: 200 });
    const answer = await send(url);
    expect({ status: answer.status, codes: codesOf(answer) }).toEqual({
      status: 400,
      codes: ['BAD_REQUEST'],
    });
  });

  test('a persisted query whose hash is not its own: BAD_REQUEST, not an alarm', async () => {
    const extensions = { persistedQuery: { version: 1, sha256Hash: '0'.repeat(64) } };
    const alarmed = alarms(api.log).length;
    const answer = await post(JSON.stringify({ query: '{ __typename }', extensions }));
    expect({ status: answer.status, codes: codesOf(answer) }).toEqual({
      status: 400,
      codes: ['BAD_REQUEST'],
    });
    expect(alarms(api.log).slice(alarmed)).toEqual([]);
  });
});

describe('SERVICE_UNAVAILABLE', () => {
  async function expectAway(away: Api): Promise<void> {
    for (const document of ['{ games { totalCount } }', '{ viewer { apiKey } }']) {
      const { status, errors, headers } = await away.errors(document, {}, alice);
      expect(status).toBe(503);
      expect(headers.get('retry-after')).toBe('1');
      expect(errors).toMatchObject([
        {
          message: 'The service is temporarily unavailable. Try again shortly.',
          extensions: { code: 'SERVICE_UNAVAILABLE' },
        },
      ]);
    }
    expect(await send(`${away.origin}/health/live`)).toMatchObject({ status: 200 });
    const ready = await send(`${away.origin}/health/ready`);
    expect(ready).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
    expect(ready.text).not.toMatch(/127\.0\.0\.1|ECONN|postgres/);
    // What needs no database goes on.
    expect(await away.data('{ viewer { isAdmin } }')).toEqual({ viewer: { isAdmin: false } });
  }

  test('the database is away: every question is answered, and the server stays up', async () => {
    const away = await startApi({ database: api.database, env: { DATABASE_URL: await closedPort() } });
    try {
      await expectAway(away);
      await expectAway(away);
    } finally {
      await away.close();
    }
  });

  test('the database is not there: it is away, is not created, and is served once it is there', async () => {
    const name = `later_${randomUUID().replaceAll('-', '')}`;
    const url = api.database.url.replace(api.database.name, name);
    const away = await startApi({ database: api.database, env: { DATABASE_URL: url } });
    try {
      await expectAway(away);
      const input = { externalGameId: 'too-early', platform: 'web' };
      expect((await away.errors(CREATE, { input }, alice)).codes).toEqual(['SERVICE_UNAVAILABLE']);
      expect(await api.database.query('SELECT FROM pg_database WHERE datname = $1', [name])).toEqual([]);

      const database = await createTestDatabase({ name });
      const owner = await rowsOf(database).owner();
      expect(await away.data('{ games { totalCount } }', {}, owner)).toEqual({ games: { totalCount: 0 } });
      await away.data(CREATE, { input }, owner);
      expect(await send(`${away.origin}/health/ready`)).toMatchObject({ status: 200 });
      await database.drop();
    } finally {
      await away.close();
    }
  });

  test("a database without GAME's tables: not ready, and says what to do", async () => {
    const database = await createEmptyDatabase();
    const empty = await startApi({ database });
    try {
      const ready = await send(`${empty.origin}/health/ready`);
      expect(ready).toMatchObject({ status: 503, text: expect.stringContaining('npm run migrate') });
    } finally {
      await empty.close();
      await database.drop();
    }
  });
});

describe('INTERNAL_SERVER_ERROR', () => {
  let database: TestDatabase;
  let owner: Owner;
  let id: string;
  const { NODE_ENV } = process.env;

  beforeAll(async () => {
    database = await createTestDatabase();
    owner = await rowsOf(database).owner();
    ({ id } = await owner.game());
    // What the server reads and writes is not what it finds.
    await database.query('ALTER TABLE games RENAME COLUMN platform TO plattform');
  });
  afterAll(() => database.drop());
  afterEach(() => {
    if (NODE_ENV === undefined) delete process.env['NODE_ENV'];
    else process.env['NODE_ENV'] = NODE_ENV;
  });

  /** An answer that tells an id alone, which the log has with the error. */
  function expectMasked(broken: Api, { errors, text }: Refusal): void {
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatchObject({ message: 'Internal server error.' });
    const { errorId } = errors[0]?.extensions ?? {};
    expect(errors[0]?.extensions).toEqual({ code: 'INTERNAL_SERVER_ERROR', errorId });
    expect(errorId).toMatch(/^[0-9a-f-]{36}$/);
    expect(text).not.toMatch(
      /plattform|does not exist|relation|42703|select|insert|stack|\.[jt]s\b|127\.0\.0\.1/i,
    );
    const lines = alarms(broken.log).filter((line) => line['errorId'] === errorId);
    expect(lines).toMatchObject([{ level: 50, err: { message: expect.stringMatching(/does not exist/) } }]);
  }

  test.each(['production', 'development', 'test', undefined])(
    'nothing internal is told: NODE_ENV %s',
    async (mode) => {
      if (mode === undefined) delete process.env['NODE_ENV'];
      else process.env['NODE_ENV'] = mode;
      const broken = await startApi({ database });
      try {
        const input = { externalGameId: 'canary-variable', platform: 'canary-variable' };
        const tries: [document: string, variables: Variables][] = [
          ['{ games { nodes { platform } } }', {}],
          ['query ($id: ID!) { game(id: $id) { platform } }', { id }],
          ['query ($id: ID!) { node(id: $id) { ... on Game { platform } } }', { id }],
          ['{ strategies { nodes { games { nodes { platform } } } } }', {}],
          [CREATE, { input }],
          [
            'mutation ($input: PatchGameInput!) { patchGame(input: $input) { game { id } } }',
            { input: { id, ...input } },
          ],
        ];
        for (const [document, variables] of tries) {
          const refusal = await broken.errors(document, variables, owner);
          expect(refusal.status).toBe(200);
          expectMasked(broken, refusal);
        }
        // What does not touch the broken part goes on.
        expect(await broken.data('{ games { totalCount } }', {}, owner)).toEqual({
          games: { totalCount: 1 },
        });
        const log = JSON.stringify(broken.log);
        for (const secret of [owner.key, 'canary-variable']) expect(log).not.toContain(secret);
      } finally {
        await broken.close();
      }
    },
  );

  test('also where the failure is in finding out who asks', async () => {
    const broken = await startApi({ database });
    await database.query('ALTER TABLE apikey RENAME COLUMN active TO aktiv');
    try {
      const refusal = await broken.errors('{ viewer { apiKey } }', {}, owner);
      expect(refusal.status).toBe(500);
      expectMasked(broken, refusal);
    } finally {
      await database.query('ALTER TABLE apikey RENAME COLUMN aktiv TO active');
      await broken.close();
    }
  });
});

/** Leaves what GAME itself has made: as a database is before our migrations. */
async function dropOurs(database: TestDatabase): Promise<void> {
  const ours = await database.query<{ statement: string }>(
    `SELECT format('DROP %s IF EXISTS %I CASCADE', CASE relkind WHEN 'r' THEN 'TABLE' ELSE 'INDEX' END, relname) AS statement
     FROM pg_class WHERE relname LIKE 'game\\_graphql%' AND relkind IN ('r', 'i')`,
  );
  for (const { statement } of ours) await database.query(statement);
}

/** A `DATABASE_URL` where nothing listens. */
async function closedPort(): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const probe = createServer().listen(0, '127.0.0.1', () => {
    const { port } = probe.address() as AddressInfo;
    probe.close(() => resolve(port));
  });
  return `postgres://user:password@127.0.0.1:${await promise}/game`;
}
