import * as assert from 'uvu/assert';
import { Random } from '../../src/base/random.ts';
import { iou, maskCounts } from '../../src/measure/metrics.ts';
import { MaskThresholds } from '../../src/measure/threshold.ts';
import { test } from '../support/run.ts';

/** Masks that are bright where altered, but all below one half. */
function faces() {
  const random = new Random(1, 'masks');
  return Array.from({ length: 7 }, (_, face) => {
    const truth = Uint8Array.from({ length: 400 }, (_, k) => (k % 20 < 3 + face ? 1 : 0));
    const mask = Float32Array.from(truth, (one) => 0.1 + 0.2 * one + 0.19 * random.next());
    return { mask, truth };
  });
}

test('the threshold is the one with the best mean IoU', () => {
  const all = faces();
  const thresholds = new MaskThresholds();
  for (const { mask, truth } of all) thresholds.add(mask, truth);
  const mean = (threshold: number) =>
    all.reduce((sum, { mask, truth }) => sum + iou(maskCounts(mask, truth, threshold)), 0) / 7;
  const each = Array.from({ length: 99 }, (_, k) => mean((k + 1) / 100));
  const { value, iou: best } = thresholds.best();
  assert.is(thresholds.faces, 7);
  assert.is(value, (each.indexOf(Math.max(...each)) + 1) / 100);
  assert.ok(Math.abs(best - Math.max(...each)) < 1e-12);
  assert.is(mean(0.5), 0);
  assert.ok(best > 0.95);
});

test('a probability that equals a threshold is called altered', () => {
  for (let k = 1; k < 100; k++) {
    const thresholds = new MaskThresholds();
    thresholds.add([k / 100, 0], [1, 0]);
    assert.equal(thresholds.best(), { value: 0.01, iou: 1 });
    const above = new MaskThresholds();
    above.add([k / 100, (k - 1) / 100], [1, 0]);
    assert.equal(above.best(), { value: k / 100, iou: 1 });
  }
});

test('without faces there is none', () => {
  assert.ok(Number.isNaN(new MaskThresholds().best().value));
});
