import type { Graph } from '../../graph/record.ts';
import { asRead, type Read, type Tensor } from '../../graph/tensor.ts';
import { inStrips } from '../grid.ts';
import { shader } from '../shader.ts';
import bilinearSource from './bilinear.wgsl';
import forwardSource from './resize.wgsl';
import backwardSource from './resize_backward.wgsl';

const shared = { bilinear: bilinearSource };
const resizeShader = shader('resize', forwardSource, shared);
const resizeBackwardShader = shader('resize_backward', backwardSource, shared);

/**
 * Bilinear resize of [B, H, W, C] to [B, height, width, C], as PyTorch's `interpolate` with
 * align_corners = false and no antialiasing. It is stored as its input is.
 */
export function resize(
  g: Graph,
  name: string,
  input: Read | Tensor,
  height: number,
  width: number,
): Tensor {
  const x = asRead(input);
  const [, inH, inW, c] = x.tensor.shape;
  const perLoad = c % 4 === 0 ? 4 : 1;
  const type = { TYPE: perLoad === 4 ? 'vec4f' : 'f32' };
  const out = g.activation(name, [height, width, c], x.tensor.dtype);
  const work = inStrips(height, width, c / perLoad, 8);
  g.launch({
    kernel: resizeShader({ ...type, AFFINE: x.affine !== undefined, RELU: x.relu }),
    bind: { x: x.tensor, out, affine: x.affine },
    params: ({ count }) => ({ ...work.params(count), inH, inW }),
    grid: ({ count }) => work.grid(count),
  });
  g.op([x.value], out, (dOut, gradients) => {
    // Behind a batch norm the ReLU's mask is the batch norm's matter.
    const masked = x.relu && !x.affine;
    const { gradient, accumulate } = gradients.into(x.value);
    const back = inStrips(inH, inW, c / perLoad, 8);
    g.launch({
      kernel: resizeBackwardShader({ ...type, RELU: masked }),
      bind: { dOut, dIn: gradient, x: masked ? x.tensor : undefined },
      params: ({ count }) => ({
        ...back.params(count),
        outH: height,
        outW: width,
        accumulate: Number(accumulate),
      }),
      grid: ({ count }) => back.grid(count),
    });
  });
  return out;
}

/**
 * What is read as a tensor of its own, for who must have it stored: a resize to its own size, which
 * changes no value. The network's operations apply their reads as they load.
 */
export function stored(g: Graph, name: string, x: Read): Tensor {
  if (!x.affine && !x.relu) return x.tensor;
  const [, height, width] = x.tensor.shape;
  return resize(g, name, x, height, width);
}
