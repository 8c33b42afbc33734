import { Agent, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { addGames, addOwner, makeDatabase, startDatabaseServer, type Owner } from '../../bench/database.ts';
import { Server } from '../attacks/server.ts';
import { freePort } from '../support/postgres.js';
import { startHaproxy, startNginx, type Balancer } from './balancers.ts';
import { wrongRows } from './interleaved.ts';
import { install } from './programs.ts';
import { atLeast, atMost, exactly, type Figure, type Scenario } from './scenario.ts';

/** Clients that keep their connection, and that make one for each request. */
const KEPT_ALIVE = 12;
const ANEW = 4;
/** One request in so many is a write. */
const WRITE_EVERY = 4;
/** Of the load before the first stop, and after the last start, in ms. */
const QUIET_MS = 2_000;
const SHUTDOWN_DELAY_S = 5;
/** In which a revoked key must be refused by both servers, in ms. */
const REVOKED_MS = 5_000;
const OWNERS = 6;
const GAMES = 20;

type Start = (ports: readonly number[], retries: boolean) => Promise<Balancer>;
const BALANCERS: readonly (readonly [name: string, start: Start])[] = [
  ['HAProxy', startHaproxy],
  ['nginx', startNginx],
];

export const rolling: Scenario = {
  name: 'rolling',
  title: 'two servers behind HAProxy and nginx: rolling restarts under load, and what both must know',
  run: async (say) => {
    install({ '/usr/sbin/haproxy': 'haproxy', '/usr/sbin/nginx': 'nginx-light' }, say);
    const postgres = await startDatabaseServer();
    try {
      const { url, db } = await makeDatabase(postgres, 'rolling');
      const owners: Owner[] = [];
      for (let number = 0; number < OWNERS; number++) {
        const owner = await addOwner(db, `roll-ow${number}`);
        await addGames(db, owner, GAMES);
        owners.push(owner);
      }
      const pair = await Pair.start(url);
      try {
        const figures: Figure[] = [];
        for (const [name, start] of BALANCERS) {
          for (const retries of [true, false]) {
            const balancer = await start(pair.ports, retries);
            const what = `${name}${retries ? '' : ' without retries'}`;
            try {
              figures.push(...(await restartUnderLoad(what, pair, balancer, owners, db, say)));
              if (retries) {
                const wrong = await wrongRows(balancer.port, owners);
                figures.push(
                  atLeast(`${what}: interleaved requests of ${OWNERS} owners`, wrong.asked, 10_000),
                  exactly(`${what}: rows of another owner`, wrong.foreign, 0),
                  exactly(`${what}: interleaved requests that failed`, wrong.failed, 0),
                );
              }
            } finally {
              await balancer.stop();
            }
          }
        }
        return [...figures, ...(await shared(pair, db))];
      } finally {
        await pair.stop();
        await db.end();
      }
    } finally {
      await postgres.stop();
    }
  },
};

/** Two servers on one database, each at a port that it has again after a restart. */
class Pair {
  readonly ports: readonly number[];
  readonly #url: string;
  readonly #servers: Server[] = [];

  private constructor(url: string, ports: readonly number[]) {
    this.#url = url;
    this.ports = ports;
  }

  static async start(url: string): Promise<Pair> {
    const pair = new Pair(url, [await freePort(), await freePort()]);
    for (const index of pair.ports.keys()) await pair.#start(index);
    return pair;
  }

  async #start(index: number): Promise<void> {
    const env = {
      PORT: String(this.ports[index]),
      SHUTDOWN_DELAY: String(SHUTDOWN_DELAY_S),
      // A slow machine is not what is tried: a wait for a connection to the database fails a request, too.
      DATABASE_CONNECTION_TIMEOUT: '10',
      LOG_LEVEL: 'info',
    };
    this.#servers[index] = await Server.start(this.#url, env);
  }

  /** Stops a server as an orchestrator does, and starts it again; its exit code. */
  async restart(index: number): Promise<number | null> {
    const server = this.#servers[index];
    server?.signal('SIGTERM');
    const code = (await server?.ended()) ?? null;
    server?.forget();
    await this.#start(index);
    return code;
  }

  async stop(): Promise<void> {
    for (const server of this.#servers) {
      await server.kill();
      server.forget();
    }
  }
}

interface Asked {
  /** Null: no answer. */
  readonly status: number | null;
  readonly isDone: boolean;
  readonly name: string | null;
  readonly detail: string;
}

async function restartUnderLoad(
  what: string,
  pair: Pair,
  balancer: Balancer,
  owners: readonly Owner[],
  db: pg.Client,
  say: (text: string) => void,
): Promise<Figure[]> {
  const asked: Asked[] = [];
  const load = { isOver: false };
  const run = what.replaceAll(/\W/g, '');
  const clients = Array.from({ length: KEPT_ALIVE + ANEW }, async (_, index) => {
    const agent = new Agent({ keepAlive: index < KEPT_ALIVE, maxSockets: 1 });
    const owner = owners[index % owners.length] ?? { secret: '', prefix: '' };
    for (let number = 0; !load.isOver; number++) {
      const name = number % WRITE_EVERY === 0 ? `${owner.prefix}-${run}-${index}-${number}` : null;
      asked.push(await ask(balancer.port, agent, owner, name));
    }
    agent.destroy();
  });
  const codes: (number | null)[] = [];
  try {
    await delay(QUIET_MS);
    for (const index of pair.ports.keys()) {
      await balancer.leaveOut(index);
      codes.push(await pair.restart(index));
      await balancer.takeBack();
      // Until the balancer has found it ready.
      await untilAsked(pair.ports[index] ?? 0);
    }
    await delay(QUIET_MS);
  } finally {
    load.isOver = true;
    await Promise.all(clients);
  }
  const failed = asked.filter(({ isDone }) => !isDone);
  for (const { status, detail } of failed.slice(0, 5)) say(`${what}: ${status} ${detail}`);
  const { rows } = await db.query<{ name: string }>(
    `SELECT "externalGameId" AS name FROM games WHERE "externalGameId" LIKE $1`,
    [`%-${run}-%`],
  );
  const made = new Set(rows.map(({ name }) => name));
  const written = asked.flatMap(({ isDone, name }) => (isDone && name !== null ? [name] : []));
  return [
    atLeast(`${what}: requests`, asked.length, 1_000),
    exactly(`${what}: requests that failed`, failed.length, 0),
    exactly(
      `${what}: writes that were answered as done, and are lost`,
      written.filter((name) => !made.has(name)).length,
      0,
    ),
    exactly(`${what}: stops that did not end with 0`, codes.filter((code) => code !== 0).length, 0),
  ];
}

/** Waits until a server has been asked something since it started. */
async function untilAsked(port: number): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt++) {
    const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    if (/^http_\S*_count\{[^}]*\/graphql[^}]*\} [1-9]/m.test(metrics)) return;
    await delay(50);
  }
  throw new Error('The balancer sends nothing to the server that was started.');
}

function ask(port: number, agent: Agent, owner: Owner, name: string | null): Promise<Asked> {
  const query =
    name === null
      ? '{ games(first: 1) { nodes { id } } }'
      : `mutation { createGame(input: { externalGameId: "${name}", platform: "web" }) { game { id } } }`;
  const headers = { 'content-type': 'application/json', 'x-api-key': owner.secret };
  return new Promise((resolve) => {
    const sent = request({ port, path: '/graphql', method: 'POST', agent, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      const status = response.statusCode ?? null;
      const tell = (): void => {
        const isDone = status === 200 && !text.includes('"errors"');
        resolve({ status, isDone, name, detail: text.slice(0, 200) });
      };
      response.on('error', tell).on('end', tell);
    });
    sent.on('error', (error) => resolve({ status: null, isDone: false, name, detail: String(error) }));
    sent.end(JSON.stringify({ query }));
  });
}

interface Page {
  readonly games: {
    readonly nodes: readonly { readonly id: string }[];
    readonly pageInfo: { readonly endCursor: string; readonly hasNextPage: boolean };
  };
}

/** What one server has told or learnt, and the other must know. */
async function shared(pair: Pair, db: pg.Client): Promise<Figure[]> {
  const owner = await addOwner(db, 'roll-sha');
  await addGames(db, owner, 40);
  const [first = 0, second = 0] = pair.ports;
  const page = `query ($after: String) { games(first: 10, after: $after) { nodes { id } pageInfo { endCursor hasNextPage } } }`;
  const seen = new Set<string>();
  let after: string | null = null;
  let pages = 0;
  for (let hasNext = true; hasNext && pages < 10; pages++) {
    const { data }: { data?: Page } = await post<Page>(pages % 2 === 0 ? first : second, owner, page, {
      after,
    });
    for (const { id } of data?.games.nodes ?? []) seen.add(id);
    after = data?.games.pageInfo.endCursor ?? null;
    hasNext = data?.games.pageInfo.hasNextPage ?? false;
  }
  const write = `mutation { createGame(input: { externalGameId: "shared-key", platform: "web" }) { game { id } } }`;
  const done = await post(first, owner, write, {}, 'shared-1');
  const again = await post(second, owner, write, {}, 'shared-1');
  await db.query(`UPDATE apikey SET active = false WHERE "apiKey" = $1`, [owner.prefix]);
  const revokedAt = performance.now();
  const refused = await Promise.all(
    pair.ports.map(async (port) => {
      for (let isRefused = false; !isRefused && performance.now() - revokedAt < 2 * REVOKED_MS;) {
        isRefused = (await post(port, owner, '{ games { totalCount } }')).status === 401;
        if (!isRefused) await delay(20);
      }
      return performance.now() - revokedAt;
    }),
  );
  return [
    exactly('games of a list whose pages came from both servers in turn', seen.size, 40),
    exactly(
      'an Idempotency-Key of one server, answered alike by the other',
      Number(done.text === again.text && done.status === 200),
      1,
    ),
    atMost('a revoked key is refused by both after, ms', Math.max(...refused), REVOKED_MS),
  ];
}

async function post<Data = unknown>(
  port: number,
  owner: Owner,
  query: string,
  variables: object = {},
  key?: string,
): Promise<{ status: number; text: string; data?: Data }> {
  const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-api-key': owner.secret,
      ...(key === undefined ? {} : { 'idempotency-key': key }),
    },
    body: JSON.stringify({ query, variables }),
  });
  const text = await response.text();
  return { status: response.status, text, ...(JSON.parse(text) as { data?: Data }) };
}
