import type { Graph } from '../../graph/record.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { groups64 } from '../grid.ts';
import { shader } from '../shader.ts';
import source from './ema.wgsl';

const emaShader = shader('ema', source);

/**
 * The values of the `rate` input after step t = 1, 2, ...: 1 - decay, and more in the beginning, when the
 * mean would be of first values for long (as tf.train.ExponentialMovingAverage does with num_updates).
 */
export const emaRate = (decay: number, t: number): Float32Array =>
  Float32Array.of(1 - Math.min(decay, (1 + t) / (10 + t)));

/** Moves a mean [n] towards values [n] by a rate, an input [1] written before each run. n: a multiple of 4. */
export function ema(g: Graph, values: Tensor, mean: Tensor, rate: Tensor): void {
  const count = values.size / 4;
  g.launch({
    kernel: emaShader(),
    bind: { rate, values, mean },
    params: () => ({ count }),
    grid: () => [groups64(count)],
  });
}
