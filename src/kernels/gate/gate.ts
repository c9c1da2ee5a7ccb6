import { LlsmError } from '../../errors.ts';
import { kernel } from '../../gpu/pipeline.ts';
import type { Graph } from '../../graph/record.ts';
import type { Read, Tensor } from '../../graph/tensor.ts';
import { groups64, itemsOf } from '../grid.ts';
import { sumRows } from '../matrix.ts';
import forwardSource from './gate.wgsl';
import backwardSource from './gate_backward.wgsl';

/**
 * CLAFFM's last step: A [B, H, W, C], read through batch norm and ReLU, times
 * sigmoid(logit [B, 1, 1, C]) a channel (paper section III.C, Fig. 3).
 */
export function gate(g: Graph, name: string, a: Read, logit: Tensor): Tensor {
  if (!a.affine || !a.relu) throw new LlsmError(`${name}: gate reads batch norm and ReLU`);
  const { affine } = a;
  const [, height, width, channels] = a.tensor.shape;
  const pixels = height * width;
  const c4 = channels / 4;
  const out = g.activation(name, [height, width, channels]);
  const items = itemsOf(out);
  g.launch({
    kernel: kernel('gate', forwardSource),
    bind: { x: a.tensor, affine, logit, out },
    params: ({ count }) => ({ count: items(count) / 4, c4, pixels }),
    grid: ({ count }) => [groups64(items(count) / 4)],
  });
  g.op([a.value, logit], out, (dOut, gradients) => {
    const chunks = Math.ceil(pixels / 128);
    const partial = g.scratch(`${name} partial gate`, [chunks, g.batch * channels]);
    const { gradient, accumulate } = gradients.into(a.value);
    g.launch({
      kernel: kernel('gate_backward', backwardSource),
      bind: { x: a.tensor, affine, logit, dOut, dA: gradient, partial },
      params: ({ first, count }) => ({
        invocations: count * chunks * c4,
        c4,
        pixels,
        chunk: 128,
        chunks,
        width4: g.batch * c4,
        at4: first * c4,
        accumulate: Number(accumulate),
      }),
      grid: ({ count }) => [groups64(count * chunks * c4)],
    });
    if (gradients.wants(logit)) sumRows(g, partial, gradients.own(logit));
  });
  return out;
}
