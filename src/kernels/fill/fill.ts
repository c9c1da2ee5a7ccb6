import type { Graph } from '../../graph/record.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { groups64, itemsOf } from '../grid.ts';
import { shader } from '../shader.ts';
import source from './fill.wgsl';

const fillShader = shader('fill', source);

/** Sets every value of a tensor. */
export function fill(g: Graph, out: Tensor, value: number): void {
  const items = itemsOf(out);
  g.launch({
    kernel: fillShader(),
    bind: { out },
    params: ({ count }) => ({ count: items(count), value }),
    grid: ({ count }) => [groups64(items(count))],
  });
}
