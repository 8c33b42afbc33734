import type { Caller } from '../auth/caller.js';
import { CompileContext } from '../sql-json/compile-context.js';
import { StatementRunner } from '../sql-json/statement-runner.js';
import { callerPlaceholders, type CallerSql } from './caller-sql.js';
import type { Strategies } from './strategies/strategies.js';

/** What a statement about GAME's tables is compiled with: for which kind of caller, and which strategies there are. */
export class DomainContext extends CompileContext {
  /** Decides what may be seen. */
  readonly caller: CallerSql;
  readonly #actualCaller: Caller;

  constructor(
    caller: Caller,
    readonly strategies: Strategies,
    readonly maxBytes: number,
  ) {
    super();
    this.caller = callerPlaceholders(caller);
    this.#actualCaller = caller;
  }

  override actualCaller(): Caller {
    this.useOnce();
    return this.#actualCaller;
  }
}

/** Compiles and runs the statements of a repository. */
export type DomainStatementRunner = StatementRunner<Caller, DomainContext>;

/** Maximum size, in bytes, of an answer, unless a setting says otherwise. */
export const DEFAULT_MAX_RESPONSE_BYTES = 10_000_000;

export function domainStatementRunner(
  strategies: Strategies,
  maxBytes = DEFAULT_MAX_RESPONSE_BYTES,
): DomainStatementRunner {
  return new StatementRunner((caller: Caller) => new DomainContext(caller, strategies, maxBytes), maxBytes);
}
