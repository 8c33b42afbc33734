import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { ask, httpRequest, type Contestant, type Question } from './contestants.ts';
import type { Job, Result } from './load.ts';
import { meaningOf, questionOf, type Operation, type Subject } from './operations.ts';

/** Clients' connections to the server that is asked, unless it is slow. */
export const CONNECTIONS = 16;
/** For operations that keep a core busy for a second: with more, the limits of the server would end them. */
export const SLOW_CONNECTIONS = 2;
/** How many times longer their rounds are. */
const SLOW_FACTOR = 3;

/** One contestant, one operation, one round. */
export interface Measurement {
  readonly perSecond: number;
  readonly medianMs: number;
  readonly p99Ms: number;
  /** CPU time of the server's process for each request. */
  readonly cpuMs: number;
}

/** The contestants do not answer alike: there is nothing to compare. */
export class DifferentAnswers extends Error {
  override readonly name = 'DifferentAnswers';
}

/** The process that drives the servers. */
export class Load {
  readonly #process = fork(fileURLToPath(new URL('load.ts', import.meta.url)), { stdio: 'inherit' });

  async run(job: Job): Promise<Result> {
    this.#process.send(job);
    const [answer] = (await once(this.#process, 'message')) as [{ result: Result } | { error: string }];
    if ('error' in answer) throw new Error(answer.error);
    return answer.result;
  }

  stop(): void {
    this.#process.disconnect();
  }
}

/** Drives a server with these questions for a while, and tells what it did. */
export async function drive(
  load: Load,
  { port, cpuMs }: Contestant,
  questions: readonly Question[],
  ms: number,
  connections = CONNECTIONS,
): Promise<Measurement & Pick<Result, 'samples'>> {
  const before = cpuMs();
  const result = await load.run({ port, requests: questions.map(httpRequest), connections, ms });
  return {
    perSecond: (result.count * 1_000) / result.ms,
    medianMs: result.medianMs,
    p99Ms: result.p99Ms,
    cpuMs: (cpuMs() - before) / result.count,
    samples: result.samples,
  };
}

/**
 * Asks every contestant everything.
 *
 * @returns what must be answered to each subject
 * @throws DifferentAnswers
 */
export async function compareAnswers(
  operation: Operation,
  contestants: readonly Contestant[],
  subjects: readonly Subject[],
): Promise<string[]> {
  const expected: string[] = [];
  for (const [index, subject] of subjects.entries()) {
    for (const { name, port } of contestants) {
      const body = await ask(port, questionOf(operation, name, subject));
      const meaning = meaningOf(body);
      expected[index] ??= meaning;
      if (meaning !== expected[index]) {
        throw new DifferentAnswers(
          `(${operation.name}) ${name} answers\n${meaning}\nwhere ${contestants[0]?.name} answers\n${expected[index]}`,
        );
      }
    }
  }
  return expected;
}

/** How long the first rounds take, in s, which warm up: V8 compiles what is used often, and most of it late. */
const WARM_UP = 12;

/** One operation, all contestants, in turn and in another order each round. */
export async function measure(
  load: Load,
  operation: Operation,
  contestants: readonly Contestant[],
  {
    rounds,
    seconds,
    warmUp = WARM_UP,
  }: { readonly rounds: number; readonly seconds: number; readonly warmUp?: number },
): Promise<Map<Contestant, Measurement[]>> {
  const expected = await compareAnswers(operation, contestants, operation.subjects(0));
  const results = new Map<Contestant, Measurement[]>(contestants.map((contestant) => [contestant, []]));
  // What is written must be another value each time.
  let times = 1;
  const connections = operation.slow ? SLOW_CONNECTIONS : CONNECTIONS;
  const ms = seconds * 1_000 * (operation.slow ? SLOW_FACTOR : 1);
  const roundsBefore = Math.ceil(warmUp / seconds);
  for (let round = 0; round < roundsBefore + rounds; round++) {
    for (const turn of contestants.keys()) {
      const contestant = contestants[(turn + round) % contestants.length];
      if (contestant === undefined) continue;
      const subjects = operation.subjects(times++);
      const questions = subjects.map((subject) => questionOf(operation, contestant.name, subject));
      const { samples, ...measurement } = await drive(load, contestant, questions, ms, connections);
      for (const { index, body } of samples) {
        const wanted = operation.writes ? expectedWrite(subjects[index]) : expected[index];
        if (meaningOf(body) !== wanted) {
          throw new DifferentAnswers(
            `(${operation.name}) ${contestant.name} answers, under load,\n${body}\nwhere it should be\n${wanted}`,
          );
        }
      }
      if (round >= roundsBefore) results.get(contestant)?.push(measurement);
    }
  }
  return results;
}

const expectedWrite = (subject: Subject | undefined): string =>
  JSON.stringify({ patchGame: { game: { id: subject?.id, platform: subject?.platform } } });
