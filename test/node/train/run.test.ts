import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { readCheckpoint, writeCheckpoint } from '../../../node/files/checkpoint.ts';
import { loadConfig } from '../../../node/files/config.ts';
import { encodePng } from '../../../node/files/image.ts';
import { openNodeGpu } from '../../../node/gpu/open.ts';
import { beginning } from '../../../node/train/beginning.ts';
import { trainRun } from '../../../node/train/run.ts';
import { parseConfig } from '../../../src/config/config.ts';
import type { ManifestItem } from '../../../src/faces/manifest.ts';
import { initParams } from '../../../src/model/llsm/init.ts';
import { drawnPicture, temporaryFolder } from '../../support/pictures.ts';
import { test } from '../../support/run.ts';

const folder = temporaryFolder();
mkdirSync(join(folder, 'images'));
const items = [0, 1].map((label): ManifestItem => {
  const image = `images/${label}.png`;
  writeFileSync(join(folder, image), encodePng(drawnPicture(64, 64, label)));
  return {
    ...{ folder, image, label: label as 0 | 1, mask: null, box: null, landmarks: null },
    ...{ video: image, frame: 0, people: [], dataset: 'drawn', split: 'train' },
    method: label ? 'other' : null,
  };
});

test('a run that ends before its first save keeps the weights it began with', async () => {
  const config = loadConfig('small', ['size=64', 'width=.05', 'train.batch=2']);
  assert.is(config.width, 0.05);
  const gpu = await openNodeGpu();
  const begin = initParams(config, 77);
  const common = { gpu, items, workers: 0, say() {}, stop: () => true };
  const out = join(folder, 'begun');
  await trainRun({ ...common, out, config, begin });
  const kept = readCheckpoint(join(out, 'weights.safetensors'));
  const weights = ({ tensors }: typeof kept) => [...tensors].map(([, { data }]) => data);
  assert.equal(weights(kept), weights(begin));

  await trainRun({ ...common, out, resume: true });
  assert.equal(weights(readCheckpoint(join(out, 'weights.safetensors'))), weights(begin));
  const drawn = join(folder, 'drawn');
  await trainRun({ ...common, out: drawn, config });
  assert.not(existsSync(join(drawn, 'state.safetensors')));
});

test('forging as it trains, with a mean of the weights: stopped and resumed, the files of a whole run', async () => {
  const forge = { crop: 80, methods: { 'self-blend': 1, generator: 1 } };
  const stages = [{ from: 8, forge: { vary: 1 } }];
  const config = parseConfig(
    {
      ...{ size: 64, width: 0.05, llsm: { hidden: 8, pairs: 64 } },
      train: { batch: 4, iterations: 4, epochs: 1, ema: 0.9, lr: 1e-3, forge, stages },
    },
    'test',
  );
  const reals = [1, 2, 3].map((n): ManifestItem => {
    const image = `images/real${n}.png`;
    writeFileSync(join(folder, image), encodePng(drawnPicture(90, 90, n)));
    return { ...items[0], image, video: image, people: [`p${n}`] };
  });
  const gpu = await openNodeGpu();
  const validated = items.map((item): ManifestItem => ({ ...item, split: 'val' }));
  const common = { gpu, items: reals, validated, workers: 0, say() {} };
  const [whole, torn] = [join(folder, 'whole'), join(folder, 'torn')];
  await trainRun({ ...common, out: whole, config });
  let asked = 0;
  await trainRun({ ...common, out: torn, config, stop: () => asked++ === 3 });
  await trainRun({ ...common, out: torn, resume: true });
  for (const name of ['state', 'weights', 'best']) {
    const [a, b] = [whole, torn].map((run) => readFileSync(join(run, `${name}.safetensors`)));
    assert.ok(a.equals(b), name);
  }
});

test('a prior of masks is filled from the training masks, kept as it is, and more where more is altered', async () => {
  const forge = { crop: 80, methods: { 'self-blend': 1 }, regions: { 'self-blend': { face: 1 } } };
  const config = parseConfig(
    {
      ...{ size: 64, width: 0.05, residual: true, maskPrior: 8, loss: { mask: 'bce+dice' } },
      ...{ llsm: false, train: { batch: 4, iterations: 2, epochs: 1, lr: 1e-3, forge } },
    },
    'test',
  );
  const reals = [1, 2, 3, 4].map((n): ManifestItem => {
    const image = `images/prior${n}.png`;
    writeFileSync(join(folder, image), encodePng(drawnPicture(90, 90, n)));
    return { ...items[0], image, video: image, people: [`p${n}`] };
  });
  const gpu = await openNodeGpu();
  const said: string[] = [];
  const out = join(folder, 'prior');
  const say = (line: string) => said.push(line);
  const common = { gpu, items: reals, workers: 0, say, out };
  await trainRun({ ...common, config, stop: () => said.length > 3 });
  const priorOf = () =>
    readCheckpoint(join(out, 'weights.safetensors')).tensors.get('flm.prior')?.data ?? [];
  const prior = [...priorOf()];
  assert.is(prior.length, 64);
  // The face lies in the middle; the corners are never altered.
  assert.ok(prior[8 * 4 + 4] > -0.5 && prior[0] < -2, `${prior[36]} ${prior[0]}`);
  assert.ok(said.some((line) => /^Masks begin from log-odds of -/.test(line)));
  await trainRun({ ...common, resume: true });
  assert.equal([...priorOf()], prior);
});

test('weights that saw RGB alone begin a network with residuals as what they were', () => {
  const plain = parseConfig({ size: 64, width: 0.05, llsm: false }, 'test');
  const file = join(folder, 'plain.safetensors');
  writeCheckpoint(file, initParams(plain, 3));
  const wide = beginning({ ...plain, residual: true }, file, () => {});
  const [before, after] = [initParams(plain, 3), wide].map(
    ({ tensors }) => tensors.get('encoder.conv1.weight') ?? { shape: [], data: [] },
  );
  assert.equal(after.shape, [before.shape[0], 6, 3, 3]);
  for (let i = 0; i < after.data.length; i++) {
    const [n, c, tap] = [Math.floor(i / 54), Math.floor(i / 9) % 6, i % 9];
    assert.is(after.data[i], c < 3 ? before.data[n * 27 + c * 9 + tap] : 0);
  }
});
