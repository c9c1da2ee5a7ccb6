/** What a training step asks of a GPU, counted: no adapter is needed, and none is opened. */
import { readFileSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { presetConfig } from '../../src/config/config.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { boundBytes, planMemory } from '../../src/graph/plan.ts';
import type { Traits } from '../../src/graph/record.ts';
import { ParamStore } from '../../src/graph/store.ts';
import { listParams } from '../../src/model/llsm/params.ts';
import { recordStep } from '../../src/model/llsm/step.ts';
import { test } from '../support/run.ts';

/** What the bundle sets beside a first run on a GPU. */
const predictions: {
  step: [number, number];
  gaps: [number, number];
  kernels: { name: string; match: string; milliseconds: [number, number] }[];
} = JSON.parse(readFileSync('scripts/pack/predictions.json', 'utf8'));

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
  const { pass } = recordStep(traits, config, params, { batch: 32, pixels: 'u8' });
  const { dispatches, rows, bytes } = planMemory(pass.g, limits);
  const each = dispatches.map(({ launch, slice }) => ({
    kernel: launch.kernel.name,
    flops: ((launch.flops ?? 0) * slice.count) / 32,
    bytes: launch.kernel.bindings.reduce(
      (sum, { name }) => sum + boundBytes(rows, launch.bind[name], slice),
      0,
    ),
  }));
  return {
    dispatches: dispatches.length,
    each,
    gigabytes: each.reduce((sum, { bytes }) => sum + bytes, 0) / 1e9,
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

test('what is predicted of an H100 is what its arithmetic and memory allow for what is counted, and not far above', () => {
  const { kernels, step: whole, gaps } = predictions;
  const left = new Set(step(gpu).each);
  let [least, most] = gaps;
  for (const { name, match, milliseconds } of kernels) {
    const own = [...left].filter(({ kernel }) => new RegExp(match).test(kernel));
    assert.ok(own.length > 0, name);
    for (const it of own) left.delete(it);
    const [flops, bytes] = (['flops', 'bytes'] as const).map((of) =>
      own.reduce((sum, it) => sum + it[of], 0),
    );
    // 67 TFLOP/s and 3.35 TB/s, in milliseconds.
    const bound = Math.max(flops / 67e9, bytes / 3.35e9);
    assert.ok(milliseconds[0] > 0.9 * bound, `${name}: ${milliseconds[0]} of ${bound} ms at least`);
    assert.ok(
      milliseconds[1] < 3.5 * bound + 0.015 * own.length + 1,
      `${name}: ${milliseconds[1]} ms, bound ${bound}`,
    );
    least += milliseconds[0];
    most += milliseconds[1];
  }
  assert.ok(Math.abs(least - whole[0]) < 0.1 * least, `${least}`);
  assert.ok(Math.abs(most - whole[1]) < 0.1 * most, `${most}`);
});
