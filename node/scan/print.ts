/** Hashes of pictures: of their pixels, and perceptual ones, by which copies are found (Node only). */
import { createHash } from 'node:crypto';
import { bmvbhash } from 'blockhash-core';
import { resize } from '../../src/image/resample.ts';
import type { RgbImage } from '../../src/image/rgb.ts';

/** Blocks a side: a bit each. */
const blocks = 16;
/** Side of the square that a picture is hashed at, whatever its shape. */
const side = 128;

/**
 * Hash of 256 bits by block means (Yang, Gu, Niu: "Block mean value based image perceptual hashing"),
 * in hexadecimal. Equal or nearly so for a picture that was saved again or made smaller. It says
 * nothing of small changes: a face that was swapped may not turn a bit.
 */
export function printOf(image: RgbImage): string {
  const { data } = resize(image, side, side);
  const rgba = new Uint8Array(side * side * 4).fill(255);
  for (let from = 0, to = 0; from < data.length; from += 3, to += 4) {
    rgba[to] = data[from];
    rgba[to + 1] = data[from + 1];
    rgba[to + 2] = data[from + 2];
  }
  return bmvbhash({ width: side, height: side, data: rgba }, blocks);
}

const ones = Uint8Array.from(
  { length: 16 },
  (_, nibble) => nibble.toString(2).replaceAll('0', '').length,
);

/**
 * SHA-256 of a decoded picture, in hexadecimal: the same for files that differ in how they hold it
 * (other metadata, other compression without loss), and for these only.
 */
export const hashOfPixels = ({ width, height, data }: RgbImage): string =>
  createHash('sha256').update(`${width} x ${height} RGB\n`).update(data).digest('hex');

/** How many bits two hashes differ in. */
export function bitsBetween(a: string, b: string): number {
  let bits = 0;
  for (let i = 0; i < a.length; i++) {
    bits += ones[Number.parseInt(a[i], 16) ^ Number.parseInt(b[i], 16)];
  }
  return bits;
}
