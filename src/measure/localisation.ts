/**
 * How well masks and pair maps say where: sums over many faces, without keeping a map. Beside each
 * measure stands that of a constant predictor that looks at no picture (prior.ts), since on aligned crops
 * position alone is a strong guess. Browser-safe.
 */

import type { Detection } from '../detect/scorer.ts';
import { f1, iou, maskCounts, Ranking, rocAuc, StreamingAuc } from './metrics.ts';
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
  iouFlagged: Compared;
  f1Flagged: Compared;
  /** AUC over all pixels of these faces; and with those of the real faces, where none is altered. */
  pixelAuc: Compared;
  pixelAucWithReal: Compared;
  /** Bound of the error of the network's two AUCs, which are computed from histograms. */
  bound: number;
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

  /** The AUC of one map shown for every face. */
  constantAuc(map: ArrayLike<number>): number {
    const zeros = this.ones.map((count) => this.faces - count);
    return rocAuc(new Ranking(map).tally(this.ones, zeros));
  }

  compared(constant?: ArrayLike<number>): Compared {
    return { value: this.auc.auc, ...(constant && { constant: this.constantAuc(constant) }) };
  }
}

interface Overlap {
  iou: number;
  f1: number;
}
interface MaskResult {
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
}

/** The localisation of a group of faces. */
export class Localisation {
  readonly #pixels: MapSum;
  readonly #pairs?: MapSum;
  readonly #masks: MaskResult[] = [];
  readonly #fixed: FixedRow[] = [];

  constructor(readonly options: LocalisationOptions) {
    this.#pixels = new MapSum(options.size ** 2);
    if (options.pairs) this.#pairs = new MapSum(options.pairs.pairs.length);
  }

  /**
   * @param truth of a forged face with a mask; absent: a real face
   * @param flagged whether it is called forged
   */
  add({ mask, dissimilarity }: Detection, flagged: boolean, truth?: Truth): void {
    const { pairs: choice, prior, maskThreshold } = this.options;
    if (mask) {
      this.#pixels.add(mask, truth?.pixels);
      if (truth) {
        const constant = prior && overlap(prior.mask, truth.pixels, prior.threshold);
        this.#masks.push({ flagged, ours: overlap(mask, truth.pixels, maskThreshold), constant });
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
    return {
      faces: masks.length,
      flagged: flagged.length,
      iou: meanOf(masks, 'iou'),
      f1: meanOf(masks, 'f1'),
      iouFlagged: meanOf(flagged, 'iou'),
      f1Flagged: meanOf(flagged, 'f1'),
      pixelAuc: this.#pixels.compared(constant),
      pixelAucWithReal: pooled.compared(constant),
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
