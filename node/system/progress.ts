/** Progress of a long piece of work, on standard error (Node only). */
import { SingleBar } from 'cli-progress';

export interface ProgressOptions {
  label: string;
  /** Units of work in all: steps, images. */
  total: number;
  /** Units done before, by the run that is being resumed. */
  done?: number;
  /** Images in one unit; default 1. */
  images?: number;
  stream?: NodeJS.WriteStream;
  /** Milliseconds between two lines where the stream is no terminal. */
  every?: number;
  /** The clock, in milliseconds. */
  now?: () => number;
}

/** Span of the rate: the last half minute, so that a slow start does not linger in it. */
const WINDOW_MS = 30_000;
const TERMINAL_MS = 250;

/**
 * A line that is redrawn on a terminal; elsewhere a plain line every few seconds. Standard output
 * is never touched.
 */
export class Progress {
  readonly #label: string;
  readonly #total: number;
  readonly #images: number;
  readonly #stream: NodeJS.WriteStream;
  readonly #every: number;
  readonly #now: () => number;
  readonly #bar: SingleBar | undefined;
  #samples: { at: number; done: number }[];
  #shown: number;
  #last = '';

  constructor(options: ProgressOptions) {
    const { label, total, done = 0, images = 1, stream = process.stderr } = options;
    this.#label = label;
    this.#total = total;
    this.#images = images;
    this.#stream = stream;
    this.#now = options.now ?? (() => performance.now());
    this.#every = stream.isTTY ? TERMINAL_MS : (options.every ?? 5000);
    this.#samples = [{ at: this.#now(), done }];
    this.#shown = this.#now();
    if (stream.isTTY) {
      this.#bar = new SingleBar({
        format: `${label} {bar} {percentage}% {text}`,
        stream,
        barsize: 20,
        gracefulExit: false,
      });
      this.#bar.start(total, done, { text: '' });
    }
  }

  /**
   * @param done units done in all
   * @param values what to show beside, such as the losses
   */
  update(done: number, values: Record<string, number> = {}): void {
    const at = this.#now();
    this.#samples.push({ at, done });
    while (this.#samples.length > 2 && this.#samples[1].at < at - WINDOW_MS) this.#samples.shift();
    const shown = Object.entries(values).map(([name, value]) => `${name} ${number(value)}`);
    const text = [`${done}/${this.#total}`, ...this.#pace(done), ...shown].join('  ');
    if (this.#bar) {
      this.#bar.update(done, { text });
      return;
    }
    this.#last = text;
    if (at - this.#shown >= this.#every) this.#line(at);
  }

  /** Writes a line of its own, above the bar. */
  note(text: string): void {
    if (this.#bar) this.#stream.write('\r\x1b[K');
    this.#stream.write(`${text}\n`);
  }

  stop(): void {
    if (this.#bar) this.#bar.stop();
    else if (this.#last) this.#line(this.#now());
  }

  #line(at: number) {
    this.#stream.write(`${this.#label}  ${this.#last}\n`);
    this.#last = '';
    this.#shown = at;
  }

  #pace(done: number): string[] {
    const first = this.#samples[0];
    const last = this.#samples[this.#samples.length - 1];
    const rate = (last.done - first.done) / ((last.at - first.at) / 1000);
    if (!(rate > 0) || !Number.isFinite(rate)) return [];
    const left = done < this.#total ? [`${duration((this.#total - done) / rate)} left`] : [];
    return [`${number(rate * this.#images)} images/s`, ...left];
  }
}

/** Text of a number: three significant digits, without an exponent where it can be done. */
function number(value: number): string {
  if (!Number.isFinite(value) || value === 0) return String(value);
  const size = Math.abs(value);
  if (size >= 100) return value.toFixed(0);
  return size < 1e-4 ? value.toExponential(1) : String(Number(value.toPrecision(3)));
}

function duration(seconds: number): string {
  const s = Math.round(seconds);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${String(s % 60).padStart(2, '0')} s`;
  return `${Math.floor(s / 3600)} h ${String(Math.floor((s % 3600) / 60)).padStart(2, '0')} min`;
}

/** A bar for each of several pieces of work, begun when it is first told of. */
export class ProgressBars {
  readonly #bars = new Map<string, Progress>();

  /** Moves a bar. @param done units of `total` */
  update(label: string, done: number, total: number): void {
    const bar = this.#bars.get(label) ?? new Progress({ label, total });
    this.#bars.set(label, bar);
    bar.update(done);
  }

  /** Stops all bars. */
  stop(): void {
    for (const bar of this.#bars.values()) bar.stop();
  }
}
