/** The paper's network at its own size, once: the two forms of the kernels must agree on it. */
import * as assert from 'uvu/assert';
import { openNodeGpu } from '../../node/gpu/open.ts';
import { Random } from '../../src/base/random.ts';
import { presetConfig } from '../../src/config/config.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { Graph } from '../../src/graph/record.ts';
import type { Tensor } from '../../src/graph/tensor.ts';
import { uploadCheckpoint } from '../../src/model/llsm/bind.ts';
import { forward, pairMap, planOf } from '../../src/model/llsm/forward.ts';
import { initParams } from '../../src/model/llsm/init.ts';
import { TrainingStep } from '../../src/model/llsm/step.ts';
import { test } from '../support/run.ts';

const gpu = await openNodeGpu();
const portable: Gpu = { ...gpu, subgroupSize: 0 };
const config = presetConfig('paper');
const checkpoint = initParams(config, 1);
const { size } = config;

const random = new Random(3, 'image');
const batch = {
  image: Float32Array.from({ length: size * size * 3 }, () => random.uniform(-1, 1)),
  label: Float32Array.of(1),
  mask: Float32Array.from({ length: size * size }, (_, i) => Number(i % size < size / 3)),
};

const largest = (values: Float32Array): number =>
  values.reduce((m, v) => Math.max(m, Math.abs(v)), 0);

function agree(name: string, a: Float32Array, b: Float32Array, tolerance: number): void {
  assert.is(a.length, b.length);
  const error = a.reduce((m, v, i) => Math.max(m, Math.abs(v - b[i])), 0) / largest(b);
  assert.ok(error <= tolerance, `${name}: ${error}`);
}

test('width 1 at 224: logit, mask and similarity of both forms agree', async () => {
  const outputs = [];
  for (const adapter of [gpu, portable]) {
    const store = uploadCheckpoint(adapter, checkpoint);
    const pass = forward(
      new Graph({ batch: 1, training: false, traits: adapter, inference: true }),
      config,
      store,
    );
    const map = pairMap(pass) as Tensor;
    assert.equal(map.shape, [1, 196, 196]);
    const plan = await planOf(adapter, pass);
    plan.write(pass.image, batch.image);
    plan.run();
    const logit = await plan.read(pass.logit.tensor);
    const mask = await plan.read(pass.mask?.tensor as Tensor);
    assert.is(mask.length, 224 * 224);
    outputs.push({ logit, mask, similarity: await plan.read(map) });
    plan.destroy();
    store.destroy();
  }
  const [lanes, tile] = outputs;
  agree('logit', lanes.logit, tile.logit, 2e-4);
  agree('mask', lanes.mask, tile.mask, 2e-4);
  agree('similarity', lanes.similarity, tile.similarity, 2e-4);
});

test('width 1 at 224: a training step runs, and moves every weight', async () => {
  const store = uploadCheckpoint(gpu, checkpoint);
  const program = await TrainingStep.build(gpu, config, store, { batch: 1 });
  assert.ok(program.plan.memory.bytes < 400 * 2 ** 20, `${program.plan.memory.bytes} bytes`);
  program.write(batch);
  program.run({ lr: 1e-4, t: 1 });
  const losses = await program.losses();
  assert.ok(Object.values(losses).every((loss) => Number.isFinite(loss) && loss > 0));
  const grads = await store.readAll('grads');
  for (const [name, values] of grads) {
    assert.ok(values.every(Number.isFinite) && largest(values) > 0, name);
  }
  const moved = await store.readAll('weights');
  for (const [name, values] of moved) {
    const before = checkpoint.tensors.get(name)?.data as Float32Array;
    assert.ok(
      values.some((v, i) => v !== before[i]),
      name,
    );
    assert.ok(
      values.every((v, i) => Math.abs(v - before[i]) <= 1.01e-4 + 1e-6),
      name,
    );
  }
});
