import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startApi, type Api } from '../support/api.js';
import { rowsOf, type Owner } from '../support/builders.js';
import type { TestDatabase } from '../support/database.js';
import { createGameDatabase } from '../support/game-database.js';
import { send } from '../support/http.js';
import { until, Workplace } from '../support/process.js';

describe.each([
  ['LATIN1', ['BAD_USER_INPUT']],
  ['SQL_ASCII', []],
])('a database in %s', (encoding, codes) => {
  let database: TestDatabase;
  let api: Api;
  let owner: Owner;

  beforeAll(async () => {
    database = await createGameDatabase(encoding);
    api = await startApi({ database });
    owner = await rowsOf(database).owner();
  });
  afterAll(async () => {
    await api.close();
    await database.drop();
  });

  test('is not ready, and readiness says what to do', async () => {
    const { status, text } = await send(`${api.origin}/health/ready`);
    expect(status).toBe(503);
    expect(JSON.parse(text)).toMatchObject({ reason: expect.stringContaining(`encoding is ${encoding}`) });
    expect(text).toContain("ENCODING 'UTF8'");
  });

  test('is told of at the start', async () => {
    const workplace = await Workplace.create();
    try {
      const server = workplace.start('main', { env: { DATABASE_URL: database.url, PORT: '0' } });
      const line = await until(
        () => server.log().find(({ msg }) => msg === 'not ready') ?? null,
        () => server.printed(),
      );
      expect(line).toMatchObject({ reason: expect.stringContaining(`encoding is ${encoding}`) });
    } finally {
      await workplace.close();
    }
  });

  test('a text that it cannot hold is no internal error', async () => {
    await owner.game({ externalGameId: 'a' });
    const { body } = await api.query(
      'query ($text: String) { games(filter: { platform: { eq: $text } }) { totalCount } }',
      { text: 'Ω😀' },
      { key: owner.key },
    );
    expect((body.errors ?? []).map(({ extensions }) => extensions.code)).toEqual(codes);
  });
});
