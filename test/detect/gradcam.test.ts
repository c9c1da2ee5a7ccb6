import * as assert from 'uvu/assert';
import { openNodeGpu } from '../../node/gpu/open.ts';
import { type ConfigInput, parseConfig } from '../../src/config/config.ts';
import { type Cam, fixedScale, ownScale } from '../../src/detect/gradcam.ts';
import { FaceScorer } from '../../src/detect/scorer.ts';
import { initParams } from '../../src/model/llsm/init.ts';
import { drawnPicture } from '../support/pictures.ts';
import { test } from '../support/run.ts';

const cam = (...values: number[]) => ({
  tap: 'd1',
  side: Math.sqrt(values.length),
  values: Float32Array.from(values),
});
const near = (actual: Float32Array, expected: number[]) =>
  expected.forEach((value, k) => {
    assert.ok(Math.abs(actual[k] - value) < 1e-6, `${actual[k]}, expected ${value}`);
  });

test('fixed scale: how far a place alone takes the probability from even', () => {
  const logit = 2;
  const probability = 1 / (1 + Math.exp(-logit));
  near(fixedScale(cam(0, logit / 4, 100, logit / 8)), [0, 2 * probability - 1, 1, Math.tanh(0.5)]);
});

test('own range: least 0, largest 1; a flat map is 0', () => {
  near(ownScale(cam(1, 3, 2, 1)), [0, 1, 0.5, 0]);
  near(ownScale(cam(5, 5, 5, 5)), [0, 0, 0, 0]);
});

const gpu = await openNodeGpu();
const faces = [drawnPicture(64, 64, 1), drawnPicture(64, 64, 2), drawnPicture(64, 64, 3)];

async function detected(input: ConfigInput, tap?: string) {
  const config = parseConfig({ width: 0.05, size: 64, llsm: { hidden: 8 }, ...input }, 'test');
  const detector = await FaceScorer.build(gpu, initParams(config, 3), { batch: 2, cam: tap });
  const found = await detector.detect(faces);
  detector.destroy();
  return found;
}

for (const tap of ['d1', 'block11']) {
  test(`a detector with Grad-CAM at ${tap} says the same, and where from`, async () => {
    const [plain, mapped] = [await detected({}), await detected({}, tap)];
    mapped.forEach((found, k) => {
      assert.ok(Math.abs(found.probability - plain[k].probability) < 1e-4);
      assert.is(plain[k].cam, undefined);
      assert.is(found.cam?.tap, tap);
      assert.is(found.cam?.values.length, (found.cam?.side as number) ** 2);
    });
    const [one, , three] = mapped.map((found) => found.cam?.values as Float32Array);
    assert.not.equal([...one], [...three]);
  });
}

test('at the map that is pooled, the mean of the local logits is the logit without its bias', async () => {
  // No ReLU cuts where all weights of the classifier are positive: d1 is never negative.
  const config = parseConfig({ width: 0.05, size: 64, llsm: false }, 'test');
  const checkpoint = initParams(config, 3);
  const weight = checkpoint.tensors.get('head.fc.weight')?.data as Float32Array;
  weight.forEach((value, k) => {
    weight[k] = Math.abs(value);
  });
  const detector = await FaceScorer.build(gpu, checkpoint, { batch: 1, cam: 'd1' });
  const [{ probability, cam: map }] = await detector.detect([faces[0]]);
  detector.destroy();
  const { values } = map as Cam;
  const sum = values.reduce((total, value) => total + value, 0);
  const logit = Math.log(probability / (1 - probability));
  assert.ok(Math.abs(sum - logit) < 1e-3 * Math.max(1, Math.abs(logit)), `${sum}, logit ${logit}`);
});

test('16 bits hold no gradients', async () => {
  const config = parseConfig({ width: 0.05, size: 64, llsm: false }, 'test');
  const options = { batch: 1, cam: 'block11', precision: 'f16' } as const;
  try {
    await FaceScorer.build(gpu, initParams(config, 3), options);
    assert.unreachable();
  } catch (error) {
    assert.match((error as Error).message, /Grad-CAM at block11 needs gradients/);
  }
});
