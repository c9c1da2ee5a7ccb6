/** Plain pixel arithmetic, the same in Node and in the browser. Nothing here knows files. */
import { Random } from '../base/random.ts';
import type { RgbImage } from './rgb.ts';

/** Box [x, y, width, height] in pixels; may be fractional. */
export type Box = [number, number, number, number];

/** The picture turned and mirrored as EXIF orientation 1 to 8 asks (Exif 2.32, tag 0x0112). */
export function orient(image: RgbImage, orientation: number): RgbImage {
  if (orientation === 1) return image;
  const { width: w, height: h, data } = image;
  const [width, height] = orientation >= 5 ? [h, w] : [w, h];
  const result = new Uint8ClampedArray(data.length);
  // Where output pixel (x, y) lies in the stored picture: first + x * right + y * down.
  const [first, right, down] = {
    2: [w - 1, -1, w],
    3: [w * h - 1, -1, -w],
    4: [w * (h - 1), 1, -w],
    5: [0, w, 1],
    6: [w * (h - 1), -w, 1],
    7: [w * h - 1, -w, -1],
    8: [w - 1, w, -1],
  }[orientation] as [number, number, number];
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++, to += 3) {
      const from = (first + x * right + y * down) * 3;
      result[to] = data[from];
      result[to + 1] = data[from + 1];
      result[to + 2] = data[from + 2];
    }
  }
  return { width, height, data: result };
}

interface Taps {
  count: number;
  index: Int32Array;
  weight: Float32Array;
}

/**
 * How a picture is interpolated. `triangle` and `area` (OpenCV's INTER_AREA) are widened by the scale
 * on the way down; `linear` and `cubic` (Catmull-Rom) are not, and alias there as other programs do.
 */
export type Filter = 'triangle' | 'area' | 'linear' | 'cubic';

/** Half width of a filter, and its value at a distance from its middle, both in source pixels. */
const filters: Record<Filter, (scale: number) => [number, (distance: number) => number]> = {
  triangle: (scale) => {
    const support = Math.max(1, scale);
    return [support, (d) => Math.max(0, 1 - d / support)];
  },
  area: (scale) =>
    scale <= 1
      ? filters.triangle(scale)
      : [(scale + 1) / 2, (d) => Math.min(1, Math.max(0, (scale + 1) / 2 - d))],
  linear: () => [1, (d) => Math.max(0, 1 - d)],
  cubic: () => [
    2,
    (d) => (d < 1 ? 1 + d * d * (1.5 * d - 2.5) : d < 2 ? 2 + d * (d * (2.5 - 0.5 * d) - 4) : 0),
  ],
};

/** The border pixel is repeated outside. */
function tapsOf(length: number, from: number, extent: number, size: number, filter: Filter): Taps {
  const scale = extent / size;
  const [support, weigh] = filters[filter](scale);
  const count = Math.ceil(support * 2); // the filter is 0 at its ends
  const index = new Int32Array(size * count);
  const weight = new Float32Array(size * count);
  for (let i = 0; i < size; i++) {
    const centre = from + (i + 0.5) * scale - 0.5;
    const first = Math.ceil(centre - support);
    let sum = 0;
    for (let k = 0; k < count; k++) {
      const value = weigh(Math.abs(first + k - centre));
      index[i * count + k] = Math.min(length - 1, Math.max(0, first + k));
      weight[i * count + k] = value;
      sum += value;
    }
    for (let k = 0; k < count; k++) weight[i * count + k] /= sum;
  }
  return { count, index, weight };
}

/** One row of a picture [width, channels], interpolated along it. */
function sumRow(
  row: Float32Array,
  data: ArrayLike<number>,
  base: number,
  { count, index, weight }: Taps,
  channels: number,
): void {
  row.fill(0);
  for (let to = 0, first = 0; to < row.length; to += channels, first += count) {
    for (let k = first; k < first + count; k++) {
      const from = (base + index[k]) * channels;
      for (let c = 0; c < channels; c++) row[to + c] += weight[k] * data[from + c];
    }
  }
}

/** A Gaussian blur of three channels, in half the time of the general one. */
function sumRgb(
  row: Float32Array,
  data: ArrayLike<number>,
  base: number,
  { count, index, weight }: Taps,
): void {
  for (let to = 0, k = 0; to < row.length; to += 3) {
    let [r, g, b] = [0, 0, 0];
    for (const end = k + count; k < end; k++) {
      const w = weight[k];
      const from = (base + index[k]) * 3;
      r += w * data[from];
      g += w * data[from + 1];
      b += w * data[from + 2];
    }
    row[to] = r;
    row[to + 1] = g;
    row[to + 2] = b;
  }
}

/**
 * Crops and resizes in one go: the box of a picture [height, width, channels] as [h, w, channels].
 * By default bilinear on the way up, antialiased (area-weighted triangle) on the way down.
 * @param box in pixels of the source; the border is repeated where it reaches outside
 * @param out filled and returned; its type decides about rounding
 */
export function resample<T extends Float32Array | Uint8ClampedArray>(
  source: { width: number; height: number; data: ArrayLike<number> },
  channels: number,
  box: Box,
  width: number,
  height: number,
  out: T,
  filter: Filter = 'triangle',
): T {
  const across = tapsOf(source.width, box[0], box[2], width, filter);
  const along = tapsOf(source.height, box[1], box[3], height, filter);
  const { data } = source;
  const stride = width * channels;
  const rows = new Map<number, Float32Array>();
  const rowOf = (y: number): Float32Array => {
    let row = rows.get(y);
    if (row) return row;
    row = free.pop() ?? new Float32Array(stride);
    if (channels === 3) sumRgb(row, data, y * source.width, across);
    else sumRow(row, data, y * source.width, across, channels);
    rows.set(y, row);
    return row;
  };
  const free: Float32Array[] = [];
  const sum = new Float32Array(stride);
  for (let y = 0; y < height; y++) {
    let first = true;
    for (let k = y * along.count; k < (y + 1) * along.count; k++) {
      const weight = along.weight[k];
      if (weight === 0) continue;
      const row = rowOf(along.index[k]);
      if (first) for (let i = 0; i < stride; i++) sum[i] = weight * row[i];
      else for (let i = 0; i < stride; i++) sum[i] += weight * row[i];
      first = false;
    }
    out.set(sum, y * stride);
    const oldest = along.index[y * along.count];
    for (const [key, row] of rows) {
      if (key >= oldest) continue;
      rows.delete(key);
      free.push(row);
    }
  }
  return out;
}

/** The box of an image, resized to width x height. */
export function resize(
  image: RgbImage,
  width: number,
  height: number,
  box: Box = [0, 0, image.width, image.height],
): RgbImage {
  const data = new Uint8ClampedArray(width * height * 3);
  return { width, height, data: resample(image, 3, box, width, height, data) };
}

/** The part of a box that lies inside a picture. Its width or height is 0 if there is none. */
export function clampBox([x, y, w, h]: Box, width: number, height: number): Box {
  const [left, top] = [Math.min(Math.max(x, 0), width), Math.min(Math.max(y, 0), height)];
  return [
    left,
    top,
    Math.max(0, Math.min(x + w, width) - left),
    Math.max(0, Math.min(y + h, height) - top),
  ];
}

/** Gaussian blur with repeated borders, in place. data: [height, width, channels]. */
export function gaussianBlur(
  data: Float32Array | Uint8ClampedArray,
  width: number,
  height: number,
  channels: number,
  sigma: number,
): void {
  const radius = Math.ceil(3 * sigma);
  const kernel = Float32Array.from({ length: 2 * radius + 1 }, (_, i) =>
    Math.exp(-((i - radius) ** 2) / (2 * sigma * sigma)),
  );
  const total = kernel.reduce((sum, value) => sum + value, 0);
  for (let i = 0; i < kernel.length; i++) kernel[i] /= total;
  const stride = width * channels;
  const padded = new Float32Array(stride + 2 * radius * channels);
  const middle = new Float32Array(data.length);
  for (let y = 0; y < height; y++) {
    const row = data.subarray(y * stride, (y + 1) * stride);
    padded.set(row, radius * channels);
    for (let i = 0; i < radius * channels; i++) {
      padded[i] = row[i % channels];
      padded[padded.length - 1 - i] = row[stride - 1 - (i % channels)];
    }
    const to = middle.subarray(y * stride, (y + 1) * stride);
    const centre = radius * channels;
    for (let i = 0; i < stride; i++) to[i] = kernel[radius] * padded[i + centre];
    for (let k = 1; k <= radius; k += 2) {
      const [near, far] = [kernel[radius + k], k < radius ? kernel[radius + k + 1] : 0];
      const left = centre - k * channels;
      const right = centre + k * channels;
      // Where the radius is odd the last far taps are the near ones again, and weigh nothing.
      const step = k < radius ? channels : 0;
      for (let i = 0; i < stride; i++) {
        to[i] +=
          near * (padded[i + left] + padded[i + right]) +
          far * (padded[i + left - step] + padded[i + right + step]);
      }
    }
  }
  const sum = new Float32Array(stride);
  for (let y = 0; y < height; y++) {
    for (let i = 0; i < stride; i++) sum[i] = kernel[radius] * middle[y * stride + i];
    for (let k = 1; k <= radius; k += 2) {
      const [near, far] = [kernel[radius + k], k < radius ? kernel[radius + k + 1] : 0];
      const above = Math.max(0, y - k) * stride;
      const below = Math.min(height - 1, y + k) * stride;
      const higher = Math.max(0, y - k - 1) * stride;
      const lower = Math.min(height - 1, y + k + 1) * stride;
      for (let i = 0; i < stride; i++) {
        sum[i] +=
          near * (middle[above + i] + middle[below + i]) +
          far * (middle[higher + i] + middle[lower + i]);
      }
    }
    data.set(sum, y * stride);
  }
}

/** Normal deviates to draw from: Box-Muller for each of a picture's values would take most of the time. */
const normals = (() => {
  const random = new Random(0, 'normal deviates of noise');
  return Float32Array.from({ length: 4096 }, () => random.normal());
})();

/** Adds Gaussian noise of this standard deviation (in grey levels) to every value, in place. */
export function addNoise(data: Uint8ClampedArray, sigma: number, random: Random): void {
  for (let i = 0; i < data.length; i += 2) {
    const bits = random.bits();
    data[i] += sigma * normals[bits & 4095];
    if (i + 1 < data.length) data[i + 1] += sigma * normals[(bits >>> 12) & 4095];
  }
}

export interface ColourChange {
  /** Factor of the deviation from mid grey (127.5). */
  contrast: number;
  /** Factor of the deviation from the pixel's own grey. */
  saturation: number;
  /** Added to red, green and blue, in grey levels. */
  shift: [number, number, number];
}

/** Changes contrast, saturation and colour balance of RGB data, in place. */
export function changeColour(data: Uint8ClampedArray, change: ColourChange): void {
  const { contrast, saturation, shift } = change;
  for (let i = 0; i < data.length; i += 3) {
    const grey = 0.299 * data[i] + 0.587 * data[i + 1] + 0.114 * data[i + 2];
    for (let c = 0; c < 3; c++) {
      const value = grey + (data[i + c] - grey) * saturation;
      data[i + c] = (value - 127.5) * contrast + 127.5 + shift[c];
    }
  }
}
