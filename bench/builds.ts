import { execFileSync } from 'node:child_process';
import { addLeaderboardFunction, startBefore, startContestant, type Contestant } from './contestants.ts';
import { tidyUp, type Data } from './database.ts';
import { Load, measure } from './measure.ts';
import { makeOperations } from './operations.ts';
import { median, ratios, say, spread, table } from './report.ts';

/** How often both builds are started: two starts of one and the same build differ by some percent. */
const STARTS = 5;
/** How long each operation warms a build up, in s. */
const WARM_UP = 5;
/** The processor that the servers have, in turns, and the one for everything else. */
const [SERVERS, OTHERS] = ['0', '1'];

export interface BuildOptions {
  readonly rounds: number;
  readonly seconds: number;
}

/** How much faster one build was than the other, once for each start. */
interface Compared {
  readonly title: string;
  readonly rate: number[];
  readonly cpu: number[];
}

/** Compares this build of the server with another one, this program. */
export async function compareBuilds(
  data: Data,
  against: string,
  isWanted: (name: string) => boolean,
  options: BuildOptions,
): Promise<void> {
  await addLeaderboardFunction(data.db);
  const { rows } = await data.db.query<{ pid: number }>(
    `SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::int AS pid UNION SELECT pid FROM pg_stat_activity`,
  );
  // What is started from here on inherits it.
  for (const { pid } of [process, ...rows]) pin(pid, OTHERS);
  const load = new Load();
  const compared = new Map<string, Compared>();
  try {
    for (let start = 0; start < STARTS; start++) {
      say(`Start ${start + 1} of ${STARTS} …`);
      const ours = (): Promise<Contestant> => startContestant('ours', data.url);
      const before = (): Promise<Contestant> => startBefore(against, data.url);
      const builds: Contestant[] = [];
      for (const run of start % 2 === 0 ? [ours, before] : [before, ours]) builds.push(await run());
      for (const { pid } of builds) pin(pid, SERVERS);
      try {
        for (const operation of await makeOperations(data, builds)) {
          if (!isWanted(operation.name)) continue;
          const results = await measure(load, operation, builds, { ...options, warmUp: WARM_UP });
          const of = (name: string, key: 'perSecond' | 'cpuMs'): number[] =>
            [...results].flatMap(([build, all]) => (build.name === name ? all.map((one) => one[key]) : []));
          const { title } = operation;
          const entry = compared.get(operation.name) ?? { title, rate: [], cpu: [] };
          compared.set(operation.name, entry);
          entry.rate.push(median(ratios(of('ours', 'perSecond'), of('before', 'perSecond'))));
          entry.cpu.push(median(ratios(of('ours', 'cpuMs'), of('before', 'cpuMs'))));
          if (operation.writes) await tidyUp(data.db);
        }
      } finally {
        for (const build of builds) await build.stop();
      }
    }
  } finally {
    load.stop();
  }
  const lines = Array.from(compared, ([name, { title, rate, cpu }]) => [
    `(${name}) ${title}`,
    mean(rate).toFixed(3),
    spread(rate, (value) => value.toFixed(2)),
    mean(cpu).toFixed(3),
  ]);
  say(table(['', 'rate: ours / before', 'median (least–most)', 'CPU: ours / before'], lines));
}

function pin(pid: number, processor: string): void {
  execFileSync('taskset', ['--all-tasks', '--cpu-list', '--pid', processor, String(pid)], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
}

/** Geometric, as it is of ratios. */
function mean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}
