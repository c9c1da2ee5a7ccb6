import type { Gpu } from './device.ts';
import { type PreparedDispatch, submit } from './dispatch.ts';

/** A dispatch, and what it is expected to cost: arithmetic, and bytes read or written. */
export interface Work extends PreparedDispatch {
  flops: number;
  bytes: number;
}

/**
 * Rates expected of an adapter until its first replay is measured: rather too low. The GPU of a phone
 * or of an old laptop does little more than a software driver, and its driver gives up after 2 s.
 */
const rates = {
  software: { flops: 2e10, bytes: 2e9, milliseconds: 0.02 },
  hardware: { flops: 2e10, bytes: 5e9, milliseconds: 0.01 },
};

/** Limit of the factor by which a measurement lowers an expectation: one may come out as 0. */
const mostShrink = 2;

/**
 * Dispatches that are replayed together, in as few submits as their time allows. How long each takes
 * is guessed from its work at first, then learned from how long the submits took.
 */
export class Submits {
  /** Milliseconds expected of each dispatch. */
  readonly #expected: Float64Array;
  #runs = 0;
  #measuring = false;

  constructor(
    private readonly gpu: Pick<Gpu, 'device' | 'software' | 'wait' | 'longestSubmit'>,
    private readonly work: readonly Work[],
    private readonly clock = () => performance.now(),
  ) {
    const rate = gpu.software ? rates.software : rates.hardware;
    this.#expected = Float64Array.from(
      work,
      ({ flops, bytes }) => rate.milliseconds + 1000 * (flops / rate.flops + bytes / rate.bytes),
    );
  }

  /**
   * Queues one replay.
   * @param most milliseconds a submit (default: the device's); a dispatch that takes longer is a submit
   *   of its own
   */
  run(most = this.gpu.longestSubmit): void {
    const cuts = this.cut(most);
    // In the first run the driver compiles; that is no measure of the next ones.
    const measured = this.#runs++ > 0 && !this.#measuring;
    const done = (): Promise<number> =>
      this.gpu.wait(this.gpu.device.queue.onSubmittedWorkDone()).then(this.clock);
    const times = measured ? [done()] : [];
    for (const [from, to] of cuts) {
      submit(this.gpu.device, this.work.slice(from, to));
      if (measured) times.push(done());
    }
    if (!measured) return;
    this.#measuring = true;
    Promise.all(times)
      .then((at) => {
        cuts.forEach(([from, to], i) => {
          this.#learn(from, to, at[i + 1] - at[i]);
        });
      })
      // Whoever waits for the results is told of a device that is lost.
      .catch(() => {})
      .finally(() => {
        this.#measuring = false;
      });
  }

  /** The dispatches of each submit, as ranges without their end. */
  cut(most: number): [from: number, to: number][] {
    const cuts: [number, number][] = [];
    let from = 0;
    let sum = 0;
    this.#expected.forEach((milliseconds, i) => {
      if (i > from && sum + milliseconds > most) {
        cuts.push([from, i]);
        from = i;
        sum = 0;
      }
      sum += milliseconds;
    });
    if (this.work.length > from) cuts.push([from, this.work.length]);
    return cuts;
  }

  #learn(from: number, to: number, milliseconds: number): void {
    const range = this.#expected.subarray(from, to);
    const sum = range.reduce((a, b) => a + b, 0);
    const factor = Math.max(1 / mostShrink, milliseconds / sum);
    range.forEach((value, i) => {
      range[i] = value * factor;
    });
  }
}
