import { describe, expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { ConfigError, readConfig } from '../../src/config.js';

/** The names of the variables that the server reads. */
function variables(): string[] {
  const names = new Set<string>();
  const env = new Proxy<NodeJS.ProcessEnv>({}, { get: (_, name) => void names.add(String(name)) });
  readConfig(env);
  return [...names].sort();
}

/** The settings of the sample file, each with its value. */
async function samples(): Promise<Record<string, string>> {
  const text = await readFile(new URL('../../.env.example', import.meta.url), 'utf8');
  return Object.fromEntries(
    [...text.matchAll(/^# ?([A-Z_]+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value]),
  );
}

/** What a refusal of these settings says, a line for each that is wrong. */
function refusals(env: NodeJS.ProcessEnv): string[] {
  try {
    readConfig(env);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message.split('\n');
  }
}

describe('every setting that the server reads', () => {
  test('stands in .env.example, and nothing else does', async () => {
    expect(variables().length).toBeGreaterThan(10);
    expect(Object.keys(await samples()).sort()).toEqual(variables());
  });

  test('has a value in .env.example that is accepted as it stands', async () => {
    const env = await samples();
    expect(Object.entries(env).filter(([, value]) => value === '')).toEqual([]);
    expect(refusals(env)).toEqual([]);
    expect(refusals({ ...env, DATABASE_URL: '', DATABASE_REPLICA_URL: '' })).toEqual([]);
  });

  test('has a row in the table of docs/operating.md, and nothing else does', async () => {
    const text = await readFile(new URL('../../docs/operating.md', import.meta.url), 'utf8');
    const [table = ''] = /^\| variable \|[^]*?\n\n/m.exec(text) ?? [];
    const cells = table.split('\n').map((row) => row.split('|')[1] ?? '');
    const names = cells.flatMap((cell) => [...cell.matchAll(/`([A-Z_]+)`/g)].map(([, name = '']) => name));
    expect(names.sort()).toEqual(variables());
  });
});

describe('a value that cannot be used', () => {
  const canary = 'canary-5e1f';
  const bad: readonly (readonly [name: string, value: string])[] = [
    ['DATABASE_URL', `mysql://root:${canary}@localhost/game`],
    ['DATABASE_URL', `postgres://game:${canary}@[/game`],
    ['DATABASE_URL', `postgres://game:${canary}@localhost/game?sslmode=prefer`],
    ['DATABASE_URL', `postgres://game:${canary}@localhost/game?sslmode=VERIFY-FULL`],
    ['DATABASE_URL', `postgres://game:${canary}@localhost/game?sslmode=verify-ca`],
    [
      'DATABASE_URL',
      `postgres://game:${canary}@localhost/game?sslmode=verify-ca&sslrootcert=/nowhere/${canary}`,
    ],
    ['DATABASE_URL', `postgres://game:${canary}@localhost:99999/game`],
    ['DATABASE_URL', `postgres://game:%${canary}@localhost/game`],
    ['DATABASE_REPLICA_URL', `mysql://root:${canary}@localhost/game`],
    ['DATABASE_REPLICA_URL', `postgres://game:${canary}@localhost/game,`],
    ['DATABASE_REPLICA_URL', `postgres://a/game,postgres://game:${canary}@localhost/game?sslmode=prefer`],
    ['DATABASE_REPLICA_URL', Array.from({ length: 17 }, () => 'postgres://a/game').join()],
    ['DATABASE_POOL_MAX', '0'],
    ['DATABASE_POOL_MAX', '-1'],
    ['DATABASE_POOL_MAX', '1.5'],
    ['DATABASE_POOL_MAX', '1001'],
    ['DATABASE_POOL_MAX', ' 5'],
    ['DATABASE_CONNECTION_TIMEOUT', '0'],
    ['DATABASE_STATEMENT_TIMEOUT', '15s'],
    ['REQUEST_TIMEOUT', '1.5'],
    ['SHUTDOWN_DELAY', '-1'],
    ['DATABASE_PREPARED_STATEMENTS', 'false'],
    ['PORT', '65536'],
    ['PORT', '-1'],
    ['PORT', '0x50'],
    ['PORT', 'http'],
    ['OAUTH_JWKS_URL', 'login.example.org/keys'],
    ['OAUTH_JWKS_URL', 'file:///etc/passwd'],
    ['BUILT_IN_STRATEGIES', 'withoutVersion'],
    ['BUILT_IN_STRATEGIES', 'a@1,,b@2'],
    ['LOG_LEVEL', 'verbose'],
    ['LOG_LEVEL', 'INFO'],
  ];

  test.each(bad)('%s=%s is refused by name, with an example that is accepted', (name, value) => {
    const oauth = { OAUTH_ISSUER: 'https://i.example.org', OAUTH_AUDIENCE: 'a' };
    const primary = { DATABASE_URL: 'postgres://primary/game' };
    const others = { OAUTH_JWKS_URL: oauth, DATABASE_REPLICA_URL: primary }[name] ?? {};
    const env = { ...others, [name]: value };
    const lines = refusals(env);
    expect(lines).toHaveLength(1);
    const [, named, example = ''] = /^(\w+) .*\. Example: \1=(.*)$/.exec(lines[0] ?? '') ?? [];
    expect(named).toBe(name);
    expect(refusals({ ...env, [name]: example })).toEqual([]);
  });

  test('is never repeated where it may hold a password', () => {
    const urls = bad.filter(([name]) => /^DATABASE_.*URL$/.test(name));
    expect(urls.length).toBeGreaterThan(10);
    expect(urls.map(([name, url]) => refusals({ [name]: url }).join()).join()).not.toContain(canary);
  });

  test('is reported together with all others', () => {
    const env = {
      DATABASE_URL: 'localhost',
      DATABASE_POOL_MAX: 'x',
      DATABASE_PREPARED_STATEMENTS: 'x',
      OAUTH_AUDIENCE: 'game',
      PORT: 'x',
      BUILT_IN_STRATEGIES: 'x',
      LOG_LEVEL: 'x',
    };
    const lines = refusals(env);
    expect(lines).toHaveLength(Object.keys(env).length);
    for (const name of Object.keys(env)) expect(lines.filter((line) => line.includes(name))).toHaveLength(1);
  });
});

describe('settings that belong together', () => {
  test.each([
    { DATABASE_CONNECTION_TIMEOUT: '15' },
    { DATABASE_STATEMENT_TIMEOUT: '30' },
    { DATABASE_STATEMENT_TIMEOUT: '3' },
    { REQUEST_TIMEOUT: '15' },
  ])('are refused in one line where a wait is no shorter than the next: %j', (env) => {
    const [name, value] = Object.entries(env)[0] ?? ['', ''];
    const lines = refusals(env);
    expect(lines).toEqual([expect.stringMatching(/^Each of these must be less than the next: .*\.$/)]);
    expect(lines[0]).toContain(`${name} (${value})`);
  });

  test.each([{}, { DATABASE_URL: 'embedded' }])('are a database and its replicas: not with %j', (env) => {
    const replicas = { DATABASE_REPLICA_URL: 'postgres://a/game,postgres://b/game' };
    expect(refusals({ ...env, ...replicas })).toEqual([
      'DATABASE_REPLICA_URL needs DATABASE_URL: the embedded database has no replicas.',
    ]);
    expect(readConfig({ DATABASE_URL: 'postgres://primary/game', ...replicas }).database).toMatchObject({
      replicaUrls: ['postgres://a/game', 'postgres://b/game'],
    });
  });

  const oauth = {
    OAUTH_ISSUER: 'https://login.example.org/realms/game',
    OAUTH_AUDIENCE: 'game-graphql',
    OAUTH_JWKS_URL: 'https://login.example.org/keys',
  };

  test.each(Object.keys(oauth))('of the issuer of tokens: without %s the others are refused', (name) => {
    const lines = refusals({ ...oauth, [name]: '' });
    expect(lines).toEqual([expect.stringContaining(name)]);
  });

  test('without any of them bearer tokens have no issuer', () => {
    expect(readConfig({}).oauth).toBeNull();
    expect(readConfig(oauth).oauth).toMatchObject({ issuer: oauth.OAUTH_ISSUER, clientId: 'game-graphql' });
  });
});

describe('in production', () => {
  test('the embedded database must be asked for by name', () => {
    const production = { NODE_ENV: 'production' };
    expect(refusals(production)).toEqual([expect.stringContaining('DATABASE_URL must be set')]);
    expect(refusals({ ...production, DATABASE_URL: '' })).toHaveLength(1);
    expect(readConfig({ ...production, DATABASE_URL: 'embedded' }).database.kind).toBe('embedded');
    expect(readConfig({ ...production, DATABASE_URL: 'postgres://localhost/game' }).database.kind).toBe(
      'postgresql',
    );
  });

  test.each(['Production', 'PRODUCTION', 'prod', ' production'])(
    'NODE_ENV=%j is not it, and the log says so',
    (value) => {
      const { database, warnings } = readConfig({ NODE_ENV: value });
      expect(database.kind).toBe('embedded');
      expect(warnings).toEqual([expect.stringMatching(/^NODE_ENV .* production, in small letters/)]);
    },
  );

  test.each(['production', 'development', 'test', ''])('nothing is said of NODE_ENV=%j', (value) => {
    expect(readConfig({ NODE_ENV: value, DATABASE_URL: 'embedded' }).warnings).toEqual([]);
  });
});

describe('a variable that looks like a setting and is none', () => {
  test.each([
    ['DATABASE_ULR', 'DATABASE_URL'],
    ['DATABSE_URL', 'DATABASE_URL'],
    ['DATABASEURL', 'DATABASE_URL'],
    ['OAUTH_ISUER', 'OAUTH_ISSUER'],
    ['LOGLEVEL', 'LOG_LEVEL'],
    ['GRAPHIQLL', 'GRAPHIQL'],
    ['cors_origins', 'CORS_ORIGINS'],
  ])('%s is named, and %s with it', (wrong, right) => {
    const [warning = '', ...others] = readConfig({ [wrong]: 'canary-77' }).warnings;
    expect(others).toEqual([]);
    expect(warning).toBe(`${wrong} is no setting: did you mean ${right}?`);
  });

  test('is named with a value that is missing', () => {
    const lines = refusals({ NODE_ENV: 'production', DATABSE_URL: 'postgres://localhost/game' });
    expect(lines).toEqual([
      expect.stringContaining('DATABASE_URL must be set'),
      'DATABSE_URL is no setting: did you mean DATABASE_URL?',
    ]);
  });

  test('is named where nobody else has such names', () => {
    expect(readConfig({ DATABASE_HOST: 'db', OAUTH_SECRET: 'canary-77' }).warnings).toEqual([
      'DATABASE_HOST is no setting: .env.example has all that there are.',
      'OAUTH_SECRET is no setting: .env.example has all that there are.',
    ]);
  });

  test('nothing is said of what others use, and of the settings', async () => {
    const others = {
      HOSTNAME: 'a',
      PATH: '/bin',
      HOME: '/',
      TROP: 'x',
      PWD: '/',
      LANG: 'C',
      SHELL: '/bin/sh',
    };
    expect(readConfig({ ...others, ...(await samples()), DATABASE_URL: 'embedded' }).warnings).toEqual([]);
  });
});

describe('without any setting', () => {
  test('the server is for this machine alone, with a database of its own', () => {
    expect(readConfig({})).toMatchObject({
      host: '127.0.0.1',
      port: 4000,
      database: { kind: 'embedded', directory: '.data' },
      adminRole: 'AdministratorGAME',
      strategies: { realm: 'GameRealm' },
    });
  });

  test('an empty value counts as none', () => {
    const empty = Object.fromEntries(variables().map((name) => [name, '']));
    expect(readConfig(empty)).toEqual(readConfig({}));
  });
});
