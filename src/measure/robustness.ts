/** AUC and verdicts under degraded pictures, by kind and level. Browser-safe. */

import { Random } from '../base/random.ts';
import type { ReadBytes } from '../faces/crops.ts';
import type { ManifestItem } from '../faces/manifest.ts';
import { type ChangePicture, type Predictor, seen } from './evaluate.ts';
import { countsAt, falsePositiveRate, rocAuc, tallyOf, truePositiveRate } from './metrics.ts';
import type { Perturbation } from './perturbations.ts';

export interface RobustnessRow {
  name: string;
  unit: string;
  levels: readonly number[];
  /** AUC by face at each level; `mean` is their mean. */
  auc: number[];
  mean: number;
  /** Shares of the forged faces and of the real ones called forged at each level, by the untouched pictures' threshold. */
  found: number[];
  falseAlarms: number[];
}

export interface Robustness {
  /** AUC of the pictures as they are. */
  untouched: number;
  rows: RobustnessRow[];
  /** Kind of pictures that were degraded: whole photographs, before faces are cut from them, or face crops. */
  applied: 'before the crop' | 'to the crop' | 'before the crop or to the crop';
}

export interface RobustnessOptions {
  predictor: Predictor;
  read: ReadBytes;
  seed: number;
  /** Probability from which a face is called forged. */
  threshold: number;
  /** AUC of the pictures as they are. */
  untouched: number;
  onFace?: (done: number, total: number) => void;
}

/**
 * Scores every face under each perturbation at its levels. What is random hangs on
 * (seed, perturbation, level, face) alone.
 * @param items of the split to evaluate, of both classes
 * @throws LlsmError as `seen`, and where a perturbation cannot be done
 */
export async function robustness(
  items: readonly ManifestItem[],
  perturbations: readonly Perturbation[],
  { predictor, read, seed, threshold, untouched, onFace }: RobustnessOptions,
): Promise<Robustness> {
  const passes = perturbations.reduce((sum, { levels }) => sum + levels.length, 0);
  const total = items.length * passes;
  const labels = items.map(({ label }) => label);
  let done = 0;
  const measure = async (change: ChangePicture) => {
    const scores: number[] = [];
    for await (const { detection } of seen(items, predictor, read, { change })) {
      scores.push(detection.probability);
      onFace?.(++done, total);
    }
    const tally = tallyOf(scores, labels);
    const counts = countsAt(tally, threshold);
    return {
      auc: rocAuc(tally),
      found: truePositiveRate(counts),
      falseAlarms: falsePositiveRate(counts),
    };
  };
  const rows: RobustnessRow[] = [];
  for (const by of perturbations) {
    const each: Awaited<ReturnType<typeof measure>>[] = [];
    for (const level of by.levels) {
      const purpose = `perturb ${by.name} ${level}`;
      each.push(
        await measure((image, item) => by.apply(image, level, new Random(seed, purpose, 0, item))),
      );
    }
    const auc = each.map((one) => one.auc);
    rows.push({
      ...{ name: by.name, unit: by.unit, levels: by.levels, auc },
      mean: auc.reduce((sum, value) => sum + value, 0) / auc.length,
      found: each.map((one) => one.found),
      falseAlarms: each.map((one) => one.falseAlarms),
    });
  }
  const boxes = items.filter(({ box }) => box !== null).length;
  const applied =
    boxes === items.length
      ? 'before the crop'
      : boxes === 0
        ? 'to the crop'
        : 'before the crop or to the crop';
  return { untouched, rows, applied };
}
