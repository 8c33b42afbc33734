import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Options } from './compare.ts';
import { startContestant, type Contestant, type Question } from './contestants.ts';
import {
  addGames,
  addLeaderboard,
  addOwner,
  makeData,
  makeDatabase,
  startDatabaseServer,
  tidyUp,
  type Owner,
  type Postgres,
} from './database.ts';
import { deepCursors, PAGE, pageAfter } from './deep.ts';
import { CONNECTIONS, drive, Load, SLOW_CONNECTIONS } from './measure.ts';
import { plot, type Series } from './plot.ts';
import { say, short, table } from './report.ts';

const GAMES = [2_000, 20_000, 200_000, 2_000_000];
const PAGE_SIZES = [10, 20, 50, 100];
const OWNERS = 20;
/** Of the data that nesting and page sizes are measured on. */
const SEEDED = { games: 20_000, points: 1_000, moved: 10 };

const COUNTED = `query ($after: String) { games(first: 20, after: $after) { totalCount
  nodes { id externalGameId platform strategyId createdAt updatedAt } } }`;
const SIZED = `query ($first: Int) { games(first: $first) {
  nodes { id externalGameId platform strategyId createdAt updatedAt } } }`;
const LEADERBOARD = `query ($id: ID!) { game(id: $id) {
  leaderboard(first: 10) { nodes { rank externalUserId points } } } }`;
/** By how many levels of objects they have. */
const NESTED = [
  'games(first: 10) { nodes { id } }',
  'games(first: 10) { nodes { id tasks(first: 10) { nodes { id } } } }',
  'games(first: 10) { nodes { id tasks(first: 10) { nodes { id params { id key value } } } } }',
  'games(first: 10) { nodes { id tasks(first: 10) { nodes { id game { id params { id key value } } } } } }',
];

/** Something to be measured, on a server. */
interface Point {
  readonly x: number;
  readonly server: Contestant;
  readonly questions: readonly Question[];
  readonly slow?: boolean;
}

/** How costs grow with the data and with what is asked: a table and a plot, beside this file. */
export async function growth(options: Options): Promise<void> {
  const postgres = await startDatabaseServer();
  const load = new Load();
  try {
    const panels = [
      {
        title: 'Games in the database',
        x: GAMES,
        series: await growWithGames(postgres, load, options),
      },
      ...(await growWithQuestion(postgres, load, options)),
    ];
    const file = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
    const tables = panels.map(({ title, x, series }) =>
      [
        `## ${title}\n`,
        table(
          ['ms a request', ...x.map((value) => value.toLocaleString('en'))],
          series.map(({ name, values }) => [name, ...values.map(short)]),
        ),
      ].join('\n'),
    );
    const text = `# How costs grow

Made by \`npm run bench -- growth\`. Times are what a request takes of the machine, the wall time of a round by the
requests answered in it: the best of ${options.rounds} rounds of ${options.seconds} s, because other work on the
machine only ever adds to it; ${CONNECTIONS} connections, for leaderboards ${SLOW_CONNECTIONS}. They are of one machine; how they change is what counts.

![The same as curves](growth.svg)

${tables.join('\n\n')}
`;
    await writeFile(file('growth.md'), text);
    await writeFile(file('growth.svg'), plot(panels));
    say(text);
  } finally {
    load.stop();
    await postgres.stop();
  }
}

/** The same questions on ever larger data. */
async function growWithGames(postgres: Postgres, load: Load, options: Options): Promise<Series[]> {
  const points: Record<string, Point[]> = {
    '(a) page of 20': [],
    '(d) page and totalCount': [],
    '(i) page at 95 % of the list': [],
    '(f) leaderboard of as many points': [],
  };
  const servers: Contestant[] = [];
  try {
    for (const games of GAMES) {
      say(`Making ${games} games …`);
      const { url, db } = await makeDatabase(postgres, `games_${games}`);
      const owners: Owner[] = [];
      for (let owner = 10; owner < 10 + OWNERS; owner++) {
        owners.push(await addOwner(db, `bench-${owner}`));
        await addGames(db, owners.at(-1) as Owner, games / OWNERS);
      }
      const deepOwner = await addOwner(db, 'bench-de');
      await addGames(db, deepOwner, games);
      const [owner = deepOwner] = owners;
      const id = await addLeaderboard(db, owner, games);
      await tidyUp(db);
      await db.end();
      const server = await startContestant('ours', url);
      servers.push(server);
      const cursors = await deepCursors(server, deepOwner, games);
      const questions: Question[][] = [
        owners.map((of) => pageAfter(null, of)),
        owners.map((of) => ({ query: COUNTED, variables: {}, owner: of })),
        cursors.map((after) => ({ query: PAGE, variables: { after }, owner: deepOwner })),
        [{ query: LEADERBOARD, variables: { id }, owner }],
      ];
      for (const [index, list] of Object.values(points).entries()) {
        list.push({ x: games, server, questions: questions[index] ?? [], slow: index === 3 });
      }
    }
    return await measurePoints(load, points, options);
  } finally {
    for (const server of servers) await server.stop();
  }
}

/** Ever larger questions on the same data. */
async function growWithQuestion(
  postgres: Postgres,
  load: Load,
  options: Options,
): Promise<{ title: string; x: readonly number[]; series: Series[] }[]> {
  say(`Making ${SEEDED.games} games with all that belongs to them …`);
  const { url, db, owners } = await makeData(postgres, 'seeded', SEEDED);
  await db.end();
  const server = await startContestant('ours', url);
  const point = (x: number, query: string, variables: object): Point => ({
    x,
    server,
    questions: owners.map((owner) => ({ query, variables, owner })),
  });
  try {
    const nested = NESTED.map((query, index) => point(index + 1, `{ ${query} }`, {}));
    const sizes = PAGE_SIZES.map((first) => point(first, SIZED, { first }));
    return [
      {
        title: 'Levels of objects in a query',
        x: NESTED.map((_query, index) => index + 1),
        series: await measurePoints(load, { 'games, tasks, params; game and params': nested }, options),
      },
      {
        title: 'Games on a page',
        x: PAGE_SIZES,
        series: await measurePoints(load, { page: sizes }, options),
      },
    ];
  } finally {
    await server.stop();
  }
}

/** Measures each, all in turn in every round. */
async function measurePoints(
  load: Load,
  lists: Readonly<Record<string, readonly Point[]>>,
  { rounds, seconds }: Options,
): Promise<Series[]> {
  const series: Series[] = [];
  for (const [name, points] of Object.entries(lists)) {
    const times = points.map((): number[] => []);
    for (let round = 0; round <= rounds; round++) {
      for (const [index, { server, questions, slow }] of points.entries()) {
        const connections = slow ? SLOW_CONNECTIONS : CONNECTIONS;
        const { perSecond } = await drive(load, server, questions, seconds * 1_000, connections);
        if (round > 0) times[index]?.push(1_000 / perSecond);
      }
    }
    series.push({ name, values: times.map((ofRounds) => Math.min(...ofRounds)) });
  }
  return series;
}
