/** What a training step asks of a GPU, counted: no adapter is needed, and none is opened. */
import * as assert from 'uvu/assert';
import { presetConfig } from '../../src/config/config.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { boundBytes, planMemory } from '../../src/graph/plan.ts';
import type { Traits } from '../../src/graph/record.ts';
import { ParamStore } from '../../src/graph/store.ts';
import { listParams } from '../../src/model/llsm/params.ts';
import { recordStep } from '../../src/model/llsm/step.ts';
import { test } from '../support/run.ts';

/** Limits of a large GPU; WebGPU promises 128 MiB a binding. */
const large = {
  maxStorageBufferBindingSize: 2 ** 31,
  maxBufferSize: 2 ** 32,
  minStorageBufferOffsetAlignment: 256,
};
const promised = { ...large, maxStorageBufferBindingSize: 2 ** 27 };

/** The step of the paper's network at 224 px, batch 32, as an adapter with these traits runs it. */
function step(traits: Traits, limits = large) {
  const config = presetConfig('paper');
  // Buffers are made when they are first asked for, which nothing here does.
  const params = new ParamStore({} as Gpu, listParams(config));
  const { pass } = recordStep(traits, config, params, { batch: 32 });
  const { dispatches, rows, bytes } = planMemory(pass.g, limits);
  const bound = dispatches.map(({ launch, slice }) =>
    launch.kernel.bindings.reduce(
      (sum, { name }) => sum + boundBytes(rows, launch.bind[name], slice),
      0,
    ),
  );
  return {
    dispatches: dispatches.length,
    gigabytes: bound.reduce((sum, it) => sum + it) / 1e9,
    bindings: Math.max(...dispatches.map(({ launch }) => launch.kernel.bindings.length)),
    kernels: new Set(dispatches.map(({ launch }) => launch.kernel.name)),
    memory: bytes,
  };
}

const gpu: Traits = { subgroupSize: 0, software: false, memory: 2 ** 32 };

test('a GPU takes fewer than 600 dispatches and 30 GB for a step of 32 images', () => {
  const { dispatches, gigabytes, bindings, memory } = step(gpu);
  assert.ok(dispatches < 600, `${dispatches} dispatches`);
  assert.ok(gigabytes < 30, `${gigabytes} GB`);
  assert.ok(memory < 2 ** 32, `${memory} bytes`);
  assert.ok(bindings <= 8, `${bindings} bindings, where WebGPU promises 8`);
});

test('where bindings are small it takes more dispatches, and hardly more bytes', () => {
  const { dispatches, gigabytes } = step(gpu, promised);
  assert.ok(dispatches < 600, `${dispatches} dispatches`);
  assert.ok(gigabytes < 30, `${gigabytes} GB`);
});

test('with less memory than that a step saves it, and makes some maps again', () => {
  const [roomy, tight] = [step(gpu), step({ ...gpu, memory: 3 * 2 ** 30 })];
  assert.ok(tight.memory < 0.75 * roomy.memory);
  assert.is(tight.dispatches - roomy.dispatches, 46);
});

test('a software driver has its own forms: none shares workgroup memory or joins launches', () => {
  const { kernels } = step({ subgroupSize: 8, software: true });
  for (const name of ['reduce', 'pack_many', 'conv_tile', 'filter_tile']) {
    assert.not.ok(kernels.has(name), name);
  }
  for (const name of ['unpack', 'pack', 'conv_lanes', 'filter_lanes', 'bn_merge']) {
    assert.ok(kernels.has(name), name);
  }
});
