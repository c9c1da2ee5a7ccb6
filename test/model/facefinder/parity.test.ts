/** Our networks beside face-api's own, which TensorFlow.js computes, on its own photographs. */
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { finderOfFaceApi } from '../../../lab/convert/facefinder/face-api-node.ts';
import { readImage } from '../../../node/files/image.ts';
import { openNodeGpu } from '../../../node/gpu/open.ts';
import { fitted } from '../../../src/faces/network-finder.ts';
import type { Tensor } from '../../../src/graph/tensor.ts';
import { resize } from '../../../src/image/resample.ts';
import {
  type LandmarkSize,
  landmarkNormalisation,
  landmarks,
} from '../../../src/model/facefinder/landmarks.ts';
import type { FinderBuilder } from '../../../src/model/facefinder/layers.ts';
import { ssd } from '../../../src/model/facefinder/ssd.ts';
import { tiny } from '../../../src/model/facefinder/tiny.ts';
import { faceApiFolder, loadFaceApi, weightMap } from '../../support/face-api.ts';
import { test } from '../../support/run.ts';
import { columns, compare, run } from './support.ts';

const gpu = await openNodeGpu();
const api = await loadFaceApi();

const photograph = (name: string) => readImage(join(faceApiFolder, 'demo', name));

const pixelsOf = (pixels: Uint8ClampedArray, side: number) =>
  api.tf.tensor3d(Float32Array.from(pixels), [side, side, 3]);

test('TinyFaceDetector, on a photograph at 416 pixels and one at 224', async () => {
  api.nets.tinyFaceDetector.loadFromWeightMap(weightMap(api, 'tiny_face_detector_model'));
  const finder = finderOfFaceApi(faceApiFolder, 'tiny');
  for (const [name, side] of [
    ['sample1.jpg', 416],
    ['sample5.jpg', 224],
  ] as const) {
    const { square } = fitted(await photograph(name), side);
    const [ours] = await run(gpu, finder, square.data, tiny);
    const theirs = await api.nets.tinyFaceDetector.forward(pixelsOf(square.data, side), side);
    assert.equal(theirs.shape, [1, side / 32, side / 32, 25]);
    compare(columns(ours, 25), await theirs.data());
  }
});

test('SSD MobileNetV1: boxes and scores', async () => {
  api.nets.ssdMobilenetv1.loadFromWeightMap(weightMap(api, 'ssd_mobilenetv1_model'));
  const finder = finderOfFaceApi(faceApiFolder, 'ssd');
  const { square } = fitted(await photograph('sample3.jpg'), 512);
  const outs = await run(gpu, finder, square.data, ssd);
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
    const network = {
      normalisation: landmarkNormalisation,
      forward: (build: FinderBuilder, face: Tensor) => [landmarks(build, face, size)],
    };
    const [ours] = await run(gpu, finder, data, network);
    const theirs = await net.forward(pixelsOf(data, 112));
    compare(columns(ours, 136), await theirs.data());
  });
}
