import type { Graph } from '../../graph/record.ts';
import { Tensor } from '../../graph/tensor.ts';
import type { Loss } from '../bce/bce.ts';
import { groups64 } from '../grid.ts';
import { shader } from '../shader.ts';
import source from './charbonnier.wgsl';

const charbonnierShader = shader('charbonnier', source);

/**
 * Charbonnier's loss of a map against the truth, sqrt(d^2 + eps^2) - eps: nearly |d|, without its kink.
 * The sum over items of weight[b] * mean over the item's values, and its gradient.
 * @param x [B, ...], `truth` of the same shape
 */
export function charbonnier(g: Graph, x: Tensor, truth: Tensor, weight: Tensor, eps = 0.01): Loss {
  const values = x.size / x.shape[0];
  const rows = Math.ceil(values / 256);
  const partial = g.partialRows(`loss of ${x.name}`, 1);
  const dX = new Tensor(`d ${x.name}`, x.shape, { batched: true });
  g.launch({
    kernel: charbonnierShader(),
    bind: { x, truth, weight, partial, dX },
    params: ({ count, row }) => ({ count, values, rows, row0: row, eps }),
    grid: ({ count }) => [groups64(count * rows)],
    partial: { tensor: partial, rows: (count) => count * rows },
  });
  return { partial, seeds: new Map([[x, dX]]) };
}
