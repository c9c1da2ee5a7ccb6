/** Our networks beside face-api's own, which TensorFlow.js computes, on its own photographs. */
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { finderOfFaceApi } from '../../../lab/convert/facefinder/face-api-node.ts';
import { readImage } from '../../../node/files/image.ts';
import { openNodeGpu } from '../../../node/gpu/open.ts';
import { fitted } from '../../../src/faces/network-finder.ts';
import { Graph } from '../../../src/graph/record.ts';
import { Plan } from '../../../src/graph/replay.ts';
import { ParamStore } from '../../../src/graph/store.ts';
import type { Tensor } from '../../../src/graph/tensor.ts';
import { resize } from '../../../src/image/pixels.ts';
import type { FinderCheckpoint } from '../../../src/model/facefinder/checkpoint.ts';
import {
  type LandmarkSize,
  landmarkNormalisation,
  landmarks,
} from '../../../src/model/facefinder/landmarks.ts';
import type { FinderBuilder } from '../../../src/model/facefinder/layers.ts';
import { type Normalisation, normalised } from '../../../src/model/facefinder/network.ts';
import { ssd } from '../../../src/model/facefinder/ssd.ts';
import { tiny } from '../../../src/model/facefinder/tiny.ts';
import { faceApiFolder, loadFaceApi, weightMap } from '../../support/face-api.ts';
import { test } from '../../support/run.ts';

const gpu = await openNodeGpu();
const api = await loadFaceApi();

const photograph = (name: string) => readImage(join(faceApiFolder, 'demo', name));

/** Runs a network of a checkpoint on pixels. */
async function run(
  { tensors }: FinderCheckpoint,
  pixels: Uint8ClampedArray,
  normalisation: Normalisation,
  forward: (build: FinderBuilder, image: Tensor) => Tensor[],
): Promise<{ shape: readonly number[]; data: Float32Array }[]> {
  const specs = [...tensors].map(([name, { shape }]) => ({ name, shape, kind: 'weight' as const }));
  const store = new ParamStore(gpu, specs);
  for (const [name, { data }] of tensors) store.write(name, data);
  const g = new Graph({ batch: 1, training: false, traits: gpu, inference: true });
  const side = Math.sqrt(pixels.length / 3);
  const image = g.input('image', [side, side, 3]);
  const param = (name: string) => store.get(name);
  const outs = forward({ g, param }, image);
  for (const out of outs) out.keep = true;
  const plan = await Plan.build(gpu, g, store);
  plan.write(image, normalised(pixels, normalisation));
  plan.run();
  const values = await Promise.all(outs.map((out) => plan.read(out)));
  plan.destroy();
  store.destroy();
  return values.map((data, i) => ({ shape: outs[i].shape, data }));
}

/** The values without the columns that pad them. */
function columns({ shape, data }: { shape: readonly number[]; data: Float32Array }, n: number) {
  const padded = shape[shape.length - 1];
  return data.filter((_, i) => i % padded < n);
}

function compare(ours: Float32Array, theirs: Float32Array): void {
  assert.is(ours.length, theirs.length);
  const scale = theirs.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const off = theirs.reduce((most, value, i) => Math.max(most, Math.abs(value - ours[i])), 0);
  assert.ok(off < 1e-4 * scale, `off by ${off} where values reach ${scale}`);
}

const pixelsOf = (pixels: Uint8ClampedArray, side: number) =>
  api.tf.tensor3d(Float32Array.from(pixels), [side, side, 3]);

test('TinyFaceDetector, on a photograph at 416 pixels and one at 224', async () => {
  api.nets.tinyFaceDetector.loadFromWeightMap(weightMap(api, 'tiny_face_detector_model'));
  const finder = finderOfFaceApi(faceApiFolder);
  for (const [name, side] of [
    ['sample1.jpg', 416],
    ['sample5.jpg', 224],
  ] as const) {
    const { square } = fitted(await photograph(name), side);
    const [ours] = await run(finder, square.data, tiny.normalisation, tiny.forward);
    const theirs = await api.nets.tinyFaceDetector.forward(pixelsOf(square.data, side), side);
    assert.equal(theirs.shape, [1, side / 32, side / 32, 25]);
    compare(columns(ours, 25), await theirs.data());
  }
});

test('SSD MobileNetV1: boxes and scores', async () => {
  api.nets.ssdMobilenetv1.loadFromWeightMap(weightMap(api, 'ssd_mobilenetv1_model'));
  const finder = finderOfFaceApi(faceApiFolder, 'ssd');
  const { square } = fitted(await photograph('sample3.jpg'), 512);
  const outs = await run(finder, square.data, ssd.normalisation, ssd.forward);
  const anchors = finder.tensors.get('ssd.anchors')?.data ?? new Float32Array();
  const found = ssd.decode(outs, 0, 512, { 'ssd.anchors': anchors });
  const { boxes, scores } = await api.nets.ssdMobilenetv1.forward(pixelsOf(square.data, 512));
  compare(
    Float32Array.from(found, ({ score }) => score),
    await scores[0].data(),
  );
  compare(
    Float32Array.from(found.flatMap(({ box: [x, y, w, h] }) => [y, x, y + h, x + w])).map(
      (value) => value / 512,
    ),
    await boxes[0].data(),
  );
});

for (const size of ['tiny', 'full'] as const satisfies LandmarkSize[]) {
  test(`68 landmarks, the ${size} network`, async () => {
    const [net, file] = {
      tiny: [api.nets.faceLandmark68TinyNet, 'face_landmark_68_tiny_model'] as const,
      full: [api.nets.faceLandmark68Net, 'face_landmark_68_model'] as const,
    }[size];
    net.loadFromWeightMap(weightMap(api, file));
    const finder = finderOfFaceApi(faceApiFolder, 'tiny', size);
    const image = await photograph('sample6.jpg');
    const { data } = resize(image, 112, 112);
    const [ours] = await run(finder, data, landmarkNormalisation, (build, face) => [
      landmarks(build, face, size),
    ]);
    const theirs = await net.forward(pixelsOf(data, 112));
    compare(columns(ours, 136), await theirs.data());
  });
}
