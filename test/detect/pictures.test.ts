import * as assert from 'uvu/assert';
import {
  dissimilarityPicture,
  findingPanel,
  maskOverlay,
  shown,
  wholePicture,
} from '../../src/detect/pictures.ts';
import { plasma, viridis } from '../../src/image/colours.ts';
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
  const result = maskOverlay({ photo, box }, mask, 16, 2);
  assert.equal(pixel(result, 5, 5), pixel(photo, 5, 5));
  assert.equal(pixel(result, 25, 30), pixel(photo, 25, 30));
  pixel(result, 55, 30).forEach((value, c) => {
    assert.ok(Math.abs(value - (0.35 * pixel(photo, 55, 30)[c] + 0.65 * plasma[10][c])) <= 1);
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
  const over = maskOverlay({ photo, box: [-20, 10, 40, 40] }, mask, 16, 2);
  assert.equal(pixel(over, 21, 30), pixel(photo, 21, 30));
  for (const x of [3, 17]) {
    const value = 0.35 * pixel(photo, x, 30)[0] + 0.65 * plasma[10][0];
    assert.ok(Math.abs(pixel(over, x, 30)[0] - value) <= 1, `${x}`);
  }
  const whole = maskOverlay({ photo, box: [0, 0, 100, 60] }, new Float32Array(256), 16, 0.5);
  assert.equal(whole.data, photo.data);
});

test('mask overlay: a line around what is called altered, on the whole photograph', () => {
  const photo = { width: 100, height: 60, data: new Uint8ClampedArray(100 * 60 * 3).fill(90) };
  const mask = Float32Array.from({ length: 256 }, (_, i) => (i % 16 >= 8 ? 1 : 0));
  const white = (from: number) => {
    const { data } = maskOverlay({ photo, box: [20, 10, 40, 40] }, mask, 16, from);
    return data.reduce((count, value) => count + (value === 255 ? 1 : 0), 0);
  };
  const border = 3 * (4 * 40 - 4);
  assert.is(white(2), border);
  assert.ok(white(0.5) > border + 3 * 30);
});

test('dissimilarity picture: 1 is yellow whatever else is in the map', () => {
  const dissimilarity = new Float32Array(16 * 16).fill(0.5);
  dissimilarity[0] = 1;
  const { pictures } = dissimilarityPicture(dissimilarity);
  assert.is(pictures.length, 2); // the map and its scale
  const [{ image }] = pictures;
  assert.is(image.width, 512);
  assert.equal(pixel(image, 31, 31), [...viridis[10]]);
  assert.equal(pixel(image, 32, 31), [...viridis[5]]);
});

const text = { name: 'a name', verdict: '0.500 unsure', size: 16, from: 0.5 };
const panelOf = (width: number, height: number, found: object) =>
  findingPanel(
    { photo: drawnPicture(width, height), box: [0, 0, width, height] },
    { mask: undefined, ...found },
    text,
  );
const titles = ({ svg }: { svg: string }) =>
  [...svg.matchAll(/font-weight="700"[^>]*>([^<]*)</g)].map(([, words]) => words);

test('panel: a picture for each thing that was found, named, with its scale', () => {
  const mask = new Float32Array(256);
  const dissimilarity = new Float32Array(196 ** 2);
  const cam = { tap: 'd1', side: 7, values: new Float32Array(49) };
  assert.equal(titles(panelOf(100, 100, {})), [text.verdict, 'The face']);
  const all = panelOf(100, 100, { mask, dissimilarity, cam });
  assert.equal(titles(all), [
    text.verdict,
    ...['The face', 'Mask over the face', 'Mask alone'],
    ...['Grad-CAM at d1, fixed scale', 'Grad-CAM at d1, own range'],
    'All pairs of 14 × 14 patches',
    ...[1, 2, 3].map((k) => `Patch ${k} against all others (0.00)`),
  ]);
  assert.match(all.svg, /1 altered \(line at 0\.5\)/);
  // A picture and, but for the face, a bar each.
  assert.is(all.pictures.length, 9 + 8);
  for (const { image, x, y } of all.pictures) {
    assert.ok(x + image.width <= all.width && y + image.height <= all.height);
  }
});

test('panel: faces are upright or wide as they are, and may reach over the border', () => {
  const [{ image }] = panelOf(50, 100, {}).pictures;
  assert.is(image.width * 2, image.height);
  const over = findingPanel({ photo: drawnPicture(100, 100), box: [-30, 20, 60, 60] }, {}, text);
  assert.is(over.pictures[0].image.width, over.pictures[0].image.height);
});

test('panel: the most suspicious patch is marked where it is', () => {
  const odd = 30; // of 14 x 14: row 2, column 2
  const dissimilarity = Float32Array.from({ length: 196 ** 2 }, (_, k) =>
    (Math.floor(k / 196) === odd) !== (k % 196 === odd) ? 1 : 0,
  );
  const photo = { width: 140, height: 140, data: new Uint8ClampedArray(140 * 140 * 3) };
  const panel = findingPanel({ photo, box: [0, 0, 140, 140] }, { dissimilarity }, text);
  const faces = panel.pictures.filter(({ image }) => image.height > 100);
  const { image } = faces[2]; // the face, the map of pairs, patch 1
  const cell = image.width / 14;
  assert.equal(pixel(image, Math.round(2 * cell), Math.round(2 * cell)), [255, 255, 255]);
  const other = pixel(image, Math.round(9.5 * cell), Math.round(9.5 * cell));
  other.forEach((value, c) => {
    assert.ok(Math.abs(value - 0.75 * viridis[10][c]) <= 1);
  });
});

test('whole picture: all faces on it, numbered where there are several', () => {
  const shownAt = (x: number) => ({
    shown: {
      photo: drawnPicture(200, 100),
      box: [x, 10, 60, 60] as [number, number, number, number],
    },
    mask: new Float32Array(256).fill(1),
  });
  const one = wholePicture([shownAt(10)], 16, 0.5);
  assert.equal([one.width, one.height, one.svg.includes('<text')], [200, 100, false]);
  const two = wholePicture([shownAt(10), shownAt(120)], 16, 0.5);
  assert.equal(
    [...two.svg.matchAll(/>(\d)<\/text>/g)].map(([, k]) => k),
    ['1', '2'],
  );
  const { image } = two.pictures[0];
  for (const x of [40, 150])
    assert.not.equal(pixel(image, x, 40), pixel(drawnPicture(200, 100), x, 40));
});
