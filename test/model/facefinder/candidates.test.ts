import * as assert from 'uvu/assert';
import { type Candidate, overlap, suppress } from '../../../src/model/facefinder/candidates.ts';
import { fivePoints } from '../../../src/model/facefinder/landmarks.ts';
import { tiny } from '../../../src/model/facefinder/tiny.ts';
import { test } from '../../support/run.ts';

test('overlap: intersection over union', () => {
  assert.is(overlap([0, 0, 4, 4], [0, 0, 4, 4]), 1);
  assert.is(overlap([0, 0, 4, 4], [2, 0, 4, 4]), 8 / 24);
  assert.is(overlap([0, 0, 4, 4], [4, 0, 4, 4]), 0);
  assert.is(overlap([0, 0, 4, 4], [9, 9, 1, 1]), 0);
});

test('of boxes that overlap the best stays; one that overlaps a dropped one alone stays too', () => {
  const at = (x: number, score: number): Candidate => ({ box: [x, 0, 10, 10], score });
  const found = suppress([at(0, 0.5), at(3, 0.9), at(6, 0.7), at(40, 0.3)], 0.4);
  // 3 and 0, 3 and 6 overlap by 7 / 13; 0 and 6 by 4 / 16.
  assert.equal(
    found.map(({ box }) => box[0]),
    [3, 40],
  );
  const chain = suppress([at(0, 0.9), at(3, 0.5), at(6, 0.7)], 0.4);
  assert.equal(
    chain.map(({ box }) => box[0]),
    [0, 6],
  );
});

test("a cell's values as a box in pixels", () => {
  const data = new Float32Array(13 * 13 * 28).fill(-20);
  // Row 2, column 5, the third anchor: in the middle of its cell, as large as its anchor.
  const cell = (2 * 13 + 5) * 28 + 2 * 5;
  data.set([0, 0, 0, 0, 3], cell);
  const found = tiny.decode([{ shape: [1, 13, 13, 28], data }], 0.5, 416, {});
  assert.is(found.length, 1);
  const [{ box, score }] = found;
  const [w, h] = [2.882459 * 32, 3.518061 * 32];
  const expected = [5.5 * 32 - w / 2, 2.5 * 32 - h / 2, w, h];
  box.forEach((value, i) => {
    assert.ok(Math.abs(value - expected[i]) < 1e-9);
  });
  assert.ok(Math.abs(score - 1 / (1 + Math.exp(-3))) < 1e-12);
});

test('five points of 68', () => {
  const points = Array.from({ length: 68 }, (_, i): [number, number] => [i, 100 - i]);
  assert.equal(fivePoints(points), [
    [38.5, 61.5],
    [44.5, 55.5],
    [30, 70],
    [48, 52],
    [54, 46],
  ]);
});
