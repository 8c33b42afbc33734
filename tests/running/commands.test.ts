import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createHash, randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { rowsOf } from '../support/builders.js';
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from '../support/database.js';
import { createGameDatabase } from '../support/game-database.js';
import { ask, closeWorkplaces, until, Workplace, type Ended, type Program } from '../support/process.js';

let workplace: Workplace;
let database: TestDatabase;

beforeAll(async () => {
  workplace = await Workplace.create();
  database = await createTestDatabase();
});
afterAll(async () => {
  await closeWorkplaces();
  await database.drop();
});

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function run(program: Program, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  return workplace.run(program, { args, env: { DATABASE_URL: database.url, ...env } });
}

const apiKey = (...args: string[]): Promise<Ended> => run('commands/api-key', args);

/** Expects that a command failed with one line that says this. */
function expectOneLine({ code, stdout, stderr }: Ended, wanted: RegExp): void {
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toMatch(/^[^\n]+\n$/);
  expect(stderr).toMatch(wanted);
}

async function createKey(client: string): Promise<{ secret: string; prefix: string }> {
  const { code, stdout, stderr } = await apiKey('create', '--client', client);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const [secret = ''] = stdout.split('\n');
  return { secret, prefix: secret.split('.')[0] ?? '' };
}

describe('npm run api-key', () => {
  test('makes a key that works at once, of which only the hash is stored', async () => {
    const { secret, prefix } = await createKey('The App ☀');
    expect(secret).toMatch(/^gme_live_[\w-]{8}\.[\w-]{32}$/);
    const server = await workplace.serve({ DATABASE_URL: database.url });
    expect(await ask(await server.origin(), '{ viewer { apiKey } }', secret)).toMatchObject({
      status: 200,
      data: { viewer: { apiKey: prefix } },
    });
    const rows = await database.query('SELECT * FROM apikey WHERE client = $1', ['The App ☀']);
    expect(rows).toEqual([
      expect.objectContaining({
        apiKey: prefix,
        apiKeyHash: createHash('sha256').update(secret).digest('hex'),
      }),
    ]);
    expect(JSON.stringify(rows)).not.toContain(secret.split('.')[1]);
    await server.kill();
  });

  test('a key that was never switched on is not listed as revoked', async () => {
    const { prefix } = await createKey('Never switched on');
    await database.query('UPDATE apikey SET active = NULL WHERE "apiKey" = $1', [prefix]);
    expect((await apiKey('list')).stdout).toMatch(new RegExp(`^${prefix}\\tinactive\\t`, 'm'));
  });

  test('lists the keys with their state, and no secret', async () => {
    const { secret, prefix } = await createKey('listed');
    const { code, stdout } = await apiKey('list');
    expect(code).toBe(0);
    expect(stdout).toMatch(new RegExp(`^${prefix}\\tactive\\t\\d{4}-.*Z\\tlisted$`, 'm'));
    expect(stdout).not.toContain(secret.split('.')[1]);
  });

  test('a revoked key stops within 5 seconds, also on a server that has just used it', async () => {
    const { secret, prefix } = await createKey('to be revoked');
    const server = await workplace.serve({ DATABASE_URL: database.url });
    const origin = await server.origin();
    const status = async (): Promise<number> =>
      (await ask(origin, '{ games { totalCount } }', secret)).status;
    expect(await status()).toBe(200);
    const using = setInterval(() => void status().catch(() => {}), 200);
    try {
      expect(await apiKey('revoke', prefix)).toMatchObject({ code: 0, stderr: '' });
      await until(async () => (await status()) === 401, undefined, 5_250);
    } finally {
      clearInterval(using);
    }
    expect((await apiKey('list')).stdout).toMatch(new RegExp(`^${prefix}\\trevoked`, 'm'));
    expectOneLine(await apiKey('revoke', prefix), /no active API key/);
    await server.kill();
  });

  test('works on the database of a GAME before any of our migrations', async () => {
    const game = await createGameDatabase();
    cleanups.push(() => game.drop());
    const env = { DATABASE_URL: game.url };
    expect(await run('commands/api-key', ['list'], env)).toMatchObject({
      code: 0,
      stdout: 'There are no API keys.\n',
    });
    expect(await run('commands/api-key', ['create', '--client', 'x'], env)).toMatchObject({ code: 0 });
    expect(await game.query('SELECT client, active FROM apikey')).toEqual([{ client: 'x', active: true }]);
  });

  test.each([
    [[]],
    [['create']],
    [['create', '--client']],
    [['create', '--client', '']],
    [['create', '--client', 'a', 'b']],
    [['create', '--client', '--description', 'd']],
    [['list', 'all']],
    [['revoke']],
    [['list', '--json']],
  ])('%j is refused in one line that says how it is used, and changes nothing', async (args) => {
    const before = await database.dump();
    expectOneLine(await apiKey(...args), /create --client NAME.*list.*revoke PREFIX/);
    expect(await database.dump()).toBe(before);
  });

  test('a mistake is told before an embedded database is made', async () => {
    expectOneLine(await workplace.run('commands/api-key', { args: ['oops'] }), /create --client NAME/);
    expect(await readdir(workplace.directory)).not.toContain('.data');
  });
});

describe('every command that needs the database', () => {
  const programs: readonly (readonly [Program, readonly string[]])[] = [
    ['commands/api-key', ['list']],
    ['commands/api-key', ['create', '--client', 'x']],
    ['commands/migrate', []],
    ['commands/seed', ['--games', '5']],
    ['commands/sql', ['{ games { totalCount } }']],
  ];

  test.each(programs)('%s %j says in one line that it does not answer', async (program, args) => {
    const env = { DATABASE_URL: 'postgres://game:canary@127.0.0.1:1/game' };
    const ended = await run(program, args, env);
    expectOneLine(ended, /database does not answer/);
    expect(ended.stderr).not.toContain('canary');
  });

  // migrate makes the database.
  test.each(programs.filter(([program]) => program !== 'commands/migrate'))(
    '%s %j says why in the words of the server',
    async (program, args) => {
      const missing = database.url.replace(database.name, 'no_such_database');
      expectOneLine(
        await run(program, args, { DATABASE_URL: missing }),
        /^There is no database with the name in DATABASE_URL\.$/m,
      );
    },
  );

  test('migrate tells a role that owns nothing to be the owner', async () => {
    const empty = await createEmptyDatabase();
    const role = `nobody_${randomUUID().replaceAll('-', '')}`;
    await empty.query(`CREATE ROLE ${role} LOGIN`);
    cleanups.push(async () => {
      await empty.query(`DROP ROLE ${role}`);
      await empty.drop();
    });
    const target = new URL(empty.url);
    target.username = role;
    expectOneLine(
      await run('commands/migrate', [], { DATABASE_URL: target.href }),
      /permission denied for schema public.*Run the command as the owner of GAME's tables\.$/m,
    );
  });

  test.each(programs.filter(([program]) => program !== 'commands/migrate'))(
    '%s %j says in one line that it has no tables, and what to run',
    async (program, args) => {
      const empty = await createEmptyDatabase();
      cleanups.push(() => empty.drop());
      expectOneLine(await run(program, args, { DATABASE_URL: empty.url }), /npm run migrate/);
    },
  );

  test.each(['api-key', 'migrate', 'seed', 'sql', 'token'] as const)(
    '%s --help tells how it is used, and does nothing else',
    async (name) => {
      const env = { DATABASE_URL: 'postgres://game@127.0.0.1:1/game' };
      const ended = await run(`commands/${name}`, ['--help'], env);
      expect(ended).toMatchObject({ code: 0, stderr: '' });
      expect(ended.stdout).toMatch(new RegExp(`^Usage: npm run ${name}\\b`));
    },
  );

  test('migrate takes no other option, and no argument', async () => {
    for (const args of [['--hepl'], ['now']]) {
      expectOneLine(await run('commands/migrate', args), /Usage: npm run migrate/);
    }
  });

  test('names bad settings, all at once', async () => {
    const ended = await run('commands/migrate', [], { DATABASE_POOL_MAX: 'x', LOG_LEVEL: 'x' });
    expect({ code: ended.code, stdout: ended.stdout }).toEqual({ code: 1, stdout: '' });
    expect(ended.stderr).toMatch(/^DATABASE_POOL_MAX .*\nLOG_LEVEL .*\n$/);
  });
});

describe('npm run migrate', () => {
  test('says what it did, and what it did not', async () => {
    const empty = await createEmptyDatabase();
    cleanups.push(() => empty.drop());
    const env = { DATABASE_URL: empty.url };
    expect(await run('commands/migrate', [], env)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Applied M0001\w+.*\.\n$/),
      stderr: '',
    });
    expect(await run('commands/migrate', [], env)).toMatchObject({
      code: 0,
      stdout: 'The database is up to date.\n',
    });
  });
});

describe('npm run token', () => {
  test.each([
    ['on a database server', { DATABASE_URL: 'postgres://localhost/game' }],
    [
      'with an issuer of its own',
      {
        DATABASE_URL: '',
        OAUTH_ISSUER: 'https://i.example.org',
        OAUTH_AUDIENCE: 'a',
        OAUTH_JWKS_URL: 'https://i.example.org/k',
      },
    ],
  ])('%s makes no token, and says why in one line', async (_name, env) => {
    expectOneLine(await run('commands/token', ['--admin'], env), /your own issuer/);
  });

  test.each([[['--role', 'x']], [['admin']], [['--subject']], [['--subject', '--admin']]])(
    '%j is refused in one line',
    async (args) => {
      expectOneLine(await run('commands/token', args, { DATABASE_URL: '' }), /token/);
    },
  );
});

describe('npm run sql', () => {
  const CREATE = `mutation ($name: String!) { createGame(input: { externalGameId: $name, platform: "web" }) {
    game { id } } }`;
  const sql = (...args: string[]): Promise<Ended> => run('commands/sql', args);

  test('prints what an operation sends, with its values', async () => {
    const { prefix } = await createKey('asks');
    const { code, stdout, stderr } = await sql(
      '{ games(first: 3) { nodes { id } } }',
      '--as',
      `key:${prefix}`,
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^ +WHERE g\."apiKey_used" = \$1\n +ORDER BY g\.created_at DESC,\n/m);
    expect(stdout).toMatch(new RegExp(`;\n-- \\$1 = "${prefix}"\n$`));
  });

  test.each([
    ['an admin, unless it is told', [], /WHERE TRUE$/m],
    ['a subject', ['--as', 'subject:me'], /WHERE g\.oauth_user_id = \$1$/m],
    ['a key with a subject', ['--as', 'subject:me', '--as', 'key:mine'], /UNION ALL/],
  ] as [string, string[], RegExp][])('asks as %s', async (_name, as, wanted) => {
    expect((await sql('{ games(first: 3) { nodes { id } } }', ...as)).stdout).toMatch(wanted);
  });

  test('runs a mutation to its end, and leaves nothing of it', async () => {
    const { prefix } = await createKey('writes');
    const before = await database.dump();
    const args = [CREATE, '{ "name": "never-there" }', '--explain', '--as', `key:${prefix}`];
    const { code, stdout, stderr } = await sql(...args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const statements = stdout.split(/;\n/).map((text) => /^(insert into "?\w+"?|SELECT)/im.exec(text)?.[0]);
    expect(statements).toEqual(['insert into "games"', 'INSERT INTO logs', 'SELECT', undefined]);
    expect(stdout.match(/^-- +Insert on \w+ .*\(actual time=/gm)).toHaveLength(2);
    expect(stdout).toMatch(/^-- +Buffers: shared/m);
    expect(stdout).not.toContain('No plan');
    expect(await database.dump()).toBe(before);
  });

  test('has the plan of each of several statements that are sent at once', async () => {
    const fields = '{ games { totalCount nodes { id } } strategies { totalCount } node(id: "x") { id } }';
    const { code, stdout } = await sql(fields, '--explain');
    expect(code).toBe(0);
    expect(stdout.match(/^-- +Execution Time/gm)).toHaveLength(stdout.split(/;\n/).length - 1);
  });

  test.each([
    ['no GraphQL', '{ games {', 'GRAPHQL_PARSE_FAILED'],
    ['not valid', '{ gams { id } }', 'GRAPHQL_VALIDATION_FAILED'],
    ['refused', '{ game(id: "x") { id } }', 'NOT_FOUND'],
    ['too much', '{ games(first: 101) { totalCount } }', 'LIMIT_EXCEEDED'],
  ])(
    'tells the errors of an operation that is %s as an answer does, and fails',
    async (_name, document, code) => {
      const ended = await sql(document);
      expect(ended).toMatchObject({ code: 1, stdout: '' });
      expect(JSON.parse(ended.stderr)).toMatchObject({ errors: [{ extensions: { code } }] });
    },
  );

  test('says that nobody may ask for games, and that some operations need no statement', async () => {
    expect((await sql('{ games { totalCount } }', '--as', 'nobody')).stderr).toContain('UNAUTHENTICATED');
    expect(await sql('{ viewer { isAdmin } }')).toMatchObject({
      code: 0,
      stdout: '-- No statement is sent.\n',
    });
  });

  test.each([
    [[]],
    [['{ viewer { apiKey } }', '{}', 'more']],
    [['{ viewer { apiKey } }', '[]']],
    [['{ viewer { apiKey } }', '{']],
    [['{ viewer { apiKey } }', '--expalin']],
    [['{ viewer { apiKey } }', '--as']],
    [['{ viewer { apiKey } }', '--as', 'key']],
    [['{ viewer { apiKey } }', '--as', 'key:a', '--as', 'key:b']],
    [['{ viewer { apiKey } }', '--as', 'admin', '--as', 'key:a']],
  ])('%j is refused in one line that says how it is used', async (args) => {
    expectOneLine(await sql(...args), /npm run sql -- 'OPERATION'/);
  });

  test('--help tells more, and needs no database', async () => {
    const { code, stdout } = await run('commands/sql', ['--help'], {
      DATABASE_URL: 'postgres://127.0.0.1:1/x',
    });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Usage: npm run sql .*\n\n(.*\n)+ +--explain +/);
  });
});

describe('npm run seed', () => {
  test.each([
    [[], /--games is missing/],
    [['--games', '0'], /--games must be a whole number/],
    [['--games', '-5'], /--games/],
    [['--games', '99999999999'], /--games must be a whole number/],
    [['--games', '5', '--seed', 'x'], /--seed must be a whole number/],
    [['--gmaes', '5'], /--gmaes/],
  ] as [string[], RegExp][])('%j is refused in one line, and changes nothing', async (args, wanted) => {
    const before = await database.dump();
    expectOneLine(await run('commands/seed', args), wanted);
    expect(await database.dump()).toBe(before);
  });

  test('a database that holds games already is refused, unless it is asked for', async () => {
    const full = await createTestDatabase();
    cleanups.push(() => full.drop());
    await rowsOf(full).game();
    const before = await full.dump();
    const ended = await run('commands/seed', ['--games', '5'], { DATABASE_URL: full.url });
    expectOneLine(ended, /holds games already; --into-existing/);
    expect(await full.dump()).toBe(before);
    const env = { DATABASE_URL: full.url };
    const active = async (): Promise<number> => (await full.query('SELECT FROM apikey WHERE active')).length;
    const activeBefore = await active();
    const added = await run('commands/seed', ['--games', '5', '--into-existing'], env);
    expect(added).toMatchObject({ code: 0, stdout: expect.stringContaining('which do not work') });
    expect(await active()).toBe(activeBefore);
    await run('commands/seed', ['--games', '5', '--into-existing', '--active-keys'], env);
    expect(await active()).toBeGreaterThan(activeBefore);
  });
});
