/** Dissimilarity of pairs as a person can read it: one patch of the face against all others. */

/** A patch of the face and how it differs from the others. */
export interface Patch {
  /** Its position, row by row. */
  position: number;
  row: number;
  column: number;
  /** Mean dissimilarity to the other positions, 0 to 1. */
  mean: number;
  /** Dissimilarity [side, side] to every position; 0 at its own. */
  others: Float32Array;
}

/** The positions of a map of pairs, in a square of this side. */
export const sideOf = (dissimilarity: Float32Array): number =>
  Math.round(dissimilarity.length ** 0.25);

/**
 * The patches that differ most from the rest of the face, most suspicious first; each lies at least a
 * quarter of the face from those before it, so that they show different places.
 * @param dissimilarity [HW, HW], 0 to 1; of the two values of a pair the mean counts
 * @param count how many at most
 */
export function suspiciousPatches(dissimilarity: Float32Array, count: number): Patch[] {
  const side = sideOf(dissimilarity);
  const positions = side * side;
  const between = (i: number, j: number): number =>
    i === j ? 0 : (dissimilarity[i * positions + j] + dissimilarity[j * positions + i]) / 2;
  const means = Float64Array.from({ length: positions }, (_, i) => {
    let sum = 0;
    for (let j = 0; j < positions; j++) sum += between(i, j);
    return sum / Math.max(1, positions - 1);
  });
  const order = [...means.keys()].sort((a, b) => means[b] - means[a] || a - b);
  const chosen: Patch[] = [];
  for (const position of order) {
    if (chosen.length === count) break;
    const [row, column] = [Math.floor(position / side), position % side];
    const far = chosen.every(
      (patch) => Math.hypot(patch.row - row, patch.column - column) >= side / 4,
    );
    if (!far) continue;
    const others = Float32Array.from({ length: positions }, (_, j) => between(position, j));
    chosen.push({ position, row, column, mean: means[position], others });
  }
  return chosen;
}
