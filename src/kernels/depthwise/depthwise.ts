import { kernel } from '../../gpu/pipeline.ts';
import type { Graph } from '../../graph/record.ts';
import { asRead, type Read, type Tensor } from '../../graph/tensor.ts';
import { groups64 } from '../grid.ts';
import { axis, unpack } from '../matrix.ts';
import forwardSource from './depthwise.wgsl';
import filterSource from './depthwise_filter.wgsl';

/** A range of channels of a tensor, in vec4 units. */
interface Range {
  c4: number;
  at: number;
}

const channelsOf = (tensor: Tensor): number => tensor.shape[3];

/** Rows an invocation rolls over: a strip shares its borders' loads, many strips fill a GPU. */
const stripOf = (height: number): { strips: number; strip: number } => {
  const strips = Math.ceil(height / 28);
  return { strips, strip: Math.ceil(height / strips) };
};

function rolling(
  g: Graph,
  name: string,
  x: Read,
  from: Range,
  w: Tensor,
  out: Tensor,
  to: Range,
  options: {
    channels: number;
    filterAt: number;
    flip: boolean;
    accumulate: boolean;
    masked?: Tensor;
  },
): void {
  const [, height, width] = out.shape;
  const c4 = options.channels / 4;
  const pairs = Math.ceil(width / 2);
  const { strips, strip } = stripOf(height);
  g.launch({
    kernel: kernel(name, forwardSource, {
      AFFINE: x.affine !== undefined,
      RELU: x.relu,
      MASK: options.masked !== undefined,
      FLIP: options.flip,
    }),
    bind: {
      x: x.tensor,
      w,
      out,
      ...(x.affine && { affine: x.affine }),
      ...(options.masked && { masked: options.masked }),
    },
    params: ({ count }) => ({
      invocations: count * strips * pairs * c4,
      c4,
      pairs,
      height,
      width,
      strips,
      strip,
      inC4: from.c4,
      inAt: from.at,
      outC4: to.c4,
      outAt: to.at,
      filterAt: options.filterAt,
      accumulate: Number(options.accumulate),
    }),
    grid: ({ count }) => [groups64(count * strips * pairs * c4)],
    flops: 18 * g.batch * height * width * options.channels,
  });
}

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
  const parts = inputs.map(asRead);
  const [, height, width] = parts[0].tensor.shape;
  const channels = weight.shape[0];
  const out = g.activation(name, [height, width, channels]);
  const starts: number[] = [];
  parts.reduce((at, part) => {
    starts.push(at);
    return at + channelsOf(part.tensor);
  }, 0);
  const whole = (i: number): Range => ({ c4: channels / 4, at: starts[i] / 4 });
  const own = (part: Read): Range => ({ c4: channelsOf(part.tensor) / 4, at: 0 });

  parts.forEach((part, i) => {
    rolling(g, 'depthwise', part, own(part), weight, out, whole(i), {
      channels: channelsOf(part.tensor),
      filterAt: starts[i],
      flip: false,
      accumulate: false,
    });
  });

  g.op([...parts.map((part) => part.value), weight], out, (dOut, gradients) => {
    if (gradients.wants(weight)) {
      const partial = g.partialRows(`partial d ${weight.name}`, 9 * channels);
      const strips = Math.ceil(height / 16);
      parts.forEach((part, i) => {
        const c4 = channelsOf(part.tensor) / 4;
        g.launch({
          kernel: kernel('depthwise_filter', filterSource, {
            AFFINE: part.affine !== undefined,
            RELU: part.relu,
          }),
          bind: { x: part.tensor, dOut, partial, ...(part.affine && { affine: part.affine }) },
          params: ({ count, row }) => ({
            invocations: count * strips * c4,
            c4,
            height,
            width,
            strips,
            strip: Math.ceil(height / strips),
            dC4: channels / 4,
            dAt: starts[i] / 4,
            filterC4: channels / 4,
            filterAt: starts[i] / 4,
            row0: row,
          }),
          grid: ({ count }) => [groups64(count * strips * c4)],
          partial: { tensor: partial, rows: (count) => count * strips },
          flops: 18 * g.batch * height * width * c4 * 4,
        });
      });
      const view = { rows: axis(9, 1), columns: axis(channels, 9), base: 0 };
      unpack(g, partial, gradients.own(weight), view);
    }
    parts.forEach((part, i) => {
      if (!gradients.wants(part.value)) return;
      const { gradient, accumulate } = gradients.into(part.value);
      rolling(g, 'depthwise_dx', asRead(dOut), whole(i), weight, gradient, own(part), {
        channels: channelsOf(part.tensor),
        filterAt: starts[i],
        flip: true,
        accumulate,
        masked: part.relu && !part.affine ? part.tensor : undefined,
      });
    });
  });
  return out;
}
