import * as assert from 'uvu/assert';
import { sideOf, suspiciousPatches } from '../../src/detect/patches.ts';
import { test } from '../support/run.ts';

/** A map of pairs of side x side positions from a function of two positions. */
const mapOf = (side: number, of: (i: number, j: number) => number) =>
  Float32Array.from({ length: side ** 4 }, (_, k) => of(Math.floor(k / side ** 2), k % side ** 2));

test('the patch that differs from all others comes first, with how it differs', () => {
  const odd = 13;
  const map = mapOf(5, (i, j) => ((i === odd) !== (j === odd) ? 0.8 : 0.1));
  assert.is(sideOf(map), 5);
  const [first, second] = suspiciousPatches(map, 2);
  assert.equal([first.position, first.row, first.column], [odd, 2, 3]);
  assert.ok(Math.abs(first.mean - 0.8) < 1e-6);
  assert.ok(Math.abs(first.others[0] - 0.8) < 1e-6);
  assert.is(first.others[odd], 0);
  assert.ok(second.mean < 0.2);
});

test('both orders of a pair count, by their mean', () => {
  const map = mapOf(2, (i, j) => (i === 3 && j < 3 ? 1 : 0));
  const [first] = suspiciousPatches(map, 1);
  assert.is(first.position, 3);
  assert.equal([...first.others], [0.5, 0.5, 0.5, 0]);
});

test('patches show different places: none within a quarter of the face of another', () => {
  const map = mapOf(8, (i, j) => (i === j ? 0 : (64 - Math.min(i, j)) / 64));
  const chosen = suspiciousPatches(map, 3);
  assert.is(chosen.length, 3);
  for (const a of chosen) {
    for (const b of chosen) {
      if (a === b) continue;
      assert.ok(Math.hypot(a.row - b.row, a.column - b.column) >= 2);
    }
  }
  assert.ok(chosen[0].mean >= chosen[1].mean && chosen[1].mean >= chosen[2].mean);
});
