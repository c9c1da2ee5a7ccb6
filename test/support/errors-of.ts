/** How far results are from a reference, measured as test/torch/compare.py does. */

/** max|a - b| / max|b|; NaN where a value is. */
export function maxError(ours: Float32Array, theirs: Float32Array): number {
  if (ours.length !== theirs.length) return Number.NaN;
  let most = 0;
  let scale = 0;
  for (let i = 0; i < ours.length; i++) {
    most = Math.max(most, Math.abs(ours[i] - theirs[i])); // Math.max keeps NaN
    scale = Math.max(scale, Math.abs(theirs[i]));
  }
  return most / (scale || 1);
}

const rms = (values: Float32Array): number =>
  Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);

/**
 * The relative errors ||a - b|| / ||b|| of some tensors, in ascending order. A tensor whose root mean square is
 * under 1e-6 of the largest one's is zero but for rounding, and is measured against that floor.
 */
export function normErrors(pairs: readonly [ours: Float32Array, theirs: Float32Array][]): number[] {
  const floor = 1e-6 * Math.max(...pairs.map(([, theirs]) => rms(theirs))) || 1;
  return pairs
    .map(([ours, theirs]) => {
      if (ours.length !== theirs.length) return Number.NaN;
      return rms(ours.map((value, i) => value - theirs[i])) / Math.max(rms(theirs), floor);
    })
    .sort((a, b) => a - b);
}

/** The middle one of ascending numbers. */
export const median = (sorted: readonly number[]): number => sorted[sorted.length >> 1];
