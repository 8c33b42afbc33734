import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { AggregatorRegistry } from 'prom-client';
import { onStopSignal, STOP_TIMEOUT_MS } from './shutdown.js';

/** How much longer than each of the others the process that started them waits, in ms. */
const STOP_MARGIN_MS = 2_000;
/** Time before another process takes the place of one that ended, in ms. */
const RESTART_DELAY_MS = 1_000;

/** What a process asks the one that started it, and is answered: the metrics of all, or null. */
type MetricsMessage = { readonly asks: 'metrics' } | { readonly metrics: string | null };

/** Whether this process is one of several behind the port. */
export const isOneOfSeveral = cluster.isWorker;

/** Whether this process is to start the others, instead of serving itself. */
export const startsOthers = (processes: number): boolean => processes > 1 && cluster.isPrimary;

/**
 * Serves by several processes behind one port, which this one starts: connections go to them in turn. One that ends
 * is replaced; where the first cannot begin to serve, this process ends with code 1, and the first has said why.
 */
export async function serveByProcesses(count: number, shutdownDelayMs: number): Promise<void> {
  const running = new Set<Worker>();
  const stopping = new AbortController();
  const start = (): Worker => {
    const worker = cluster.fork();
    running.add(worker);
    worker.on('exit', () => void running.delete(worker));
    // A message to one that has just ended: its end is told by itself.
    worker.on('error', () => {});
    return worker;
  };
  const keep = (worker: Worker): void => {
    worker.on('exit', (code: number | null, signal: string | null) => {
      if (stopping.signal.aborted) return;
      process.stderr.write(
        `Process ${worker.process.pid} ended (${signal ?? code}); another takes its place.\n`,
      );
      setTimeout(() => {
        if (!stopping.signal.aborted) keep(start());
      }, RESTART_DELAY_MS);
    });
  };
  const stopAll = async (): Promise<void> => {
    stopping.abort();
    const ends = await Promise.all([...running].map(stop));
    if (!ends.every(Boolean)) throw new Error('a process of the server ended with an error.');
  };
  // Each of the others gives up by itself, or after a second signal.
  const giveUp = (): void => running.forEach((worker) => void worker.process.kill('SIGTERM'));
  onStopSignal(stopAll, giveUp, shutdownDelayMs + STOP_TIMEOUT_MS + STOP_MARGIN_MS);
  answerMetrics();

  const first = start();
  const begun = await Promise.race([
    once(first, 'listening').then(() => true),
    once(first, 'exit').then(() => false),
  ]);
  if (stopping.signal.aborted) return;
  if (!begun) process.exit(1);
  keep(first);
  for (let started = 1; started < count; started++) keep(start());
}

/** Ends a process as a signal would; returns whether it ended well. One that only starts is ended by the signal. */
async function stop(worker: Worker): Promise<boolean> {
  const exit = once(worker, 'exit') as Promise<[number | null, string | null]>;
  worker.process.kill('SIGTERM');
  const [code, signal] = await exit;
  return code === 0 || signal === 'SIGTERM';
}

function answerMetrics(): void {
  const registry = new AggregatorRegistry();
  cluster.on('message', (worker, message: object) => {
    if (!('asks' in message)) return;
    registry.clusterMetrics().then(
      (metrics) => worker.send({ metrics } satisfies MetricsMessage),
      // One of the processes ended before it answered: the next scrape does not ask it.
      () => worker.send({ metrics: null } satisfies MetricsMessage),
    );
  });
}

let asked: Promise<string | null> | undefined;

/**
 * The metrics of all processes together, asked by one of them; null when not all of them answered. Who asks while
 * another waits is given the same answer.
 */
export function metricsOfAll(): Promise<string | null> {
  asked ??= askForMetrics().finally(() => (asked = undefined));
  return asked;
}

function askForMetrics(): Promise<string | null> {
  const answer = new Promise<string | null>((resolve) => {
    const receive = (message: Extract<MetricsMessage, { readonly metrics: unknown }>): void => {
      if (!('metrics' in message)) return;
      process.off('message', receive);
      resolve(message.metrics);
    };
    process.on('message', receive);
  });
  process.send?.({ asks: 'metrics' } satisfies MetricsMessage);
  return answer;
}
