import { randomUUID } from 'node:crypto';
import type { Owner, Rows } from '../support/builders.ts';

/** A mutation that has everything it needs, and that nobody has sent yet. */
export interface PreparedMutation {
  readonly name: string;
  readonly document: string;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly needsAdmin: boolean;
}

const inputOf = (name: string): string => `${name[0]?.toUpperCase()}${name.slice(1)}Input!`;

function mutation(name: string, input: object, payload: string, needsAdmin = false): PreparedMutation {
  const document = `mutation ($input: ${inputOf(name)}) { ${name}(input: $input) { ${payload} } }`;
  return { name, document, variables: { input }, needsAdmin };
}

/** Makes the rows that a mutation of this kind needs. It leaves one row in GAME's log, and can succeed once only. */
export function prepareMutation(name: MutationName, rows: Rows, owner: Owner): Promise<PreparedMutation> {
  return PREPARE[name](rows, owner);
}

const PREPARE = {
  createGame: () => {
    const params = [{ key: 'k', value: 'v' }];
    const tasks = [{ externalTaskId: 'first', params }];
    const input = { externalGameId: randomUUID(), platform: 'web', params, tasks };
    const payload = 'game { id params { id key } tasks { nodes { id params { key } } } }';
    return Promise.resolve(mutation('createGame', input, payload));
  },
  patchGame: async (_rows, owner) => {
    const { id } = await owner.game();
    const input = { id, platform: 'new', params: { add: [{ key: 'added', value: '1' }] } };
    return mutation('patchGame', input, 'game { platform params { key } } changes { field }');
  },
  deleteGame: async (_rows, owner) => {
    const { id } = await owner.game();
    return mutation('deleteGame', { id }, 'deletedGameId deleted { params tasks }');
  },
  duplicateGame: async (_rows, owner) => {
    const { id } = await owner.game();
    return mutation('duplicateGame', { id, externalGameId: randomUUID() }, 'game { id externalGameId }');
  },
  createTask: async (_rows, owner) => {
    const { id: gameId } = await owner.game();
    const input = { gameId, externalTaskId: 'new', params: [{ key: 'k', value: 'v' }] };
    return mutation('createTask', input, 'task { id params { id key } }');
  },
  patchTask: async (_rows, owner) => {
    const { id } = await (await owner.game()).task();
    const input = { id, status: 'closed', params: { add: [{ key: 'added', value: '1' }] } };
    return mutation('patchTask', input, 'task { status params { key } } changes { field }');
  },
  deleteTask: async (_rows, owner) => {
    const { id } = await (await owner.game()).task();
    return mutation('deleteTask', { id }, 'deletedTaskId deleted { params userPoints }');
  },
  duplicateTask: async (_rows, owner) => {
    const { id } = await (await owner.game()).task();
    return mutation('duplicateTask', { id, externalTaskId: 'copy' }, 'task { id externalTaskId }');
  },
  bulkUpdateStrategyId: async (_rows, owner) => {
    const oldStrategyId = randomUUID();
    const game = await owner.game({ strategyId: oldStrategyId });
    await game.task({ strategyId: oldStrategyId });
    const input = { oldStrategyId, newStrategyId: 'default', tasks: true };
    const record = 'reassignment { id games { totalCount } tasks { totalCount } }';
    return mutation('bulkUpdateStrategyId', input, `count taskCount ${record}`);
  },
  undoStrategyReassignment: async (rows, owner) => {
    const oldStrategyId = randomUUID();
    const { id: gameId } = await owner.game({ strategyId: 'default' });
    const id = randomUUID();
    await rows.database.query(
      `INSERT INTO game_graphql_reassignments (id, kind, old_strategy_id, new_strategy_id, games, api_key)
       VALUES ($1, 'BULK', $2, 'default', 1, $3)`,
      [id, oldStrategyId, owner.prefix],
    );
    await rows.database.query(
      `INSERT INTO game_graphql_reassigned_games (reassignment_id, game_id) VALUES ($1, $2)`,
      [id, gameId],
    );
    return mutation('undoStrategyReassignment', { id }, 'restored reassignment { id }');
  },
  rollbackStrategy: async (_rows, owner) => {
    const name = randomUUID();
    await owner.strategy({ name, version: 1, status: 'ARCHIVED' });
    const { strategyId } = await owner.strategy({ name, version: 2 });
    await owner.game({ strategyId });
    return mutation(
      'rollbackStrategy',
      { strategyId, toVersion: '1' },
      'gameCount strategy { version }',
      true,
    );
  },
} satisfies Readonly<Record<string, (rows: Rows, owner: Owner) => Promise<PreparedMutation>>>;

export type MutationName = keyof typeof PREPARE;
export const MUTATION_NAMES = Object.keys(PREPARE) as readonly MutationName[];
