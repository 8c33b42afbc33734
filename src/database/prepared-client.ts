import { AsyncLocalStorage } from 'node:async_hooks';
import { Client, Connection } from 'pg';

/** Statements kept prepared on one connection; PostgreSQL holds a plan for each. */
const MAX_PREPARED_STATEMENTS = 200;

/** How long a request to cancel a statement may take, in ms. */
const CANCEL_TIMEOUT_MS = 2_000;

/** What `pg` rejects with when its `query_timeout` has passed. */
const READ_TIMEOUT = 'Query read timeout';

/** Longest wait for a statement, in ms, where it is not the pool's `query_timeout`. */
const timeoutWithin = new AsyncLocalStorage<number>();

/** Runs `work`, of which each statement may take this long, whatever the pool's `query_timeout`. */
export function withStatementTimeout<Result>(ms: number, work: () => Promise<Result>): Promise<Result> {
  return timeoutWithin.run(ms, work);
}

/** Members of `pg`'s classes that its type declarations leave out. */
interface ClientInternals {
  readonly processID: number | null;
  readonly secretKey: number | null;
  readonly connection: {
    readonly parsedStatements: Record<string, string>;
    readonly submittedNamedStatements: Record<string, string>;
  };
}
interface ConnectionInternals {
  readonly stream: { destroy(): void; setTimeout(ms: number, listener: () => void): void };
  connect(portOrPath: number | string, host?: string): void;
  cancel(processID: number, secretKey: number): void;
}

/**
 * A `pg` client that does not wait for ever: when a statement takes longer than the pool's
 * `query_timeout`, the statement is cancelled on the server and the connection is given up. (A connection
 * whose peer fell silent would otherwise go back to the pool and be handed out again.)
 */
export class BoundedClient extends Client {
  override query(...args: unknown[]): never {
    const callback = args.at(-1);
    if (typeof callback === 'function') {
      args[args.length - 1] = (error: unknown, result: unknown): void => {
        this.#abandonAfter(error);
        (callback as (error: unknown, result: unknown) => void)(error, result);
      };
    }
    // `pg` declares eleven overloads; what comes in is what `pg` takes.
    const result: unknown = super.query(...(withTimeout(args) as [never]));
    if (result instanceof Promise) result.catch((error: unknown) => this.#abandonAfter(error));
    // `pg` declares eleven overloads; what comes back is what `pg` gave.
    return result as never;
  }

  #abandonAfter(error: unknown): void {
    if (error instanceof Error && error.message === READ_TIMEOUT) this.#abandon();
  }

  #abandon(): void {
    const { processID, secretKey } = this as unknown as ClientInternals;
    this.connection.stream.destroy();
    if (processID === null || secretKey === null) return;
    const canceller = new Connection();
    const canceling = canceller as unknown as ConnectionInternals;
    canceller.on('error', () => canceling.stream.destroy());
    canceller.on('connect', () => canceling.cancel(processID, secretKey));
    canceling.stream.setTimeout(CANCEL_TIMEOUT_MS, () => canceling.stream.destroy());
    if (this.host.startsWith('/')) canceling.connect(`${this.host}/.s.PGSQL.${this.port}`);
    else canceling.connect(this.port, this.host);
  }
}

/** The arguments of `query`, with the timeout of `withStatementTimeout` where there is one. */
function withTimeout([statement, ...others]: unknown[]): unknown[] {
  const timeout = timeoutWithin.getStore();
  if (timeout === undefined) return [statement, ...others];
  const config = typeof statement === 'string' ? { text: statement } : (statement as object);
  return [{ ...config, query_timeout: timeout }, ...others];
}

/**
 * A client that prepares every parameterised statement once per connection, under a name of its own.
 * PostgreSQL then parses and plans a statement once, not at every request.
 *
 * MikroORM hands the class to its pool (`driverOptions.Client`), so every statement of `query()` profits,
 * inside and outside transactions. Beyond 200 statements the least recently used one is deallocated.
 */
export class PreparedClient extends BoundedClient {
  /** Name by text, least recently used first. */
  readonly #names = new Map<string, string>();
  #count = 0;

  override query(...args: unknown[]): never {
    const [text, values, ...callback] = args;
    if (typeof text === 'string' && Array.isArray(values) && values.length > 0) {
      return super.query({ name: this.#nameOf(text), text, values }, ...callback);
    }
    return super.query(...args);
  }

  #nameOf(text: string): string {
    let name = this.#names.get(text);
    if (name === undefined) {
      name = `game_${++this.#count}`;
      if (this.#names.size >= MAX_PREPARED_STATEMENTS) this.#deallocateOldest();
    } else {
      this.#names.delete(text);
    }
    this.#names.set(text, name);
    return name;
  }

  #deallocateOldest(): void {
    const [oldest] = this.#names;
    if (oldest === undefined) return;
    const [text, name] = oldest;
    this.#names.delete(text);
    const { connection } = this as unknown as ClientInternals;
    // PostgreSQL could not prepare it; to deallocate what is not there would end a transaction.
    if (!(name in connection.parsedStatements)) return;
    delete connection.parsedStatements[name];
    delete connection.submittedNamedStatements[name];
    // Fails only where the transaction is lost already; the name is never used again.
    super.query(`DEALLOCATE ${name}`, (): void => {});
  }
}
