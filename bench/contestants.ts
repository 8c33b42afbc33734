import { randomUUID } from 'node:crypto';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type pg from 'pg';
import { DIST, type Owner } from './database.ts';
import { LEADERBOARD } from './servers/baseline.ts';

/** Connections to PostgreSQL that each of them may have. */
const POOL_MAX = 10;
/** Of the counters in /proc: USER_HZ, which is 100 on every Linux that Node runs on. */
const MS_PER_TICK = 10;

/** In the order in which they are shown. */
export const CONTESTANTS = ['ours', 'PostGraphile', 'baseline'] as const;
/** Whose words a question is put in. */
export type Language = (typeof CONTESTANTS)[number];
/** `before` is another build of ours. */
export type ContestantName = Language | 'before';

export const languageOf = (name: ContestantName): Language => (name === 'before' ? 'ours' : name);

/** How package.json's `start` runs the server. */
const NODE_FLAGS = [
  '--max-semi-space-size=16',
  '--heap-growing-percent=60',
  '--no-allocation-site-pretenuring',
];

/** What is run, after `node`. */
const PROGRAMS: Readonly<Record<Language, string>> = {
  ours: `${DIST}main.js`,
  PostGraphile: fileURLToPath(new URL('servers/postgraphile.js', import.meta.url)),
  baseline: fileURLToPath(new URL('servers/baseline.ts', import.meta.url)),
};

/** A server in a process of its own. */
export interface Contestant {
  readonly name: ContestantName;
  readonly port: number;
  readonly pid: number;
  /** From its start to its saying that it is ready, in ms. */
  readonly startMs: number;
  /** CPU time that it has used so far, in ms. */
  readonly cpuMs: () => number;
  /** Resident memory now, in MB. */
  readonly residentMb: () => number;
  readonly stop: (signal?: 'SIGKILL' | 'SIGTERM') => Promise<void>;
}

/** A GraphQL request. */
export interface Question {
  readonly query: string;
  readonly variables: object;
  readonly owner: Owner;
}

/** Starts a server as it runs in production; what it logs goes into a file. */
export function startContestant(name: Language, databaseUrl: string): Promise<Contestant> {
  return start(name, [...(name === 'ours' ? NODE_FLAGS : []), PROGRAMS[name]], databaseUrl);
}

/** Starts another build of ours, this program, as ours is started. */
export function startBefore(program: string, databaseUrl: string): Promise<Contestant> {
  return start('before', [...NODE_FLAGS, program], databaseUrl);
}

/** Starts ours so that it leaves a profile in this directory when it is ended by SIGTERM. */
export function startProfiled(databaseUrl: string, directory: string): Promise<Contestant> {
  const flags = ['--cpu-prof', '--cpu-prof-interval=500', `--cpu-prof-dir=${directory}`];
  return start('ours', [...NODE_FLAGS, ...flags, PROGRAMS.ours], databaseUrl);
}

async function start(
  name: ContestantName,
  args: readonly string[],
  databaseUrl: string,
): Promise<Contestant> {
  // Not a pipe: whoever read it would take time from the servers, and from the one that logs most of all.
  const logFile = join(tmpdir(), `game-graphql-bench-${randomUUID()}.log`);
  const log = openSync(logFile, 'a');
  const startedAt = performance.now();
  const child = spawn(process.execPath, args, {
    env: {
      PATH: process.env['PATH'],
      NODE_ENV: 'production',
      GRAPHILE_ENV: 'production',
      DATABASE_URL: databaseUrl,
      DATABASE_POOL_MAX: String(POOL_MAX),
      // Never reached, so that what is measured includes the counting.
      RATE_LIMIT: '1000000000',
      RATE_LIMIT_ADDRESS: '1000000000',
      HOST: '127.0.0.1',
      PORT: '0',
    },
    stdio: ['ignore', log, 'inherit'],
  });
  closeSync(log);
  const port = await readyPort(child, logFile);
  const startMs = performance.now() - startedAt;
  const proc = (file: string): string => readFileSync(`/proc/${child.pid}/${file}`, 'utf8');
  return {
    name,
    port,
    pid: child.pid ?? 0,
    startMs,
    cpuMs: () => {
      // The second field, the program's name, may hold anything, and ends with the last bracket.
      const fields = proc('stat').split(') ').at(-1)?.split(' ') ?? [];
      return (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK;
    },
    residentMb: () => Number(/^VmRSS:\s+(\d+) kB/m.exec(proc('status'))?.[1]) / 1_024,
    stop: async (signal = 'SIGKILL') => {
      const ended = once(child, 'exit');
      child.kill(signal);
      await ended;
      rmSync(logFile);
    },
  };
}

/** The port that it says, in the log, it listens at. */
async function readyPort(child: ChildProcess, logFile: string): Promise<number> {
  for (;;) {
    const printed = readFileSync(logFile, 'utf8');
    const port = /Ready: .*http:\/\/127\.0\.0\.1:(\d+)/.exec(printed)?.[1];
    if (port !== undefined) return Number(port);
    if (child.exitCode !== null) throw new Error(`The server did not start:\n${printed}`);
    await delay(5);
  }
}

/** Body and headers of a request, for whoever is asked. */
export function httpRequest({ query, variables, owner }: Question): string {
  const body = JSON.stringify({ query, variables });
  const headers = [
    'host: 127.0.0.1',
    'content-type: application/json',
    'accept: application/json',
    `x-api-key: ${owner.secret}`,
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  return `POST /graphql HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n${body}`;
}

/**
 * Asks one question outside of any measurement; answers the body.
 *
 * @throws Error with the body when it is not a success
 */
export async function ask(port: number, { query, variables, owner }: Question): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json', 'x-api-key': owner.secret },
    body: JSON.stringify({ query, variables }),
  });
  const text = await response.text();
  if (response.status !== 200 || text.includes('"errors"'))
    throw new Error(`${query}\n${text.slice(0, 1_000)}`);
  return text;
}

/**
 * Gives PostGraphile a leaderboard, which no table of GAME is: an SQL function, as its documentation advises. It
 * is the baseline's statement, with the page's size inside, where PostgreSQL can use it.
 */
export async function addLeaderboardFunction(db: pg.Client): Promise<void> {
  await db.query('CREATE SCHEMA bench');
  await db.query(`CREATE FUNCTION bench.leaderboard(game_id uuid, page_size int)
    RETURNS TABLE (rank int, external_user_id varchar, points float) LANGUAGE sql STABLE
    AS $$ ${LEADERBOARD} $$`);
}
