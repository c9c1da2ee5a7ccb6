/** Window convolutions as cases of `check`, with their references. */

import { Random } from '../../src/base/random.ts';
import { type ConvOptions, conv } from '../../src/kernels/conv/conv.ts';
import { pad4 } from '../../src/kernels/matrix.ts';
import { readThrough as referenceRead } from '../reference/batch_norm.ts';
import { conv as reference } from '../reference/conv.ts';
import { activation as activate, relu } from '../reference/elementwise.ts';
import { channelRange, normal } from '../reference/values.ts';
import { awayFromKinks, type Case, randomAffine, readThrough } from './support.ts';

export const random = new Random(1, 'conv tests');

export interface Shape {
  batch?: number;
  /** Height and width of the input. */
  size: number;
  cin: number;
  n: number;
  kernel?: number;
  stride?: 1 | 2;
  bias?: boolean;
  pad?: 'torch' | 'tf';
  activation?: 'relu' | 'relu6' | 'leaky';
  /** How x is read. */
  through?: 'affine' | 'relu' | 'affine relu';
  /** The image's gradient is never asked for. */
  image?: boolean;
}

/** A window convolution and its reference. */
export function windowCase(it: Shape): Case {
  const { batch = 1, size, cin, n, kernel = 1, stride = 1, pad, activation } = it;
  const affine = it.through?.includes('affine') ? randomAffine(random, cin) : undefined;
  const masked = it.through?.includes('relu') ?? false;
  const x = awayFromKinks(normal(random, [batch, size, size, cin]), affine);
  const weight = normal(random, [n, cin, kernel, kernel], 1 / Math.sqrt(cin * kernel ** 2));
  const bias = it.bias ? normal(random, [n], activation === 'relu6' ? 5 : 1) : undefined;
  const read = affine ? referenceRead(x, affine, masked) : masked ? relu(x).out : x;
  const { out: sum, backward } = reference(read, weight, { stride, bias, pad });
  const activated = activation && activate(sum, activation);
  const out = activated?.out ?? sum;
  return {
    batch,
    maps: { x },
    weights: { weight, ...(affine && { affine }), ...(bias && { bias }) },
    build(g, t) {
      const through = readThrough(t.x, t.affine, masked);
      const options: ConvOptions = { stride, bias: t.bias, pad, activation };
      const wrt = {
        weight: t.weight,
        ...(it.image ? {} : { x: through.value }),
        ...(bias && { bias: t.bias }),
      };
      return { outs: { out: conv(g, 'out', through, t.weight, options).out }, wrt };
    },
    reference: {
      outs: { out: channelRange(out, 0, pad4(n)) },
      backward(dOuts) {
        const dOut = channelRange(dOuts.out, 0, n);
        const d = backward(activated?.backward(dOut).x ?? dOut);
        return masked && !affine ? { ...d, x: relu(x).backward(d.x).x } : d;
      },
    },
  };
}

export const title = ({
  batch = 1,
  size,
  cin,
  n,
  kernel = 1,
  stride = 1,
  through,
  bias,
  pad,
  activation,
}: Shape): string =>
  `${batch}x${size}x${size}x${cin} to ${n}, ${kernel}x${kernel}` +
  `${stride > 1 ? ' stride 2' : ''}${through ? ` through ${through}` : ''}${bias ? ' + bias' : ''}` +
  `${pad ? `, ${pad}'s padding` : ''}${activation ? `, ${activation}` : ''}`;
