/** The package's face finder on photographs, and files and pictures that are not as they should be. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { finderOfFaceApi } from '../../lab/convert/facefinder/face-api-node.ts';
import { loadFinder, writeFinder } from '../../node/files/finder.ts';
import { readImage } from '../../node/files/image.ts';
import { defaultWeights } from '../../node/files/weights.ts';
import { openNodeGpu } from '../../node/gpu/open.ts';
import type { FoundFace } from '../../src/faces/place.ts';
import { resize } from '../../src/image/resample.ts';
import type { RgbImage } from '../../src/image/rgb.ts';
import { overlap } from '../../src/model/facefinder/candidates.ts';
import { faceApiFolder } from '../support/face-api.ts';
import { failure, temporaryFolder } from '../support/pictures.ts';
import { test } from '../support/run.ts';

const gpu = await openNodeGpu();
const folder = temporaryFolder();
const photograph = (name: string): Promise<RgbImage> =>
  readImage(join(faceApiFolder, 'demo', name));

/** Where people see the three faces of sample1.jpg. */
const seen: [number, number, number, number][] = [
  [405, 350, 195, 255],
  [832, 420, 205, 235],
  [1480, 210, 200, 225],
];

/** The found face that lies at one that is seen. */
const at = (found: readonly FoundFace[], box: (typeof seen)[number]): FoundFace | undefined =>
  found.find((face) => overlap(face.box, box) > 0.3);

test('the package has a finder, which finds the faces of a photograph', async () => {
  const finder = await loadFinder(gpu);
  const found = await finder.find(await photograph('sample1.jpg'));
  assert.is(found.length, 3);
  for (const box of seen) {
    const face = at(found, box);
    assert.ok(face, `${box}`);
    assert.is(face.points68?.length, 68);
    const [right, left, nose, rightMouth, leftMouth] = face.landmarks;
    // The person's right is at the left of the picture; eyes above nose above mouth.
    assert.ok(right[0] < left[0] && rightMouth[0] < leftMouth[0]);
    assert.ok((right[1] + left[1]) / 2 < nose[1]);
    assert.ok(nose[1] < (rightMouth[1] + leftMouth[1]) / 2);
    for (const [x, y] of face.landmarks) {
      assert.ok(x > box[0] - 40 && x < box[0] + box[2] + 40, `${x} of ${box}`);
      assert.ok(y > box[1] - 40 && y < box[1] + box[3] + 40, `${y} of ${box}`);
    }
  }
  const scores = found.map(({ score }) => score);
  assert.equal(
    scores,
    [...scores].sort((a, b) => b - a),
  );
  finder.dispose();
});

test('a face keeps its place when the picture is larger, and goes where it goes', async () => {
  const finder = await loadFinder(gpu);
  const image = await photograph('sample2.jpg');
  const [face] = await finder.find(image);
  const larger = resize(image, image.width * 2, image.height * 2);
  const [again] = await finder.find(larger);
  assert.ok(overlap(again.box.map((v) => v / 2) as typeof again.box, face.box) > 0.9);
  // White at the left.
  const added = Math.round(image.width / 4);
  const width = image.width + added;
  const wide = {
    width,
    height: image.height,
    data: new Uint8ClampedArray(width * image.height * 3),
  };
  wide.data.fill(255);
  for (let y = 0; y < image.height; y++) {
    const row = image.data.subarray(y * image.width * 3, (y + 1) * image.width * 3);
    wide.data.set(row, (y * width + added) * 3);
  }
  const [x, ...rest] = face.box;
  assert.ok(at(await finder.find(wide), [x + added, ...rest]));
  finder.dispose();
});

test('pictures without a face, of one pixel and of 1 x 20,000: nothing is found', async () => {
  const finder = await loadFinder(gpu);
  for (const [width, height] of [
    [300, 200],
    [1, 1],
    [1, 20000],
    [20000, 1],
  ]) {
    const data = new Uint8ClampedArray(width * height * 3).map((_, i) => (i * 7) % 256);
    assert.equal(await finder.find({ width, height, data }), []);
  }
  finder.dispose();
});

test('files that are no face finder are refused by name', async () => {
  const message = async (path: string): Promise<string> =>
    (await failure(loadFinder(gpu, path))).message;
  assert.match(
    await message(join(folder, 'none.safetensors')),
    /face finder .*none\.safetensors cannot be read/,
  );
  assert.match(
    await message(defaultWeights()),
    /llsm\.safetensors is no face finder: .*--from yunet/,
  );
  const whole = finderOfFaceApi(faceApiFolder);
  const path = join(folder, 'finder.safetensors');
  writeFinder(path, whole);
  const bytes = readFileSync(path);
  writeFileSync(path, bytes.subarray(0, bytes.length - 100));
  assert.match(await message(path), /finder\.safetensors.*cut short/);
  const changed = (change: (tensors: typeof whole.tensors) => void): string => {
    const tensors = new Map(whole.tensors);
    change(tensors);
    writeFinder(path, { ...whole, tensors });
    return path;
  };
  const without = changed((tensors) =>
    tensors.delete('landmarks_tiny.dense1.conv1.depthwise.weight'),
  );
  assert.match(
    await message(without),
    /needs tensor landmarks_tiny\.dense1\.conv1\.depthwise\.weight \[64, 1, 3, 3\], which is missing/,
  );
  const more = changed((tensors) =>
    tensors.set('ssd.conv9.weight', { shape: [1], data: new Float32Array(1) }),
  );
  assert.match(await message(more), /tensors that its networks do not have: ssd\.conv9\.weight/);
  const bent = changed((tensors) =>
    tensors.set('ssd.conv0.bias', { shape: [4, 8], data: new Float32Array(32) }),
  );
  assert.match(await message(bent), /needs tensor ssd\.conv0\.bias \[32\], which is \[4, 8\]/);
  const broken = changed((tensors) =>
    tensors.set('ssd.conv0.bias', { shape: [32], data: new Float32Array(32).fill(Number.NaN) }),
  );
  assert.match(await message(broken), /ssd\.conv0\.bias holds values that are not finite/);
});

test('a side that the network does not take is refused', async () => {
  const error = await failure(loadFinder(gpu, undefined, { sides: [512, 400] }));
  assert.match(error.message, /takes pictures of 512 pixels, not 400/);
});
