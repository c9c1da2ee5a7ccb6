/** Reliability of probabilities: of the faces that get 0.7, are 70 % forged? Browser-safe. */

export interface ReliabilityBin {
  /** Range of the bin's probabilities: from `low`, below `high`. */
  low: number;
  high: number;
  faces: number;
  /** Mean probability of the bin's faces; NaN without faces. */
  mean: number;
  /** Fraction of the bin's faces that is forged; NaN without faces. */
  forged: number;
}

export interface Reliability {
  bins: ReliabilityBin[];
  /**
   * Expected calibration error: |mean - forged| of the bins, weighted by their faces (Guo et al.
   * 2017, equation 5).
   */
  error: number;
}

const count = 10;

/** Bins of equal width and their error. @param scored probabilities and labels, at least one */
export function reliabilityOf(
  scored: readonly { probability: number; label: 0 | 1 }[],
): Reliability {
  const bins = Array.from({ length: count }, (_, k): ReliabilityBin => {
    const inside = scored.filter(
      ({ probability }) => Math.min(count - 1, Math.floor(probability * count)) === k,
    );
    const sum = inside.reduce((total, { probability }) => total + probability, 0);
    const forged = inside.filter(({ label }) => label === 1).length;
    return {
      ...{ low: k / count, high: (k + 1) / count, faces: inside.length },
      ...{ mean: sum / inside.length, forged: forged / inside.length },
    };
  });
  const error = bins
    .filter(({ faces }) => faces > 0)
    .reduce((sum, bin) => sum + bin.faces * Math.abs(bin.mean - bin.forged), 0);
  return { bins, error: error / scored.length };
}
