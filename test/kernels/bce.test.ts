import * as assert from 'uvu/assert';
import { Random } from '../../src/base/random.ts';
import { Graph } from '../../src/graph/record.ts';
import { Plan } from '../../src/graph/replay.ts';
import { bce } from '../../src/kernels/bce/bce.ts';
import { bceDice, bce as plain } from '../reference/elementwise.ts';
import { map, normal, sizeOf, type Values, valuesOf } from '../reference/values.ts';
import { test } from '../support/run.ts';
import { compare, gpu } from './support.ts';

const random = new Random(1, 'bce tests');

interface Loss {
  logits: Values;
  truth: Values;
  /** Of each item, 0 or 1; the kernel is given each divided by their sum. */
  weights: readonly number[];
  scale?: number;
  grad?: boolean;
  dice?: boolean;
  limit?: number;
}

/** Checks a loss as software drivers add it up, and as GPUs do. */
async function check(name: string, it: Loss): Promise<void> {
  await checkForm(`${name}, in rows`, it, true);
  await checkForm(`${name}, in trees`, it, false);
}

async function checkForm(name: string, it: Loss, software: boolean): Promise<void> {
  const { logits, truth, weights, scale = 1, grad = true, dice = false } = it;
  const [batch, ...item] = logits.shape;
  const g = new Graph({ batch, training: true, traits: { subgroupSize: 0, software } });
  const z = g.input('z', item);
  const t = g.input('t', item);
  const w = g.input('w', []);
  const loss = bce(g, z, t, w, { scale, grad, dice });
  assert.is(loss.seeds.size, grad ? 1 : 0);
  const dZ = loss.seeds.get(z);
  for (const tensor of [loss.partial, ...(dZ ? [dZ] : [])]) tensor.keep = true;
  const limits = {
    maxStorageBufferBindingSize: it.limit ?? gpu.device.limits.maxStorageBufferBindingSize,
    maxBufferSize: gpu.device.limits.maxBufferSize,
    minStorageBufferOffsetAlignment: 256,
  };
  const plan = await Plan.build(gpu, g, undefined, limits);
  if (it.limit) assert.is(plan.memory.dispatches.length, dice ? 4 : 2, `${name}: slices`);
  plan.write(z, Float32Array.from(logits.data));
  plan.write(t, Float32Array.from(truth.data));
  const sum = Math.max(
    1,
    weights.reduce((a, b) => a + b),
  );
  plan.write(
    w,
    Float32Array.from(weights, (value) => value / sum),
  );
  plan.run();
  const rows = await plan.read(loss.partial);
  const exact = (dice ? bceDice : plain)(logits, truth, valuesOf([batch], weights));
  const total = rows.reduce((a, b) => a + b, 0);
  compare(`${name}: loss`, Float32Array.of(total), exact.out, 1e-5);
  if (dZ) {
    const gradient = exact.backward(valuesOf([1], [scale])).z;
    compare(`${name}: gradient`, await plan.read(dZ), gradient, 1e-5);
  }
  plan.destroy();
}

const soft = (shape: readonly number[]): Values =>
  map(normal(random, shape), (value) => Math.fround(1 / (1 + Math.exp(-value))));
const hard = (shape: readonly number[]): Values =>
  valuesOf(
    shape,
    Array.from({ length: sizeOf(shape) }, () => random.int(2)),
  );

for (const [shape, weights] of [
  [[1], [1]],
  [
    [3, 1],
    [1, 1, 1],
  ],
  [
    [3, 15, 15, 1],
    [1, 0, 1],
  ],
  [[1, 109, 109, 1], [1]],
  [
    [3, 14, 14, 1],
    [0, 0, 0],
  ],
] as [number[], number[]][]) {
  test(`[${shape.join(', ')}], weights ${weights.join(', ')}`, async () => {
    const logits = normal(random, shape, 3);
    await check('soft truth', { logits, truth: soft(shape), weights });
    await check('hard truth', { logits, truth: hard(shape), weights, scale: 0.5 });
    await check('no gradient', { logits, truth: hard(shape), weights, grad: false });
    await check('dice', { logits, truth: hard(shape), weights, scale: 0.5, dice: true });
    const none = map(logits, () => 0);
    await check('dice of an empty mask', { logits, truth: none, weights, dice: true });
  });
}

test('logits so large that a sigmoid or an exponential would overflow', () =>
  check('extremes', {
    logits: valuesOf([1, 6], [-1e4, -100, -20, 20, 100, 1e4]),
    truth: valuesOf([1, 6], [0, 1, 0, 1, 0, 0.5]),
    weights: [1],
  }));

test('a weight of 0 hides an item that is not finite', async () => {
  const logits = valuesOf([2, 2], [1, 2, Number.NaN, Number.POSITIVE_INFINITY]);
  const g = new Graph({ batch: 2, training: true, traits: { subgroupSize: 0 } });
  const [z, t, w] = [g.input('z', [2]), g.input('t', [2]), g.input('w', [])];
  const { partial, seeds } = bce(g, z, t, w, { scale: 1, grad: true });
  const dZ = seeds.get(z);
  assert.ok(dZ);
  partial.keep = dZ.keep = true;
  const plan = await Plan.build(gpu, g);
  plan.write(z, Float32Array.from(logits.data));
  plan.write(t, new Float32Array(4));
  plan.write(w, Float32Array.of(1, 0));
  plan.run();
  const loss = (await plan.read(partial)).reduce((a, b) => a + b);
  assert.ok(Math.abs(loss - (1.3132616875 + 2.126928011) / 2) < 1e-5, `loss ${loss}`);
  assert.equal([...(await plan.read(dZ))].slice(2), [0, 0]);
  plan.destroy();
});

// The weight of an item is 4 bytes: slices begin at every 64th.
test('in slices', () => {
  const shape = [70, 4, 4, 1];
  const weights = Array.from({ length: 70 }, () => random.int(2));
  return check('slices', {
    logits: normal(random, shape),
    truth: soft(shape),
    weights,
    limit: 65 * 64,
  });
});

test('dice in slices, and of logits so large that a sigmoid would overflow', async () => {
  const shape = [70, 4, 4, 1];
  const weights = Array.from({ length: 70 }, () => random.int(2));
  const given = { truth: hard(shape), weights, dice: true };
  await check('dice in slices', { ...given, logits: normal(random, shape), limit: 65 * 64 });
  await check('dice of extremes', { ...given, logits: normal(random, shape, 60) });
});
