import * as assert from 'uvu/assert';
import { Random } from '../../src/base/random.ts';
import { viewNames } from '../../src/detect/views.ts';
import { type JudgedFace, measureUnsure } from '../../src/measure/unsure.ts';
import { test } from '../support/run.ts';

const face = (label: 0 | 1, ...probabilities: number[]): JudgedFace => ({
  label,
  views: probabilities.map((probability, k) => ({ name: viewNames[k], probability })),
});
const threshold = { value: 0.5, rule: 'eer', fpr: 0.1, data: 'faces', n: 400 };

/** 1,000 of each class; verdicts are right beyond 0.1 from the threshold and by lot within. */
function faces(): JudgedFace[] {
  const random = new Random(1, 'unsure');
  return Array.from({ length: 2000 }, (_, k) => {
    const label = (k % 2) as 0 | 1;
    const clear = random.chance(0.7);
    const p = clear
      ? label === 1
        ? random.uniform(0.6, 1)
        : random.uniform(0, 0.4)
      : random.uniform(0.4, 0.6);
    return face(label, p, p);
  });
}

test('the band is where verdicts are right by lot, and no wider', () => {
  const { from, to, real, forged, accused, missed } = measureUnsure(faces(), threshold);
  assert.ok(from > 0.37 && from < 0.42, `from ${from}`);
  assert.ok(to > 0.58 && to < 0.63, `to ${to}`);
  assert.ok(Math.abs(real - 0.3) < 0.07, `${real} of the real faces`);
  assert.ok(Math.abs(forged - 0.3) < 0.07, `${forged} of the forged faces`);
  assert.ok(accused < 0.03 && missed < 0.03, `${accused} and ${missed}`);
});

test('classes count alike, whatever their numbers', () => {
  const all = faces();
  const fewer = all.filter(({ label }, k) => label === 0 || k % 8 === 1);
  const { from, to } = measureUnsure(fewer, threshold);
  assert.ok(from > 0.37 && from < 0.43 && to > 0.57 && to < 0.63, `${from} to ${to}`);
});

test('views that straddle the threshold are unsure without a band', () => {
  const clear = faces().filter(({ views: [{ probability: p }] }) => Math.abs(p - 0.5) > 0.1);
  const straddling = Array.from({ length: 100 }, (_, k) => face((k % 2) as 0 | 1, 0.9, 0.1));
  const { from, to, real, accused, missed } = measureUnsure([...clear, ...straddling], threshold);
  assert.equal([from, to], [0.5, 0.5]);
  const reals = clear.filter(({ label }) => label === 0).length + 50;
  assert.ok(Math.abs(real - 50 / reals) < 1e-5);
  assert.equal([accused, missed], [0, 0]);
});

test('few faces give no band', () => {
  const { from, to, accused } = measureUnsure([face(0, 0.6), face(1, 0.7)], threshold);
  assert.equal([from, to, accused], [0.5, 0.5, 1]);
});
