import { identityOf, type Caller } from '../auth/caller.js';
import type { Position } from '../lists/cursor.js';
import type { Strategies } from '../domain/strategies/strategies.js';
import { Slot } from './params.js';
import { errorMark } from './encoded-json.js';

/** What a statement is given each time that it is run. */
export interface Given {
  readonly caller: Caller;
  /** By what something is looked up: an id, or several. */
  readonly key?: unknown;
  /** The window of a page. */
  readonly after?: Position | null;
  readonly before?: Position | null;
}

const apiKey = Slot.for(({ caller }) => identityOf(caller).apiKey ?? '');
const oauthUserId = Slot.for(({ caller }) => identityOf(caller).oauthUserId ?? '');

/** Callers of each kind, with slots for their identities. */
const CALLERS: { readonly [Kind in Caller['kind']]: Extract<Caller, { readonly kind: Kind }> } = {
  anonymous: { kind: 'anonymous' },
  apiKey: { kind: 'apiKey', apiKey },
  oauth: { kind: 'oauth', oauthUserId },
  apiKeyAndOAuth: { kind: 'apiKeyAndOAuth', apiKey, oauthUserId },
  admin: { kind: 'admin', apiKey, oauthUserId },
};

/** For whom a statement is made, and what is refused of it. */
export class Reader {
  /** Decides what may be seen. Its identities are slots: the statement serves every caller of its kind. */
  readonly caller: Caller;
  /** What stands in the answer as errors. */
  readonly errors: Error[] = [];
  readonly #actualCaller: Caller;
  #isForAll = true;

  constructor(
    caller: Caller,
    /** Which strategies there are. */
    readonly strategies: Strategies,
  ) {
    this.caller = CALLERS[caller.kind];
    this.#actualCaller = caller;
  }

  /** The caller itself. Who looks at it makes a statement for this caller alone. */
  get actualCaller(): Caller {
    this.#isForAll = false;
    return this.#actualCaller;
  }

  /** Whether the statement serves every caller of this kind. */
  get isForAll(): boolean {
    return this.#isForAll;
  }

  /** Refuses a part of what is read; answers the text that stands in its place. */
  refuse(error: Error): string {
    return errorMark(this.errors.push(error) - 1);
  }
}
