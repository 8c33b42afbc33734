import { loadavg } from 'node:os';
import {
  addLeaderboardFunction,
  CONTESTANTS,
  startBefore,
  startContestant,
  type Contestant,
} from './contestants.ts';
import { compareBuilds } from './builds.ts';
import { makeData, startDatabaseServer, tidyUp, type Data } from './database.ts';
import { compareDepths } from './deep.ts';
import { measureFootprint } from './footprint.ts';
import { CONNECTIONS, Load, measure, type Measurement } from './measure.ts';
import { compareMoves } from './moves.ts';
import { makeOperations, type Operation } from './operations.ts';
import { median, ratios, say, short, spread, table } from './report.ts';

export interface Options {
  readonly rounds: number;
  readonly seconds: number;
  /** Names of operations; null: all of them. */
  readonly only: readonly string[] | null;
  /** The program of another build of ours, which is then the only one to compare with. */
  readonly against: string | null;
}

const SIZES = { games: 200_000, points: 1_000_000, moved: 10_000 };

/** Everything that is compared, on one set of data. */
export async function compare(options: Options): Promise<void> {
  const postgres = await startDatabaseServer();
  say('Making the data …');
  const data = await makeData(postgres, 'bench', SIZES);
  try {
    await compareOn(data, options);
  } finally {
    await data.db.end();
    await postgres.stop();
  }
}

export async function compareOn(data: Data, options: Options): Promise<void> {
  const wanted = (name: string): boolean => options.only?.includes(name) ?? true;
  const { against } = options;
  const ours = (): Promise<Contestant> => startContestant('ours', data.url);
  if (against !== null) {
    await compareBuilds(data, against, wanted, options);
    if (wanted('footprint')) await measureFootprint(data, [ours, () => startBefore(against, data.url)]);
    return;
  }
  const all = CONTESTANTS.map((name) => () => startContestant(name, data.url));
  await compareServers(data, options, wanted, all);
  if (wanted('h')) await compareMoves(data, options.rounds);
  if (wanted('i')) await compareDepths(data, SIZES.games, options);
  if (wanted('footprint')) await measureFootprint(data, [ours]);
}

/** The operations that every contestant answers. */
async function compareServers(
  data: Data,
  options: Options,
  wanted: (name: string) => boolean,
  starts: readonly (() => Promise<Contestant>)[],
): Promise<void> {
  await addLeaderboardFunction(data.db);
  const load = new Load();
  const contestants: Contestant[] = [];
  try {
    for (const start of starts) contestants.push(await start());
    const operations = await makeOperations(data, contestants);
    say(
      `${CONNECTIONS} connections, ${options.rounds} rounds of ${options.seconds} s in turns after a warm-up, load average ${loadavg()[0]?.toFixed(1)}\n`,
    );
    for (const operation of operations.filter(({ name }) => wanted(name))) {
      const results = await measure(load, operation, contestants, options);
      report(operation, results);
      if (operation.writes) await tidyUp(data.db);
    }
  } finally {
    load.stop();
    for (const contestant of contestants) await contestant.stop();
  }
}

function report(
  { name, title, goals }: Operation,
  results: ReadonlyMap<Contestant, readonly Measurement[]>,
): void {
  const of = (contestant: Contestant, key: keyof Measurement): number[] =>
    results.get(contestant)?.map((measurement) => measurement[key]) ?? [];
  const contestants = [...results.keys()];
  const [ours] = contestants;
  if (ours === undefined) return;
  const plain = (value: number): string => value.toFixed(2);
  const rows = contestants.map((contestant) => {
    const cells = [
      contestant.name,
      spread(of(contestant, 'perSecond')),
      short(median(of(contestant, 'medianMs'))),
      short(median(of(contestant, 'p99Ms'))),
      median(of(contestant, 'cpuMs')).toFixed(3),
    ];
    if (contestant === ours) return [...cells, '', '', ''];
    const faster = ratios(of(ours, 'perSecond'), of(contestant, 'perSecond'));
    const slowest = ratios(of(ours, 'p99Ms'), of(contestant, 'p99Ms'));
    const goal = goals[contestant.name as keyof typeof goals];
    const verdicts = [
      ...(goal === undefined ? [] : [`${goal} ${median(faster) >= goal ? 'met' : 'NOT MET'}`]),
      ...(contestant.name === 'PostGraphile' && goal !== undefined
        ? [`p99 ${median(slowest) <= 1 ? 'met' : 'NOT MET'}`]
        : []),
    ];
    return [...cells, spread(faster, plain), spread(slowest, plain), verdicts.join(', ')];
  });
  say(`(${name}) ${title}\n`);
  const head = [
    '',
    'requests/s',
    'median ms',
    'p99 ms',
    'CPU ms',
    'rate: ours / this',
    'p99: ours / this',
    'goals',
  ];
  say(table(head, rows));
  say('');
}
