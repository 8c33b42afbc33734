import { chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { addOwner, makeDatabase } from '../../bench/database.ts';
import { Server } from '../attacks/server.ts';
import { freePort } from '../support/postgres.js';
import { DebianProgram, install, newDirectory, remove, until, userOf } from './programs.ts';
import { connect } from './restarts.ts';
import { atLeast, atMost, exactly, type Figure, type Scenario } from './scenario.ts';
import { Clients, judge } from './writers.ts';

const ROUNDS = 2;
/** Patroni's: how long a leader may be silent, and how often each looks, in seconds. */
const TTL_S = 20;
const LOOP_WAIT_S = 2;
/** What a promotion, HAProxy's checks and the next attempt of a client may take on top, in seconds. */
const MARGIN_S = 15;
const READERS = 4;
/** Writes before the primary is killed, and after they go on. */
const WRITES_BETWEEN = 200;
const BIN = '/usr/lib/postgresql/15/bin';
const PAUSE_MS = 20;

export const failover: Scenario = {
  name: 'failover',
  title: `${ROUNDS} primaries with a synchronous standby, under Patroni and behind HAProxy, are killed under load`,
  run: async (say) => {
    install(
      {
        [`${BIN}/postgres`]: 'postgresql-15',
        '/usr/bin/patroni': 'patroni',
        '/usr/bin/etcd': 'etcd-server',
        '/usr/sbin/haproxy': 'haproxy',
      },
      say,
    );
    const cluster = await Cluster.start();
    try {
      return await killPrimaries(cluster, say);
    } finally {
      await cluster.stop();
    }
  },
};

async function killPrimaries(cluster: Cluster, say: (text: string) => void): Promise<Figure[]> {
  const made = await makeDatabase(
    { databaseUrl: (name) => cluster.url(name), stop: () => cluster.stop() },
    'failover',
  );
  const { url } = made;
  let { db } = made;
  db.on('error', () => {});
  const server = await Server.start(url);
  const owner = await addOwner(db, 'failover');
  const clients = new Clients(db, owner, () => server.port);
  const readers = new Readers(server.port, owner.secret);
  try {
    const running = [clients.run(), readers.run()];
    const seconds: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      await clients.untilWritten(WRITES_BETWEEN);
      await cluster.untilSynchronous();
      const victim = await cluster.primary();
      const killedAt = performance.now();
      victim.kill();
      await db.end().catch(() => {});
      await until(
        async () => {
          const connected = await connect(db, url).catch(() => null);
          db = connected ?? db;
          return connected !== null;
        },
        () => 'No primary came back.',
      );
      clients.db = db;
      await clients.untilWritten(WRITES_BETWEEN);
      const first = clients.writes
        .filter(({ told, sentAt }) => told === 'done' && sentAt > killedAt)
        .reduce((least, { toldAt }) => Math.min(least, toldAt), Infinity);
      seconds.push((first - killedAt) / 1_000);
      say(`killed ${victim.name}: writes go on after ${seconds.at(-1)?.toFixed(1)} s`);
      await victim.start();
    }
    clients.stop();
    readers.stop();
    await Promise.all(running);
    const figures = await judge(db, clients, 2 * ROUNDS * WRITES_BETWEEN);
    const ready = await fetch(`http://127.0.0.1:${server.port}/health/ready`);
    return [
      ...figures,
      atMost('writes go on after, s', Math.max(...seconds), TTL_S + LOOP_WAIT_S + MARGIN_S),
      atLeast('reads that were answered', readers.done, WRITES_BETWEEN),
      exactly('reads with another answer than SERVICE_UNAVAILABLE', readers.others, 0),
      exactly('our server is the same process, and ready', Number(server.isAlive && ready.status === 200), 1),
    ];
  } finally {
    clients.stop();
    readers.stop();
    await server.kill();
    server.forget();
    await db.end().catch(() => {});
  }
}

/** Clients who read without a pause. */
class Readers {
  done = 0;
  others = 0;
  #isOver = false;
  readonly #port: number;
  readonly #secret: string;

  constructor(port: number, secret: string) {
    this.#port = port;
    this.#secret = secret;
  }

  async run(): Promise<void> {
    await Promise.all(Array.from({ length: READERS }, () => this.#read()));
  }

  stop(): void {
    this.#isOver = true;
  }

  async #read(): Promise<void> {
    while (!this.#isOver) {
      const response = await fetch(`http://127.0.0.1:${this.#port}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-api-key': this.#secret },
        body: JSON.stringify({ query: '{ games(first: 5) { nodes { id } } }' }),
      });
      const text = await response.text();
      if (!text.includes('"errors"')) this.done++;
      else if (!text.includes('SERVICE_UNAVAILABLE')) this.others++;
      await delay(PAUSE_MS);
    }
  }
}

/** Two PostgreSQL servers under Patroni, their etcd, and a HAProxy that leads to the primary. */
class Cluster {
  readonly #directory: string;
  readonly #nodes: readonly Node[];
  readonly #programs: DebianProgram[] = [];
  readonly #port: number;

  private constructor(directory: string, nodes: readonly Node[], port: number) {
    this.#directory = directory;
    this.#nodes = nodes;
    this.#port = port;
  }

  static async start(): Promise<Cluster> {
    const directory = newDirectory();
    const user = userOf('postgres');
    chownSync(directory, user.uid, user.gid);
    const [etcdPort, peerPort, port] = [await freePort(), await freePort(), await freePort()];
    const nodes: Node[] = [];
    for (const name of ['one', 'two']) {
      nodes.push(new Node(name, join(directory, name), user, etcdPort, await freePort(), await freePort()));
    }
    const cluster = new Cluster(directory, nodes, port);
    try {
      const etcd = `http://127.0.0.1:${etcdPort}`;
      const peer = `http://127.0.0.1:${peerPort}`;
      cluster.#programs.push(
        await DebianProgram.start(
          '/usr/bin/etcd',
          [
            ...['--name', 'one', '--data-dir', join(directory, 'etcd')],
            ...['--listen-client-urls', etcd, '--advertise-client-urls', etcd],
            ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer],
            ...['--initial-cluster', `one=${peer}`],
          ],
          directory,
          etcdPort,
          user,
        ),
      );
      for (const node of nodes) {
        await node.start();
        await until(
          () => node.isHealthy(),
          () => `Patroni did not start PostgreSQL:\n${node.printed}`,
        );
      }
      cluster.#programs.push(await startProxy(directory, port, nodes));
      await cluster.untilSynchronous();
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  /** Of a database, through HAProxy. */
  url(name: string): string {
    return `postgres://postgres@127.0.0.1:${this.#port}/${name}`;
  }

  async primary(): Promise<Node> {
    for (const node of this.#nodes) if (await node.is('primary')) return node;
    throw new Error('There is no primary.');
  }

  /** Waits until each write waits for the standby. */
  async untilSynchronous(): Promise<void> {
    await until(
      async () => {
        for (const node of this.#nodes) if (await node.is('synchronous')) return true;
        return false;
      },
      () => `There is no synchronous standby:\n${this.#nodes.map(({ printed }) => printed).join('\n\n')}`,
    );
  }

  async stop(): Promise<void> {
    for (const node of this.#nodes) await node.stop();
    for (const program of this.#programs.splice(0)) await program.stop();
    remove(this.#directory);
  }
}

/** A PostgreSQL server under Patroni. */
class Node {
  #patroni: DebianProgram | null = null;
  readonly name: string;
  readonly port: number;
  readonly restPort: number;
  readonly #directory: string;
  readonly #user: { readonly uid: number; readonly gid: number };
  readonly #etcdPort: number;

  constructor(
    name: string,
    directory: string,
    user: { readonly uid: number; readonly gid: number },
    etcdPort: number,
    port: number,
    restPort: number,
  ) {
    this.name = name;
    this.port = port;
    this.restPort = restPort;
    this.#directory = directory;
    this.#user = user;
    this.#etcdPort = etcdPort;
    mkdirSync(directory);
    chownSync(directory, user.uid, user.gid);
    writeFileSync(join(directory, 'patroni.yaml'), this.#settings);
  }

  get printed(): string {
    return this.#patroni?.printed ?? '';
  }

  async start(): Promise<void> {
    this.#patroni = await DebianProgram.start(
      '/usr/bin/patroni',
      [join(this.#directory, 'patroni.yaml')],
      this.#directory,
      this.restPort,
      { ...this.#user, env: { PATH: `${BIN}:/usr/bin:/bin`, HOME: this.#directory, LC_ALL: 'C.UTF-8' } },
    );
  }

  /** As the machine fails: Patroni and PostgreSQL end at once. */
  kill(): void {
    this.#patroni?.signal('SIGKILL');
    process.kill(
      Number(readFileSync(join(this.#directory, 'data', 'postmaster.pid'), 'utf8').split('\n')[0]),
      'SIGKILL',
    );
  }

  async stop(): Promise<void> {
    await this.#patroni?.stop();
  }

  isHealthy(): Promise<boolean> {
    return this.is('health');
  }

  /** Patroni's word on the server. */
  async is(what: 'primary' | 'synchronous' | 'health'): Promise<boolean> {
    try {
      return (await fetch(`http://127.0.0.1:${this.restPort}/${what}`)).status === 200;
    } catch {
      return false;
    }
  }

  get #settings(): string {
    const rest = `127.0.0.1:${this.restPort}`;
    const postgres = `127.0.0.1:${this.port}`;
    return `scope: game
name: ${this.name}
restapi: { listen: '${rest}', connect_address: '${rest}' }
etcd3: { host: '127.0.0.1:${this.#etcdPort}' }
bootstrap:
  dcs:
    ttl: ${TTL_S}
    loop_wait: ${LOOP_WAIT_S}
    retry_timeout: 5
    synchronous_mode: true
    postgresql:
      use_pg_rewind: true
      parameters: { max_connections: 100, wal_keep_size: 1GB }
  initdb: [{ encoding: UTF8 }, { locale: C }, data-checksums]
  pg_hba:
    - host all all 127.0.0.1/32 trust
    - host replication all 127.0.0.1/32 trust
postgresql:
  listen: ${postgres}
  connect_address: ${postgres}
  data_dir: ${this.#directory}/data
  bin_dir: ${BIN}
  pgpass: ${this.#directory}/pgpass
  authentication:
    superuser: { username: postgres, password: postgres }
    replication: { username: replicator, password: replicator }
  parameters: { unix_socket_directories: '${this.#directory}' }
`;
  }
}

function startProxy(directory: string, port: number, nodes: readonly Node[]): Promise<DebianProgram> {
  const file = join(directory, 'haproxy.cfg');
  const servers = nodes.map(
    (node) => `  server ${node.name} 127.0.0.1:${node.port} check port ${node.restPort}\n`,
  );
  writeFileSync(
    file,
    `defaults
  mode tcp
  timeout connect 2s
  timeout client 1h
  timeout server 1h
listen primary
  bind 127.0.0.1:${port}
  option httpchk OPTIONS /primary
  http-check expect status 200
  default-server inter 1s fall 2 rise 1 on-marked-down shutdown-sessions
${servers.join('')}`,
  );
  return DebianProgram.start('/usr/sbin/haproxy', ['-db', '-f', file], directory, port);
}
