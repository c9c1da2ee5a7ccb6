/**
 * The references themselves: their gradients against finite differences, and the operations that
 * are easily got wrong against what PyTorch gives (test/golden/ops.safetensors).
 */
import { readFileSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { Random } from '../../src/base/random.ts';
import { parseSafetensors } from '../../src/model/safetensors.ts';
import { test } from '../support/run.ts';
import { adam } from './adam.ts';
import { batchNorm, runningAfter, statisticsOf } from './batch_norm.ts';
import { conv, depthwise } from './conv.ts';
import { checkDifferences } from './differences.ts';
import { activation, bce, bceDice, charbonnier, gate, relu, upsampleAdd } from './elementwise.ts';
import { adaptivePool, maxPool, maxPool2 } from './pool.ts';
import { resize } from './resize.ts';
import { map, normal, type Values, valuesOf, zeros } from './values.ts';

const random = new Random(1, 'reference tests');

for (const [stride, kernel] of [
  [1, 1],
  [2, 1],
  [1, 3],
  [2, 3],
]) {
  test(`conv ${kernel}x${kernel}, stride ${stride}`, () => {
    const x = normal(random, [2, 5, 4, 3]);
    const weight = normal(random, [2, 3, kernel, kernel]);
    const bias = normal(random, [2]);
    checkDifferences(random, { x, weight, bias }, (it) =>
      conv(it.x, it.weight, { stride, bias: it.bias }),
    );
  });
}

for (const pad of ['torch', 'tf'] as const) {
  for (const [stride, size] of [
    [1, 5],
    [2, 5],
    [2, 6],
  ]) {
    test(`conv and depthwise 3x3 padded as in ${pad}, stride ${stride}, size ${size}`, () => {
      const x = normal(random, [2, size, size, 2]);
      const bias = normal(random, [2]);
      const weight = normal(random, [2, 2, 3, 3]);
      const options = { stride, pad };
      checkDifferences(random, { x, weight, bias }, (it) =>
        conv(it.x, it.weight, { ...options, bias: it.bias }),
      );
      const each = normal(random, [2, 1, 3, 3]);
      checkDifferences(random, { x, weight: each, bias }, (it) =>
        depthwise(it.x, it.weight, { ...options, bias: it.bias }),
      );
    });
  }
}

test('padding by hand: the pixel under the last tap of the first window', () => {
  const last = valuesOf([1, 1, 3, 3], [0, 0, 0, 0, 0, 0, 0, 0, 1]);
  const x = valuesOf(
    [1, 4, 4, 1],
    Array.from({ length: 16 }, (_, i) => i),
  );
  // TensorFlow pads an even size behind alone, PyTorch before as well.
  assert.equal([...depthwise(x, last, { stride: 2, pad: 'tf' }).out.data], [10, 0, 0, 0]);
  assert.equal([...depthwise(x, last, { stride: 2, pad: 'torch' }).out.data], [5, 7, 13, 15]);
});

for (const kind of ['relu', 'relu6', 'leaky'] as const) {
  test(`activation ${kind}`, () => {
    const x = map(normal(random, [2, 3, 3, 4], 4, 2), (value) =>
      Math.abs(value) < 0.1 || Math.abs(value - 6) < 0.1 ? 1 : value,
    );
    checkDifferences(random, { x }, (it) => activation(it.x, kind));
    const by = { relu: [0, 3, 8], relu6: [0, 3, 6], leaky: [-0.2, 3, 8] }[kind];
    const { out } = activation(valuesOf([3], [-2, 3, 8]), kind);
    assert.equal(
      [...out.data].map((value) => value + 0),
      by,
    );
  });
}

for (const stride of [1, 2]) {
  test(`max pool 2x2, stride ${stride}`, () => {
    for (const size of [4, 5]) {
      const x = normal(random, [2, size, size, 3]);
      checkDifferences(random, { x }, (it) => maxPool2(it.x, stride));
    }
  });
}

test('upsample and add', () => {
  const [small, base] = [normal(random, [2, 2, 3, 2]), normal(random, [2, 4, 6, 2])];
  checkDifferences(random, { small, base }, (it) => upsampleAdd(it.small, it.base));
  const row = upsampleAdd(
    valuesOf([1, 1, 2, 1], [10, 20]),
    valuesOf([1, 2, 4, 1], [1, 2, 3, 4, 5, 6, 7, 8]),
  );
  assert.equal([...row.out.data], [11, 12, 23, 24, 15, 16, 27, 28]);
});

test('conv by hand', () => {
  const x = valuesOf([1, 2, 2, 1], [1, 2, 3, 4]);
  const weight = valuesOf([1, 1, 2, 2], [1, 10, 100, 1000]);
  assert.equal([...conv(x, weight).out.data], [4321]);
  const two = conv(valuesOf([1, 1, 1, 2], [1, 2]), valuesOf([2, 2, 1, 1], [1, 10, 100, 1000]));
  assert.equal([...two.out.data], [21, 2100]);
});

test('depthwise', () => {
  const x = normal(random, [2, 3, 4, 2]);
  const weight = normal(random, [2, 1, 3, 3]);
  checkDifferences(random, { x, weight }, (it) => depthwise(it.x, it.weight));
  // Only the right neighbour: a shift to the left, with zero coming in.
  const shift = valuesOf([1, 1, 3, 3], [0, 0, 0, 0, 0, 1, 0, 0, 0]);
  assert.equal([...depthwise(valuesOf([1, 1, 3, 1], [1, 2, 3]), shift).out.data], [2, 3, 0]);
});

test('batch norm with batch and with fixed statistics', () => {
  const x = normal(random, [2, 3, 2, 2], 1, 3);
  const gamma = normal(random, [2]);
  const beta = normal(random, [2]);
  const f = (it: Record<'x' | 'gamma' | 'beta', Values>) =>
    batchNorm(it.x, it.gamma, it.beta, 1e-3);
  checkDifferences(random, { x, gamma, beta }, f);
  const fixed = { mean: normal(random, [2]), variance: valuesOf([2], [0.5, 2]) };
  checkDifferences(random, { x, gamma, beta }, (it) =>
    batchNorm(it.x, it.gamma, it.beta, 1e-3, fixed),
  );
});

test('pools', () => {
  for (const pad of ['torch', 'tf'] as const) {
    // Distinct values far apart: differences must not change a winner.
    const x = map(zeros([2, 5, 4, 2]), () => 0);
    random.shuffle([...x.data.keys()]).forEach((value, i) => {
      x.data[i] = value;
    });
    checkDifferences(random, { x }, (it) => maxPool(it.x, pad));
  }
  for (const [h, w] of [
    [7, 4],
    [3, 2],
    [1, 9],
  ]) {
    checkDifferences(random, { x: normal(random, [2, h, w, 2]) }, (it) => adaptivePool(it.x, 4, 4));
  }
});

test('resize', () => {
  for (const [h, w, outH, outW] of [
    [3, 4, 7, 2],
    [1, 5, 4, 5],
  ]) {
    checkDifferences(random, { x: normal(random, [2, h, w, 2]) }, (it) => resize(it.x, outH, outW));
  }
});

test('relu, gate, binary cross-entropy', () => {
  checkDifferences(random, { x: normal(random, [3, 5]) }, (it) => relu(it.x));
  const a = normal(random, [2, 3, 2, 3]);
  const z = normal(random, [2, 1, 1, 3]);
  checkDifferences(random, { a, z }, (it) => gate(it.a, it.z));
  const target = map(normal(random, [3, 5]), (value) => 1 / (1 + Math.exp(-value)));
  for (const weights of [
    [1, 0, 1],
    [0, 0, 0],
  ]) {
    checkDifferences(random, { z: normal(random, [3, 5], 3) }, (it) =>
      bce(it.z, target, valuesOf([3], weights)),
    );
    checkDifferences(random, { z: normal(random, [3, 5], 3) }, (it) =>
      bceDice(it.z, target, valuesOf([3], weights)),
    );
  }
  const half = bce(zeros([1, 2]), valuesOf([1, 2], [0, 1]), valuesOf([1], [1]));
  assert.ok(Math.abs(half.out.data[0] - Math.LN2) < 1e-15);
});

test('Charbonnier', () => {
  const truth = normal(random, [3, 5]);
  const weight = valuesOf([3], [0.5, 0, 0.2]);
  checkDifferences(random, { x: normal(random, [3, 5]) }, (it) =>
    charbonnier(it.x, truth, weight, 0.3),
  );
});

test('adam by hand', () => {
  const one = (value: number): Values => valuesOf([1], [value]);
  // The first step is lr in the gradient's direction, whatever its size.
  const first = adam({ weight: one(1), m: one(0), v: one(0) }, one(-7), 1, 0.01);
  assert.ok(Math.abs(first.weight.data[0] - 1.01) < 1e-10);
  const second = adam(first, one(3), 2, 0.01);
  const m = 0.9 * -0.7 + 0.1 * 3;
  const v = 0.999 * 0.049 + 0.001 * 9;
  const step = (0.01 * m) / 0.19 / (Math.sqrt(v / (1 - 0.999 ** 2)) + 1e-8);
  assert.ok(Math.abs(second.weight.data[0] - (first.weight.data[0] - step)) < 1e-12);
});

// What PyTorch computed in f64 and stored in f32.
const goldens = parseSafetensors(readFileSync('test/golden/ops.safetensors'), 'ops.safetensors');
const names = [...goldens.tensors.keys()];

function golden(name: string): Values {
  const tensor = goldens.tensors.get(name);
  if (!tensor) throw new Error(`no golden ${name}`);
  return valuesOf(tensor.shape, tensor.data);
}

function near(name: string, mine: Values, tolerance = 1e-6): void {
  const theirs = golden(name);
  assert.equal(mine.shape, theirs.shape, `${name}: shape`);
  const scale = theirs.data.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-30);
  mine.data.forEach((value, i) => {
    const off = Math.abs(value - theirs.data[i]);
    assert.ok(off <= tolerance * scale, `${name}[${i}]: ${value}, PyTorch ${theirs.data[i]}`);
  });
}

test('resize, adaptive and max pool as PyTorch', () => {
  const cases = names.filter((name) => /^(resize|adaptive|maxpool)\..*\.x$/.test(name));
  assert.is(cases.length, 17);
  for (const name of cases) {
    const stem = name.slice(0, -2);
    const [, outH, outW] = golden(`${stem}.y`).shape;
    const x = golden(name);
    const { out, backward } = stem.startsWith('resize')
      ? resize(x, outH, outW)
      : stem.startsWith('adaptive')
        ? adaptivePool(x, outH, outW)
        : maxPool(x, stem.includes('.tf.') ? 'tf' : 'torch');
    near(`${stem}.y`, out);
    near(`${stem}.dx`, backward(golden(`${stem}.dy`)).x);
  }
});

test('batch norm as PyTorch', () => {
  const x = golden('batchnorm.x');
  const { out, backward, statistics } = batchNorm(
    x,
    golden('batchnorm.gamma'),
    golden('batchnorm.beta'),
    1e-5,
  );
  near('batchnorm.y', out);
  const gradients = backward(golden('batchnorm.dy'));
  near('batchnorm.dx', gradients.x);
  near('batchnorm.dgamma', gradients.gamma);
  near('batchnorm.dbeta', gradients.beta);
  assert.equal(statistics, statisticsOf(x));
  const before = { mean: golden('batchnorm.mean'), variance: golden('batchnorm.var') };
  const running = runningAfter(before, statistics, 2 * 3 * 5, 0.1);
  near('batchnorm.running_mean', running.mean);
  near('batchnorm.running_var', running.variance);
});
