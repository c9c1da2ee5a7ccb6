import * as assert from 'uvu/assert';
import { assign } from '../../src/base/assignment.ts';
import { Random } from '../../src/base/random.ts';
import { test } from '../support/run.ts';

const forbidden = 1e6;
const costOf = (costs: number[][], columns: readonly number[]): number =>
  columns.reduce((sum, j, i) => sum + (j < 0 ? forbidden : costs[i][j]), 0);

/** The least cost over all ways to give rows to columns, by trying them. */
function least(costs: number[][], row = 0, taken: readonly number[] = []): number {
  if (row === costs.length) return 0;
  const left = costs.length - row;
  const free = costs[0].map((_, j) => j).filter((j) => !taken.includes(j));
  const given = free.map((j) => costs[row][j] + least(costs, row + 1, [...taken, j]));
  const none = left > free.length ? [forbidden + least(costs, row + 1, taken)] : [];
  return Math.min(...given, ...none);
}

test('of all assignments it is one of the cheapest', () => {
  const random = new Random(3, 'assignment');
  for (let n = 0; n < 120; n++) {
    const rows = random.int(5) + 1;
    const columns = random.int(5) + 1;
    const costs = Array.from({ length: rows }, () =>
      Array.from({ length: columns }, () =>
        random.uniform(0, 1) < 0.2 ? forbidden : Math.round(random.uniform(-50, 100)),
      ),
    );
    const found = assign(costs, forbidden);
    const used = found.filter((j) => j >= 0);
    assert.is(new Set(used).size, used.length);
    assert.is(costOf(costs, found), least(costs), JSON.stringify(costs));
  }
});

test('the nearest of one is not taken from another who has no other', () => {
  assert.equal(
    assign([
      [1, 2],
      [1, 9],
    ]),
    [1, 0],
  );
});

test('no rows, no columns, and nothing that may be', () => {
  assert.equal(assign([]), []);
  assert.equal(assign([[], []]), [-1, -1]);
  assert.equal(assign([[5, 6]], 5), [-1]);
});
