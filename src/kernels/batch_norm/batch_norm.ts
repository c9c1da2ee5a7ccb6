import type { NormSums } from '../../graph/gradients.ts';
import type { Graph, Slice } from '../../graph/record.ts';
import { type Read, Tensor } from '../../graph/tensor.ts';
import { isGpu } from '../adapter.ts';
import { channelsOf, groups64, inColumns, pixelsOf } from '../grid.ts';
import { shader } from '../shader.ts';
import applySource from './backward_apply.wgsl';
import backwardMergeSource from './backward_merge.wgsl';
import sumsSource from './backward_sums.wgsl';
import sumsTreeSource from './backward_sums_tree.wgsl';
import finaliseSource from './finalise.wgsl';
import mergeSource from './merge.wgsl';
import statisticsSource from './statistics.wgsl';
import statisticsTreeSource from './statistics_tree.wgsl';
import treeSource from './sums_tree.wgsl';

export interface BatchNormParams {
  weight: Tensor;
  bias: Tensor;
  runningMean: Tensor;
  runningVar: Tensor;
}

/** Rows of partial statistics that one invocation still merges by itself. */
const rowsAtOnce = 64;

/** Pixels of a partial row, to foresee how many rows a convolution leaves: any number is right. */
const pixelsOfRow = 32;

/** Pixels that one invocation of the backward takes at least: what it loads for its channels pays. */
const pixelsAtOnce = 16;

const shared = {
  statistics: statisticsSource,
  statistics_tree: statisticsTreeSource,
  sums_tree: treeSource,
};
const bnFinaliseShader = shader('bn_finalise', finaliseSource, shared);
const bnBackwardSumsShader = shader('bn_backward_sums', sumsSource, shared);
const bnBackwardSumsTreeShader = shader('bn_backward_sums', sumsTreeSource, shared);
const bnBackwardMergeShader = shader('bn_backward_merge', backwardMergeSource, shared);
const bnBackwardApplyShader = shader('bn_backward_apply', applySource, shared);
const bnMergeShader = shader('bn_merge', mergeSource, shared);

/** Workgroups without trees: an invocation goes through all rows of its channels. */
const oneEach = { TREE: false, INVOCATIONS: 64, ACROSS: 64, LANES: 1 };

/**
 * How workgroups go through rows [rows, c4]: `ACROSS` groups of four channels side by side, and `LANES`
 * invocations down the rows of each. Software drivers have one for each column.
 */
function workgroups({ traits }: Graph, c4: number, invocations: number) {
  if (!isGpu(traits)) return oneEach;
  const lanes = 2 ** Math.floor(Math.log2(Math.min(128, Math.max(4, invocations / c4))));
  return { TREE: true, INVOCATIONS: 256, ACROSS: 256 / lanes, LANES: lanes };
}

/** Invocations that a merge of partial rows is spread over. */
const mergeSpread = 8192;

/** Invocations that go through a map's pixels: with fewer a GPU waits for its memory. */
const sumsSpread = 1 << 17;

/** Scale and shift of a batch norm, and what its backward takes. */
interface Affine {
  /** Scale and shift [2, C]. */
  affine: Tensor;
  /** Mean and 1 / standard deviation [2, C]. */
  saved: Tensor;
}

/** Records scale and shift. @param stats partial rows of the batch; without, running statistics hold */
function finalise(
  g: Graph,
  name: string,
  params: BatchNormParams,
  { eps, momentum = 0, stats }: { eps: number; momentum?: number; stats?: Tensor },
): Affine {
  const channels = params.weight.size;
  const affine = g.scratch(`${name} affine`, [2, channels]);
  const saved = g.scratch(`${name} statistics`, [2, channels]);
  const groups = stats ? workgroups(g, channels / 4, mergeSpread) : oneEach;
  const launch = {
    kernel: bnFinaliseShader({ TRAINING: stats !== undefined, ...groups }),
    bind: {
      gamma: params.weight,
      beta: params.bias,
      affine,
      saved,
      runningMean: params.runningMean,
      runningVar: params.runningVar,
      stats,
    },
    params: (_: Slice, rows: (tensor: Tensor) => number) => ({
      rows: stats ? rows(stats) : 0,
      c4: channels / 4,
      eps,
      momentum,
    }),
    grid: (): [number] => [Math.ceil(channels / 4 / groups.ACROSS)],
  };
  if (stats) g.launch(launch);
  else g.prepare(launch);
  return { affine, saved };
}

/** Scale and shift [2, C] of a batch norm with its running statistics. */
export const runningAffine = (
  g: Graph,
  name: string,
  params: BatchNormParams,
  { eps }: { eps: number },
): Tensor => finalise(g, name, params, { eps }).affine;

/**
 * Batch norm, and the ReLU behind it, as a way of reading x [B, H, W, C]: nothing of x's size is
 * stored. In training the statistics come from the partial rows (count, mean, M2) of the
 * convolution that made x, and the running ones move as in PyTorch (momentum 0.1, unbiased
 * variance); else the running ones hold.
 */
export function batchNorm(
  g: Graph,
  x: Tensor,
  stats: Tensor | undefined,
  params: BatchNormParams,
  { eps, relu, momentum = 0.1 }: { eps: number; relu: boolean; momentum?: number },
): Read {
  const channels = channelsOf(x);
  const c4 = channels / 4;
  const merged = g.training && stats ? fewRows(g, stats, x) : undefined;
  const { affine, saved } = finalise(g, x.name, params, { eps, momentum, stats: merged });

  // Stands for the value read; it never gets memory.
  const value = new Tensor(`bn ${x.name}`, x.shape, { batched: true, dtype: x.dtype });
  g.op([x, params.weight, params.bias], value, (dOut, gradients) => {
    const wantsParams = gradients.wants(params.weight) || gradients.wants(params.bias);
    const left = gradients.sumsOf(value);
    const means = g.scratch(`${x.name} gradient means`, [2, channels]);
    if (g.training || wantsParams) {
      const { partial, at, dotAt } =
        left ?? gradientSums(g, x, dOut, { saved, affine: relu ? affine : undefined });
      const groups = workgroups(g, c4, mergeSpread);
      g.launch({
        kernel: bnBackwardMergeShader({ GRADS: wantsParams, ...groups }),
        bind: {
          partial,
          means,
          dGamma: wantsParams ? gradients.own(params.weight) : undefined,
          dBeta: wantsParams ? gradients.own(params.bias) : undefined,
        },
        params: (_, rows) => ({
          rows: rows(partial),
          c4,
          width: partial.shape[1] / 4,
          at: at / 4,
          dotAt: dotAt / 4,
          pixels: x.size / channels,
        }),
        grid: () => [Math.ceil(c4 / groups.ACROSS)],
      });
    }
    if (!gradients.wants(x)) return;
    const into = gradients.into(x);
    if (left?.store) {
      left.store(into, { affine, means });
      return;
    }
    const { gradient, accumulate } = into;
    const work = inColumns(pixelsOf(x), c4, pixelsAtOnce);
    g.launch({
      kernel: bnBackwardApplyShader({
        TRAINING: g.training,
        RELU: relu,
        NEEDX: relu || g.training,
      }),
      bind: {
        dOut,
        affine,
        dX: gradient,
        x: relu || g.training ? x : undefined,
        saved: g.training ? saved : undefined,
        means: g.training ? means : undefined,
      },
      params: ({ count }) => ({ ...work.params(count), accumulate: Number(accumulate) }),
      grid: ({ count }) => work.grid(count),
    });
  });
  return { tensor: x, affine, relu, saved: g.training ? saved : undefined, value };
}

/** Records sums over the pixels, where no operation has left them: of the gradient, and of the gradient times the normalised x. */
function gradientSums(
  g: Graph,
  x: Tensor,
  dOut: Tensor,
  { saved, affine }: { saved: Tensor; affine?: Tensor },
): NormSums {
  const channels = channelsOf(x);
  const c4 = channels / 4;
  const partial = g.partialRows(`${x.name} gradient sums`, channels * 2);
  const sums = { partial, at: 0, dotAt: channels };
  const bind = { x, dOut, saved, partial, affine };
  const RELU = affine !== undefined;
  if (!isGpu(g.traits)) {
    // About 4,096 invocations; more would only leave more partial rows.
    const work = inColumns(pixelsOf(x), c4, pixelsAtOnce, Math.ceil(4096 / c4));
    g.launch({
      kernel: bnBackwardSumsShader({ RELU }),
      bind,
      params: ({ count, row }) => ({ ...work.params(count), row0: row }),
      grid: ({ count }) => work.grid(count),
      partial: { tensor: partial, rows: work.chunksOf },
    });
    return sums;
  }
  const across = Math.min(16, 2 ** Math.ceil(Math.log2(c4)));
  const groups = { INVOCATIONS: 256, ACROSS: across, LANES: 256 / across };
  const most = Math.ceil(sumsSpread / (c4 * groups.LANES));
  const work = inColumns(pixelsOf(x), c4, groups.LANES * 4, most);
  g.launch({
    kernel: bnBackwardSumsTreeShader({ RELU, ...groups }),
    bind,
    params: ({ count, row }) => ({ ...work.params(count), row0: row }),
    grid: ({ count }) => [Math.ceil(c4 / across), work.chunksOf(count)],
    partial: { tensor: partial, rows: work.chunksOf },
  });
  return sums;
}

/** Merges partial rows to about the square root of their number, where they are many. */
function fewRows(g: Graph, stats: Tensor, x: Tensor): Tensor {
  const c4 = channelsOf(x) / 4;
  const rows = x.size / channelsOf(x) / pixelsOfRow;
  if (rows <= rowsAtOnce || isGpu(g.traits)) return stats;
  const chunks = Math.ceil(Math.sqrt(rows));
  const merged = g.scratch(`${stats.name} merged`, [chunks, stats.shape[1]]);
  g.launch({
    kernel: bnMergeShader(),
    bind: { stats, out: merged },
    params: (_, rowsOf) => {
      const rows = rowsOf(stats);
      return { rows, chunk: Math.ceil(rows / chunks), chunks, c4 };
    },
    grid: () => [groups64(chunks * c4)],
  });
  return merged;
}
