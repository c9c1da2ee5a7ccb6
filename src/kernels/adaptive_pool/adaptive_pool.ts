import type { Graph } from '../../graph/record.ts';
import { asRead, type Read, type Tensor } from '../../graph/tensor.ts';
import { isGpu } from '../adapter.ts';
import { groups64, inStrips } from '../grid.ts';
import { sumRows } from '../matrix.ts';
import { shader } from '../shader.ts';
import forwardSource from './adaptive_pool.wgsl';
import backwardSource from './adaptive_pool_backward.wgsl';
import binsSource from './bins.wgsl';

const adaptivePoolShader = shader('adaptive_pool', forwardSource, { bins: binsSource });
const adaptivePoolBackwardShader = shader('adaptive_pool_backward', backwardSource, {
  bins: binsSource,
});

/** Pixels of a bin that one invocation sums by itself; a GPU has more invocations than bins. */
const pixelsAtOnce = (g: Graph): number => (isGpu(g.traits) ? 128 : 512);

/**
 * Adaptive average pool of [B, H, W, C] to [B, size, size, C] with torch's bins, also where
 * H < size. `size` 1 is the global average pool. `flat` gives the same values the shape
 * [B, 1, 1, size * size * C]. It is stored as its input is.
 */
export function adaptivePool(
  g: Graph,
  name: string,
  input: Read | Tensor,
  size: number,
  { flat = false }: { flat?: boolean } = {},
): Tensor {
  const x = asRead(input);
  const [, inH, inW, channels] = x.tensor.shape;
  const out = g.activation(
    name,
    flat ? [1, 1, size * size * channels] : [size, size, channels],
    x.tensor.dtype,
  );
  const perLoad = channels % 4 === 0 ? 4 : 1;
  const type = { TYPE: perLoad === 4 ? 'vec4f' : 'f32' };
  const c4 = channels / perLoad;
  const outs = size * size * c4;
  const parts = Math.ceil(((inH / size) * (inW / size)) / pixelsAtOnce(g));
  const partial = parts > 1 ? g.scratch(`${name} partial`, [parts, out.size]) : undefined;
  g.launch({
    kernel: adaptivePoolShader({ ...type, AFFINE: x.affine !== undefined, RELU: x.relu }),
    bind: { x: x.tensor, partial: partial ?? out, affine: x.affine },
    params: ({ first, count }) => ({
      images: count,
      parts,
      size,
      c4,
      inH,
      inW,
      width: g.batch * outs,
      at: partial ? first * outs : 0,
    }),
    grid: ({ count }) => [groups64(count * parts * outs)],
  });
  if (partial) sumRows(g, partial, out);
  g.op([x.value], out, (dOut, gradients) => {
    const { gradient, accumulate } = gradients.into(x.value);
    const mask = x.relu && !x.affine;
    const work = inStrips(inH, inW, c4, 16);
    g.launch({
      kernel: adaptivePoolBackwardShader({ ...type, MASK: mask }),
      bind: { dOut, dIn: gradient, masked: mask ? x.tensor : undefined },
      params: ({ count }) => ({
        ...work.params(count),
        size,
        accumulate: Number(accumulate),
      }),
      grid: ({ count }) => work.grid(count),
    });
  });
  return out;
}
