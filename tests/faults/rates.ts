import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import {
  addGames,
  addOwner,
  DIST,
  makeDatabase,
  startDatabaseServer,
  tidyUp,
  type Owner,
} from '../../bench/database.ts';
import { atLeast, exactly, type Scenario } from './scenario.ts';

/** Least part of its throughput alone that a caller keeps beside another one. */
const LEAST_KEPT = 0.7;
/** How long the quiet caller is alone, and beside the loud one, in ms: a whole window of the rates. */
const ALONE_MS = 10_000;
const BESIDE_MS = 60_000;
/** Requests of the loud caller at the same time. */
const LOUD = 16;
/** Connections of the quiet caller, and how long each waits after an answer, in ms. */
const QUIET = 4;
const PAUSE_MS = 20;
/** Games of the loud caller, all of which its operations look at. */
const GAMES = 100_000;
const START_TIMEOUT_MS = 30_000;

const PAGE = '{ games(first: 20) { nodes { id externalGameId platform createdAt } } }';
/** Just within what an operation may cost: each of these counts costs 500 and its filter, and reads all games. */
const DEAR = `{ ${Array.from(
  { length: 20 },
  (_, index) =>
    `c${index}: games(filter: { externalGameId: { containsInsensitive: "z${index}" } }) { totalCount }`,
).join(' ')} }`;

export const rates: Scenario = {
  name: 'rates',
  title:
    'two callers, one of them at full force with the dearest operations: what the other keeps of its throughput',
  run: async (say) => {
    const postgres = await startDatabaseServer();
    try {
      const { url, db } = await makeDatabase(postgres, 'rates');
      const [loud, quiet] = [await addOwner(db, 'loud-one'), await addOwner(db, 'quietone')];
      await addGames(db, loud, GAMES);
      await addGames(db, quiet, 1_000);
      await tidyUp(db);
      await db.end();
      const limited = await sideBySide(url, loud, quiet, {});
      say(`with the rates as they come: ${limited.told}`);
      const free = await sideBySide(url, loud, quiet, { RATE_LIMIT: 'off' });
      say(`with RATE_LIMIT=off, to compare: ${free.told}`);
      return [
        atLeast('part of its throughput alone that a caller keeps', limited.kept, LEAST_KEPT),
        exactly('its answers that were no success', limited.refused, 0),
      ];
    } finally {
      await postgres.stop();
    }
  },
};

interface Beside {
  /** Part of its throughput alone. */
  readonly kept: number;
  /** Answers of the quiet caller that were no success. */
  readonly refused: number;
  readonly told: string;
}

async function sideBySide(url: string, loud: Owner, quiet: Owner, env: NodeJS.ProcessEnv): Promise<Beside> {
  const server = await start(url, env);
  try {
    // What comes first is slow, because nothing has been compiled.
    await run(server.port, quiet, PAGE, { callers: QUIET, pauseMs: PAUSE_MS, ms: 3_000 });
    const alone = await run(server.port, quiet, PAGE, { callers: QUIET, pauseMs: PAUSE_MS, ms: ALONE_MS });
    // The quiet caller's minute is over.
    await delay(BESIDE_MS - ALONE_MS);
    const [beside, other] = await Promise.all([
      run(server.port, quiet, PAGE, { callers: QUIET, pauseMs: PAUSE_MS, ms: BESIDE_MS }),
      run(server.port, loud, DEAR, { callers: LOUD, pauseMs: 0, ms: BESIDE_MS }),
    ]);
    const kept = beside.succeeded / BESIDE_MS / (alone.succeeded / ALONE_MS);
    const refused = alone.refused + beside.refused;
    const told =
      `${kept.toFixed(2)} (${perSecond(alone.succeeded, ALONE_MS)} alone, ${perSecond(beside.succeeded, BESIDE_MS)} ` +
      `beside, slowest ${Math.round(beside.slowestMs)} ms, ${refused} refused; ` +
      `the other: ${other.succeeded} answered, ${other.refused} refused)`;
    return { kept, refused, told };
  } finally {
    await server.stop();
  }
}

const perSecond = (count: number, ms: number): string => `${Math.round((count / ms) * 1_000)}/s`;

interface Load {
  /** Requests at the same time. */
  readonly callers: number;
  readonly pauseMs: number;
  readonly ms: number;
}

interface Answers {
  succeeded: number;
  refused: number;
  slowestMs: number;
}

/** Lets a caller send one operation again and again. */
async function run(
  port: number,
  { secret }: Owner,
  query: string,
  { callers, pauseMs, ms }: Load,
): Promise<Answers> {
  const agent = new Agent({ keepAlive: true, maxSockets: callers });
  const body = JSON.stringify({ query });
  const headers = { 'content-type': 'application/json', 'x-api-key': secret };
  const answers: Answers = { succeeded: 0, refused: 0, slowestMs: 0 };
  const end = performance.now() + ms;
  const one = async (): Promise<void> => {
    while (performance.now() < end) {
      const sentAt = performance.now();
      const status = await post(port, { agent, headers }, body);
      answers.slowestMs = Math.max(answers.slowestMs, performance.now() - sentAt);
      if (status === 200) answers.succeeded++;
      else {
        answers.refused++;
        // Who is refused at once does not make the sender the loudest of all.
        await delay(10);
      }
      if (pauseMs > 0) await delay(pauseMs);
    }
  };
  await Promise.all(Array.from({ length: callers }, one));
  agent.destroy();
  return answers;
}

/** Returns the status. */
function post(
  port: number,
  options: { readonly agent: Agent; readonly headers: Record<string, string> },
  body: string,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(
      { ...options, port, host: '127.0.0.1', path: '/graphql', method: 'POST' },
      (response) => {
        response.on('end', () => resolve(response.statusCode ?? 0));
        response.on('error', reject);
        response.resume();
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

interface Server {
  readonly port: number;
  stop(): Promise<void>;
}

/** The server as it runs in production. */
async function start(databaseUrl: string, env: NodeJS.ProcessEnv): Promise<Server> {
  const child = spawn(process.execPath, [`${DIST}main.js`], {
    env: {
      PATH: process.env['PATH'],
      NODE_ENV: 'production',
      DATABASE_URL: databaseUrl,
      HOST: '127.0.0.1',
      PORT: '0',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const stop = async (): Promise<void> => {
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  };
  return { port: await portOf(child), stop };
}

/** Where a server listens; its further output is thrown away. */
function portOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error('The server did not start.')), START_TIMEOUT_MS);
    let printed = '';
    let isReady = false;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      if (isReady) return;
      printed += text;
      const port = /Ready: .*http:\/\/127\.0\.0\.1:(\d+)/.exec(printed)?.[1];
      if (port === undefined) return;
      isReady = true;
      clearTimeout(late);
      resolve(Number(port));
    });
  });
}
