import { AsyncLocalStorage } from 'node:async_hooks';
import { CLIENT_GONE, GIVEN_UP } from '../errors.js';
import type { IdempotentMutation } from './idempotency.js';
import type { ReplicaReads } from './replicas.js';

/** The client of a request went away: what was done for it is given up. */
export class ClientGoneError extends Error {
  /** MikroORM wraps what its statements throw, and keeps the code. */
  readonly code = CLIENT_GONE;
}

/** A request took too long, or the server stops: it was given up. */
export class GivenUpError extends Error {
  readonly code = GIVEN_UP;

  constructor() {
    super('The request was given up.');
  }
}

/** Follows the statements of a request that is traced. */
export interface Trace {
  /**
   * Notes that a statement begins.
   *
   * @param isBound whether its values are bound: otherwise they may stand in the text
   * @returns what is to be called at its end, with the error that it ended with, or null
   */
  startStatement(text: string, isBound: boolean): (error: unknown) => void;
}

/** What the statements of one request have in common: whose they are, and whether they are still wanted. */
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
  /** Whether all its mutations so far were done before, and are only told again; null: it has had none. */
  isReplay: boolean | null = null;
  /** How it uses replicas; null: it does not. */
  replicaReads: ReplicaReads | null = null;
  /** How long its statements have kept connections busy, in ms, all together. */
  databaseMs = 0;
  /** How long its COMMITs took, in ms: who asked has no part in what they wait for. */
  commitMs = 0;
  /** How many statements were sent for it, those that begin and end transactions included. */
  statements = 0;
  /** Null: it is not traced. */
  trace: Trace | null = null;
  /** What the log calls its request. */
  requestId: string | undefined;
  #reason: Error | null = null;
  /** Mostly one: short lists are cheaper than a set. */
  readonly #cancels: (() => void)[] = [];

  /** @param deadline when it is given up, by `performance.now()` */
  constructor(public deadline = Infinity) {}

  /** Runs `task`; all statements in it belong to this work. */
  run<Result>(task: () => Result): Result {
    return storage.run(this, task);
  }

  /**
   * To be called when the client has gone away, or when the work is given up: cancels what runs for it, and lets nothing
   * new begin. A COMMIT that runs goes on, because nobody could tell what came of it.
   *
   * @param reason what it fails with
   */
  abandon(reason: Error = new ClientGoneError('The client has gone away.')): void {
    this.#reason ??= reason;
    // A copy: a cancellation may take itself out of the list.
    const cancels = [...this.#cancels];
    for (const cancel of cancels) cancel();
  }

  /** @throws what `abandon` was called with */
  throwIfAbandoned(): void {
    if (this.#reason !== null) throw this.#reason;
  }

  get isAbandoned(): boolean {
    return this.#reason !== null;
  }

  /** What it was abandoned with; null: it was not. */
  get abandonedWith(): Error | null {
    return this.#reason;
  }

  /**
   * Notes that one of its statements begins.
   *
   * @param isBound whether its values are bound
   * @returns what is to be called at its end
   */
  noteStatement(text: string, isBound: boolean): (error: unknown) => void {
    this.statements++;
    const endSpan = this.trace?.startStatement(text, isBound);
    const startedAt = performance.now();
    return (error) => {
      const ms = performance.now() - startedAt;
      if (text === 'commit') this.commitMs += ms;
      else this.databaseMs += ms;
      endSpan?.(error);
    };
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
