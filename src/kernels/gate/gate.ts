import { LlsmError } from '../../base/errors.ts';
import type { Graph } from '../../graph/record.ts';
import type { Read, Tensor } from '../../graph/tensor.ts';
import { inStrips } from '../grid.ts';
import { sumRows } from '../matrix.ts';
import { shader } from '../shader.ts';
import forwardSource from './gate.wgsl';
import backwardSource from './gate_backward.wgsl';

const gateShader = shader('gate', forwardSource);
const gateBackwardShader = shader('gate_backward', backwardSource);

/**
 * CLAFFM's last step: A [B, H, W, C], read through ReLU and mostly batch norm, times
 * sigmoid(logit [B, 1, 1, C]) a channel (paper section III.C, Fig. 3).
 */
export function gate(g: Graph, name: string, a: Read, logit: Tensor): Tensor {
  if (!a.relu) throw new LlsmError(`${name}: gate reads through a ReLU`);
  const { affine } = a;
  const [, height, width, channels] = a.tensor.shape;
  const pixels = height * width;
  const c4 = channels / 4;
  const out = g.activation(name, [height, width, channels]);
  const work = inStrips(pixels, 1, c4, 32);
  g.launch({
    kernel: gateShader({ AFFINE: affine !== undefined }),
    bind: { x: a.tensor, logit, out, affine },
    params: ({ count }) => work.params(count),
    grid: ({ count }) => work.grid(count),
  });
  g.op([a.value, logit], out, (dOut, gradients) => {
    // Longer strips than forward: each leaves a row of partial sums.
    const back = inStrips(pixels, 1, c4, 128);
    const partial = g.scratch(`${name} partial gate`, [back.strips, g.batch * channels]);
    const { gradient, accumulate } = gradients.into(a.value);
    g.launch({
      kernel: gateBackwardShader({ AFFINE: affine !== undefined }),
      bind: { x: a.tensor, affine, logit, dOut, dA: gradient, partial },
      params: ({ first, count }) => ({
        ...back.params(count),
        width4: g.batch * c4,
        at4: first * c4,
        accumulate: Number(accumulate),
      }),
      grid: ({ count }) => back.grid(count),
    });
    if (gradients.wants(logit)) sumRows(g, partial, gradients.own(logit));
  });
  return out;
}
