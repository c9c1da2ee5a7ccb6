import type { Read, Tensor } from '../../graph/tensor.ts';
import { dot } from '../../kernels/dot/dot.ts';
import { resize } from '../../kernels/resize/resize.ts';
import { claffm } from './claffm.ts';
import { type Builder, convNorm, separableNorm } from './layers.ts';
import type { Taps } from './xception.ts';

export interface Localisation {
  /** Mask logits [B, S, S, 1]. */
  mask: Tensor;
  /** The decoder's maps, deepest first; `d5` is read through batch norm and ReLU. */
  maps: { d5: Read; d4: Tensor; d3: Tensor; d2: Tensor; d1: Tensor };
}

/**
 * The multi-level forgery localisation module (paper section III.C, Fig. 4): from e5 upwards, each
 * stage resizes the map before it to the skip's size, reads both as one, and gates the result by
 * the map before (CLAFFM). Sizes follow the skips, never a fixed doubling (28 to 55).
 */
export function flm(build: Builder, taps: Taps): Localisation {
  const { g, config, param } = build;
  const names = { conv: 'flm.reduce', norm: 'flm.bn' };
  const d5 = convNorm(build, taps.e5, names, { relu: true });
  const stage = (n: number, before: Read | Tensor, skip: Read): Tensor => {
    const name = `flm.stage${n}`;
    const [, height, width] = skip.tensor.shape;
    const up = resize(g, `${name}.up`, before, height, width);
    const first = separableNorm(
      build,
      [up, skip],
      { conv: `${name}.sep1`, norm: `${name}.bn1` },
      { relu: true },
    );
    const a = separableNorm(
      build,
      [first],
      { conv: `${name}.sep2`, norm: `${name}.bn2` },
      { relu: true },
    );
    return claffm(build, `${name}.attn`, a, before);
  };
  const d4 = stage(4, d5, taps.e4);
  const d3 = stage(3, d4, taps.e3);
  const d2 = stage(2, d3, taps.e2);
  const d1 = stage(1, d2, taps.e1);
  const small = dot(g, 'flm.mask', [d1], param('flm.mask.weight'), param('flm.mask.bias'));
  const mask = resize(g, 'mask', small, config.size, config.size);
  return { mask, maps: { d5, d4, d3, d2, d1 } };
}
