import type { Tensor } from '../graph/tensor.ts';

/** Values of a tensor that a slice of `count` items of the batch holds. */
export const itemsOf =
  (tensor: Tensor) =>
  (count: number): number =>
    tensor.batched ? (tensor.size / tensor.shape[0]) * count : tensor.size;

/** Workgroups of 64 invocations for so many. */
export const groups64 = (invocations: number): number => Math.ceil(invocations / 64);
