/**
 * Parts of pictures in floats, so that nothing is clipped or rounded between two changes. They lie in
 * scratch memory: all of this is for inside of `inScratch`.
 */
import type { Random } from '../base/random.ts';
import { kernelOf } from '../image/blur.ts';
import type { Box } from '../image/pixels.ts';
import { type Filter, type Taps, tapsOf } from '../image/resample.ts';
import type { RgbImage } from '../image/rgb.ts';
import type { Similarity } from './face.ts';
import { bytes, floats, placeOf, table, withLanes } from './scratch.ts';

/** [height, width, 3] of RGB in grey levels. */
export interface Plane {
  width: number;
  height: number;
  data: Float32Array;
}

/** A changed plane, and the name of what was done to it. */
export interface Changed {
  plane: Plane;
  cue: string;
}

/** A plane whose values are whatever was there before. */
export const emptyPlane = (width: number, height: number): Plane => ({
  width,
  height,
  data: floats(width * height * 3),
});

/** Copies a box of whole pixels, which lies inside of the picture. */
export function planeOf(image: RgbImage, [x, y, width, height]: Box): Plane {
  const plane = emptyPlane(width, height);
  const levels = bytes(width * height * 3);
  for (let row = 0; row < height; row++) {
    const from = ((y + row) * image.width + x) * 3;
    levels.set(image.data.subarray(from, from + width * 3), row * width * 3);
  }
  withLanes((lanes) => lanes.widen(placeOf(levels), placeOf(plane.data), levels.length));
  return plane;
}

export const planeOfWhole = (image: RgbImage): Plane =>
  planeOf(image, [0, 0, image.width, image.height]);

/** Copies a box of whole pixels of a plane, inside of which it lies. */
export function cutPlane(plane: Plane, [left, top, width, height]: Box): Plane {
  const cut = emptyPlane(width, height);
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * plane.width + left) * 3;
    cut.data.set(plane.data.subarray(from, from + width * 3), y * width * 3);
  }
  return cut;
}

/** Values times a factor in 8 bits, in scratch memory. */
export function narrowed(data: Float32Array, factor = 1): Uint8ClampedArray {
  const levels = bytes(data.length);
  withLanes((lanes) => lanes.narrow(placeOf(data), placeOf(levels), data.length, factor));
  return levels;
}

/** The plane rounded to 8 bits, outside of scratch memory. */
export function imageOf({ width, height, data }: Plane): RgbImage {
  return { width, height, data: narrowed(data).slice() };
}

/** Rounds the plane to whole grey levels from 0 to 255, in place. */
export function round({ data }: Plane): void {
  withLanes((lanes) => lanes.round(placeOf(data), data.length));
}

/** Mirrors the plane left to right, in place. */
export function mirrorPlane({ width, height, data }: Plane): void {
  withLanes((lanes, line) => lanes.mirror(placeOf(data), width, height, line), width * 12);
}

/** What lies behind each other for the compiled work: the taps' places, then their weights. */
function placed({ index, weight }: Taps): number {
  const bits = new Int32Array(index.length * 2);
  bits.set(index);
  new Float32Array(bits.buffer).set(weight, index.length);
  return table(bits);
}

/** Resizes a plane. */
export function scaled(plane: Plane, width: number, height: number, filter: Filter): Plane {
  const result = emptyPlane(width, height);
  const across = tapsOf(plane.width, 0, plane.width, width, filter);
  const down = tapsOf(plane.height, 0, plane.height, height, filter);
  const [acrossAt, downAt] = [placed(across), placed(down)];
  withLanes(
    (lanes, room) =>
      lanes.resample(
        placeOf(plane.data),
        plane.width,
        placeOf(result.data),
        width,
        height,
        acrossAt,
        across.count,
        downAt,
        down.count,
        room,
      ),
    down.count * (width * 12 + 96),
  );
  return result;
}

/** A trip to 1 / factor of the size and back. */
export function coarsened(plane: Plane, factor: number, random: Random, filters: Filter[]): Plane {
  const down = random.pick(filters);
  const up: Filter = random.chance(0.5) ? 'linear' : 'cubic';
  const size = (side: number) => Math.max(4, Math.round(side / factor));
  const small = scaled(plane, size(plane.width), size(plane.height), down);
  return scaled(small, plane.width, plane.height, up);
}

/** Blurs a plane, in place. */
export function blur(plane: Plane, sigma: number): void {
  gaussian(plane, 3, sigma, 0);
}

/** Adds `amount` times what a blur takes away, in place. */
export function sharpen(plane: Plane, sigma: number, amount: number): void {
  gaussian(plane, 3, sigma, amount);
}

/** As `gaussianBlur` of image/blur.ts, of floats in scratch memory. */
export function gaussian(
  { data, width, height }: Plane,
  channels: number,
  sigma: number,
  sharpened: number,
): void {
  const kernel = kernelOf(sigma);
  const radius = kernel.length - 1;
  const at = table(Float32Array.from(kernel));
  const row = width * channels * 4 + 80;
  const room = (2 * radius + 3) * row + 2 * (radius + 1) * 4 * (channels + 1) + 192;
  withLanes(
    (lanes, own) =>
      lanes.blur(placeOf(data), width * channels, height, channels, at, radius, sharpened, own),
    room,
  );
}

/** The index mirrored at the borders, without repeating them. */
export function mirrored(index: number, length: number): number {
  if (index >= 0 && index < length) return index;
  const period = Math.max(1, 2 * (length - 1));
  const at = ((index % period) + period) % period;
  return at < length ? at : period - at;
}

/**
 * A box of the picture that a similarity gives, bilinear; beyond its borders a source is mirrored.
 * @param toSource takes the result's pixel coordinates to the source's
 */
export function sample(
  source: Plane,
  { a, b, x0, y0 }: Similarity,
  [left, top, width, height]: Box,
): Plane {
  const result = emptyPlane(width, height);
  const startX = a * (left + 0.5) - b * (top + 0.5) + x0 - 0.5;
  const startY = b * (left + 0.5) + a * (top + 0.5) + y0 - 0.5;
  withLanes((lanes) =>
    lanes.sample(
      placeOf(source.data),
      source.width,
      source.height,
      placeOf(result.data),
      width,
      height,
      a,
      b,
      startX,
      startY,
    ),
  );
  return result;
}
