import type { Graph } from '../../graph/record.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { channelsOf, inColumns, pixelsOf } from '../grid.ts';
import { axis, unpack } from '../matrix.ts';
import { shader } from '../shader.ts';
import source from './column_sums.wgsl';

const columnSumsShader = shader('column_sums', source);

/** The gradient of a bias: sums of x [..., C] over all but the last axis, to [n <= C]. */
export function columnSums(g: Graph, x: Tensor, to: Tensor): void {
  const channels = channelsOf(x);
  const work = inColumns(pixelsOf(x), channels / 4, 64);
  const partial = g.partialRows(`partial ${to.name}`, channels);
  g.launch({
    kernel: columnSumsShader(),
    bind: { x, partial },
    params: ({ count, row }) => ({ ...work.params(count), row0: row }),
    grid: ({ count }) => work.grid(count),
    partial: { tensor: partial, rows: work.chunksOf },
  });
  unpack(g, partial, to, { rows: axis(1, 0), columns: axis(to.size, 1), base: 0 });
}
