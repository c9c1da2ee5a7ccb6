import type { Tensor } from '../graph/tensor.ts';

/** Values of a tensor that a slice of `count` items of the batch holds. */
export const itemsOf =
  (tensor: Tensor) =>
  (count: number): number =>
    tensor.batched ? (tensor.size / tensor.shape[0]) * count : tensor.size;

/** Workgroups of 64 invocations for so many. */
export const groups64 = (invocations: number): number => Math.ceil(invocations / 64);

/**
 * A map [rows, across, c4] cut for strip.wgsl: an invocation takes one element of the channels
 * (mostly four of them) of a column of a strip of at most `most` rows. Strips share what they load
 * at their borders; many fill a GPU.
 */
export function inStrips(rows: number, across: number, c4: number, most: number) {
  const strips = Math.ceil(rows / most);
  const strip = Math.ceil(rows / strips);
  return {
    params: (images: number) => ({ images, strips, strip, rows, across, c4 }),
    grid: (images: number): [number] => [groups64(images * strips * across * c4)],
  };
}
