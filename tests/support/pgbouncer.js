import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from './postgres.js';

/** PgBouncer as Debian's package `pgbouncer` installs it: 1.18 knows nothing of prepared statements. */
const PROGRAM = '/usr/sbin/pgbouncer';
const START_TIMEOUT_MS = 15_000;

export const PGBOUNCER = { isThere: existsSync(PROGRAM) };

/**
 * Starts PgBouncer in transaction mode before a PostgreSQL server.
 *
 * @param {string} server its address, as in `DATABASE_URL`; all its databases can be reached
 * @param {number} connections to each database
 * @returns {Promise<{ through: (url: string) => string, stop: () => Promise<void> }>} `through`: the same database by way
 *   of the pooler
 */
export async function startPgbouncer(server, connections) {
  const port = await freePort();
  const { hostname, port: target, username } = new URL(server);
  const directory = await mkdtemp(join(tmpdir(), 'game-graphql-pooler-'));
  // It refuses to run as root, and the user that it becomes must read its settings.
  await chmod(directory, 0o755);
  const settings = join(directory, 'pgbouncer.ini');
  await writeFile(
    settings,
    `[databases]
* = host=${hostname} port=${target} user=${username}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
auth_type = any
pool_mode = transaction
default_pool_size = ${connections}
max_client_conn = 1000
server_round_robin = 1
server_idle_timeout = 5
ignore_startup_parameters = extra_float_digits
unix_socket_dir =
`,
  );
  const become = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
  const pooler = spawn(PROGRAM, [...become, settings], { stdio: 'ignore' });
  const ended = once(pooler, 'exit');
  const stop = async () => {
    pooler.kill('SIGINT');
    await ended;
    await rm(directory, { recursive: true, force: true });
  };
  for (const deadline = performance.now() + START_TIMEOUT_MS; !(await answers(port)); await delay(15)) {
    if (performance.now() > deadline || pooler.exitCode !== null) {
      await stop();
      throw new Error('PgBouncer did not start.');
    }
  }
  const through = (url) => Object.assign(new URL(url), { hostname: '127.0.0.1', port: String(port) }).href;
  return { through, stop };
}

async function answers(port) {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
