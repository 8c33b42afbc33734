/**
 * The load generator, a process of its own: keeps connections to a server busy, a request at a time on each, and
 * tells how many were answered and how fast. It speaks only as much HTTP as the contestants do, which costs the
 * machine less than any client would.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface Job {
  readonly port: number;
  /** Whole HTTP requests, sent in this order, again and again. */
  readonly requests: readonly string[];
  readonly connections: number;
  /** When no further request is sent, in ms from the start. */
  readonly ms: number;
  /** Most requests to be sent. */
  readonly atMost?: number;
}

/** What came back, to be compared with what should have. */
export interface Sample {
  /** Which of the requests. */
  readonly index: number;
  readonly body: string;
}

export interface Result {
  readonly count: number;
  /** From the first request to the last answer, in ms. */
  readonly ms: number;
  readonly medianMs: number;
  readonly p99Ms: number;
  readonly samples: readonly Sample[];
}

/** One answer of so many is kept. */
const SAMPLE_EVERY = 53;
const SAMPLES_MAX = 100;

class Run {
  readonly #requests: readonly Buffer[];
  readonly #job: Job;
  #startedAt = 0;
  readonly #times: number[] = [];
  readonly #samples: Sample[] = [];
  #next = 0;

  constructor(job: Job) {
    this.#job = job;
    this.#requests = job.requests.map((text) => Buffer.from(text));
  }

  async result(): Promise<Result> {
    const sockets = Array.from({ length: this.#job.connections }, () =>
      connect(this.#job.port, '127.0.0.1').setNoDelay(),
    );
    // Connecting is not what is measured, and takes long beside a short round.
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    this.#startedAt = performance.now();
    await Promise.all(sockets.map((socket) => this.#keepBusy(socket)));
    const ms = performance.now() - this.#startedAt;
    const sorted = Float64Array.from(this.#times).toSorted();
    const at = (share: number): number => sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
    return {
      count: sorted.length,
      ms,
      medianMs: at(0.5),
      p99Ms: at(0.99),
      samples: this.#samples,
    };
  }

  #keepBusy(socket: Socket): Promise<void> {
    return new Promise((resolve, reject) => {
      let rest: Buffer = Buffer.alloc(0);
      let index = 0;
      let sentAt = 0;
      const send = (): void => {
        const now = performance.now();
        if (now - this.#startedAt >= this.#job.ms || this.#next >= (this.#job.atMost ?? Infinity)) {
          socket.end();
          resolve();
          return;
        }
        index = this.#next++ % this.#requests.length;
        sentAt = now;
        socket.write(this.#requests[index] ?? '');
      };
      socket.on('error', reject);
      socket.on('close', () => reject(new Error('The server closed a connection.')));
      socket.on('data', (chunk: Buffer) => {
        rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
        const end = endOfAnswer(rest, socket);
        if (end === null || rest.length < end.at) return;
        this.#times.push(performance.now() - sentAt);
        if (this.#times.length % SAMPLE_EVERY === 1 && this.#samples.length < SAMPLES_MAX) {
          this.#samples.push({ index, body: rest.toString('utf8', end.head, end.at) });
        }
        rest = Buffer.alloc(0);
        send();
      });
      send();
    });
  }
}

/** Where head and body of an answer end; null while the head is not whole. */
function endOfAnswer(bytes: Buffer, socket: Socket): { head: number; at: number } | null {
  const head = bytes.indexOf('\r\n\r\n');
  if (head === -1) return null;
  const text = bytes.toString('latin1', 0, head);
  const length = /\r\ncontent-length: *(\d+)/i.exec(text)?.[1];
  if (!text.startsWith('HTTP/1.1 200 ') || length === undefined) {
    socket.destroy(new Error(`An answer was not 200 with a length: ${bytes.toString('utf8', 0, 1_000)}`));
    return null;
  }
  return { head: head + 4, at: head + 4 + Number(length) };
}

process.on('message', (job: Job) => {
  new Run(job).result().then(
    (result) => process.send?.({ result }),
    (error: unknown) => process.send?.({ error: String(error) }),
  );
});
