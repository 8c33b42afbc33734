import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { addGames, addOwner, makeDatabase, startDatabaseServer, type Owner } from '../../bench/database.ts';
import { Server } from '../attacks/server.ts';
import { startPgbouncer } from '../support/pgbouncer.js';
import { wrongRows } from './interleaved.ts';
import { install, newDirectory, remove } from './programs.ts';
import { atLeast, exactly, type Figure, type Scenario } from './scenario.ts';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
/** Tests of what clients see; those of other folders look at connections, or at the database as a whole. */
const SUITE = ['clients', 'games', 'lists', 'reassignments', 'scope', 'strategies', 'tasks', 'writes'];
/** How many tests there are at least. */
const TESTS = 500;
/** Few connections, so that each is used for many clients. */
const CONNECTIONS = 6;
const OWNERS = 6;
const GAMES = 20;

export const pgbouncer: Scenario = {
  name: 'pgbouncer',
  title: `PgBouncer in transaction mode: the tests of ${SUITE.join(', ')} through it, and callers interleaved`,
  run: async (say) => {
    install({ '/usr/sbin/pgbouncer': 'pgbouncer' }, say);
    return [...(await interleave()), ...(await runSuite(say))];
  },
};

async function interleave(): Promise<Figure[]> {
  const postgres = await startDatabaseServer();
  try {
    const { url, db } = await makeDatabase(postgres, 'pooled');
    const owners: Owner[] = [];
    for (let number = 0; number < OWNERS; number++) {
      const owner = await addOwner(db, `pool-ow${number}`);
      await addGames(db, owner, GAMES);
      owners.push(owner);
    }
    await db.end();
    const pooler = await startPgbouncer(postgres.databaseUrl('postgres'), CONNECTIONS);
    const server = await Server.start(pooler.through(url), { DATABASE_PREPARED_STATEMENTS: 'off' });
    try {
      const { asked, failed, foreign } = await wrongRows(server.port, owners);
      return [
        atLeast(`interleaved requests of ${OWNERS} owners`, asked, 10_000),
        exactly('rows of another owner', foreign, 0),
        exactly('interleaved requests that failed', failed, 0),
      ];
    } finally {
      await server.kill();
      server.forget();
      await pooler.stop();
    }
  } finally {
    await postgres.stop();
  }
}

async function runSuite(say: (text: string) => void): Promise<Figure[]> {
  const directory = newDirectory();
  const report = join(directory, 'report.json');
  const folders = SUITE.map((name) => `tests/${name}/`);
  const child = spawn('npm', ['test', '--', ...folders, '--json', '--outputFile', report], {
    cwd: REPOSITORY,
    env: { ...process.env, TEST_POOLER: 'pgbouncer' },
    stdio: 'ignore',
  });
  await once(child, 'exit');
  const { numPassedTests, numFailedTests, numRuntimeErrorTestSuites, testResults } = JSON.parse(
    readFileSync(report, 'utf8'),
  ) as {
    numPassedTests: number;
    numFailedTests: number;
    numRuntimeErrorTestSuites: number;
    testResults: { assertionResults: { status: string; fullName: string }[] }[];
  };
  remove(directory);
  for (const { status, fullName } of testResults.flatMap(({ assertionResults }) => assertionResults)) {
    if (status === 'failed') say(`failed: ${fullName}`);
  }
  return [
    atLeast('tests that passed through it', numPassedTests, TESTS),
    exactly('tests that failed through it', numFailedTests + numRuntimeErrorTestSuites, 0),
  ];
}
