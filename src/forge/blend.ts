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

/** Mean and standard deviation of one channel where a mask is above 0.3. */
function momentsOf(data: Float32Array, channel: number, mask: Float32Array): [number, number] {
  let [total, sum, squares] = [0, 0, 0];
  for (let i = 0; i < mask.length; i++) {
    if (mask[i] <= 0.3) continue;
    const value = data[i * 3 + channel];
    total++;
    sum += value;
    squares += value * value;
  }
  const mean = sum / total;
  return [mean, Math.sqrt(Math.max(0, squares / total - mean * mean))];
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
  const target = planeOf(picture, mask.box);
  const { data } = source;
  for (let c = 0; c < 3; c++) {
    const [from, spread] = momentsOf(data, c, mask.data);
    const [to, wanted] = momentsOf(target.data, c, mask.data);
    const gain = Math.min(2, Math.max(0.5, wanted / (spread + 1e-3)));
    const factor = 1 + strength * (gain - 1);
    const mean = from + strength * (to - from);
    for (let i = c; i < data.length; i += 3) {
      const value = (data[i] - from) * factor + mean;
      data[i] = value < 0 ? 0 : value > 255 ? 255 : value;
    }
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
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0, to = ((top + y) * picture.width + left) * 3; x < width; x++, at++, to += 3) {
      const weight = (Math.round(data[at] * 255) / 255) * ratio;
      if (weight === 0) continue;
      for (let c = 0; c < 3; c++) {
        result[to + c] += weight * (source.data[at * 3 + c] - result[to + c]);
      }
    }
  }
  return { ...picture, data: result };
}
