import { beforeAll, expect, test } from '@jest/globals';
import { Kind, parse } from 'graphql';
import { readFile } from 'node:fs/promises';
import type { Credentials } from '../support/api.js';
import type { Owner } from '../support/builders.js';
import { useApiAndIssuer } from '../support/use-api.js';

const { api, issuer, rows } = useApiAndIssuer();
let admin: Credentials;
let alice: Owner;

beforeAll(async () => {
  admin = await issuer.admin('the-operator');
  alice = await rows.owner();
});

/** The operations of docs/reassigning.md by name, letter for letter. */
async function story(): Promise<Map<string, string>> {
  const text = await readFile(new URL('../../docs/reassigning.md', import.meta.url), 'utf8');
  const blocks = [...text.matchAll(/^```graphql\n(.*?)^```/gms)].map(([, block = '']) => block);
  const operations = blocks.flatMap((block) =>
    parse(block).definitions.map((definition) => {
      if (definition.kind !== Kind.OPERATION_DEFINITION || !definition.loc) throw new Error('An operation?');
      return [definition.name?.value ?? '', block.slice(definition.loc.start, definition.loc.end)] as const;
    }),
  );
  return new Map(operations);
}

test('what docs/reassigning.md tells an operator to do does what it says: preview, execute, look, undo, roll back', async () => {
  const operations = await story();
  expect([...operations.keys()]).toEqual(['Preview', 'Execute', 'Look', 'Undo', 'Rollback']);
  const run = async (name: string, variables: object = {}): Promise<unknown> => {
    const data = await api.data(operations.get(name) ?? '', { ...variables }, admin);
    return Object.values(data)[0];
  };
  const strategyIdsOf = async (): Promise<unknown[]> =>
    (await api.database.query('SELECT "strategyId" FROM games ORDER BY "externalGameId"')).map(
      ({ strategyId }) => strategyId,
    );
  for (const [index, externalGameId] of ['a', 'b', 'c'].entries()) {
    const created_at = `2026-01-0${index + 1}T00:00:00Z`;
    const game = await alice.game({ externalGameId, strategyId: 'socio_bee', created_at });
    await game.task({ externalTaskId: `task-${externalGameId}`, strategyId: 'socio_bee', created_at });
  }
  await (await rows.owner()).game({ externalGameId: 'd', strategyId: 'default' });

  const untouched = await api.database.dump();
  expect(await run('Preview')).toEqual({ count: 3, taskCount: 3 });
  expect(await api.database.dump()).toBe(untouched);

  const executed = await run('Execute');
  expect(executed).toEqual({
    count: 3,
    taskCount: 3,
    reassignment: { id: expect.any(String), createdAt: expect.any(String) },
  });
  const { reassignment } = executed as { reassignment: { id: string } };
  expect(await strategyIdsOf()).toEqual(['default', 'default', 'default', 'default']);

  expect(await run('Look')).toEqual({
    nodes: [
      {
        ...reassignment,
        kind: 'BULK',
        oldStrategyId: 'socio_bee',
        newStrategyId: 'default',
        count: 3,
        taskCount: 3,
        madeBy: { apiKey: null, oauthUserId: 'the-operator' },
        undoneAt: null,
        games: {
          totalCount: 3,
          nodes: ['c', 'b', 'a'].map((externalGameId) => ({ externalGameId, strategyId: 'default' })),
        },
        tasks: {
          totalCount: 3,
          nodes: ['c', 'b', 'a'].map((name) => ({ externalTaskId: `task-${name}`, strategyId: 'default' })),
        },
      },
    ],
  });

  // Somebody has put one of the games elsewhere meanwhile.
  await api.database.query(
    `UPDATE games SET "strategyId" = 'greengageStrategy' WHERE "externalGameId" = 'b'`,
  );
  expect(await run('Undo', { reassignment: reassignment.id })).toEqual({
    restored: 2,
    skipped: 1,
    restoredTasks: 3,
    skippedTasks: 0,
    undone: { undoneAt: expect.any(String) },
    reassignment: { id: expect.any(String), kind: 'UNDO', undoes: { id: reassignment.id } },
  });
  expect(await strategyIdsOf()).toEqual(['socio_bee', 'greengageStrategy', 'socio_bee', 'default']);

  const first = await alice.strategy({ name: 'walks', version: 1, status: 'ARCHIVED' });
  const second = await alice.strategy({ name: 'walks', version: 2 });
  const game = await alice.game({ externalGameId: 'e', strategyId: second.strategyId });
  await game.task({ strategyId: second.strategyId });
  const counts = { gameCount: 1, taskCount: 1 };
  expect(await run('Rollback', { strategy: second.strategyId, dryRun: true })).toEqual({
    ...counts,
    strategy: null,
    reassignment: null,
  });
  expect(await run('Rollback', { strategy: second.strategyId, dryRun: false })).toEqual({
    ...counts,
    strategy: { id: first.strategyId, version: '1', status: 'PUBLISHED', publishedAt: expect.any(String) },
    reassignment: { id: expect.any(String), kind: 'ROLLBACK', count: 1, taskCount: 1 },
  });
  expect((await strategyIdsOf())[4]).toBe(first.strategyId);
});
