import { link, mkdir, readFile, rmdir, stat, unlink, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

/** The directory of the embedded database cannot be used: another process has it, or it cannot be written. */
export class DirectoryError extends Error {
  override readonly name = 'DirectoryError';
}

interface Holder {
  readonly pid: number;
  readonly host: string;
  /** When the process was started, where the system tells it: a pid alone may have been given anew. */
  readonly started: string | null;
  readonly token: string;
}

/** A takeover takes milliseconds; one that is older was cut off. */
const TAKEOVER_MAX_AGE_MS = 10_000;

/**
 * Keeps two processes from opening one embedded database, which would destroy it: PGlite takes no lock of
 * its own. The lock is a file that names its holder. One whose holder is gone is taken over.
 */
export class DirectoryLock {
  private constructor(
    private readonly file: string,
    private readonly content: string,
  ) {}

  /** @throws DirectoryError that names the process that has the lock */
  static async acquire(file: string): Promise<DirectoryLock> {
    const holder: Holder = {
      pid: process.pid,
      host: hostname(),
      started: await startOf(process.pid),
      token: randomUUID(),
    };
    const lock = new DirectoryLock(file, JSON.stringify(holder));
    if ((await lock.#create()) || (await lock.#takeOver())) return lock;
    const { pid, host } = parseHolder(await readOrNull(file)) ?? { pid: 'unknown', host: hostname() };
    const where = host === hostname() ? '' : ` on ${host} (if that is gone, delete ${file})`;
    throw new DirectoryError(
      `The embedded database is in use by process ${pid}${where}. It serves one process at a time: stop that one first, or set DATABASE_URL to use a PostgreSQL server.`,
    );
  }

  /** Gives the lock back; does nothing when it was taken over meanwhile. */
  async release(): Promise<void> {
    if ((await readOrNull(this.file)) === this.content) await unlink(this.file);
  }

  /** Appears with its content in one step: `link` fails when there is a file already. */
  async #create(): Promise<boolean> {
    const draft = `${this.file}.${process.pid}.${randomUUID()}`;
    await writeFile(draft, this.content, { mode: 0o600 });
    try {
      await link(draft, this.file);
      return true;
    } catch (error) {
      if (hasCode(error, 'EEXIST')) return false;
      throw error;
    } finally {
      await unlink(draft);
    }
  }

  /** Replaces a lock whose holder is gone. A directory serves as the lock of the takeover itself. */
  async #takeOver(): Promise<boolean> {
    if (!(await isStale(await readOrNull(this.file)))) return false;
    const takeover = `${this.file}.takeover`;
    if (!(await makeDirectory(takeover))) return false;
    try {
      // Looked at again, now that nobody else can replace it.
      if (!(await isStale(await readOrNull(this.file)))) return false;
      await unlink(this.file).catch((error: unknown) => {
        if (!hasCode(error, 'ENOENT')) throw error;
      });
      return await this.#create();
    } finally {
      await rmdir(takeover);
    }
  }
}

async function makeDirectory(path: string): Promise<boolean> {
  for (let attempt = 0; attempt < 20; attempt++) {
    try {
      await mkdir(path);
      return true;
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error;
    }
    const age = await stat(path).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    );
    if (age > TAKEOVER_MAX_AGE_MS) await rmdir(path).catch(() => {});
    else await delay(50);
  }
  return false;
}

async function isStale(content: string | null): Promise<boolean> {
  if (content === null) return true;
  const holder = parseHolder(content);
  if (holder === null) return true;
  if (holder.host !== hostname()) return false;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    return hasCode(error, 'ESRCH');
  }
  return holder.started !== (await startOf(holder.pid));
}

/**
 * Start time of a process in the kernel's clock ticks; null where there is no `/proc`, and for a process that
 * has ended but was not waited for yet.
 */
async function startOf(pid: number): Promise<string | null> {
  const text = await readOrNull(`/proc/${pid}/stat`);
  // The second field, the command's name in brackets, may hold spaces; the state is the third and the start
  // time the 22nd.
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ');
  return fields === undefined || fields[0] === 'Z' ? null : (fields[19] ?? null);
}

function parseHolder(content: string | null): Holder | null {
  try {
    const value = Object(JSON.parse(content ?? 'null')) as Partial<Holder>;
    return Number.isInteger(value.pid) && typeof value.host === 'string' ? (value as Holder) : null;
  } catch {
    return null;
  }
}

async function readOrNull(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT') || hasCode(error, 'ESRCH')) return null;
    throw error;
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
