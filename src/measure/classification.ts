/** Measures of how well the scores tell forged faces, or videos, from real ones. Browser-safe. */

import { type VideoRule, videoRules } from '../detect/pooling.ts';
import { type Grouping, type GroupingName, groupings, type Traits } from './groups.ts';
import {
  accuracy,
  averagePrecision,
  balancedAccuracy,
  bootstrap,
  countsAt,
  eer,
  falsePositiveRate,
  lacking,
  Ranking,
  rocAuc,
  tallyOf,
  truePositiveRate,
} from './metrics.ts';

/** A face (or a video, see `byVideo`) and the probability that it is forged. */
export interface Scored {
  image: string;
  label: 0 | 1;
  /** Method of the forgery; null for real faces. */
  method: string | null;
  video: string;
  probability: number;
  /** What else is known of it, to group by. */
  traits?: Traits;
}

/** Measures of the forged faces of one method, or of all, against all real ones. */
export interface ClassMeasures {
  name: string;
  real: number;
  forged: number;
  auc: number;
  /** 95 % interval of the AUC: bootstrap over videos. */
  aucInterval: [low: number, high: number];
  ap: number;
  eer: number;
  /** Fraction of all faces that the threshold calls rightly; `balancedAccuracy`: mean of both classes' fractions. */
  accuracy: number;
  balancedAccuracy: number;
  /** Fraction of the forged faces called forged (`flagged`), and of the real ones (`falseAlarms`). */
  flagged: number;
  falseAlarms: number;
  /** Reason why measures are NaN; absent where none is. */
  lacking?: string;
}

export interface ClassOptions {
  threshold: number;
  seed: number;
}

/** The name of forged faces whose manifest names no method. */
export const methodOf = (item: { method: string | null }): string => item.method ?? 'unnamed';

/** The methods that occur, in alphabetical order. */
export function methodsOf(items: readonly { label: 0 | 1; method: string | null }[]): string[] {
  return [...new Set(items.filter(({ label }) => label === 1).map(methodOf))].sort();
}

/** Measures of all forged faces, then, of several methods, of each against the same real faces. */
export function classMeasures(scored: readonly Scored[], options: ClassOptions): ClassMeasures[] {
  const real = scored.filter(({ label }) => label === 0);
  const forged = scored.filter(({ label }) => label === 1);
  const methods = methodsOf(scored);
  const measures = [measuresOf('all', real, forged, options)];
  if (methods.length === 1) measures[0].name = methods[0];
  if (methods.length < 2) return measures;
  for (const method of methods) {
    const some = forged.filter((item) => methodOf(item) === method);
    measures.push(measuresOf(method, real, some, options));
  }
  return measures;
}

/** Measures of one way to tell faces apart. */
export interface GroupMeasures {
  by: GroupingName;
  groups: ClassMeasures[];
  /** Forged faces of which the group is not known. */
  unknown: number;
}

/**
 * Measures of each group of forged faces, against all real faces, or, where real faces have groups too,
 * against those of the same one.
 */
export function groupMeasures(
  scored: readonly Scored[],
  by: GroupingName,
  options: ClassOptions,
): GroupMeasures {
  const grouping: Grouping = groupings[by];
  const groupOf = ({ traits }: Scored) => traits && grouping.groupOf(traits);
  const real = scored.filter(({ label }) => label === 0);
  const forged = scored.filter(({ label }) => label === 1);
  const named = (grouping.both ? scored : forged).map(groupOf);
  const found = new Set(named.filter((name): name is string => name !== undefined));
  const names = grouping.order
    ? grouping.order.filter((name) => found.has(name))
    : [...found].sort();
  return {
    by,
    groups: names.map((name) => {
      const inside = (face: Scored) => groupOf(face) === name;
      const beside = grouping.both ? real.filter(inside) : real;
      return measuresOf(name, beside, forged.filter(inside), options);
    }),
    unknown: forged.filter((face) => groupOf(face) === undefined).length,
  };
}

function measuresOf(
  name: string,
  real: readonly Scored[],
  forged: readonly Scored[],
  { threshold, seed }: ClassOptions,
): ClassMeasures {
  const items = [...real, ...forged];
  const scores = items.map(({ probability }) => probability);
  const labels = items.map(({ label }) => label);
  const tally = tallyOf(scores, labels);
  const counts = countsAt(tally, threshold);
  const why = lacking(tally);
  return {
    name,
    real: real.length,
    forged: forged.length,
    auc: rocAuc(tally),
    aucInterval: why ? [Number.NaN, Number.NaN] : aucInterval(items, seed),
    ap: averagePrecision(tally),
    eer: eer(tally).rate,
    accuracy: accuracy(counts),
    balancedAccuracy: balancedAccuracy(counts),
    flagged: truePositiveRate(counts),
    falseAlarms: falsePositiveRate(counts),
    ...(why && { lacking: why }),
  };
}

function aucInterval(items: readonly Scored[], seed: number): [low: number, high: number] {
  const ranking = new Ranking(items.map(({ probability }) => probability));
  return bootstrap(
    items.map(({ video }) => video),
    (weights) =>
      rocAuc(
        ranking.tally(
          weights.map((weight, k) => weight * items[k].label),
          weights.map((weight, k) => weight * (1 - items[k].label)),
        ),
      ),
    { seed },
  );
}

/**
 * One score a video, by a rule. Videos of one name are one video only where label and method agree
 * too. `image` is that of its first face.
 */
export function byVideo(scored: readonly Scored[], rule: VideoRule = 'mean'): Scored[] {
  const videos = new Map<string, Scored[]>();
  for (const item of scored) {
    const key = JSON.stringify([item.label, item.method, item.video]);
    const faces = videos.get(key);
    if (faces) faces.push(item);
    else videos.set(key, [item]);
  }
  return [...videos.values()].map((faces) => ({
    ...faces[0],
    probability: videoRules[rule](faces.map(({ probability }) => probability)),
  }));
}
