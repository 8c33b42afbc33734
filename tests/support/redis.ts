import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from './postgres.js';

const START_TIMEOUT_MS = 15_000;
/** Redis as Debian's package `redis-server` installs it. */
const PROGRAM = '/usr/bin/redis-server';
export const REDIS = { isThere: existsSync(PROGRAM) };
if (!REDIS.isThere) process.stdout.write(`${PROGRAM} is not there: nothing is tried with Redis.\n`);

/** A Redis server on a port of its own, which keeps nothing. */
export class RedisServer {
  readonly #port: number;
  #process: ChildProcess | null = null;

  constructor(port: number) {
    this.#port = port;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.#port}`;
  }

  /** Starts it, at its port, and waits until it accepts connections. */
  async start(): Promise<void> {
    const args = ['--port', String(this.#port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
    this.#process = spawn(PROGRAM, args, { cwd: tmpdir(), stdio: 'ignore' });
    const deadline = performance.now() + START_TIMEOUT_MS;
    while (!(await accepts(this.#port))) {
      if (performance.now() > deadline) throw new Error('Redis did not start.');
      await delay(15);
    }
  }

  /** The text that it keeps under a key; null: none. */
  get(key: string): Promise<string | null> {
    return new Promise((resolve, reject) => {
      const socket = connect(this.#port, '127.0.0.1');
      socket.on('error', reject);
      socket.on('data', (answer) => {
        socket.destroy();
        // A bulk string: its length, then itself; no length where there is none.
        resolve(/^\$\d+\r\n(.*)\r\n$/.exec(answer.toString())?.[1] ?? null);
      });
      socket.write(`GET ${key}\r\n`);
    });
  }

  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  /** Ends it at once; again, it does nothing. */
  async kill(): Promise<void> {
    const running = this.#process;
    if (running === null) return;
    this.#process = null;
    const ended = once(running, 'exit');
    running.kill('SIGKILL');
    await ended;
  }
}

export async function startRedis(): Promise<RedisServer> {
  const server = new RedisServer(await freePort());
  await server.start();
  return server;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const tell = (isOpen: boolean): void => {
      socket.destroy();
      resolve(isOpen);
    };
    socket.on('connect', () => tell(true));
    socket.on('error', () => tell(false));
  });
}
