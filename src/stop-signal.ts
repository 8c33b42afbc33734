/** Longest time that a stop may take, in ms: longer than any statement may. */
const STOP_TIMEOUT_MS = 25_000;
/** Signals that come this soon after each other count as one, in ms: npm and a terminal both send them. */
const REPEAT_MS = 1_000;

/**
 * Runs `stop` on SIGTERM or SIGINT, then ends the process with code 0; with code 1 when it fails, takes
 * too long, or a second signal asks for an end at once.
 */
export function onStopSignal(stop: () => Promise<void>): void {
  let since: number | undefined;
  const receive = (): void => {
    if (since !== undefined) {
      if (Date.now() - since > REPEAT_MS) process.exit(1);
      return;
    }
    since = Date.now();
    setTimeout(() => process.exit(1), STOP_TIMEOUT_MS).unref();
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`Could not stop cleanly: ${String(error)}\n`);
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', receive);
  process.on('SIGINT', receive);
}
