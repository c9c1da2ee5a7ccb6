import type { Config } from '../../config/config.ts';
import type { Graph } from '../../graph/record.ts';
import { type Read, read, type Tensor, relu as throughRelu } from '../../graph/tensor.ts';
import { batchNorm, runningAffine } from '../../kernels/batch_norm/batch_norm.ts';
import { conv } from '../../kernels/conv/conv.ts';
import { depthwise } from '../../kernels/depthwise/depthwise.ts';

/** What every part of the network builds with. */
export interface Builder {
  g: Graph;
  config: Config;
  /** A parameter by its checkpoint name. */
  param(name: string): Tensor;
}

/** A convolution without bias and the batch norm behind it, which inference folds into it. */
export function convNorm(
  { g, config, param }: Builder,
  x: Read | Tensor,
  names: { conv: string; norm: string },
  { relu, stride = 1 }: { relu: boolean; stride?: 1 | 2 },
): Read {
  const weight = param(`${names.conv}.weight`);
  const eps = config.bnEps;
  const params = {
    weight: param(`${names.norm}.weight`),
    bias: param(`${names.norm}.bias`),
    runningMean: param(`${names.norm}.running_mean`),
    runningVar: param(`${names.norm}.running_var`),
  };
  if (g.inference) {
    const norm = runningAffine(g, names.norm, params, { eps });
    const { out } = conv(g, names.conv, x, weight, { stride, norm });
    return relu ? throughRelu(out) : read(out);
  }
  const { out, stats } = conv(g, names.conv, x, weight, { stride, stats: g.training });
  return batchNorm(g, out, stats, params, { eps, relu });
}

/**
 * A separable convolution (depthwise 3x3 `.conv1`, then `.pointwise`, nothing between) and the
 * batch norm behind it. Several inputs are read as their concatenation along the channels.
 */
export function separableNorm(
  build: Builder,
  inputs: readonly (Read | Tensor)[],
  names: { conv: string; norm: string },
  options: { relu: boolean },
): Read {
  const { g, param } = build;
  const d = depthwise(g, `${names.conv}.conv1`, inputs, param(`${names.conv}.conv1.weight`));
  return convNorm(build, d, { conv: `${names.conv}.pointwise`, norm: names.norm }, options);
}
