import type { Gpu } from '../src/gpu/device.ts';
import type { Plan } from '../src/graph/replay.ts';

export interface Timing {
  /** Of one run: the median of the samples. */
  milliseconds: number;
  low: number;
  high: number;
  /** The first run, in which the driver compiles. */
  first: number;
  samples: number;
  /** Runs in a sample. */
  repeats: number;
}

export interface Effort {
  /** Measurements that the median is taken of. */
  samples: number;
  /** A sample repeats what is timed until it takes so many milliseconds. */
  sampleMilliseconds: number;
  /** No sample is begun after so many milliseconds, once there is one. */
  mostMilliseconds: number;
}

/** Makes so many runs ready, and returns what queues them: the clock starts in between. */
export type Runs = (times: number) => () => void;

/** Runs one after the other, as their caller would queue them: what that costs is timed too. */
export const oneByOne =
  (run: () => void): Runs =>
  (times) =>
  () => {
    for (let i = 0; i < times; i++) run();
  };

/** Replays of a plan in one submit: the GPU's time alone, of what may take less than a submit does. */
export const inOneSubmit =
  (plan: Plan): Runs =>
  (times) =>
    times === 1 ? () => plan.run() : plan.repeat(times);

/** Most runs of a sample. */
const most = 10_000;

/**
 * How many runs take so many milliseconds, and what they took. Short samples say little of longer ones,
 * so the number grows by ten at most.
 */
export async function enough(
  measure: (repeats: number) => Promise<number>,
  milliseconds: number,
): Promise<{ repeats: number; taken: number }> {
  let repeats = 1;
  let taken = await measure(1);
  while (taken < milliseconds && repeats < most) {
    const factor = Math.min(10, Math.max(2, Math.ceil(milliseconds / Math.max(taken, 1e-3))));
    repeats = Math.min(most, repeats * factor);
    taken = await measure(repeats);
  }
  return { repeats, taken };
}

/**
 * Times runs by the wall clock from the first submit until the device is done. One run warms up (and
 * compiles); the next say how many runs a sample needs.
 * @param latency milliseconds from a submit to done that are not the work's own: taken off each
 *   sample, once.
 */
export async function time(gpu: Gpu, runs: Runs, effort: Effort, latency = 0): Promise<Timing> {
  const measure = async (repeats: number): Promise<number> =>
    Math.max(0, (await sample(gpu, runs, repeats)) - latency);
  await gpu.wait(gpu.device.queue.onSubmittedWorkDone());
  const first = await sample(gpu, runs, 1);
  const began = performance.now();
  const { repeats, taken } = await enough(measure, effort.sampleMilliseconds);
  const samples = [taken / repeats];
  while (samples.length < effort.samples && performance.now() - began < effort.mostMilliseconds) {
    samples.push((await measure(repeats)) / repeats);
  }
  gpu.check();
  samples.sort((a, b) => a - b);
  return {
    milliseconds: medianOf(samples),
    low: samples[0],
    high: samples[samples.length - 1],
    first,
    samples: samples.length,
    repeats,
  };
}

/** Milliseconds of so many runs, from the first submit until the device is done. */
export async function sample(gpu: Gpu, runs: Runs, repeats: number): Promise<number> {
  const queue = runs(repeats);
  const start = performance.now();
  queue();
  await gpu.wait(gpu.device.queue.onSubmittedWorkDone());
  return performance.now() - start;
}

/** The median of sorted values. */
export function medianOf(sorted: readonly number[]): number {
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
