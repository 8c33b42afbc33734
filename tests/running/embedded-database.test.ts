import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DirectoryLock, DirectoryError } from '../../src/database/directory-lock.js';
import { readDocument } from '../support/documents.js';
import {
  ask,
  closeWorkplaces,
  health,
  until,
  Workplace,
  type Child,
  type Ended,
} from '../support/process.js';

/** Where the first start was made; its database, once it has stopped, is where other tests begin. */
let home: Workplace;
let first: Child;
let stopped: Ended;

beforeAll(async () => {
  home = await Workplace.create();
  first = await home.serve();
});
afterAll(closeWorkplaces);

/** A server that has been used before, in a directory of its own. */
async function usedBefore(): Promise<Workplace> {
  expect(stopped.code).toBe(0);
  return Workplace.create(home.data);
}

/** The keys that a start prints. */
function printedKeys({ stdout }: { readonly stdout: string }): string[] {
  return [...new Set(stdout.match(/gme_live_[\w-]{8}\.[\w-]{32}/g))];
}

const LIST = '{ games(first: 100) { totalCount nodes { externalGameId } } }';
interface List {
  readonly games: {
    readonly totalCount: number;
    readonly nodes: readonly { readonly externalGameId: string }[];
  };
}

async function create(origin: string, key: string, externalGameId: string): Promise<void> {
  const document = `mutation { createGame(input: { externalGameId: "${externalGameId}", platform: "web" }) { game { id } } }`;
  expect(await ask(origin, document, key)).toMatchObject({ status: 200, codes: [] });
}

describe('the first start', () => {
  test('logs one line that says where it is ready, and is live and ready', async () => {
    const origin = await first.origin();
    const ready = await until(() => {
      const lines = first.log().filter(({ msg }) => String(msg).startsWith('Ready'));
      return lines.length > 0 && lines;
    });
    expect(ready.map(({ msg }) => msg)).toEqual([`Ready: GraphQL at ${origin}/graphql`]);
    expect([await health(origin, 'live'), await health(origin, 'ready')]).toEqual([200, 200]);
    expect(first.stderr).toBe('');
  });

  test('prints two keys, of two owners who have games that the other does not see', async () => {
    const origin = await first.origin();
    const keys = printedKeys(await until(() => first.stdout.includes('curl') && first));
    expect(keys).toHaveLength(2);
    const lists = await Promise.all(keys.map((key) => ask<List>(origin, LIST, key)));
    const names = lists.map(({ data }) => data.games.nodes.map(({ externalGameId }) => externalGameId));
    expect(names.map(({ length }) => length > 20)).toEqual([true, true]);
    expect(names[0]?.filter((name) => names[1]?.includes(name))).toEqual([]);
  });

  test('prints a command that, pasted into a terminal, answers games', async () => {
    const output = await until(() => (/^curl .*'$/ms.test(first.stdout) ? first.stdout : null));
    const [command = ''] = /^curl [^]*?'$(?!\n +-)/m.exec(output) ?? [];
    const { stdout } = await promisify(execFile)('bash', ['-c', command]);
    const answer = JSON.parse(stdout) as { data: { games: { nodes: { externalGameId: string }[] } } };
    expect(answer.data.games.nodes).toHaveLength(5);
    expect(answer.data.games.nodes[0]?.externalGameId).toEqual(expect.any(String));
  });

  test('has the game that README.md names, and all that its operation reads', async () => {
    const readme = await readDocument('README.md');
    const [, variables = ''] = /`(\{ "externalGameId": .*? \})`/.exec(readme.prose) ?? [];
    const screen = readme.blocks.find(({ text }) => text.startsWith('query Screen'))?.text ?? '';
    const [key = ''] = printedKeys(await until(() => first.stdout.includes('curl') && first));
    const response = await fetch(`${await first.origin()}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': key },
      body: JSON.stringify({ query: screen, variables: JSON.parse(variables) as object }),
    });
    const { data } = (await response.json()) as { data: unknown };
    const some = [expect.anything()];
    expect(data).toMatchObject({
      gameByExternalId: {
        params: expect.arrayContaining(some),
        tasks: { nodes: expect.arrayContaining(some) },
        leaderboard: { nodes: expect.arrayContaining(some) },
      },
    });
  });

  test('says once where it is', async () => {
    const origin = await first.origin();
    await until(() => first.stdout.includes('curl'));
    const before = first.stdout.slice(0, first.stdout.indexOf('API keys'));
    expect(before.split(`${origin}/graphql`)).toHaveLength(2);
  });

  test('gives its directory to its user alone', async () => {
    expect((await stat(home.data)).mode & 0o077).toBe(0);
    const entries = await readdir(home.data, { withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
    const modes = await Promise.all(
      files.map(async (name) => (await stat(join(home.data, name))).mode & 0o077),
    );
    expect(files.length).toBeGreaterThan(1);
    expect(modes).toEqual(files.map(() => 0));
  });

  test('tokens are to be had while it runs, also for an admin', async () => {
    const origin = await first.origin();
    const viewer = async (args: readonly string[]) => {
      const { stdout, code } = await home.run('commands/token', { args });
      expect(code).toBe(0);
      const response = await fetch(`${origin}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${stdout.trim()}` },
        body: JSON.stringify({ query: '{ viewer { oauthUserId isAdmin } games { totalCount } }' }),
      });
      return ((await response.json()) as { data: unknown }).data;
    };
    const all = await viewer(['--admin', '--subject', 'chief']);
    expect(all).toEqual({
      viewer: { oauthUserId: 'chief', isAdmin: true },
      games: { totalCount: expect.any(Number) },
    });
    const own = await viewer([]);
    expect(own).toMatchObject({ viewer: { isAdmin: false } });
  });

  test.each(['main', 'commands/api-key', 'commands/migrate'] as const)(
    'while it runs, %s on the same directory is refused in one line that names the process',
    async (program) => {
      const ended = await home.run(program, { args: program === 'commands/api-key' ? ['list'] : [] });
      expect(ended).toMatchObject({ code: 1, stdout: '' });
      expect(ended.stderr).toMatch(
        new RegExp(`^The embedded database is in use by process ${first.pid}\\b.*\n$`),
      );
      expect(await health(await first.origin(), 'ready')).toBe(200);
    },
  );

  test('warns of nothing', () => {
    expect(first.log().filter(({ level }) => Number(level) > 30)).toEqual([]);
  });

  test('ends with 0 on SIGTERM, and leaves no lock', async () => {
    first.signal('SIGTERM');
    stopped = await first.ended();
    expect(stopped).toMatchObject({ code: 0, signal: null, stderr: '' });
    expect((await readdir(home.data)).filter((file) => file.startsWith('lock'))).toEqual([]);
  });
});

describe('a further start', () => {
  test('shows the same keys, and nothing is added to what there is', async () => {
    const workplace = await usedBefore();
    const again = await workplace.serve();
    const origin = await again.origin();
    await until(() => printedKeys(again).length === 2);
    expect(printedKeys(again)).toEqual(printedKeys(stopped));
    const [key = ''] = printedKeys(again);
    const { data } = await ask<List>(origin, LIST, key);
    expect(new Set(data.games.nodes.map(({ externalGameId }) => externalGameId)).size).toBe(
      data.games.totalCount,
    );
  });

  test('after kill -9 finds every write that was answered', async () => {
    const workplace = await usedBefore();
    const killed = await workplace.serve();
    const origin = await killed.origin();
    const [key = ''] = printedKeys(stopped);
    const answered: string[] = [];
    const writers = Array.from({ length: 4 }, async () => {
      for (;;) {
        const name = `written-${randomUUID().slice(0, 8)}`;
        await create(origin, key, name);
        answered.push(name);
      }
    });
    const ends = Promise.allSettled(writers);
    await until(() => answered.length > 30);
    await killed.kill();
    await ends;

    const again = await workplace.serve();
    const found = new Set<string>();
    const document = `query ($names: [String!]) { games(first: 100, filter: { externalGameId: { in: $names } }) {
      nodes { externalGameId } } }`;
    for (let from = 0; from < answered.length; from += 100) {
      const names = answered.slice(from, from + 100);
      const { data } = await ask<List>(await again.origin(), document, key, { names });
      for (const { externalGameId } of data.games.nodes) found.add(externalGameId);
    }
    expect(answered.filter((name) => !found.has(name))).toEqual([]);
  });

  test('after kill -9 of the very first start, wherever that was, is as good as a first one', async () => {
    const workplace = await Workplace.create();
    const exists = (path: string) =>
      stat(join(workplace.data, path)).then(
        () => true,
        () => false,
      );
    for (const moment of ['lock', 'pglite/base/5', 'demo.json']) {
      const killed = workplace.start('main', { env: { PORT: '0' } });
      await until(() => killed.isOver || exists(moment));
      expect(killed.stdout).not.toContain('Ready');
      await killed.kill();
    }
    const whole = await workplace.serve();
    await until(() => printedKeys(whole).length === 2);
    for (const key of printedKeys(whole)) {
      const { data } = await ask<List>(await whole.origin(), LIST, key);
      expect(data.games.totalCount).toBeGreaterThan(20);
    }
  });

  test('of several at once, on a lock that is left over, exactly one serves', async () => {
    const workplace = await usedBefore();
    const dead = await workplace.run('commands/token');
    expect(dead.code).toBe(0);
    await writeFile(join(workplace.data, 'lock'), lockOf({ pid: 2 ** 22 + 1 }));
    const starts = [1, 2, 3].map(() => workplace.start('main', { env: { PORT: '0' } }));
    await until(() => starts.filter(({ isOver }) => isOver).length === 2);
    const [winner] = starts.filter(({ isOver }) => !isOver) as [Child];
    expect(await health(await winner.origin(), 'ready')).toBe(200);
    for (const loser of starts.filter((start) => start !== winner)) {
      const { code, stderr } = await loser.ended();
      expect(code).toBe(1);
      expect(stderr).toMatch(/^The embedded database is in use by process \w+\. .*\n$/);
    }
  });
});

/** What a lock file says of its holder. */
function lockOf(holder: object): string {
  return JSON.stringify({ pid: process.pid, host: hostname(), started: '1', token: randomUUID(), ...holder });
}

test('a directory that cannot be made is told of in one line', async () => {
  const workplace = await Workplace.create();
  await workplace.write('.data', 'a file');
  for (const program of ['main', 'commands/migrate'] as const) {
    const { code, stderr } = await workplace.run(program, { env: { PORT: '0' } });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^The embedded database cannot be kept in \.data: .*\n$/);
  }
});

describe('the lock of the directory', () => {
  let directory: string;
  let file: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'game-graphql-lock-'));
    file = join(directory, 'lock');
  });
  afterEach(async () => {
    for (const left of await readdir(directory)) await rm(join(directory, left), { recursive: true });
  });
  afterAll(() => rm(directory, { recursive: true }));

  test.each([
    ['of a process that is gone', lockOf({ pid: 2 ** 22 + 1 })],
    ['of a process whose number another process has now', lockOf({ pid: process.pid })],
    ['that is empty', ''],
    ['that holds garbage', '\0\0{"pid":'],
    ['that holds no object', '17'],
    ['that names no process', lockOf({ pid: 'x' })],
    ['that names no machine', lockOf({ host: null })],
  ])('one %s is taken over', async (_name, content) => {
    await writeFile(file, content);
    const lock = await DirectoryLock.acquire(file);
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ pid: process.pid });
    await lock.release();
    expect(await readdir(directory)).toEqual([]);
  });

  test('a takeover that was cut off is in the way for seconds only', async () => {
    await writeFile(file, lockOf({ pid: 2 ** 22 + 1 }));
    const takeover = `${file}.takeover`;
    await mkdir(takeover);
    await utimes(takeover, new Date(), Date.now() / 1_000 - 11);
    await (await DirectoryLock.acquire(file)).release();
    expect(await readdir(directory)).toEqual([]);
  });

  test('one of a process that runs is respected, and outlives the refusal', async () => {
    const lock = await DirectoryLock.acquire(file);
    const before = await readFile(file, 'utf8');
    await expect(DirectoryLock.acquire(file)).rejects.toThrow(DirectoryError);
    expect(await readFile(file, 'utf8')).toBe(before);
    await lock.release();
    await (await DirectoryLock.acquire(file)).release();
  });

  test('one of another machine is respected, and the refusal says what to do', async () => {
    await writeFile(file, lockOf({ host: 'elsewhere' }));
    await expect(DirectoryLock.acquire(file)).rejects.toThrow(
      / on elsewhere \(if that is gone, delete .*lock\)/,
    );
  });

  test('one that another process has taken over meanwhile is not released', async () => {
    const lock = await DirectoryLock.acquire(file);
    await writeFile(file, lockOf({ pid: 1 }));
    await lock.release();
    expect(await readFile(file, 'utf8')).toContain('"pid":1');
  });

  test.each([
    ['none', null],
    ['one that is left over', lockOf({ pid: 2 ** 22 + 1 })],
    ['an empty one', ''],
  ])('of many that want it at once exactly one gets it, where there is %s', async (_name, content) => {
    for (let round = 0; round < 4; round++) {
      if (content !== null) await writeFile(file, content);
      const attempts = await Promise.allSettled(
        Array.from({ length: 12 }, () => DirectoryLock.acquire(file)),
      );
      const winners = attempts.flatMap((attempt) => (attempt.status === 'fulfilled' ? [attempt.value] : []));
      expect(winners).toHaveLength(1);
      const refusals = attempts.flatMap((attempt) => {
        return attempt.status === 'rejected' ? [attempt.reason as unknown] : [];
      });
      expect(refusals.filter((reason) => !(reason instanceof DirectoryError))).toEqual([]);
      await winners[0]?.release();
      expect(await readdir(directory)).toEqual([]);
    }
  });
});
