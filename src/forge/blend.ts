/** Laying a part of one face over another: the other's colours, and the blending itself. */
import type { RgbImage } from '../image/rgb.ts';
import type { SoftMask } from './mask.ts';
import { type Plane, planeOf } from './plane.ts';

/** Y, Cb - 128, Cr - 128 (BT.601, full range) of RGB values, in place. */
export function toYcc(data: Float32Array): void {
  for (let i = 0; i < data.length; i += 3) {
    const [r, g, b] = [data[i], data[i + 1], data[i + 2]];
    const y = 0.299 * r + 0.587 * g + 0.114 * b;
    data[i] = y;
    data[i + 1] = 0.564 * (b - y);
    data[i + 2] = 0.713 * (r - y);
  }
}

/** Mean and standard deviation of each channel where a mask is above 0.3. */
function momentsOf(data: Float32Array, mask: Float32Array): [mean: number, spread: number][] {
  let total = 0;
  const sum = new Float64Array(3);
  const squares = new Float64Array(3);
  for (let i = 0, at = 0; i < mask.length; i++, at += 3) {
    if (mask[i] <= 0.3) continue;
    total++;
    for (let c = 0; c < 3; c++) {
      const value = data[at + c];
      sum[c] += value;
      squares[c] += value * value;
    }
  }
  return [0, 1, 2].map((c) => {
    const mean = sum[c] / total;
    return [mean, Math.sqrt(Math.max(0, squares[c] / total - mean * mean))];
  });
}

/**
 * Gives a source the mean and the spread of a picture under the mask, channel by channel (Reinhard and
 * others, "Color Transfer between Images", 2001), in place.
 * @param source the picture's part in the mask's box
 * @param strength 1: fully
 */
export function matchColour(
  source: Plane,
  picture: RgbImage,
  mask: SoftMask,
  strength: number,
): void {
  const { data } = source;
  const found = momentsOf(data, mask.data);
  const wanted = momentsOf(planeOf(picture, mask.box).data, mask.data);
  const factors = found.map(([, spread], c) => {
    const gain = Math.min(2, Math.max(0.5, wanted[c][1] / (spread + 1e-3)));
    return 1 + strength * (gain - 1);
  });
  const [p, q, r] = factors;
  const [u, v, w] = found.map(
    ([from], c) => from * (1 - factors[c]) + strength * (wanted[c][0] - from),
  );
  for (let i = 0; i < data.length; i += 3) {
    const red = data[i] * p + u;
    const green = data[i + 1] * q + v;
    const blue = data[i + 2] * r + w;
    data[i] = red < 0 ? 0 : red > 255 ? 255 : red;
    data[i + 1] = green < 0 ? 0 : green > 255 ? 255 : green;
    data[i + 2] = blue < 0 ? 0 : blue > 255 ? 255 : blue;
  }
}

/**
 * The picture with a source laid over by a mask times a ratio. It is changed exactly where the mask
 * rounds to more than 0 of 255, up to rounding.
 */
export function layOver(
  picture: RgbImage,
  source: Plane,
  { box: [left, top, width, height], data }: SoftMask,
  ratio = 1,
): RgbImage {
  const result = picture.data.slice();
  const laid = source.data;
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0, to = ((top + y) * picture.width + left) * 3; x < width; x++, at++, to += 3) {
      const weight = (((data[at] * 255 + 0.5) | 0) / 255) * ratio;
      if (weight === 0) continue;
      const from = at * 3;
      result[to] += weight * (laid[from] - result[to]);
      result[to + 1] += weight * (laid[from + 1] - result[to + 1]);
      result[to + 2] += weight * (laid[from + 2] - result[to + 2]);
    }
  }
  return { ...picture, data: result };
}
