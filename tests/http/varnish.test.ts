import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Owner } from '../support/builders.js';
import { send } from '../support/http.js';
import { freePort } from '../support/postgres.js';
import { until } from '../support/process.js';
import { useApi } from '../support/use-api.js';

/** Varnish as Debian's package `varnish` installs it, with its own settings: it keeps what it may for two minutes. */
const PROGRAM = '/usr/sbin/varnishd';
const isThere = existsSync(PROGRAM);
if (!isThere) process.stdout.write(`${PROGRAM} is not there: nothing is tried behind a cache.\n`);

const { api, rows } = useApi();
let alice: Owner;
let bob: Owner;
let directory: string;
let varnish: ChildProcess;
let origin: string;

beforeAll(async () => {
  if (!isThere) return;
  [alice, bob] = [await rows.owner(), await rows.owner()];
  directory = await mkdtemp(join(tmpdir(), 'game-graphql-varnish-'));
  const port = await freePort();
  origin = `http://127.0.0.1:${port}`;
  varnish = spawn(
    PROGRAM,
    [
      '-j',
      'none',
      '-F',
      '-n',
      directory,
      '-a',
      `127.0.0.1:${port}`,
      '-b',
      new URL(api.origin).host,
      '-s',
      'malloc,16m',
    ],
    { stdio: 'ignore' },
  );
  await until(
    () =>
      send(`${origin}/health/live`).then(
        ({ status }) => status === 200,
        () => false,
      ),
    undefined,
    15_000,
  );
});
afterAll(async () => {
  if (!isThere) return;
  const ended = once(varnish, 'exit');
  varnish.kill('SIGTERM');
  await ended;
  await rm(directory, { recursive: true, force: true });
});

const read = (path: string, headers: Record<string, string> = {}): ReturnType<typeof send> =>
  send(origin + path, { headers: { 'apollo-require-preflight': '1', ...headers } });
const as = ({ key }: Owner): Record<string, string> => ({ 'x-api-key': key });
const VIEWER = `/graphql?${new URLSearchParams({ query: '{ viewer { apiKey } }' }).toString()}`;
const GAMES = `/graphql?${new URLSearchParams({ query: '{ games { totalCount } }' }).toString()}`;

(isThere ? describe : describe.skip)('a cache between', () => {
  test('gives nobody the answer of another', async () => {
    for (let turn = 0; turn < 3; turn++) {
      for (const owner of [alice, bob]) {
        expect((await read(VIEWER, as(owner))).text).toBe(
          `{"data":{"viewer":{"apiKey":"${owner.prefix}"}}}\n`,
        );
      }
      expect((await read(VIEWER)).text).toBe('{"data":{"viewer":{"apiKey":null}}}\n');
    }
  });

  test('gives no answer that is no longer true, and no error that is over', async () => {
    expect((await read(GAMES)).status).toBe(401);
    for (let count = 0; count < 3; count++) {
      expect((await read(GAMES, as(alice))).text).toBe(`{"data":{"games":{"totalCount":${count}}}}\n`);
      await alice.game();
    }
    const unknown = await read('/nowhere');
    expect([unknown.status, unknown.headers['age']]).toEqual([404, '0']);
    expect((await read('/nowhere')).headers['age']).toBe('0');
  });
});
