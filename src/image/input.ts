/** Pictures as the network takes them. */
import { resize } from './resample.ts';
import type { RgbImage } from './rgb.ts';

/** What each grey level is to the network. */
const inputOf = Float32Array.from({ length: 256 }, (_, level) => level / 127.5 - 1);

/**
 * Turns a face crop into the network's input, the same for training and for detecting.
 * @param face of any size and shape; its aspect ratio is not kept
 * @returns [size, size, 3], value / 127.5 - 1
 */
export function networkInput(face: RgbImage, size: number): Float32Array {
  const fits = face.width === size && face.height === size;
  const { data } = fits ? face : resize(face, size, size);
  const out = new Float32Array(data.length);
  for (let i = 0; i < out.length; i++) out[i] = inputOf[data[i]];
  return out;
}

/**
 * Lays items one behind the other as a batch of `count`; what they do not fill stays 0.
 * @param items each of `length` values; a missing one is zeros
 */
export function stack(
  items: readonly (Float32Array | null)[],
  count: number,
  length: number,
): Float32Array {
  const out = new Float32Array(count * length);
  items.forEach((item, k) => {
    if (item) out.set(item, k * length);
  });
  return out;
}
