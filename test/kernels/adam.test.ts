import * as assert from 'uvu/assert';
import { Random } from '../../src/base/random.ts';
import { Graph } from '../../src/graph/record.ts';
import { Plan } from '../../src/graph/replay.ts';
import { ParamStore } from '../../src/graph/store.ts';
import { Tensor } from '../../src/graph/tensor.ts';
import { adam, adamStep, firstNotFinite } from '../../src/kernels/adam/adam.ts';
import { writeLossScale } from '../../src/kernels/loss_scale/loss_scale.ts';
import { adam as reference } from '../reference/adam.ts';
import { map, normal, zeros } from '../reference/values.ts';
import { test } from '../support/run.ts';
import { compare, gpu } from './support.ts';

const random = new Random(1, 'adam tests');

test('steps over parameters of any size, as torch.optim.Adam', async () => {
  const shapes = [[8, 4, 1, 1], [1], [65], [40, 1, 3, 3]];
  const specs = shapes.map((shape, i) => ({ name: `p${i}`, shape, kind: 'weight' as const }));
  const params = new ParamStore(gpu, specs);
  const g = new Graph({ batch: 1, training: true, traits: { subgroupSize: 0 } });
  const step = new Tensor('step', [2], { home: 'input' });
  adam(g, params, step);
  const plan = await Plan.build(gpu, g, params);
  let states = shapes.map((shape) => ({
    weight: normal(random, shape),
    m: zeros(shape),
    v: zeros(shape),
  }));
  states.forEach(({ weight }, i) => {
    params.write(`p${i}`, Float32Array.from(weight.data));
  });
  const lr = 1e-2;
  for (let t = 1; t <= 12; t++) {
    // Large, tiny and zero gradients: at 1e-9 the eps counts.
    const gradients = shapes.map((shape) =>
      map(normal(random, shape), (value, i) => Math.fround(value * [1, 1e3, 1e-9, 0][i % 4])),
    );
    gradients.forEach(({ data }, i) => {
      params.write(`p${i}`, Float32Array.from(data), 'grads');
    });
    plan.write(step, adamStep(lr, t));
    plan.run();
    states = states.map((state, i) => reference(state, gradients[i], t, lr));
    if (t !== 1 && t !== 12) continue;
    for (const [home, key] of [
      ['weights', 'weight'],
      ['adamM', 'm'],
      ['adamV', 'v'],
    ] as const) {
      const values = await params.readAll(home);
      states.forEach((state, i) => {
        const actual = values.get(`p${i}`);
        if (!actual) throw new Error(`p${i} is missing`);
        compare(`step ${t}: ${key} of p${i}`, actual, state[key], 1e-5);
      });
    }
  }
  plan.destroy();
  params.destroy();
});

test('the first weight that is not finite any more is named, or whose gradient is not', async () => {
  const specs = [8, 65, 1, 40].map((n, i) => ({
    name: `p${i}`,
    shape: [n],
    kind: 'weight' as const,
  }));
  for (const scaled of [false, true]) {
    const g = new Graph({ batch: 1, training: true, traits: { subgroupSize: 0 } });
    const params = new ParamStore(gpu, specs);
    const step = new Tensor('step', [2], { home: 'input' });
    if (scaled) writeLossScale(params, { scale: 1, steps: 0 });
    adam(g, params, step, { scaled });
    const plan = await Plan.build(gpu, g, params);
    const update = async (
      name: string,
      at: number,
      gradient: number,
    ): Promise<string | undefined> => {
      const values = new Float32Array(params.get(name).size);
      values[at] = gradient;
      params.write(name, values, 'grads');
      plan.write(step, adamStep(1e-3, 1));
      plan.run();
      return await firstNotFinite(params);
    };
    assert.is(await update('p0', 7, 1e18), undefined, 'its square is just not too large');
    assert.is(await update('p3', 39, Number.NaN), 'p3');
    assert.is(await update('p1', 64, Number.POSITIVE_INFINITY), 'p1');
    assert.is(await update('p3', 0, 0), 'p1', 'it stays');
    assert.is(
      await update('p0', 0, 1e30),
      'p0',
      'a square that is too large stops a weight for good',
    );
    plan.destroy();
    params.destroy();
  }
});
