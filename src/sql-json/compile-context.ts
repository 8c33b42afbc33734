import { errorMark } from './encoded-json.js';

/** What is shared while one statement is compiled. */
export abstract class CompileContext {
  /** What stands in the answer as errors. */
  readonly errors: Error[] = [];
  /** Maximum size, in bytes, of an answer. */
  abstract readonly maxBytes: number;
  #isReusable = true;

  /** Whether the statement serves every caller of its kind, so that it may be kept. */
  get isReusable(): boolean {
    return this.#isReusable;
  }

  /** The caller itself. A statement for which this was called is not kept. */
  abstract actualCaller(): object;

  /** To be called when something of this request alone goes into the statement. */
  protected useOnce(): void {
    this.#isReusable = false;
  }

  /** Refuses a part of what is asked for; returns the text that stands in its place. */
  refuse(error: Error): string {
    return errorMark(this.errors.push(error) - 1);
  }
}
