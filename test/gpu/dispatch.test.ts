import * as assert from 'uvu/assert';
import { durations } from '../../src/gpu/dispatch.ts';
import { test } from '../support/run.ts';

const of = (...milliseconds: number[]): number[] =>
  durations(BigUint64Array.from(milliseconds, (ms) => BigInt(Math.round(ms * 1e6))));

test('passes apart last from begin to end', () => {
  assert.equal(of(1, 3, 4, 4.5), [2, 0.5]);
  assert.equal(of(), []);
});

test('a pass that begins while the one before it runs lasts from the end of that one', () => {
  // The second waits at a barrier from 1.1 on, and the third as well.
  assert.equal(of(1, 3, 1.1, 4, 2, 4.25), [2, 1, 0.25]);
  const begin = 0.5;
  const ends = [1, 2.5, 4];
  const sum = of(...ends.flatMap((end) => [begin, end])).reduce((a, b) => a + b);
  assert.is(sum, 3.5, 'together they last as long as all of it');
});

test('a clock that steps back gives no time below nothing', () => {
  assert.equal(of(1, 3, 2, 2.5, 2.5, 3.5), [2, 0, 0.5]);
});
