import type { Graph } from '../graph/record.ts';
import type { Read, Tensor } from '../graph/tensor.ts';
import { batchNorm } from '../kernels/batch_norm/batch_norm.ts';
import { conv } from '../kernels/conv/conv.ts';
import { depthwise } from '../kernels/depthwise/depthwise.ts';
import type { Config } from './config.ts';

/** What every part of the network builds with. */
export interface Builder {
  g: Graph;
  config: Config;
  /** A parameter by its checkpoint name. */
  param(name: string): Tensor;
}

/** A convolution without bias and the batch norm behind it. */
export function convNorm(
  { g, config, param }: Builder,
  x: Read | Tensor,
  names: { conv: string; norm: string },
  { relu, stride = 1 }: { relu: boolean; stride?: 1 | 2 },
): Read {
  const { out, stats } = conv(g, names.conv, x, param(`${names.conv}.weight`), {
    stride,
    stats: g.training,
  });
  return batchNorm(
    g,
    out,
    stats,
    {
      weight: param(`${names.norm}.weight`),
      bias: param(`${names.norm}.bias`),
      runningMean: param(`${names.norm}.running_mean`),
      runningVar: param(`${names.norm}.running_var`),
    },
    { eps: config.bnEps, relu },
  );
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
