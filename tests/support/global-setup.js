import { startPostgres } from './postgres.js';

/** Starts the one PostgreSQL server of a test run. Test files find it by the environment. */
export default async function setup() {
  const server = await startPostgres();
  process.env.TEST_POSTGRES_URL = server.url;
  process.env.TEST_POSTGRES_LOG = server.logFile;
  globalThis.stopTestPostgres = () => server.stop();
}
