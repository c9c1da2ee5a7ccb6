import type { Graph } from '../../graph/record.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { groups64, itemsOf } from '../grid.ts';
import { passOn } from '../residual_add/residual_add.ts';
import bilinear from '../resize/bilinear.wgsl';
import { shader } from '../shader.ts';
import source from './offset.wgsl';

const offsetShader = shader('offset', source, { bilinear });

/**
 * A map [B, H, W, 1] plus a fixed one [1, 1, h, w], which is resized to it (bilinear, as PyTorch's
 * `interpolate` with align_corners = false) and has no gradient.
 */
export function offset(g: Graph, name: string, x: Tensor, map: Tensor): Tensor {
  const [, height, width] = x.shape;
  const [, , mapHeight, mapWidth] = map.shape;
  const out = g.activation(name, [height, width, 1], 'f32');
  const items = itemsOf(out);
  g.launch({
    kernel: offsetShader(),
    bind: { x, offsets: map, out },
    params: ({ count }) => ({ count: items(count), height, width, mapHeight, mapWidth }),
    grid: ({ count }) => [groups64(items(count))],
  });
  g.op([x], out, (dOut, gradients) => passOn(g, gradients, x, dOut));
  return out;
}
