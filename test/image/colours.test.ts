import * as assert from 'uvu/assert';
import {
  contour,
  heatmap,
  inferno,
  outline,
  overlay,
  plasma,
  viridis,
} from '../../src/image/colours.ts';
import { drawnPicture } from '../support/pictures.ts';
import { test } from '../support/run.ts';

const pixel = (image: { width: number; data: Uint8ClampedArray }, x: number, y: number) => [
  ...image.data.subarray((y * image.width + x) * 3, (y * image.width + x) * 3 + 3),
];

test('overlay: 0 leaves the photograph, 1 is mostly the palette, NaN is 0', () => {
  const photo = drawnPicture(4, 1);
  const result = overlay(photo, [0, 1, 0.5, Number.NaN], { alpha: 1 });
  assert.equal(pixel(result, 0, 0), pixel(photo, 0, 0));
  assert.equal(pixel(result, 1, 0), [...plasma[10]]);
  const half = plasma[5].map((v, c) => Math.round((v + photo.data[6 + c]) / 2));
  pixel(result, 2, 0).forEach((v, c) => {
    assert.ok(Math.abs(v - half[c]) <= 1);
  });
  assert.equal(pixel(result, 3, 0), pixel(photo, 3, 0));
  assert.throws(() => overlay(photo, [0, 1]), /2 values for 4 x 1/);
  const throughout = overlay(photo, [0, 0, 0, 0], { least: 1, palette: inferno });
  assert.equal(pixel(throughout, 2, 0), [...inferno[0]]);
});

test('heatmap: a fixed scale, row i down and column j across', () => {
  const picture = heatmap([0, 1, 0.5, 0], 2, 2, { zoom: 3 });
  assert.equal([picture.width, picture.height], [6, 6]);
  assert.equal(pixel(picture, 0, 0), [...viridis[0]]);
  assert.equal(pixel(picture, 5, 0), [...viridis[10]]);
  assert.equal(pixel(picture, 2, 5), [...viridis[5]]);
});

test('palettes rise in lightness from step to step', () => {
  // Relative luminance, ITU-R BT.709.
  const lightness = ([r, g, b]: readonly number[]) => 0.2126 * r + 0.7152 * g + 0.0722 * b;
  for (const palette of [viridis, plasma, inferno]) {
    palette.slice(1).forEach((colour, k) => {
      assert.ok(lightness(colour) > lightness(palette[k]), `step ${k + 1}`);
    });
  }
});

test('contour: white inside along the border of what is altered, dark outside, nothing elsewhere', () => {
  const photo = { width: 9, height: 9, data: new Uint8ClampedArray(9 * 9 * 3).fill(100) };
  const values = Float32Array.from({ length: 81 }, (_, i) => (i % 9 >= 3 && i % 9 < 8 ? 0.5 : 0));
  contour(photo, values, 0.5);
  const row = Array.from({ length: 9 }, (_, x) => pixel(photo, x, 4)[0]);
  assert.equal(row, [100, 100, 20, 255, 100, 100, 100, 255, 20]);
  const none = { width: 9, height: 9, data: new Uint8ClampedArray(9 * 9 * 3).fill(100) };
  contour(none, values, 0.6);
  assert.ok(none.data.every((value) => value === 100));
});

test('outline: a border of its thickness, cut where it leaves the picture', () => {
  const image = { width: 8, height: 8, data: new Uint8ClampedArray(8 * 8 * 3) };
  outline(image, [2, -1, 10, 6], 2, [9, 8, 7]);
  assert.equal(pixel(image, 2, 0), [9, 8, 7]);
  assert.equal(pixel(image, 3, 2), [9, 8, 7]);
  assert.equal(pixel(image, 4, 1), [0, 0, 0]);
  assert.equal(pixel(image, 7, 4), [9, 8, 7]);
  assert.equal(pixel(image, 7, 5), [0, 0, 0]);
  assert.equal(pixel(image, 1, 3), [0, 0, 0]);
});
