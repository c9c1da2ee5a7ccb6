import type { Graph } from '../../graph/record.ts';
import { asRead, type Read, type Tensor } from '../../graph/tensor.ts';
import { inStrips } from '../grid.ts';
import { shader } from '../shader.ts';
import forwardSource from './max_pool.wgsl';
import backwardSource from './max_pool_backward.wgsl';

const maxPoolShader = shader('max_pool', forwardSource);
const maxPoolBackwardShader = shader('max_pool_backward', backwardSource);

/**
 * Max pool 2x2 of [B, H, W, C] to [B, ceil(H / stride), ceil(W / stride), C]: where a window reaches
 * over the end it holds what is there (TensorFlow's SAME). The first maximum wins.
 */
export function maxPool(g: Graph, name: string, input: Read | Tensor, stride: 1 | 2): Tensor {
  const x = asRead(input);
  const [, inH, inW, channels] = x.tensor.shape;
  const outH = Math.ceil(inH / stride);
  const outW = Math.ceil(inW / stride);
  const c4 = channels / 4;
  const out = g.activation(name, [outH, outW, channels], x.tensor.dtype);
  const winner = g.inference ? undefined : g.activation(`${name} winners`, [outH, outW, c4], 'f32');
  const windows = inStrips(outH, outW, c4, 8);
  g.launch({
    kernel: maxPoolShader({
      AFFINE: x.affine !== undefined,
      RELU: x.relu,
      WINNER: winner !== undefined,
    }),
    bind: {
      x: x.tensor,
      out,
      winner,
      affine: x.affine,
    },
    params: ({ count }) => ({ ...windows.params(count), inH, inW, stride }),
    grid: ({ count }) => windows.grid(count),
  });
  if (!winner) return out;
  g.op([x.value], out, (dOut, gradients) => {
    const { gradient, accumulate } = gradients.into(x.value);
    const mask = x.relu && !x.affine;
    const work = inStrips(inH, inW, c4, 8);
    g.launch({
      kernel: maxPoolBackwardShader({ MASK: mask }),
      bind: { dOut, winner, dIn: gradient, masked: mask ? x.tensor : undefined },
      params: ({ count }) => ({
        ...work.params(count),
        outH,
        outW,
        stride,
        accumulate: Number(accumulate),
      }),
      grid: ({ count }) => work.grid(count),
    });
  });
  return out;
}
