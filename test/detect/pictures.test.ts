import * as assert from 'uvu/assert';
import {
  dissimilarityPicture,
  findingPanel,
  maskOverlay,
  shown,
} from '../../src/detect/pictures.ts';
import { heat, viridis } from '../../src/image/draw.ts';
import { drawnPicture } from '../support/pictures.ts';
import { test } from '../support/run.ts';

const pixel = (image: { width: number; data: Uint8ClampedArray }, x: number, y: number) => [
  ...image.data.subarray((y * image.width + x) * 3, (y * image.width + x) * 3 + 3),
];

test('shown: a large picture is made smaller, and its box with it', () => {
  const small = drawnPicture(100, 50);
  assert.is(shown(small, [1, 2, 3, 4]).photo, small);
  const { photo, box } = shown(drawnPicture(2048, 256), [1024, 64, 128, 128]);
  assert.equal([photo.width, photo.height, ...box], [1024, 128, 512, 32, 64, 64]);
});

test('mask overlay: the mask lies over its box, outlined, and leaves the rest as it is', () => {
  const photo = drawnPicture(100, 60);
  const box: [number, number, number, number] = [20, 10, 40, 40];
  const mask = new Float32Array(16 * 16); // its right half is altered
  for (let i = 0; i < mask.length; i++) mask[i] = i % 16 >= 8 ? 1 : 0;
  const result = maskOverlay({ photo, box }, mask, 16);
  assert.equal(pixel(result, 5, 5), pixel(photo, 5, 5));
  assert.equal(pixel(result, 25, 30), pixel(photo, 25, 30));
  pixel(result, 55, 30).forEach((value, c) => {
    assert.ok(Math.abs(value - (0.35 * pixel(photo, 55, 30)[c] + 0.65 * heat[2][c])) <= 1);
  });
  for (const [x, y] of [
    [20, 10],
    [59, 10],
    [20, 49],
    [59, 49],
    [40, 10],
  ]) {
    assert.equal(pixel(result, x, y), [255, 255, 255]);
  }
  assert.equal(pixel(result, 60, 49), pixel(photo, 60, 49));
  // Of a box that reaches over the left border, the right half of the mask is seen.
  const over = maskOverlay({ photo, box: [-20, 10, 40, 40] }, mask, 16);
  assert.equal(pixel(over, 21, 30), pixel(photo, 21, 30));
  for (const x of [3, 17]) {
    const value = 0.35 * pixel(photo, x, 30)[0] + 0.65 * heat[2][0];
    assert.ok(Math.abs(pixel(over, x, 30)[0] - value) <= 1, `${x}`);
  }
  const whole = maskOverlay({ photo, box: [0, 0, 100, 60] }, new Float32Array(256), 16);
  assert.equal(whole.data, photo.data);
});

test('dissimilarity figure: 1 is yellow whatever else is in the map', () => {
  const dissimilarity = new Float32Array(16 * 16).fill(0.5);
  dissimilarity[0] = 1;
  const figure = dissimilarityPicture(dissimilarity);
  const colours = new Set<string>();
  for (let x = 0; x < figure.width; x++) colours.add(pixel(figure, x, 30).join());
  assert.ok(colours.has(viridis[10].join()));
  assert.ok(colours.has(viridis[5].join()));
  assert.not.ok(colours.has(viridis[0].join()));
});

test('panel: as many pictures as there are findings, upright or wide', () => {
  const detection = { probability: 0.5 };
  const words = {
    name: 'a name that is far too long to be written above the picture',
    verdict: 'forged',
  };
  const panelOf = (width: number, height: number, found: object) =>
    findingPanel(
      { photo: drawnPicture(width, height), box: [0, 0, width, height] },
      { ...detection, ...found },
      { ...words, size: 16 },
    );
  const mask = new Float32Array(256);
  const alone = panelOf(100, 100, {});
  const masked = panelOf(100, 100, { mask });
  const all = panelOf(100, 100, { mask, dissimilarity: new Float32Array(196 ** 2) });
  const gap = 8;
  assert.is(alone.width, 384 + 2 * gap);
  assert.is(masked.width, 3 * 384 + 4 * gap);
  assert.is(all.width, 4 * 392 + 5 * gap);
  assert.is(panelOf(50, 100, {}).width, 192 + 2 * gap);
  assert.is(
    panelOf(100, 100, { dissimilarity: new Float32Array(729 ** 2) }).width,
    2 * 512 + 3 * gap,
  );
});
