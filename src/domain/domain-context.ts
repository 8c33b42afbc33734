import type { Caller } from '../auth/caller.js';
import { CompileContext } from '../sql-json/compile-context.js';
import { Statements } from '../sql-json/statements.js';
import { callerParams, type CallerSql } from './caller-sql.js';
import type { Strategies } from './strategies/strategies.js';

/** What a statement about GAME's tables is compiled with: for which kind of caller, and which strategies there are. */
export class DomainContext extends CompileContext {
  /** Decides what may be seen. */
  readonly caller: CallerSql;
  readonly #actualCaller: Caller;

  constructor(
    caller: Caller,
    readonly strategies: Strategies,
  ) {
    super();
    this.caller = callerParams(caller);
    this.#actualCaller = caller;
  }

  override actualCaller(): Caller {
    this.useOnce();
    return this.#actualCaller;
  }
}

/** Compiles and runs the statements of a repository. */
export type DomainStatements = Statements<Caller, DomainContext>;

export function domainStatements(strategies: Strategies): DomainStatements {
  return new Statements((caller: Caller) => new DomainContext(caller, strategies));
}
