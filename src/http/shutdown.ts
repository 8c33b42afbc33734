import { inspect } from 'node:util';

/** Longest time that a stop may take, in ms: longer than any statement may, but a move of games, which is then given up. */
const STOP_TIMEOUT_MS = 25_000;
/** The same after an error that nobody caught. */
const CRASH_TIMEOUT_MS = 5_000;
/** Signals that come this soon after each other count as one, in ms: npm and a terminal both send them. */
const REPEAT_MS = 1_000;

/**
 * Runs `stop` on SIGTERM or SIGINT, then ends the process with code 0; with code 1 when it fails, takes
 * too long, or a second signal asks for an end at once. An error that nobody caught ends it with code 1,
 * after what has begun.
 */
export function onStopSignal(stop: () => Promise<void>): void {
  let since: number | undefined;
  let code: 0 | 1 = 0;
  const end = (timeout: number): void => {
    since = Date.now();
    setTimeout(() => process.exit(1), timeout).unref();
    stop().then(
      () => process.exit(code),
      (error: unknown) => {
        process.stderr.write(`Could not stop cleanly: ${String(error)}\n`);
        process.exit(1);
      },
    );
  };
  const receive = (): void => {
    if (since === undefined) end(STOP_TIMEOUT_MS);
    else if (Date.now() - since > REPEAT_MS) process.exit(1);
  };
  process.on('SIGTERM', receive);
  process.on('SIGINT', receive);
  process.on('uncaughtException', (error: unknown) => {
    // With its cause, and with what hangs from it.
    process.stderr.write(`${inspect(error)}\n`);
    code = 1;
    if (since === undefined) end(CRASH_TIMEOUT_MS);
  });
}
