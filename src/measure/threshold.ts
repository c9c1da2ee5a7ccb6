/** Choice of the probability from which a face is called forged, and a mask's pixel altered. Browser-safe. */
import { LlsmError } from '../base/errors.ts';
import { countsAt, eer, falsePositiveRate, iou, type Tally, truePositiveRate } from './metrics.ts';

/** Rule of a threshold: equal error rates, or the most forged faces found at a rate of false alarms. */
export type ThresholdRule = 'eer' | { fpr: number };

export const ruleInWords = (rule: ThresholdRule): string =>
  rule === 'eer' ? 'eer' : `fpr=${rule.fpr}`;

export interface ChosenThreshold {
  value: number;
  /** Fraction of the real faces at or above the threshold (`fpr`), and of the forged ones (`tpr`). */
  fpr: number;
  tpr: number;
}

/**
 * @throws LlsmError where a class is missing, or fewer than 1 / fpr faces are real: then no share of
 *   them says that it is `fpr`
 */
export function requireEnough(real: number, forged: number, rule: ThresholdRule): void {
  if (real === 0 || forged === 0) {
    throw new LlsmError(
      `The faces are all ${real === 0 ? 'forged' : 'real'}: a threshold needs both kinds`,
    );
  }
  if (rule !== 'eer' && real < 1 / rule.fpr) {
    throw new LlsmError(
      `There are ${real} real faces, and a false-positive rate of ${rule.fpr} needs at least ` +
        `${Math.ceil(1 / rule.fpr)}, one wrong among them: add real faces, or ask for a higher rate`,
    );
  }
}

/**
 * `eer`: the point of the equal error rate. `fpr`: the lowest threshold with at most that share of
 * the real faces at or above it. The value lies midway to the next lower score, so that it does not hang on the
 * last bit of one face's score.
 *
 * @throws LlsmError as `requireEnough`, and where no threshold does it
 */
export function chooseThreshold(tally: Tally, rule: ThresholdRule): ChosenThreshold {
  const { scores, positive, negative } = tally;
  const total = (counts: Float64Array) => counts.reduce((sum, count) => sum + count, 0);
  requireEnough(total(negative), total(positive), rule);
  const last = rule === 'eer' ? lastAtEqualRates(tally) : lastWithin(tally, rule.fpr);
  const between = (upper: number, lower: number) => {
    const middle = (upper + lower) / 2;
    return middle > lower ? middle : upper;
  };
  const value =
    last < 0 ? between(1, scores[0]) : between(scores[last], scores[last + 1] ?? scores[last]);
  const counts = countsAt(tally, value);
  return { value, fpr: falsePositiveRate(counts), tpr: truePositiveRate(counts) };
}

/** Index of the lowest score that is called forged at equal error rates. */
function lastAtEqualRates(tally: Tally): number {
  const { threshold } = eer(tally);
  if (Number.isNaN(threshold)) {
    throw new LlsmError(
      `All faces have the score ${tally.scores[0]}: no threshold tells them apart. Train the ` +
        'network, or look at the pictures',
    );
  }
  return tally.scores.indexOf(threshold);
}

/** Index of the lowest score that is called forged at this rate; -1 where even the highest is not. */
function lastWithin({ scores, negative }: Tally, fpr: number): number {
  const reals = negative.reduce((sum, count) => sum + count, 0);
  let above = 0;
  let last = -1;
  while (last + 1 < scores.length && above + negative[last + 1] <= fpr * reals + 1e-9) {
    above += negative[++last];
  }
  if (last < 0 && scores[0] >= 1) {
    throw new LlsmError(
      `${negative[0]} of ${reals} real faces have a probability of 1: no threshold gives a ` +
        `false-positive rate of ${fpr}`,
    );
  }
  return last;
}

/** Number of steps between thresholds from 0 to 1: they are 0.01 to 0.99. */
const steps = 100;

/** Step of the last threshold that a probability reaches. */
function stepOf(probability: number): number {
  const step = Math.min(steps - 1, Math.floor(probability * steps));
  // The product may be rounded down past a threshold that the probability equals.
  return step + 1 < steps && probability >= (step + 1) / steps ? step + 1 : step;
}

/** Mean IoU over any number of masks at every threshold, without keeping a mask. */
export class MaskThresholds {
  readonly #iou = new Float64Array(steps);
  #faces = 0;

  /** Masks that were added. */
  get faces(): number {
    return this.#faces;
  }

  /**
   * @param mask [S, S] of probabilities
   * @param truth likewise, 1 where altered
   */
  add(mask: ArrayLike<number>, truth: ArrayLike<number>): void {
    const altered = new Float64Array(steps);
    const untouched = new Float64Array(steps);
    for (let k = 0; k < truth.length; k++) (truth[k] ? altered : untouched)[stepOf(mask[k])]++;
    const all = altered.reduce((sum, count) => sum + count, 0);
    let [tp, fp] = [0, 0];
    for (let step = steps - 1; step > 0; step--) {
      tp += altered[step];
      fp += untouched[step];
      this.#iou[step] += iou({ tp, fp, fn: all - tp, tn: 0 });
    }
    this.#faces++;
  }

  /** The threshold with the highest mean IoU (the lowest of equal ones), and that IoU. NaN without faces. */
  best(): { value: number; iou: number } {
    if (this.#faces === 0) return { value: Number.NaN, iou: Number.NaN };
    const step = this.#iou.indexOf(Math.max(...this.#iou.subarray(1)), 1);
    return { value: step / steps, iou: this.#iou[step] / this.#faces };
  }
}
