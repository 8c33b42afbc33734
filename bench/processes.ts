import type { Options } from './compare.ts';
import { startProcesses, startContestant, type Contestant } from './contestants.ts';
import { makeData, startDatabaseServer, type Data } from './database.ts';
import { drive, Load } from './measure.ts';
import { makeOperations, questionOf } from './operations.ts';
import { ratios, say, spread, table } from './report.ts';

const SIZES = { games: 20_000, points: 10_000, moved: 10 };
const PROCESSES = 2;
const OPERATIONS = ['a', 'b', 'c', 'd', 'e'];

/** What a second process behind the same port brings. */
export async function processes(options: Options): Promise<void> {
  const postgres = await startDatabaseServer();
  say('Making the data …');
  const data = await makeData(postgres, 'bench', SIZES);
  try {
    await processesOn(data, options);
  } finally {
    await data.db.end();
    await postgres.stop();
  }
}

export async function processesOn(data: Data, { rounds, seconds, only }: Options): Promise<void> {
  const load = new Load();
  const servers: Contestant[] = [];
  try {
    servers.push(await startContestant('ours', data.url), await startProcesses(PROCESSES, data.url));
    const operations = await makeOperations(data, servers.slice(0, 1));
    const rows: string[][] = [];
    for (const operation of operations.filter(({ name }) => (only ?? OPERATIONS).includes(name))) {
      const questions = operation.subjects(0).map((subject) => questionOf(operation, 'ours', subject));
      const rates = servers.map((): number[] => []);
      for (let round = 0; round <= rounds; round++) {
        for (const [index, server] of servers.entries()) {
          const { perSecond } = await drive(load, server, questions, seconds * 1_000);
          if (round > 0) rates[index]?.push(perSecond);
        }
      }
      const [one = [], several = []] = rates;
      rows.push([
        `(${operation.name}) ${operation.title}`,
        spread(one),
        spread(several),
        spread(ratios(several, one)),
      ]);
    }
    say(table(['requests/s', 'one process', `${PROCESSES} processes`, 'ratio'], rows));
  } finally {
    load.stop();
    for (const server of servers) await server.stop();
  }
}
