/**
 * A process of its own that watches while attacks are sent: how long the server lets `/health/live` wait, and how
 * much memory the server and PostgreSQL's backends take. In the process that sends, large answers would be in its way.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { setPriority } from 'node:os';
import { fileURLToPath } from 'node:url';
import { memoryOf } from './server.ts';

/** What is watched. */
export interface Subject {
  readonly port: number;
  readonly serverPid: number;
  readonly postmasterPid: number;
  /** Backends of the one who attacks. */
  readonly ownBackends: readonly number[];
}

/** What was seen, from the start to now. */
export interface Sight {
  /** Longest wait for an answer to `/health/live`, in ms; where none came, until now. */
  readonly liveMs: number;
  /** The same, each time on a new connection. */
  readonly newLiveMs: number;
  /** The longest wait for a server that has nothing to do: the machine's part of it. */
  readonly bareMs: number;
  /** How often it was asked. */
  readonly asked: number;
  readonly serverMb: number;
  /** All backends together, without what they share. */
  readonly backendsMb: number;
}

export type Order =
  | { readonly order: 'start'; readonly subject: Subject }
  | { readonly order: 'look' }
  | { readonly order: 'stop' };

const LIVE_EVERY_MS = 10;
const NEW_LIVE_EVERY_MS = 50;
const MEMORY_EVERY_MS = 20;

/** Asks `/health/live` again and again, the next time when it was answered; fails as little as a probe may. */
class LiveProbe {
  longestMs = 0;
  asked = 0;
  readonly #port: number;
  readonly #everyMs: number;
  readonly #keepsConnection: boolean;
  #since: number | null = null;
  #socket: Socket | null = null;
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(port: number, everyMs: number, keepsConnection: boolean) {
    this.#port = port;
    this.#everyMs = everyMs;
    this.#keepsConnection = keepsConnection;
    this.#ask();
  }

  look(): number {
    if (this.#since !== null) this.longestMs = Math.max(this.longestMs, performance.now() - this.#since);
    return this.longestMs;
  }

  stop(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#socket?.destroy();
  }

  #ask(): void {
    // A question that had to be put again, because the connection broke, waits since it was first put.
    this.#since ??= performance.now();
    this.#socket ??= this.#connect();
    const connection = this.#keepsConnection ? 'keep-alive' : 'close';
    this.#socket.write(`GET /health/live HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: ${connection}\r\n\r\n`);
  }

  #connect(): Socket {
    const socket = connect(this.#port, '127.0.0.1').setNoDelay();
    socket.on('error', () => {});
    socket.on('close', () => {
      if (this.#socket !== socket) return;
      this.#socket = null;
      if (this.#since !== null) this.#askAgain();
    });
    socket.on('data', (data: Buffer) => {
      if (this.#socket !== socket || !data.toString('latin1').startsWith('HTTP/1.1 200 ')) return;
      this.look();
      this.asked++;
      this.#since = null;
      if (!this.#keepsConnection) {
        this.#socket = null;
        socket.destroy();
      }
      this.#askAgain();
    });
    return socket;
  }

  #askAgain(): void {
    clearTimeout(this.#timer);
    if (!this.#isOver) this.#timer = setTimeout(() => this.#ask(), this.#everyMs);
  }
}

/** The memory of a PostgreSQL server's backends. */
class Backends {
  peakMb = 0;
  /** Whether a process of the server is a backend, by its id. */
  readonly #known = new Map<number, boolean>();
  readonly #subject: Subject;

  constructor(subject: Subject) {
    this.#subject = subject;
  }

  look(): void {
    const { postmasterPid, ownBackends } = this.#subject;
    let sum = 0;
    try {
      const children = readFileSync(`/proc/${postmasterPid}/task/${postmasterPid}/children`, 'latin1');
      for (const pid of children.trim().split(' ').map(Number)) {
        if (!ownBackends.includes(pid) && this.#isBackend(pid)) sum += memoryOf(pid, 'RssAnon') ?? 0;
      }
    } catch {
      return;
    }
    this.peakMb = Math.max(this.peakMb, sum);
  }

  #isBackend(pid: number): boolean {
    const known = this.#known.get(pid);
    if (known !== undefined) return known;
    let title: string;
    try {
      title = readFileSync(`/proc/${pid}/cmdline`, 'latin1');
    } catch {
      return false;
    }
    // A process that was made just now still has the title of its parent.
    if (!title.startsWith('postgres: ')) return true;
    const isBackend = /^postgres: (?:parallel worker|\S+ \S+ [\d.]+\(\d+\))/.test(title);
    this.#known.set(pid, isBackend);
    return isBackend;
  }
}

class Watch {
  readonly #live: LiveProbe;
  readonly #newLive: LiveProbe;
  readonly #bare: LiveProbe;
  readonly #backends: Backends;
  readonly #timer: NodeJS.Timeout;
  readonly #subject: Subject;
  #serverMb = 0;

  constructor(subject: Subject, barePort: number) {
    this.#subject = subject;
    try {
      // Forgets the most memory that the process ever had.
      writeFileSync(`/proc/${subject.serverPid}/clear_refs`, '5');
    } catch {
      // It has ended; that shows.
    }
    this.#live = new LiveProbe(subject.port, LIVE_EVERY_MS, true);
    this.#newLive = new LiveProbe(subject.port, NEW_LIVE_EVERY_MS, false);
    this.#bare = new LiveProbe(barePort, LIVE_EVERY_MS, true);
    this.#backends = new Backends(subject);
    this.#timer = setInterval(() => this.#lookAtMemory(), MEMORY_EVERY_MS);
  }

  look(): Sight {
    this.#lookAtMemory();
    return {
      liveMs: this.#live.look(),
      newLiveMs: this.#newLive.look(),
      bareMs: this.#bare.look(),
      asked: this.#live.asked + this.#newLive.asked,
      serverMb: this.#serverMb,
      backendsMb: this.#backends.peakMb,
    };
  }

  stop(): Sight {
    const sight = this.look();
    clearInterval(this.#timer);
    this.#live.stop();
    this.#newLive.stop();
    this.#bare.stop();
    return sight;
  }

  #lookAtMemory(): void {
    this.#serverMb = memoryOf(this.#subject.serverPid, 'VmHWM') ?? this.#serverMb;
    this.#backends.look();
  }
}

if (process.send !== undefined) {
  const yardstick = fork(fileURLToPath(new URL('yardstick.ts', import.meta.url)), { stdio: 'inherit' });
  const [barePort] = (await once(yardstick, 'message')) as [number];
  try {
    // What is to be measured is how long the server takes, not this process.
    setPriority(-10);
  } catch {
    // Only an administrator may; on a machine with cores to spare it makes no difference.
  }
  let watch: Watch | null = null;
  process.on('message', (message: Order) => {
    switch (message.order) {
      case 'start':
        watch = new Watch(message.subject, barePort);
        process.send?.(null);
        return;
      case 'look':
        process.send?.(watch?.look() ?? null);
        return;
      case 'stop':
        process.send?.(watch?.stop() ?? null);
        watch = null;
    }
  });
  process.on('disconnect', () => process.exit());
  process.send(null);
}
