import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DIST } from '../../bench/database.ts';

/** So that an attack that succeeds cannot take the machine; none of those that are refused comes near it. */
const MAX_HEAP_MB = 2_048;
const START_TIMEOUT_MS = 30_000;

/** The flags that `npm start` gives to node. */
function productionFlags(): string[] {
  const { scripts } = JSON.parse(
    readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
  ) as Readonly<Record<'scripts', Readonly<Record<string, string>>>>;
  const flags = /exec node (.*)dist\/src\/main\.js/.exec(scripts['start'] ?? '')?.[1];
  if (flags === undefined) throw new Error('package.json does not say how the server is started.');
  return flags.split(' ').filter((flag) => flag !== '');
}

/** The server, in a process of its own, as it runs in production. */
export class Server {
  readonly port: number;
  readonly pid: number;
  readonly #process: ChildProcess;
  readonly #logFile: string;

  private constructor(port: number, pid: number, process: ChildProcess, logFile: string) {
    this.port = port;
    this.pid = pid;
    this.#process = process;
    this.#logFile = logFile;
  }

  /** @param env settings beyond the database and the address */
  static async start(databaseUrl: string, env: NodeJS.ProcessEnv = {}): Promise<Server> {
    const logFile = join(tmpdir(), `game-graphql-attacks-${randomUUID()}.log`);
    const log = openSync(logFile, 'a');
    const child = spawn(
      process.execPath,
      [...productionFlags(), `--max-old-space-size=${MAX_HEAP_MB}`, `${DIST}main.js`],
      {
        env: {
          PATH: process.env['PATH'],
          NODE_ENV: 'production',
          DATABASE_URL: databaseUrl,
          HOST: '127.0.0.1',
          // What is attacked is what stands behind them: tests/limits/rates.test.ts tries the rates themselves.
          RATE_LIMIT: 'off',
          RATE_LIMIT_ADDRESS: 'off',
          PORT: '0',
          ...env,
        },
        stdio: ['ignore', log, log],
      },
    );
    closeSync(log);
    const deadline = performance.now() + START_TIMEOUT_MS;
    for (;;) {
      const printed = readFileSync(logFile, 'utf8');
      const port = /Ready: .*http:\/\/127\.0\.0\.1:(\d+)/.exec(printed)?.[1];
      if (port !== undefined && child.pid !== undefined)
        return new Server(Number(port), child.pid, child, logFile);
      if (child.exitCode !== null || performance.now() > deadline) {
        child.kill('SIGKILL');
        throw new Error(`The server did not start:\n${printed}`);
      }
      await delay(10);
    }
  }

  get isAlive(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** Resident memory now, in MB. */
  get residentMb(): number {
    return memoryOf(this.pid, 'VmRSS') ?? 0;
  }

  /** Most resident memory since the last `forgetPeak`, in MB; null when the process has ended. */
  get peakMb(): number | null {
    return memoryOf(this.pid, 'VmHWM');
  }

  /** CPU time that it has used so far, in s; null when the process has ended. */
  get cpuS(): number | null {
    try {
      // The second field, the program's name, may hold anything, and ends with the last bracket.
      const fields = readFileSync(`/proc/${this.pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
      // In hundredths of a second, on every Linux that Node runs on.
      return (Number(fields[11]) + Number(fields[12])) / 100;
    } catch {
      return null;
    }
  }

  /** The end of what it printed since it had printed so many characters: what killed it, or was masked. */
  complaints(since: number): string[] {
    const complaints: string[] = [];
    for (const line of this.#log.slice(since).split('\n')) {
      const masked = /"level":(?:40|50|60).*?"err":\{.*?"message":"((?:[^"\\]|\\.){0,160})/.exec(line)?.[1];
      const fatal = /^(?:FATAL ERROR|Error|RangeError|.*heap out of memory).*/.exec(line)?.[0];
      const complaint = masked ?? fatal;
      if (complaint !== undefined && !complaints.includes(complaint)) complaints.push(complaint);
    }
    return complaints;
  }

  get logLength(): number {
    return this.#log.length;
  }

  get #log(): string {
    return readFileSync(this.#logFile, 'latin1');
  }

  signal(name: NodeJS.Signals): void {
    this.#process.kill(name);
  }

  /** Waits until it has ended; its code, or null where a signal ended it. */
  async ended(): Promise<number | null> {
    if (this.isAlive) await once(this.#process, 'exit');
    return this.#process.exitCode;
  }

  async kill(): Promise<void> {
    if (this.isAlive) {
      const ended = once(this.#process, 'exit');
      this.#process.kill('SIGKILL');
      await ended;
    }
  }

  /** Removes what is left of one that was killed. */
  forget(): void {
    rmSync(this.#logFile, { force: true });
  }
}

/** A line of a process's status, in MB; null when it has ended. */
export function memoryOf(pid: number, line: 'VmRSS' | 'VmHWM' | 'RssAnon'): number | null {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    const start = status.indexOf(`${line}:`);
    return start === -1 ? null : Number.parseInt(status.slice(start + line.length + 1), 10) / 1_024;
  } catch {
    return null;
  }
}
