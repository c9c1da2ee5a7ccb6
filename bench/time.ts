import type { Gpu } from '../src/gpu/device.ts';

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

const most = 2000;

/**
 * Times `run`, which queues work, by the wall clock from the first submit until the device is
 * done. One run warms up (and compiles); the second says how many runs a sample needs.
 * @param latency milliseconds from a submit to done that are not the work's own: taken off each
 *   sample, once.
 */
export async function time(
  gpu: Gpu,
  run: () => void,
  effort: Effort,
  latency = 0,
): Promise<Timing> {
  const measure = (repeats: number): Promise<number> => sample(gpu, run, repeats);
  await gpu.wait(gpu.device.queue.onSubmittedWorkDone());
  const first = await measure(1);
  const began = performance.now();
  const once = await measure(1);
  const repeats = Math.min(most, Math.max(1, Math.ceil(effort.sampleMilliseconds / once)));
  // Where a run is a whole sample, the second run is the first sample.
  const samples = repeats === 1 ? [Math.max(0, once - latency)] : [];
  while (
    samples.length < effort.samples &&
    (samples.length === 0 || performance.now() - began < effort.mostMilliseconds)
  ) {
    samples.push(Math.max(0, (await measure(repeats)) - latency) / repeats);
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
export async function sample(gpu: Gpu, run: () => void, repeats: number): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < repeats; i++) run();
  await gpu.wait(gpu.device.queue.onSubmittedWorkDone());
  return performance.now() - start;
}

/** The median of sorted values. */
export function medianOf(sorted: readonly number[]): number {
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
