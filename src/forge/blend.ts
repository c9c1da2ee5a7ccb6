/** Laying a part of one face over another: the other's colours, and the blending itself. */
import type { RgbImage } from '../image/rgb.ts';
import type { SoftMask } from './mask.ts';
import { imageOf, type Plane, planeOf, planeOfWhole } from './plane.ts';
import { placeOf, table, withLanes } from './scratch.ts';

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
  const out = new Float64Array(7);
  withLanes((lanes, at) => {
    lanes.moments(placeOf(data), placeOf(mask), mask.length, at);
    out.set(new Float64Array(data.buffer, at, out.length));
  }, out.byteLength);
  const total = out[6];
  return [0, 1, 2].map((c) => {
    const mean = out[c] / total;
    return [mean, Math.sqrt(Math.max(0, out[3 + c] / total - mean * mean))];
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
  const line = Float32Array.from([
    ...factors,
    ...found.map(([from], c) => from * (1 - factors[c]) + strength * (wanted[c][0] - from)),
  ]);
  const at = table(line);
  withLanes((lanes) => lanes.recolourEach(placeOf(data), data.length, at));
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
  const result = planeOfWhole(picture);
  withLanes((lanes) => {
    const corner = placeOf(result.data) + 12 * (top * picture.width + left);
    const [from, at] = [placeOf(source.data), placeOf(data)];
    lanes.layOver(corner, picture.width, from, at, width, height, ratio);
  });
  return imageOf(result);
}
