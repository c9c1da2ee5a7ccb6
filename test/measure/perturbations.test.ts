import * as assert from 'uvu/assert';
import { encodePng } from '../../node/files/image.ts';
import { video } from '../../node/measure/perturb-video.ts';
import { Random } from '../../src/base/random.ts';
import type { ManifestItem } from '../../src/faces/manifest.ts';
import type { RgbImage } from '../../src/image/rgb.ts';
import type { Predictor } from '../../src/measure/evaluate.ts';
import { type Perturbation, perturbations } from '../../src/measure/perturbations.ts';
import { robustness } from '../../src/measure/robustness.ts';
import { drawnPicture } from '../support/pictures.ts';
import { test } from '../support/run.ts';
import { needTool } from '../support/tools.ts';

const named = (name: string): Perturbation =>
  perturbations.find((one) => one.name === name) as Perturbation;
const random = () => new Random(1, 'test');
const grey = (value: number, side = 64): RgbImage => ({
  width: side,
  height: side,
  data: new Uint8ClampedArray(side * side * 3).fill(value),
});
const error = (a: RgbImage, b: RgbImage) =>
  a.data.reduce((sum, value, i) => sum + (value - b.data[i]) ** 2, 0) / a.data.length;

async function worsens({ levels, apply }: Perturbation) {
  const image = drawnPicture(61, 47, 5);
  const before = image.data.slice();
  const errors: number[] = [];
  for (const level of levels) {
    const out = await apply(image, level, random());
    assert.is(out.width, 61);
    assert.is(out.height, 47);
    assert.equal((await apply(image, level, random())).data, out.data);
    errors.push(error(image, out));
  }
  assert.equal(image.data, before);
  assert.ok(errors[0] > 0);
  for (let k = 1; k < 5; k++) assert.ok(errors[k] > errors[k - 1], `${errors}`);
}

for (const one of perturbations) {
  test(`${one.name}: worse with each level, of the same size, the same again`, () => worsens(one));
}

test('video: likewise, through ffmpeg', async () => {
  needTool('ffmpeg');
  await worsens(video);
});

test('saturation: without colour every pixel is grey, of its own brightness', async () => {
  const image = drawnPicture(20, 20, 2);
  const { data } = await named('saturation').apply(image, 0, random());
  const { data: same } = await named('saturation').apply(image, 1, random());
  for (let i = 0; i < data.length; i += 3) {
    assert.ok(Math.max(data[i], data[i + 1], data[i + 2]) - Math.min(...data.slice(i, i + 3)) <= 1);
    const luma = (d: Uint8ClampedArray) => 0.299 * d[i] + 0.587 * d[i + 1] + 0.114 * d[i + 2];
    assert.ok(Math.abs(luma(data) - luma(image.data)) <= 1.5);
  }
  assert.ok(error(image, { ...image, data: same }) < 0.5);
});

test('noise: red has the variance of Y and Cr together', async () => {
  const { data } = await named('noise').apply(grey(128, 128), 0.001, random());
  const reds = data.filter((_, i) => i % 3 === 0);
  const mean = reds.reduce((sum, value) => sum + value, 0) / reds.length;
  const variance = reds.reduce((sum, value) => sum + (value - mean) ** 2, 0) / reds.length;
  const expected = (1.164383 ** 2 + 1.596027 ** 2) * 0.001 * 255 ** 2;
  assert.ok(Math.abs(variance / expected - 1) < 0.05, `${variance} for ${expected}`);
});

test('blocks: as many as on a side of 256, and some below it', async () => {
  const painted = async (side: number) => {
    const { data } = await named('blocks').apply(grey(0, side), 16, random());
    return data.filter((value) => value === 128).length / 3 / 64;
  };
  const [large, small] = [await painted(256), await painted(64)];
  assert.ok(large > 12 && large <= 16, `${large}`); // some overlap
  assert.ok(small > 2 && small <= 4, `${small}`);
  assert.ok((await painted(5)) > 0);
});

test('pixelate: halved means of the middle four, as OpenCV has it', async () => {
  const image = drawnPicture(8, 8, 1);
  const { data } = await named('pixelate').apply(image, 4, random());
  const at = (x: number, y: number) => image.data[(y * 8 + x) * 3];
  assert.ok(Math.abs(data[0] - (at(1, 1) + at(2, 1) + at(1, 2) + at(2, 2)) / 4) <= 1);
});

test('darken multiplies', async () => {
  const { data } = await named('darken').apply(grey(200), 0.6, random());
  assert.is(data[0], 120);
});

/** Sees sharpness: forged faces are drawn, real ones are grey. */
const sharpness: Predictor = {
  size: 32,
  batch: 3,
  async detect(faces) {
    return faces.map(({ data }) => {
      let sum = 0;
      for (let i = 3; i < data.length; i++) sum += Math.abs(data[i] - data[i - 3]);
      return { probability: sum / data.length / 256 };
    });
  },
};

test('robustness: the AUC at each level of what was asked for', async () => {
  const files = new Map<string, Uint8Array>();
  const items = Array.from({ length: 10 }, (_, k): ManifestItem => {
    const forged = k % 2;
    // Real faces have a little texture, so that a strongly degraded forgery is smoother.
    const picture = forged ? drawnPicture(32, 32, k) : grey(100, 32);
    if (!forged) picture.data = picture.data.map((value, i) => value + ((i * 7 + k) % 5));
    files.set(`set/${k}.png`, encodePng(picture));
    return {
      ...{ folder: 'set', image: `${k}.png`, label: forged as 0 | 1, mask: null, box: null },
      ...{ landmarks: null, video: `${k}`, frame: 0, people: [], dataset: 'set' },
      ...{ method: forged ? 'drawn' : null, split: 'test' },
    };
  });
  const read = async (path: string) => files.get(path) as Uint8Array;
  const seen: number[] = [];
  const result = await robustness(items, [named('darken'), named('noise')], {
    ...{ predictor: sharpness, read, seed: 0, threshold: -1, untouched: 1 },
    onFace: (done, total) => seen.push(done / total),
  });
  assert.is(result.untouched, 1);
  assert.is(result.applied, 'to the crop');
  assert.equal(
    result.rows.map(({ name }) => name),
    ['darken', 'noise'],
  );
  assert.equal(result.rows[0].auc, [1, 1, 1, 1, 1]);
  // At a threshold below every score all are called forged.
  assert.equal(result.rows[0].falseAlarms, [1, 1, 1, 1, 1]);
  assert.equal(result.rows[0].found, [1, 1, 1, 1, 1]);
  assert.ok(result.rows[1].auc[4] < 1, `${result.rows[1].auc}`);
  assert.is(seen.length, 100);
  assert.is(seen[99], 1);
  const boxed = items.map((item, k) => ({
    ...item,
    ...(k && { box: [4, 4, 20, 20] as [number, number, number, number] }),
  }));
  const cut = await robustness(boxed, [named('darken')], {
    ...{ predictor: sharpness, read, seed: 0, threshold: 0.5, untouched: 1 },
  });
  assert.is(cut.applied, 'before the crop or to the crop');
});
