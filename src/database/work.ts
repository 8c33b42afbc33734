import { AsyncLocalStorage } from 'node:async_hooks';
import { CLIENT_GONE } from '../errors.js';
import type { IdempotentMutation } from './idempotency.js';

/** The client of a request went away: what was done for it is given up. */
export class ClientGoneError extends Error {
  /** MikroORM wraps what its statements throw, and keeps the code. */
  readonly code = CLIENT_GONE;
}

/** What the statements of one request have in common: whose they are, and whether anybody still waits for them. */
export class Work {
  /** Whose share of the connections they take: see `callerKeyOf`. Null as long as nobody knows who asks. */
  callerKey: string | null = null;
  /** Whether it has had a permit to use a connection: it then waits longer for the next. */
  hasBegun = false;
  /** Whether its operation is expensive: of these one of a caller runs at a time. */
  isExpensive = false;
  /** Under this key of the caller, mutations are to be done once. */
  idempotencyKey: string | null = null;
  /** The mutation that runs now, where the request has an Idempotency-Key. */
  idempotentMutation: IdempotentMutation | null = null;
  /** How long its statements have kept connections busy, in ms, all together. */
  databaseMs = 0;
  #isAbandoned = false;
  /** Mostly one: short lists are cheaper than a set. */
  readonly #cancels: (() => void)[] = [];

  /** Runs `task`; all statements in it belong to this work. */
  run<Result>(task: () => Result): Result {
    return storage.run(this, task);
  }

  /** To be called when the client has gone away: cancels what runs for it, and lets nothing new begin. */
  abandon(): void {
    this.#isAbandoned = true;
    // A copy: a cancellation may take itself out of the list.
    const cancels = [...this.#cancels];
    for (const cancel of cancels) cancel();
  }

  /** @throws ClientGoneError */
  throwIfAbandoned(): void {
    if (this.#isAbandoned) throw new ClientGoneError('The client has gone away.');
  }

  get isAbandoned(): boolean {
    return this.#isAbandoned;
  }

  /** Notes how to cancel what begins now. */
  onAbandon(cancel: () => void): void {
    this.#cancels.push(cancel);
  }

  /** To be called when that has ended. */
  offAbandon(cancel: () => void): void {
    const index = this.#cancels.indexOf(cancel);
    if (index !== -1) this.#cancels.splice(index, 1);
  }
}

const storage = new AsyncLocalStorage<Work>();

/** The work that the current statement belongs to; undefined for commands, and for what the server does by itself. */
export const currentWork = (): Work | undefined => storage.getStore();
