/** Parts of pictures in floats, so that nothing is clipped or rounded between two changes. */
import type { Random } from '../base/random.ts';
import { gaussianBlur } from '../image/blur.ts';
import type { Box } from '../image/pixels.ts';
import { type Filter, resample } from '../image/resample.ts';
import type { RgbImage } from '../image/rgb.ts';
import type { Similarity } from './face.ts';

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

/** Copies a box of whole pixels, which lies inside of the picture. */
export function planeOf(image: RgbImage, [x, y, width, height]: Box): Plane {
  const data = new Float32Array(width * height * 3);
  for (let row = 0; row < height; row++) {
    const from = ((y + row) * image.width + x) * 3;
    data.set(image.data.subarray(from, from + width * 3), row * width * 3);
  }
  return { width, height, data };
}

/** Copies a box of whole pixels of a plane, inside of which it lies. */
export function cutPlane(plane: Plane, [left, top, width, height]: Box): Plane {
  const data = new Float32Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * plane.width + left) * 3;
    data.set(plane.data.subarray(from, from + width * 3), y * width * 3);
  }
  return { width, height, data };
}

/** The plane rounded to 8 bits. */
export function imageOf({ width, height, data: from }: Plane): RgbImage {
  // A loop: the constructor that converts takes three times as long.
  const data = new Uint8ClampedArray(from.length);
  for (let i = 0; i < data.length; i++) data[i] = from[i];
  return { width, height, data };
}

/** Resizes a plane. */
export function scaled(plane: Plane, width: number, height: number, filter: Filter): Plane {
  const box: Box = [0, 0, plane.width, plane.height];
  const data = new Float32Array(width * height * 3);
  return { width, height, data: resample(plane, 3, box, width, height, data, filter) };
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
export function blur({ data, width, height }: Plane, sigma: number): void {
  gaussianBlur(data, width, height, 3, sigma);
}

/** Adds `amount` times what a blur takes away, in place. */
export function sharpen({ data, width, height }: Plane, sigma: number, amount: number): void {
  gaussianBlur(data, width, height, 3, sigma, amount);
}

/** The index mirrored at the borders, without repeating them. */
export function mirrored(index: number, length: number): number {
  if (index >= 0 && index < length) return index;
  const period = Math.max(1, 2 * (length - 1));
  const at = ((index % period) + period) % period;
  return at < length ? at : period - at;
}

/** The values of x from `low` (included) to `high` for which from <= slope * x + start < to. */
function within(
  slope: number,
  start: number,
  from: number,
  to: number,
  [low, high]: [number, number],
): [number, number] {
  if (slope === 0) return start >= from && start < to ? [low, high] : [low, low];
  const ends = [(from - start) / slope, (to - start) / slope].sort((a, b) => a - b);
  // One less at both ends, so that no rounding leads outside.
  const first = Math.min(high, Math.max(low, Math.ceil(ends[0]) + 1));
  return [first, Math.max(first, Math.min(high, Math.floor(ends[1]) - 1))];
}

/**
 * A box of the picture that a similarity gives, bilinear; beyond its borders a source is mirrored.
 * @param toSource takes the result's pixel coordinates to the source's
 */
export function sample(
  source: { width: number; height: number; data: ArrayLike<number> },
  toSource: Similarity,
  [left, top, width, height]: Box,
): Plane {
  const { width: w, height: h } = source;
  const { a, b } = toSource;
  const from = source.data instanceof Float32Array ? source.data : Float32Array.from(source.data);
  const data = new Float32Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    const startX = a * (left + 0.5) - b * (top + y + 0.5) + toSource.x0 - 0.5;
    const startY = b * (left + 0.5) + a * (top + y + 0.5) + toSource.y0 - 0.5;
    const columns = within(a, startX, 0, w - 1, [0, width]);
    const [first, end] = within(b, startY, 0, h - 1, columns);
    for (let x = 0, to = y * width * 3; x < width; x++, to += 3) {
      if (x === first) {
        // What lies inside needs no look at the borders.
        for (; x < end; x++, to += 3) {
          const sx = startX + a * x;
          const sy = startY + b * x;
          const ix = sx | 0;
          const iy = sy | 0;
          const u = sx - ix;
          const v = sy - iy;
          const p = (iy * w + ix) * 3;
          const q = p + w * 3;
          const wb = u * (1 - v);
          const wc = (1 - u) * v;
          const wd = u * v;
          const wa = 1 - wb - wc - wd;
          data[to] = wa * from[p] + wb * from[p + 3] + wc * from[q] + wd * from[q + 3];
          data[to + 1] = wa * from[p + 1] + wb * from[p + 4] + wc * from[q + 1] + wd * from[q + 4];
          data[to + 2] = wa * from[p + 2] + wb * from[p + 5] + wc * from[q + 2] + wd * from[q + 5];
        }
        if (x >= width) break;
      }
      const [sx, sy] = [startX + a * x, startY + b * x];
      const [ix, iy] = [Math.floor(sx), Math.floor(sy)];
      const [u, v] = [sx - ix, sy - iy];
      const [x0, x1] = [mirrored(ix, w) * 3, mirrored(ix + 1, w) * 3];
      const [y0, y1] = [mirrored(iy, h) * w * 3, mirrored(iy + 1, h) * w * 3];
      for (let k = 0; k < 3; k++) {
        data[to + k] =
          (1 - v) * ((1 - u) * from[y0 + x0 + k] + u * from[y0 + x1 + k]) +
          v * ((1 - u) * from[y1 + x0 + k] + u * from[y1 + x1 + k]);
      }
    }
  }
  return { width, height, data };
}
