import { startPgbouncer } from './pgbouncer.js';
import { startPostgres } from './postgres.js';

/** Longest time of a run, in ms. */
const RUN_MS = 45 * 60_000;

/** Connections of the pooler to each database: few, so that each is used for many clients. */
const POOLED_CONNECTIONS = 6;

/**
 * Starts the one PostgreSQL server of a test run. Test files find it by the environment. With TEST_POOLER=pgbouncer, all
 * servers of `startApi` reach it through PgBouncer in transaction mode.
 */
export default async function setup() {
  const server = await startPostgres();
  process.env.TEST_POSTGRES_URL = server.url;
  process.env.TEST_POSTGRES_LOG = server.logFile;
  const pooler =
    process.env.TEST_POOLER === 'pgbouncer' ? await startPgbouncer(server.url, POOLED_CONNECTIONS) : null;
  if (pooler !== null) process.env.TEST_POOLER_URL = pooler.through(server.url);
  globalThis.stopTestPostgres = async () => {
    await pooler?.stop();
    await server.stop();
  };
  const giveUp = async () => {
    process.stderr.write(`The tests were given up after ${RUN_MS / 60_000} minutes.\n`);
    await globalThis.stopTestPostgres();
    process.exit(1);
  };
  setTimeout(() => void giveUp(), RUN_MS).unref();
}
