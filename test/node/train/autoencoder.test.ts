import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { encodePng, readBytes, readImage } from '../../../node/files/image.ts';
import { readManifest } from '../../../node/files/manifest.ts';
import { openNodeGpu } from '../../../node/gpu/open.ts';
import {
  readAutoencoder,
  reconstructSet,
  trainAutoencoder,
} from '../../../node/train/autoencoder.ts';
import { parseConfig } from '../../../src/config/config.ts';
import { PairLoader } from '../../../src/forge/pairs.ts';
import { initAutoencoder } from '../../../src/model/autoencoder/checkpoint.ts';
import { autoencoderSchema } from '../../../src/model/autoencoder/network.ts';
import { forgingAt } from '../../../src/train/schedule.ts';
import { drawnPicture, failure, temporaryFolder } from '../../support/pictures.ts';
import { test } from '../../support/run.ts';

const folder = temporaryFolder();
mkdirSync(join(folder, 'images'));
const lines = [0, 1, 2, 3].map((n) => {
  const image = `images/${n}.png`;
  writeFileSync(join(folder, image), encodePng(drawnPicture(90, 90, n)));
  const label = n === 3 ? 1 : 0;
  return { image, label, video: image, people: [`p${n}`], dataset: 'd', split: 'train' };
});
writeFileSync(
  join(folder, 'manifest.jsonl'),
  lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
);
const config = autoencoderSchema.parse({ side: 64, widths: [8, 8, 8, 8], code: 8 });
const { train } = parseConfig(
  { size: 64, train: { batch: 2, forge: { crop: 80, vary: 0, methods: { reconstruct: 1 } } } },
  'test',
);
const loaderOf = () =>
  new PairLoader(
    readManifest(folder).filter(({ label }) => label === 0),
    { size: 64, seed: 1, forgingAt: (step) => forgingAt(train, step), read: readBytes },
  );

test('forging by reconstruct without reconstructions says how to make them', async () => {
  const { message } = await failure(() => loaderOf().load(0, 0));
  assert.match(message, /images\/0\.png: there is no reconstruction of it.*llsm autoencoder apply/);
});

test('trained, stopped and written; the same again; faces without a real one are refused', async () => {
  const gpu = await openNodeGpu();
  const out = join(folder, 'a.safetensors');
  const common = { items: readManifest(folder), batch: 2, lr: 1e-3, seed: 4, steps: 3 };
  const begin = () => initAutoencoder(config, 1);
  const result = await trainAutoencoder(gpu, { ...common, out, begin: begin() });
  assert.is(result.steps, 3);
  assert.ok(result.distance > 0 && result.distance < 255);
  const again = join(folder, 'b.safetensors');
  await trainAutoencoder(gpu, { ...common, out: again, begin: begin() });
  assert.equal(readAutoencoder(again), readAutoencoder(out));
  let asked = 0;
  const stopped = await trainAutoencoder(gpu, {
    ...{ ...common, out: join(folder, 'c.safetensors'), begin: begin() },
    stop: () => asked++ === 2,
  });
  assert.is(stopped.steps, 2);
  assert.equal(readAutoencoder(join(folder, 'c.safetensors')).config, config);
  const forged = common.items.filter(({ label }) => label === 1);
  const refused = await failure(() =>
    trainAutoencoder(gpu, { ...common, items: forged, out, begin: begin() }),
  );
  assert.match(refused.message, /no real face with split "train"/);
});

test('reconstructions lie in the set, and forging blends them in', async () => {
  const flat = (value: number) =>
    new Uint8ClampedArray(64 * 64 * 3).map((_, i) => value + (i % 50));
  const made = await reconstructSet(
    folder,
    {
      reconstruct: async (faces) =>
        faces.map((_, k) => ({ width: 64, height: 64, data: flat(60 + 20 * k) })),
    },
    2,
  );
  assert.is(made, 3);
  const items = readManifest(folder);
  assert.equal(
    items.map(({ reconstructed }) => reconstructed),
    ['reconstructed/0.png', 'reconstructed/1.png', 'reconstructed/2.png', undefined],
  );
  assert.equal((await readImage(join(folder, 'reconstructed/1.png'))).data, flat(80));
  const [real, forged] = await loaderOf().load(1, 0);
  assert.ok(forged.mask?.some((value) => value === 1));
  assert.not.equal(real.image, forged.image);
  const [, again] = await loaderOf().load(1, 0);
  assert.equal(again, forged);
});
