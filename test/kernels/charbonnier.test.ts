import * as assert from 'uvu/assert';
import { Random } from '../../src/base/random.ts';
import { Graph } from '../../src/graph/record.ts';
import { Plan } from '../../src/graph/replay.ts';
import { charbonnier } from '../../src/kernels/charbonnier/charbonnier.ts';
import { charbonnier as reference } from '../reference/elementwise.ts';
import { normal, valuesOf } from '../reference/values.ts';
import { test } from '../support/run.ts';
import { compare, gpu } from './support.ts';

const random = new Random(1, 'charbonnier tests');

for (const [shape, limit] of [
  [[1, 3]],
  [[3, 7, 5, 4]],
  [[2, 33, 20, 4]],
  // The weight of an item is 4 bytes: slices begin at every 64th.
  [[70, 4, 4, 1], 65 * 64],
] as [number[], number?][]) {
  test(`[${shape.join(', ')}]${limit ? ' in slices' : ''}`, async () => {
    const [batch, ...item] = shape;
    const [x, truth] = [normal(random, shape), normal(random, shape)];
    truth.data[0] = x.data[0];
    const weights = valuesOf(
      [batch],
      Array.from({ length: batch }, () => random.uniform(0, 1)),
    );
    const g = new Graph({ batch, training: true, traits: { subgroupSize: 0 } });
    const [a, t, w] = [g.input('x', item), g.input('t', item), g.input('w', [])];
    const { partial, seeds } = charbonnier(g, a, t, w, 0.05);
    const dX = seeds.get(a);
    assert.ok(dX);
    partial.keep = dX.keep = true;
    const plan = await Plan.build(gpu, g, undefined, {
      maxStorageBufferBindingSize: limit ?? gpu.device.limits.maxStorageBufferBindingSize,
      maxBufferSize: gpu.device.limits.maxBufferSize,
      minStorageBufferOffsetAlignment: 256,
    });
    if (limit) assert.is(plan.memory.dispatches.length, 2);
    plan.write(a, Float32Array.from(x.data));
    plan.write(t, Float32Array.from(truth.data));
    plan.write(w, Float32Array.from(weights.data));
    plan.run();
    const exact = reference(x, truth, weights, 0.05);
    const total = (await plan.read(partial)).reduce((sum, value) => sum + value, 0);
    compare('loss', Float32Array.of(total), exact.out, 1e-5);
    compare('gradient', await plan.read(dX), exact.backward(valuesOf([1], [1])).x, 1e-5);
    plan.destroy();
  });
}
