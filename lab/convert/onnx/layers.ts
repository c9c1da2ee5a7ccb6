import type { Config } from '../../../src/config/config.ts';
import type { HostTensor } from '../../../src/model/llsm/checkpoint.ts';
import type { Constant, OnnxGraph, Value } from './graph.ts';
import { batchNorm, conv, relu } from './ops.ts';

/** What every part of the network builds with. */
export interface OnnxBuilder {
  g: OnnxGraph;
  config: Config;
  /** A tensor of the checkpoint. */
  tensor(name: string): HostTensor;
  /** The same as a constant of the file, under its checkpoint name; once each. */
  param(name: string): Constant;
}

/** A convolution without bias and the batch norm behind it. */
export function convNorm(
  { g, config, param }: OnnxBuilder,
  x: Value,
  names: { conv: string; norm: string },
  options: { relu: boolean; stride?: 1 | 2 },
): Value {
  const weight = param(`${names.conv}.weight`);
  const out = conv(g, names.conv, x, weight, { stride: options.stride });
  const params = {
    weight: param(`${names.norm}.weight`),
    bias: param(`${names.norm}.bias`),
    runningMean: param(`${names.norm}.running_mean`),
    runningVar: param(`${names.norm}.running_var`),
  };
  const normed = batchNorm(g, names.norm, out, params, config.bnEps);
  return options.relu ? relu(g, `${names.norm}.relu`, normed) : normed;
}

/** A separable convolution (`.conv1`, then `.pointwise`) and the batch norm behind it. */
export function separableNorm(
  build: OnnxBuilder,
  x: Value,
  names: { conv: string; norm: string },
  options: { relu: boolean },
): Value {
  const { g, param } = build;
  const weight = param(`${names.conv}.conv1.weight`);
  const groups = x.shape[0];
  const d = conv(g, `${names.conv}.conv1`, x, weight, { padding: 1, groups });
  return convNorm(build, d, { conv: `${names.conv}.pointwise`, norm: names.norm }, options);
}
