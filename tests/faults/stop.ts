import { Agent, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { addGames, addOwner, makeDatabase, startDatabaseServer, type Owner } from '../../bench/database.ts';
import { Server } from '../attacks/server.ts';
import { exactly, atLeast, atMost, type Figure, type Scenario } from './scenario.ts';

const STOPS = 20;
/** Clients that send one request after the other on a connection that is kept alive, or each on a new one. */
const KEPT_ALIVE = 24;
const ANEW = 8;
/** How long the load runs before the stop, in ms. */
const LOAD_MS = 500;
const GAMES = 1_000_000;
/** How long a move runs before it is stopped, in ms. */
const MOVE_MS = 2_000;
/** In which a statement must have ended after the process that sent it, in ms. */
const LEFT_MS = 6_000;

const NAME = 'stopped';

export const stop: Scenario = {
  name: 'stop',
  title: `${STOPS} stops under load, and stops, second signals and SIGKILLs during a move of ${GAMES} games`,
  run: async (say) => {
    const postgres = await startDatabaseServer();
    try {
      const { url, db } = await makeDatabase(postgres, 'stops');
      try {
        const owner = await addOwner(db, 'stop-clt');
        const figures = await underLoad(url, db, owner, say);
        const mover = await addOwner(db, 'stop-mov');
        await addGames(db, mover, GAMES);
        await db.query('VACUUM ANALYZE games');
        return [...figures, ...(await duringMove(url, db, mover, say))];
      } finally {
        await db.end();
      }
    } finally {
      await postgres.stop();
    }
  },
};

/** What a client heard of one request. `cut`: its connection ended, or was reset, without an answer. */
type Heard = 'done' | 'refused' | 'notConnected' | 'cut';

interface Asked {
  readonly name: string;
  readonly heard: Heard;
  /** Whether it was sent before the signal. */
  readonly isBefore: boolean;
}

async function underLoad(
  url: string,
  db: pg.Client,
  owner: Owner,
  say: (text: string) => void,
): Promise<Figure[]> {
  const asked: Asked[] = [];
  let codes = 0;
  for (let count = 0; count < STOPS; count++) {
    const server = await Server.start(url);
    let isSignalled = false;
    const client = async (index: number, agent: Agent): Promise<void> => {
      for (let number = 0; ; number++) {
        const name = `${NAME}-${count}-${index}-${number}`;
        const isBefore = !isSignalled;
        const heard = await create(server.port, agent, owner, name);
        asked.push({ name, heard, isBefore });
        // Who is told that the server stops goes elsewhere.
        if (heard !== 'done') break;
      }
      agent.destroy();
    };
    const clients = Array.from({ length: KEPT_ALIVE + ANEW }, (_, index) =>
      client(index, new Agent({ keepAlive: index < KEPT_ALIVE, maxSockets: 1 })),
    );
    await delay(LOAD_MS + Math.random() * 100);
    isSignalled = true;
    server.signal('SIGTERM');
    codes += (await server.ended()) === 0 ? 0 : 1;
    await Promise.all(clients);
    server.forget();
  }
  const { rows } = await db.query<{ name: string }>(
    `SELECT "externalGameId" AS name FROM games WHERE starts_with("externalGameId", $1)`,
    [NAME],
  );
  const made = new Set(rows.map((row) => row.name));
  const count = (isWanted: (one: Asked) => boolean): number => asked.filter(isWanted).length;
  say(
    `${count(({ heard }) => heard === 'done')} done, ${count(({ heard }) => heard === 'refused')} refused, ` +
      `${count(({ heard }) => heard === 'notConnected')} not connected, as nobody listened any more`,
  );
  return [
    atLeast(
      'requests answered',
      count(({ heard }) => heard === 'done'),
      1_000,
    ),
    exactly(
      'cut: sent before the signal, and never answered',
      count((one) => one.heard === 'cut' && one.isBefore),
      0,
    ),
    exactly(
      'reset: sent after the signal to one who listened, and never answered',
      count((one) => one.heard === 'cut' && !one.isBefore),
      0,
    ),
    exactly(
      'done but not answered',
      count((one) => one.heard !== 'done' && made.has(one.name)),
      0,
    ),
    exactly(
      'answered but not done',
      count((one) => one.heard === 'done' && !made.has(one.name)),
      0,
    ),
    exactly('stops that did not end with 0', codes, 0),
  ];
}

function create(port: number, agent: Agent, owner: Owner, name: string): Promise<Heard> {
  return post(
    port,
    agent,
    owner,
    `mutation { createGame(input: { externalGameId: "${name}", platform: "web" }) { game { id } } }`,
  ).then(({ heard }) => heard);
}

function post(
  port: number,
  agent: Agent | false,
  owner: Owner,
  query: string,
): Promise<{ readonly heard: Heard; readonly text: string }> {
  const headers = { 'content-type': 'application/json', 'x-api-key': owner.secret };
  return new Promise((resolve) => {
    const sent = request({ port, path: '/graphql', method: 'POST', agent, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('error', () => resolve({ heard: 'cut', text }));
      response.on('end', () => {
        resolve({ heard: text.includes('SERVICE_UNAVAILABLE') ? 'refused' : 'done', text });
      });
    });
    sent.on('error', (error: Error & { code?: string }) => {
      resolve({ heard: error.code === 'ECONNREFUSED' ? 'notConnected' : 'cut', text: '' });
    });
    sent.end(JSON.stringify({ query }));
  });
}

async function duringMove(
  url: string,
  db: pg.Client,
  mover: Owner,
  say: (text: string) => void,
): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const [what, signals, wanted] of [
    ['SIGTERM', ['SIGTERM'], 0],
    ['a second SIGTERM', ['SIGTERM', 'SIGTERM'], 1],
    ['SIGKILL', ['SIGKILL'], null],
  ] as const) {
    const server = await Server.start(url);
    const answer = post(
      server.port,
      false,
      mover,
      'mutation { bulkUpdateStrategyId(input: { oldStrategyId: "default", newStrategyId: "socio_bee" }) { count } }',
    );
    await delay(MOVE_MS);
    let signalledAt = 0;
    for (const signal of signals) {
      if (signalledAt > 0) await delay(1_500);
      signalledAt = performance.now();
      server.signal(signal);
    }
    const code = await server.ended();
    const endedAt = performance.now();
    const { heard } = await answer;
    while ((await running(db)) > 0) await delay(50);
    say(
      `${what}: ended ${((endedAt - signalledAt) / 1_000).toFixed(1)} s after it, the client heard: ${heard}`,
    );
    const { rows } = await db.query<{ moved: number }>(
      `SELECT count(*)::int AS moved FROM games WHERE "apiKey_used" = $1 AND "strategyId" <> 'default'`,
      [mover.prefix],
    );
    figures.push(
      exactly(`a move, ${what}: exit code as it should be`, Number(code === wanted), 1),
      exactly(
        `a move, ${what}: client answered as not done`,
        Number(heard === 'refused'),
        code === null ? 0 : 1,
      ),
      exactly(`a move, ${what}: games moved`, rows[0]?.moved ?? -1, 0),
      atMost(
        `a move, ${what}: its statement ended after the process, ms`,
        performance.now() - endedAt,
        LEFT_MS,
      ),
    );
    server.forget();
  }
  return figures;
}

async function running(db: pg.Client): Promise<number> {
  const { rows } = await db.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM pg_stat_activity WHERE application_name = 'game-graphql'`,
  );
  return rows[0]?.count ?? 0;
}
