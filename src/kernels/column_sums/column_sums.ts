import { kernel } from '../../gpu/pipeline.ts';
import type { Graph } from '../../graph/record.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { groups64, itemsOf } from '../grid.ts';
import { axis, unpack } from '../matrix.ts';
import source from './column_sums.wgsl';

/** The gradient of a bias: sums of x [..., C] over all but the last axis, to [n <= C]. */
export function columnSums(g: Graph, x: Tensor, to: Tensor): void {
  const channels = x.shape[x.shape.length - 1];
  const c4 = channels / 4;
  const items = itemsOf(x);
  const rowsOf = (count: number): number => items(count) / channels;
  const chunksOf = (count: number): number => Math.ceil(rowsOf(count) / 64);
  const partial = g.partialRows(`partial ${to.name}`, channels);
  g.launch({
    kernel: kernel('column_sums', source),
    bind: { x, partial },
    params: ({ count, row }) => ({
      rows: rowsOf(count),
      chunk: 64,
      chunks: chunksOf(count),
      c4,
      row0: row,
    }),
    grid: ({ count }) => [groups64(chunksOf(count) * c4)],
    partial: { tensor: partial, rows: chunksOf },
  });
  unpack(g, partial, to, { rows: axis(1, 0), columns: axis(to.size, 1), base: 0 });
}
