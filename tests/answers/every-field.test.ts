import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { isObjectType } from 'graphql';
import { createSchema } from '../../src/app/schema.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { startReference, type Reference } from '../support/reference.js';
import { fieldOperations } from '../support/schema-walk.js';

/** Where the JSON of a type is; that of connections, edges and PageInfo is in `PAGES`. */
const FILES: Readonly<Record<string, string>> = {
  Game: 'src/domain/games/game.json.ts',
  GameParam: 'src/domain/games/game.json.ts',
  Principal: 'src/domain/games/game.json.ts',
  Task: 'src/domain/tasks/task.json.ts',
  TaskParam: 'src/domain/tasks/task.json.ts',
  LeaderboardEntry: 'src/domain/leaderboards/leaderboard.json.ts',
  Strategy: 'src/domain/strategies/strategy.json.ts',
  StrategyReassignment: 'src/domain/reassignments/reassignment.json.ts',
};
const PAGES = 'src/lists/page-sql.ts';
const isPaging = (type: string): boolean => /Connection$|Edge$|^PageInfo$/.test(type);

/** Of resolvers, not of JSON. */
const OTHERS = [
  'Viewer',
  '_Service',
  'ExternalGameId',
  'FieldChange',
  'DeletedCounts',
  'DeletedTaskCounts',
  'Query',
  'Mutation',
];

const schema = createSchema();
const fields = fieldOperations(schema, { externalTaskId: 'x' }).filter(({ type }) => !OTHERS.includes(type));

let database: TestDatabase;
let reference: Reference;

beforeAll(async () => {
  database = await createTestDatabase();
  reference = await startReference(database.url);
});
afterAll(async () => {
  await reference.close();
  await database.drop();
});

test('every type that is read from the database is looked at here', () => {
  const types = Object.values(schema.getTypeMap())
    .filter((type) => isObjectType(type) && !/^__|Payload$/.test(type.name))
    .map(({ name }) => name);
  const known = types.filter((type) => type in FILES || isPaging(type));
  expect([...known, ...OTHERS].sort()).toEqual(types.sort());
  expect([...new Set(fields.map(({ type }) => type))].sort()).toEqual(known.sort());
});

test('every field has its JSON, which PostgreSQL takes', async () => {
  const problems: string[] = [];
  for (const { type, field, document, variables } of fields) {
    const { errors = [] } = await reference.answer(document, variables, {
      kind: 'admin',
      apiKey: null,
      oauthUserId: 'root',
    });
    const file = isPaging(type) ? PAGES : FILES[type];
    problems.push(...errors.map(({ message }) => `${file}, ${type}.${field}: ${message}`));
  }
  expect(problems).toEqual([]);
});
