import type { HostTensor } from '../../src/model/safetensors.ts';
import type { Task } from './task.ts';

/** The largest difference of a tensor, over the largest value of ours. */
function difference(ours: HostTensor, theirs: HostTensor | undefined): number {
  if (theirs?.data.length !== ours.data.length) return Infinity;
  let [most, scale] = [0, 0];
  for (let i = 0; i < ours.data.length; i++) {
    const distance = Math.abs(ours.data[i] - theirs.data[i]);
    // A comparison with NaN is false.
    if (!(distance <= most)) most = distance;
    scale = Math.max(scale, Math.abs(ours.data[i]));
  }
  if (Number.isNaN(most)) return Infinity;
  return scale > 0 ? most / scale : most;
}

/** How two sets of outputs differ, and whether that is rounding. */
export interface Agreement {
  /** The largest difference of any output (of gradients: the median tensor's), relative to ours. */
  difference: number;
  tolerance: number;
  /** The output furthest off. */
  worst: string;
  agrees: boolean;
}

/**
 * Relative to an output's largest value. Of the pair loss PyTorch in 32 bits sums HW * HW terms so
 * that its gradient of the weights is 1.2e-4 from its own in 64 bits at HW = 3,136 (ours 1.1e-6).
 * Of a network: its outputs and losses.
 */
const tolerances = { pointwise: 1e-4, depthwise: 1e-4, pairs: 3e-4, network: 2e-4 };
/**
 * Of a network's gradients, the median tensor and the worst one: a ReLU or a maximum that flips
 * within rounding moves single tensors, so that PyTorch in 32 bits is as far from itself in 64.
 */
const gradient = { median: 5e-3, worst: 5e-2 };

/**
 * Compares a peer's outputs with ours. What a peer computes besides does not matter; what it leaves
 * out does.
 */
export function compare(
  task: Task,
  ours: ReadonlyMap<string, HostTensor>,
  theirs: ReadonlyMap<string, HostTensor>,
): Agreement {
  const differences = [...ours]
    .map(([name, tensor]) => ({ name, value: difference(tensor, theirs.get(name)) }))
    .sort((a, b) => a.value - b.value);
  const plain = differences.filter(({ name }) => !name.startsWith('grad.'));
  const gradients = differences.filter(({ name }) => name.startsWith('grad.'));
  const tolerance = tolerances[task.kind];
  const worst = plain[plain.length - 1];
  if (gradients.length === 0 || worst.value > tolerance) {
    return {
      difference: worst.value,
      tolerance,
      worst: worst.name,
      agrees: worst.value <= tolerance,
    };
  }
  const median = gradients[gradients.length >> 1].value;
  const furthest = gradients[gradients.length - 1];
  return {
    difference: median,
    tolerance: gradient.median,
    worst: furthest.name,
    agrees: median <= gradient.median && furthest.value <= gradient.worst,
  };
}
