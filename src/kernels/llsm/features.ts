import type { Graph } from '../../graph/record.ts';
import { asRead, type Read, read, type Tensor } from '../../graph/tensor.ts';
import { conv } from '../conv/conv.ts';

export type PairHead = 'linear' | 'mlp' | 'absdiff' | 'bilinear';

/** One side of the pairs: `depth` channels of a tensor [B, H, W, C] as it is read, from `at` on. */
export interface Side extends Read {
  at: number;
}

/** Features that are compared in pairs: two sides, both read alike, and the head's own parameters. */
export interface Features {
  head: PairHead;
  height: number;
  width: number;
  /** Values a position and side: K, C or D; 1 for `linear`. */
  depth: number;
  left: Side;
  right: Side;
  /** Weight [depth] of the head: v of `mlp`, w of `absdiff`. */
  weight?: Tensor;
  bias: Tensor;
}

/**
 * The features of the learnable local similarity module, from the tap [B, H, W, C]: for `linear` and
 * `mlp` both positions' products with the 2x1xC kernels (so that a pair costs K, not 2C K), for
 * `bilinear` theta and phi, for `absdiff` the tap itself.
 */
export function llsmFeatures(
  g: Graph,
  tap: Read | Tensor,
  { head, hidden }: { head: PairHead; hidden: number },
  param: (name: string) => Tensor,
): Features {
  const x = asRead(tap);
  const [, height, width, channels] = x.tensor.shape;
  const place = { head, height, width };
  if (head === 'absdiff') {
    const side = { ...x, at: 0 };
    const weight = param('llsm.diff.weight');
    const bias = param('llsm.diff.bias');
    return { ...place, depth: channels, left: side, right: side, weight, bias };
  }
  if (head === 'bilinear') {
    const side = (name: string): Side => ({
      ...read(conv(g, `llsm.${name}`, x, param(`llsm.${name}.weight`)).out),
      at: 0,
    });
    const bias = param('llsm.bias');
    return { ...place, depth: hidden, left: side('theta'), right: side('phi'), bias };
  }
  const mlp = head === 'mlp';
  const depth = mlp ? hidden : 1;
  const both = conv(g, 'llsm.pair', x, param('llsm.pair.weight'), {
    layout: 'pair',
    // b of the hidden layer goes to the first side's columns; `linear` adds its one b to the logit.
    bias: mlp ? param('llsm.pair.bias') : undefined,
  }).out;
  return {
    ...place,
    depth,
    left: { ...read(both), at: 0 },
    right: { ...read(both), at: depth },
    weight: mlp ? param('llsm.out.weight') : undefined,
    bias: param(mlp ? 'llsm.out.bias' : 'llsm.pair.bias'),
  };
}
