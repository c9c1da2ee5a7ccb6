/** Grad-CAM as it is recorded on a pass: PyTorch's, the closed form's, and one image's alone. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { readCheckpoint, readSafetensors } from '../../node/files/checkpoint.ts';
import { openNodeGpu } from '../../node/gpu/open.ts';
import { LlsmError } from '../../src/base/errors.ts';
import { type ConfigInput, parseConfig } from '../../src/config/config.ts';
import { Graph } from '../../src/graph/record.ts';
import { uploadCheckpoint } from '../../src/model/llsm/bind.ts';
import { isClosedForm, recordCam } from '../../src/model/llsm/cam.ts';
import type { Checkpoint } from '../../src/model/llsm/checkpoint.ts';
import { forward, planOf } from '../../src/model/llsm/forward.ts';
import { initParams } from '../../src/model/llsm/init.ts';
import { maxError } from '../support/errors-of.ts';
import { noiseBatch } from '../support/faces.ts';
import { test } from '../support/run.ts';

const gpu = await openNodeGpu();
const golden = fileURLToPath(new URL('../../../test/golden/mlp', import.meta.url));

interface How {
  batch: number;
  closed?: boolean;
  inference?: boolean;
  training?: boolean;
}

async function camOf(
  checkpoint: Checkpoint,
  image: Float32Array,
  tap: string,
  { batch, closed, inference = false, training = false }: How,
) {
  const store = uploadCheckpoint(gpu, checkpoint);
  const graph = new Graph({ batch, training, traits: gpu, inference });
  const pass = forward(graph, checkpoint.config, store);
  const cam = recordCam(pass, tap, { closed });
  const plan = await planOf(gpu, pass);
  plan.write(pass.image, image);
  plan.run();
  const [map, logits] = [await plan.read(cam), await plan.read(pass.logit.tensor)];
  plan.destroy();
  store.destroy();
  return { map, logits };
}

const theirs = readSafetensors(join(golden, 'cam.safetensors')).tensors;
const images = readSafetensors(join(golden, 'input.safetensors')).tensors.get('image');
for (const [name, { shape, data }] of theirs) {
  test(`${name} agrees with PyTorch`, async () => {
    const checkpoint = readCheckpoint(join(golden, 'weights.safetensors'));
    const [batch, height, width] = shape;
    const image = images?.data as Float32Array;
    const { map } = await camOf(checkpoint, image, name.slice('cam.'.length), { batch });
    assert.is(map.length, batch * height * width);
    assert.ok(data.some((value) => value > 0) && data.some((value) => value === 0));
    const off = maxError(map, data);
    assert.ok(off <= 1e-3, `off by ${off} of the largest`);
  });
}

const config = (input: ConfigInput) =>
  parseConfig({ width: 0.05, size: 64, llsm: { hidden: 8 }, ...input }, 'test');

for (const [tap, input] of [
  ['d1', {}],
  ['d1', { head: { source: 'both' } }],
  ['e5', { head: { source: 'encoder' } }],
  ['e5', { flm: false }],
] as const) {
  test(`the closed form at ${tap} is what the backward pass gives: ${JSON.stringify(input)}`, async () => {
    const checkpoint = initParams(config(input), 3);
    const { image } = noiseBatch(2, 64);
    assert.ok(isClosedForm(checkpoint.config, tap));
    const walked = await camOf(checkpoint, image, tap, { batch: 2 });
    for (const inference of [false, true]) {
      const closed = await camOf(checkpoint, image, tap, { batch: 2, closed: true, inference });
      assert.ok(walked.map.some((value) => value > 0));
      const off = maxError(closed.map, walked.map);
      assert.ok(off <= 1e-4, `off by ${off} of the largest, inference ${inference}`);
    }
  });
}

test('no other tap has a closed form', () => {
  assert.not.ok(isClosedForm(config({}), 'e5'));
  assert.not.ok(isClosedForm(config({}), 'd2'));
  assert.not.ok(isClosedForm(config({ head: { source: 'both' } }), 'e5'));
  assert.not.ok(isClosedForm(config({ head: { source: 'encoder' } }), 'd1'));
});

test('an image has the same map alone and beside others', async () => {
  const checkpoint = initParams(config({}), 5);
  const { image } = noiseBatch(3, 64);
  const { map } = await camOf(checkpoint, image, 'block11', { batch: 3 });
  const item = image.length / 3;
  const side = map.length / 3;
  for (let k = 0; k < 3; k++) {
    const one = image.slice(k * item, (k + 1) * item);
    const alone = await camOf(checkpoint, one, 'block11', { batch: 1 });
    const off = maxError(map.subarray(k * side, (k + 1) * side), alone.map);
    assert.ok(off <= 1e-5, `image ${k} is off by ${off}`);
  }
});

test('what cannot be is refused by name', async () => {
  const { image } = noiseBatch(1, 64);
  const fails = async (input: ConfigInput, tap: string, how: Partial<How> = {}) => {
    try {
      await camOf(initParams(config(input), 1), image, tap, { batch: 1, ...how });
    } catch (error) {
      assert.instance(error, LlsmError);
      return (error as LlsmError).message;
    }
    throw new Error(`nothing was refused: ${tap}`);
  };
  assert.match(await fails({ head: { source: 'encoder' } }, 'd2'), /does not depend on d2.*e1, /);
  assert.match(await fails({}, 'd9'), /No tap named d9/);
  assert.match(await fails({}, 'e4', { training: true }), /eval mode/);
  assert.match(await fails({}, 'e4', { inference: true }), /without `inference`/);
});
