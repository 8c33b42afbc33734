import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as immediately } from 'node:timers/promises';
import { closeWorkplaces, Workplace, type Child, type Ended } from '../support/process.js';

/** What is built here in place of the server: a program of several files. */
const SOURCES = {
  'mikro-orm.config.ts': 'export const config = 1;\n',
  'src/main.ts': `import { part } from './parts/part.js';\nprocess.stdout.write(part);\n`,
  'src/parts/part.ts': `export const part = 'first';\n`,
  'src/forks.ts': `import cluster from 'node:cluster';
    import { utimesSync } from 'node:fs';
    if (cluster.isPrimary) {
      utimesSync('src/main.ts', 1e10, 1e10);
      cluster.fork();
    } else {
      process.stdout.write('forked');
      process.disconnect();
    }\n`,
  'src/parts/unused.ts': 'export const unused = 1;\n',
};

let workplace: Workplace;

/** As package.json starts every program. */
function start(program = 'main'): Child {
  const args = ['--import', './scripts/ensure-build.js', `dist/src/${program}.js`];
  return workplace.spawn(process.execPath, args);
}
const run = (program?: string): Promise<Ended> => start(program).ended();
const path = (file: string): string => join(workplace.directory, file);

/** Gives a file a time of last change, in seconds from now. */
async function touch(file: string, seconds = 0): Promise<void> {
  const time = Date.now() / 1_000 + seconds;
  await utimes(path(file), time, time);
}

beforeAll(async () => {
  workplace = await Workplace.withSources(SOURCES);
});
afterAll(closeWorkplaces);

test('every script that runs a program of the build makes sure of it, and becomes that program', async () => {
  const { scripts } = JSON.parse(await readFile('package.json', 'utf8')) as {
    scripts: Record<string, string>;
  };
  const programs = Object.values(scripts).filter((script) => / dist\/src\//.test(script));
  expect(programs.length).toBeGreaterThanOrEqual(5);
  for (const script of programs) {
    expect(script).toMatch(/^exec node (-\S+ )*--import \.\/scripts\/ensure-build\.js dist\/src\/\S+\.js$/);
  }
});

test('a build that is missing is made, which is told in one line on standard error', async () => {
  expect(await run()).toMatchObject({ code: 0, stdout: 'first', stderr: 'Building the server.\n' });
  expect((await readdir(path('dist'))).sort()).toEqual([
    'mikro-orm.config.js',
    'mikro-orm.config.js.map',
    'src',
  ]);
});

describe('a build that is there', () => {
  beforeEach(() => run());

  test('is left alone while no source is newer', async () => {
    const before = await stat(path('dist/src/parts/part.js'));
    expect(await run()).toMatchObject({ code: 0, stdout: 'first', stderr: '' });
    expect(await stat(path('dist/src/parts/part.js'))).toMatchObject({
      ino: before.ino,
      mtimeMs: before.mtimeMs,
    });
  });

  test.each([
    ['a source', () => touch('src/parts/part.ts')],
    ['a source, to a time that has not come yet,', () => touch('src/main.ts', 3_600)],
    ['the configuration of the database', () => touch('mikro-orm.config.ts', 3_601)],
    ['the settings of the compiler', () => touch('tsconfig.json', 3_602)],
    ['the list of dependencies', () => touch('package-lock.json', 3_603)],
  ])('is made anew, once, after a change of %s', async (_name, change) => {
    await change();
    expect(await run()).toMatchObject({
      stdout: 'first',
      stderr: 'Building the server: its sources have changed.\n',
    });
    expect(await run()).toMatchObject({ stdout: 'first', stderr: '' });
  });

  test('follows its sources: what they say now, and nothing of those that are gone', async () => {
    await workplace.write('src/parts/part.ts', `export const part = 'second';\n`);
    await rm(path('src/parts/unused.ts'));
    for (const file of ['src/parts/part.ts', 'src/parts']) await touch(file, 7_200);
    expect(await run()).toMatchObject({ code: 0, stdout: 'second' });
    expect(await readdir(path('dist/src/parts'))).toEqual(['part.js', 'part.js.map']);
    await workplace.write('src/parts/part.ts', SOURCES['src/parts/part.ts']);
    await touch('src/parts/part.ts', 7_201);
  });

  test('is not run when the sources do not compile: the compiler says why', async () => {
    await workplace.write('src/broken.ts', 'export const broken: number = "text";\n');
    await touch('src/broken.ts', 7_202);
    const { code, stdout, stderr } = await run();
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/src\/broken\.ts.*TS2322/);
    expect(await readdir(path('dist/src'))).not.toContain('broken.js');
    await rm(path('src/broken.ts'));
  });

  test('is whole for each of several programs that are started at once, and all the time', async () => {
    for (let round = 1; round <= 2; round++) {
      await touch('src/main.ts', 7_300 + round);
      const starts = Array.from({ length: 3 }, () => start());
      const file = path('dist/src/parts/part.js');
      let missing = 0;
      while (!starts.every(({ isOver }) => isOver)) {
        if (!existsSync(file)) missing++;
        await immediately();
      }
      const ends = await Promise.all(starts.map((child) => child.ended()));
      expect(ends.map(({ code, stdout }) => [code, stdout])).toEqual(Array(3).fill([0, 'first']));
      expect(missing).toBe(0);
    }
    expect(await readdir(path('dist'))).toHaveLength(3);
  });

  test('what a build that was cut off has left goes with a later one', async () => {
    await mkdir(path('dist/draft-old'));
    await touch('dist/draft-old', -3_600);
    await touch('src/main.ts', 7_400);
    await run();
    expect(await readdir(path('dist'))).toHaveLength(3);
  });

  test('is what the processes of a program run too, whatever has changed since', async () => {
    expect(await run('forks')).toMatchObject({ code: 0, stdout: 'forked', stderr: '' });
    await touch('src/main.ts');
  });

  test.each([
    ['the compiler', 'node_modules'],
    ['the sources', 'src'],
  ])('is taken as it is where there is not %s', async (_name, directory) => {
    await touch('dist/src/main.js', -3_600);
    await rename(path(directory), path('aside'));
    // Other dependencies are there, but not the compiler.
    if (directory === 'node_modules') await mkdir(path(directory));
    try {
      expect(await run()).toMatchObject({ code: 0, stdout: 'first', stderr: '' });
    } finally {
      await rm(path(directory), { recursive: true, force: true });
      await rename(path('aside'), path(directory));
    }
  });
});

test('before npm ci there is one line that says what to do', async () => {
  const other = await Workplace.withSources(SOURCES);
  await rm(join(other.directory, 'node_modules'));
  const before = await other.spawn('npm', ['run', '--silent', 'start'], { HOME: other.directory }).ended();
  expect(before).toMatchObject({ code: 1, stdout: '' });
  expect(before.stderr).toMatch(/^The dependencies are not installed: run npm ci first\.\n$/);
  expect(await readdir(other.directory)).not.toContain('dist');
});
