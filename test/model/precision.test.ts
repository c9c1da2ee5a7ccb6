/** Feature maps stored in 16 bits: held to the same network with 32. */
import * as assert from 'uvu/assert';
import { openNodeGpu } from '../../node/gpu/open.ts';
import { LlsmError } from '../../src/base/errors.ts';
import { type Config, type ConfigInput, parseConfig } from '../../src/config/config.ts';
import { uploadCheckpoint } from '../../src/model/llsm/bind.ts';
import type { Checkpoint } from '../../src/model/llsm/checkpoint.ts';
import { initParams } from '../../src/model/llsm/init.ts';
import { type OutputOptions, outputPass } from '../../src/model/llsm/run.ts';
import { noiseBatch } from '../support/faces.ts';
import { skip, test } from '../support/run.ts';

const gpu = await openNodeGpu();

const here = gpu.device.features.has('shader-f16');

/**
 * Of the largest value. Some 60 maps lie behind each other, each rounded (or truncated, as an adapter
 * likes) by up to 2^-10 of its values; as independent errors these add up to sqrt(60) times that.
 */
const tolerance = Math.sqrt(60) * 2 ** -10;

/**
 * Fresh parameters, with batch norms that keep the maps' size: a fresh separable convolution doubles
 * the variance, which running statistics of 0 and 1 do not take back.
 */
function evenParams(config: Config): Checkpoint {
  const checkpoint = initParams(config, 2);
  for (const [name, { data }] of checkpoint.tensors) {
    if (/(bn\d?|rep\.\d+)\.weight$/.test(name) && data.every((v) => v === 1))
      data.fill(Math.SQRT1_2);
  }
  return checkpoint;
}

async function outputsOf(checkpoint: Checkpoint, precision: 'f32' | 'f16') {
  const { config } = checkpoint;
  const store = uploadCheckpoint(gpu, checkpoint);
  const options = { mode: 'eval', grad: false, taps: ['block7'], precision } as const;
  const { plan, write, read } = await outputPass(gpu, config, store, {
    ...options,
    batch: 2,
    loss: true,
  });
  try {
    write(noiseBatch(2, config.size));
    plan.run();
    return { outputs: await read(), memory: plan.memory };
  } finally {
    plan.destroy();
    store.destroy();
  }
}

const largest = (values: Float32Array): number =>
  values.reduce((m, v) => Math.max(m, Math.abs(v)), 0);

const configs: Record<string, ConfigInput> = {
  mlp: { llsm: { hidden: 12 } },
  'absdiff of e5, both sources': {
    llsm: { head: 'absdiff', tap: 'e5' },
    head: { source: 'both' },
  },
  'bilinear, tf pools': { llsm: { head: 'bilinear', hidden: 8 }, poolPad: 'tf' },
  'encoder alone': { llsm: false, flm: false },
};
for (const [name, input] of Object.entries(configs)) {
  test(`16 bits equal 32: ${name}`, async () => {
    if (!here) skip('this adapter has no shader-f16');
    const config = parseConfig({ width: 0.05, size: 64, ...input }, 'test');
    const checkpoint = evenParams(config);
    const wide = await outputsOf(checkpoint, 'f32');
    const narrow = await outputsOf(checkpoint, 'f16');
    for (const [key, { data: expected }] of wide.outputs) {
      const actual = narrow.outputs.get(key)?.data as Float32Array;
      const scale = largest(expected);
      const off = actual.reduce((m, v, i) => Math.max(m, Math.abs(v - expected[i])), 0) / scale;
      assert.ok(off <= tolerance, `${key} is off by ${off}`);
      assert.ok(off > 0, `${key} is the same to the bit: was it stored in 16 bits?`);
    }
    assert.ok(narrow.memory.bytes < wide.memory.bytes);
  });
}

test('a map beyond the range of 16 bits is an error', async () => {
  if (!here) skip('this adapter has no shader-f16');
  // Fresh batch norms let each separable convolution double the variance: 2^17 and more in the end.
  const config = parseConfig({ width: 0.05, size: 64, llsm: false, flm: false }, 'test');
  const checkpoint = initParams(config, 2);
  const { outputs } = await outputsOf(checkpoint, 'f32');
  assert.ok(Number.isFinite(outputs.get('logit')?.data[0]));
  try {
    await outputsOf(checkpoint, 'f16');
    assert.unreachable('nothing was thrown');
  } catch (error) {
    assert.instance(error, LlsmError);
    assert.match((error as Error).message, /beyond the range of 16-bit .*precision f32/);
  }
});

test('refused for what is differentiated, and without shader-f16', async () => {
  const config = parseConfig({ width: 0.05, size: 64 }, 'test');
  const store = uploadCheckpoint(gpu, initParams(config, 2));
  const refused = async (options: Partial<OutputOptions>, why: RegExp, adapter = gpu) => {
    const plain = { batch: 2, loss: false, mode: 'eval', grad: false, taps: [] } as const;
    try {
      await outputPass(adapter, config, store, { ...plain, precision: 'f16', ...options });
      assert.unreachable('nothing was thrown');
    } catch (error) {
      assert.instance(error, LlsmError);
      assert.match((error as Error).message, why);
    }
  };
  const device = { ...gpu, device: { features: new Set(), limits: gpu.device.limits } };
  await refused({}, /no 16-bit floats/, device as unknown as typeof gpu);
  if (here) await refused({ mode: 'train' }, /in inference and in training steps only/);
  if (here) await refused({ grad: true }, /in inference and in training steps only/);
  store.destroy();
});
