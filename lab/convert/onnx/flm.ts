import { claffm } from './claffm.ts';
import type { Value } from './graph.ts';
import { convNorm, type OnnxBuilder, separableNorm } from './layers.ts';
import { concat, conv, reshape, resize } from './ops.ts';
import type { Taps } from './xception.ts';

/** The decoder of `../flm.ts`: mask logits [S, S, 1], named `mask`, and the map d1. */
export function flm(build: OnnxBuilder, taps: Taps): { mask: Value; d1: Value } {
  const { g, config, param } = build;
  const d5 = convNorm(build, taps.e5, { conv: 'flm.reduce', norm: 'flm.bn' }, { relu: true });
  const stage = (n: number, before: Value, skip: Value): Value => {
    const name = `flm.stage${n}`;
    const [, height, width] = skip.shape;
    const up = resize(g, `${name}.up`, before, height, width);
    const first = separableNorm(
      build,
      concat(g, `${name}.concat`, [up, skip]),
      { conv: `${name}.sep1`, norm: `${name}.bn1` },
      { relu: true },
    );
    const a = separableNorm(
      build,
      first,
      { conv: `${name}.sep2`, norm: `${name}.bn2` },
      { relu: true },
    );
    return claffm(build, `${name}.attn`, a, before);
  };
  const d4 = stage(4, d5, taps.e4);
  const d3 = stage(3, d4, taps.e3);
  const d2 = stage(2, d3, taps.e2);
  const d1 = stage(1, d2, taps.e1);
  const weight = param('flm.mask.weight');
  const small = conv(g, 'flm.mask', d1, weight, { bias: param('flm.mask.bias') });
  const large = resize(g, 'flm.mask.up', small, config.size, config.size);
  return { mask: reshape(g, 'mask', large, [config.size, config.size, 1]), d1 };
}
