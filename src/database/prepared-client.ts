import { AsyncLocalStorage } from 'node:async_hooks';
import { hash } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { Client, Connection, Query } from 'pg';
import { isPreparedStatementStale, sqlState } from '../errors.js';
import { retries } from './retries.js';
import { currentWork, type Work } from './work.js';

/**
 * Maximum number of statements kept prepared on one connection, and of characters of them: PostgreSQL holds a plan for
 * each, which takes some hundred times as many bytes, for as long as the connection lives.
 */
const MAX_PREPARED_STATEMENTS = 200;
const MAX_PREPARED_LENGTH = 100_000;
/** Maximum length, in characters, of a statement that is prepared. */
const MAX_STATEMENT_LENGTH = 20_000;

/** Maximum number of attempts to run a statement that the server does not have prepared as this client expects. */
const ATTEMPTS = 3;

/** How long a request to cancel a statement may take, in ms. */
const CANCEL_TIMEOUT_MS = 1_000;

/** What `pg` rejects with when its `query_timeout` has passed. */
const READ_TIMEOUT = 'Query read timeout';

/** Longest wait for a statement, in ms, where it is not the pool's `query_timeout`. */
const timeoutWithin = new AsyncLocalStorage<number>();

/** Calls `run`, of which each statement may take this long, whatever the pool's `query_timeout`. */
export function withStatementTimeout<Result>(ms: number, run: () => Promise<Result>): Promise<Result> {
  return timeoutWithin.run(ms, run);
}

/** Members of `pg`'s classes that its type declarations leave out. */
interface ClientInternals {
  readonly processID: number | null;
  readonly secretKey: number | null;
  readonly connection: ConnectionInternals & {
    readonly parsedStatements: Record<string, string>;
    readonly submittedNamedStatements: Record<string, string>;
    attachListeners(stream: Duplex): void;
  };
}
interface ConnectionInternals {
  readonly stream: { destroy(error?: Error): void; setTimeout(ms: number, listener: () => void): void };
  connect(portOrPath: number | string, host?: string): void;
  cancel(processID: number, secretKey: number): void;
  close(statement: { readonly type: 'S'; readonly name: string }): void;
}

type Callback = (error: unknown, result?: unknown) => void;

/**
 * A `pg` client whose statements end: when one takes longer than the pool's `query_timeout`, or when the client of the
 * request has gone away, it is cancelled on the server, and then the connection is given up. (A connection whose peer
 * fell silent would otherwise go back to the pool, and so would one that a late cancellation could still hit.)
 */
export class BoundedClient extends Client {
  /** By `performance.now()`. */
  readonly openedAt = performance.now();
  /** Set while a statement is being cancelled. */
  #cancelling: Promise<void> | null = null;
  /** Set when the server gives up waiting for a standby: it then answers as if the standby had confirmed. */
  #isUnconfirmed = false;

  constructor(...args: ConstructorParameters<typeof Client>) {
    super(...args);
    keepFaultsHere(this.internals.connection);
    // A connection that ends while it is in use is reported by its statement; an error that nobody listens to would
    // end the process.
    this.on('error', () => {});
    // A warning without a code of its own. PostgreSQL translates messages, not the names of its functions.
    this.on('notice', ({ routine }) => {
      if (routine === 'SyncRepWaitForLSN') this.#isUnconfirmed = true;
    });
  }

  /** The work that the next statement belongs to, where its context is that of another one. */
  nextWork: Work | undefined;

  override query(...args: unknown[]): never {
    const { nextWork } = this;
    // A COMMIT is never cancelled: nobody could tell what came of it.
    const owner = nextWork ?? currentWork();
    const work = args[0] === 'commit' ? undefined : owner;
    const timeout = nextWork === undefined ? timeoutWithin.getStore() : undefined;
    this.nextWork = undefined;
    work?.onAbandon(this.#cancelThis);
    const noteEnd = noteStatement(owner, args);
    const callback = args.at(-1);
    if (typeof callback === 'function') {
      args[args.length - 1] = (error: unknown, result: unknown): void => {
        noteEnd(error);
        if (this.#cancelling === null && !isReadTimeout(error)) {
          work?.offAbandon(this.#cancelThis);
          (callback as Callback)(error ?? this.#takeUnconfirmed(), result);
        } else void this.#callBackLater(callback as Callback, work, error, result);
      };
    }
    if (timeout !== undefined) args[0] = withTimeout(args[0], timeout);
    // `pg` declares eleven overloads; what comes in is what `pg` takes, and what comes back is what it gave.
    const result: unknown = super.query(...(args as [never]));
    if (!(result instanceof Promise)) return result as never;
    return result.then(
      async (value: unknown) => {
        noteEnd(null);
        await this.#ended(work, null);
        const unconfirmed = this.#takeUnconfirmed();
        if (unconfirmed !== null) throw unconfirmed;
        return value;
      },
      async (error: unknown) => {
        noteEnd(error);
        throw await this.#ended(work, error);
      },
    ) as never;
  }

  /** The error of a statement that has ended with a write which no standby has confirmed; null: there is none. */
  #takeUnconfirmed(): Error | null {
    if (!this.#isUnconfirmed) return null;
    this.#isUnconfirmed = false;
    return new Error('The wait for the synchronous standby was cancelled.');
  }

  /** Cancels what runs, and gives the connection up. */
  giveUp(): Promise<void> {
    return this.#cancel();
  }

  async #callBackLater(
    callback: Callback,
    work: Work | undefined,
    error: unknown,
    result: unknown,
  ): Promise<void> {
    callback(await this.#ended(work, error), result);
  }

  /** Waits until a statement that was given up is cancelled; returns the error that it ended with, or null. */
  async #ended(work: Work | undefined, error: unknown): Promise<unknown> {
    work?.offAbandon(this.#cancelThis);
    if (isReadTimeout(error)) await this.#cancel();
    await this.#cancelling;
    return error === null ? null : (work?.abandonedWith ?? error);
  }

  readonly #cancelThis = (): void => void this.#cancel();

  /** Asks the server to cancel what runs, and gives the connection up once the server has been asked. */
  #cancel(): Promise<void> {
    this.#cancelling ??= this.#requestCancel().then(() => this.internals.connection.stream.destroy());
    return this.#cancelling;
  }

  #requestCancel(): Promise<void> {
    const { processID, secretKey } = this.internals;
    if (processID === null || secretKey === null) return Promise.resolve();
    return new Promise((resolve) => {
      const canceller = new Connection();
      const canceling = canceller as unknown as ConnectionInternals;
      const end = (): void => {
        canceling.stream.destroy();
        resolve();
      };
      canceller.on('error', end);
      // The server closes the connection when it has passed the request on.
      canceller.on('end', end);
      canceller.on('connect', () => canceling.cancel(processID, secretKey));
      canceling.stream.setTimeout(CANCEL_TIMEOUT_MS, end);
      if (this.host.startsWith('/')) canceling.connect(`${this.host}/.s.PGSQL.${this.port}`);
      else canceling.connect(this.port, this.host);
    });
  }

  protected get internals(): ClientInternals {
    return this as unknown as ClientInternals;
  }
}

/**
 * What throws while an answer of the server is read ends this connection, not the process: a row of more than 512 MiB,
 * say, of which no string can be made.
 */
function keepFaultsHere(connection: ClientInternals['connection']): void {
  const attach = connection.attachListeners.bind(connection);
  connection.attachListeners = (stream) => {
    attach(stream);
    for (const listener of stream.listeners('data')) {
      stream.off('data', listener as (chunk: unknown) => void);
      stream.on('data', (chunk) => {
        try {
          listener.call(stream, chunk);
        } catch (error) {
          stream.destroy(error instanceof Error ? error : new Error(String(error)));
        }
      });
    }
  };
}

/** Notes a statement, by what `pg` is given to run; returns what notes its end. */
function noteStatement(
  work: Work | undefined,
  [statement, values]: readonly unknown[],
): (error: unknown) => void {
  if (work === undefined) return () => {};
  if (typeof statement === 'string') return work.noteStatement(statement, isFilled(values));
  const config = statement as { readonly text: string; readonly values?: unknown };
  return work.noteStatement(config.text, isFilled(config.values));
}

const isFilled = (values: unknown): boolean => Array.isArray(values) && values.length > 0;

function isReadTimeout(error: unknown): boolean {
  return error instanceof Error && error.message === READ_TIMEOUT;
}

function withTimeout(statement: unknown, timeout: number): object {
  const config = typeof statement === 'string' ? { text: statement } : (statement as object);
  return Object.assign(config, { query_timeout: timeout });
}

/** A statement that a connection has prepared. */
interface Prepared {
  /** How `pg` reads its rows; null as long as PostgreSQL has not described them. */
  rows: RowReading | null;
  readonly name: string;
}

type RowReading = Pick<QueryInternals['_result'], 'fields' | '_parsers' | '_prebuiltEmptyResultObject'>;

/** Members of `pg`'s `Query` that its type declarations leave out. */
interface QueryInternals {
  readonly _result: { fields: unknown; _parsers: unknown; _prebuiltEmptyResultObject: unknown };
  _accumulateRows: boolean;
}

/** What `pg`'s `Query` does, beyond what its type declarations say. */
const PgQuery = Query as unknown as new (...args: unknown[]) => QueryInternals & {
  prepare(connection: object): void;
  handleRowDescription(message: unknown): void;
};

/**
 * Runs a prepared statement. `pg` lets PostgreSQL describe the columns each time; here it does the first time only. They
 * stay as they are: a statement whose columns would be others is refused (see `isPreparedStatementStale`).
 */
class PreparedQuery extends PgQuery {
  constructor(
    private readonly prepared: Prepared,
    text: string,
    values: readonly unknown[],
    /** The connection, on which a statement is not described. */
    private readonly undescribed: object,
  ) {
    super({ name: prepared.name, text, values });
  }

  override prepare(connection: object): void {
    const { rows } = this.prepared;
    if (rows === null) {
      super.prepare(connection);
      return;
    }
    Object.assign(this._result, rows);
    this._accumulateRows = true;
    super.prepare(this.undescribed);
  }

  override handleRowDescription(message: unknown): void {
    super.handleRowDescription(message);
    const { fields, _parsers, _prebuiltEmptyResultObject } = this._result;
    this.prepared.rows = { fields, _parsers, _prebuiltEmptyResultObject };
  }
}

/**
 * A client that prepares every parameterised statement once per connection, under a name of its own.
 * PostgreSQL then parses and plans a statement once, not at every request.
 *
 * MikroORM hands the class to its pool (`driverOptions.Client`), so every statement of `query()` profits,
 * inside and outside transactions. What is prepared is bounded: the least recently used statement is closed first.
 *
 * Where the type of a column is changed, PostgreSQL refuses what was prepared before. Then all connections of the process
 * prepare all their statements anew, and the statement is run again, unless its transaction is over: `inTransaction` then
 * runs that again.
 */
export class PreparedClient extends BoundedClient {
  /** Is called with what an operator must know. */
  static warn: (message: string) => void = () => {};
  static #hasWarned = false;
  /** How often prepared statements of this process were invalidated by a change of a column's type. */
  static #changes = 0;
  /** The value of `#changes` when this connection last dropped its statements; null: it must drop them now. */
  #changesSeen: number | null = PreparedClient.#changes;
  /** By text, least recently used first. */
  readonly #prepared = new Map<string, Prepared>();
  #length = 0;
  readonly #undescribed = Object.create(this.internals.connection, {
    describe: { value: () => {} },
  }) as object;

  override query(...args: unknown[]): never {
    const [text, values, report] = args;
    const isPrepared =
      typeof text === 'string' &&
      text.length <= MAX_STATEMENT_LENGTH &&
      Array.isArray(values) &&
      values.length > 0;
    if (!isPrepared) return super.query(...args);
    if (typeof report === 'function') {
      this.#query(text, values, report as Callback);
      return undefined as never;
    }
    return new Promise((resolve, reject) => {
      this.#query(text, values, (failed, result) => {
        const error = failed as Error | null;
        if (error === null) resolve(result);
        else reject(error);
      });
    }) as never;
  }

  #query(text: string, values: readonly unknown[], report: Callback, attempts = ATTEMPTS): void {
    const prepared = this.#prepare(text);
    const callback: Callback = (failed, result) => {
      if (attempts > 1 && this.#canRunAgain(failed, text, prepared)) {
        retries.inc({ what: 'statement', reason: 'stale_statement' });
        this.#query(text, values, report, attempts - 1);
      } else report(failed, result);
    };
    super.query(new PreparedQuery(prepared, text, values, this.#undescribed), callback);
  }

  /** Follows what an error says of a prepared statement; returns whether it may be run again at once. */
  #canRunAgain(failed: unknown, text: string, { name }: Prepared): boolean {
    if (failed === null || !isPreparedStatementStale(failed)) return false;
    const state = sqlState(failed);
    if (state === '0A000') PreparedClient.#changes++;
    else PreparedClient.#warnOfPooler();
    if (state === '26000') this.#changesSeen = null;
    // Its name is a digest of its text: what is there is the same statement.
    if (state === '42P05') this.internals.connection.parsedStatements[name] = text;
    return this.getTransactionStatus() === 'I';
  }

  /** Told once: a pooler that mixes up connections does so all the time. */
  static #warnOfPooler(): void {
    if (PreparedClient.#hasWarned) return;
    PreparedClient.#hasWarned = true;
    PreparedClient.warn(
      'A prepared statement was not where it was made, as behind a pooler in transaction mode: set DATABASE_PREPARED_STATEMENTS=off, or let the pooler translate prepared statements.',
    );
  }

  #prepare(text: string): Prepared {
    if (this.#changesSeen !== PreparedClient.#changes) {
      this.#changesSeen = PreparedClient.#changes;
      while (this.#prepared.size > 0) this.#closeOldest();
    }
    const known = this.#prepared.get(text);
    if (known !== undefined) {
      this.#prepared.delete(text);
      this.#prepared.set(text, known);
      return known;
    }
    // Of the text: a pooler that mixes up connections can then never run one statement for another.
    const name = `game_${hash('sha256', text, 'hex').slice(0, 32)}`;
    const prepared: Prepared = { name, rows: null };
    this.#prepared.set(text, prepared);
    this.#length += text.length;
    while (this.#prepared.size > MAX_PREPARED_STATEMENTS || this.#length > MAX_PREPARED_LENGTH)
      this.#closeOldest();
    return prepared;
  }

  /**
   * Closes a prepared statement by the protocol's message, which poolers translate, unlike the text `DEALLOCATE`. It
   * goes out before the messages of the next statement, and is no error where there is no such statement.
   */
  #closeOldest(): void {
    const [oldest] = this.#prepared;
    if (oldest === undefined) return;
    const [text, { name }] = oldest;
    this.#prepared.delete(text);
    this.#length -= text.length;
    const { connection } = this.internals;
    delete connection.parsedStatements[name];
    delete connection.submittedNamedStatements[name];
    connection.close({ type: 'S', name });
  }
}
