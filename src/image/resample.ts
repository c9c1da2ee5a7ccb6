/** Cropping and resizing in one go. */
import type { Box } from './pixels.ts';
import type { RgbImage } from './rgb.ts';
import { store, sumRows, type Values } from './rows.ts';

/** What each place of a line is summed from: `count` places of another, and their weights. */
export interface Taps {
  count: number;
  index: Int32Array;
  weight: Float64Array;
}

/**
 * How a picture is interpolated. `triangle` and `area` (OpenCV's INTER_AREA) are widened by the scale
 * on the way down; `linear` and `cubic` (Catmull-Rom) are not, and alias there as other programs do.
 */
export type Filter = 'triangle' | 'area' | 'linear' | 'cubic' | 'nearest';

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
  nearest: () => [0.5, () => 1],
  linear: () => [1, (d) => Math.max(0, 1 - d)],
  cubic: () => [
    2,
    (d) => (d < 1 ? 1 + d * d * (1.5 * d - 2.5) : d < 2 ? 2 + d * (d * (2.5 - 0.5 * d) - 4) : 0),
  ],
};

/** The border pixel is repeated outside. */
export function tapsOf(
  length: number,
  from: number,
  extent: number,
  size: number,
  filter: Filter,
): Taps {
  const scale = extent / size;
  const [support, weigh] = filters[filter](scale);
  const count = Math.ceil(support * 2); // the filter is 0 at its ends
  const index = new Int32Array(size * count);
  const weight = new Float64Array(size * count);
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

/** A row [width, channels] interpolated along itself; `index` in values, not pixels. */
function along(
  out: Float64Array,
  length: number,
  line: Float64Array,
  { count, index, weight }: Taps,
  channels: number,
): void {
  for (let to = 0, first = 0; to < length; to += channels, first += count) {
    for (let c = 0; c < channels; c++) {
      let sum = 0;
      for (let k = first; k < first + count; k++) sum += weight[k] * line[index[k] + c];
      out[to + c] = sum;
    }
  }
}

/** The same of three channels, in half the time. */
function alongRgb(
  out: Float64Array,
  length: number,
  line: Float64Array,
  { count, index, weight }: Taps,
): void {
  if (count === 2) {
    for (let to = 0, k = 0; to < length; to += 3, k += 2) {
      const [u, v] = [weight[k], weight[k + 1]];
      const [a, b] = [index[k], index[k + 1]];
      out[to] = u * line[a] + v * line[b];
      out[to + 1] = u * line[a + 1] + v * line[b + 1];
      out[to + 2] = u * line[a + 2] + v * line[b + 2];
    }
    return;
  }
  for (let to = 0, k = 0; to < length; to += 3) {
    let [r, g, b] = [0, 0, 0];
    for (const end = k + count; k < end; k++) {
      const w = weight[k];
      const from = index[k];
      r += w * line[from];
      g += w * line[from + 1];
      b += w * line[from + 2];
    }
    out[to] = r;
    out[to + 1] = g;
    out[to + 2] = b;
  }
}

/**
 * Crops and resizes in one go: the box of a picture [height, width, channels] as [h, w, channels].
 * By default bilinear on the way up, antialiased (area-weighted triangle) on the way down.
 * @param box in pixels of the source; the border is repeated where it reaches outside
 * @param out filled and returned; its type decides about rounding
 */
export function resample<T extends Values>(
  source: { width: number; height: number; data: ArrayLike<number> },
  channels: number,
  box: Box,
  width: number,
  height: number,
  out: T,
  filter: Filter = 'triangle',
): T {
  const across = tapsOf(source.width, box[0], box[2], width, filter);
  const down = tapsOf(source.height, box[1], box[3], height, filter);
  const data = ArrayBuffer.isView(source.data)
    ? (source.data as Values)
    : Float32Array.from(source.data);
  // The columns that are read, and where their values lie in a line of them.
  const left = across.index[0];
  const columns = across.index[across.index.length - 1] - left + 1;
  for (let k = 0; k < across.index.length; k++) {
    across.index[k] = (across.index[k] - left) * channels;
  }
  const line = new Float64Array(columns * channels);
  const stride = width * channels;
  // Rows interpolated along themselves: a row lies at its number modulo how many are kept.
  const rows = new Float64Array(down.count * stride);
  const holds = new Int32Array(down.count).fill(-1);
  const made = new Float64Array(stride);
  const sum = new Float64Array(stride);
  const starts = new Int32Array(down.count);
  const weights = new Float64Array(down.count);
  for (let y = 0; y < height; y++) {
    let used = 0;
    for (let k = y * down.count; k < (y + 1) * down.count; k++) {
      if (down.weight[k] === 0) continue;
      const row = down.index[k];
      const place = row % down.count;
      if (holds[place] !== row) {
        const from = (row * source.width + left) * channels;
        line.set(data.subarray(from, from + line.length));
        if (channels === 3) alongRgb(made, stride, line, across);
        else along(made, stride, line, across, channels);
        rows.set(made, place * stride);
        holds[place] = row;
      }
      weights[used] = down.weight[k];
      starts[used++] = place * stride;
    }
    sumRows(sum, stride, rows, starts, weights, used);
    store(out, y * stride, sum, stride);
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
