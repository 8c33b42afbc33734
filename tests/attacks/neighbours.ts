import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Owner } from '../../bench/database.ts';
import type { Job, Result as LoadResult } from '../../bench/load.ts';
import { gql, type Shot } from './attack.ts';
import { excesses } from './carry-out.ts';
import { MOST_EXPENSIVE } from './corpus.ts';
import { addFreshOwner } from './data.ts';
import { FRESH_KEY_MS, LIMITS, NEIGHBOUR_FACTOR } from './limits.ts';
import { isAllowed, nameOf, send, type Outcome } from './send.ts';
import type { Stage } from './stage.ts';

/** Requests of the loud caller at the same time. */
const LOUD = 16;
const ROUNDS = 3;
const ROUND_MS = 5_000;
/** How long the loud caller is left alone before anything is measured, in ms. */
const LEAD_MS = 500;

const PAGE = 'query { games(first: 20) { nodes { id externalGameId platform createdAt } } }';

/** What the quiet caller gets, and what may fail about it. */
export interface Neighbourhood {
  readonly report: readonly string[];
  readonly failures: readonly string[];
}

/**
 * One caller sends the most expensive operations that are allowed, sixteen at a time. Another one, who asks for a page
 * of 20 games, must not feel much of it, and a key that was never seen before must get in.
 *
 * @param operation which operation of `MOST_EXPENSIVE`; null takes the one that takes longest
 */
export async function neighbours(stage: Stage, operation: string | null): Promise<Neighbourhood> {
  await stage.restart();
  const chosen = await choose(stage, operation);
  if (chosen === null) {
    return {
      report: [],
      failures: ['none of the most expensive operations is answered: name others in the corpus'],
    };
  }
  const report = [
    `the most expensive operation that is allowed: ${chosen.id}, alone ${Math.round(chosen.ms)} ms`,
  ];
  const failures: string[] = [];
  const quiet = (): Promise<LoadResult> => quietRound(stage.server.port, stage.owners.neighbour);
  await quiet();
  await stage.watch.start(stage.subject);
  const ratios: number[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    const alone = await quiet();
    const loud = startLoud(stage, chosen.shot);
    await delay(LEAD_MS);
    const beside = await quiet().catch((error: unknown) =>
      String(error).replaceAll(/\s+/g, ' ').slice(0, 120),
    );
    const fresh = await enter(stage);
    const answers = await loud.stop();
    if (typeof beside === 'string') failures.push(`round ${round}: the quiet caller is refused: ${beside}`);
    else {
      ratios.push(beside.p99Ms / alone.p99Ms);
      report.push(
        `round ${round}: p99 alone ${ms(alone.p99Ms)} of ${alone.count}, beside ${ms(beside.p99Ms)} of ${beside.count}, ` +
          `ratio ${(beside.p99Ms / alone.p99Ms).toFixed(1)}; median ${ms(alone.medianMs)} and ${ms(beside.medianMs)}`,
      );
    }
    report.push(`  a new key: ${nameOf(fresh)} after ${ms(fresh.ms)}; the loud caller: ${counted(answers)}`);
    if (!isAllowed(fresh, ['200'])) failures.push(`round ${round}: a new key is answered ${nameOf(fresh)}`);
    if (fresh.ms > FRESH_KEY_MS) failures.push(`round ${round}: a new key waits ${ms(fresh.ms)}`);
    await stage.untilIdle(20_000);
  }
  const sight = await stage.watch.stop();
  failures.push(...excesses(sight));
  const ratio = ratios.toSorted((left, right) => left - right)[Math.floor(ratios.length / 2)];
  if (ratio === undefined || ratio >= NEIGHBOUR_FACTOR)
    failures.push(
      `the quiet caller waits ${ratio?.toFixed(1) ?? 'endlessly many'} times as long, in the median`,
    );
  report.push(
    `live ${Math.round(sight.liveMs)} ms, server ${Math.round(sight.serverMb)} MB, backends ${Math.round(sight.backendsMb)} MB`,
  );
  return { report, failures };
}

const ms = (value: number): string => `${value.toFixed(value < 10 ? 1 : 0)} ms`;

/** Of those that are answered the one that takes longest; each is asked twice, because the first time is no measure. */
async function choose(
  stage: Stage,
  operation: string | null,
): Promise<{ readonly id: string; readonly shot: () => Shot; readonly ms: number } | null> {
  let chosen: { readonly id: string; readonly shot: () => Shot; readonly ms: number } | null = null;
  for (const { id, shot } of MOST_EXPENSIVE) {
    if (operation !== null && id !== operation) continue;
    await send(shot(), stage.options('owner', LIMITS.requestMs));
    const outcome = await send(shot(), stage.options('owner', LIMITS.requestMs));
    if (isAllowed(outcome, ['200']) && outcome.ms > (chosen?.ms ?? 0)) chosen = { id, shot, ms: outcome.ms };
  }
  return chosen;
}

/** The loud caller: as soon as one of its requests is answered it sends the next. */
function startLoud(stage: Stage, shot: () => Shot): { stop(): Promise<Map<string, number>> } {
  const over = new AbortController();
  const answers = new Map<string, number>();
  const isOver = (): boolean => over.signal.aborted;
  const one = async (): Promise<void> => {
    while (!isOver()) {
      const outcome = await send(shot(), stage.options('owner', LIMITS.requestMs, over.signal));
      if (isOver()) return;
      answers.set(nameOf(outcome), (answers.get(nameOf(outcome)) ?? 0) + 1);
      // Who is refused at once does not make the sender the loudest of all.
      if (outcome.status !== 200) await delay(10);
    }
  };
  const all = Promise.all(Array.from({ length: LOUD }, one));
  return {
    stop: async () => {
      over.abort();
      await all;
      return answers;
    },
  };
}

export const counted = (answers: ReadonlyMap<string, number>): string =>
  Array.from(answers, ([name, count]) => (count === 1 ? name : `${name} ×${count}`)).join(', ') || 'nothing';

/** The quiet caller, for one round, in a process of its own. */
async function quietRound(port: number, owner: Owner): Promise<LoadResult> {
  const load = fork(fileURLToPath(new URL('../../bench/load.ts', import.meta.url)), { stdio: 'inherit' });
  try {
    const body = JSON.stringify({ query: PAGE });
    const head = [
      'POST /graphql HTTP/1.1',
      'host: 127.0.0.1',
      'content-type: application/json',
      `x-api-key: ${owner.secret}`,
      `content-length: ${Buffer.byteLength(body)}`,
    ];
    const job: Job = {
      port,
      requests: [`${head.join('\r\n')}\r\n\r\n${body}`],
      connections: 1,
      ms: ROUND_MS,
    };
    load.send(job);
    const [answer] = (await once(load, 'message')) as [{ result: LoadResult } | { error: string }];
    if ('error' in answer) throw new Error(answer.error);
    return answer.result;
  } finally {
    load.kill();
  }
}

/** Somebody whom the server cannot know yet. */
async function enter(stage: Stage): Promise<Outcome> {
  const { secret } = await addFreshOwner(stage.db);
  return send(gql('{ viewer { apiKey } }'), {
    port: stage.server.port,
    key: secret,
    timeoutMs: LIMITS.requestMs,
  });
}
