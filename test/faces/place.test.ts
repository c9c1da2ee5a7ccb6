import * as assert from 'uvu/assert';
import { cutMirrored, faceSquare } from '../../src/faces/place.ts';
import { test } from '../support/run.ts';

test('a square of 1.3 times the longer side about the middle of the box', () => {
  assert.equal(faceSquare([100, 50, 60, 100]), [65, 35, 130, 130]);
  assert.equal(faceSquare([0, 0, 10, 20], 2), [-15, -10, 40, 40]);
  assert.equal(faceSquare([5.2, 5.2, 0.1, 0.1]), [5, 5, 1, 1]);
});

/** Of width x height pixels: red is the column, green the row. */
function counted(width: number, height: number) {
  const data = new Uint8ClampedArray(width * height * 3);
  for (let i = 0; i < width * height; i++) data.set([i % width, Math.floor(i / width), 7], i * 3);
  return { width, height, data };
}

test('beyond its border the picture is mirrored', () => {
  const { data, width, height } = cutMirrored(counted(4, 3), [-2, -1, 8, 5]);
  assert.equal([width, height], [8, 5]);
  const reds = Array.from({ length: 8 }, (_, x) => data[x * 3]);
  const greens = Array.from({ length: 5 }, (_, y) => data[y * 8 * 3 + 1]);
  assert.equal(reds, [2, 1, 0, 1, 2, 3, 2, 1]);
  assert.equal(greens, [1, 0, 1, 2, 1]);
  assert.is(data[2], 7);
});

test('a box far outside, and a picture of one pixel', () => {
  const far = cutMirrored(counted(3, 2), [-9, 7, 4, 2]);
  assert.equal(
    Array.from({ length: 4 }, (_, x) => far.data[x * 3]),
    [1, 0, 1, 2],
  );
  const one = cutMirrored(counted(1, 1), [-3, -3, 5, 5]);
  assert.ok(one.data.every((value, i) => value === [0, 0, 7][i % 3]));
});
