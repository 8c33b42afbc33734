import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readDocument } from '../support/documents.ts';
import { setTimeout as delay } from 'node:timers/promises';

/** Installs Debian's packages of programs that are not there, by the paths of the programs. */
export function install(packages: Readonly<Record<string, string>>, say: (text: string) => void): void {
  const missing = Object.entries(packages).flatMap(([path, name]) => (existsSync(path) ? [] : [name]));
  if (missing.length === 0) return;
  say(`installs ${missing.join(', ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (const args of [['update'], ['install', '-y', '--no-install-recommends', ...missing]]) {
    execFileSync('apt-get', args, { env, stdio: 'ignore' });
  }
}

/** A new directory for what a program keeps. */
export const newDirectory = (): string => mkdtempSync(join(tmpdir(), 'game-graphql-faults-'));

/** The user that programs run as which refuse to be root. */
export function userOf(name: string): { readonly uid: number; readonly gid: number } {
  const id = (flag: string): number =>
    Number(spawnSync('id', [flag, name], { encoding: 'utf8' }).stdout.trim());
  return { uid: id('-u'), gid: id('-g') };
}

/** Asks again and again until the answer is true. @throws when it is not in time */
export async function until(
  question: () => Promise<boolean>,
  otherwise: () => string,
  ms = 120_000,
): Promise<void> {
  const deadline = performance.now() + ms;
  while (!(await question())) {
    if (performance.now() > deadline) throw new Error(otherwise());
    await delay(50);
  }
}

/** A program of Debian's, in the foreground, which writes into a log of its own. */
export class DebianProgram {
  readonly #process: ChildProcess;
  readonly #log: string;

  private constructor(process: ChildProcess, log: string) {
    this.#process = process;
    this.#log = log;
  }

  /** Starts it, and waits until it accepts connections at a port. */
  static async start(
    command: string,
    args: readonly string[],
    directory: string,
    port: number,
    options: { readonly uid?: number; readonly gid?: number; readonly env?: NodeJS.ProcessEnv } = {},
  ): Promise<DebianProgram> {
    const log = join(directory, `log-${port}`);
    const output = openSync(log, 'a');
    const child = spawn(command, args, { ...options, cwd: directory, stdio: ['ignore', output, output] });
    closeSync(output);
    const program = new DebianProgram(child, log);
    await until(
      async () => child.exitCode !== null || accepts(port),
      () => `${command} does not listen:\n${program.printed}`,
      60_000,
    );
    if (child.exitCode !== null) throw new Error(`${command} ended:\n${program.printed}`);
    return program;
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  get printed(): string {
    return readFileSync(this.#log, 'utf8').slice(-4_000);
  }

  signal(name: NodeJS.Signals): void {
    this.#process.kill(name);
  }

  /** Ends it, and waits for its end. */
  async stop(name: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, 'exit');
    this.#process.kill(name);
    await ended;
  }
}

export function accepts(port: number): Promise<boolean> {
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

export function remove(directory: string): void {
  rmSync(directory, { recursive: true, force: true });
}

/** A configuration that docs/operating.md shows, by the language of its block. */
export async function documented(language: string): Promise<string> {
  const { blocks } = await readDocument('docs/operating.md');
  const block = blocks.find((candidate) => candidate.language === language);
  if (block === undefined) throw new Error(`docs/operating.md shows no ${language}.`);
  return block.text;
}
