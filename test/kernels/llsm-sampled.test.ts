import * as assert from 'uvu/assert';
import { drawPairs, type PairInputsData } from '../../src/kernels/llsm/sampled.ts';
import { type Values, zeros } from '../reference/values.ts';
import { test } from '../support/run.ts';
import { check, heads } from './llsm-support.ts';

/** The counts of what was drawn; checks the lists on the way. */
function countsOf(data: PairInputsData, batch: number, positions: number): Values {
  const counts = zeros([batch, positions, positions]);
  const n = data.drawn.length / 2 / batch;
  for (let b = 0; b < batch; b++) {
    const part = (values: Uint32Array, size: number) => values.subarray(b * size, (b + 1) * size);
    const drawn = part(data.drawn, n * 2);
    const [i, j] = [0, 1].map((side) => drawn.filter((_, at) => at % 2 === side));
    i.forEach((_, at) => {
      counts.data[(b * positions + i[at]) * positions + j[at]]++;
    });
    for (const [own, starts, order] of [
      [i, part(data.firstStarts, positions + 1), part(data.firstOrder, n)],
      [j, part(data.secondStarts, positions + 1), part(data.secondOrder, n)],
    ]) {
      assert.is(starts[0], 0);
      assert.is(starts[positions], n);
      assert.equal(
        [...order].sort((a, b) => a - b),
        [...order.keys()],
      );
      for (let p = 0; p < positions; p++) {
        for (let q = starts[p]; q < starts[p + 1]; q++) assert.is(own[order[q]], p);
      }
    }
  }
  return counts;
}

test('pairs are drawn uniformly, from (seed, step, item) alone', () => {
  const n = 5000;
  const [two, second, other, step] = [
    drawPairs(3, 5, 10, 2, 9, n),
    drawPairs(3, 5, 11, 1, 9, n),
    drawPairs(4, 5, 10, 1, 9, n),
    drawPairs(3, 6, 10, 1, 9, n),
  ];
  const counts = countsOf(two, 2, 9);
  assert.equal(two.drawn.slice(n * 2), second.drawn);
  assert.equal(two.secondOrder.slice(n), second.secondOrder);
  for (const it of [second, other, step]) assert.not.equal(two.drawn.slice(0, n * 2), it.drawn);
  // 81 cells with 61.7 expected: chi-squared of 80 degrees is above 140 once in 40,000 draws.
  for (const item of [counts.data.subarray(0, 81), counts.data.subarray(81)]) {
    const mean = n / 81;
    const chi = item.reduce((sum, count) => sum + (count - mean) ** 2 / mean, 0);
    assert.ok(chi < 140, `chi-squared ${chi}`);
  }
});

for (const head of heads) {
  test(`${head}: drawn pairs`, async () => {
    for (const [batch, h, w, n, d] of [
      [1, 3, 5, 7, 8],
      [3, 3, 5, 1000, 8],
      [2, 7, 7, 300, 64],
    ]) {
      const data = drawPairs(1, 2, 3, batch, h * w, n);
      const counts = countsOf(data, batch, h * w);
      const share = batch === 3 ? [0.5, 0, 0.5] : undefined;
      await check({ head, batch, h, w, d, share, scale: 0.5, pairs: { data, counts }, map: false });
    }
  });
}

test('absdiff: drawn pairs of what is read through a batch norm and a ReLU, or a ReLU alone', async () => {
  const data = drawPairs(1, 2, 3, 2, 15, 40);
  const counts = countsOf(data, 2, 15);
  for (const through of ['affine relu', 'relu'] as const) {
    const pairs = { data, counts };
    await check({ head: 'absdiff', batch: 2, h: 3, w: 5, d: 12, through, pairs, map: false });
  }
});

test('every pair once, in a list, is the loss over all pairs', async () => {
  const [h, w] = [3, 4];
  const n = (h * w) ** 2;
  const at = Array.from({ length: n }, (_, q) => q);
  const starts = Uint32Array.from({ length: h * w + 1 }, (_, p) => p * h * w);
  const drawn = Uint32Array.from(at.flatMap((q) => [Math.floor(q / (h * w)), q % (h * w)]));
  const data: PairInputsData = {
    drawn,
    firstStarts: starts,
    firstOrder: Uint32Array.from(at),
    secondStarts: starts,
    secondOrder: Uint32Array.from(at, (q) => (q % (h * w)) * h * w + Math.floor(q / (h * w))),
  };
  const counts = countsOf(data, 1, h * w);
  assert.ok(counts.data.every((count) => count === 1));
  for (const head of heads) await check({ head, h, w, pairs: { data, counts }, map: false });
});
