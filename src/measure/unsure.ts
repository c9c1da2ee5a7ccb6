/** Where verdicts are unreliable, measured on faces whose truth is known. */
import type { View } from '../detect/finding.ts';
import { judge, meanOfViews } from '../detect/verdict.ts';
import type { Threshold } from '../model/llsm/checkpoint.ts';

/** A face whose truth is known, in each view; as it is first. */
export interface JudgedFace {
  label: 0 | 1;
  views: readonly View[];
}

/** Among verdicts of a score, more wrong ones than this make it `unsure`. */
export const mostErrors = 0.25;

/** The fewest faces that an error rate is taken from. */
const fewest = 20;

interface Scored {
  label: 0 | 1;
  /** Distance of the views' mean from the threshold, on the side of the verdict. */
  distance: number;
}

/**
 * The band of mean scores about a threshold in which verdicts err, and how often they do elsewhere.
 * Faces whose views disagree are unsure anyway and left out of the search. On each side
 * of the threshold the band ends where the rate of wrong verdicts, which falls with the distance, comes
 * down to a quarter; both classes count alike, whatever their numbers. Fewer than 20 faces on a side
 * give it no band.
 * @returns what a checkpoint stores as `threshold.unsure`; rates are fractions of the real and of the
 *   forged faces
 */
export function measureUnsure(
  faces: readonly JudgedFace[],
  threshold: Threshold,
): NonNullable<Threshold['unsure']> {
  const { value } = threshold;
  const plain = { ...threshold, unsure: undefined };
  const above: Scored[] = [];
  const below: Scored[] = [];
  for (const { label, views } of faces) {
    const { verdict } = judge(views, plain);
    if (verdict === 'unsure') continue;
    const side = verdict === 'altered' ? above : below;
    side.push({ label, distance: Math.abs(meanOfViews(views) - value) });
  }
  const forged = faces.filter(({ label }) => label === 1).length;
  const ofClass: [number, number] = [
    1 / Math.max(1, faces.length - forged),
    1 / Math.max(1, forged),
  ];
  const unsure = {
    from: Math.max(0, value - reach(below, 1, ofClass)),
    to: Math.min(1, value + reach(above, 0, ofClass)),
    ...{ real: 0, forged: 0, accused: 0, missed: 0 },
  };
  const banded = { ...threshold, unsure };
  for (const { label, views } of faces) {
    const { verdict } = judge(views, banded);
    const own = ofClass[label];
    if (verdict === 'unsure') unsure[label === 1 ? 'forged' : 'real'] += own;
    else if (label === 0 && verdict === 'altered') unsure.accused += own;
    else if (label === 1 && verdict === 'nothing found') unsure.missed += own;
  }
  for (const rate of ['real', 'forged', 'accused', 'missed'] as const) {
    // Sums of n times 1 / n end a little beside the fraction that they are.
    unsure[rate] = Math.min(1, Number(unsure[rate].toFixed(6)));
  }
  return unsure;
}

/**
 * How far from the threshold verdicts of one side are unreliable: where the rate of wrong ones, fitted
 * so that it never rises with the distance (isotonic regression by pooling adjacent violators, Ayer et al.
 * 1955), comes down to `mostErrors`.
 * @param wrong the label that a face of this side must not have
 * @param weight of a face of each label
 */
function reach(side: Scored[], wrong: 0 | 1, weight: readonly [number, number]): number {
  if (side.length < fewest) return 0;
  side.sort((a, b) => a.distance - b.distance);
  const pools: { wrong: number; all: number; end: number }[] = [];
  side.forEach(({ label }, k) => {
    const own = weight[label];
    pools.push({ wrong: label === wrong ? own : 0, all: own, end: k + 1 });
    for (let last = pools.length - 1; last > 0; last--) {
      const [before, after] = [pools[last - 1], pools[last]];
      if (before.wrong * after.all >= after.wrong * before.all) break;
      before.wrong += after.wrong;
      before.all += after.all;
      before.end = after.end;
      pools.pop();
    }
  });
  const { end } = pools.findLast((pool) => pool.wrong > mostErrors * pool.all) ?? { end: 0 };
  if (end === 0) return 0;
  // Midway to the next face, so that the band does not hang on the last bit of one score.
  return end < side.length ? (side[end - 1].distance + side[end].distance) / 2 : 1;
}
