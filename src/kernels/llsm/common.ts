import { kernel } from '../../gpu/pipeline.ts';
import { gradientTensor } from '../../graph/backward.ts';
import type { Graph } from '../../graph/record.ts';
import type { Tensor } from '../../graph/tensor.ts';
import type { Loss } from '../bce/bce.ts';
import { groups64 } from '../grid.ts';
import { axis, sumRows, unpack } from '../matrix.ts';
import type { Features, PairHead, Side } from './features.ts';
import finishSource from './finish.wgsl';
import weightSource from './weight_gradient.wgsl';

/** The shader's flags for a head. */
export const headFlags = (head: PairHead) => ({
  LINEAR: head === 'linear',
  MLP: head === 'mlp',
  ABSDIFF: head === 'absdiff',
  BILINEAR: head === 'bilinear',
});

/** `bilinear` divides by sqrt(D). */
export const depthScale = ({ head, depth }: Features): number =>
  head === 'bilinear' ? 1 / Math.sqrt(depth) : 1;

/** The sums over pairs of one side, [B, ...] in an order of their own (strides in values). */
export interface SideSums {
  tensor: Tensor;
  strideImage: number;
  strideDepth: number;
  stridePosition: number;
}

/**
 * The last step of a pair loss: from sums over pairs to the gradients of features, weights and bias.
 * @param sums of the left and the right side; over all pairs of one side (`absdiff`), of the left alone
 * @param pairShare what a pair counts in the mean over an image's pairs
 */
export function finishLoss(
  g: Graph,
  features: Features,
  sums: readonly SideSums[],
  partial: Tensor,
  share: Tensor,
  { scale, pairShare }: { scale: number; pairShare: number },
): Loss {
  const { depth, left, right, weight, bias } = features;
  const seeds = new Map<Tensor, Tensor>();
  // Over all pairs (i, j) and (j, i) of one side, z and t are symmetric: the other half is the same.
  const halves = sums.length === 1 ? 2 : 1;
  const factor = scale * pairShare * halves;
  const sides = [left, right].slice(0, sums.length);
  sides.forEach((side, i) => {
    const dX = seeds.get(side.tensor) ?? gradientTensor(side.tensor);
    seeds.set(side.tensor, dX);
    const accumulate = i > 0 && side === left;
    finishSide(g, features, side, sums[i], share, dX, factor * depthScale(features), accumulate);
  });
  if (weight) {
    const dWeight = gradientTensor(weight);
    seeds.set(weight, dWeight);
    // A row for each side and image.
    const rows = g.scratch(`partial ${dWeight.name}`, [sides.length * g.batch, depth]);
    sides.forEach((side, i) => {
      weightSums(g, features, side, sums[i], share, rows, i * g.batch, factor);
    });
    sumRows(g, rows, dWeight);
  }
  const dBias = gradientTensor(bias);
  seeds.set(bias, dBias);
  unpack(g, partial, dBias, { rows: axis(1, 0), columns: axis(1, 1), base: 0 }, { scale, from: 1 });
  return { partial, seeds };
}

function finishSide(
  g: Graph,
  { height, width, depth, weight }: Features,
  { tensor, at }: Side,
  { tensor: gradient, ...strides }: SideSums,
  share: Tensor,
  dX: Tensor,
  factor: number,
  accumulate: boolean,
): void {
  const positions = height * width;
  const channels = tensor.shape[3];
  // The last side also clears the channels behind it, which pad the tensor.
  const span = at + depth + 4 > channels ? channels - at : depth;
  g.launch({
    kernel: kernel('pair_finish', finishSource, { WEIGHT: weight !== undefined }),
    bind: { gradient, share, dX, ...(weight && { weight }) },
    params: ({ count }) => ({
      count: count * positions * span,
      positions,
      channels,
      depth,
      at,
      width: span,
      ...strides,
      factor,
      accumulate: Number(accumulate),
    }),
    grid: ({ count }) => [groups64(count * positions * span)],
  });
}

function weightSums(
  g: Graph,
  { height, width, depth }: Features,
  { tensor, at }: Side,
  { tensor: gradient, ...strides }: SideSums,
  share: Tensor,
  partial: Tensor,
  row: number,
  factor: number,
): void {
  g.launch({
    kernel: kernel('pair_weight', weightSource),
    bind: { x: tensor, gradient, share, partial },
    params: ({ first, count }) => ({
      count: count * depth,
      positions: height * width,
      channels: tensor.shape[3],
      depth,
      at,
      ...strides,
      factor,
      row0: row + first,
    }),
    grid: ({ count }) => [groups64(count * depth)],
  });
}
