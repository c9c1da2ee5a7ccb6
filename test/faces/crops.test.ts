import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { encodePng, readBytes } from '../../node/files/image.ts';
import { readManifest } from '../../node/files/manifest.ts';
import { augmentSchema } from '../../src/config/augment-schema.ts';
import { CropLoader, type CropOptions, cropBox } from '../../src/faces/crops.ts';
import type { FaceInput } from '../../src/faces/manifest.ts';
import { drawnPicture, failure, temporaryFolder } from '../support/pictures.ts';
import { test } from '../support/run.ts';

const size = 48;

/** A real face, a forged one with a mask (its left half), one without, one whose mask is too small. */
function set() {
  const folder = temporaryFolder();
  for (const part of ['images', 'masks']) mkdirSync(join(folder, part));
  const left = (width: number) => {
    const data = Uint8ClampedArray.from({ length: width * 60 }, (_, i) =>
      i % width < 30 ? 255 : 0,
    );
    return encodePng({ width, height: 60, data });
  };
  writeFileSync(join(folder, 'masks/left.png'), left(60));
  writeFileSync(join(folder, 'masks/small.png'), left(59));
  const more: Partial<FaceInput>[] = [
    { label: 0 },
    { label: 1, mask: 'masks/left.png' },
    { label: 1 },
    { label: 1, mask: 'masks/small.png' },
    { label: 0, box: [30, 30, 20, 10] },
    { label: 0, box: [90, 90, 5, 5] },
  ];
  const lines = more.map((line, i) => {
    writeFileSync(join(folder, `images/${i}.png`), encodePng(drawnPicture(60, 60, i)));
    const common = { image: `images/${i}.png`, video: `v${i}`, dataset: 'd', split: 'train' };
    return JSON.stringify({ ...common, ...line });
  });
  writeFileSync(join(folder, 'manifest.jsonl'), lines.join('\n'));
  return readManifest(folder);
}

const options: CropOptions = { size, seed: 1, augment: false, read: readBytes };
const items = set();

test('a crop: normalised pixels, mask by label, weight 0 only where the mask is not known', async () => {
  const loader = new CropLoader(items, options);
  const [real, masked, unknown] = [
    await loader.load(0, 0),
    await loader.load(1, 0),
    await loader.load(2, 0),
  ];
  assert.equal([real.image.length, real.label, real.maskWeight], [size * size * 3, 0, 1]);
  assert.ok(real.mask?.every((value) => value === 0));
  assert.equal([masked.label, masked.maskWeight], [1, 1]);
  assert.equal([masked.mask?.[0], masked.mask?.[size - 1]], [1, 0]);
  assert.equal([unknown.label, unknown.maskWeight, unknown.mask], [1, 0, null]);
  const same = new CropLoader(items, { ...options, size: 60 });
  const pixels = Uint8Array.from(drawnPicture(60, 60, 0).data);
  const first = await same.load(0, 0);
  assert.equal(first.image, pixels);
  // What is given away is not what is kept.
  first.image.fill(0);
  assert.equal((await same.load(0, 0)).image, pixels);
});

test('a mask of another size and a box outside the picture are refused by name', async () => {
  const loader = new CropLoader(items, options);
  assert.match(
    (await failure(loader.load(3, 0))).message,
    /small\.png is 59 x 60, but its image images\/3\.png is 60 x 60/,
  );
  assert.match(
    (await failure(loader.load(5, 0))).message,
    /5\.png: its box 90,90,5,5 lies outside/,
  );
});

test('the box of a detector becomes a square of 1.3 times its longer side, cut at the border', () => {
  assert.equal(cropBox(null, 60, 50), [0, 0, 60, 50]);
  assert.equal(cropBox([30, 30, 20, 10], 100, 100), [27, 22, 26, 26]);
  assert.equal(cropBox([0, 0, 20, 20], 100, 100), [0, 0, 26, 26]);
  assert.equal(cropBox([80, 40, 20, 20], 100, 100), [77, 37, 23, 23]);
});

test('augmentation depends on seed, step and item alone; the cache changes nothing', async () => {
  const augment = augmentSchema.parse(true);
  const [a, b] = [
    new CropLoader(items, { ...options, augment }),
    new CropLoader(items, { ...options, augment, cacheBytes: 0 }),
  ];
  const once = await a.load(1, 5);
  await a.load(0, 2);
  assert.equal(await a.load(1, 5), once);
  assert.equal(await b.load(1, 5), once);
  assert.not.equal((await a.load(1, 6)).image, once.image);
  const other = new CropLoader(items, { ...options, augment, seed: 2 });
  assert.not.equal((await other.load(1, 5)).image, once.image);
});

test('the mask is mirrored and cropped with its picture', async () => {
  const none = { colour: 0, blur: 0, noise: 0, jpeg: 0 };
  const plain = await new CropLoader(items, options).load(1, 0);
  const mirrored = augmentSchema.parse({ ...none, crop: 0, flip: 1 });
  const flipped = await new CropLoader(items, { ...options, augment: mirrored }).load(1, 0);
  for (let x = 0; x < size; x++) {
    assert.is(flipped.mask?.[x], plain.mask?.[size - 1 - x]);
    assert.is(flipped.image[x * 3 + 1], plain.image[(size - 1 - x) * 3 + 1]);
  }
  const cropped = augmentSchema.parse({ ...none, crop: 0.5, flip: 0 });
  const loader = new CropLoader(items, { ...options, augment: cropped });
  const edges = new Set<number>();
  for (let step = 0; step < 12; step++) {
    const { mask } = await loader.load(1, step);
    edges.add((mask as Float32Array).subarray(0, size).findIndex((value) => value < 0.5));
  }
  assert.ok(edges.size > 6, [...edges].join());
});

test('augmentation options: true is all defaults, an unknown key and a wrong range are errors', () => {
  assert.equal(augmentSchema.parse(true), augmentSchema.parse({}));
  assert.is(augmentSchema.parse({ flip: 0.1 }).flip, 0.1);
  assert.throws(() => augmentSchema.parse({ flop: 1 }), /flop/);
  assert.throws(() => augmentSchema.parse({ flip: 2 }), /flip/);
  assert.throws(() => augmentSchema.parse({ jpegQuality: [90, 50] }), /lower, higher/);
});
