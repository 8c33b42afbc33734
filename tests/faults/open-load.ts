/**
 * The load generator, a process of its own: sends requests at a fixed rate, whether the server answers or not, as many
 * clients do who know nothing of each other; or so many at a time, to find out what the server can do. Who is patient waits for its answer; who is not gives up after some time,
 * ends its connection and sends the same again.
 */
import { connect, type Socket } from 'node:net';

/** Stands in a request for a number that makes it differ from all others, of as many digits. */
export const NUMBER_MARK = '#########';

export interface OpenJob {
  readonly port: number;
  /** Whole HTTP requests, sent in this order, again and again. */
  readonly requests: readonly string[];
  /** How many requests are sent in a second; or how many run at a time, each followed by the next. */
  readonly pace: { readonly perS: number } | { readonly atATime: number };
  readonly ms: number;
  /** After how long a client gives up, in ms; null: never. */
  readonly patienceMs: number | null;
  /** The first number that is put in the place of `NUMBER_MARK`. */
  readonly firstNumber: number;
}

/** What became of one request. `reset`: its connection ended without an answer. */
export type Outcome = 'done' | 'refused' | 'failed' | 'gaveUp' | 'reset';

export interface Sent {
  readonly number: number;
  readonly outcome: Outcome;
  /** When it was due, in ms from the start, and how long the answer took from then on. */
  readonly at: number;
  readonly ms: number;
}

/** How often one client sends the same, at most. */
const ATTEMPTS = 5;
/** Connections at most: who finds none free and may open no more waits for one. */
const MAX_CONNECTIONS = 2_000;
/** After the last was sent, how long answers are waited for, in ms. */
const LAST_ANSWERS_MS = 20_000;

interface Request {
  readonly number: number;
  readonly bytes: string;
  readonly at: number;
  readonly attempt: number;
}

class OpenRun {
  readonly #job: OpenJob;
  readonly #idle: Connection[] = [];
  readonly #queue: Request[] = [];
  readonly #sent: Sent[] = [];
  readonly #startedAt = performance.now();
  #number: number;
  #connections = 0;
  #pending = 0;

  constructor(job: OpenJob) {
    this.#job = job;
    this.#number = job.firstNumber;
  }

  async result(): Promise<Sent[]> {
    const { pace, ms } = this.#job;
    const perS = 'perS' in pace ? pace.perS : 0;
    if ('atATime' in pace) for (let count = 0; count < pace.atATime; count++) this.#sendNew(0);
    let due = perS === 0 ? ms : 0;
    await new Promise<void>((resolve) => {
      const tick = (): void => {
        const now = this.#now;
        for (; due <= now && due < ms; due += (-Math.log(1 - Math.random()) * 1_000) / perS) {
          this.#sendNew(due);
        }
        if (now >= ms) resolve();
        else setTimeout(tick, 1);
      };
      tick();
    });
    const end = performance.now() + LAST_ANSWERS_MS;
    while (this.#pending > 0 && performance.now() < end) {
      await new Promise<void>((resolve) => {
        setTimeout(resolve, 10);
      });
    }
    for (const connection of this.#idle) connection.end();
    return this.#sent;
  }

  get #now(): number {
    return performance.now() - this.#startedAt;
  }

  #sendNew(at: number): void {
    const { requests } = this.#job;
    const number = this.#number++;
    const template = requests[number % requests.length] ?? '';
    const bytes = template.replaceAll(NUMBER_MARK, String(number).padStart(NUMBER_MARK.length, '0'));
    this.#send({ number, bytes, at, attempt: 1 });
  }

  #send(request: Request): void {
    this.#pending++;
    const connection = this.#idle.pop();
    if (connection !== undefined) this.#sendOn(connection, request);
    else if (this.#connections >= MAX_CONNECTIONS) this.#queue.push(request);
    else {
      this.#connections++;
      this.#sendOn(new Connection(this.#job.port, this.#onEnd), request);
    }
  }

  #sendOn(connection: Connection, request: Request): void {
    const { patienceMs } = this.#job;
    const timer =
      patienceMs === null
        ? undefined
        : setTimeout(() => {
            connection.destroy();
            this.#note(request, 'gaveUp');
            const { number, bytes, attempt } = request;
            if (attempt < ATTEMPTS) this.#send({ number, bytes, at: this.#now, attempt: attempt + 1 });
          }, patienceMs);
    connection.send(request.bytes, (outcome) => {
      clearTimeout(timer);
      this.#note(request, outcome);
      if (outcome === 'reset') return;
      const next = this.#queue.shift();
      if (next === undefined) this.#idle.push(connection);
      else this.#sendOn(connection, next);
      if ('atATime' in this.#job.pace && this.#now < this.#job.ms) this.#sendNew(this.#now);
    });
  }

  #note({ number, at }: Request, outcome: Outcome): void {
    this.#pending--;
    this.#sent.push({ number, outcome, at, ms: this.#now - at });
  }

  readonly #onEnd = (connection: Connection): void => {
    this.#connections--;
    const index = this.#idle.indexOf(connection);
    if (index !== -1) this.#idle.splice(index, 1);
  };
}

/** One connection, a request at a time. */
class Connection {
  readonly #socket: Socket;
  #rest = '';
  #onAnswer: ((outcome: Outcome) => void) | null = null;

  constructor(port: number, onEnd: (connection: Connection) => void) {
    this.#socket = connect(port, '127.0.0.1').setNoDelay().setEncoding('latin1');
    this.#socket.on('data', (chunk: string) => {
      this.#rest += chunk;
      const head = this.#rest.indexOf('\r\n\r\n');
      if (head === -1) return;
      const length = Number(/\r\ncontent-length: *(\d+)/i.exec(this.#rest)?.[1]);
      if (this.#rest.length < head + 4 + length) return;
      const answer = this.#rest;
      this.#rest = '';
      this.#answer(outcomeOf(answer));
    });
    this.#socket.on('error', () => {});
    this.#socket.on('close', () => {
      onEnd(this);
      this.#answer('reset');
    });
  }

  send(bytes: string, onAnswer: (outcome: Outcome) => void): void {
    this.#onAnswer = onAnswer;
    this.#socket.write(bytes);
  }

  end(): void {
    this.#socket.end();
  }

  /** Ends it without an answer. */
  destroy(): void {
    this.#onAnswer = null;
    this.#socket.destroy();
  }

  #answer(outcome: Outcome): void {
    const onAnswer = this.#onAnswer;
    this.#onAnswer = null;
    onAnswer?.(outcome);
  }
}

function outcomeOf(answer: string): Outcome {
  if (answer.startsWith('HTTP/1.1 200 ') && !answer.includes('"errors":[')) return 'done';
  return answer.includes('SERVICE_UNAVAILABLE') ? 'refused' : 'failed';
}

process.on('message', (job: OpenJob) => {
  void new OpenRun(job).result().then((sent) => process.send?.(sent));
});
