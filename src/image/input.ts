/** Pictures as the network takes them. */
import { resize } from './resample.ts';
import type { RgbImage } from './rgb.ts';

/**
 * Turns a face crop into the network's input, the same for training and for detecting. The network
 * reads a byte as byte / 127.5 - 1.
 * @param face of any size and shape; its aspect ratio is not kept
 * @returns [size, size, 3] in memory of its own
 */
export function networkInput(face: RgbImage, size: number): Uint8Array {
  const fits = face.width === size && face.height === size;
  return Uint8Array.from(fits ? face.data : resize(face, size, size).data);
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
  return laid(new Float32Array(count * length), items, length);
}

/** Lays pictures one behind the other, as `stack`: what they do not fill is black. */
export const stackPictures = (
  pictures: readonly Uint8Array[],
  count: number,
  length: number,
): Uint8Array => laid(new Uint8Array(count * length), pictures, length);

function laid<Values extends Float32Array | Uint8Array>(
  out: Values,
  items: readonly (Values | null)[],
  length: number,
): Values {
  items.forEach((item, k) => {
    if (item) out.set(item, k * length);
  });
  return out;
}
