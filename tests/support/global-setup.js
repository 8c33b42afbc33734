import { startPostgres } from './postgres.js';

/** Longest time of a run, in ms. */
const RUN_MS = 45 * 60_000;

/** Starts the one PostgreSQL server of a test run. Test files find it by the environment. */
export default async function setup() {
  const server = await startPostgres();
  process.env.TEST_POSTGRES_URL = server.url;
  process.env.TEST_POSTGRES_LOG = server.logFile;
  globalThis.stopTestPostgres = () => server.stop();
  const giveUp = async () => {
    process.stderr.write(`The tests were given up after ${RUN_MS / 60_000} minutes.\n`);
    await server.stop();
    process.exit(1);
  };
  setTimeout(() => void giveUp(), RUN_MS).unref();
}
