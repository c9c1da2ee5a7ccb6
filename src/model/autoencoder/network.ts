/** A small autoencoder of face crops: what it gives back has lost what does not fit its code. */
import * as z from 'zod';
import type { Graph } from '../../graph/record.ts';
import type { ParamSpec } from '../../graph/store.ts';
import { type Read, read, type Tensor } from '../../graph/tensor.ts';
import { conv } from '../../kernels/conv/conv.ts';
import { depthwise } from '../../kernels/depthwise/depthwise.ts';
import { resize } from '../../kernels/resize/resize.ts';
import { convNorm } from '../conv-norm.ts';

const width = z.int().min(8).max(512).multipleOf(8);

export const autoencoderSchema = z.strictObject({
  /** Side of the square pictures, in pixels. */
  side: z.int().min(64).max(256).multipleOf(16).default(128),
  /** Channels at a half of the side, at a quarter, and so on: the last is where the code is. */
  widths: z.array(width).min(2).max(4).default([24, 48, 96]),
  /** Channels of the code. */
  code: width.default(32),
});
export type AutoencoderConfig = z.output<typeof autoencoderSchema>;

const eps = 1e-5;

/** One step of the network: a convolution 3x3, a separable one, or a pointwise one, then batch norm. */
interface Layer {
  name: string;
  kind: 'conv' | 'separable' | 'pointwise';
  from: number;
  to: number;
  stride?: 2;
  /** Whether the map is resized to twice its side before it. */
  up?: true;
  relu?: false;
}

function layersOf({ widths, code }: AutoencoderConfig): Layer[] {
  const deepest = widths[widths.length - 1];
  const down = widths.map((to, i): Layer => {
    const step = {
      name: `down${i + 1}`,
      from: i === 0 ? 3 : widths[i - 1],
      to,
      stride: 2,
    } as const;
    return { ...step, kind: i === 0 ? 'conv' : 'separable' };
  });
  const up = widths.map((from, i): Layer => {
    const to = widths[Math.max(0, i - 1)];
    return { name: `up${i + 1}`, kind: 'separable', from, to, up: true };
  });
  return [
    ...down,
    { name: 'code', kind: 'pointwise', from: deepest, to: code, relu: false },
    { name: 'begin', kind: 'separable', from: code, to: deepest },
    ...up.reverse(),
  ];
}

/** A parameter, and the deviation that its first values are drawn with, or the one value they have. */
export interface AutoencoderParam extends ParamSpec {
  shape: number[];
  begin: { normal: number } | { value: number };
}

/** All tensors of the network, shapes as in PyTorch. */
export function autoencoderParams(config: AutoencoderConfig): AutoencoderParam[] {
  const specs: AutoencoderParam[] = [];
  const weight = (name: string, shape: number[], gain: number) => {
    const fanIn = shape[1] * shape[2] * shape[3];
    const begin = { normal: Math.sqrt(gain / fanIn) };
    specs.push({ name, shape, kind: 'weight', begin });
  };
  const fixed = (name: string, n: number, value: number, kind: ParamSpec['kind'] = 'weight') =>
    specs.push({ name, shape: [n], kind, begin: { value } });
  for (const { name, kind, from, to } of layersOf(config)) {
    if (kind === 'separable') weight(`${name}.depthwise.weight`, [from, 1, 3, 3], 1);
    const side = kind === 'conv' ? 3 : 1;
    weight(`${name}.conv.weight`, [to, from, side, side], 2);
    fixed(`${name}.norm.weight`, to, 1);
    fixed(`${name}.norm.bias`, to, 0);
    fixed(`${name}.norm.running_mean`, to, 0, 'state');
    fixed(`${name}.norm.running_var`, to, 1, 'state');
  }
  weight('out.weight', [3, config.widths[0], 1, 1], 1);
  fixed('out.bias', 3, 0);
  return specs;
}

/**
 * The whole pass: pictures [B, side, side, 3] (x / 127.5 - 1) to [B, side, side, 4], the same
 * reconstructed; the fourth channel is 0.
 */
export function autoencoder(
  g: Graph,
  param: (name: string) => Tensor,
  config: AutoencoderConfig,
  image: Tensor,
): Tensor {
  let x: Read = read(image);
  for (const { name, kind, stride, up, relu } of layersOf(config)) {
    if (up) {
      const [, height, across] = x.tensor.shape;
      x = read(resize(g, `${name}.up`, x, 2 * height, 2 * across));
    }
    if (kind === 'separable') {
      const options = { stride, pad: 'torch' } as const;
      const weight = param(`${name}.depthwise.weight`);
      x = read(depthwise(g, `${name}.depthwise`, [x], weight, options));
    }
    const options = kind === 'conv' ? ({ stride, pad: 'torch' } as const) : {};
    x = convNorm(g, param, x, `${name}.conv`, `${name}.norm`, { eps, relu, ...options });
  }
  return conv(g, 'out', x, param('out.weight'), { bias: param('out.bias') }).out;
}
