import type { Tensor } from '../graph/tensor.ts';

/** Values of a tensor that a slice of `count` items of the batch holds. */
export const itemsOf =
  (tensor: Tensor) =>
  (count: number): number =>
    tensor.batched ? (tensor.size / tensor.shape[0]) * count : tensor.size;

/** Number of channels: the last axis of the shape. */
export const channelsOf = ({ shape }: Tensor): number => shape[shape.length - 1];

/** Rows [.., C] of a tensor that a slice of `count` items of the batch holds. */
export const pixelsOf =
  (tensor: Tensor) =>
  (count: number): number =>
    itemsOf(tensor)(count) / channelsOf(tensor);

/** Number of workgroups of 64 invocations that cover as many invocations. */
export const groups64 = (invocations: number): number => Math.ceil(invocations / 64);

/**
 * A matrix [rows, c4] cut for column.wgsl: an invocation takes four channels of at most `most` rows,
 * and of more where `chunks` is fewer than that makes.
 */
export function inColumns(
  rowsOf: (count: number) => number,
  c4: number,
  most: number,
  atMost = Number.POSITIVE_INFINITY,
) {
  const chunksOf = (count: number): number =>
    Math.max(1, Math.min(atMost, Math.ceil(rowsOf(count) / most)));
  return {
    chunksOf,
    params(count: number) {
      const chunks = chunksOf(count);
      return { rows: rowsOf(count), chunk: Math.ceil(rowsOf(count) / chunks), chunks, c4 };
    },
    grid: (count: number): [number] => [groups64(chunksOf(count) * c4)],
  };
}

/**
 * A map [rows, across, c4] cut for strip.wgsl: an invocation takes one element of the channels
 * (mostly four of them) of a column of a strip of at most `most` rows. Strips share what they load
 * at their borders; many fill a GPU.
 */
export function inStrips(rows: number, across: number, c4: number, most: number) {
  const strips = Math.ceil(rows / most);
  const strip = Math.ceil(rows / strips);
  return {
    strips,
    params: (images: number) => ({ images, strips, strip, rows, across, c4 }),
    grid: (images: number): [number] => [groups64(images * strips * across * c4)],
  };
}
