import { Random } from '../../base/random.ts';
import type { Graph } from '../../graph/record.ts';
import type { Tensor } from '../../graph/tensor.ts';
import type { Loss } from '../bce/bce.ts';
import { groups64 } from '../grid.ts';
import { shader } from '../shader.ts';
import { depthScale, headFlags, readFlags } from './common.ts';
import type { Features, Side } from './features.ts';
import { finishLoss, type SideSums } from './finish.ts';
import gatherSource from './sampled_gather.wgsl';
import pairsSource from './sampled_pairs.wgsl';
import sumsSource from './sampled_sums.wgsl';
import throughSource from './through.wgsl';

const sampledPairsShader = shader('sampled_pairs', pairsSource, { through: throughSource });
const sampledSumsShader = shader('sampled_sums', sumsSource);
const sampledGatherShader = shader('sampled_gather', gatherSource, { through: throughSource });

/** The drawn pairs (i, j) of each image, as inputs of u32 values. */
export interface PairInputs {
  /** Positions [B, n, 2] of each pair: i (the first) and j (the second), ordered by i. */
  drawn: Tensor;
  /** Starts [B, HW + 1] of the pairs of each i in `firstOrder` [B, n], which gives the pair. */
  firstStarts: Tensor;
  firstOrder: Tensor;
  /** Starts [B, HW + 1] of the pairs of each j in `secondOrder` [B, n], which gives the pair. */
  secondStarts: Tensor;
  secondOrder: Tensor;
}

export type PairInputsData = { [K in keyof PairInputs]: Uint32Array };

/** The inputs of `n` drawn pairs an image. */
export function pairInputs(g: Graph, { height, width }: Features, n: number): PairInputs {
  const positions = height * width;
  return {
    drawn: g.input('pairs drawn', [n, 2]),
    firstStarts: g.input('pair first starts', [positions + 1]),
    firstOrder: g.input('pair first order', [n]),
    secondStarts: g.input('pair second starts', [positions + 1]),
    secondOrder: g.input('pair second order', [n]),
  };
}

/**
 * n pairs of positions for each of `count` images, uniform and independent, with repetition: a
 * pure function of (seed, step, firstItem + image).
 */
export function drawPairs(
  seed: number,
  step: number,
  firstItem: number,
  count: number,
  positions: number,
  n: number,
): PairInputsData {
  const list = (): Uint32Array => new Uint32Array(count * n);
  const starts = (): Uint32Array => new Uint32Array(count * (positions + 1));
  const data: PairInputsData = {
    drawn: new Uint32Array(count * n * 2),
    firstStarts: starts(),
    firstOrder: list(),
    secondStarts: starts(),
    secondOrder: list(),
  };
  for (let image = 0; image < count; image++) {
    const random = new Random(seed, 'pairs', step, firstItem + image);
    // A pair as one number, first * positions + second, which sorts without an object each.
    const pairs = new Float64Array(n);
    for (let k = 0; k < n; k++) {
      pairs[k] = random.int(positions) * positions + random.int(positions);
    }
    pairs.sort();
    const first = new Uint32Array(n);
    const second = new Uint32Array(n);
    for (let k = 0; k < n; k++) {
      const at = (image * n + k) * 2;
      data.drawn[at] = first[k] = Math.floor(pairs[k] / positions);
      data.drawn[at + 1] = second[k] = pairs[k] % positions;
    }
    const part = (values: Uint32Array, size: number): Uint32Array =>
      values.subarray(image * size, (image + 1) * size);
    lists(first, part(data.firstStarts, positions + 1), part(data.firstOrder, n));
    lists(second, part(data.secondStarts, positions + 1), part(data.secondOrder, n));
  }
  return data;
}

/** Sorts by counting: `order` gets the places of each value, `starts` where each value's places begin. */
function lists(values: Uint32Array, starts: Uint32Array, order: Uint32Array): void {
  for (const value of values) starts[value + 1]++;
  for (let i = 1; i < starts.length; i++) starts[i] += starts[i - 1];
  const next = starts.slice();
  for (let at = 0; at < values.length; at++) order[next[values[at]]++] = at;
}

/** Pairs of a partial row: few enough rows to add up cheaply, enough that a batch fills a GPU. */
const pairsPerRow = 32;

/**
 * The pair loss over drawn pairs: as `llsmLoss`, the mean over n pairs in place of all HW^2 (the
 * paper's future work, section V).
 */
export function llsmSampledLoss(
  g: Graph,
  features: Features,
  target: Tensor,
  share: Tensor,
  pairs: PairInputs,
  { scale, grad }: { scale: number; grad: boolean },
): Loss {
  const { head, height, width, depth, left, right, weight, bias } = features;
  const positions = height * width;
  const flags = { ...headFlags(head), ...readFlags(left), WEIGHT: weight !== undefined };
  const affine = left.affine && { affine: left.affine };
  const n = pairs.drawn.shape[1];
  const rows = Math.ceil(n / pairsPerRow);
  const partial = g.partialRows('pair loss', 2);
  const each = g.activation('loss and dz of pairs', [n, 2], 'f32');
  g.launch({
    kernel: sampledPairsShader(flags),
    bind: {
      left: left.tensor,
      right: right.tensor,
      bias,
      truth: target,
      drawn: pairs.drawn,
      each,
      weight,
      ...affine,
    },
    params: ({ count }) => ({
      count,
      pairs: n,
      positions,
      depth,
      leftChannels: left.tensor.shape[3],
      leftAt: left.at,
      rightChannels: right.tensor.shape[3],
      rightAt: right.at,
      depthScale: depthScale(features),
    }),
    grid: ({ count }) => [groups64(count * n)],
  });
  // Apart: with the sums' bindings the pairs' kernel would have more than every adapter allows.
  g.launch({
    kernel: sampledSumsShader(),
    bind: { each, share, partial },
    params: ({ count, row }) => ({ count, pairs: n, rows, pairShare: 1 / n, row0: row }),
    grid: ({ count }) => [groups64(count * rows)],
    partial: { tensor: partial, rows: (count) => count * rows },
  });
  if (!grad) return { partial, seeds: new Map() };

  const gather = (own: Side, other: Side, by: 'first' | 'second'): SideSums => {
    const sums = g.activation(`sums of pair ${by}`, [positions, depth], 'f32');
    g.launch({
      kernel: sampledGatherShader({ ...flags, PARTNER: by === 'first' ? 'y' : 'x' }),
      bind: {
        own: own.tensor,
        other: other.tensor,
        each,
        starts: pairs[`${by}Starts`],
        order: pairs[`${by}Order`],
        drawn: pairs.drawn,
        sums,
        ...affine,
      },
      params: ({ count }) => ({
        count: count * positions * depth,
        pairs: n,
        positions,
        depth,
        ownChannels: own.tensor.shape[3],
        ownAt: own.at,
        otherChannels: other.tensor.shape[3],
        otherAt: other.at,
      }),
      grid: ({ count }) => [groups64(count * positions * depth)],
    });
    return {
      side: own,
      tensor: sums,
      strideImage: positions * depth,
      strideDepth: 1,
      stridePosition: depth,
    };
  };
  const sums = [gather(left, right, 'first'), gather(right, left, 'second')];
  const shares = { scale, gradientShare: scale / n };
  return { partial, seeds: finishLoss(g, features, sums, partial, share, shares) };
}
