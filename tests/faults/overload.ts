import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { get } from 'node:http';
import { getPriority, setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';
import { httpRequest, type Contestant } from '../../bench/contestants.ts';
import { makeData, startDatabaseServer, type Data } from '../../bench/database.ts';
import { makeOperations, questionOf } from '../../bench/operations.ts';
import { Server } from '../attacks/server.ts';
import { NUMBER_MARK, type OpenJob, type Outcome, type Sent } from './open-load.ts';
import { atLeast, atMost, exactly, type Figure, type Scenario } from './scenario.ts';

/** The processor that the server has, and the one for everything else, where PostgreSQL comes after the clients. */
const [SERVER, OTHERS] = ['0', '1'];
export const SIZES = { games: 20_000, points: 10_000, moved: 10 };
/** How many times the capacity is asked for. */
const TIMES = 3;
const OVERLOAD_MS = 30_000;
/** How long capacity and half of it are measured, in ms. */
const USUAL_MS = 8_000;
/** Requests at a time that the capacity is measured with. */
const BUSY = 32;
/** Of so many requests one is a write. */
export const WRITES_EVERY = 20;
/** When impatient clients give up, in ms. */
const PATIENCE_MS = 1_000;
/** After the overload, half of the capacity is asked for until everybody is served as before, this long at most, in ms. */
const CALM_MS = 8_000;

const NAME = 'over-load';
/** The operations of the benchmark that are asked for. */
const KINDS = ['a', 'e'];

export const overload: Scenario = {
  name: 'overload',
  title: `${TIMES} times as much as the server can do, by patient and by impatient clients`,
  run: async (say) => {
    const postgres = await startDatabaseServer();
    const load = new OpenLoad();
    let server: Server | undefined;
    try {
      const data = await makeData(postgres, 'overload', SIZES);
      const { rows } = await data.db.query<{ pid: number }>(
        `SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::int AS pid UNION SELECT pid FROM pg_stat_activity`,
      );
      for (const { pid } of rows) setPriority(pid, getPriority() + 5);
      for (const pid of [process.pid, load.pid, ...rows.map((row) => row.pid)]) pin(pid, OTHERS);
      // Its connections are children of what has just been pinned.
      server = await Server.start(data.url);
      pin(server.pid, SERVER);
      const figures = await underLoad(data, server, say, load);
      await data.db.end();
      return figures;
    } finally {
      await server?.kill();
      server?.forget();
      load.stop();
      await postgres.stop();
    }
  },
};

/** The load generator, in a process of its own. */
export class OpenLoad {
  readonly #process = fork(fileURLToPath(new URL('open-load.ts', import.meta.url)), { stdio: 'inherit' });

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** Sends a job's requests; answers what became of each. */
  async drive(job: OpenJob): Promise<Sent[]> {
    this.#process.send(job);
    const [sent] = (await once(this.#process, 'message')) as [Sent[]];
    return sent;
  }

  stop(): void {
    this.#process.disconnect();
  }
}

async function underLoad(
  data: Data,
  server: Server,
  say: (text: string) => void,
  load: OpenLoad,
): Promise<Figure[]> {
  const requests = await requestsOf(data, server);
  const { port } = server;
  let firstNumber = 0;
  const send = (pace: OpenJob['pace'], ms: number, patienceMs: number | null = null): Promise<Sent[]> => {
    firstNumber += 10_000_000;
    return load.drive({ port, requests, pace, ms, patienceMs, firstNumber });
  };

  await send({ atATime: BUSY }, USUAL_MS);
  const capacity = timesOf(await send({ atATime: BUSY }, USUAL_MS), 'done').length / (USUAL_MS / 1_000);
  await send({ perS: capacity / 2 }, USUAL_MS);
  const usual = timesOf(await send({ perS: capacity / 2 }, USUAL_MS), 'done');
  const usualP99 = quantile(usual, 0.99);
  say(
    `capacity ${capacity.toFixed(0)}/s; at half of it p50 ${quantile(usual, 0.5).toFixed(1)}, p99 ${usualP99.toFixed(1)} ms`,
  );

  const figures: Figure[] = [];
  for (const [who, patienceMs] of [
    ['patient', null],
    ['impatient', PATIENCE_MS],
  ] as const) {
    const probes = new Probes(port);
    const cpu = server.cpuS ?? 0;
    const sent = await send({ perS: TIMES * capacity }, OVERLOAD_MS, patienceMs);
    const cpuS = (server.cpuS ?? 0) - cpu;
    const after = await send({ perS: capacity / 2 }, CALM_MS);
    const live = await probes.end();
    const inTime = sent.filter((one) => one.outcome === 'done' && one.at + one.ms <= OVERLOAD_MS);
    const done = timesOf(sent, 'done');
    const refused = timesOf(sent, 'refused');
    const count = (outcome: Outcome): number => sent.filter((one) => one.outcome === outcome).length;
    say(
      `${who}: ${sent.length} sent, ${(['done', 'refused', 'failed', 'gaveUp', 'reset'] as const).map((outcome) => `${count(outcome)} ${outcome}`).join(', ')}; ` +
        `done p50 ${quantile(done, 0.5).toFixed(1)} ms, refused p50 ${quantile(refused, 0.5).toFixed(1)} ms; CPU ${cpuS.toFixed(1)} s`,
    );
    const worst = after.filter((one) => one.outcome !== 'done' || one.ms > 5 * usualP99);
    figures.push(
      atLeast(`${who}: goodput / capacity`, inTime.length / (OVERLOAD_MS / 1_000) / capacity, 0.9),
      atMost(`${who}: a refusal is told after, p99, ms`, quantile(refused, 0.99), 100),
      atMost(`${who}: p99 of what is done / p99 at half load`, quantile(done, 0.99) / usualP99, 5),
      atMost(`${who}: calm again after, ms`, Math.max(0, ...worst.map((one) => one.at + one.ms)), 3_000),
      atMost(`${who}: /health/live on a new connection, longest, ms`, live, 1_000),
      exactly(`${who}: failed otherwise, or connection ended`, count('failed') + count('reset'), 0),
      ...(await writesTold(data, who, [...sent, ...after])),
    );
  }
  return figures;
}

/** What was told of writes, against what was done. */
async function writesTold(data: Data, who: string, sent: readonly Sent[]): Promise<Figure[]> {
  const { rows } = await data.db.query<{ name: string }>(
    `DELETE FROM games WHERE starts_with("externalGameId", $1) RETURNING "externalGameId" AS name`,
    [NAME],
  );
  const made = new Set(rows.map(({ name }) => Number(name.slice(NAME.length + 1))));
  const writes = sent.filter(({ number }) => number % WRITES_EVERY === 0);
  const wrong = (outcome: Outcome, isMade: boolean): number =>
    writes.filter((one) => one.outcome === outcome && made.has(one.number) !== isMade).length;
  const gaveUp = new Set(writes.filter(({ outcome }) => outcome === 'gaveUp').map(({ number }) => number));
  return [
    exactly(`${who}: writes told as done that are not there`, wrong('done', true), 0),
    exactly(
      `${who}: writes told as refused that are there`,
      writes.filter((one) => one.outcome === 'refused' && made.has(one.number) && !gaveUp.has(one.number))
        .length,
      0,
    ),
  ];
}

/** Reads of several kinds, and writes among them. */
export async function requestsOf(data: Data, server: Server): Promise<string[]> {
  const contestant = { name: 'ours', port: server.port } as Contestant;
  const operations = await makeOperations(data, [contestant]);
  const kinds = operations
    .filter(({ name }) => KINDS.includes(name))
    .map((operation) => operation.subjects(0).map((subject) => questionOf(operation, 'ours', subject)));
  const [owner] = data.owners;
  if (owner === undefined) throw new Error('There is no owner.');
  return Array.from({ length: 5_000 }, (_, index) => {
    if (index % WRITES_EVERY === 0) {
      return httpRequest({
        query:
          'mutation ($name: String!) { createGame(input: { externalGameId: $name, platform: "web" }) { game { id } } }',
        variables: { name: `${NAME}-${NUMBER_MARK}` },
        owner: data.owners[(index / WRITES_EVERY) % data.owners.length] ?? owner,
      });
    }
    const questions = kinds[index % kinds.length] ?? [];
    const question = questions[Math.floor(index / kinds.length) % questions.length];
    if (question === undefined) throw new Error('There is no question.');
    // Each is a document that was never seen: it is parsed, checked and compiled. So the limit is the server's own work,
    // not that of PostgreSQL, which shares a processor with the clients.
    const query = question.query.replace('query (', `query Q${NUMBER_MARK} (`);
    return httpRequest({ ...question, query });
  });
}

/** Asks again and again, each time on a new connection, whether the server lives. */
class Probes {
  readonly #port: number;
  readonly #waits: Promise<number>[] = [];
  readonly #timer = setInterval(() => this.#waits.push(this.#ask()), 200);

  constructor(port: number) {
    this.#port = port;
  }

  /** The longest wait, in ms. */
  async end(): Promise<number> {
    clearInterval(this.#timer);
    return Math.max(...(await Promise.all(this.#waits)));
  }

  #ask(): Promise<number> {
    const startedAt = performance.now();
    return new Promise((resolve) => {
      const give = (ms: number): void => resolve(ms);
      get({ port: this.#port, path: '/health/live', agent: false, timeout: 10_000 }, (response) => {
        response.resume().on('end', () => give(performance.now() - startedAt));
      })
        .on('timeout', () => give(10_000))
        .on('error', () => give(10_000));
    });
  }
}

function timesOf(sent: readonly Sent[], wanted: Outcome): number[] {
  return sent
    .filter(({ outcome }) => outcome === wanted)
    .map(({ ms }) => ms)
    .toSorted((a, b) => a - b);
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
}

export function pin(pid: number, processor: string): void {
  execFileSync('taskset', ['--all-tasks', '--cpu-list', '--pid', processor, String(pid)], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}
