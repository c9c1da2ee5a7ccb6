/**
 * Figures of merit from scores and labels. All are computed from a Tally, so equal scores are equal
 * everywhere: they are never ordered by their place in the data. Browser-safe.
 */
import { LlsmError } from '../base/errors.ts';
import { Random } from '../base/random.ts';

/** Counts of positives and negatives at each distinct score, from the highest score down. */
export interface Tally {
  scores: Float64Array;
  /** Number (or weight) of positives with that score; of negatives likewise. */
  positive: Float64Array;
  negative: Float64Array;
}

/** Scores sorted once, to be tallied under any number of weightings. */
export class Ranking {
  /** The distinct scores, descending. */
  readonly scores: Float64Array;
  /** The place of each score given in `scores`. */
  readonly #place: Uint32Array;

  /** Sorts the scores. @throws LlsmError where a score is not a number */
  constructor(scores: ArrayLike<number>) {
    const sorted = Float64Array.from(scores).sort();
    // NaN sorts last, before the order is turned round.
    if (Number.isNaN(sorted[sorted.length - 1])) {
      throw new LlsmError('A score is not a number (NaN), so there are no figures');
    }
    this.scores = sorted.filter((score, k) => k === 0 || score !== sorted[k - 1]).reverse();
    this.#place = Uint32Array.from(scores, (score) => this.#placeOf(score));
  }

  #placeOf(score: number): number {
    let [low, high] = [0, this.scores.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.scores[middle] <= score) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** Tallies. @param positive how often each score counts as a positive; `negative` likewise */
  tally(positive: ArrayLike<number>, negative: ArrayLike<number>): Tally {
    const { length } = this.scores;
    const tally = {
      scores: this.scores,
      positive: new Float64Array(length),
      negative: new Float64Array(length),
    };
    this.#place.forEach((place, k) => {
      tally.positive[place] += positive[k];
      tally.negative[place] += negative[k];
    });
    return tally;
  }
}

/** Tally of labelled scores. @param labels 1 = positive (forged), 0 = negative */
export function tallyOf(scores: ArrayLike<number>, labels: ArrayLike<number>): Tally {
  if (scores.length !== labels.length) {
    throw new Error(`${scores.length} scores, ${labels.length} labels`);
  }
  return new Ranking(scores).tally(
    labels,
    Float64Array.from(labels, (label) => 1 - label),
  );
}

const sum = (values: Float64Array): number => values.reduce((total, value) => total + value, 0);

/** Reason why AUC, AP and EER are NaN for this tally; undefined where they are not. */
export function lacking(
  { positive, negative }: Tally,
  [positives, negatives] = ['forged faces', 'real faces'],
): string | undefined {
  const [p, n] = [sum(positive), sum(negative)];
  if (p > 0 && n > 0) return undefined;
  if (p > 0) return `only ${positives}`;
  return n > 0 ? `only ${negatives}` : `no ${positives}, no ${negatives}`;
}

/**
 * Area under the ROC curve: the share of (positive, negative) pairs in the right order, equal
 * scores counted as half (mid-ranks; the trapezoid rule of scikit-learn's roc_auc_score).
 * @returns NaN where a class is missing
 */
export function rocAuc({ positive, negative }: Tally): number {
  let [above, area] = [0, 0];
  for (let k = 0; k < positive.length; k++) {
    area += negative[k] * (above + positive[k] / 2);
    above += positive[k];
  }
  return area / (above * sum(negative));
}

/**
 * Average precision: sum over the distinct scores, descending, of (R_k - R_k-1) * P_k, without
 * interpolation (scikit-learn's average_precision_score).
 * @returns NaN where a class is missing
 */
export function averagePrecision(tally: Tally): number {
  if (lacking(tally)) return Number.NaN;
  const { positive, negative } = tally;
  let [tp, fp, area] = [0, 0, 0];
  for (let k = 0; k < positive.length; k++) {
    tp += positive[k];
    fp += negative[k];
    if (positive[k] > 0) area += positive[k] * (tp / (tp + fp));
  }
  return area / tp;
}

/**
 * Equal error rate: the false positive rate at the point of the ROC curve where it differs least
 * from the false negative rate; at the first, from the highest threshold down, of several
 * (DeepfakeBench, metrics/utils.py). Every distinct score is a point; scikit-learn's roc_curve leaves some
 * out unless told not to (drop_intermediate=False).
 * @returns the rate, and the threshold there (positive at or above it). NaN where a class is
 *   missing, and where all scores are equal, which the rule alone would give the perfect rate 0
 */
export function eer(tally: Tally): { rate: number; threshold: number } {
  let best = { rate: Number.NaN, threshold: Number.NaN };
  if (lacking(tally)) return best;
  const { scores, positive, negative } = tally;
  const [p, n] = [sum(positive), sum(negative)];
  let [tp, fp] = [0, 0];
  let least = p * n; // where nothing is called positive, and where everything is
  for (let k = 0; k < scores.length; k++) {
    tp += positive[k];
    fp += negative[k];
    // |fnr - fpr| * p * n: in whole numbers, so that equal ones are equal.
    const difference = Math.abs((p - tp) * n - fp * p);
    if (difference < least) {
      least = difference;
      best = { rate: fp / n, threshold: scores[k] };
    }
  }
  return best;
}

/** Counts of calls at a threshold against the truth: true and false positives and negatives. */
export interface Counts {
  tp: number;
  fp: number;
  tn: number;
  fn: number;
}

/** Counts of a tally where scores at or above the threshold are called positive. */
export function countsAt({ scores, positive, negative }: Tally, threshold: number): Counts {
  const counts = { tp: 0, fp: 0, tn: 0, fn: 0 };
  scores.forEach((score, k) => {
    const called = score >= threshold;
    counts[called ? 'tp' : 'fn'] += positive[k];
    counts[called ? 'fp' : 'tn'] += negative[k];
  });
  return counts;
}

/** Fraction that is called rightly. */
export const accuracy = ({ tp, fp, tn, fn }: Counts): number => (tp + tn) / (tp + fp + tn + fn);

/** Fraction of the positives called positive; NaN where there are none. */
export const truePositiveRate = ({ tp, fn }: Counts): number => tp / (tp + fn);

/** Fraction of the negatives called positive; NaN where there are none. */
export const falsePositiveRate = ({ fp, tn }: Counts): number => fp / (fp + tn);

/** Mean of the two classes' fractions that are called rightly; NaN where a class is missing. */
export const balancedAccuracy = (counts: Counts): number =>
  (truePositiveRate(counts) + 1 - falsePositiveRate(counts)) / 2;

/** Counts over the pixels of one mask. @param truth 0 or 1 a pixel */
export function maskCounts(
  mask: ArrayLike<number>,
  truth: ArrayLike<number>,
  threshold: number,
): Counts {
  const counts = { tp: 0, fp: 0, tn: 0, fn: 0 };
  for (let k = 0; k < truth.length; k++) {
    const called = mask[k] >= threshold;
    counts[truth[k] ? (called ? 'tp' : 'fn') : called ? 'fp' : 'tn']++;
  }
  return counts;
}

/** Intersection over union of what is called positive and what is; 1 where both are empty. */
export const iou = ({ tp, fp, fn }: Counts): number => (tp + fp + fn ? tp / (tp + fp + fn) : 1);

/** F1 (Dice) of what is called positive and what is; 1 where both are empty. */
export const f1 = ({ tp, fp, fn }: Counts): number =>
  tp + fp + fn ? (2 * tp) / (2 * tp + fp + fn) : 1;

/** The histogram's bins lie evenly over logits from -16 to 16; the first and last take the rest. */
const reach = 16;
const binsPerUnit = 1024;
const bins = 2 * reach * binsPerUnit;

/**
 * AUC of more probabilities than can be kept and sorted, from a histogram of 32,768 bins, even in
 * the logit: fine near 0 and 1, where most pixels are. Probabilities in one bin count as equal.
 */
export class StreamingAuc {
  readonly #positive = new Float64Array(bins);
  readonly #negative = new Float64Array(bins);

  /**
   * @param labels 0 or 1 each; left out: all are negatives
   * @throws LlsmError where a value is not from 0 to 1
   */
  add(probabilities: ArrayLike<number>, labels?: ArrayLike<number>): void {
    for (let k = 0; k < probabilities.length; k++) {
      const p = probabilities[k];
      if (!(p >= 0 && p <= 1)) {
        throw new LlsmError(`A map holds ${p} at ${k}, where it needs a probability`);
      }
      const bin = Math.floor((Math.log(p / (1 - p)) + reach) * binsPerUnit);
      const into = labels?.[k] ? this.#positive : this.#negative;
      into[Math.min(bins - 1, Math.max(0, bin))]++;
    }
  }

  /** Takes in all that was added to another one. */
  merge(other: StreamingAuc): void {
    other.#positive.forEach((count, bin) => {
      this.#positive[bin] += count;
    });
    other.#negative.forEach((count, bin) => {
      this.#negative[bin] += count;
    });
  }

  /** Tally of the bins; `scores` are their lower ends, as logits. */
  tally(): Tally {
    return {
      scores: Float64Array.from({ length: bins }, (_, k) => (bins - 1 - k) / binsPerUnit - reach),
      positive: this.#positive.toReversed(),
      negative: this.#negative.toReversed(),
    };
  }

  /** AUC of all that was added; NaN where a class is missing. */
  get auc(): number {
    return rocAuc(this.tally());
  }

  /**
   * How far `auc` may be from the AUC of the probabilities themselves: half the share of (positive,
   * negative) pairs that fall in one bin, for each counts as half and is worth 0, half or 1.
   */
  get bound(): number {
    let together = 0;
    this.#positive.forEach((count, bin) => {
      together += count * this.#negative[bin];
    });
    return together / 2 / (sum(this.#positive) * sum(this.#negative));
  }
}

export interface BootstrapOptions {
  seed: number;
  /** Resamplings (default 1000). */
  rounds?: number;
  /** Coverage (default 0.95). */
  level?: number;
}

/**
 * Percentile bootstrap over groups (Efron 1979): whole groups, such as videos, are drawn with
 * replacement, because the items of one are not independent.
 * @param groups the group of each item
 * @param statistic of the items under weights (how often each item was drawn); rounds where it is
 *   NaN are left out
 * @returns [low, high]; NaN where there is one group only, or half of the rounds give NaN
 */
export function bootstrap(
  groups: readonly string[],
  statistic: (weights: Float64Array) => number,
  { seed, rounds = 1000, level = 0.95 }: BootstrapOptions,
): [low: number, high: number] {
  const places = new Map<string, number>();
  const groupOf = groups.map((group) => {
    if (!places.has(group)) places.set(group, places.size);
    return places.get(group) as number;
  });
  if (places.size < 2) return [Number.NaN, Number.NaN];
  const values: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const random = new Random(seed, 'bootstrap', round);
    const drawn = new Uint32Array(places.size);
    for (let k = 0; k < drawn.length; k++) drawn[random.int(drawn.length)]++;
    const value = statistic(Float64Array.from(groupOf, (group) => drawn[group]));
    if (!Number.isNaN(value)) values.push(value);
  }
  if (values.length <= rounds / 2) return [Number.NaN, Number.NaN];
  values.sort((a, b) => a - b);
  return [quantile(values, (1 - level) / 2), quantile(values, (1 + level) / 2)];
}

/** Quantile q (0 to 1) of ascending values, with straight lines between them (numpy's default). */
function quantile(sorted: readonly number[], q: number): number {
  const at = q * (sorted.length - 1);
  const low = Math.floor(at);
  const high = Math.min(sorted.length - 1, low + 1);
  return sorted[low] + (at - low) * (sorted[high] - sorted[low]);
}
