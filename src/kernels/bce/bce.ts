import type { Graph } from '../../graph/record.ts';
import { Tensor } from '../../graph/tensor.ts';
import { isGpu } from '../adapter.ts';
import { groups64 } from '../grid.ts';
import { shader } from '../shader.ts';
import source from './bce.wgsl';
import overlapSource from './overlap.wgsl';

const bceShader = shader('bce', source);
const overlapShader = shader('overlap', overlapSource);

/** Values of a partial row: of an invocation, and of a workgroup that adds up in a tree. */
const valuesOfRow = { invocation: 256, tree: 2048 };

/** Loss: partial rows [n, 1] that add up to it, and gradients to begin from. */
export interface Loss {
  partial: Tensor;
  seeds: Map<Tensor, Tensor>;
}

/**
 * Binary cross-entropy with logits (paper equations 6 and 7): the sum over items of
 * weight[b] * mean over the item's values. The caller's weights [B] make it a mean over the batch,
 * or over its items with a mask. With `dice` an item whose truth is not 0 everywhere adds
 * 1 - (2 I + 1) / (P + T + 1) to its mean, of sums over its values: I of sigmoid(logit) * truth, P of
 * sigmoid(logit), T of truth (Milletari et al., V-Net, 2016, without squares). The gradient is multiplied by `scale` (the loss weight); without
 * `grad` there is none.
 * @param logit [B, ...], `truth` of the same shape in [0, 1].
 */
export function bce(
  g: Graph,
  logit: Tensor,
  truth: Tensor,
  weight: Tensor,
  { scale, grad, dice = false }: { scale: number; grad: boolean; dice?: boolean },
): Loss {
  const values = logit.size / logit.shape[0];
  const tree = isGpu(g.traits);
  const each = tree ? valuesOfRow.tree : valuesOfRow.invocation;
  const rows = Math.ceil(values / each);
  const overlaps = dice
    ? new Tensor(`overlap of ${logit.name}`, [logit.shape[0], 4], { batched: true })
    : undefined;
  if (overlaps) {
    g.launch({
      kernel: overlapShader(),
      bind: { logit, truth, sums: overlaps },
      params: () => ({ values }),
      grid: ({ count }) => [count],
    });
  }
  const partial = g.partialRows(`loss of ${logit.name}`, 1);
  const dLogit = new Tensor(`d ${logit.name}`, logit.shape, { batched: true });
  g.launch({
    kernel: bceShader({ GRAD: grad, DICE: dice, TREE: tree, VALUES: each }),
    bind: { logit, truth, weight, partial, dLogit: grad ? dLogit : undefined, overlaps },
    params: ({ count, row }) => ({ count, values, rows, row0: row, scale }),
    grid: ({ count }) => [tree ? count * rows : groups64(count * rows)],
    partial: { tensor: partial, rows: (count) => count * rows },
  });
  return { partial, seeds: new Map(grad ? [[logit, dLogit]] : []) };
}
