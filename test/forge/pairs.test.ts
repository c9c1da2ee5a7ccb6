import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { encodePng, readBytes } from '../../node/files/image.ts';
import { CropPool } from '../../node/train/crop-pool.ts';
import { type Config, parseConfig } from '../../src/config/config.ts';
import type { Crop } from '../../src/faces/crops.ts';
import { checkFace, type ManifestItem } from '../../src/faces/manifest.ts';
import { PairLoader } from '../../src/forge/pairs.ts';
import { forgingAt } from '../../src/train/schedule.ts';
import { drawnPicture, failure, temporaryFolder } from '../support/pictures.ts';
import { test } from '../support/run.ts';

const folder = temporaryFolder();
const items = Array.from({ length: 6 }, (_, n): ManifestItem => {
  const image = `${n}.png`;
  writeFileSync(join(folder, image), encodePng(drawnPicture(100, 100, n)));
  const face = { image, label: 0, video: image, people: [`p${n}`], dataset: 'd', split: 'train' };
  return { ...checkFace(face, 'here'), folder };
});

const trainOf = (train: object): Config['train'] =>
  parseConfig({ size: 64, train: { batch: 2, ...train } }, 'test').train;

/** Nothing but the forging: no finishing, no flip. */
const bare = {
  crop: 80,
  vary: 0,
  finish: { colour: 0, blur: 0, noise: 0, jpeg: 0 },
  degrade: { chance: 0 },
  view: { flip: 0 },
};

const loaderOf = (train: Config['train'], faces = items) =>
  new PairLoader(faces, {
    size: 64,
    seed: 5,
    forgingAt: (step) => forgingAt(train, step),
    read: readBytes,
  });

for (const [what, view] of [
  ['', bare.view],
  [', also of turned views', { flip: 0.5, turn: 1, degrees: 40 }],
  [', also of other sizes', { resize: 1 }],
] as const)
  test(`a pair is a real face and its forgery: one view, the mask where they differ${what}`, async () => {
    const loader = loaderOf(trainOf({ forge: { ...bare, view } }));
    for (let step = 0; step < 24; step++) {
      const [real, forged] = await loader.load(step % 6, step);
      assert.equal([real.label, forged.label, real.maskWeight, forged.maskWeight], [0, 1, 1, 1]);
      assert.ok(real.mask?.every((value) => value === 0));
      const { mask } = forged;
      assert.ok(mask?.every((value) => value === 0 || value === 1));
      let [inside, outside, altered] = [0, 0, 0];
      for (const [i, value] of (mask ?? []).entries()) {
        const difference = Math.abs(forged.image[i * 3] - real.image[i * 3]);
        if (value === 1) inside += difference;
        else outside += difference;
        altered += value;
      }
      assert.ok(altered > 20, `step ${step}: ${altered} pixels altered`);
      // The mask's soft edge reaches beyond it.
      const rest = Math.max(1, 64 * 64 - altered);
      assert.ok(inside / altered > 2 * (outside / rest), `step ${step}: ${inside} ${outside}`);
    }
  });

test('the same (seed, step, item) gives the same bytes, whoever asks and in whatever order; another step others', async () => {
  const train = trainOf({ forge: { crop: 80 } });
  const plain = loaderOf(train);
  const common = { size: 64, seed: 5, augment: false as const, forge: train };
  for (const workers of [0, 2]) {
    const pool = new CropPool<Crop[]>(items, { ...common, workers });
    for (let step = 7; step >= 0; step--) {
      assert.equal(await pool.load(step % 6, step), await plain.load(step % 6, step));
    }
    await pool.close();
  }
  const fresh = loaderOf(train);
  assert.equal(await fresh.load(3, 9), await plain.load(3, 9));
  assert.not.equal((await plain.load(3, 10))[1], (await plain.load(3, 9))[1]);
});

test('stages change what is drawn, from the step in which so many images were seen', async () => {
  const none = { 'self-blend': 1 };
  const still = trainOf({ forge: { ...bare, methods: none } });
  const staged = trainOf({
    forge: { ...bare, methods: none },
    stages: [{ from: 6, forge: { view: { flip: 1 } } }],
  });
  const [before, after] = [loaderOf(still), loaderOf(staged)];
  assert.equal(await after.load(1, 2), await before.load(1, 2));
  const [[plain], [flipped]] = [await before.load(1, 3), await after.load(1, 3)];
  assert.ok(
    plain.image.every((value, i) => {
      const [pixel, c] = [Math.floor(i / 3), i % 3];
      const [x, y] = [pixel % 64, Math.floor(pixel / 64)];
      return flipped.image[(y * 64 + 63 - x) * 3 + c] === value;
    }),
  );
});

test('finishing alike keeps the outside of a mask equal in both of a pair', async () => {
  const alike = { ...bare, finish: { same: 1, jpeg: 0, noise: 1, blur: 1, colour: 1 } };
  const loader = loaderOf(trainOf({ forge: { ...alike, methods: { parts: 1 } } }));
  for (let step = 0; step < 4; step++) {
    const [real, forged] = await loader.load(step, step);
    // Parts are in the face: the first rows have none of them.
    const row = 64 * 3 * 2;
    const worst = Math.max(
      ...Array.from(real.image.subarray(0, row), (value, i) => Math.abs(value - forged.image[i])),
    );
    // The colour change turns about the picture's mean, which a small part moves a little.
    assert.ok(worst < 4, `step ${step}: ${worst} grey levels`);
  }
});

test('forged faces and faces of nobody known are refused by name', async () => {
  const train = trainOf({ forge: { ...bare, methods: { swap: 1 } } });
  const forged: ManifestItem = { ...items[0], label: 1 };
  assert.match(
    (await failure(() => loaderOf(train, [...items.slice(1), forged]))).message,
    /0\.png is forged, and train\.forge makes its own/,
  );
  const nobody = items.map((item) => ({ ...item, people: [] }));
  assert.match(
    (await failure(loaderOf(train, nobody).load(0, 0))).message,
    /swap takes from another/,
  );
  const own = loaderOf(trainOf({ forge: { ...bare, methods: { generator: 1 } } }), nobody);
  assert.is((await own.load(0, 0)).length, 2);
});
