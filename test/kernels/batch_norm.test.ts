import * as assert from 'uvu/assert';
import { Random } from '../../src/base/random.ts';
import { batchNorm } from '../../src/kernels/batch_norm/batch_norm.ts';
import { conv } from '../../src/kernels/conv/conv.ts';
import { stored } from '../../src/kernels/resize/resize.ts';
import {
  affineOf,
  batchNorm as reference,
  runningAfter,
  type Statistics,
  statisticsOf,
} from '../reference/batch_norm.ts';
import { conv as referenceConv } from '../reference/conv.ts';
import { relu as referenceRelu } from '../reference/elementwise.ts';
import { map, normal, type Values, valuesOf, zeros } from '../reference/values.ts';
import { test } from '../support/run.ts';
import { type Case, check } from './support.ts';

const random = new Random(1, 'batch norm tests');

/** Partial rows (count, mean, M2) of x [..., C], `chunk` pixels each, as convolutions give them. */
function partialRows(x: Values, chunk: number): Values {
  const c = x.shape[x.shape.length - 1];
  const pixels = x.data.length / c;
  const rows: number[] = [];
  for (let at = 0; at < pixels; at += chunk) {
    const count = Math.min(chunk, pixels - at);
    const part = valuesOf([count, c], x.data.subarray(at * c, (at + count) * c));
    const { mean, variance } = statisticsOf(part);
    for (let i = 0; i < c; i++) rows.push(count);
    rows.push(...mean.data, ...map(variance, (value) => value * count).data);
  }
  return valuesOf([rows.length / (3 * c), 3 * c], rows);
}

interface Shape {
  batch?: number;
  size: number;
  c: number;
  relu: boolean;
  training: boolean;
  mean?: number;
  eps?: number;
  chunk?: number;
  wrt?: readonly ('x' | 'gamma' | 'beta')[];
}

function norm(it: Shape): Case {
  const { batch = 1, size, c, relu, training, eps = 1e-5, chunk = 32 } = it;
  const wanted = it.wrt ?? ['x', 'gamma', 'beta'];
  const x = normal(random, [batch, size, size, c], 1, it.mean ?? 0.5);
  const gamma = normal(random, [c], 0.5, 1);
  const beta = normal(random, [c]);
  const before: Statistics = {
    mean: normal(random, [c]),
    variance: map(normal(random, [c]), (value) => Math.fround(0.5 + value ** 2)),
  };
  const bn = reference(x, gamma, beta, eps, training ? undefined : before);
  const after = training ? runningAfter(before, bn.statistics, batch * size * size, 0.1) : before;
  const active = referenceRelu(bn.out);
  return {
    batch,
    training,
    maps: { x },
    weights: {
      gamma,
      beta,
      runningMean: before.mean,
      runningVar: before.variance,
      ...(training && { stats: partialRows(x, chunk) }),
    },
    build(g, t) {
      const params = { weight: t.gamma, bias: t.beta, ...t } as unknown as Parameters<
        typeof batchNorm
      >[3];
      const read = batchNorm(g, t.x, t.stats, params, { eps, relu });
      assert.ok(read.affine);
      return {
        outs: { out: stored(g, 'out', read) },
        wrt: Object.fromEntries(wanted.map((name) => [name, t[name]])),
        also: { affine: read.affine, mean: t.runningMean, variance: t.runningVar },
      };
    },
    reference: {
      outs: { out: relu ? active.out : bn.out },
      also: { ...after, affine: affineOf(bn.statistics, gamma, beta, eps) },
      backward: (d) => bn.backward(relu ? active.backward(d.out).x : d.out),
    },
    forms: ['tile'],
  };
}

const title = ({ batch = 1, size, c, relu, training, chunk, wrt }: Shape): string =>
  `${training ? 'training' : 'fixed'}${relu ? ' + relu' : ''}: ${batch}x${size}x${size}x${c}` +
  `${chunk ? `, ${chunk} pixels a row` : ''}${wrt ? `, by ${wrt.join(' and ')}` : ''}`;

const shapes: Shape[] = [
  { batch: 3, size: 7, c: 40, relu: true, training: true },
  { batch: 3, size: 15, c: 8, relu: false, training: true },
  { size: 14, c: 728, relu: true, training: true },
  { size: 55, c: 184, relu: true, training: true },
  // 372 partial rows, so that rows are merged in two steps, the first into unequal parts.
  { size: 109, c: 4, relu: false, training: true },
  // As many pixels in fewer rows than are merged for so many, so that a part is empty, and in more.
  { size: 47, c: 8, relu: true, training: true, chunk: 100 },
  { size: 47, c: 8, relu: true, training: true, chunk: 1 },
  { batch: 3, size: 1, c: 8, relu: false, training: true, eps: 1e-3 },
  { size: 7, c: 8, relu: true, training: true, chunk: 1 },
  { batch: 3, size: 7, c: 40, relu: true, training: false },
  { batch: 3, size: 14, c: 8, relu: false, training: false, eps: 1e-3 },
  { batch: 3, size: 14, c: 8, relu: false, training: false, wrt: ['x'] },
  { batch: 3, size: 14, c: 8, relu: true, training: false, wrt: ['x'] },
  { batch: 3, size: 14, c: 8, relu: true, training: true, wrt: ['gamma', 'beta'] },
  { batch: 3, size: 14, c: 8, relu: true, training: true, wrt: ['x'] },
];
for (const shape of shapes) test(title(shape), () => check('batch norm', norm(shape)));

test('mean/std = 100', async () => {
  // x itself has only 2^-17 of its standard deviation in f32; E[x^2] - E[x]^2 would keep nothing.
  const far: Shape = { batch: 3, size: 14, c: 8, relu: false, training: true, mean: 100 };
  await check('batch norm', { ...norm(far), tolerance: { forward: 1e-4, gradient: 1e-4 } });
});

test('a constant channel', async () => {
  const it = norm({ batch: 3, size: 7, c: 4, relu: false, training: true, wrt: ['x'] });
  const x = map(zeros([3, 7, 7, 4]), () => 3);
  assert.ok(it.maps && it.weights);
  const { gamma, beta } = it.weights;
  const { out, backward } = reference(x, gamma, beta, 1e-5);
  const statistics = statisticsOf(x);
  const before = { mean: it.weights.runningMean, variance: it.weights.runningVar };
  const affine = affineOf(statistics, gamma, beta, 1e-5);
  const largest = (values: Values): number => Math.max(...values.data.map(Math.abs));
  await check('batch norm', {
    ...it,
    // x * scale and shift, hundreds of times larger, all but cancel: what is left is their rounding.
    tolerance: { forward: (2 ** -23 * largest(affine)) / largest(out) },
    maps: { x },
    weights: { ...it.weights, stats: partialRows(x, 32) },
    reference: {
      outs: { out },
      also: {
        ...runningAfter(before, statistics, 147, 0.1),
        affine,
      },
      backward: (d) => backward(d.out),
    },
  });
});

for (const training of [true, false]) {
  test(`adds to a gradient (${training ? 'training' : 'fixed'})`, () =>
    check('batch norm', {
      ...norm({ batch: 3, size: 7, c: 8, relu: true, training }),
      prior: ['x'],
    }));
  test(`in slices (${training ? 'training' : 'fixed'})`, () =>
    check('batch norm', {
      ...norm({ batch: 5, size: 8, c: 16, relu: true, training, chunk: 100 }),
      limit: 3 * 8 * 8 * 16 * 4,
    }));
}

test('between two convolutions, the first of which makes the statistics', async () => {
  const x = normal(random, [3, 15, 15, 8]);
  const first = normal(random, [40, 8, 1, 1], 1 / 3);
  const second = normal(random, [8, 40, 1, 1], 1 / 6);
  const gamma = normal(random, [40], 0.5, 1);
  const beta = normal(random, [40]);
  const before = { mean: zeros([40]), variance: map(zeros([40]), () => 1) };
  const a = referenceConv(x, first);
  const bn = reference(a.out, gamma, beta, 1e-5);
  const active = referenceRelu(bn.out);
  const b = referenceConv(active.out, second);
  const running = runningAfter(before, bn.statistics, 3 * 15 * 15, 0.1);
  await check('conv, batch norm, conv', {
    batch: 3,
    maps: { x },
    weights: { first, second, gamma, beta, mean: before.mean, variance: before.variance },
    build(g, t) {
      const made = conv(g, 'first', t.x, t.first, { stats: true });
      const params = { weight: t.gamma, bias: t.beta, runningMean: t.mean, runningVar: t.variance };
      const read = batchNorm(g, made.out, made.stats, params, { eps: 1e-5, relu: true });
      return {
        outs: { out: conv(g, 'second', read, t.second).out },
        wrt: { x: t.x, first: t.first, second: t.second, gamma: t.gamma, beta: t.beta },
        also: { mean: t.mean, variance: t.variance },
      };
    },
    reference: {
      outs: { out: b.out },
      also: { ...running },
      backward(dOuts) {
        const dB = b.backward(dOuts.out);
        const dBn = bn.backward(active.backward(dB.x).x);
        const dA = a.backward(dBn.x);
        return { x: dA.x, first: dA.weight, second: dB.weight, gamma: dBn.gamma, beta: dBn.beta };
      },
    },
  });
});
