/** The probability from which a mask's pixel is called altered, chosen on faces whose mask is known. Browser-safe. */
import { iou } from './metrics.ts';

/** Thresholds lie this many to the unit: 0.01 to 0.99. */
const steps = 100;

/** The last of them that a probability reaches. */
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
