/** Runs in the browser: a golden case on its adapter, against PyTorch's results. */

import { parseConfig } from '../../src/config/config.ts';
import { openGpu } from '../../src/gpu/device.ts';
import { uploadCheckpoint } from '../../src/model/llsm/bind.ts';
import { checkpointFromSafetensors } from '../../src/model/llsm/checkpoint.ts';
import { outputPass } from '../../src/model/llsm/run.ts';
import { parseSafetensors } from '../../src/model/safetensors.ts';

const read = async (name: string) =>
  parseSafetensors(new Uint8Array(await (await fetch(name)).arrayBuffer()), name);

/** The largest difference of each output, relative to the output's largest value. */
async function differences(): Promise<Record<string, number>> {
  const config = parseConfig(await (await fetch('config.json')).json(), 'config');
  const checkpoint = checkpointFromSafetensors(
    await read('weights.safetensors'),
    'weights',
    config,
  );
  const { tensors: given } = await read('input.safetensors');
  const { tensors: wanted } = await read('eval.safetensors');
  const image = given.get('image');
  if (!image) throw new Error('the case has no image');
  const gpu = await openGpu(navigator.gpu);
  const store = uploadCheckpoint(gpu, checkpoint);
  const options = {
    mode: 'eval',
    grad: false,
    taps: [],
    batch: image.shape[0],
    loss: false,
  } as const;
  const out = await outputPass(gpu, config, store, options);
  out.plan.write(out.pass.image, image.data);
  out.plan.run();
  const found = await out.read();
  gpu.check();
  const result: Record<string, number> = {};
  for (const [name, { data }] of found) {
    const right = wanted.get(name)?.data;
    if (!right) continue;
    const scale = right.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const off = right.reduce((most, value, i) => Math.max(most, Math.abs(value - data[i])), 0);
    result[name] = off / scale;
  }
  return result;
}

Object.assign(globalThis, { differences });
