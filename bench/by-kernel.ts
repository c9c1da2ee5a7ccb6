import type { DispatchTime } from '../src/graph/replay.ts';

/** A kernel's part of one run of a network. */
export interface KernelShare {
  kernel: string;
  dispatches: number;
  milliseconds: number;
  /** Part of the time of all dispatches, 0 to 1. */
  share: number;
  /** Arithmetic a second; absent where the operation does not state it. */
  gflops?: number;
  /** Bytes bound a second: what is read twice counts once. */
  gbs: number;
}

/** The dispatches of a run by kernel, dearest first. */
export function byKernel(times: readonly DispatchTime[]): KernelShare[] {
  const sums = new Map<
    string,
    { dispatches: number; milliseconds: number; flops: number; bytes: number }
  >();
  for (const { kernel, milliseconds, flops, bytes } of times) {
    const sum = sums.get(kernel) ?? { dispatches: 0, milliseconds: 0, flops: 0, bytes: 0 };
    sum.dispatches++;
    sum.milliseconds += milliseconds;
    sum.flops += flops;
    sum.bytes += bytes;
    sums.set(kernel, sum);
  }
  const all = sumOf(times);
  const rate = (amount: number, milliseconds: number): number =>
    milliseconds > 0 ? amount / milliseconds / 1e6 : 0;
  return [...sums]
    .sort(([, a], [, b]) => b.milliseconds - a.milliseconds)
    .map(([kernel, { dispatches, milliseconds, flops, bytes }]) => ({
      kernel,
      dispatches,
      milliseconds,
      share: all > 0 ? milliseconds / all : 0,
      ...(flops > 0 && { gflops: rate(flops, milliseconds) }),
      gbs: rate(bytes, milliseconds),
    }));
}

/** Milliseconds of all dispatches. */
export const sumOf = (times: readonly DispatchTime[]): number =>
  times.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
