/** A face where a network has its input, in pixels of it: [x, y, w, h]. */
export interface Candidate {
  box: [number, number, number, number];
  /** A score in [0, 1]. */
  score: number;
  /** Right eye, left eye, nose, right and left corner of the mouth (the person's), where the network tells. */
  points?: [number, number][];
}

export const sigmoid = (z: number): number => 1 / (1 + Math.exp(-z));

/** Area of the intersection of two boxes over that of their union. */
export function overlap(a: Candidate['box'], b: Candidate['box']): number {
  const across = Math.min(a[0] + a[2], b[0] + b[2]) - Math.max(a[0], b[0]);
  const down = Math.min(a[1] + a[3], b[1] + b[3]) - Math.max(a[1], b[1]);
  if (across <= 0 || down <= 0) return 0;
  return (across * down) / (a[2] * a[3] + b[2] * b[3] - across * down);
}

/** The best of those that overlap by more than `most`, best first (non-maximum suppression). */
export function suppress<T extends Candidate>(candidates: readonly T[], most: number): T[] {
  const kept: T[] = [];
  for (const candidate of [...candidates].sort((a, b) => b.score - a.score)) {
    if (kept.every(({ box }) => overlap(box, candidate.box) <= most)) kept.push(candidate);
  }
  return kept;
}
