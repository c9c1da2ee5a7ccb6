import type { Graph } from '../../graph/record.ts';
import type { Read, Tensor } from '../../graph/tensor.ts';
import { asRead } from '../../graph/tensor.ts';
import type { Activation } from '../../kernels/activation/activation.ts';
import { conv } from '../../kernels/conv/conv.ts';
import { depthwise } from '../../kernels/depthwise/depthwise.ts';
import type { Padding } from '../../kernels/padding.ts';

/** What the face finder's networks are built with. */
export interface FinderBuilder {
  g: Graph;
  /** A weight by its checkpoint name, which must have this shape (PyTorch's layout). */
  param(name: string, shape: readonly number[]): Tensor;
}

export interface LayerOptions {
  stride?: 1 | 2;
  pad?: Padding;
  activation?: Activation;
}

const channelsOf = (x: Read | Tensor): number => asRead(x).tensor.shape[3];

/** A convolution `size` x `size` to `n` channels, with its bias. */
export function convBias(
  { g, param }: FinderBuilder,
  name: string,
  x: Read | Tensor,
  n: number,
  size: number,
  options: LayerOptions = {},
): Tensor {
  const weight = param(`${name}.weight`, [n, channelsOf(x), size, size]);
  return conv(g, name, x, weight, { ...options, bias: param(`${name}.bias`, [n]) }).out;
}

/** A depthwise convolution 3x3 with its bias. */
export function depthwiseBias(
  { g, param }: FinderBuilder,
  name: string,
  x: Read | Tensor,
  options: LayerOptions,
): Tensor {
  const c = channelsOf(x);
  const weight = param(`${name}.weight`, [c, 1, 3, 3]);
  return depthwise(g, name, [x], weight, { ...options, bias: param(`${name}.bias`, [c]) });
}

/**
 * A separable convolution to `n` channels: depthwise 3x3 without a bias, then pointwise with one and
 * the activation.
 */
export function separable(
  build: FinderBuilder,
  name: string,
  x: Read | Tensor,
  n: number,
  { stride, pad, activation }: LayerOptions = {},
): Tensor {
  const { g, param } = build;
  const weight = param(`${name}.depthwise.weight`, [channelsOf(x), 1, 3, 3]);
  const d = depthwise(g, `${name}.depthwise`, [x], weight, { stride, pad });
  return convBias(build, `${name}.pointwise`, d, n, 1, { activation });
}
