import { LlsmError } from '../../errors.ts';
import { kernel } from '../../gpu/pipeline.ts';
import type { Graph } from '../../graph/record.ts';
import { asRead, type Read, type Tensor } from '../../graph/tensor.ts';
import { groups64, itemsOf } from '../grid.ts';
import forwardSource from './resize.wgsl';
import backwardSource from './resize_backward.wgsl';

/**
 * Bilinear resize of [B, H, W, C] to [B, height, width, C], as PyTorch's `interpolate` with
 * align_corners = false and no antialiasing.
 */
export function resize(
  g: Graph,
  name: string,
  input: Read | Tensor,
  height: number,
  width: number,
): Tensor {
  const x = asRead(input);
  if (x.relu && !x.affine) throw new LlsmError(`${name}: resize reads no bare ReLU`);
  const [, inH, inW, c] = x.tensor.shape;
  const lanes = c % 4 === 0 ? 4 : 1;
  const type = { TYPE: lanes === 4 ? 'vec4f' : 'f32' };
  const out = g.activation(name, [height, width, c]);
  const geometry = { channels: c / lanes, inH, inW, outH: height, outW: width };
  const items = itemsOf(out);
  g.launch({
    kernel: kernel('resize', forwardSource, {
      ...type,
      AFFINE: x.affine !== undefined,
      RELU: x.relu,
    }),
    bind: { x: x.tensor, out, ...(x.affine && { affine: x.affine }) },
    params: ({ count }) => ({ count: items(count) / lanes, ...geometry }),
    grid: ({ count }) => [groups64(items(count) / lanes)],
  });
  g.op([x.value], out, (dOut, gradients) => {
    const { gradient, accumulate } = gradients.into(x.value);
    const inItems = itemsOf(gradient);
    g.launch({
      kernel: kernel('resize_backward', backwardSource, type),
      bind: { dOut, dIn: gradient },
      params: ({ count }) => ({
        count: inItems(count) / lanes,
        ...geometry,
        accumulate: Number(accumulate),
      }),
      grid: ({ count }) => [groups64(inItems(count) / lanes)],
    });
  });
  return out;
}
