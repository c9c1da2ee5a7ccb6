import { kernel } from '../../gpu/pipeline.ts';
import type { Gradients } from '../../graph/backward.ts';
import type { Graph } from '../../graph/record.ts';
import { asRead, type Read, type Tensor } from '../../graph/tensor.ts';
import { channelsOf, inStrips } from '../grid.ts';
import { axis, unpack } from '../matrix.ts';
import stripSource from '../strip.wgsl';
import forwardSource from './depthwise.wgsl';
import backwardSource from './depthwise_backward.wgsl';

/** An input, and where its channels begin in the output's, in vec4 units. */
interface Part {
  read: Read;
  at: number;
  c4: number;
}

const shared = { strip: stripSource };

/**
 * 3x3 depthwise convolution, stride 1, padding 1, weight [C, 1, 3, 3], over the concatenation of
 * `inputs` [B, H, W, Ci] along the channels (C = sum of Ci), which is never stored: each input is
 * read in its own way and fills its range of the output's channels.
 */
export function depthwise(
  g: Graph,
  name: string,
  inputs: readonly (Read | Tensor)[],
  weight: Tensor,
): Tensor {
  let at = 0;
  const parts: Part[] = inputs.map(asRead).map((read) => {
    const part = { read, at, c4: channelsOf(read.tensor) / 4 };
    at += part.c4;
    return part;
  });
  const [, height, width] = parts[0].read.tensor.shape;
  const out = g.activation(name, [height, width, weight.shape[0]]);
  for (const part of parts) forward(g, part, weight, out);
  const values = parts.map(({ read }) => read.value);
  g.op([...values, weight], out, (dOut, gradients) => {
    backward(g, parts, weight, dOut, gradients);
  });
  return out;
}

function forward(g: Graph, { read, at, c4 }: Part, weight: Tensor, out: Tensor): void {
  const { tensor, affine, relu } = read;
  const [, height, width] = out.shape;
  const work = inStrips(height, Math.ceil(width / 2), c4, 28);
  g.launch({
    kernel: kernel(
      'depthwise',
      forwardSource,
      { AFFINE: affine !== undefined, RELU: relu },
      shared,
    ),
    bind: { x: tensor, w: weight, out, ...(affine && { affine }) },
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
  parts: readonly Part[],
  weight: Tensor,
  dOut: Tensor,
  gradients: Gradients,
): void {
  const [, height, width, channels] = dOut.shape;
  const partial = gradients.wants(weight)
    ? g.partialRows(`partial d ${weight.name}`, 9 * channels)
    : undefined;
  for (const { read, at, c4 } of parts) {
    const { tensor, affine, relu, value } = read;
    const into = gradients.wants(value) ? gradients.into(value) : undefined;
    if (!partial && !into) continue;
    const work = inStrips(height, 1, c4, 8);
    const products = Number(partial !== undefined) + Number(into !== undefined);
    const flags = {
      DW: partial !== undefined,
      DX: into !== undefined,
      AFFINE: partial !== undefined && affine !== undefined,
      RELU: relu,
      // A batch norm masks the gradient itself.
      MASK: into !== undefined && relu && !affine,
    };
    const needX = flags.DW || flags.MASK;
    g.launch({
      kernel: kernel('depthwise_backward', backwardSource, { ...flags, NEEDX: needX }, shared),
      bind: {
        dOut,
        ...(needX && { x: tensor }),
        ...(flags.AFFINE && { affine }),
        ...(into && { w: weight, dX: into.gradient }),
        ...(partial && { partial }),
      },
      params: ({ count, row }) => ({
        ...work.params(count),
        width,
        dC4: channels / 4,
        at,
        row0: row,
        accumulate: Number(into?.accumulate ?? false),
      }),
      grid: ({ count }) => work.grid(count),
      partial: partial && { tensor: partial, rows: (count) => count * work.strips },
      flops: products * 18 * g.batch * height * width * c4 * 4,
    });
  }
  if (!partial) return;
  const view = { rows: axis(9, 1), columns: axis(channels, 9), base: 0 };
  unpack(g, partial, gradients.own(weight), view);
}
