import { kernel } from '../../gpu/pipeline.ts';
import type { Graph } from '../../graph/record.ts';
import { asRead, type Read, type Tensor } from '../../graph/tensor.ts';
import { groups64, itemsOf } from '../grid.ts';
import forwardSource from './adaptive_pool.wgsl';
import backwardSource from './adaptive_pool_backward.wgsl';

/**
 * Adaptive average pool of [B, H, W, C] to [B, size, size, C] with torch's bins, also where
 * H < size. `size` 1 is the global average pool. `flat` gives the same values the shape
 * [B, 1, 1, size * size * C].
 */
export function adaptivePool(
  g: Graph,
  name: string,
  input: Read | Tensor,
  size: number,
  { flat = false }: { flat?: boolean } = {},
): Tensor {
  const x = asRead(input);
  const [, inH, inW, channels] = x.tensor.shape;
  const out = g.activation(name, flat ? [1, 1, size * size * channels] : [size, size, channels]);
  const geometry = { channels, inH, inW, outH: size, outW: size };
  const items = itemsOf(out);
  g.launch({
    kernel: kernel('adaptive_pool', forwardSource, {
      AFFINE: x.affine !== undefined,
      RELU: x.relu,
    }),
    bind: { x: x.tensor, out, ...(x.affine && { affine: x.affine }) },
    params: ({ count }) => ({ count: items(count), ...geometry }),
    grid: ({ count }) => [groups64(items(count))],
  });
  g.op([x.value], out, (dOut, gradients) => {
    const { gradient, accumulate } = gradients.into(x.value);
    const inItems = itemsOf(gradient);
    const mask = x.relu && !x.affine;
    const lanes = channels % 4 === 0 ? 4 : 1;
    g.launch({
      kernel: kernel('adaptive_pool_backward', backwardSource, {
        TYPE: lanes === 4 ? 'vec4f' : 'f32',
        MASK: mask,
      }),
      bind: { dOut, dIn: gradient, ...(mask && { masked: x.tensor }) },
      params: ({ count }) => ({
        count: inItems(count) / lanes,
        ...geometry,
        channels: channels / lanes,
        accumulate: Number(accumulate),
      }),
      grid: ({ count }) => [groups64(inItems(count) / lanes)],
    });
  });
  return out;
}
