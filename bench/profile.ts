import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Options } from './compare.ts';
import { startProfiled } from './contestants.ts';
import { makeData, startDatabaseServer } from './database.ts';
import { drive, Load } from './measure.ts';
import { makeOperations, questionOf } from './operations.ts';
import { say, table } from './report.ts';

const SIZES = { games: 20_000, points: 1_000, moved: 10 };
const OPERATIONS = ['a', 'e'];
const SHOWN = 10;
/** Share of the profile that is left out, from its beginning: the start, and what V8 has not compiled yet. */
const WARM_UP = 0.5;

/** What `--cpu-prof` writes, as far as it is looked at. */
interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string };
  }[];
  readonly samples: readonly number[];
  /** Time before each sample, in µs. */
  readonly timeDeltas: readonly number[];
}

/** Where the server's time goes under load: the functions that it spends most time in, without what they call. */
export async function profile({ rounds, seconds }: Options): Promise<void> {
  const postgres = await startDatabaseServer();
  const data = await makeData(postgres, 'bench', SIZES);
  const load = new Load();
  try {
    for (const name of OPERATIONS) {
      const directory = mkdtempSync(join(tmpdir(), 'game-graphql-profile-'));
      const server = await startProfiled(data.url, directory);
      const operations = await makeOperations(data, [server]);
      const operation = operations.find((one) => one.name === name);
      if (operation === undefined) throw new Error(`There is no operation ${name}.`);
      const questions = operation.subjects(0).map((subject) => questionOf(operation, 'ours', subject));
      await drive(load, server, questions, rounds * seconds * 1_000);
      await server.stop('SIGTERM');
      const [file = ''] = readdirSync(directory);
      const read = JSON.parse(readFileSync(join(directory, file), 'utf8')) as Profile;
      rmSync(directory, { recursive: true });
      say(`(${operation.name}) ${operation.title}\n`);
      say(table(['share', 'function', 'of'], top(read)));
      say('');
    }
  } finally {
    load.stop();
    await data.db.end();
    await postgres.stop();
  }
}

function top({ nodes, samples, timeDeltas }: Profile): string[][] {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const times = new Map<string, number>();
  let total = 0;
  for (let index = Math.floor(samples.length * WARM_UP); index < samples.length; index++) {
    const name = names.get(samples[index] ?? 0) ?? '';
    if (name.startsWith('(idle)')) continue;
    const time = timeDeltas[index] ?? 0;
    times.set(name, (times.get(name) ?? 0) + time);
    total += time;
  }
  return [...times]
    .toSorted(([, left], [, right]) => right - left)
    .slice(0, SHOWN)
    .map(([name, time]) => [`${((100 * time) / total).toFixed(1)} %`, ...name.split(' of ')]);
}

/** A function, and the package or file that it is of. */
function nameOf({ functionName, url }: Profile['nodes'][number]['callFrame']): string {
  const of = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? /dist\/(src\/.*)/.exec(url)?.[1] ?? url;
  return `${functionName || '(unnamed)'} of ${of || 'Node'}`;
}
