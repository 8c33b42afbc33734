import type pg from 'pg';
import { addOwner, makeDatabase } from '../../bench/database.ts';
import { Server } from '../attacks/server.ts';
// Plain JavaScript, which jest needs before it can read anything else.
import { startPostgres } from '../support/postgres.js';
import type { Scenario } from './scenario.ts';
import { Clients, judge } from './writers.ts';

const SERVER_KILLS = 30;
const DATABASE_RESTARTS = 10;
const ENDED_BACKENDS = 200;
/** Writes between two faults, at least. */
const WRITES_BETWEEN = 40;
export const restarts: Scenario = {
  name: 'restarts',
  title: `${SERVER_KILLS} kills of the server, ${2 * DATABASE_RESTARTS} restarts of PostgreSQL, ${ENDED_BACKENDS} ended backends, under writes`,
  run: async (say) => {
    const postgres = await startPostgres({
      fsync: 'on',
      synchronous_commit: 'on',
      full_page_writes: 'on',
      shared_preload_libraries: '',
      log_statement: 'none',
    });
    const made = await makeDatabase(
      { databaseUrl: (name) => `${postgres.url}/${name}`, stop: () => postgres.stop() },
      'restarts',
    );
    const { url } = made;
    let { db } = made;
    db.on('error', () => {});
    let server = await Server.start(url);
    const clients = new Clients(db, await addOwner(db, 'fault-own1'), () => server.port);
    try {
      const running = clients.run();
      const fault = async (what: string, times: number, happen: () => Promise<void>): Promise<void> => {
        for (let time = 0; time < times; time++) {
          await clients.untilWritten(WRITES_BETWEEN);
          await happen();
        }
        say(`${times} × ${what}: ${clients.writes.length} writes so far`);
      };
      await fault('a backend is ended', ENDED_BACKENDS, async () => {
        await db.query(
          `SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity
             WHERE application_name = 'game-graphql' ORDER BY random() LIMIT 1) x`,
        );
      });
      await fault('the server is killed', SERVER_KILLS, async () => {
        await server.kill();
        server.forget();
        server = await Server.start(url);
      });
      for (const [what, signal] of [
        ['PostgreSQL is restarted', 'SIGINT'],
        ['PostgreSQL crashes', 'SIGQUIT'],
      ] as const) {
        await fault(what, DATABASE_RESTARTS, async () => {
          await db.end().catch(() => {});
          await postgres.restart(signal);
          db = await connect(db, url);
          clients.db = db;
        });
      }
      clients.stop();
      await running;
      return await judge(db, clients, ENDED_BACKENDS * WRITES_BETWEEN);
    } finally {
      clients.stop();
      await server.kill();
      server.forget();
      await db.end().catch(() => {});
      await postgres.stop();
    }
  },
};

export async function connect(like: pg.Client, connectionString: string): Promise<pg.Client> {
  const Client = like.constructor as typeof pg.Client;
  const db = new Client({ connectionString });
  db.on('error', () => {});
  await db.connect();
  return db;
}
