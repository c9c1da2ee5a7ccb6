import * as assert from 'uvu/assert';
import { openNodeGpu } from '../../node/gpu/open.ts';
import { Gradients } from '../../src/graph/gradients.ts';
import { ParamStore } from '../../src/graph/params.ts';
import { type MemoryPlan, type PlanLimits, planMemory } from '../../src/graph/plan.ts';
import { Graph } from '../../src/graph/record.ts';
import { Plan } from '../../src/graph/replay.ts';
import { Tensor } from '../../src/graph/tensor.ts';
import { bce } from '../../src/kernels/bce/bce.ts';
import { columnSums } from '../../src/kernels/column_sums/column_sums.ts';
import { fill } from '../../src/kernels/fill/fill.ts';
import { passOn } from '../../src/kernels/residual_add/residual_add.ts';
import { skip, test } from '../support/run.ts';

const gpu = await openNodeGpu();

/** total += x, by the kernel that adds gradients up. */
function addTo(g: Graph, total: Tensor, x: Tensor): void {
  passOn(g, new Gradients(new Set([total]), new Map([[total, total]])), total, x);
}

const newGraph = (batch = 1): Graph =>
  new Graph({ batch, training: true, traits: { subgroupSize: 0 } });
const values = (n: number, f: (i: number) => number): Float32Array =>
  Float32Array.from({ length: n }, (_, i) => f(i));

/** The adapter's limits, with the alignment that WebGPU promises everywhere. */
const alignedLimits = (): PlanLimits => ({
  maxStorageBufferBindingSize: gpu.device.limits.maxStorageBufferBindingSize,
  maxBufferSize: gpu.device.limits.maxBufferSize,
  minStorageBufferOffsetAlignment: 256,
});

async function messageOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'nothing was thrown',
    (error: Error) => error.message,
  );
}

test('what is read is that of the run before, though the next one is queued at once', async () => {
  for (const storage of ['f32', 'f16'] as const) {
    if (storage === 'f16' && !gpu.device.features.has('shader-f16')) continue;
    const g = new Graph({
      batch: 1,
      training: true,
      traits: { subgroupSize: 0 },
      inference: false,
      storage,
    });
    const x = g.input('x', [4]);
    const out = g.activation('out', [4]);
    out.keep = true;
    fill(g, out, 0);
    addTo(g, out, x);
    const plan = await Plan.build(gpu, g);
    const reads = [1, 2, 3].map((factor) => {
      plan.write(
        x,
        values(4, (i) => (i + 1) * factor),
      );
      plan.run();
      return plan.read(out);
    });
    const seen = (await Promise.all(reads)).map((read) => [...read]);
    plan.destroy();
    assert.equal(
      seen,
      [1, 2, 3].map((f) => [f, 2 * f, 3 * f, 4 * f]),
    );
  }
});

test('a plan is replayed with new inputs, in one submit or in many', async () => {
  const g = newGraph();
  const x = g.input('x', [8]);
  const total = g.activation('total', [8]);
  total.keep = true;
  fill(g, total, 0.5);
  for (let i = 0; i < 150; i++) addTo(g, total, x);
  const plan = await Plan.build(gpu, g);
  for (const factor of [1, -3]) {
    plan.write(
      x,
      values(8, (i) => i * factor),
    );
    for (const milliseconds of [undefined, 0, 1e-9, 1, Number.POSITIVE_INFINITY]) {
      plan.run(milliseconds);
      assert.equal([...(await plan.read(total))].slice(0, 8), [
        ...values(8, (i) => 150 * i * factor + 0.5),
      ]);
    }
  }
  plan.destroy();
});

test('a preparation runs once, and again when what it reads has changed', async () => {
  const weights = new ParamStore(gpu, [{ name: 'w', shape: [8], kind: 'weight' }]);
  const g = new Graph({ batch: 1, training: false, traits: { subgroupSize: 0 }, inference: true });
  const [x, w] = [g.input('x', [8]), weights.get('w')];
  const [prepared, total] = [g.scratch('prepared', [8]), g.activation('total', [8])];
  total.keep = true;
  // The kernel that adds leaves its traces: each preparation adds w once more.
  addTo(g, prepared, w);
  g.preparations.push(...g.launches.splice(0));
  fill(g, total, 0);
  // Memory that is free between, for whom a prepared tensor must not make room.
  const between = g.activation('between', [8]);
  fill(g, between, 5);
  addTo(g, total, between);
  addTo(g, total, prepared);
  addTo(g, total, x);
  const plan = await Plan.build(gpu, g, weights);
  assert.is(plan.memory.preparations.length, 1);
  const result = async (): Promise<number> => {
    plan.run();
    return (await plan.read(total))[3];
  };
  const w3 = (value: number) => weights.write('w', new Float32Array(8).fill(value));
  w3(1);
  plan.write(x, new Float32Array(8).fill(100));
  assert.equal([await result(), await result()], [106, 106]);
  w3(10);
  assert.equal([await result(), await result()], [116, 116]);
  // A plan that writes weights, and one that only reads them.
  const reads = newGraph();
  addTo(reads, reads.scratch('copy', [8]), w);
  const writes = newGraph();
  fill(writes, weights.flat('weights'), 1000);
  const [reader, writer] = [
    await Plan.build(gpu, reads, weights),
    await Plan.build(gpu, writes, weights),
  ];
  reader.run();
  assert.is(await result(), 116);
  writer.run();
  assert.equal([await result(), await result()], [1116, 1116]);
});

test('an input of one value an item is cut at any item', async () => {
  const [batch, size] = [5, 8];
  const of = async (limits?: PlanLimits) => {
    const g = newGraph(batch);
    const [logit, truth] = [g.input('logit', [size, size, 1]), g.input('truth', [size, size, 1])];
    const weight = g.input('weight', []);
    const { partial, seeds } = bce(g, logit, truth, weight, { scale: 1, grad: true });
    const gradient = seeds.get(logit) as Tensor;
    for (const tensor of [partial, gradient]) tensor.keep = true;
    const plan = await Plan.build(gpu, g, undefined, limits);
    const results: number[] = [];
    for (const factor of [1, 2]) {
      plan.write(logit, values(logit.size, Math.sin));
      plan.write(
        truth,
        values(truth.size, (i) => i % 2),
      );
      plan.write(
        weight,
        values(batch, (i) => factor * (i + 1)),
      );
      plan.run();
      results.push(...(await plan.read(partial)), ...(await plan.read(gradient)));
    }
    const dispatches = plan.memory.dispatches.length;
    plan.destroy();
    return { dispatches, results };
  };
  const whole = await of();
  const item = size * size * 4;
  const cut = await of({ ...alignedLimits(), maxStorageBufferBindingSize: 2 * item });
  assert.equal([whole.dispatches, cut.dispatches], [1, 3]);
  assert.equal(cut.results, whole.results);
  assert.ok(new Set(whole.results).size > batch);
});

test('one graph planned under two limits before either plan is built: both are right', async () => {
  const g = newGraph(4);
  const x = g.input('x', [112, 1, 4]);
  const sums = g.scratch('sums', [4]);
  sums.keep = true;
  columnSums(g, x, sums);
  const wide = alignedLimits();
  const tight = { ...wide, maxStorageBufferBindingSize: x.itemBytes };
  const [whole, cut] = [planMemory(g, wide), planMemory(g, tight)];
  const rowsIn = (plan: MemoryPlan) => [...plan.rows.values()];
  assert.is.not(rowsIn(whole)[0], rowsIn(cut)[0], 'slices leave other rows than the whole batch');
  assert.equal(rowsIn(planMemory(g, wide)), rowsIn(whole));
  const plans = await Promise.all(
    [wide, tight].map((limits) => Plan.build(gpu, g, undefined, limits)),
  );
  for (const plan of plans) {
    plan.write(
      x,
      values(x.size, (i) => i % 7),
    );
    plan.run();
  }
  const [a, b] = await Promise.all(plans.map((plan) => plan.read(sums)));
  for (const plan of plans) plan.destroy();
  const right = [0, 1, 2, 3].map((c) => {
    let sum = 0;
    for (let i = c; i < x.size; i += 4) sum += i % 7;
    return sum;
  });
  assert.equal([[...a], [...b]], [right, right]);
});

test('parameters are written and read by name, padding aside', async () => {
  const params = new ParamStore(gpu, [
    { name: 'a', shape: [5], kind: 'weight' },
    { name: 'mean', shape: [3], kind: 'state' },
    { name: 'b', shape: [65, 2], kind: 'weight' },
    { name: 'c', shape: [1], kind: 'weight' },
  ]);
  assert.is(params.weightCount, 64 + 192 + 64);
  assert.equal(
    params.weights().map(({ name }) => name),
    ['a', 'b', 'c'],
  );
  assert.ok(params.has('mean') && !params.has('var'));
  assert.throws(() => params.get('var'), /The network has no parameter named var/);
  assert.throws(
    () => params.write('a', new Float32Array(4)),
    /a has 4 values where 5 are expected/,
  );
  for (const [name, size] of [
    ['a', 5],
    ['b', 130],
    ['c', 1],
    ['mean', 3],
  ] as const) {
    params.write(
      name,
      values(size, (i) => i + size),
    );
  }
  const weights = await params.readAll('weights');
  assert.equal([...weights.keys()], ['a', 'b', 'c']);
  assert.equal(
    weights.get('b'),
    values(130, (i) => i + 130),
  );
  assert.equal(
    weights.get('c'),
    values(1, () => 1),
  );
  assert.equal([...(await params.readAll('state'))], [['mean', values(3, (i) => i + 3)]]);
  assert.ok(
    [...(await params.readAll('grads')).values()].every((all) => all.every((v) => v === 0)),
  );

  // A launch writes one parameter's range of a flat buffer and leaves its neighbours alone.
  const g = newGraph();
  columnSums(g, g.input('x', [2, 4]), params.get('a'));
  const plan = await Plan.build(gpu, g, params);
  plan.destroy();
  const g2 = newGraph();
  fill(g2, params.get('a'), 9);
  const plan2 = await Plan.build(gpu, g2, params);
  plan2.run();
  const after = await params.readAll('weights');
  assert.equal(
    after.get('a'),
    values(5, () => 9),
  );
  assert.equal(after.get('b'), weights.get('b'));
  plan2.destroy();
  params.destroy();
});

test('wrong uses are named', async () => {
  const g = newGraph();
  const x = g.input('x', [4]);
  const y = g.activation('y', [4]);
  fill(g, y, 1);
  addTo(g, y, x);
  const plan = await Plan.build(gpu, g);
  assert.throws(() => plan.write(x, new Float32Array(3)), /x takes 4 values \[1, 4\], got 3/);
  assert.match(await messageOf(plan.read(y)), 'y was not asked to be kept');
  const stranger = g.input('stranger', [4]);
  assert.throws(
    () => plan.write(stranger, new Float32Array(4)),
    /stranger is not an input of this plan/,
  );
  const other = new Tensor('other', [4]);
  other.keep = true;
  assert.match(await messageOf(plan.read(other)), 'other is not part of this plan');
  plan.destroy();

  const h = newGraph();
  fill(h, new Tensor('w', [4], { home: 'weights', offset: 0 }), 1);
  assert.match(await messageOf(Plan.build(gpu, h)), 'w: this plan was built without Params');
});

test('a tensor larger than a buffer is an error that names the batch, and the device goes on', async () => {
  const g = newGraph(64);
  const big = g.activation('big', [Math.floor(gpu.device.limits.maxBufferSize / 4 / 32 / 64) * 64]);
  fill(g, big, 1);
  assert.match(
    await messageOf(Plan.build(gpu, g)),
    /big takes \d+ bytes, and this adapter's buffers hold \d+: use a batch of at most 32/,
  );
  gpu.check();
});

test('a profile times every dispatch', async () => {
  if (!gpu.device.features.has('timestamp-query')) skip('no timestamp-query on this adapter');
  const g = newGraph();
  const y = g.activation('y', [1024]);
  fill(g, y, 1);
  addTo(g, y, g.input('x', [1024]));
  const plan = await Plan.build(gpu, g);
  const begin = performance.now();
  const times = await plan.profile();
  const whole = performance.now() - begin;
  assert.equal(
    times.map(({ kernel, makes }) => [kernel, makes]),
    [
      ['fill', 'y'],
      ['add_into', 'y'],
    ],
  );
  assert.ok(times.every(({ milliseconds }) => milliseconds >= 0));
  const sum = times.reduce((total, { milliseconds }) => total + milliseconds, 0);
  assert.ok(sum < whole + 1, `${sum} of ${whole}, and rounding`);
  plan.destroy();
});
