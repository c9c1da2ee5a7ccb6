import * as assert from 'uvu/assert';
import { viridis } from '../../src/image/draw.ts';
import type { RgbImage } from '../../src/image/rgb.ts';
import {
  ContactSheet,
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

test("the sheet's rows: truth beside prediction, in the columns of their faces", () => {
  const sheet = truthSheet([face(leftPart(0), 0.5, 1), face(leftPart(1), 1, 0)]);
  const side = 192;
  const [first, second] = [6 + side + 6 + side / 2, 6 + 2 * (side + 6) + side / 2];
  const rowHeights = [18, 18, side, side, side, side, side];
  const middle = (row: number) =>
    6 + rowHeights.slice(0, row).reduce((sum, height) => sum + height + 6, 0) + side / 2;
  const seen = (row: number) => [
    pixel(sheet, first, middle(row)),
    pixel(sheet, second, middle(row)),
  ];
  const grey = (value: number) => [value, value, value];
  assert.equal(seen(3), [grey(0), grey(255)], 'true masks');
  assert.equal(seen(4), [grey(128), grey(255)], 'predicted masks');
  assert.equal(seen(5), [[...viridis[0]], [...viridis[0]]], 'true LSM: nothing differs');
  assert.equal(seen(6), [[...viridis[10]], [...viridis[0]]], 'predicted LSM');
});

test('a network without maps gets the rows that it has', () => {
  const full = truthSheet([face(leftPart(0), 0, 0)]);
  const bare = face(leftPart(0), 0, 0);
  bare.detection = { probability: 1 };
  const sheet = truthSheet([bare]);
  assert.ok(sheet.height < full.height / 3, `${sheet.height} of ${full.height}`);
});

const shade = (colour: number, probability: number) => {
  const data = new Uint8ClampedArray(100 * 50 * 3).fill(colour);
  return {
    name: 'x.png',
    verdict: 'forged',
    probability,
    image: contactPicture({ width: 100, height: 50, data }, undefined),
  };
};
/** The grey of the pictures in a sheet's first row. */
const shades = (sheet: RgbImage, columns: number) =>
  Array.from({ length: columns }, (_, column) => {
    const [x, y] = [4 + 16 + column * (contactSide + 6), 4 + 6 + 18 + 6 + 10];
    return pixel(sheet, x, y)[0];
  });

test('contact sheet: the likeliest forged first, six in a row', () => {
  const sheet = new ContactSheet();
  const faces = [shade(40, 0.1), shade(90, 0.9), shade(140, 0.5), shade(200, 0)];
  for (const face of [...faces, ...[1, 2, 3].map(() => shade(240, 0))]) sheet.add(face);
  const picture = sheet.picture('a note');
  assert.is(picture.width, 4 + 6 + 6 * (contactSide + 6) + 4);
  assert.equal(shades(picture, 4), [90, 140, 40, 200]);
  const oneRow = new ContactSheet();
  oneRow.add(faces[0]);
  assert.ok(picture.height > 1.9 * (oneRow.picture('a note').height - 20));
});

test('contact sheet: of very many faces the likeliest, which it says', () => {
  const sheet = new ContactSheet();
  for (let k = 0; k < 300; k++) sheet.add(shade(k % 250, k / 300));
  assert.is(sheet.added, 300);
  const picture = sheet.picture('');
  assert.equal(shades(picture, 3), [299 % 250, 298 % 250, 297 % 250]);
  const rows = 240 / 6;
  assert.ok(picture.height < (rows + 1) * (contactSide / 2 + 3 * 18 + 4 * 6));
});

test('contact sheet: a note longer than the picture goes on in further lines', () => {
  const sheet = new ContactSheet();
  sheet.add(shade(90, 0.9));
  const note = 'Forged at a probability of 0.4, chosen on 800 faces by eer, where 30 % of the real';
  const [short, long] = [sheet.picture('Forged'), sheet.picture(note)];
  assert.is(long.width, short.width);
  assert.ok(long.height > short.height + 20);
});

test('contact picture: the mask lies over the face, in its shape', () => {
  const data = new Uint8ClampedArray(300 * 150 * 3).fill(100);
  const shown = contactPicture({ width: 300, height: 150, data }, leftPart(0.5));
  assert.equal([shown.width, shown.height], [contactSide, contactSide / 2]);
  assert.equal(pixel(shown, contactSide - 1, 5), [100, 100, 100]);
  const [red, green] = pixel(shown, 2, 5);
  assert.ok(red > green + 50);
});
