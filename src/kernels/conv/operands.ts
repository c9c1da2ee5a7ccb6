import type { Read, Tensor } from '../../graph/tensor.ts';
import type { Activation } from '../activation/activation.ts';

/** One product of the family: the fields of product.wgsl's Params that its callers choose. */
export interface Product {
  x: Read;
  w: Tensor;
  out: Tensor;
  /** Shapes: [H, W, C] of x (`from`), and [H, W] of the rows of the product (`rows`). */
  from: readonly number[];
  rows: readonly number[];
  kernelSize: number;
  stride: number;
  pad: number;
  /** Whether windows reach outside of x. */
  outside: boolean;
  /** Distance between x's rows and columns in a map with zeros between them (default 1). */
  apart?: number;
  spread: number;
  accumulate: boolean;
  masked?: Tensor;
  bias?: Tensor;
  stats?: Tensor;
  activation?: Activation;
}
