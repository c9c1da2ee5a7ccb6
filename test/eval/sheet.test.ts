import * as assert from 'uvu/assert';
import type { RgbImage } from '../../src/data/image.ts';
import { viridis } from '../../src/eval/figures.ts';
import {
  contactPicture,
  contactSheet,
  contactSide,
  type SheetFace,
  trueSimilarity,
  truthSheet,
} from '../../src/eval/sheet.ts';
import { drawnPicture } from '../support/pictures.ts';
import { test } from '../support/run.ts';

const pixel = ({ width, data }: RgbImage, x: number, y: number) => [
  ...data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3),
];

/** 64 x 64, its left part of this share altered. */
const leftPart = (share: number) =>
  Float32Array.from({ length: 64 * 64 }, (_, k) => (k % 64 < 64 * share ? 1 : 0));

test('true similarity: 1 where an altered and an untouched position meet', () => {
  // Positions 0 and 2 of 2 x 2 lie on the left.
  assert.equal(
    [...trueSimilarity(leftPart(0.5), 4)],
    [0, 1, 0, 1, 1, 0, 1, 0, 0, 1, 0, 1, 1, 0, 1, 0],
  );
  assert.ok(trueSimilarity(leftPart(0), 16).every((value) => value === 0));
  // Half of the left positions: means differ by 0.5, which is not more than 0.5.
  assert.ok(trueSimilarity(leftPart(0.25), 4).every((value) => value === 0));
});

const face = (truth: Float32Array, mask: number, similarity: number): SheetFace => ({
  title: 'swap',
  image: drawnPicture(64, 64),
  truth,
  detection: {
    probability: 0.25,
    mask: new Float32Array(64 * 64).fill(mask),
    similarity: new Float32Array(16).fill(similarity),
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

test('contact sheet: the likeliest forged first, six in a row', () => {
  const of = (colour: number, probability: number) => {
    const data = new Uint8ClampedArray(100 * 50 * 3).fill(colour);
    return {
      name: 'x.png',
      verdict: 'forged',
      probability,
      image: contactPicture({ width: 100, height: 50, data }, undefined),
    };
  };
  const faces = [of(40, 0.1), of(90, 0.9), of(140, 0.5), ...[1, 2, 3, 4].map(() => of(240, 0))];
  const sheet = contactSheet(faces);
  assert.is(sheet.width, 6 + 6 * (contactSide + 6));
  const y = 6 + 18 + 6 + 10;
  const columns = [0, 1, 2, 3].map((column) => pixel(sheet, 16 + column * (contactSide + 6), y)[0]);
  assert.equal(columns, [90, 140, 40, 240]);
  assert.ok(sheet.height > 2 * (18 + contactSide / 2));
});

test('contact picture: the mask lies over the face, in its shape', () => {
  const data = new Uint8ClampedArray(300 * 150 * 3).fill(100);
  const shown = contactPicture({ width: 300, height: 150, data }, leftPart(0.5));
  assert.equal([shown.width, shown.height], [contactSide, contactSide / 2]);
  assert.equal(pixel(shown, contactSide - 1, 5), [100, 100, 100]);
  const [red, green] = pixel(shown, 2, 5);
  assert.ok(red > green + 50);
});
