import { Random } from '../../src/base/random.ts';
import { Graph } from '../../src/graph/record.ts';
import { Plan } from '../../src/graph/replay.ts';
import { Tensor } from '../../src/graph/tensor.ts';
import { columnSums } from '../../src/kernels/column_sums/column_sums.ts';
import { fill } from '../../src/kernels/fill/fill.ts';
import { map, normal, valuesOf, zeros } from '../reference/values.ts';
import { test } from '../support/run.ts';
import { compare, gpu } from './support.ts';

const random = new Random(1, 'column sum tests');

for (const { batch, size, c, n, limit } of [
  { batch: 3, size: 7, c: 40, n: 40 },
  { batch: 1, size: 109, c: 4, n: 1 },
  { batch: 3, size: 15, c: 728, n: 726 },
  { batch: 5, size: 8, c: 16, n: 14, limit: 2 * 8 * 8 * 16 * 4 },
]) {
  test(`sums ${batch}x${size}x${size}x${c} to ${n}${limit ? ', in slices' : ''}`, async () => {
    const x = normal(random, [batch, size, size, c], 1, 1);
    const g = new Graph({ batch, training: true, traits: { subgroupSize: 0 } });
    const input = g.input('x', x.shape.slice(1));
    const sums = new Tensor('sums', [n]);
    sums.keep = true;
    columnSums(g, input, sums);
    const plan = await Plan.build(gpu, g, undefined, {
      maxStorageBufferBindingSize: limit ?? 1 << 27,
      maxBufferSize: 1 << 27,
      minStorageBufferOffsetAlignment: 256,
    });
    plan.write(input, Float32Array.from(x.data));
    plan.run();
    const expected = zeros([n]);
    x.data.forEach((value, i) => {
      if (i % c < n) expected.data[i % c] += value;
    });
    compare('sums', await plan.read(sums), expected, 1e-5);
    plan.destroy();
  });
}

// 65,535 workgroups of 64 in x are 4,194,240 values: the grid is folded into z above.
for (const size of [1, 65, 4_194_240, 4_194_241]) {
  test(`fills ${size} values, and no more`, async () => {
    const g = new Graph({ batch: 1, training: true, traits: { subgroupSize: 0 } });
    const out = new Tensor('out', [size]);
    out.keep = true;
    fill(g, out, 7);
    const plan = await Plan.build(gpu, g);
    plan.run();
    const all = await plan.read(out);
    plan.destroy();
    const wrong = all.subarray(0, size).findIndex((value) => value !== 7);
    if (wrong >= 0) throw new Error(`value ${wrong} is ${all[wrong]}`);
    compare(
      'the end',
      all.subarray(size - 1, size),
      map(valuesOf([1], [0]), () => 7),
      0,
    );
  });
}
