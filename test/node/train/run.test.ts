import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { readCheckpoint } from '../../../node/files/checkpoint.ts';
import { loadConfig } from '../../../node/files/config.ts';
import { encodePng } from '../../../node/files/image.ts';
import { openNodeGpu } from '../../../node/gpu/open.ts';
import { trainRun } from '../../../node/train/run.ts';
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
