import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import type { Allowed, Shot } from './attack.ts';

/** Most bytes of an answer that are kept to be looked at, and after which nothing more is read. */
const KEPT_BYTES = 20_000_000;
const READ_BYTES = 60_000_000;

/** What came of a request. */
export interface Outcome {
  /** `closed`: without an answer. `timeout`: nothing, or not all of it, in time. `cut`: more than anybody reads. */
  readonly end: 'answered' | 'closed' | 'left' | 'timeout' | 'cut';
  readonly status: number | null;
  /** Codes of the errors, each once. */
  readonly codes: readonly string[];
  readonly bytes: number;
  readonly ms: number;
  /** The beginning of the body. */
  readonly text: string;
}

export interface SendOptions {
  readonly port: number;
  readonly key: string | null;
  readonly timeoutMs: number;
  /** Ends the request early, as if its time were over. */
  readonly signal?: AbortSignal;
}

/** Sends a request, and never throws: whatever the server does is an outcome. */
export function send(shot: Shot, options: SendOptions): Promise<Outcome> {
  return shot.raw === undefined ? sendRequest(shot, options) : sendRaw(shot, shot.raw, options);
}

/** Whether this is what may come back. */
export function isAllowed({ end, status, codes }: Outcome, allowed: readonly Allowed[]): boolean {
  if (end === 'closed' || end === 'left') return allowed.includes(end);
  if (end !== 'answered') return false;
  return allowed.some((text) => {
    const [wanted, ...wantedCodes] = text.split(' ');
    if (wanted !== String(status)) return false;
    if (wantedCodes.includes('*')) return true;
    if (wantedCodes.length === 0) return codes.length === 0;
    return codes.length > 0 && codes.every((code) => wantedCodes.includes(code));
  });
}

/** As `Allowed` would say it. */
export function nameOf({ end, status, codes }: Outcome): string {
  if (status === null) return end;
  return [String(status), ...codes, ...(end === 'answered' ? [] : [`(${end})`])].join(' ');
}

/** Collects an answer and tells, once, what came of it. */
class Collector {
  readonly #startedAt = performance.now();
  readonly #chunks: Buffer[] = [];
  readonly #resolve: (outcome: Outcome) => void;
  readonly #stop: () => void;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #signal: AbortSignal | undefined;
  readonly #abort = (): void => this.end('timeout');
  #bytes = 0;
  #isOver = false;
  status: number | null = null;
  isCompressed = false;

  constructor(
    shot: Shot,
    { timeoutMs, signal }: SendOptions,
    resolve: (outcome: Outcome) => void,
    stop: () => void,
  ) {
    this.#resolve = resolve;
    this.#stop = stop;
    this.#signal = signal;
    this.#timers.push(setTimeout(this.#abort, timeoutMs));
    if (shot.leaveAfterMs !== undefined)
      this.#timers.push(setTimeout(() => this.end('left'), shot.leaveAfterMs));
    signal?.addEventListener('abort', this.#abort);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  add(chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes <= KEPT_BYTES) this.#chunks.push(chunk);
    if (this.#bytes > READ_BYTES) this.end('cut');
  }

  end(end: Outcome['end']): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#signal?.removeEventListener('abort', this.#abort);
    const ms = performance.now() - this.#startedAt;
    const text = this.#text();
    this.#stop();
    this.#resolve({
      end,
      status: this.status,
      codes: codesOf(text),
      bytes: this.#bytes,
      ms,
      text: text.slice(0, 2_000),
    });
  }

  #text(): string {
    const body = Buffer.concat(this.#chunks);
    if (!this.isCompressed) return body.toString('utf8');
    try {
      return gunzipSync(body).toString('utf8');
    } catch {
      return '';
    }
  }
}

/** Most characters of a body that are looked through for codes. */
const CODES_WITHIN = 2_000_000;

function codesOf(text: string): string[] {
  if (!text.includes('"errors":')) return [];
  const codes = text.slice(0, CODES_WITHIN).matchAll(/"extensions":\{"code":"(\w+)"/g);
  return [...new Set(Array.from(codes, ([, code = '']) => code))].toSorted();
}

function sendRequest(shot: Shot, options: SendOptions): Promise<Outcome> {
  const { method = 'POST', path = '/graphql', headers = {}, body, trickle } = shot;
  return new Promise((resolve) => {
    const sent: ClientRequest = request({
      host: '127.0.0.1',
      port: options.port,
      method,
      path,
      agent: false,
      headers: {
        ...(method === 'POST' ? { 'content-type': 'application/json' } : {}),
        ...(options.key === null ? {} : { 'x-api-key': options.key }),
        ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }),
        ...headers,
      },
    });
    const collector = new Collector(shot, options, resolve, () => sent.destroy());
    sent.on('response', (response: IncomingMessage) => {
      collector.status = response.statusCode ?? null;
      collector.isCompressed = response.headers['content-encoding'] === 'gzip';
      response.on('data', (chunk: Buffer) => collector.add(chunk));
      response.on('error', () => collector.end('closed'));
      response.on('end', () => collector.end('answered'));
    });
    sent.on('error', () => collector.end('closed'));
    sent.on('close', () => collector.end('closed'));
    if (trickle === undefined) sent.end(body);
    else void drip(sent, trickle, () => collector.isOver);
  });
}

/** Most bytes that are kept for a server that does not read. */
const UNREAD_BYTES = 1_000_000;

/** Writes the pieces of a body in their time. */
async function drip(
  sent: ClientRequest,
  { piece, everyMs, times }: NonNullable<Shot['trickle']>,
  isOver: () => boolean,
): Promise<void> {
  const isWanted = (): boolean => !isOver() && !sent.destroyed;
  for (let count = 0; count < times && isWanted(); count++) {
    sent.write(piece);
    await delay(everyMs);
    // Where nobody reads, the next piece is for later.
    while (sent.writableLength > UNREAD_BYTES && isWanted()) await delay(5);
  }
  if (!isOver()) sent.end();
}

function sendRaw(shot: Shot, raw: string, options: SendOptions): Promise<Outcome> {
  return new Promise((resolve) => {
    const socket = connect(options.port, '127.0.0.1');
    const collector = new Collector(shot, options, resolve, () => socket.destroy());
    socket.on('connect', () => socket.write(raw, 'latin1'));
    if (shot.unread === true) socket.pause();
    else
      socket.on('data', (chunk: Buffer) => {
        collector.status ??= Number(/^HTTP\/1\.[01] (\d{3})/.exec(chunk.toString('latin1'))?.[1] ?? 0);
        collector.add(chunk);
      });
    socket.on('error', () => collector.end(collector.status === null ? 'closed' : 'answered'));
    socket.on('close', () => collector.end(collector.status === null ? 'closed' : 'answered'));
  });
}
