import { LlsmError } from '../../errors.ts';
import { kernel } from '../../gpu/pipeline.ts';
import type { Graph } from '../../graph/record.ts';
import type { Read, Tensor } from '../../graph/tensor.ts';
import { groups64, itemsOf } from '../grid.ts';
import { passOn } from '../residual_add/residual_add.ts';
import source from './apply_read.wgsl';

/**
 * The value of a read as a tensor of its own, for who must have it stored (a tap that leaves the
 * network). The network's operations apply their reads as they load.
 */
export function applyRead(g: Graph, name: string, x: Read): Tensor {
  if (!x.affine && !x.relu) return x.tensor;
  const out = g.activation(name, x.tensor.shape.slice(1));
  const items = itemsOf(out);
  g.launch({
    kernel: kernel('apply_read', source, { AFFINE: x.affine !== undefined, RELU: x.relu }),
    bind: { x: x.tensor, out, ...(x.affine && { affine: x.affine }) },
    params: ({ count }) => ({
      count: items(count) / 4,
      c4: out.shape[out.shape.length - 1] / 4,
    }),
    grid: ({ count }) => [groups64(items(count) / 4)],
  });
  g.op([x.value], out, (dOut, gradients) => {
    if (!x.affine) throw new LlsmError(`${name}: no gradient through a bare ReLU`);
    passOn(g, gradients, x.value, dOut);
  });
  return out;
}
