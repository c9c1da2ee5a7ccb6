import type { Gradients } from '../../graph/gradients.ts';
import type { Graph } from '../../graph/record.ts';
import type { Read, Tensor } from '../../graph/tensor.ts';
import { type Activation, activationFlags, activationIncludes } from '../activation/activation.ts';
import { channelsOf, inStrips } from '../grid.ts';
import { shader } from '../shader.ts';
import forwardSource from './depthwise_strided.wgsl';
import inputSource from './depthwise_strided_input.wgsl';
import weightSource from './depthwise_strided_weight.wgsl';

/** An input, and where its channels begin in the output's, in vec4 units. */
export interface Part {
  read: Read;
  at: number;
  c4: number;
}

/** Weight of a depthwise convolution, and the layout of its windows. */
export interface Windows {
  weight: Tensor;
  bias?: Tensor;
  activation?: Activation;
  stride: number;
  /** Number of padding rows before the first row, and columns before the first column. */
  front: number;
}

const depthwiseStridedShader = shader('depthwise_strided', forwardSource, activationIncludes);
const depthwiseStridedWeightShader = shader('depthwise_strided_weight', weightSource);
const depthwiseStridedInputShader = shader('depthwise_strided_input', inputSource);

/** One input of a depthwise convolution at any stride; see `depthwise`. */
export function stridedForward(
  g: Graph,
  { read, at, c4 }: Part,
  { weight, bias, activation, stride, front }: Windows,
  out: Tensor,
): void {
  const { tensor, affine, relu } = read;
  const [, inH, inW] = tensor.shape;
  const [, outH, outW] = out.shape;
  const work = inStrips(outH, outW, c4, 8);
  g.launch({
    kernel: depthwiseStridedShader({
      AFFINE: affine !== undefined,
      RELU: relu,
      BIAS: bias !== undefined,
      ...activationFlags(activation),
    }),
    bind: { x: tensor, w: weight, out, affine, bias },
    params: ({ count }) => ({
      ...work.params(count),
      inH,
      inW,
      stride,
      pad: front,
      outC4: channelsOf(out) / 4,
      outAt: at,
    }),
    grid: ({ count }) => work.grid(count),
    flops: 18 * g.batch * outH * outW * c4 * 4,
    cheap: true,
  });
}

/**
 * Gradients of one input of it, and of the weight's part that belongs to it.
 * @param partial rows for the weight's gradient, where it is wanted
 */
export function stridedBackward(
  g: Graph,
  { read, at, c4 }: Part,
  { weight, stride, front }: Windows,
  dOut: Tensor,
  gradients: Gradients,
  partial: Tensor | undefined,
): void {
  const { tensor, affine, relu, value } = read;
  const [, inH, inW] = tensor.shape;
  const [, outH, outW, channels] = dOut.shape;
  const flops = 18 * g.batch * outH * outW * c4 * 4;
  const shape = { stride, pad: front, dC4: channels / 4, at };
  if (partial) {
    const work = inStrips(outH, 1, c4, 8);
    g.launch({
      kernel: depthwiseStridedWeightShader({ AFFINE: affine !== undefined, RELU: relu }),
      bind: { x: tensor, dOut, partial, affine },
      params: ({ count, row }) => ({
        ...work.params(count),
        ...shape,
        inH,
        inW,
        outW,
        row0: row,
      }),
      grid: ({ count }) => work.grid(count),
      partial: { tensor: partial, rows: (count) => count * work.strips },
      flops,
    });
  }
  if (!gradients.wants(value)) return;
  const { gradient, accumulate } = gradients.into(value);
  const work = inStrips(inH, inW, c4, 8);
  // A batch norm masks the gradient itself.
  const mask = relu && !affine;
  g.launch({
    kernel: depthwiseStridedInputShader({ MASK: mask }),
    bind: { dOut, w: weight, dX: gradient, x: mask ? tensor : undefined },
    params: ({ count }) => ({
      ...work.params(count),
      ...shape,
      outH,
      outW,
      accumulate: Number(accumulate),
    }),
    grid: ({ count }) => work.grid(count),
    flops,
  });
}
