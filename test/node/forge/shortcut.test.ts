/**
 * No shortcut: what a picture shows without a look at the altered place must not tell real pictures from
 * forgeries, else a network learns that instead. How sharp the altered place itself is tells much, as
 * in real forgeries, and is no part of it: nor then is the sharpness of a whole picture.
 */
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { encodePng, readImage } from '../../../node/files/image.ts';
import { readManifest } from '../../../node/files/manifest.ts';
import { makeForgeries } from '../../../node/forge/make.ts';
import { type FolderOptions, makeFolderSet } from '../../../node/sets/folder.ts';
import { type ForgeMethod, forgeMethods, forgingOf } from '../../../src/config/forge-schema.ts';
import { throughJpeg } from '../../../src/image/codecs.ts';
import type { RgbImage } from '../../../src/image/rgb.ts';
import { drawnPicture, temporaryFolder } from '../../support/pictures.ts';
import { test } from '../../support/run.ts';

const people = 100;
const size = 96;

/** Y, row-major. */
function greyOf({ data }: RgbImage): Float32Array {
  const grey = new Float32Array(data.length / 3);
  for (let i = 0; i < grey.length; i++) {
    grey[i] = 0.299 * data[i * 3] + 0.587 * data[i * 3 + 1] + 0.114 * data[i * 3 + 2];
  }
  return grey;
}

/** Mean of a value over the pixels that have neighbours and that `where` takes. */
function meanOver(
  { width, height }: RgbImage,
  where: (x: number, y: number) => boolean,
  value: (i: number) => number,
): number {
  let [sum, count] = [0, 0];
  for (let y = 1; y < height - 1; y++) {
    for (let x = 1; x < width - 1; x++) {
      if (!where(x, y)) continue;
      sum += value(y * width + x);
      count++;
    }
  }
  return sum / count;
}

const everywhere = () => true;
/** Outlines of faces seldom reach here. */
const border = (x: number, y: number) => Math.min(x, y, size - 1 - x, size - 1 - y) < 0.06 * size;

/** Values of a picture that need no look at its content. */
function cuesOf(image: RgbImage): Record<string, number> {
  const grey = greyOf(image);
  const w = image.width;
  const laplacian = (i: number) =>
    Math.abs(4 * grey[i] - grey[i - 1] - grey[i + 1] - grey[i - w] - grey[i + w]);
  // Immerkaer, "Fast Noise Variance Estimation", 1996: blind to straight edges.
  const noise = (i: number) =>
    Math.abs(
      4 * grey[i] -
        2 * (grey[i - 1] + grey[i + 1] + grey[i - w] + grey[i + w]) +
        grey[i - w - 1] +
        grey[i - w + 1] +
        grey[i + w - 1] +
        grey[i + w + 1],
    );
  const step = (i: number) => Math.abs(grey[i] - grey[i - 1]);
  const onGrid = (x: number) => x % 8 === 0;
  const colour = (c: number) => meanOver(image, everywhere, (i) => image.data[i * 3 + c]);
  return {
    red: colour(0),
    green: colour(1),
    blue: colour(2),
    'JPEG grid': meanOver(image, onGrid, step) / meanOver(image, (x) => !onGrid(x), step),
    'sharpness of the border': meanOver(image, border, laplacian),
    'noise of the border': meanOver(image, border, noise),
  };
}

/**
 * How often a forgery has more of a cue than a real picture, ties counted half, and its standard
 * error: each pair's part in it (DeLong and others, 1988, with real and forged of a pair together,
 * as they share their content).
 */
function aucOf(real: number[], forged: number[]): { auc: number; error: number } {
  const above = (a: number, b: number) => (a > b ? 1 : a === b ? 0.5 : 0);
  const n = real.length;
  const shares = real.map((_, i) => {
    let sum = 0;
    for (let j = 0; j < n; j++) sum += above(forged[i], real[j]) + above(forged[j], real[i]);
    return sum / n;
  });
  const mean = shares.reduce((sum, share) => sum + share, 0) / n;
  const variance = shares.reduce((sum, share) => sum + (share - mean) ** 2, 0) / (n - 1);
  return { auc: mean / 2, error: Math.sqrt(variance / n) };
}

const limit = 0.06;

/** Cues by which real pictures and forgeries differ by more than allowed; all of them printed. */
function tellTales(title: string, reals: Record<string, number>[], forged: typeof reals): string[] {
  const found: string[] = [];
  const words: string[] = [];
  for (const cue of Object.keys(reals[0])) {
    const { auc, error } = aucOf(
      reals.map((cues) => cues[cue]),
      forged.map((cues) => cues[cue]),
    );
    words.push(`${cue} ${auc.toFixed(3)} (${error.toFixed(3)})`);
    if (Math.abs(auc - 0.5) > Math.max(limit, 3 * error)) found.push(cue);
  }
  console.log(`\n${title}: AUC (standard error): ${words.join(', ')}`);
  return found;
}

const folder: FolderOptions = {
  faces: 'whole',
  size,
  label: 0,
  masks: null,
  method: null,
  dataset: 'faces',
  people: 'file-stem',
  personPrefix: '',
  split: 'train',
  seed: 0,
  list: null,
  limit: people,
};

function drawnSet(count: number): Promise<string> {
  const pictures = temporaryFolder();
  for (let i = 0; i < count; i++) {
    writeFileSync(join(pictures, `p${i}x.png`), encodePng(drawnPicture(size, size, i)));
  }
  return makeSet(pictures, folder);
}

/** Photographs where there are some, else drawn pictures. */
async function realSet(): Promise<string> {
  const lfw = join(process.env.LLSM_TEST_DATA ?? join('..', 'shared', 'data'), 'lfw');
  if (!existsSync(lfw)) {
    console.log(`no ${lfw}: drawn pictures instead`);
    return drawnSet(people);
  }
  const names = readdirSync(lfw).filter((name) => name.endsWith('.jpg'));
  const list = names.sort().map((name) => name.replace(/\.jpg$/, ''));
  const spread = list.filter((_, i) => i % Math.floor(list.length / people) === 0);
  return makeSet(lfw, { ...folder, faces: { centre: 0.6 }, list: spread });
}

async function makeSet(pictures: string, options: FolderOptions): Promise<string> {
  const out = join(temporaryFolder(), 'set');
  await makeFolderSet(pictures, out, options);
  return out;
}

async function forgedCues(set: string, method: ForgeMethod) {
  const out = join(temporaryFolder(), method);
  // Boxes and whole crops reach the border, where it is looked for.
  const regions = { swap: { face: 1, hull: 1 }, generator: { face: 1, hull: 1 } };
  const forging = forgingOf({ methods: { [method]: 1 }, regions });
  await makeForgeries(readManifest(set), out, { forging, perImage: 1, seed: 5 });
  const cues = await Promise.all(
    readManifest(out).map(async ({ image, label }) => {
      const path = join(out, image);
      return { label, path, cues: cuesOf(await readImage(path)) };
    }),
  );
  return {
    reals: cues.filter(({ label }) => label === 0),
    forged: cues.filter(({ label }) => label === 1),
  };
}

const onlyCues = (list: { cues: Record<string, number> }[]) => list.map(({ cues }) => cues);

const set = await realSet();

// Reconstructions are made by a trained autoencoder: there are none for these faces.
for (const method of forgeMethods.filter((name) => name !== 'reconstruct')) {
  test(`${method} leaves no shortcut`, async () => {
    const { reals, forged } = await forgedCues(set, method);
    assert.is(reals.length, people);
    assert.is(forged.length, people);
    assert.equal(tellTales(method, onlyCues(reals), onlyCues(forged)), []);
  });
}

test('the check finds a set whose forgeries were compressed once more', async () => {
  const { reals, forged } = await forgedCues(await drawnSet(40), 'swap');
  const again = [];
  for (const { path } of forged) {
    const image = await throughJpeg(await readImage(path), 40);
    again.push(cuesOf(image));
  }
  const found = tellTales('compressed once more', onlyCues(reals), again);
  assert.ok(found.includes('JPEG grid'), `${found}`);
});
