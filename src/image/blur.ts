/** Blurring: a Gaussian, and three running means where one of a large width is enough. */
import { store, sumBothSides, type Values } from './rows.ts';

/**
 * Gaussian blur with repeated borders, in place. data: [height, width, channels].
 * @param sharpened in place of the blurred values: the old ones and so many times what the blur takes
 *   away, kept within 0 and 255
 */
export function gaussianBlur(
  data: Values,
  width: number,
  height: number,
  channels: number,
  sigma: number,
  sharpened?: number,
): void {
  const radius = Math.ceil(3 * sigma);
  const kernel = Float64Array.from({ length: radius + 1 }, (_, i) =>
    Math.exp(-(i * i) / (2 * sigma * sigma)),
  );
  let total = -kernel[0];
  for (const value of kernel) total += 2 * value;
  for (let i = 0; i <= radius; i++) kernel[i] /= total;
  const stride = width * channels;
  const margin = radius * channels;
  const line = new Float64Array(stride + 2 * margin);
  const sides = Int32Array.from({ length: radius + 1 }, (_, k) => margin - k * channels);
  const others = sides.map((at) => 2 * margin - at);
  // Rows blurred along themselves, as many as the sums across them need at a time.
  const kept = 2 * radius + 1;
  const rows = new Float64Array(kept * stride);
  const sum = new Float64Array(stride);
  const [above, below] = [new Int32Array(radius + 1), new Int32Array(radius + 1)];
  const placeOf = (y: number): number => (Math.min(height - 1, Math.max(0, y)) % kept) * stride;
  let next = 0;
  for (let y = 0; y < height; y++) {
    for (; next < height && next <= y + radius; next++) {
      line.set(data.subarray(next * stride, (next + 1) * stride), margin);
      for (let i = 0; i < margin; i++) {
        line[i] = line[margin + (i % channels)];
        line[margin + stride + i] = line[margin + stride - channels + (i % channels)];
      }
      sumBothSides(sum, stride, line, margin, sides, others, kernel, radius);
      rows.set(sum, (next % kept) * stride);
    }
    for (let k = 1; k <= radius; k++) {
      above[k] = placeOf(y - k);
      below[k] = placeOf(y + k);
    }
    sumBothSides(sum, stride, rows, placeOf(y), above, below, kernel, radius);
    if (sharpened !== undefined) {
      line.set(data.subarray(y * stride, (y + 1) * stride));
      for (let i = 0; i < stride; i++) {
        const value = line[i] + sharpened * (line[i] - sum[i]);
        sum[i] = value < 0 ? 0 : value > 255 ? 255 : value;
      }
    }
    store(data, y * stride, sum, stride);
  }
}

/** Three running means, which together are nearly a Gaussian of this sigma; 0 beyond the borders. In place. */
export function runningBlur(
  data: Float32Array,
  width: number,
  height: number,
  sigma: number,
): void {
  const radius = Math.max(1, Math.round((Math.sqrt(4 * sigma * sigma + 1) - 1) / 2));
  const scale = 1 / (2 * radius + 1);
  const line = new Float64Array(width + 2 * radius + 1);
  const sums = new Float64Array(width);
  for (let y = 0; y < height; y++) {
    const row = y * width;
    for (let pass = 0; pass < 3; pass++) {
      // The line holds the row from `radius` on, between zeros.
      for (let x = 0; x < width; x++) line[radius + 1 + x] = data[row + x];
      let sum = 0;
      for (let x = 0; x < radius; x++) sum += line[radius + 1 + x];
      for (let x = 0; x < width; x++) {
        sum += line[x + 2 * radius + 1] - line[x];
        data[row + x] = sum * scale;
      }
    }
  }
  const before = new Float64Array(height * width);
  for (let pass = 0; pass < 3; pass++) {
    before.set(data);
    sums.fill(0);
    for (let y = 0; y < Math.min(radius, height); y++) {
      for (let x = 0; x < width; x++) sums[x] += before[y * width + x];
    }
    for (let y = 0; y < height; y++) {
      const add = (y + radius) * width;
      const drop = (y - radius - 1) * width;
      if (y + radius < height) for (let x = 0; x < width; x++) sums[x] += before[add + x];
      if (drop >= 0) for (let x = 0; x < width; x++) sums[x] -= before[drop + x];
      for (let x = 0; x < width; x++) data[y * width + x] = sums[x] * scale;
    }
  }
}
