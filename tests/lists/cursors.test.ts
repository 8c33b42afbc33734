import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { decodeCursor, type Position } from '../../src/lists/cursor.js';
import { createHash } from 'node:crypto';
import { startApi, type Api, type Credentials } from '../support/api.js';
import { rowsOf, type Game, type Owner } from '../support/builders.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { startIssuer, type Issuer } from '../support/issuer.js';

let database: TestDatabase;
let issuer: Issuer;
let api: Api;
let alice: Owner;
let bob: Owner;
let game: Game;
let otherGame: Game;

const GAMES = 12;

beforeAll(async () => {
  issuer = await startIssuer();
  database = await createTestDatabase();
  api = await startApi({ database, env: issuer.env });
  const rows = rowsOf(database);
  [alice, bob] = [await rows.owner(), await rows.owner()];
  const made: Game[] = [];
  for (let i = 0; i < GAMES; i++) {
    made.push(await alice.game({ created_at: `2026-01-01T00:00:00.0000${10 + i}Z` }));
    await bob.game();
  }
  [game, otherGame] = made as [Game, Game];
  for (const parent of [game, otherGame]) for (let i = 0; i < 4; i++) await parent.task();
});
afterAll(async () => {
  await api.close();
  await database.drop();
  await issuer.close();
});

const GAMES_PAGE = `query ($first: Int, $after: String, $last: Int, $before: String, $filter: GameFilter, $orderBy: [GameOrder!]) {
  list: games(first: $first, after: $after, last: $last, before: $before, filter: $filter, orderBy: $orderBy) {
    nodes { id } edges { cursor } pageInfo { hasNextPage endCursor } } }`;
const TASKS_PAGE = `query ($id: ID!, $after: String, $before: String) { game(id: $id) {
  list: tasks(first: 2, after: $after, before: $before) { nodes { id } edges { cursor } } } }`;
const STRATEGY_PAGE = `query ($after: String, $before: String) { strategy(id: "default") {
  list: games(first: 2, after: $after, before: $before) { nodes { id } edges { cursor } } } }`;

interface List {
  readonly nodes: readonly { readonly id: string }[];
  readonly edges: readonly { readonly cursor: string }[];
  readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
}

async function games(args: object = {}, as: Credentials = alice, of: Api = api): Promise<List> {
  return (await of.data<{ list: List }>(GAMES_PAGE, { ...args }, as)).list;
}

async function cursorOf(args: object = {}): Promise<string> {
  const { edges } = await games({ first: 3, ...args });
  return edges[1]?.cursor ?? '';
}

/** The cursor is refused as either end of the page, with the name of the argument, and no row is shown. */
async function expectRefusal(
  cursor: string,
  document = GAMES_PAGE,
  variables: object = {},
  as: Credentials = alice,
): Promise<void> {
  for (const name of ['after', 'before']) {
    const { status, codes, errors, text } = await api.errors(document, { ...variables, [name]: cursor }, as);
    expect(codes).toEqual(['BAD_USER_INPUT']);
    expect(errors[0]?.extensions.problems?.map(({ argument }) => argument)).toEqual([name]);
    expect(status).toBeLessThan(500);
    expect(text).not.toContain('"nodes"');
    expect(text.length).toBeLessThan(2_000);
  }
}

describe('a cursor belongs to', () => {
  test('its ordering', async () => {
    const cursor = await cursorOf({ orderBy: [{ field: 'CREATED_AT', direction: 'ASC' }] });
    await expectRefusal(cursor);
    await expectRefusal(cursor, GAMES_PAGE, { orderBy: [{ field: 'UPDATED_AT', direction: 'ASC' }] });
    await expectRefusal(cursor, GAMES_PAGE, { orderBy: [{ field: 'CREATED_AT' }, { field: 'PLATFORM' }] });
  });

  test('its filter', async () => {
    const cursor = await cursorOf({ filter: { platform: { eq: 'web' } } });
    await expectRefusal(cursor);
    await expectRefusal(cursor, GAMES_PAGE, { filter: { platform: { ne: 'web' } } });
  });

  test('its connection, and its parent there', async () => {
    const plain = await cursorOf();
    const tasks = async (id: string): Promise<string> => {
      const found = await api.data<{ game: { list: List } }>(TASKS_PAGE, { id }, alice);
      return found.game.list.edges[0]?.cursor ?? '';
    };
    await expectRefusal(plain, TASKS_PAGE, { id: game.id });
    await expectRefusal(plain, STRATEGY_PAGE);
    await expectRefusal(await tasks(game.id));
    await expectRefusal(await tasks(game.id), TASKS_PAGE, { id: otherGame.id });
  });

  test('its caller', async () => {
    const cursor = await cursorOf();
    await expectRefusal(cursor, GAMES_PAGE, {}, bob);
    await expectRefusal(cursor, GAMES_PAGE, {}, await issuer.admin('boss'));
    const token = await issuer.caller({ sub: 'someone' });
    await expectRefusal(cursor, GAMES_PAGE, {}, { key: alice.key, ...token });
  });

  test('its caller, also where it is written into an operation that others sent before', async () => {
    const admins = [await issuer.admin('boss'), await issuer.admin('deputy')] as const;
    const page = (after: string): string =>
      `query Literal($id: ID!) { game(id: $id) { tasks(first: 1${after}) { pageInfo { endCursor } } } }`;
    const asked = { id: game.id };
    type Answer = { game: { tasks: { pageInfo: { endCursor: string } } } };
    const first = await api.data<Answer>(page(''), asked, admins[0]);
    const document = page(`, after: "${first.game.tasks.pageInfo.endCursor}"`);
    for (let time = 0; time < 4; time++) {
      await api.data(document, asked, admins[0]);
      expect((await api.errors(document, asked, admins[1])).codes).toEqual(['BAD_USER_INPUT']);
    }
  });

  test('no sending of it: spelled with defaults and nulls, the list is the same list', async () => {
    const after = await cursorOf();
    const plain = await games({ after });
    expect(plain.nodes).toHaveLength(GAMES - 2);
    const spelled = {
      orderBy: [{ field: 'CREATED_AT', direction: 'DESC' }],
      filter: { not: null, or: null },
    };
    expect(await games({ after, ...spelled })).toEqual(plain);
  });
});

describe('a damaged cursor is refused', () => {
  const base64 = (text: string): string => Buffer.from(text).toString('base64url');

  test.each([
    ['nothing', ''],
    ['base64 of nothing', base64('[]')],
    ['a null', base64('[null]')],
    ['an object', base64('{"a":1}')],
    ['an operator', base64('["$ne"]')],
    ['numbers', base64('[1,2,3]')],
    ['no JSON', base64('hello')],
    ['no UTF-8', Buffer.from([0xff, 0xfe]).toString('base64url')],
    ['no base64', '%%%'],
    ['100 kB', 'A'.repeat(90_000)],
  ])('%s', (_name, cursor) => expectRefusal(cursor));

  test('cut off anywhere', async () => {
    const cursor = await cursorOf();
    for (let length = 1; length < cursor.length; length += 7) await expectRefusal(cursor.slice(0, length));
  });

  test('spelled in another way', async () => {
    const cursor = await cursorOf();
    for (const other of [
      `${cursor}=`,
      `${cursor} `,
      ` ${cursor}`,
      `${cursor.slice(0, 8)}\n${cursor.slice(8)}`,
    ]) {
      expect(Buffer.from(other, 'base64url')).toEqual(Buffer.from(cursor, 'base64url'));
      await expectRefusal(other);
    }
  });

  test('with any one bit flipped', async () => {
    const bytes = Buffer.from(await cursorOf(), 'base64url');
    for (let index = 0; index < bytes.length; index += 3) {
      const damaged = Buffer.from(bytes);
      damaged[index] = (bytes[index] ?? 0) ^ (1 << (index % 8));
      await expectRefusal(damaged.toString('base64url'));
    }
  });

  test('forged with a right digest, but with what no row can have', async () => {
    const id = game.id;
    const time = '2026-01-01T00:00:00';
    const fingerprint = fingerprintOf(await cursorOf());
    // That the forger works: a good position is served.
    const good = await games({ after: encodeCursor(fingerprint, ['2026-02-01T00:00:00', id]) });
    expect(good.nodes).toHaveLength(GAMES);
    for (const later of ['infinity', '294276-12-31T23:59:59.999999', '12024-02-29T23:59:59']) {
      const all = await games({ after: encodeCursor(fingerprint, [later, id]) });
      expect(all.nodes).toHaveLength(GAMES);
    }
    for (const earlier of [
      '-infinity',
      '4713-01-01T00:00:00 BC',
      '0001-02-29T00:00:00 BC',
      '0004-02-29T00:00:00',
    ]) {
      expect((await games({ after: encodeCursor(fingerprint, [earlier, id]) })).nodes).toEqual([]);
    }
    for (const position of [
      ['yesterday', id],
      ['2026-13-01T00:00:00', id],
      ['2026-02-29T00:00:00', id],
      ['2026-01-01T24:00:00', id],
      ['0000-01-01T00:00:00', id],
      ['0002-02-29T00:00:00 BC', id],
      ['4714-01-01T00:00:00 BC', id],
      ['294277-01-01T00:00:00', id],
      ['999999-01-01T00:00:00', id],
      ['2026-01-01T00:00:00 AD', id],
      ['+infinity', id],
      ['now', id],
      [time, 'no-uuid'],
      [time],
      [time, id, id],
      [time, null],
      [null, null],
      [],
    ]) {
      await expectRefusal(encodeCursor(fingerprint, position));
    }
  });

  test('forged with a right digest, but with a text that no row can have, or longer than any', async () => {
    const orderBy = [{ field: 'PLATFORM', direction: 'ASC' }];
    const fingerprint = fingerprintOf(await cursorOf({ orderBy }), orderBy);
    const forged = (position: Position): string => encodeCursor(fingerprint, position);
    const long = (length: number): string => forged(['a'.repeat(length), game.id]);
    // The longest that is looked at has 8,192 characters.
    const [most, more] = [long(6_082), long(6_083)];
    expect([most.length, more.length]).toEqual([8_192, 8_194]);
    expect((await games({ orderBy, after: most })).nodes).toHaveLength(GAMES);
    for (const cursor of [
      more,
      forged(['\0', game.id]),
      forged(['\ud800', game.id]),
      forged([{ sha256: 'x' }, game.id]),
      forged(['web', { sha256: '0'.repeat(64) }]),
    ]) {
      await expectRefusal(cursor, GAMES_PAGE, { orderBy });
    }
  });

  test('forged with a right digest, but with a digest in the place of the object that the list belongs to', async () => {
    const order = [{ field: 'CREATED_AT', direction: 'DESC' }];
    const fingerprint = digest(
      JSON.stringify(['Game.tasks', order, '{}', { kind: 'apiKey', apiKey: alice.prefix }]),
    );
    const forged = (parent: Position[number]): string =>
      encodeCursor(fingerprint, [parent, 'infinity', game.id]);
    const good = await api.data<{ game: { list: List } }>(
      TASKS_PAGE,
      { id: game.id, after: forged(game.id) },
      alice,
    );
    expect(good.game.list.nodes).toHaveLength(2);
    await expectRefusal(forged({ sha256: '0'.repeat(64) }), TASKS_PAGE, { id: game.id });
    await expectRefusal(forged(null), TASKS_PAGE, { id: game.id });
  });

  /** The digest of what a cursor of alice's list belongs to, made up from what anybody can know. */
  function fingerprintOf(
    cursor: string,
    order: object[] = [{ field: 'CREATED_AT', direction: 'DESC' }],
  ): string {
    const parts = ['games', order, '{}', { kind: 'apiKey', apiKey: alice.prefix }];
    const fingerprint = digest(JSON.stringify(parts));
    expect(decodeCursor(fingerprint, cursor)).not.toBeNull();
    return fingerprint;
  }

  function encodeCursor(fingerprint: string, position: Position): string {
    const values = [digest(fingerprint + JSON.stringify(position)), ...position];
    return Buffer.from(JSON.stringify(values)).toString('base64url');
  }

  const digest = (text: string): string => createHash('sha256').update(text).digest('base64url').slice(0, 16);
});

test('a cursor outlives a restart of the server, and works on another process beside it', async () => {
  const after = await cursorOf();
  const expected = await games({ after });
  const second = await startApi({ database, env: issuer.env });
  try {
    expect(await games({ after }, alice, second)).toEqual(expected);
  } finally {
    await second.close();
  }
});

test('the cursor of a row that was deleted goes on with the rows that were behind it', async () => {
  const doomed = await alice.game({ created_at: '2026-01-01T00:00:00.0000155Z' });
  const { nodes, edges } = await games({ first: 100 });
  const at = nodes.findIndex(({ id }) => id === doomed.id);
  await database.query('DELETE FROM games WHERE id = $1', [doomed.id]);
  expect((await games({ after: edges[at]?.cursor })).nodes).toEqual(nodes.slice(at + 1));
  expect((await games({ last: 100, before: edges[at]?.cursor })).nodes).toEqual(nodes.slice(0, at));
});

describe('the size of a page', () => {
  test.each([
    [{ first: 0 }, ['first']],
    [{ first: -1 }, ['first']],
    [{ last: 0 }, ['last']],
    [{ first: 1, last: 1 }, ['last']],
    [{ first: 0, last: -1, after: 'x' }, ['last', 'first', 'last', 'after']],
  ])('%j is BAD_USER_INPUT with everything that is wrong', async (args, argumentsWrong) => {
    const { codes, errors } = await api.errors(GAMES_PAGE, args, alice);
    expect(codes).toEqual(['BAD_USER_INPUT']);
    expect(errors[0]?.extensions.problems?.map(({ argument }) => argument)).toEqual(argumentsWrong);
  });

  test.each([{ first: 101 }, { last: 101 }, { first: 2_147_483_647 }])(
    '%j is LIMIT_EXCEEDED',
    async (args) => {
      expect((await api.errors(GAMES_PAGE, args, alice)).codes).toEqual(['LIMIT_EXCEEDED']);
    },
  );

  test('is 20 unless it is given, and 100 at most', async () => {
    const carol = await rowsOf(database).owner();
    for (let i = 0; i < 101; i++) await carol.game();
    for (const [args, size] of [
      [{}, 20],
      [{ first: null, last: null }, 20],
      [{ first: 100 }, 100],
      [{ last: 100 }, 100],
    ] as const) {
      expect((await games(args, carol)).nodes).toHaveLength(size);
    }
  });
});

test('who walks while others write sees each row that stays exactly once', async () => {
  const dave = await rowsOf(database).owner();
  const orderBy = [{ field: 'EXTERNAL_GAME_ID' }];
  const staying: string[] = [];
  for (let i = 0; i < 60; i++) {
    // Every other of them is patched all the time, but not where it stands in the order.
    staying.push((await dave.game({ externalGameId: `stay-${String(i).padStart(3, '0')}` })).id);
  }
  const over = new AbortController();
  let writes = 0;
  const write = async (writer: number): Promise<void> => {
    for (let n = 0; !over.signal.aborted; n++) {
      const externalGameId = `stay-${String((n * 7 + writer) % 60).padStart(3, '0')}-${writer}-${n}`;
      const created = await api.data<{ createGame: { game: { id: string } } }>(
        'mutation ($name: String!) { createGame(input: { externalGameId: $name, platform: "web" }) { game { id } } }',
        { name: externalGameId },
        dave,
      );
      const id = created.createGame.game.id;
      // Moves about in the order, then goes.
      await api.data(
        'mutation ($id: ID!, $name: String!) { patchGame(input: { id: $id, externalGameId: $name }) { game { id } } }',
        { id, name: `moved-${writer}-${n}` },
        dave,
      );
      await api.data(
        'mutation ($id: ID!, $platform: String!) { patchGame(input: { id: $id, platform: $platform }) { game { id } } }',
        { id: staying[(n * 2 + writer * 20) % 60], platform: `p-${writer}-${n}` },
        dave,
      );
      await api.data(
        'mutation ($id: ID!) { deleteGame(input: { id: $id }) { deletedGameId } }',
        { id },
        dave,
      );
      writes += 4;
      await delay(1);
    }
  };
  const walk = async (): Promise<string[]> => {
    const seen: string[] = [];
    for (let after: string | null = null; ;) {
      const { nodes, pageInfo }: List = await games({ first: 7, after, orderBy }, dave);
      seen.push(...nodes.map(({ id }) => id));
      if (!pageInfo.hasNextPage) return seen;
      after = pageInfo.endCursor;
    }
  };
  const writers = Promise.all([0, 1, 2, 3].map(write));
  try {
    const end = Date.now() + 4_000;
    for (let walks = 0; walks < 3 || Date.now() < end; walks++) {
      const seen = await walk();
      expect(seen.filter((id) => staying.includes(id))).toEqual(staying);
    }
  } finally {
    over.abort();
    await writers;
  }
  expect(writes).toBeGreaterThan(20);
});
