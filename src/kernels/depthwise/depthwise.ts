import type { Gradients } from '../../graph/gradients.ts';
import type { Graph } from '../../graph/record.ts';
import { asRead, type Read, type Tensor } from '../../graph/tensor.ts';
import {
  type Activation,
  activationFlags,
  activationIncludes,
  beforeActivation,
} from '../activation/activation.ts';
import { isGpu } from '../adapter.ts';
import { columnSums } from '../column_sums/column_sums.ts';
import { channelsOf, inStrips } from '../grid.ts';
import { axis, unpack } from '../matrix.ts';
import { type Padding, windowsOn } from '../padding.ts';
import { shader } from '../shader.ts';
import forwardSource from './depthwise.wgsl';
import backwardSource from './depthwise_backward.wgsl';
import { type Part, stridedBackward, stridedForward, type Windows } from './strided.ts';

export interface DepthwiseOptions {
  stride?: 1 | 2;
  /** Padding (default `torch`: one row and column of zeros on every side). */
  pad?: Padding;
  /** Bias [C], added to each sum. */
  bias?: Tensor;
  /** Activation through which sums are stored. */
  activation?: Activation;
}

/** Columns that an invocation of the backward goes along on a GPU, which has more of them than rows. */
const columnsAtMost = 28;

const depthwiseShader = shader('depthwise', forwardSource, activationIncludes);
const depthwiseBackwardShader = shader('depthwise_backward', backwardSource, activationIncludes);

/**
 * 3x3 depthwise convolution, weight [C, 1, 3, 3], over the concatenation of `inputs` [B, H, W, Ci]
 * along the channels (C = sum of Ci), which is never stored: each input is read in its own way and
 * fills its range of the output's channels.
 */
export function depthwise(
  g: Graph,
  name: string,
  inputs: readonly (Read | Tensor)[],
  weight: Tensor,
  { stride = 1, pad = 'torch', bias, activation }: DepthwiseOptions = {},
): Tensor {
  let at = 0;
  const parts: Part[] = inputs.map(asRead).map((read) => {
    const part = { read, at, c4: channelsOf(read.tensor) / 4 };
    at += part.c4;
    return part;
  });
  const { outH, outW, front } = windowsOn(
    name,
    parts[0].read.tensor.shape.slice(1, 3),
    3,
    stride,
    pad,
  );
  const out = g.activation(name, [outH, outW, weight.shape[0]]);
  const windows: Windows = { weight, bias, activation, stride, front };
  const rolling = stride === 1 && front === 1;
  for (const part of parts) (rolling ? forward : stridedForward)(g, part, windows, out);
  const values = parts.map(({ read }) => read.value);
  g.op([...values, weight, ...(bias ? [bias] : [])], out, (dResult, gradients) => {
    const dOut = beforeActivation(g, activation, out, dResult);
    if (bias && gradients.wants(bias)) columnSums(g, dOut, gradients.own(bias));
    const channels = channelsOf(dOut);
    const partial = gradients.wants(weight)
      ? g.partialRows(`partial d ${weight.name}`, (rolling ? termsOf(parts) : 9) * channels)
      : undefined;
    for (const part of parts) {
      (rolling ? backward : stridedBackward)(g, part, windows, dOut, gradients, partial);
    }
    if (!partial) return;
    const view = { rows: axis(9, 1), columns: axis(channels, 9), base: 0 };
    unpack(g, partial, gradients.own(weight), view);
  });
  return out;
}

/** Sums of a channel in a partial row of the backward: nine of the weight, two of a batch norm. */
const termsOf = (parts: readonly Part[]): number => (parts.some(({ read }) => read.saved) ? 11 : 9);

function forward(
  g: Graph,
  { read, at, c4 }: Part,
  { weight, bias, activation }: Windows,
  out: Tensor,
): void {
  const { tensor, affine, relu } = read;
  const [, height, width] = out.shape;
  const work = inStrips(height, Math.ceil(width / 2), c4, 28);
  g.launch({
    kernel: depthwiseShader({
      AFFINE: affine !== undefined,
      RELU: relu,
      BIAS: bias !== undefined,
      ...activationFlags(activation),
    }),
    bind: { x: tensor, w: weight, out, affine, bias },
    params: ({ count }) => ({
      ...work.params(count),
      width,
      outC4: channelsOf(out) / 4,
      outAt: at,
    }),
    grid: ({ count }) => work.grid(count),
    flops: 18 * g.batch * height * width * c4 * 4,
    cheap: true,
  });
}

function backward(
  g: Graph,
  { read, at, c4 }: Part,
  { weight }: Windows,
  dOut: Tensor,
  gradients: Gradients,
  partial: Tensor | undefined,
): void {
  const [, height, width, channels] = dOut.shape;
  const { tensor, affine, relu, saved, value } = read;
  const into = gradients.wants(value) ? gradients.into(value) : undefined;
  if (!partial && !into) return;
  const pieces = isGpu(g.traits) ? Math.ceil(width / columnsAtMost) : 1;
  const work = inStrips(height, pieces, c4, 8);
  const products = Number(partial !== undefined) + Number(into !== undefined);
  const sums = partial && into && gradients.isLast(value) ? saved : undefined;
  if (partial && sums) {
    gradients.leaveSums(value, {
      partial,
      at: 9 * channels + at * 4,
      dotAt: 10 * channels + at * 4,
    });
  }
  const flags = {
    DW: partial !== undefined,
    DX: into !== undefined,
    AFFINE: partial !== undefined && affine !== undefined,
    RELU: relu,
    // A batch norm masks the gradient itself.
    MASK: into !== undefined && relu && !affine,
    SUMS: sums !== undefined,
  };
  const needX = flags.DW || flags.MASK;
  g.launch({
    kernel: depthwiseBackwardShader({
      ...flags,
      NEEDX: needX,
      TERMS: partial ? partial.shape[1] / channels : 0,
    }),
    bind: {
      dOut,
      x: needX ? tensor : undefined,
      affine: flags.AFFINE ? affine : undefined,
      w: into ? weight : undefined,
      dX: into?.gradient,
      partial,
      saved: sums,
    },
    params: ({ count, row }) => ({
      ...work.params(count),
      width,
      piece: Math.ceil(width / pieces),
      dC4: channels / 4,
      at,
      row0: row,
      accumulate: Number(into?.accumulate ?? false),
    }),
    grid: ({ count }) => work.grid(count),
    partial: partial && { tensor: partial, rows: (count) => count * work.strips * pieces },
    flops: products * 18 * g.batch * height * width * c4 * 4,
  });
}
