import type { FastifyInstance } from 'fastify';
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import { inspect } from 'node:util';
import type { Admission } from './admission.js';

/** Longest time that a stop may take beyond the setting SHUTDOWN_DELAY, in ms: longer than an ordinary statement may. */
export const STOP_TIMEOUT_MS = 25_000;
/** The same after an error that nobody caught. */
const CRASH_TIMEOUT_MS = 5_000;
/** The end of that time, in ms, in which what still runs is cancelled and answered. */
const GIVE_UP_MS = 2_000;
/** Signals that come this soon after each other count as one, in ms: npm and a terminal both send them. */
const REPEAT_MS = 1_000;

/** When nobody has connected or been refused for this long, in ms, and nothing runs, the server stops listening. */
const QUIET_MS = 250;
/** The same however many come, in ms from when nothing runs. */
const MAX_BUSY_MS = 2_000;
/** How often it is looked at whether that is so, in ms. */
const CHECK_EVERY_MS = 20;
/** How many turns of the event loop are waited for one in which nobody connects. */
const MAX_TURNS = 1_000;
/** After what was given up has had this long to be answered, all connections are ended, in ms. */
const ANSWER_MS = 1_500;

declare module 'fastify' {
  interface FastifyInstance {
    /** Cancels what runs, which is answered as not done, and soon ends all connections. */
    giveUp(): void;
  }
}

/**
 * Lets `close()` first go on as before for some time, so that whoever asks for readiness notices, then refuse what is
 * new, answer all that has begun, and only then stop listening. Every answer meanwhile tells the client to close its
 * connection: one that was closed by the server could be reset under a request that is on its way.
 */
export function finishBeforeClose(app: FastifyInstance, admission: Admission, delayMs: number): void {
  const hurry = new AbortController();
  let connectedAt = 0;
  app.server.on('connection', () => {
    connectedAt = performance.now();
  });
  app.addHook('preClose', async () => {
    if (!app.server.listening) return;
    admission.isStopping = true;
    await delay(delayMs, undefined, { signal: hurry.signal }).catch(() => {});
    admission.isClosed = true;
    let idleSince = performance.now();
    for (const closedAt = idleSince; ;) {
      await delay(CHECK_EVERY_MS);
      const now = performance.now();
      if (admission.runningCount > 0) idleSince = now;
      const isQuiet = now - Math.max(closedAt, connectedAt, admission.lastRefusedAt) > QUIET_MS;
      if (now - idleSince > MAX_BUSY_MS || (admission.runningCount === 0 && isQuiet)) break;
      if (hurry.signal.aborted && admission.runningCount === 0) break;
    }
    // A connection that waits to be accepted would be reset.
    for (let turn = 0, last = -1; turn < MAX_TURNS && last !== connectedAt; turn++) {
      last = connectedAt;
      await nextTurn();
    }
    app.server.close();
    const idle = setInterval(() => app.server.closeIdleConnections(), CHECK_EVERY_MS);
    app.server.once('close', () => clearInterval(idle));
  });
  app.decorate('giveUp', () => {
    hurry.abort();
    admission.giveUp();
    setTimeout(() => app.server.closeAllConnections(), ANSWER_MS).unref();
  });
}

/**
 * Runs `stop` on SIGTERM or SIGINT, then ends the process with code 0; with code 1 when it fails or takes too long. What
 * then still runs is given up before. A second signal gives it up at once, and the code is 1. An error that nobody caught
 * ends the process with code 1, after what has begun.
 *
 * @param timeoutMs longest time that `stop` may take
 */
export function onStopSignal(stop: () => Promise<void>, giveUp: () => void, timeoutMs: number): void {
  let since: number | undefined;
  let code: 0 | 1 = 0;
  const end = (ms: number): void => {
    since = Date.now();
    setTimeout(giveUp, ms - GIVE_UP_MS).unref();
    setTimeout(() => process.exit(1), ms).unref();
    stop().then(
      () => process.exit(code),
      (error: unknown) => {
        process.stderr.write(`Could not stop cleanly: ${String(error)}\n`);
        process.exit(1);
      },
    );
  };
  const receive = (): void => {
    if (since === undefined) end(timeoutMs);
    else if (Date.now() - since > REPEAT_MS) {
      code = 1;
      giveUp();
      setTimeout(() => process.exit(1), GIVE_UP_MS).unref();
    }
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
