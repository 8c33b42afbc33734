import { write, writeSync } from 'node:fs';

const STDOUT = 1;
/** How much of the log is collected before it is written, in characters, and how long it may wait, in ms. */
const COLLECTED_LENGTH = 16_000;
const DELAY_MS = 100;
/** How much may wait for a reader that stands still, in characters; lines beyond that are lost. */
const MAX_WAITING_LENGTH = 16_000_000;
/** Longest wait at the exit for a reader that is slow, and time between two attempts, in ms. */
const EXIT_TIMEOUT_MS = 1_000;
const EXIT_RETRY_MS = 10;

/**
 * Standard output, some lines at a time, because a write for each would be a tenth of the server's work. What is left is
 * written when the process exits. Lines are lost where their reader has gone away: pino's own stream would wait for it at
 * the exit, for ever.
 */
export class LogOutput {
  #lines = '';
  /** What of earlier lines the reader has not taken. */
  #rest: Buffer = Buffer.alloc(0);
  #isWriting = false;
  #isGone = false;
  #timer: NodeJS.Timeout | undefined;

  write(line: string): void {
    if (this.#isGone || this.#lines.length > MAX_WAITING_LENGTH) return;
    if (this.#timer === undefined) {
      this.#timer = setInterval(() => this.#flush(), DELAY_MS).unref();
      process.once('exit', () => this.#flushAtExit());
    }
    this.#lines += line;
    if (this.#lines.length >= COLLECTED_LENGTH) this.#flush();
  }

  #flush(): void {
    if (this.#isWriting) return;
    const bytes = this.#take();
    if (bytes.length === 0) return;
    this.#isWriting = true;
    write(STDOUT, bytes, (error, written) => {
      this.#isWriting = false;
      if (isBusy(error)) {
        this.#rest = bytes;
      } else if (error !== null) {
        this.#isGone = error.code === 'EPIPE';
        if (this.#isGone) clearInterval(this.#timer);
      } else {
        this.#rest = bytes.subarray(written);
        if (this.#rest.length > 0 || this.#lines.length >= COLLECTED_LENGTH) this.#flush();
      }
    });
  }

  #flushAtExit(): void {
    if (this.#isGone) return;
    const deadline = Date.now() + EXIT_TIMEOUT_MS;
    let bytes = this.#take();
    while (bytes.length > 0) {
      try {
        bytes = bytes.subarray(writeSync(STDOUT, bytes));
      } catch (error) {
        if (!isBusy(error) || Date.now() > deadline) return;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, EXIT_RETRY_MS);
      }
    }
  }

  #take(): Buffer {
    const bytes = Buffer.concat([this.#rest, Buffer.from(this.#lines)]);
    this.#rest = Buffer.alloc(0);
    this.#lines = '';
    return bytes;
  }
}

/** Whether the reader takes nothing at the moment. */
function isBusy(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EAGAIN' || error.code === 'EBUSY');
}
