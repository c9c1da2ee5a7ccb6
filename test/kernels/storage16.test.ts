/**
 * Kernels on tensors that are stored in 16 bits: with the same input they give what they give in 32,
 * rounded once. In 32 bits each is held to its reference by the test of its own.
 */
import * as assert from 'uvu/assert';
import { floatToHalf, halfToFloat } from '../../src/base/float16.ts';
import { Random } from '../../src/base/random.ts';
import { backward } from '../../src/graph/backward.ts';
import { Graph } from '../../src/graph/record.ts';
import { Plan } from '../../src/graph/replay.ts';
import {
  asRead,
  type Dtype,
  type Read,
  relu,
  type Stored,
  Tensor,
} from '../../src/graph/tensor.ts';
import { adaptivePool } from '../../src/kernels/adaptive_pool/adaptive_pool.ts';
import { batchNorm } from '../../src/kernels/batch_norm/batch_norm.ts';
import { conv } from '../../src/kernels/conv/conv.ts';
import { depthwise } from '../../src/kernels/depthwise/depthwise.ts';
import { dot } from '../../src/kernels/dot/dot.ts';
import { gate } from '../../src/kernels/gate/gate.ts';
import { llsmMap } from '../../src/kernels/llsm/llsm.ts';
import { maxPool } from '../../src/kernels/max_pool/max_pool.ts';
import { poolAdd } from '../../src/kernels/pool_add/pool_add.ts';
import { residualAdd } from '../../src/kernels/residual_add/residual_add.ts';
import { resize } from '../../src/kernels/resize/resize.ts';
import { upsampleAdd } from '../../src/kernels/upsample_add/upsample_add.ts';
import { skip, test } from '../support/run.ts';
import { formsHere, gpu } from './support.ts';

/** What an operation is recorded with: maps as they are stored, and weights in f32. */
interface Given {
  g: Graph;
  map(height: number, width: number, channels: number): Tensor;
  weight(...shape: number[]): Tensor;
  /** What is not differentiated. */
  fixed(...shape: number[]): Tensor;
  read(x: Tensor, how: { affine: boolean; relu: boolean }): Read;
}

const cases: Record<string, (it: Given) => Tensor> = {
  'conv through batch norm, with bias': ({ g, map, weight, read }) => {
    const x = read(map(7, 5, 20), { affine: true, relu: true });
    return conv(g, 'out', x, weight(6, 20, 1, 1), { bias: weight(6) }).out;
  },
  'conv 3x3, stride 2': ({ g, map, weight }) =>
    conv(g, 'out', relu(map(9, 9, 3)), weight(8, 3, 3, 3), { stride: 2 }).out,
  depthwise: ({ g, map, weight, read }) => {
    const second = read(map(9, 7, 4), { affine: true, relu: true });
    return depthwise(g, 'out', [map(9, 7, 8), second], weight(12, 1, 3, 3));
  },
  'conv padded, with an activation': ({ g, map, weight }) => {
    const options = { stride: 2, pad: 'tf', bias: weight(8), activation: 'relu' } as const;
    return conv(g, 'out', map(8, 8, 4), weight(8, 4, 3, 3), options).out;
  },
  'depthwise at stride 2, with an activation': ({ g, map, weight, read }) => {
    const options = { stride: 2, pad: 'tf', bias: weight(12), activation: 'relu6' } as const;
    const second = read(map(8, 8, 4), { affine: true, relu: true });
    return depthwise(g, 'out', [map(8, 8, 8), second], weight(12, 1, 3, 3), options);
  },
  'max pool': ({ g, map, read }) =>
    maxPool(g, 'out', read(map(7, 7, 8), { affine: true, relu: true }), 2),
  'upsample and add': ({ g, map }) => upsampleAdd(g, 'out', map(4, 3, 8), map(8, 6, 8)),
  'adaptive pool': ({ g, map }) => adaptivePool(g, 'out', relu(map(11, 11, 8)), 4),
  'global pool in parts': ({ g, map }) => adaptivePool(g, 'out', map(40, 40, 4), 1),
  gate: ({ g, map, read }) =>
    gate(g, 'out', read(map(7, 7, 8), { affine: true, relu: true }), map(1, 1, 8)),
  'pool add': ({ g, map, read }) => {
    const normed = { affine: true, relu: false };
    return poolAdd(g, 'out', read(map(9, 9, 8), normed), read(map(5, 5, 8), normed), 'torch');
  },
  'residual add': ({ g, map, read }) =>
    residualAdd(g, 'out', read(map(5, 5, 8), { affine: false, relu: false }), map(5, 5, 8)),
  'residual add of a batch norm': ({ g, map, weight, fixed }) => {
    const params = {
      weight: weight(8),
      bias: weight(8),
      runningMean: fixed(8),
      runningVar: fixed(8),
    };
    // So large an epsilon that a variance below 0 does not matter.
    const main = batchNorm(g, map(5, 5, 8), undefined, params, { eps: 10, relu: false });
    return residualAdd(g, 'out', main, map(5, 5, 8));
  },
  resize: ({ g, map }) => resize(g, 'out', relu(map(7, 7, 8)), 12, 9),
  'resize of three channels': ({ g, map }) => resize(g, 'out', map(7, 7, 3), 12, 9),
  dot: ({ g, map, weight }) => dot(g, 'out', [map(5, 5, 8)], weight(1, 8, 1, 1), weight(1)),
  'pair map': ({ g, map, weight }) => {
    const [left, right] = [map(5, 5, 8), map(5, 5, 8)].map((tensor) => ({
      ...asRead(tensor),
      at: 0,
    }));
    const place = { head: 'mlp', height: 5, width: 5, depth: 6, left, right } as const;
    return llsmMap(g, { ...place, weight: weight(1, 6, 1, 1), bias: weight(1) });
  },
};

/** Without a gradient through what they are given here, or with one that is tested as a loss. */
const undifferentiated = new Set(['pair map', 'resize', 'residual add', 'conv 3x3, stride 2']);

/** The output's values and, of what is differentiated, those of the gradients of maps and weights. */
async function valuesOf(
  build: (it: Given) => Tensor,
  storage: Dtype,
  subgroupSize: number,
  { magnitude = 1, differentiated = false } = {},
): Promise<{ values: Float32Array[]; dtypes: Stored[] }> {
  const g = new Graph({
    batch: 3,
    training: false,
    traits: { subgroupSize },
    inference: !differentiated,
    storage,
  });
  const wrt: Tensor[] = [];
  const random = new Random(3, 'halves');
  const feeds = new Map<Tensor, Float32Array>();
  const input = (
    shape: number[],
    batched: boolean,
    dtype: Stored = batched ? storage : 'f32',
  ): Tensor => {
    const tensor = new Tensor(`in ${feeds.size}`, shape, { batched, home: 'input', dtype });
    const value = () => halfToFloat(floatToHalf(random.normal() * magnitude));
    feeds.set(tensor, Float32Array.from({ length: tensor.size }, value));
    return tensor;
  };
  const out = build({
    g,
    map(height, width, channels) {
      const map = input([3, height, width, channels], true);
      wrt.push(map);
      return map;
    },
    weight(...shape) {
      const weight = input(shape, false);
      wrt.push(weight);
      return weight;
    },
    fixed: (...shape) => input(shape, false),
    read(tensor, how) {
      const affine = how.affine ? input([2, tensor.shape[3]], false) : undefined;
      return { tensor, affine, relu: how.relu, value: tensor };
    },
  });
  const results = [out];
  if (differentiated) {
    const seed = input([...out.shape], true, out.dtype);
    const seeds = new Map([[out, seed]]);
    // A map that only passes its gradient on has the seed's.
    const gradients = backward(g, seeds, wrt);
    results.push(...wrt.map((tensor) => gradients.of(tensor) as Tensor));
  }
  for (const result of results) result.keep = true;
  const plan = await Plan.build(gpu, g);
  try {
    for (const [tensor, data] of feeds) plan.write(tensor, data);
    plan.run();
    const values = await Promise.all(results.map((result) => plan.read(result)));
    return { values, dtypes: results.map(({ dtype }) => dtype) };
  } finally {
    plan.destroy();
  }
}

const forms: Record<string, number> = { lanes: gpu.subgroupSize, tile: 0 };
for (const [name, build] of Object.entries(cases)) {
  const here = /conv|pair/.test(name) ? formsHere : formsHere.slice(-1);
  for (const form of here) {
    test(`${name} (${form})`, async () => {
      if (!gpu.device.features.has('shader-f16')) skip('this adapter has no shader-f16');
      const wide = await valuesOf(build, 'f32', forms[form]);
      const narrow = await valuesOf(build, 'f16', forms[form]);
      compare(wide, narrow);
      // Logits and pair logits are f32.
      assert.is(narrow.dtypes[0], name === 'dot' || name === 'pair map' ? 'f32' : 'f16');
    });
    if (undifferentiated.has(name)) continue;
    test(`${name}: gradients (${form})`, async () => {
      if (!gpu.device.features.has('shader-f16')) skip('this adapter has no shader-f16');
      const wide = await valuesOf(build, 'f32', forms[form], { differentiated: true });
      const narrow = await valuesOf(build, 'f16', forms[form], { differentiated: true });
      compare(wide, narrow);
      assert.ok(narrow.dtypes.slice(1).includes('f16'));
    });
  }
}

type Results = Awaited<ReturnType<typeof valuesOf>>;

function compare(wide: Results, narrow: Results): void {
  narrow.values.forEach((values, k) => {
    const rounded = narrow.dtypes[k] === 'f16';
    const expected = wide.values[k];
    const scale = expected.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
    assert.ok(scale > 0);
    values.forEach((value, i) => {
      const allowed = Math.abs(expected[i]) * (rounded ? 2 ** -10 : 0) + scale * 2e-6;
      assert.ok(
        Math.abs(value - expected[i]) <= allowed,
        `${k}, ${i}: ${value} and ${expected[i]}`,
      );
    });
    // It was rounded; a gradient may be passed on as it is.
    if (rounded && k === 0) assert.ok(values.some((value, i) => value !== expected[i]));
  });
}

test('what does not fit 16 bits is told by whoever reads', async () => {
  if (!gpu.device.features.has('shader-f16')) skip('this adapter has no shader-f16');
  const read = (magnitude: number) => valuesOf(cases['residual add'], 'f16', 0, { magnitude });
  assert.ok((await read(5000)).values[0].every(Number.isFinite));
  try {
    await read(30000);
    assert.unreachable('nothing was thrown');
  } catch (error) {
    assert.match((error as Error).message, /beyond the range of 16-bit/);
  }
});
