import { LlsmError } from '../../base/errors.ts';
import type { Graph } from '../../graph/record.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { groups64, pixelsOf } from '../grid.ts';
import { shader } from '../shader.ts';
import source from './residual_channels.wgsl';

const residualChannelsShader = shader('residual_channels', source);

/**
 * RGB [B, H, W, 3] (x / 127.5 - 1) with three fixed high-pass residuals beside it: [B, H, W, 6]. The
 * kernels are those of rich models for steganalysis (Fridrich and Kodovsky, 2012) as ManTraNet has them,
 * each divided by its deviation on photographs. The picture has no gradient through it.
 */
export function residualChannels(g: Graph, name: string, image: Tensor): Tensor {
  const [, height, width] = image.shape;
  const out = g.activation(name, [height, width, 6]);
  const pixels = pixelsOf(out);
  g.launch({
    kernel: residualChannelsShader(),
    bind: { image, out },
    params: ({ count }) => ({ pixels: pixels(count), height, width }),
    grid: ({ count }) => [groups64(pixels(count))],
  });
  g.op([image], out, () => {
    throw new LlsmError(`${name}: the residual channels have no gradient by the picture`);
  });
  return out;
}
