import type { Graph } from '../../graph/record.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { isGpu } from '../adapter.ts';
import { groups64, inColumns, itemsOf } from '../grid.ts';
import { axis, unpack } from '../matrix.ts';
import { shader } from '../shader.ts';
import forwardSource from './dot.wgsl';
import backwardSource from './dot_backward.wgsl';
import filterSource from './dot_filter.wgsl';

const dotShader = shader('dot', forwardSource);
const dotBackwardShader = shader('dot_backward', backwardSource);
const dotFilterShader = shader('dot_filter', filterSource);

/**
 * One value a position: the concatenation of `inputs` [B, H, W, Ci] times a weight [1, C, ...] plus
 * a bias [1], to [B, H, W, 1] in f32. The classifier's layer and the mask's 1x1 convolution.
 */
export function dot(
  g: Graph,
  name: string,
  inputs: readonly Tensor[],
  weight: Tensor,
  bias: Tensor,
): Tensor {
  const [, height, width] = inputs[0].shape;
  const out = g.activation(name, [height, width, 1], 'f32');
  const rowsOf = itemsOf(out);
  const starts: number[] = [];
  inputs.reduce((at, x) => {
    starts.push(at);
    return at + x.shape[3];
  }, 0);
  inputs.forEach((x, i) => {
    g.launch({
      kernel: dotShader(),
      bind: { x, w: weight, bias, out },
      params: ({ count }) => ({
        rows: rowsOf(count),
        c4: x.shape[3] / 4,
        at: starts[i],
        accumulate: Number(i > 0),
      }),
      grid: ({ count }) => [groups64(rowsOf(count))],
    });
  });

  g.op([...inputs, weight, bias], out, (dOut, gradients) => {
    inputs.forEach((x, i) => {
      const c4 = x.shape[3] / 4;
      if (gradients.wants(x)) {
        const { gradient, accumulate } = gradients.into(x);
        const work = inColumns(rowsOf, c4, 16);
        g.launch({
          kernel: dotBackwardShader(),
          bind: { dOut, w: weight, dX: gradient },
          params: ({ count }) => ({
            ...work.params(count),
            at: starts[i],
            accumulate: Number(accumulate),
          }),
          grid: ({ count }) => work.grid(count),
        });
      }
      if (!gradients.wants(weight)) return;
      const sums = inColumns(rowsOf, c4, isGpu(g.traits) ? 64 : 256);
      const partial = g.partialRows(`partial d ${weight.name}`, c4 * 4 + 1);
      g.launch({
        kernel: dotFilterShader(),
        bind: { x, dOut, partial },
        params: ({ count, row }) => ({
          ...sums.params(count),
          width: c4 * 4 + 1,
          row0: row,
        }),
        grid: ({ count }) => sums.grid(count),
        partial: { tensor: partial, rows: sums.chunksOf },
      });
      const rows = axis(1, 0);
      const dWeight = i === 0 ? gradients.own(weight) : gradients.into(weight).gradient;
      unpack(g, partial, dWeight, { rows, columns: axis(c4 * 4, 1), base: starts[i] });
      if (i > 0) return;
      // The bias sums stand behind the channels of each row.
      const view = { rows, columns: axis(1, 1), base: 0 };
      unpack(g, partial, gradients.own(bias), view, { from: c4 * 4 });
    });
  });
  return out;
}
