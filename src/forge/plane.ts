/** Parts of pictures in floats, so that nothing is clipped or rounded between two changes. */
import type { Random } from '../base/random.ts';
import { type Box, type Filter, gaussianBlur, resample } from '../image/pixels.ts';
import type { RgbImage } from '../image/rgb.ts';
import type { Similarity } from './face.ts';

/** [height, width, 3] of RGB in grey levels. */
export interface Plane {
  width: number;
  height: number;
  data: Float32Array;
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

/** The plane rounded to 8 bits. */
export const imageOf = ({ width, height, data }: Plane): RgbImage => ({
  width,
  height,
  data: new Uint8ClampedArray(data),
});

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
export function sharpen(plane: Plane, sigma: number, amount: number): void {
  const smooth = { ...plane, data: plane.data.slice() };
  blur(smooth, sigma);
  const { data } = plane;
  for (let i = 0; i < data.length; i++) {
    const value = data[i] + amount * (data[i] - smooth.data[i]);
    data[i] = value < 0 ? 0 : value > 255 ? 255 : value;
  }
}

/** The index mirrored at the borders, without repeating them. */
function mirrored(index: number, length: number): number {
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
  source: { width: number; height: number; data: ArrayLike<number> },
  toSource: Similarity,
  [left, top, width, height]: Box,
): Plane {
  const { width: w, height: h, data: from } = source;
  const data = new Float32Array(width * height * 3);
  for (let y = 0, to = 0; y < height; y++) {
    const cy = top + y + 0.5;
    for (let x = 0; x < width; x++, to += 3) {
      const cx = left + x + 0.5;
      const sx = toSource.a * cx - toSource.b * cy + toSource.x0 - 0.5;
      const sy = toSource.b * cx + toSource.a * cy + toSource.y0 - 0.5;
      const [ix, iy] = [Math.floor(sx), Math.floor(sy)];
      const [u, v] = [sx - ix, sy - iy];
      const inside = ix >= 0 && iy >= 0 && ix < w - 1 && iy < h - 1;
      const x0 = inside ? ix : mirrored(ix, w);
      const x1 = inside ? ix + 1 : mirrored(ix + 1, w);
      const y0 = (inside ? iy : mirrored(iy, h)) * w;
      const y1 = (inside ? iy + 1 : mirrored(iy + 1, h)) * w;
      const [a, b, c, d] = [(y0 + x0) * 3, (y0 + x1) * 3, (y1 + x0) * 3, (y1 + x1) * 3];
      const [wa, wb, wc, wd] = [(1 - u) * (1 - v), u * (1 - v), (1 - u) * v, u * v];
      for (let k = 0; k < 3; k++) {
        data[to + k] = wa * from[a + k] + wb * from[b + k] + wc * from[c + k] + wd * from[d + k];
      }
    }
  }
  return { width, height, data };
}
