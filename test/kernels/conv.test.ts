import * as assert from 'uvu/assert';
import { backward } from '../../src/graph/backward.ts';
import { Graph } from '../../src/graph/record.ts';
import { Plan } from '../../src/graph/replay.ts';
import { Tensor } from '../../src/graph/tensor.ts';
import { conv } from '../../src/kernels/conv/conv.ts';
import { type Form, formsOf } from '../../src/kernels/conv/menu.ts';
import { pad4 } from '../../src/kernels/matrix.ts';
import { statisticsOf } from '../reference/batch_norm.ts';
import { conv as reference } from '../reference/conv.ts';
import {
  channelRange,
  concat,
  normal,
  reshape,
  type Values,
  valuesOf,
} from '../reference/values.ts';
import { test } from '../support/run.ts';
import { random, type Shape, title, windowCase } from './conv-support.ts';
import { check, formsHere, gpu } from './support.ts';

const shapes: Shape[] = [
  { size: 7, cin: 4, n: 8, batch: 3 },
  { size: 15, cin: 40, n: 184, batch: 3 },
  { size: 14, cin: 728, n: 728 },
  { size: 55, cin: 8, n: 40, bias: true },
  { size: 109, cin: 8, n: 4 },
  { size: 7, cin: 184, n: 1, bias: true, batch: 3 },
  { size: 5, cin: 8, n: 6, bias: true },
  { size: 14, cin: 40, n: 8, stride: 2, batch: 3 },
  { size: 15, cin: 8, n: 40, stride: 2, batch: 3 },
  { size: 55, cin: 4, n: 8, stride: 2 },
  { size: 14, cin: 3, n: 8, kernel: 3, stride: 2, batch: 3, image: true },
  { size: 15, cin: 3, n: 32, kernel: 3, stride: 2, image: true },
  { size: 109, cin: 3, n: 8, kernel: 3, stride: 2, image: true },
  { size: 14, cin: 8, n: 16, kernel: 3, batch: 3 },
  { size: 15, cin: 40, n: 8, kernel: 3 },
  { size: 7, cin: 4, n: 40, kernel: 4 },
  { size: 14, cin: 40, n: 8, through: 'affine', batch: 3 },
  { size: 14, cin: 40, n: 8, through: 'affine relu', batch: 3 },
  { size: 14, cin: 40, n: 8, through: 'relu', batch: 3 },
  { size: 15, cin: 8, n: 40, stride: 2, through: 'affine relu' },
  { size: 15, cin: 8, n: 40, stride: 2, through: 'relu' },
  { size: 15, cin: 8, n: 40, kernel: 3, through: 'affine relu' },
  { size: 15, cin: 8, n: 40, kernel: 3, through: 'relu' },
  // Padded windows, as the face finder's networks have them.
  { size: 14, cin: 3, n: 8, kernel: 3, stride: 2, batch: 3, pad: 'tf', bias: true, image: true },
  { size: 15, cin: 8, n: 16, kernel: 3, stride: 2, pad: 'tf', through: 'relu', batch: 3 },
  { size: 14, cin: 8, n: 40, kernel: 3, stride: 2, pad: 'tf', through: 'affine relu' },
  { size: 14, cin: 40, n: 8, kernel: 3, stride: 2, pad: 'torch', batch: 3 },
  { size: 9, cin: 4, n: 8, kernel: 3, pad: 'torch', through: 'relu' },
  { size: 2, cin: 8, n: 8, kernel: 3, stride: 2, pad: 'tf', batch: 3 },
  { size: 1, cin: 4, n: 4, kernel: 3, pad: 'tf' },
  { size: 13, cin: 40, n: 25, bias: true, batch: 3, pad: 'tf' },
  { size: 9, cin: 3, n: 16, kernel: 3, bias: true, activation: 'leaky', image: true },
  { size: 7, cin: 8, n: 40, bias: true, activation: 'relu6', batch: 3 },
  { size: 8, cin: 8, n: 12, kernel: 3, stride: 2, bias: true, pad: 'tf', activation: 'relu6' },
  { size: 7, cin: 20, n: 8, activation: 'relu', through: 'affine' },
];
for (const shape of shapes) {
  test(title(shape), () => check('conv', windowCase(shape)));
}

for (const shape of [
  { size: 7, cin: 8, n: 40, batch: 3 },
  { size: 15, cin: 8, n: 40, stride: 2, through: 'relu' },
  { size: 7, cin: 8, n: 40, kernel: 3, through: 'affine relu' },
  { size: 8, cin: 8, n: 40, kernel: 3, stride: 2, pad: 'tf', through: 'relu' },
] as Shape[]) {
  test(`adds to a gradient: ${title(shape)}`, () =>
    check('conv', { ...windowCase(shape), prior: ['x'] }));
}

for (const [shape, limit] of [
  // Even sizes with 16 channels are multiples of 256 bytes an item, so that any item may begin a slice.
  [{ size: 8, cin: 16, n: 32, batch: 5, bias: true }, 2 * 8192],
  [{ size: 8, cin: 64, n: 16, batch: 5, stride: 2, through: 'relu' }, 2 * 16384],
  [{ size: 10, cin: 16, n: 4, batch: 5, kernel: 3, through: 'affine relu' }, 3 * 6400],
  [
    { size: 16, cin: 16, n: 16, batch: 5, kernel: 3, stride: 2, pad: 'tf', activation: 'leaky' },
    2 * 16384,
  ],
  // 7x7x16 is 3,136 bytes: slices begin at every fourth item.
  [{ size: 7, cin: 16, n: 16, batch: 9 }, 6 * 3136],
] as [Shape, number][]) {
  test(`in slices: ${title(shape)}`, () => check('conv', { ...windowCase(shape), limit }));
}

test('the filter gradient in one chunk and in many', async () => {
  // Enough rows that chunks end inside an image; a count that no chunk size divides.
  await check('conv', windowCase({ batch: 3, size: 23, cin: 4, n: 4 }));
});

test('an input gradient that it cannot make is refused', () => {
  const build = (n: number) => () => {
    const g = new Graph({ batch: 1, training: true, traits: { subgroupSize: 0 } });
    const x = g.input('x', [9, 9, 4]);
    const w = new Tensor('w', [n, 4, 3, 3], { home: 'input' });
    const { out } = conv(g, 'conv', x, w);
    backward(g, new Map([[out, g.input('d', out.shape.slice(1))]]), [x]);
  };
  build(8)();
  assert.throws(build(6), /conv: a 3x3 convolution gives its input no gradient with 6 columns/);
});

test('what lies as a product reads it is bound itself, anything else is packed', () => {
  const packed = (n: number, c: number, kernel: number) => {
    const g = new Graph({ batch: 1, training: true, traits: { subgroupSize: 0 } });
    const x = g.input('x', [9, 9, c]);
    const w = new Tensor('w', [n, c, kernel, kernel], { home: 'input' });
    const bias = new Tensor('b', [n], { home: 'input' });
    const { out } = conv(g, 'conv', x, w, { bias });
    const forward = g.launches.length;
    backward(g, new Map([[out, g.input('d', out.shape.slice(1))]]), [x]);
    const count = (launches: typeof g.launches) =>
      launches.filter(({ kernel }) => kernel.name.startsWith('pack')).length;
    return [count(g.launches.slice(0, forward)), count(g.launches.slice(forward))];
  };
  // Forward reads a transposed weight, dX of a 1x1 the weight as it lies.
  assert.equal(packed(8, 4, 1), [1, 0]);
  assert.equal(packed(8, 4, 3), [1, 1]);
  // Columns of a padded matrix are zero: bias and weight.
  assert.equal(packed(6, 4, 1), [2, 1]);
});

test('a map padded differently along its sides is refused', () => {
  const g = new Graph({ batch: 1, training: false, traits: { subgroupSize: 0 } });
  const w = new Tensor('w', [8, 4, 3, 3], { home: 'input' });
  const x = g.input('x', [8, 9, 4]);
  assert.throws(
    () => conv(g, 'conv', x, w, { stride: 2, pad: 'tf' }),
    /conv: a 8 x 9 map would be padded with 0 rows and 1 columns/,
  );
});

test('flat: a 4x4 window that is the whole input', () => {
  for (const [batch, c, n] of [
    [3, 8, 40],
    [1, 184, 8],
  ]) {
    const x = normal(random, [batch, 4, 4, c]);
    const weight = normal(random, [n, c, 4, 4], 1 / Math.sqrt(16 * c));
    const bias = normal(random, [n]);
    const { out, backward } = reference(x, weight, { bias });
    const flat = [batch, 1, 1, 16 * c];
    return check('flat', {
      batch,
      maps: { x: reshape(x, flat) },
      weights: { weight, bias },
      build(g, t) {
        const made = conv(g, 'out', t.x, t.weight, { layout: 'flat', bias: t.bias });
        return { outs: { out: made.out }, wrt: { x: t.x, weight: t.weight, bias: t.bias } };
      },
      reference: {
        outs: { out },
        backward(dOuts) {
          const d = backward(dOuts.out);
          return { ...d, x: reshape(d.x, flat) };
        },
      },
    });
  }
});

/** [K, C, 2, 1] as two 1x1 weights. */
function halves(weight: Values): [Values, Values] {
  const [k, c] = weight.shape;
  const half = (at: number): Values =>
    valuesOf(
      [k, c, 1, 1],
      weight.data.filter((_, i) => i % 2 === at),
    );
  return [half(0), half(1)];
}

for (const [k, c, size] of [
  [1, 8, 7],
  [64, 40, 14],
  [6, 184, 5],
]) {
  test(`pair: ${c} channels to ${k} for each position`, async () => {
    const x = normal(random, [3, size, size, c]);
    const weight = normal(random, [k, c, 2, 1], 1 / Math.sqrt(c));
    const bias = normal(random, [k]);
    const [first, second] = halves(weight);
    const a = reference(x, first, { bias });
    const b = reference(x, second);
    const out = channelRange(concat(a.out, b.out), 0, pad4(2 * k));
    await check('pair', {
      batch: 3,
      maps: { x },
      weights: { weight, bias },
      build(g, t) {
        const made = conv(g, 'out', t.x, t.weight, { layout: 'pair', bias: t.bias });
        return { outs: { out: made.out }, wrt: { x: t.x, weight: t.weight, bias: t.bias } };
      },
      reference: {
        outs: { out },
        backward(dOuts) {
          const dA = a.backward(channelRange(dOuts.out, 0, k));
          const dB = b.backward(channelRange(dOuts.out, k, 2 * k));
          const both = weight.data.map((_, i) => (i % 2 ? dB : dA).weight.data[Math.floor(i / 2)]);
          return {
            x: { shape: x.shape, data: dA.x.data.map((value, i) => value + dB.x.data[i]) },
            weight: valuesOf(weight.shape, both),
            bias: dA.bias,
          };
        },
      },
    });
  });
}

// 3 * 7 * 7 = 147 rows: the last tile is a part of one; mean/std = 100.
for (const kind of formsHere) {
  const traits = { subgroupSize: kind === 'lanes' ? gpu.subgroupSize : 0 };
  const [plain, ...others] = formsOf('product', traits);
  const cases: { form: Form; limit?: number }[] = [
    { form: plain },
    { form: plain, limit: 8 * 8 * 16 * 4 * 2 },
    ...others.map((form) => ({ form })),
  ];
  for (const { form, limit } of cases) {
    test(`statistics' partial rows (${form.name}${limit ? ', sliced' : ''})`, async () => {
      const size = limit ? 8 : 7;
      const n = form === plain || form.kind === 'narrow' ? 16 : 84;
      const x = normal(random, [3, size, size, 16]);
      const weight = normal(random, [n, 16, 1, 1], 1 / 4);
      const bias = normal(random, [n], 20, 100);
      const g = new Graph({
        batch: 3,
        training: true,
        traits: { ...traits, tuned: { get: () => form.name } },
      });
      const input = g.input('x', x.shape.slice(1));
      const w = new Tensor('w', [...weight.shape], { home: 'input' });
      const b = new Tensor('b', [n], { home: 'input' });
      const { stats } = conv(g, 'out', input, w, { bias: b, stats: true });
      assert.is(g.launches[g.launches.length - 1].choice?.form, form.name);
      assert.ok(stats);
      stats.keep = true;
      const limits = {
        maxStorageBufferBindingSize: limit ?? 1 << 20,
        maxBufferSize: 1 << 20,
        minStorageBufferOffsetAlignment: 256,
      };
      const plan = await Plan.build(gpu, g, undefined, limits);
      plan.write(input, Float32Array.from(x.data));
      plan.write(w, Float32Array.from(weight.data));
      plan.write(b, Float32Array.from(bias.data));
      plan.run();
      const rows = await plan.read(stats);
      plan.destroy();
      // Two slices of 4 and 2 tiles, or one; the narrow form takes 16 rows of 8 lanes at least.
      const count = plan.memory.rows.get(stats) ?? 0;
      const tile = form.kind === 'narrow' ? 128 : form.rows;
      assert.is(count, limit ? 6 : Math.ceil(147 / tile));
      const { mean, variance } = statisticsOf(reference(x, weight, { bias }).out);
      for (let c = 0; c < n; c++) {
        let [pixels, sum] = [0, 0];
        for (let r = 0; r < count; r++) {
          pixels += rows[r * 3 * n + c];
          sum += rows[r * 3 * n + c] * rows[(r * 3 + 1) * n + c];
        }
        assert.is(pixels, 3 * size * size);
        const merged = sum / pixels;
        let squares = 0;
        for (let r = 0; r < count; r++) {
          const [k, m, m2] = [0, 1, 2].map((at) => rows[(r * 3 + at) * n + c]);
          squares += m2 + k * (m - merged) ** 2;
        }
        assert.ok(Math.abs(merged - mean.data[c]) < 1e-6 * Math.abs(mean.data[c]), `mean ${c}`);
        const off = Math.abs(squares / pixels / variance.data[c] - 1);
        assert.ok(off < 1e-4, `variance ${c} off by ${off}`);
      }
    });
  }
}
