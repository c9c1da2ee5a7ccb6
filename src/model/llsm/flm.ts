import { claffm } from './claffm.ts';
import type { Layers } from './layers.ts';
import type { Taps } from './xception.ts';

export interface Localisation<V> {
  /** Mask logits [B, S, S, 1]. */
  mask: V;
  /** The decoder's maps, deepest first; `d5` is read through batch norm and ReLU. */
  maps: Record<'d5' | 'd4' | 'd3' | 'd2' | 'd1', V>;
}

/**
 * Where the mask's logit begins: p = 0.12, about the altered share of a balanced batch (Lin et al.,
 * 2017, 4.1, begin so too). From 0 the bias itself is what is learned first, over hundreds of steps,
 * and the features learn later (bench/NOTES.md).
 */
const maskBias = -2;

/**
 * The multi-level forgery localisation module (paper section III.C, Fig. 4): from e5 upwards, each
 * stage resizes the map before it to the skip's size, reads both as one, and gates the result by
 * the map before (CLAFFM). Sizes follow the skips, never a fixed doubling (28 to 55).
 */
export function flm<V>(n: Layers<V, unknown>, image: V, taps: Taps<V>): Localisation<V> {
  const stage = (k: number, width: number, before: V, skip: V): V => {
    const module = `flm.stage${k}`;
    const up = n.resize(`${module}.up`, before, skip);
    const first = n.separableNorm(module, [up, skip], 'sep1', 'bn1', { width });
    const a = n.separableNorm(module, [first], 'sep2', 'bn2', { width });
    return claffm(n, `${module}.attn`, width, a, before);
  };
  const d5 = n.convNorm('flm', taps.e5, 'reduce', 'bn', { width: 256, kernel: 1 });
  const d4 = stage(4, 256, d5, taps.e4);
  const d3 = stage(3, 128, d4, taps.e3);
  const d2 = stage(2, 64, d3, taps.e2);
  const d1 = stage(1, 32, d2, taps.e1);
  const { maskPrior } = n.config;
  // The prior has the share of altered pixels in it already.
  const dot = n.dot('flm.mask', d1, maskPrior ? 0 : maskBias);
  const small = maskPrior ? n.offset('flm.prior', dot, maskPrior) : dot;
  const mask = n.output('mask', n.resize('flm.mask.up', small, image));
  return { mask, maps: { d5, d4, d3, d2, d1 } };
}
