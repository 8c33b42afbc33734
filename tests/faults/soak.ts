import { readdirSync } from 'node:fs';
import { makeData, startDatabaseServer, type Data } from '../../bench/database.ts';
import { median } from '../../bench/report.ts';
import { Server } from '../attacks/server.ts';
import { freePort } from '../support/postgres.js';
import { RedisServer } from '../support/redis.ts';
import { NUMBER_MARK, type OpenJob, type Sent } from './open-load.ts';
import { OpenLoad, requestsOf, SIZES, WRITES_EVERY } from './overload.ts';
import { atLeast, atMost, exactly, type Figure, type Scenario } from './scenario.ts';

const SOAK_MS = 20 * 60_000;
/** The load is sent in pieces of this length, in ms; the server is looked at after each. */
const PIECE_MS = 15_000;
/** Before that, what the server can do is measured for this long, in ms. */
const USUAL_MS = 10_000;
/** Requests at a time that it is measured with, and the part of it that is asked for then. */
const BUSY = 32;
const PART = 0.6;
/** Of so many requests two are mistakes of the client. */
const MISTAKES_EVERY = 50;

/** The server and its connections after a piece of the load. */
interface Look {
  readonly residentMb: number;
  readonly descriptors: number;
  readonly backends: number;
  readonly idleInTransaction: number;
}

export const soak: Scenario = {
  name: 'soak',
  title: `${SOAK_MS / 60_000} minutes of ${PART} of what the server can do, with rates in Redis, keys for writes, and mistakes`,
  run: async (say) => {
    const postgres = await startDatabaseServer();
    const redis = new RedisServer(await freePort());
    await redis.start();
    const load = new OpenLoad();
    let server: Server | undefined;
    try {
      const data = await makeData(postgres, 'soak', SIZES);
      // Undefined: the rates as they come.
      const env = { RATE_LIMIT: undefined, RATE_LIMIT_ADDRESS: undefined, REDIS_URL: redis.url };
      server = await Server.start(data.url, env);
      const figures = await underLoad(data, server, say, load);
      await data.db.end();
      return figures;
    } finally {
      await server?.kill();
      server?.forget();
      load.stop();
      await redis.kill();
      await postgres.stop();
    }
  },
};

async function underLoad(
  data: Data,
  server: Server,
  say: (text: string) => void,
  load: OpenLoad,
): Promise<Figure[]> {
  const requests = (await requestsOf(data, server)).map(asClientsSendThem);
  let firstNumber = 0;
  const send = (pace: OpenJob['pace'], ms: number): Promise<Sent[]> => {
    firstNumber += 1_000_000;
    return load.drive({ port: server.port, requests, pace, ms, patienceMs: null, firstNumber });
  };
  await send({ atATime: BUSY }, USUAL_MS);
  const capacity = (await send({ atATime: BUSY }, USUAL_MS)).length / (USUAL_MS / 1_000);
  say(`capacity ${capacity.toFixed(0)}/s`);

  const looks: Look[] = [];
  const counts = { sent: 0, done: 0, refused: 0, reset: 0, failed: 0, gaveUp: 0 };
  let mistakes = 0;
  const end = performance.now() + SOAK_MS;
  while (performance.now() < end) {
    for (const { number, outcome } of await send({ perS: PART * capacity }, PIECE_MS)) {
      counts.sent++;
      counts[outcome]++;
      if (mistakeOf(number) !== null) mistakes++;
    }
    looks.push(await look(data, server));
  }
  const memory = looks.map(({ residentMb }) => residentMb);
  say(
    `${counts.sent} sent, ${counts.done} done, ${counts.failed} mistakes told of ${mistakes}, ${counts.refused} refused, ${counts.reset} reset; ` +
      `resident MB ${memory.map((mb) => mb.toFixed(0)).join(' ')}`,
  );
  const quarter = (number: number): readonly Look[] =>
    looks.slice(Math.floor((looks.length * number) / 4), Math.floor((looks.length * (number + 1)) / 4));
  const grown = (of: (look: Look) => number): number =>
    median(quarter(3).map(of)) - median(quarter(1).map(of));
  return [
    atLeast(
      'part of the requests that are no mistakes, and done',
      counts.done / (counts.sent - mistakes),
      0.999,
    ),
    exactly('connections ended without an answer', counts.reset, 0),
    atMost(
      'memory grown from the second to the fourth quarter, MB',
      grown(({ residentMb }) => residentMb),
      10,
    ),
    atMost(
      'descriptors grown in that time',
      grown(({ descriptors }) => descriptors),
      2,
    ),
    atMost('connections to PostgreSQL, at most', Math.max(...looks.map(({ backends }) => backends)), 11),
    exactly(
      'seen idle in a transaction after a piece',
      Math.max(...looks.map((one) => one.idleInTransaction)),
      0,
    ),
  ];
}

type Mistake = 'key' | 'field';

function mistakeOf(number: number): Mistake | null {
  const rest = number % MISTAKES_EVERY;
  return rest === 1 ? 'key' : rest === 2 ? 'field' : null;
}

/** Writes have a key, some requests ask for their cost, and some are mistakes: a wrong API key, an unknown field. */
function asClientsSendThem(request: string, index: number): string {
  const mistake = mistakeOf(index);
  if (mistake === 'key') return request.replace(/x-api-key: gme_live_.{4}/, 'x-api-key: gme_live_none');
  if (mistake === 'field') return request.replace('nodes', 'nodez');
  const header = index % WRITES_EVERY === 0 ? `idempotency-key: "soak-${NUMBER_MARK}"` : 'graphql-cost: 1';
  return request.replace('\r\n', `\r\n${header}\r\n`);
}

async function look({ db }: Data, server: Server): Promise<Look> {
  const { rows } = await db.query<{ backends: number; idle: number }>(
    `SELECT count(*)::int AS backends, (count(*) FILTER (WHERE state LIKE 'idle in transaction%'))::int AS idle
     FROM pg_stat_activity WHERE application_name = 'game-graphql'`,
  );
  const [row] = rows;
  return {
    residentMb: server.residentMb,
    descriptors: readdirSync(`/proc/${server.pid}/fd`).length,
    backends: row?.backends ?? 0,
    idleInTransaction: row?.idle ?? 0,
  };
}
