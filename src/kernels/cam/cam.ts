import type { Graph } from '../../graph/record.ts';
import { asRead, type Read, type Tensor } from '../../graph/tensor.ts';
import { channelsOf, groups64, pixelsOf } from '../grid.ts';
import { shader } from '../shader.ts';
import source from './cam.wgsl';

const camShader = shader('cam', source);

/**
 * Class activation map [B, H, W, 1] in f32: relu(scale * sum over c of x[b, h, w, c] * w[b, c]) of a
 * feature map x [B, H, W, C] (Zhou et al., 2016; with the ReLU of Selvaraju et al., 2017). It has no
 * gradient.
 * @param weights [B, 1, 1, C]; without a batch axis they hold for every image
 * @param at the first channel's place among weights without a batch axis, a multiple of 4
 */
export function cam(
  g: Graph,
  name: string,
  input: Read | Tensor,
  weights: Tensor,
  { scale = 1, at = 0 }: { scale?: number; at?: number } = {},
): Tensor {
  const x = asRead(input);
  const [, height, width] = x.tensor.shape;
  const c4 = channelsOf(x.tensor) / 4;
  const rowsOf = pixelsOf(x.tensor);
  const out = g.activation(name, [height, width, 1], 'f32');
  g.launch({
    kernel: camShader({ AFFINE: x.affine !== undefined, RELU: x.relu }),
    bind: { x: x.tensor, affine: x.affine, w: weights, out },
    params: ({ count }) => ({
      rows: rowsOf(count),
      c4,
      pixels: height * width,
      stride4: weights.batched ? c4 : 0,
      at4: at / 4,
      scale,
    }),
    grid: ({ count }) => [groups64(rowsOf(count))],
  });
  return out;
}
