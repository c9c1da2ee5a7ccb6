import { LlsmError } from '../../base/errors.ts';
import type { Graph } from '../../graph/record.ts';
import type { Read, Tensor } from '../../graph/tensor.ts';
import { isGpu } from '../adapter.ts';
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
      const half = 1 - pad;
      const rows = outH + half;
      const across = outW + half;
      const shape = { inH, inW, outH, outW, pad };
      const apart = { dOut, winner, shape, rows, across, c4 };
      // A software driver stores sooner than it goes through the windows twice.
      const stores = !isGpu(g.traits) || !main.saved || !gradients.isInner(main.value);
      if (stores) {
        storeGradient(g, apart, gradients.into(main.value));
      } else {
        // Its gradient gets no memory: the batch norm has it taken through itself.
        gradients.into(main.value);
        const norm = { mainX: main.tensor, saved: main.saved };
        const partial = sumGradient(g, apart, norm);
        gradients.leaveSums(main.value, {
          partial,
          at: 0,
          dotAt: channels,
          store: (into, through) => storeGradient(g, apart, into, { ...norm, ...through }),
        });
      }
    }
    passOn(g, gradients, skip.value, dOut);
  });
  return out;
}

/** What the launches of the pool's gradient have in common. */
interface Pooled {
  dOut: Tensor;
  winner: Tensor;
  shape: { inH: number; inW: number; outH: number; outW: number; pad: number };
  /** Blocks of two by two pixels, down and across. */
  rows: number;
  across: number;
  c4: number;
}

/** Records the gradient of the pool's input, or with `norm` that of what the norm reads. */
function storeGradient(
  g: Graph,
  { dOut, winner, shape, rows, across, c4 }: Pooled,
  { gradient, accumulate }: { gradient: Tensor; accumulate: boolean },
  norm?: { mainX: Tensor; saved: Tensor; affine: Tensor; means: Tensor },
): void {
  const blocks = inStrips(rows, across, c4, 8);
  const NORM = norm !== undefined;
  g.launch({
    kernel: poolBackwardShader({ NORM, SUMS: false, APPLY: NORM }),
    bind: { dOut, winner, dIn: gradient, ...norm },
    params: ({ count }) => ({
      ...blocks.params(count),
      ...shape,
      accumulate: Number(accumulate),
      row0: 0,
    }),
    grid: ({ count }) => blocks.grid(count),
  });
}

/** Pixels down that a partial row of sums is over: few rows to merge, enough to fill a GPU. */
const rowsOfSums = 28;

/** Records the sums that a batch norm takes of the pool's gradient, which is not stored. */
function sumGradient(
  g: Graph,
  { dOut, winner, shape, rows, across, c4 }: Pooled,
  norm: { mainX: Tensor; saved: Tensor },
): Tensor {
  const blocks = inStrips(rows, across, c4, rowsOfSums);
  const partial = g.partialRows(`${norm.mainX.name} gradient sums`, c4 * 8);
  g.launch({
    kernel: poolBackwardShader({ NORM: true, SUMS: true, APPLY: false }),
    bind: { dOut, winner, partial, ...norm },
    params: ({ count, row }) => ({
      ...blocks.params(count),
      ...shape,
      accumulate: 0,
      row0: row,
    }),
    grid: ({ count }) => blocks.grid(count),
    partial: { tensor: partial, rows: (count) => count * blocks.strips * across },
  });
  return partial;
}
