/**
 * How well masks and pair maps say where: sums over many faces, without keeping a map. Beside each
 * measure stands that of a constant predictor that looks at no picture (prior.ts), since on aligned crops
 * position alone is a strong guess. Browser-safe.
 */

import type { Detection } from '../detect/scorer.ts';
import {
  averagePrecision,
  bootstrap,
  f1,
  iou,
  maskCounts,
  Ranking,
  rocAuc,
  StreamingAuc,
  type Tally,
} from './metrics.ts';
import type { Prior } from './prior.ts';
import type { PairChoice, Truth } from './truth.ts';

/** A measure, and the constant predictor's where there is one. */
export interface Compared {
  value: number;
  constant?: number;
}

export interface MaskMeasures {
  /** Number of forged faces with a mask (`faces`), and of those called forged (`flagged`). */
  faces: number;
  flagged: number;
  /** Means over faces of IoU and F1 at the masks' threshold. */
  iou: Compared;
  f1: Compared;
  /** 95 % intervals of both means: bootstrap over videos. */
  iouInterval: [low: number, high: number];
  f1Interval: [low: number, high: number];
  iouFlagged: Compared;
  f1Flagged: Compared;
  /** AUC over all pixels of these faces; and with those of the real faces, where none is altered. */
  pixelAuc: Compared;
  pixelAucWithReal: Compared;
  /** Average precision over the pixels of both. */
  pixelApWithReal: Compared;
  /**
   * How much of what a constant leaves is gained: (measure - constant) / (1 - constant); 0: nothing, below:
   * worse than a constant. Absent without a constant predictor.
   */
  skill?: { iou: number; f1: number; pixelAucWithReal: number };
  /** Bound of the error of the network's two AUCs, which are computed from histograms. */
  bound: number;
}

/** What masks say of real faces, of which nothing is altered. */
export interface RealMaskMeasures {
  faces: number;
  /** Share of all pixels that are called altered. */
  marked: number;
  /** Share of the faces with a connected region of more than 1 % of the face crop called altered. */
  regions: number;
}

export interface PairMeasures {
  faces: number;
  /** AUC over all pairs of these faces; and with those of the real faces, where none differs. */
  auc: Compared;
  aucWithReal: Compared;
  /** Mean of one AUC over these faces for each pair of positions. A constant has 0.5. */
  aucAtFixedPairs: Compared;
  /** Number of pairs in `aucAtFixedPairs`: those looked at where some faces differ and some do not. */
  fixedPairs: number;
  bound: number;
}

/** Sums over many faces of one map (of pixels, or of pairs). */
class MapSum {
  readonly auc = new StreamingAuc();
  /** Number of faces that have a 1 at each place. */
  readonly ones: Float64Array;
  faces = 0;

  constructor(length: number) {
    this.ones = new Float64Array(length);
  }

  /** Adds a face's map. @param truth absent: 0 everywhere */
  add(values: ArrayLike<number>, truth?: Uint8Array) {
    this.auc.add(values, truth);
    truth?.forEach((one, k) => {
      this.ones[k] += one;
    });
    this.faces++;
  }

  merge(other: MapSum) {
    this.auc.merge(other.auc);
    other.ones.forEach((count, k) => {
      this.ones[k] += count;
    });
    this.faces += other.faces;
  }

  /** A measure of the maps, and of one map shown for every face. */
  compared(constant?: ArrayLike<number>, measure: (tally: Tally) => number = rocAuc): Compared {
    const value = measure(this.auc.tally());
    if (!constant) return { value };
    const zeros = this.ones.map((count) => this.faces - count);
    return { value, constant: measure(new Ranking(constant).tally(this.ones, zeros)) };
  }
}

interface Overlap {
  iou: number;
  f1: number;
}
interface MaskResult {
  video: string;
  flagged: boolean;
  ours: Overlap;
  constant?: Overlap;
}

/** The values of one face at the fixed pairs, and the truth. */
interface FixedRow {
  values: Float32Array;
  truth: Uint8Array;
}

export interface LocalisationOptions {
  /** Side of the masks. */
  size: number;
  /** Probability from which a predicted mask's pixel is called altered. */
  maskThreshold: number;
  pairs?: PairChoice;
  prior?: Prior;
  /** Seed of the intervals. */
  seed: number;
}

/** The localisation of a group of faces. */
export class Localisation {
  readonly #pixels: MapSum;
  readonly #pairs?: MapSum;
  readonly #masks: MaskResult[] = [];
  readonly #fixed: FixedRow[] = [];
  /** Of the real faces: pixels called altered, and faces with a region of them. */
  readonly #alarms = { faces: 0, marked: 0, regions: 0 };

  constructor(readonly options: LocalisationOptions) {
    this.#pixels = new MapSum(options.size ** 2);
    if (options.pairs) this.#pairs = new MapSum(options.pairs.pairs.length);
  }

  /**
   * @param truth of a forged face with a mask; absent: a real face
   * @param flagged whether it is called forged
   * @param video that the face belongs to: intervals draw whole videos
   */
  add(
    { mask, dissimilarity }: Detection,
    { flagged, video }: { flagged: boolean; video: string },
    truth?: Truth,
  ): void {
    const { pairs: choice, prior, maskThreshold } = this.options;
    if (mask) {
      this.#pixels.add(mask, truth?.pixels);
      if (truth) {
        const constant = prior && overlap(prior.mask, truth.pixels, prior.threshold);
        const ours = overlap(mask, truth.pixels, maskThreshold);
        this.#masks.push({ video, flagged, ours, constant });
      } else {
        const called = Uint8Array.from(mask, (value) => (value >= maskThreshold ? 1 : 0));
        this.#alarms.faces++;
        this.#alarms.marked += called.reduce((sum, one) => sum + one, 0) / called.length;
        const largest = largestRegion(called, Math.sqrt(called.length));
        if (largest > 0.01 * called.length) this.#alarms.regions++;
      }
    }
    if (!dissimilarity || !choice || !this.#pairs) return;
    const values = Float32Array.from(choice.pairs, (pair) => dissimilarity[pair]);
    this.#pairs.add(values, truth?.pairs);
    if (!truth?.pairs) return;
    const row = { values: new Float32Array(choice.fixed), truth: new Uint8Array(choice.fixed) };
    for (let k = 0; k < choice.fixed; k++) {
      row.values[k] = values[choice.order[k]];
      row.truth[k] = truth.pairs[choice.order[k]];
    }
    this.#fixed.push(row);
  }

  /** Takes in the faces of another group. */
  merge(other: Localisation): void {
    this.#pixels.merge(other.#pixels);
    if (other.#pairs) this.#pairs?.merge(other.#pairs);
    this.#masks.push(...other.#masks);
    this.#fixed.push(...other.#fixed);
    for (const key of ['faces', 'marked', 'regions'] as const) {
      this.#alarms[key] += other.#alarms[key];
    }
  }

  /** What the masks say of the real faces; undefined where there are none. */
  realMeasures(): RealMaskMeasures | undefined {
    const { faces, marked, regions } = this.#alarms;
    if (faces === 0) return undefined;
    return { faces, marked: marked / faces, regions: regions / faces };
  }

  #with(real: Localisation): Localisation {
    const both = new Localisation(this.options);
    both.merge(this);
    both.merge(real);
    return both;
  }

  /** Measures of the masks; undefined where the network gave none, or no face has one. */
  maskMeasures(real: Localisation): MaskMeasures | undefined {
    const masks = this.#masks;
    if (masks.length === 0) return undefined;
    const flagged = masks.filter((result) => result.flagged);
    const constant = this.options.prior?.mask;
    const pooled = this.#with(real).#pixels;
    const [iou, f1] = [meanOf(masks, 'iou'), meanOf(masks, 'f1')];
    const pixelAucWithReal = pooled.compared(constant);
    const skill = {
      iou: skillOf(iou),
      f1: skillOf(f1),
      pixelAucWithReal: skillOf(pixelAucWithReal),
    };
    return {
      faces: masks.length,
      flagged: flagged.length,
      iou,
      f1,
      iouInterval: intervalOf(masks, 'iou', this.options.seed),
      f1Interval: intervalOf(masks, 'f1', this.options.seed),
      iouFlagged: meanOf(flagged, 'iou'),
      f1Flagged: meanOf(flagged, 'f1'),
      pixelAuc: this.#pixels.compared(constant),
      pixelAucWithReal,
      pixelApWithReal: pooled.compared(constant, averagePrecision),
      ...(constant && { skill }),
      bound: Math.max(this.#pixels.auc.bound, pooled.auc.bound),
    };
  }

  /** Measures of the pair maps; undefined where the network compares no pairs, or no face has a mask. */
  pairMeasures(real: Localisation): PairMeasures | undefined {
    if (!this.#pairs || this.#fixed.length === 0) return undefined;
    const constant = this.options.prior?.pairs;
    const pooled = this.#with(real).#pairs as MapSum;
    const { value, pairs } = fixedPairAuc(this.#fixed);
    return {
      faces: this.#fixed.length,
      auc: this.#pairs.compared(constant),
      aucWithReal: pooled.compared(constant),
      aucAtFixedPairs: { value, ...(constant && { constant: 0.5 }) },
      fixedPairs: pairs,
      bound: Math.max(this.#pairs.auc.bound, pooled.auc.bound),
    };
  }
}

function overlap(mask: ArrayLike<number>, truth: Uint8Array, threshold: number): Overlap {
  const counts = maskCounts(mask, truth, threshold);
  return { iou: iou(counts), f1: f1(counts) };
}

function meanOf(results: readonly MaskResult[], key: keyof Overlap): Compared {
  const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const constants = results.flatMap(({ constant }) => (constant ? [constant[key]] : []));
  return {
    value: mean(results.map(({ ours }) => ours[key])),
    ...(constants.length > 0 && { constant: mean(constants) }),
  };
}

const skillOf = ({ value, constant = Number.NaN }: Compared): number =>
  (value - constant) / (1 - constant);

function intervalOf(
  results: readonly MaskResult[],
  key: keyof Overlap,
  seed: number,
): [low: number, high: number] {
  const values = results.map(({ ours }) => ours[key]);
  return bootstrap(
    results.map(({ video }) => video),
    (weights) => {
      let [sum, total] = [0, 0];
      for (const [k, weight] of weights.entries()) {
        sum += weight * values[k];
        total += weight;
      }
      return sum / total;
    },
    { seed },
  );
}

/** Pixels in the largest region of ones that touch each other by their sides. @param called [side, side]; emptied */
export function largestRegion(called: Uint8Array, side: number): number {
  let largest = 0;
  const waiting: number[] = [];
  for (let first = 0; first < called.length; first++) {
    if (!called[first]) continue;
    let size = 0;
    called[first] = 0;
    waiting.push(first);
    for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
      size++;
      const column = at % side;
      const around = [column > 0 ? at - 1 : -1, column + 1 < side ? at + 1 : -1];
      for (const next of [...around, at - side, at + side]) {
        if (next < 0 || next >= called.length || !called[next]) continue;
        called[next] = 0;
        waiting.push(next);
      }
    }
    largest = Math.max(largest, size);
  }
  return largest;
}

/** Mean over the pairs where both kinds occur of the AUC over the faces. */
function fixedPairAuc(rows: readonly FixedRow[]): { value: number; pairs: number } {
  let [sum, pairs] = [0, 0];
  const values = new Float64Array(rows.length);
  const ones = new Uint8Array(rows.length);
  const zeros = new Uint8Array(rows.length);
  for (let k = 0; k < rows[0].values.length; k++) {
    let positive = 0;
    rows.forEach((row, r) => {
      values[r] = row.values[k];
      ones[r] = row.truth[k];
      zeros[r] = 1 - row.truth[k];
      positive += row.truth[k];
    });
    if (positive === 0 || positive === rows.length) continue;
    sum += rocAuc(new Ranking(values).tally(ones, zeros));
    pairs++;
  }
  return { value: sum / pairs, pairs };
}
