import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));

/** Longest wait for anything that should happen, in ms: for a machine that is slow, or busy with other work. */
const PATIENCE_MS = 120_000;
/** The same where it would happen by itself later, when a server gives up waiting after 25 s. */
export const SOON_MS = 20_000;
/** The same for a start: the first one of an embedded database is slow where much else goes on. */
const START_PATIENCE_MS = 240_000;

/** A child process that has ended. */
export interface Ended {
  /** Null where a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface StartOptions {
  readonly args?: readonly string[];
  /** The whole environment beside PATH: nothing of the developer's own reaches a child. */
  readonly env?: NodeJS.ProcessEnv;
}

/** The programs of the product, by their path below `dist/src`. */
export type Program = 'main' | `commands/${'api-key' | 'migrate' | 'seed' | 'sql' | 'token'}`;

const workplaces = new Set<Workplace>();

/** A directory with the built product in it, in which programs are started as `npm start` starts them. */
export class Workplace {
  readonly #children = new Set<Child>();

  private constructor(readonly directory: string) {}

  /** @param data an embedded database to begin with: the `.data` of another workplace */
  static async create(data?: string): Promise<Workplace> {
    const build = await built();
    const workplace = await Workplace.#make();
    await symlink(join(build, 'dist'), join(workplace.directory, 'dist'));
    if (data !== undefined) await cp(data, workplace.data, { recursive: true });
    return workplace;
  }

  /** A directory with sources of a test's own, by their paths, which are built as those of the product are. */
  static async withSources(sources: Readonly<Record<string, string>>): Promise<Workplace> {
    const workplace = await Workplace.#make();
    for (const file of ['tsconfig.json', 'tsconfig.build.json', 'package-lock.json']) {
      await cp(join(REPOSITORY, file), join(workplace.directory, file));
    }
    for (const [file, text] of Object.entries(sources)) await workplace.write(file, text);
    return workplace;
  }

  static async #make(): Promise<Workplace> {
    const workplace = new Workplace(await mkdtemp(join(tmpdir(), 'game-graphql-work-')));
    workplaces.add(workplace);
    for (const name of ['package.json', 'node_modules', 'scripts']) {
      await symlink(join(REPOSITORY, name), join(workplace.directory, name));
    }
    return workplace;
  }

  /** Writes a file, and the directories that it is in. */
  async write(file: string, text: string): Promise<void> {
    await mkdir(dirname(join(this.directory, file)), { recursive: true });
    await writeFile(join(this.directory, file), text);
  }

  /** Where the embedded database is. */
  get data(): string {
    return join(this.directory, '.data');
  }

  start(program: Program, { args = [], env = {} }: StartOptions = {}): Child {
    return this.spawn(process.execPath, [join('dist', 'src', `${program}.js`), ...args], env);
  }

  /** Runs a program to its end. */
  run(program: Program, options?: StartOptions): Promise<Ended> {
    return this.start(program, options).ended();
  }

  /** Starts the server on a free port, and waits until it says that it is ready. */
  async serve(env: NodeJS.ProcessEnv = {}): Promise<Child> {
    const child = this.start('main', { env: { PORT: '0', ...env } });
    await child.origin();
    return child;
  }

  /** @param detached in a process group of its own, as a terminal starts a command */
  spawn(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}, detached = false): Child {
    const { PATH } = process.env;
    const options = { cwd: this.directory, env: { PATH, ...env }, detached };
    const child = new Child(spawn(command, args, options), detached);
    this.#children.add(child);
    return child;
  }

  /** Ends what still runs here, and removes the directory. */
  async close(): Promise<void> {
    workplaces.delete(this);
    await Promise.all([...this.#children].map((child) => child.kill()));
    await rm(this.directory, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Closes every workplace that is left. */
export async function closeWorkplaces(): Promise<void> {
  await Promise.all([...workplaces].map((workplace) => workplace.close()));
}

/** A process that a test has started. */
export class Child {
  stdout = '';
  stderr = '';
  readonly #ended: Promise<Ended>;
  #isOver = false;

  /** @param isGroup whether it is the leader of a process group, which ends with it when it is killed */
  constructor(
    private readonly process: ChildProcess,
    private readonly isGroup: boolean,
  ) {
    process.stdout?.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    process.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    this.#ended = new Promise((resolve, reject) => {
      process.on('error', reject);
      process.on('close', (code, signal) => {
        this.#isOver = true;
        resolve({ code, signal, stdout: this.stdout, stderr: this.stderr });
      });
    });
  }

  get pid(): number {
    if (this.process.pid === undefined) throw new Error('The process did not start.');
    return this.process.pid;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  signal(signal: NodeJS.Signals): void {
    this.process.kill(signal);
  }

  /** Goes away as the reader of its standard output. */
  stopReading(): void {
    this.process.stdout?.destroy();
  }

  /** Ends the process at once, as a power cut would, and waits for its end. */
  async kill(): Promise<Ended> {
    if (this.isGroup) killGroup(this.pid);
    else this.signal('SIGKILL');
    return this.ended();
  }

  /** Waits for the end. @throws when it does not come */
  async ended(): Promise<Ended> {
    return within(
      PATIENCE_MS,
      this.#ended,
      () => `${this.process.spawnargs.join(' ')} did not end. ${this.printed()}`,
    );
  }

  /** Lines of its log, as far as they have come. */
  log(): Record<string, unknown>[] {
    return this.stdout
      .split('\n')
      .filter((line) => line.startsWith('{') && line.endsWith('}'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  /** Where the server listens; waits until it says so. */
  async origin(): Promise<string> {
    return until(
      () => /"(?:Listening|Ready: GraphQL) at (http:\/\/[^/]+)\/graphql"/.exec(this.stdout)?.[1] ?? null,
      () => {
        if (this.#isOver) throw new Error(`The server ended before it listened. ${this.printed()}`);
        return `The server did not listen. ${this.printed()}`;
      },
      START_PATIENCE_MS,
    );
  }

  /** What it printed last, for a message. */
  printed(): string {
    return `It printed:\n${this.stdout.slice(-2_000)}\n${this.stderr.slice(-2_000)}`;
  }
}

function killGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // All of it has ended.
  }
}

/** Asks again and again until there is an answer other than null or false. @throws when there is none in time */
export async function until<Answer>(
  question: () => Answer | null | false | Promise<Answer | null | false>,
  otherwise: () => string = () => 'It did not happen.',
  patience = PATIENCE_MS,
): Promise<Answer> {
  const deadline = performance.now() + patience;
  for (;;) {
    const answer = await question();
    if (answer !== null && answer !== false) return answer;
    const message = otherwise();
    if (performance.now() > deadline) throw new Error(message);
    await delay(15);
  }
}

/** The same result, if it comes in time. */
export async function within<Result>(
  ms: number,
  result: Promise<Result>,
  otherwise: () => string = () => `It took more than ${ms} ms.`,
): Promise<Result> {
  const timer = new AbortController();
  const late = delay(ms, undefined, { signal: timer.signal }).then(() => {
    throw new Error(otherwise());
  });
  late.catch(() => {});
  try {
    return await Promise.race([result, late]);
  } finally {
    timer.abort();
  }
}

/** Sends an operation to a server in another process. */
export async function ask<Data = Record<string, unknown>>(
  origin: string,
  query: string,
  key?: string,
  variables: object = {},
): Promise<{
  status: number;
  data: Data;
  codes: (string | undefined)[];
}> {
  const response = await fetch(`${origin}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key === undefined ? {} : { 'x-api-key': key }) },
    body: JSON.stringify({ query, variables }),
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  const body = (await response.json()) as {
    data?: Data;
    errors?: { extensions?: { code?: string } }[];
  };
  const codes = (body.errors ?? []).map(({ extensions }) => extensions?.code);
  return { status: response.status, data: body.data as Data, codes };
}

/** The status of a health check: `live` or `ready`. */
export async function health(origin: string, check: 'live' | 'ready'): Promise<number> {
  const response = await fetch(`${origin}/health/${check}`, { signal: AbortSignal.timeout(PATIENCE_MS) });
  await response.arrayBuffer();
  return response.status;
}

/**
 * The directory that holds the product as `npm run build` makes it. The first test file that asks builds it,
 * beside the files of the run's PostgreSQL, which are removed at the end.
 */
async function built(): Promise<string> {
  const log = process.env['TEST_POSTGRES_LOG'];
  if (log === undefined) throw new Error('tests/support/global-setup.js did not start PostgreSQL.');
  const build = join(dirname(log), 'build');
  const isFirst = await mkdir(build).then(
    () => true,
    () => false,
  );
  const done = join(build, 'done');
  if (isFirst) {
    await symlink(join(REPOSITORY, 'node_modules'), join(build, 'node_modules'));
    await symlink(join(REPOSITORY, 'package.json'), join(build, 'package.json'));
    const tsc = join(REPOSITORY, 'node_modules', 'typescript', 'bin', 'tsc');
    const config = join(REPOSITORY, 'tsconfig.build.json');
    const result = await promisify(execFile)(process.execPath, [
      tsc,
      '-p',
      config,
      '--outDir',
      join(build, 'dist'),
    ]).catch((error: unknown) => new Error('The build failed.', { cause: error }));
    await mkdir(result instanceof Error ? join(build, 'failed') : done);
    if (result instanceof Error) throw result;
  }
  const exists = (path: string): Promise<boolean> =>
    stat(path).then(
      () => true,
      () => false,
    );
  await until(async () => {
    if (await exists(join(build, 'failed'))) throw new Error('The build failed in another test file.');
    return exists(done);
  });
  return build;
}
