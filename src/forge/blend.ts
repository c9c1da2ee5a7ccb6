/**
 * Laying a part of one face over another: moving it into place, giving it the other's colours and
 * sharpness, blending. Pictures in between are [height, width, 3] of Y, Cb, Cr (BT.601, full range)
 * in floats, so that nothing is clipped or rounded twice.
 */
import type { Random } from '../base/random.ts';
import { gaussianBlur, resample } from '../image/pixels.ts';
import type { RgbImage } from '../image/rgb.ts';
import type { Similarity } from './face.ts';

/** Y, Cb - 128, Cr - 128 of RGB values, in place. */
export function toYcc(data: Float32Array): void {
  for (let i = 0; i < data.length; i += 3) {
    const [r, g, b] = [data[i], data[i + 1], data[i + 2]];
    const y = 0.299 * r + 0.587 * g + 0.114 * b;
    data[i] = y;
    data[i + 1] = 0.564 * (b - y);
    data[i + 2] = 0.713 * (r - y);
  }
}

/** The inverse of `toYcc` for one pixel. */
function toRgb(data: Float32Array, i: number): [number, number, number] {
  const [y, cb, cr] = [data[i], data[i + 1] / 0.564, data[i + 2] / 0.713];
  return [y + cr, y - (0.114 * cb + 0.299 * cr) / 0.587, y + cb];
}

/** Weights of four neighbours at a fraction t between the middle two (Catmull-Rom). */
const cubic = (t: number): [number, number, number, number] => [
  t * (-0.5 + t * (1 - 0.5 * t)),
  1 + t * t * (-2.5 + 1.5 * t),
  t * (0.5 + t * (2 - 1.5 * t)),
  t * t * (-0.5 + 0.5 * t),
];

/**
 * A picture moved into another's place, bicubic, which keeps it as sharp as it was; blurred before
 * where it becomes smaller.
 * @param toSource takes the result's pixel coordinates to the source's
 * @returns YCbCr, and 1 where the source has pixels, else 0
 */
export function warp(
  source: RgbImage,
  toSource: Similarity,
  width: number,
  height: number,
): { data: Float32Array; inside: Float32Array } {
  const scale = Math.hypot(toSource.a, toSource.b);
  const from = Float32Array.from(source.data);
  if (scale > 1.05) {
    gaussianBlur(from, source.width, source.height, 3, 0.5 * Math.sqrt(scale * scale - 1));
  }
  const data = new Float32Array(width * height * 3);
  const inside = new Float32Array(width * height);
  const [right, bottom] = [source.width - 1, source.height - 1];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [cx, cy] = [x + 0.5, y + 0.5];
      const sx = toSource.a * cx - toSource.b * cy + toSource.x0 - 0.5;
      const sy = toSource.b * cx + toSource.a * cy + toSource.y0 - 0.5;
      const at = y * width + x;
      if (sx >= 0 && sx <= right && sy >= 0 && sy <= bottom) inside[at] = 1;
      const [left, top] = [Math.floor(sx), Math.floor(sy)];
      const across = cubic(sx - left);
      const along = cubic(sy - top);
      for (let j = 0; j < 4; j++) {
        const row = Math.min(bottom, Math.max(0, top + j - 1)) * source.width;
        for (let i = 0; i < 4; i++) {
          const weight = along[j] * across[i];
          if (weight === 0) continue;
          const pixel = (row + Math.min(right, Math.max(0, left + i - 1))) * 3;
          for (let c = 0; c < 3; c++) data[at * 3 + c] += weight * from[pixel + c];
        }
      }
    }
  }
  toYcc(data);
  return { data, inside };
}

/** Mean and standard deviation of one channel under a mask. */
function momentsOf(data: Float32Array, channel: number, mask: Float32Array): [number, number] {
  let [total, sum, squares] = [0, 0, 0];
  for (let i = 0; i < mask.length; i++) total += mask[i];
  for (let i = 0; i < mask.length; i++) sum += mask[i] * data[i * 3 + channel];
  const mean = sum / total;
  for (let i = 0; i < mask.length; i++) squares += mask[i] * (data[i * 3 + channel] - mean) ** 2;
  return [mean, Math.sqrt(squares / total)];
}

/**
 * Gives the source the target's mean and spread under the mask, channel by channel (Reinhard and
 * others, "Color Transfer between Images", 2001), in place.
 * @param strength 1: fully
 */
export function matchColour(
  source: Float32Array,
  target: Float32Array,
  mask: Float32Array,
  strength: number,
): void {
  for (let c = 0; c < 3; c++) {
    const [from, spread] = momentsOf(source, c, mask);
    const [to, wanted] = momentsOf(target, c, mask);
    // A spread that is a few times the other's is a shadow, lips or a beard, not an exposure.
    const most = c === 0 ? 1.8 : 1.35;
    const gain = Math.min(most, Math.max(1 / most, wanted / Math.max(spread, 0.5)));
    const factor = 1 + strength * (gain - 1);
    const mean = from + strength * (to - from);
    for (let i = c; i < source.length; i += 3) source[i] = (source[i] - from) * factor + mean;
  }
}

/** What one pixel's blur takes away from Y: its fine detail. */
function detailOf(data: Float32Array, width: number, height: number): Float32Array {
  const smooth = new Float32Array(width * height);
  for (let i = 0; i < smooth.length; i++) smooth[i] = data[i * 3];
  const detail = smooth.slice();
  gaussianBlur(smooth, width, height, 1, 1);
  for (let i = 0; i < detail.length; i++) detail[i] -= smooth[i];
  return detail;
}

/** Makes the source's fine detail under the mask about as strong as the target's, in place. */
export function matchSharpness(
  source: Float32Array,
  target: Float32Array,
  mask: Float32Array,
  width: number,
  height: number,
): void {
  const detail = detailOf(source, width, height);
  const wanted = detailOf(target, width, height);
  let [have, want] = [0, 0];
  for (let i = 0; i < mask.length; i++) {
    have += mask[i] * detail[i] ** 2;
    want += mask[i] * wanted[i] ** 2;
  }
  const gain = Math.min(1.8, Math.max(0.4, Math.sqrt(want / Math.max(have, 1e-6)))) - 1;
  for (let i = 0; i < detail.length; i++) source[i * 3] += gain * detail[i];
}

/** The side at which the smooth correction is worked out. */
const coarse = 80;

/**
 * Adds to the source the smooth surface that spans its difference to the target around the mask, so
 * that no step is left at the mask's edge, in place. It stands for Poisson blending, as its
 * correction is a weighted mean of the differences along the edge too; weights fall with the
 * square of the distance, from blurs of doubling width (after Farbman and others, "Convolution
 * Pyramids", 2011).
 */
export function matchEdge(
  source: Float32Array,
  target: Float32Array,
  mask: Float32Array,
  width: number,
  height: number,
): void {
  const shrink = Math.min(1, coarse / Math.max(width, height));
  const [w, h] = [Math.round(width * shrink), Math.round(height * shrink)];
  const near = mask.slice();
  gaussianBlur(near, width, height, 1, 0.025 * Math.min(width, height));
  // [difference x 3, weight] on a ring just outside of the mask. What differs much there is hair or
  // background, whose colour would bleed into the face, and weighs little.
  const ring = new Float32Array(width * height * 4);
  for (let i = 0; i < mask.length; i++) {
    if (mask[i] > 0.02 || near[i] < 0.02) continue;
    const [y, cb, cr] = [0, 1, 2].map((c) => target[i * 3 + c] - source[i * 3 + c]);
    const weight = 1 / (1 + (y / 30) ** 2 + (cb / 8) ** 2 + (cr / 8) ** 2);
    ring.set([weight * y, weight * cb, weight * cr, weight], i * 4);
  }
  const small = { width: w, height: h, data: new Float32Array(w * h * 4) };
  resample({ width, height, data: ring }, 4, [0, 0, width, height], w, h, small.data);
  const sums = new Float32Array(small.data.length);
  for (let sigma = 1; sigma < coarse / 2; sigma *= 2) {
    const blurred = small.data.slice();
    gaussianBlur(blurred, w, h, 4, sigma);
    for (let i = 0; i < sums.length; i++) sums[i] += blurred[i];
  }
  const smooth = new Float32Array(w * h * 3);
  for (let i = 0; i < w * h; i++) {
    const weight = Math.max(sums[i * 4 + 3], 1e-6);
    for (let c = 0; c < 3; c++) smooth[i * 3 + c] = sums[i * 4 + c] / weight;
  }
  const surface = new Float32Array(source.length);
  resample({ width: w, height: h, data: smooth }, 3, [0, 0, w, h], width, height, surface);
  for (let i = 0; i < source.length; i++) source[i] += surface[i];
}

/** How carefully a forger worked. */
export interface Care {
  edge: 'soft' | 'hard' | 'seamless';
  /** Sigma of the mask's edge, for a crop of 224 pixels. */
  feather: number;
  /** Part of the colour difference that is taken away. */
  colour: number;
  sharpness: boolean;
}

/** `drawn`: as careful as forgers are, more or less; `careless`: a hard edge, colours hardly matched. */
export type CareKind = 'drawn' | 'careless';

export function drawCare(random: Random, how: CareKind = 'drawn'): Care {
  if (how === 'careless') {
    const feather = random.uniform(0.6, 1.2);
    return { edge: 'hard', feather, colour: random.uniform(0, 0.3), sharpness: false };
  }
  const kind = random.next();
  const edge = kind < 0.4 ? 'soft' : kind < 0.7 ? 'seamless' : 'hard';
  const [low, high] = { soft: [2.5, 6], seamless: [1.5, 4], hard: [0.6, 1.2] }[edge];
  return {
    edge,
    feather: random.uniform(low, high),
    colour: random.uniform(0.75, 1),
    sharpness: random.chance(0.7),
  };
}

/**
 * Matches the source to the target as carefully as said, and blends it over the picture, which is
 * changed in place, exactly where the 8-bit mask is above 0.
 */
export function layOver(
  picture: RgbImage,
  source: Float32Array,
  soft: Float32Array,
  care: Care,
): Uint8ClampedArray {
  const { width, height, data } = picture;
  const target = Float32Array.from(data);
  toYcc(target);
  matchColour(source, target, soft, care.colour);
  if (care.sharpness) matchSharpness(source, target, soft, width, height);
  if (care.edge === 'seamless') matchEdge(source, target, soft, width, height);
  const mask = new Uint8ClampedArray(soft.length);
  for (let i = 0; i < soft.length; i++) {
    mask[i] = soft[i] * 255;
    if (mask[i] === 0) continue;
    const rgb = toRgb(source, i * 3);
    for (let c = 0; c < 3; c++) {
      data[i * 3 + c] += (mask[i] / 255) * (rgb[c] - data[i * 3 + c]);
    }
  }
  return mask;
}
