import * as assert from 'uvu/assert';
import { Random } from '../../src/base/random.ts';
import {
  accuracy,
  averagePrecision,
  balancedAccuracy,
  bootstrap,
  countsAt,
  eer,
  f1,
  falsePositiveRate,
  iou,
  lacking,
  maskCounts,
  Ranking,
  rocAuc,
  StreamingAuc,
  tallyOf,
  truePositiveRate,
} from '../../src/measure/metrics.ts';
import { test } from '../support/run.ts';

const near = (value: number, wanted: number, what: string, tolerance = 1e-12) =>
  assert.ok(Math.abs(value - wanted) <= tolerance, `${what}: ${value}, not ${wanted}`);

/**
 * What scikit-learn 1.9.1 gives: roc_auc_score, average_precision_score, fpr at the first
 * argmin |fnr - fpr| of roc_curve(drop_intermediate=False) and its threshold; at 0.5 (>=)
 * accuracy_score, balanced_accuracy_score, jaccard_score, f1_score.
 */
const cases = [
  {
    name: 'ties',
    scores: [0.1, 0.4, 0.35, 0.8, 0.4, 0.4, 0.9, 0.8, 0.2, 0.35, 0.6, 0.1],
    labels: [0, 0, 1, 1, 1, 0, 1, 0, 0, 0, 1, 1],
    figures: [0.6527777777777778, 0.673941798941799, 0.5, 0.4],
    atHalf: [0.6666666666666666, 0.6666666666666667, 0.42857142857142855, 0.6],
  },
  {
    name: 'no ties',
    scores: [0.02, 0.15, 0.3, 0.33, 0.41, 0.52, 0.58, 0.66, 0.71, 0.97],
    labels: [0, 0, 1, 0, 0, 1, 0, 1, 1, 1],
    figures: [0.84, 0.885, 0.2, 0.52],
    atHalf: [0.8, 0.8, 0.6666666666666666, 0.8],
  },
  {
    name: 'all in the wrong order',
    scores: [0.9, 0.8, 0.3, 0.2, 0.1],
    labels: [0, 0, 1, 1, 1],
    figures: [0, 0.4777777777777778, 1, 0.8],
    atHalf: [0, 0, 0, 0],
  },
  {
    name: 'saturated',
    scores: [1, 1, 1, 0.5, 0.5, 0, 0, 0, 1],
    labels: [1, 1, 0, 1, 0, 0, 0, 1, 1],
    figures: [0.7, 0.6944444444444444, 0.25, 1],
    atHalf: [0.6666666666666666, 0.65, 0.5714285714285714, 0.7272727272727273],
  },
];

for (const { name, scores, labels, figures, atHalf } of cases) {
  test(`as scikit-learn: ${name}`, () => {
    const tally = tallyOf(scores, labels);
    const { rate, threshold } = eer(tally);
    const counts = countsAt(tally, 0.5);
    [rocAuc(tally), averagePrecision(tally), rate, threshold].forEach((value, k) => {
      near(value, figures[k], ['AUC', 'AP', 'EER', 'threshold'][k]);
    });
    [accuracy(counts), balancedAccuracy(counts), iou(counts), f1(counts)].forEach((value, k) => {
      near(value, atHalf[k], ['accuracy', 'balanced accuracy', 'IoU', 'F1'][k]);
    });
    // Reordering the items changes nothing, ties included.
    const order = new Random(1, 'order').shuffle([...scores.keys()]);
    const again = tallyOf(
      order.map((k) => scores[k]),
      order.map((k) => labels[k]),
    );
    assert.equal(again, tally);
  });
}

/** 400 scores with 101 distinct values, made alike in Python. */
const many = Array.from({ length: 400 }, (_, i) => ((i * 7919) % 101) / 100);
const manyLabels = many.map((score, i) => (((i * 104729) % 97) / 97 + score * 0.5 > 0.75 ? 1 : 0));

test('as scikit-learn: 400 scores with many ties, and with weights', () => {
  const tally = tallyOf(many, manyLabels);
  near(rocAuc(tally), 0.6747043676091903, 'AUC');
  near(averagePrecision(tally), 0.6605010325426783, 'AP');
  near(eer(tally).rate, 0.3681592039800995, 'EER');
  near(eer(tally).threshold, 0.51, 'threshold');
  near(accuracy(countsAt(tally, 0.5)), 0.6275, 'accuracy');
  near(balancedAccuracy(countsAt(tally, 0.5)), 0.627528188204705, 'balanced accuracy');
  const weighted = new Ranking(many).tally(
    manyLabels.map((label, i) => label * (i % 3)),
    manyLabels.map((label, i) => (1 - label) * (i % 3)),
  );
  near(rocAuc(weighted), 0.6838693467336684, 'AUC of weighted items');
  near(averagePrecision(weighted), 0.6689587967470085, 'AP of weighted items');
});

/** P(positive above negative) + half of P(equal), pair by pair. */
function pairwiseAuc(scores: readonly number[], labels: readonly number[]): number {
  let [won, pairs] = [0, 0];
  for (const [i, p] of scores.entries()) {
    for (const [j, n] of scores.entries()) {
      if (labels[i] !== 1 || labels[j] !== 0) continue;
      won += p > n ? 1 : p === n ? 0.5 : 0;
      pairs++;
    }
  }
  return won / pairs;
}

test('AUC is the share of pairs in the right order', () => {
  for (let seed = 0; seed < 20; seed++) {
    const random = new Random(seed, 'scores');
    const labels = Array.from({ length: 40 }, (_, i) => (i < 2 ? i : random.int(2)));
    const scores = labels.map((label) => Math.round(4 * (random.normal() + label)));
    near(rocAuc(tallyOf(scores, labels)), pairwiseAuc(scores, labels), `seed ${seed}`);
  }
});

test('one class only, or no information: NaN, with the reason', () => {
  for (const [labels, reason] of [
    [[0, 0, 0], 'only real faces'],
    [[1, 1, 1], 'only forged faces'],
    [[], 'no forged faces, no real faces'],
  ] as const) {
    const tally = tallyOf(
      labels.map((_, i) => i / 3),
      labels,
    );
    for (const value of [rocAuc(tally), averagePrecision(tally), eer(tally).rate]) {
      assert.ok(Number.isNaN(value), reason);
    }
    assert.is(lacking(tally), reason);
  }
  const constant = tallyOf([0.5, 0.5, 0.5], [0, 1, 1]);
  assert.is(lacking(constant), undefined);
  assert.is(rocAuc(constant), 0.5);
  assert.ok(Number.isNaN(eer(constant).rate));
  assert.throws(() => tallyOf([0.1, Number.NaN], [0, 1]), /not a number/);
});

test('at a threshold: forged at or above it', () => {
  const counts = countsAt(tallyOf([0.2, 0.5, 0.5, 0.7], [0, 0, 1, 1]), 0.5);
  assert.equal(counts, { tp: 2, fp: 1, tn: 1, fn: 0 });
  assert.equal([truePositiveRate(counts), falsePositiveRate(counts)], [1, 0.5]);
});

test('masks: IoU and F1; two empty ones agree', () => {
  const counts = maskCounts([0.9, 0.5, 0.4, 0.1, 0.6], [1, 1, 1, 0, 0], 0.5);
  assert.equal(counts, { tp: 2, fp: 1, tn: 1, fn: 1 });
  assert.equal([iou(counts), f1(counts)], [0.5, 2 / 3]);
  const empty = maskCounts([0.1, 0.2], [0, 0], 0.5);
  assert.equal([iou(empty), f1(empty)], [1, 1]);
  const missed = maskCounts([0.1, 0.2], [0, 1], 0.5);
  assert.equal([iou(missed), f1(missed)], [0, 0]);
});

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

test('streaming AUC stays within the bound it states, also near 0 and 1', () => {
  for (const spread of [0.0005, 0.01, 1, 12]) {
    const random = new Random(7, 'stream', 0, Math.round(1e4 * spread));
    const labels = Array.from({ length: 1500 }, () => random.int(2));
    const values = labels.map((label) => sigmoid(spread * (random.normal() + 0.5 * label) - 5));
    const stream = new StreamingAuc();
    stream.add(values.slice(0, 700), labels.slice(0, 700));
    const rest = new StreamingAuc();
    rest.add(values.slice(700), labels.slice(700));
    stream.merge(rest);
    const exact = rocAuc(tallyOf(values, labels));
    assert.ok(Math.abs(stream.auc - exact) <= stream.bound + 1e-12, `spread ${spread}`);
    if (spread === 1) assert.ok(stream.bound < 3e-4, `${stream.bound}`);
    if (spread < 0.001) assert.ok(stream.bound > 0.05, `${stream.bound}`);
  }
});

test('streaming AUC: values in one bin are equal, saturated ones too; negatives by default', () => {
  const stream = new StreamingAuc();
  stream.add([0.3, 1, 0], [1, 1, 0]);
  stream.add([0.3, 1, 0]);
  assert.is(stream.auc, pairwiseAuc([0.3, 1, 0, 0.3, 1, 0], [1, 1, 0, 0, 0, 0]));
  near(stream.bound, 0.125, 'bound'); // 2 of 8 pairs share a bin
  assert.throws(() => stream.add([0.5, Number.NaN]), /holds NaN at 1/);
  assert.throws(() => stream.add([1.5]), /holds 1.5 at 0/);
  assert.ok(Number.isNaN(new StreamingAuc().auc));
});

test('bootstrap: the interval of a mean is that of its standard error, and groups widen it', () => {
  const random = new Random(3, 'values');
  const values = Array.from({ length: 400 }, () => random.normal());
  const mean = (weights: Float64Array) =>
    weights.reduce((sum, weight, k) => sum + weight * values[k], 0) /
    weights.reduce((sum, weight) => sum + weight, 0);
  const centre = mean(new Float64Array(400).fill(1));
  const [low, high] = bootstrap(
    values.map((_, k) => `${k}`),
    mean,
    { seed: 5 },
  );
  const deviation = Math.sqrt(values.reduce((sum, x) => sum + (x - centre) ** 2, 0) / 400);
  const wanted = (1.96 * deviation) / Math.sqrt(400);
  near((high - low) / 2 / wanted, 1, 'half width, relative', 0.1);
  near((high + low) / 2, centre, 'middle', 0.02);

  // Each value four times: as items they would narrow the interval, as groups they must not.
  const groups = [...values, ...values, ...values, ...values].map((_, k) => `${k % 400}`);
  const fourfold = (weights: Float64Array) => mean(weights.slice(0, 400));
  assert.equal(bootstrap(groups, fourfold, { seed: 5 }), [low, high]);
  assert.ok(bootstrap(['a', 'a'], () => 1, { seed: 0 }).every(Number.isNaN));
  assert.ok(bootstrap(['a', 'b'], () => Number.NaN, { seed: 0 }).every(Number.isNaN));
  assert.is.not(bootstrap(groups, fourfold, { seed: 6 })[0], low);
});
