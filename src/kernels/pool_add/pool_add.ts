import { LlsmError } from '../../base/errors.ts';
import type { Graph } from '../../graph/record.ts';
import type { Read, Tensor } from '../../graph/tensor.ts';
import { inStrips } from '../grid.ts';
import { passOn } from '../residual_add/residual_add.ts';
import { shader } from '../shader.ts';
import forwardSource from './pool_add.wgsl';
import backwardSource from './pool_backward.wgsl';

const poolAddShader = shader('pool_add', forwardSource);
const poolBackwardShader = shader('pool_backward', backwardSource);

/**
 * The end of Xception's down-sampling blocks: max pool 3x3 with stride 2 of the main branch
 * [B, H, W, C] plus the skip branch [B, ceil(H/2), ceil(W/2), C], both read through batch norms or,
 * in inference, both plainly.
 * `poolPad` is PyTorch's (1, 1), or TensorFlow's, which pads (0, 1) where the size is even. The
 * first maximum wins.
 */
export function poolAdd(
  g: Graph,
  name: string,
  main: Read,
  skip: Read,
  poolPad: 'torch' | 'tf',
): Tensor {
  const [, inH, inW, channels] = main.tensor.shape;
  if (!main.affine !== !skip.affine || main.relu || skip.relu) {
    throw new LlsmError(`${name}: poolAdd reads two batch norms, or none, without ReLU`);
  }
  if (inH !== inW) throw new LlsmError(`${name}: poolAdd takes square maps, not ${inH} x ${inW}`);
  const c4 = channels / 4;
  const pad = poolPad === 'tf' && inH % 2 === 0 ? 0 : 1;
  const outH = Math.ceil(inH / 2);
  const outW = Math.ceil(inW / 2);
  const out = g.activation(name, [outH, outW, channels]);
  const winner = g.activation(`${name} winners`, [outH, outW, c4], 'f32');
  const windows = inStrips(outH, outW, c4, 8);
  g.launch({
    kernel: poolAddShader({ AFFINE: main.affine !== undefined }),
    bind: {
      main_x: main.tensor,
      skip: skip.tensor,
      out,
      winner,
      mainAffine: main.affine,
      skipAffine: skip.affine,
    },
    params: ({ count }) => ({ ...windows.params(count), inH, inW, pad }),
    grid: ({ count }) => windows.grid(count),
  });

  g.op([main.value, skip.value], out, (dOut, gradients) => {
    if (gradients.wants(main.value)) {
      const { gradient, accumulate } = gradients.into(main.value);
      const half = 1 - pad;
      const blocks = inStrips(outH + half, outW + half, c4, 8);
      g.launch({
        kernel: poolBackwardShader(),
        bind: { dOut, winner, dIn: gradient },
        params: ({ count }) => ({
          ...blocks.params(count),
          inH,
          inW,
          outH,
          outW,
          pad,
          accumulate: Number(accumulate),
        }),
        grid: ({ count }) => blocks.grid(count),
      });
    }
    passOn(g, gradients, skip.value, dOut);
  });
  return out;
}
