import type { Graph } from '../graph/record.ts';
import { type Read, read, relu, type Tensor } from '../graph/tensor.ts';
import { batchNorm, runningAffine } from '../kernels/batch_norm/batch_norm.ts';
import { conv } from '../kernels/conv/conv.ts';
import type { Padding } from '../kernels/padding.ts';

export interface ConvNormOptions {
  eps: number;
  stride?: 1 | 2;
  pad?: Padding;
  /** Whether the result is read through a ReLU (default true). */
  relu?: boolean;
}

/**
 * A convolution without bias and its batch norm; in inference the norm is folded into the convolution.
 * @param name of the convolution, `norm` of the batch norm, as the parameters begin
 */
export function convNorm(
  g: Graph,
  param: (name: string) => Tensor,
  x: Read,
  name: string,
  norm: string,
  { eps, stride, pad, relu: through = true }: ConvNormOptions,
): Read {
  const weight = param(`${name}.weight`);
  const params = {
    weight: param(`${norm}.weight`),
    bias: param(`${norm}.bias`),
    runningMean: param(`${norm}.running_mean`),
    runningVar: param(`${norm}.running_var`),
  };
  if (g.inference) {
    const folded = runningAffine(g, norm, params, { eps });
    const { out } = conv(g, name, x, weight, { stride, pad, norm: folded });
    return through ? relu(out) : read(out);
  }
  const { out, stats } = conv(g, name, x, weight, { stride, pad, stats: g.training });
  return batchNorm(g, out, stats, params, { eps, relu: through });
}
