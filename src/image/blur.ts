/** Blurring by a Gaussian. */
import { store, sumBothSides, type Values } from './rows.ts';

/** Half of a Gaussian from its middle on, as weights of a sum of 1; it ends at three sigma. */
export function kernelOf(sigma: number): Float64Array {
  const radius = Math.ceil(3 * sigma);
  const kernel = Float64Array.from({ length: radius + 1 }, (_, i) =>
    Math.exp(-(i * i) / (2 * sigma * sigma)),
  );
  let total = -kernel[0];
  for (const value of kernel) total += 2 * value;
  for (let i = 0; i <= radius; i++) kernel[i] /= total;
  return kernel;
}

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
  const kernel = kernelOf(sigma);
  const radius = kernel.length - 1;
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
