import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { Refusal, Variables } from '../support/api.js';
import type { Game, Owner, Row } from '../support/builders.js';
import { useApi } from '../support/use-api.js';

const { api, rows } = useApi();
let alice: Owner;
let game: Game;
let first: Row;
let second: Row;

beforeAll(async () => {
  alice = await rows.owner();
});
beforeEach(async () => {
  game = await alice.game({ updated_at: '2026-01-01T00:00:00Z' });
  first = await game.param({ key: 'color', value: 'red', created_at: '2026-01-01T00:00:00.000001Z' });
  second = await game.param({ key: 'size', value: '5', created_at: '2026-01-01T00:00:00.000002Z' });
});

interface GameAnswer {
  readonly version: string;
  readonly platform: string;
  readonly updatedAt: string;
  readonly params: readonly {
    readonly id: string;
    readonly key: string | null;
    readonly value: string | null;
  }[];
}

const GAME = 'version platform updatedAt params { id key value }';
const PATCH = `mutation ($input: PatchGameInput!) { patchGame(input: $input) {
  game { ${GAME} } changes { field before after } } }`;
const DELETE = 'mutation ($input: DeleteGameInput!) { deleteGame(input: $input) { deletedGameId } }';

async function read({ id }: Row = game): Promise<GameAnswer> {
  const document = `query ($id: ID!) { game(id: $id) { ${GAME} } }`;
  return (await api.data<{ game: GameAnswer }>(document, { id }, alice)).game;
}

/** Patches the game. */
async function patch(input: Variables): Promise<{ game: GameAnswer; changes: unknown[] }> {
  type Data = { patchGame: { game: GameAnswer; changes: unknown[] } };
  return (await api.data<Data>(PATCH, { input: { id: game.id, ...input } }, alice)).patchGame;
}

/** Expects that a write on the game is refused, and that nothing at all is written. */
async function expectRefusal(input: Variables, document = PATCH): Promise<Refusal> {
  const before = await api.database.dump();
  const refusal = await api.errors(document, { input: { id: game.id, ...input } }, alice);
  expect(await api.database.dump()).toBe(before);
  return refusal;
}

async function lastAudit(): Promise<unknown> {
  const [row] = await api.database.query(
    'SELECT module, message, details, "apiKey_used" AS key FROM logs ORDER BY created_at DESC LIMIT 1',
  );
  return row;
}

describe('the params of a game', () => {
  test('are added, changed and removed in one go, beside the game itself', async () => {
    const third = await game.param({ key: 'old', value: null, created_at: null });
    const before = await read();
    const { game: after, changes } = await patch({
      platform: 'tv',
      params: {
        add: [
          { key: 'bonus', value: '1' },
          { key: 'bonus', value: '2' },
        ],
        update: [{ id: second.id, value: '6' }],
        remove: [first.id, third.id],
      },
    });
    const param = (key: string, value: string): object => ({ id: expect.any(String), key, value });
    expect(after).toEqual({
      version: expect.any(String),
      platform: 'tv',
      updatedAt: expect.any(String),
      params: [{ ...param('size', '6'), id: second.id }, param('bonus', '1'), param('bonus', '2')],
    });
    expect(after).toEqual(await read());
    expect(after.version).not.toBe(before.version);
    expect(after.updatedAt > before.updatedAt).toBe(true);
    const expected = [
      { field: 'platform', before: 'web', after: 'tv' },
      { field: 'params.size', before: '5', after: '6' },
      { field: 'params.color', before: 'red', after: null },
      { field: 'params.old', before: null, after: null },
      { field: 'params.bonus', before: null, after: '1' },
      { field: 'params.bonus', before: null, after: '2' },
    ];
    expect(changes).toEqual(expected);
    expect(await lastAudit()).toEqual({
      module: 'game',
      message: 'Game updated',
      details: { game_id: game.id, changes: expected },
      key: alice.prefix,
    });
  });

  test('that are added belong to the caller, and are dated', async () => {
    await patch({ params: { add: [{ key: 'added', value: '' }] } });
    const [row] = await api.database.query(
      `SELECT "apiKey_used" AS key, oauth_user_id AS subject, value, created_at > now() - interval '1 minute' AS dated,
         updated_at IS NOT NULL AS updated FROM gamesparams WHERE "gameId" = $1 AND key = 'added'`,
      [game.id],
    );
    expect(row).toEqual({ key: alice.prefix, subject: null, value: '', dated: true, updated: true });
  });

  test('keep what is not given, and their place', async () => {
    const { game: after, changes } = await patch({
      params: { update: [{ id: first.id, key: 'colour', value: null }] },
    });
    expect(after.params).toEqual([
      { id: first.id, key: 'colour', value: 'red' },
      { id: second.id, key: 'size', value: '5' },
    ]);
    expect(changes).toEqual([
      { field: 'params.color', before: 'red', after: null },
      { field: 'params.colour', before: null, after: 'red' },
    ]);
  });

  test('that are so already are no change: nothing is written, not even to the log', async () => {
    const before = await api.database.dump();
    const update = [{ id: first.id, value: 'red' }, { id: second.id }];
    expect((await patch({ platform: 'web', params: { add: [], update, remove: null } })).changes).toEqual([]);
    expect(await api.database.dump()).toBe(before);
  });

  test('of which one is so already: only the other is written', async () => {
    const written = async (): Promise<unknown> => {
      const [row] = await api.database.query('SELECT xmin FROM gamesparams WHERE id = $1', [first.id]);
      return row?.['xmin'];
    };
    const before = await written();
    const update = [
      { id: first.id, value: 'red' },
      { id: second.id, value: '7' },
    ];
    expect((await patch({ params: { update } })).changes).toHaveLength(1);
    expect(await written()).toBe(before);
  });

  const strangers: Record<string, () => Promise<string> | string> = {
    'a param of another game of the caller': async () => (await (await alice.game()).param()).id,
    "a param of another owner's game": async () => (await (await (await rows.owner()).game()).param()).id,
    'a param that does not exist': () => randomUUID(),
    'an id in capitals': () => first.id.toUpperCase(),
    'no id at all': () => "' OR true --",
  };
  test.each(Object.entries(strangers))('%s is NOT_FOUND, and nothing is written', async (_name, make) => {
    const id = await make();
    const add = [{ key: 'k', value: 'v' }];
    const { text, codes } = await expectRefusal({ platform: 'tv', params: { add, remove: [second.id, id] } });
    expect(codes).toEqual(['NOT_FOUND']);
    const update = [
      { id: first.id, value: 'blue' },
      { id, value: 'mine' },
    ];
    const other = await expectRefusal({ platform: 'tv', params: { add, update } });
    expect(other.text).toBe(text);
  });

  test('cannot be changed and removed at once, nor changed twice; all of it is said together', async () => {
    const { errors } = await expectRefusal({
      platform: '',
      params: {
        update: [{ id: first.id, value: 'blue' }, { id: second.id }, { id: second.id }],
        remove: [first.id],
      },
    });
    const problem = (argument: string): object => ({ argument, message: expect.any(String) });
    expect(errors).toMatchObject([
      {
        extensions: {
          code: 'BAD_USER_INPUT',
          problems: [
            problem('input.platform'),
            problem('input.params.update.0.id'),
            problem('input.params.update.2.id'),
          ],
        },
      },
    ]);
  });

  test('on a dry run are answered about and not touched', async () => {
    const before = await api.database.dump();
    const params = { add: [{ key: 'k', value: 'v' }], remove: [first.id] };
    expect(await patch({ params, dryRun: true })).toEqual({
      game: null,
      changes: [
        { field: 'params.color', before: 'red', after: null },
        { field: 'params.k', before: null, after: 'v' },
      ],
    });
    expect(await api.database.dump()).toBe(before);
  });
});

describe('the version of a game', () => {
  /** What GAME does to a game by itself. */
  const writes: Record<string, string> = {
    'the game is changed': `UPDATE games SET platform = 'tv' WHERE id = $1`,
    'the game is written as it was': 'UPDATE games SET platform = platform WHERE id = $1',
    'a param is added': `INSERT INTO gamesparams (id, key, "gameId") VALUES (gen_random_uuid(), 'k', $1)`,
    'a param is changed': `UPDATE gamesparams SET value = 'x' WHERE key = 'size' AND "gameId" = $1`,
    'a param is removed': `DELETE FROM gamesparams WHERE key = 'size' AND "gameId" = $1`,
    'all params are removed': 'DELETE FROM gamesparams WHERE "gameId" = $1',
    'a param is moved away': `UPDATE gamesparams SET "gameId" = NULL WHERE key = 'size' AND "gameId" = $1`,
  };

  test.each(Object.entries(writes))('moves when GAME writes: %s', async (_name, statement) => {
    const { version } = await read();
    await api.database.query(statement, [game.id]);
    const { version: currentVersion } = await read();
    expect(currentVersion).not.toBe(version);

    for (const document of [PATCH, DELETE]) {
      const { errors } = await expectRefusal({ expectedVersion: version }, document);
      expect(errors).toMatchObject([{ extensions: { code: 'CONFLICT', currentVersion } }]);
    }
    await patch({ platform: 'console', expectedVersion: currentVersion });
  });

  test('stays when it is read, locked, or when something else is written', async () => {
    const { version } = await read();
    await game.task();
    await patch({ platform: 'web' });
    await patch({ platform: 'tv', params: { remove: [first.id] }, dryRun: true });
    await api.database.query('SELECT FROM games, gamesparams FOR UPDATE');
    await (await alice.game()).param();
    expect((await read()).version).toBe(version);
  });

  test('that is expected and is the right one lets a patch pass, and the answer carries the next', async () => {
    const { version } = await read();
    const next = (await patch({ platform: 'tv', expectedVersion: version })).game.version;
    expect(next).toBe((await read()).version);
    await patch({ params: { remove: [first.id] }, expectedVersion: next });
    const { errors } = await expectRefusal({ platform: 'web', expectedVersion: next });
    expect(errors).toMatchObject([{ extensions: { code: 'CONFLICT' } }]);
  });

  test('that is expected and is the right one lets a deletion pass', async () => {
    const { version } = await read();
    const input = { id: game.id, expectedVersion: version };
    expect(await api.data(DELETE, { input }, alice)).toEqual({ deleteGame: { deletedGameId: game.id } });
  });

  test('of a change back is not what it was before', async () => {
    const { version } = await read();
    await patch({ platform: 'tv' });
    expect((await patch({ platform: 'web' })).game.version).not.toBe(version);
  });

  test('that is expected matters also where there is nothing to change, and on a dry run', async () => {
    for (const input of [{}, { platform: 'tv', dryRun: true }]) {
      const { codes } = await expectRefusal({ ...input, expectedVersion: 'another' });
      expect(codes).toEqual(['CONFLICT']);
    }
  });

  test("of another owner's game is not told", async () => {
    const foreign = await (await rows.owner()).game();
    for (const document of [PATCH, DELETE]) {
      const { errors } = await expectRefusal({ id: foreign.id, expectedVersion: 'x' }, document);
      expect(errors).toMatchObject([{ message: 'Game not found.', extensions: { code: 'NOT_FOUND' } }]);
      expect(errors[0]?.extensions).not.toHaveProperty('currentVersion');
    }
  });
});
