import * as assert from 'uvu/assert';
import { Random } from '../../src/base/random.ts';
import { ParamStore } from '../../src/graph/params.ts';
import { Graph } from '../../src/graph/record.ts';
import { Plan } from '../../src/graph/replay.ts';
import { Tensor } from '../../src/graph/tensor.ts';
import { ema, emaRate } from '../../src/kernels/ema/ema.ts';
import { normal } from '../reference/values.ts';
import { test } from '../support/run.ts';
import { compare, gpu } from './support.ts';

test('the mean moves to the values by the rate; weights and statistics of any size', async () => {
  const random = new Random(1, 'ema tests');
  const specs = [
    { name: 'w', shape: [65, 3], kind: 'weight' as const },
    { name: 's', shape: [7], kind: 'state' as const },
  ];
  const store = new ParamStore(gpu, specs);
  const homes = { w: 'meanWeights', s: 'meanState' } as const;
  const g = new Graph({ batch: 1, training: true, traits: { subgroupSize: 0 } });
  const rate = new Tensor('rate', [1], { home: 'input' });
  ema(g, store.flat('weights'), store.flat('meanWeights'), rate);
  ema(g, store.flat('state'), store.flat('meanState'), rate);
  const plan = await Plan.build(gpu, g, store);
  const expected = new Map<string, number[]>();
  for (const { name, shape } of specs) {
    const first = normal(random, shape);
    store.write(name, Float32Array.from(first.data), homes[name as 'w']);
    expected.set(name, [...first.data]);
  }
  for (let t = 1; t <= 30; t++) {
    for (const { name, shape } of specs) {
      const { data } = normal(random, shape);
      store.write(name, Float32Array.from(data));
      const decay = Math.min(0.5, (1 + t) / (10 + t));
      const mean = expected.get(name) as number[];
      for (let i = 0; i < mean.length; i++) mean[i] = decay * mean[i] + (1 - decay) * data[i];
    }
    plan.write(rate, emaRate(0.5, t));
    plan.run();
  }
  for (const { name, shape } of specs) {
    const read = await store.readAll(homes[name as 'w']);
    const data = Float64Array.from(expected.get(name) as number[]);
    compare(name, read.get(name) as Float32Array, { shape, data }, 1e-5);
  }
  const before = await store.readAll('weights');
  store.exchange('weights', 'meanWeights');
  assert.equal((await store.readAll('meanWeights')).get('w'), before.get('w'));
  store.copy('meanWeights', 'weights');
  assert.equal((await store.readAll('weights')).get('w'), before.get('w'));
});
