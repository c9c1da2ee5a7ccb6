import * as assert from 'uvu/assert';
import { Random } from '../../src/base/random.ts';
import { gaussianBlur } from '../../src/image/blur.ts';
import { addNoise, clampBox, orient } from '../../src/image/pixels.ts';
import { resample, resize } from '../../src/image/resample.ts';
import { drawnPicture } from '../support/pictures.ts';
import { test } from '../support/run.ts';

const near = (a: number, b: number, tolerance: number) =>
  assert.ok(Math.abs(a - b) <= tolerance, `${a} is not ${b}`);

test('resampling to the same size changes nothing; a whole-pixel box is a crop', () => {
  const image = drawnPicture(23, 17);
  assert.equal(resize(image, 23, 17).data, image.data);
  const crop = resize(image, 5, 4, [3, 6, 5, 4]);
  for (let y = 0; y < 4; y++) {
    const row = ((y + 6) * 23 + 3) * 3;
    assert.equal(crop.data.slice(y * 15, y * 15 + 15), image.data.slice(row, row + 15));
  }
});

test('upscaling by 2 is bilinear with half-pixel centres', () => {
  const source = { width: 2, height: 1, data: [0, 100] };
  const out = resample(source, 1, [0, 0, 2, 1], 4, 1, new Float32Array(4));
  out.forEach((value, i) => {
    near(value, [0, 25, 75, 100][i], 1e-4);
  });
});

test('downscaling antialiases: stripes of one pixel become grey', () => {
  const data = Uint8ClampedArray.from({ length: 64 * 64 }, (_, i) => (i % 2 ? 255 : 0));
  const out = resample(
    { width: 64, height: 64, data },
    1,
    [0, 0, 64, 64],
    16,
    16,
    new Float32Array(256),
  );
  for (let x = 1; x < 15; x++) near(out[8 * 16 + x], 127.5, 8);
});

test('orientation 6 then 8 gives the picture back', () => {
  const image = drawnPicture(6, 4);
  assert.equal(orient(orient(image, 6), 8), image);
});

test('a box is clamped to the picture', () => {
  assert.equal(clampBox([-5, 2, 20, 20], 10, 10), [0, 2, 10, 8]);
  assert.equal(clampBox([30, 2, 5, 5], 10, 10)[2], 0);
});

test('Gaussian blur: a point spreads to the kernel, a constant stays', () => {
  const [size, sigma] = [31, 1.5];
  const point = new Float32Array(size * size);
  point[15 * size + 15] = 1;
  gaussianBlur(point, size, size, 1, sigma);
  near(
    point.reduce((sum, value) => sum + value, 0),
    1,
    1e-4,
  );
  near(point[15 * size + 17] / point[15 * size + 15], Math.exp(-(2 ** 2) / (2 * sigma ** 2)), 1e-4);
  near(point[12 * size + 15] / point[15 * size + 15], Math.exp(-(3 ** 2) / (2 * sigma ** 2)), 1e-4);
  const flat = new Uint8ClampedArray(8 * 5 * 3).map((_, i) => 40 * (1 + (i % 3)));
  const before = flat.slice();
  gaussianBlur(flat, 8, 5, 3, 2);
  assert.equal(flat, before);
});

test('noise has the standard deviation it was given, and a seed gives it again', () => {
  const draw = () => {
    const data = new Uint8ClampedArray(30000).fill(128);
    addNoise(data, 5, new Random(3, 'n'));
    return data;
  };
  const data = draw();
  const mean = data.reduce((sum, v) => sum + v, 0) / data.length;
  const variance = data.reduce((sum, v) => sum + (v - mean) ** 2, 0) / data.length;
  near(mean, 128, 0.2);
  near(Math.sqrt(variance), 5, 0.2);
  assert.equal(draw(), data);
});
