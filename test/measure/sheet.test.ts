import * as assert from 'uvu/assert';
import '../../node/files/drawing.ts';
import { inferno, viridis } from '../../src/image/colours.ts';
import type { Drawing } from '../../src/image/layout.ts';
import { paint } from '../../src/image/paint.ts';
import type { RgbImage } from '../../src/image/rgb.ts';
import {
  ContactSheet,
  camSheet,
  contactPicture,
  contactSide,
  type SheetFace,
  trueSimilarity,
  truthSheet,
} from '../../src/measure/report/sheet.ts';
import { drawnPicture } from '../support/pictures.ts';
import { test } from '../support/run.ts';

const pixel = ({ width, data }: RgbImage, x: number, y: number) => [
  ...data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3),
];

/** 64 x 64, its left part of this share altered. */
const leftPart = (share: number) =>
  Float32Array.from({ length: 64 * 64 }, (_, k) => (k % 64 < 64 * share ? 1 : 0));

test('true dissimilarity: 1 where an altered and an untouched position meet', () => {
  // Positions 0 and 2 of 2 x 2 lie on the left.
  assert.equal(
    [...trueSimilarity(leftPart(0.5), 4)],
    [0, 1, 0, 1, 1, 0, 1, 0, 0, 1, 0, 1, 1, 0, 1, 0],
  );
  assert.ok(trueSimilarity(leftPart(0), 16).every((value) => value === 0));
  // Half of the left positions: means differ by 0.5, which is not more than 0.5.
  assert.ok(trueSimilarity(leftPart(0.25), 4).every((value) => value === 0));
});

const face = (truth: Float32Array, mask: number, dissimilarity: number): SheetFace => ({
  title: 'swap',
  image: drawnPicture(64, 64),
  truth,
  detection: {
    probability: 0.25,
    mask: new Float32Array(64 * 64).fill(mask),
    dissimilarity: new Float32Array(16).fill(dissimilarity),
  },
});

/** The pictures of a sheet in their rows, scales left out. */
function rowsOf({ pictures }: Drawing): RgbImage[][] {
  const rows = new Map<number, RgbImage[]>();
  for (const { image, y } of pictures) {
    if (image.height > 10) rows.set(y, [...(rows.get(y) ?? []), image]);
  }
  return [...rows.values()];
}
const middle = (image: RgbImage) => pixel(image, image.width / 2, image.height / 2);

test("the sheet's rows: truth beside prediction, in the columns of their faces", () => {
  const sheet = truthSheet([face(leftPart(0), 0.5, 1), face(leftPart(1), 1, 0)]);
  const seen = rowsOf(sheet).map((row) => row.map(middle));
  const grey = (value: number) => [value, value, value];
  assert.is(seen.length, 5);
  assert.equal(seen[1], [grey(0), grey(255)], 'true masks');
  assert.equal(seen[2], [grey(128), grey(255)], 'predicted masks');
  assert.equal(seen[3], [[...viridis[0]], [...viridis[0]]], 'true LSM: nothing differs');
  assert.equal(seen[4], [[...viridis[10]], [...viridis[0]]], 'predicted LSM');
  for (const words of ['Mask, true', 'LSM, predicted', 'p(forged) 0.250']) {
    assert.ok(sheet.svg.includes(words), words);
  }
});

test('a mask that is not known is said to be so, and no black picture', () => {
  const sheet = truthSheet([{ ...face(leftPart(0), 0.5, 1), truth: null }]);
  assert.equal(
    rowsOf(sheet).map((row) => row.length),
    [1, 1, 1],
  );
  assert.is(sheet.svg.match(/not known/g)?.length, 2);
});

test('a network without maps gets the rows that it has', () => {
  const bare = face(leftPart(0), 0, 0);
  bare.detection = { probability: 1 };
  assert.is(rowsOf(truthSheet([bare])).length, 1);
});

test('Grad-CAM on the sheet: on one scale for all faces, and on each its own', () => {
  const withCam = (value: number): SheetFace => ({
    ...face(leftPart(0), 0, 0),
    image: { width: 64, height: 64, data: new Uint8ClampedArray(64 * 64 * 3) },
    detection: {
      probability: 0.5,
      cam: {
        tap: 'd1',
        side: 2,
        values: Float32Array.of(0, value, 0, value),
      },
    },
  });
  const sheet = camSheet([withCam(0.001), withCam(100)]);
  const [, fixed, own] = rowsOf(sheet).map((row) =>
    row.map((image) => pixel(image, image.width - 2, image.height / 2)),
  );
  assert.ok(fixed[0][0] < 20, 'what says little is dark on the scale for all');
  const most = inferno[10].map((value) => Math.round(0.75 * value));
  for (const seen of [fixed[1], own[0], own[1]]) {
    assert.ok(
      seen.every((value, c) => Math.abs(value - most[c]) <= 1),
      `${seen}`,
    );
  }
  assert.throws(() => camSheet([face(leftPart(0), 0, 0)]), /without Grad-CAM/);
});

const shade = (colour: number, probability: number) => {
  const data = new Uint8ClampedArray(100 * 50 * 3).fill(colour);
  return {
    name: 'x.png',
    verdict: 'altered',
    probability,
    image: contactPicture({ width: 100, height: 50, data }, undefined),
  };
};
/** The grey of the pictures in a sheet's rows. */
const shades = (sheet: Drawing) => rowsOf(sheet).map((row) => row.map((image) => image.data[0]));

test('contact sheet: the likeliest forged first, six in a row', async () => {
  const sheet = new ContactSheet();
  const faces = [shade(40, 0.1), shade(90, 0.9), shade(140, 0.5), shade(200, 0)];
  for (const each of [...faces, ...[1, 2, 3].map(() => shade(240, 0))]) sheet.add(each);
  const drawing = sheet.picture('a note');
  assert.equal(shades(drawing), [[90, 140, 40, 200, 240, 240], [240]]);
  assert.ok(drawing.svg.includes('0.900 altered') && drawing.svg.includes('a note'));
  const painted = await paint(drawing);
  assert.equal([painted.width, painted.height], [drawing.width, drawing.height]);
});

test('contact sheet: of very many faces the likeliest, which it says', () => {
  const sheet = new ContactSheet();
  for (let k = 0; k < 300; k++) sheet.add(shade(k % 250, k / 300));
  assert.is(sheet.added, 300);
  const drawing = sheet.picture('');
  assert.equal(shades(drawing)[0].slice(0, 3), [299 % 250, 298 % 250, 297 % 250]);
  assert.is(rowsOf(drawing).length, 240 / 6);
  assert.match(drawing.svg, /The 240 likeliest forged of 300 faces/);
});

test('contact sheet: a note longer than the picture goes on in further lines', () => {
  const sheet = new ContactSheet();
  sheet.add(shade(90, 0.9));
  const note = 'Forged at a probability of 0.4, chosen on 800 faces by eer, where 30 % of the real';
  const [short, long] = [sheet.picture('Forged'), sheet.picture(note)];
  assert.is(long.width, short.width);
  assert.ok(long.height > short.height + 15);
});

test('contact picture: the mask lies over the face, in its shape', () => {
  const data = new Uint8ClampedArray(300 * 150 * 3).fill(100);
  const shown = contactPicture({ width: 300, height: 150, data }, leftPart(0.5));
  assert.equal([shown.width, shown.height], [contactSide, contactSide / 2]);
  assert.equal(pixel(shown, contactSide - 1, 5), [100, 100, 100]);
  assert.not.equal(pixel(shown, 2, 5), [100, 100, 100]);
});
