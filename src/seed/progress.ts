import type { WriteStream } from 'node:tty';

/** Shortest time between two drawings of the bar, in ms. */
const REDRAW_MS = 100;
const BAR_WIDTH = 24;

/** A number with commas: 1,234,567. */
export function withCommas(value: number): string {
  return value.toLocaleString('en-US');
}

/**
 * Shows how far a long job is, with its rate and the time left: a bar that is redrawn on a terminal, and
 * a line for every 10 % anywhere else.
 */
export class Progress {
  readonly #startedAt = performance.now();
  #drawnAt = -Infinity;
  #nextLine = 10;

  constructor(
    private readonly stream: WriteStream,
    private readonly total: number,
    /** What is counted, in the plural. */
    private readonly unit: string,
  ) {}

  /** Says how many of the total are done. */
  update(done: number): void {
    const percent = Math.floor((done / this.total) * 100);
    if (this.stream.isTTY) {
      const now = performance.now();
      if (done < this.total && now - this.#drawnAt < REDRAW_MS) return;
      this.#drawnAt = now;
      const filled = Math.round((done / this.total) * BAR_WIDTH);
      const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled);
      // A line that wraps could not be redrawn.
      const line = `${bar} ${this.#text(done, percent)}`.slice(0, (this.stream.columns || 80) - 1);
      this.stream.write(`\r${line}\x1b[K`);
    } else if (percent >= this.#nextLine) {
      this.#nextLine = Math.floor(percent / 10) * 10 + 10;
      this.stream.write(`${this.#text(done, percent)}\n`);
    }
  }

  /** Ends the bar's line, so that what is printed next has one of its own. */
  end(): void {
    if (this.stream.isTTY) this.stream.write('\n');
  }

  #text(done: number, percent: number): string {
    const state = `${percent} %  ${withCommas(done)} ${this.unit}`;
    if (done === 0) return state;
    const seconds = (performance.now() - this.#startedAt) / 1_000;
    const rate = done / seconds;
    const left = Math.ceil((this.total - done) / rate);
    const time = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`;
    return `${state}  ${withCommas(Math.round(rate))}/s  ETA ${time}`;
  }
}
