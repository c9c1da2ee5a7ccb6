import { LlsmError } from '../../errors.ts';
import { kernel } from '../../gpu/pipeline.ts';
import type { Graph } from '../../graph/record.ts';
import type { Tensor } from '../../graph/tensor.ts';
import type { Loss } from '../bce/bce.ts';
import { groups64 } from '../grid.ts';
import { depthScale, finishLoss, headFlags, type SideSums } from './common.ts';
import type { Features, Side } from './features.ts';
import { largestMap } from './largest-map.ts';
import othersSource from './others.wgsl';
import pairsSource from './pairs.wgsl';
import transposeSource from './transpose.wgsl';

export { type Features, llsmFeatures } from './features.ts';

/**
 * The logits z_ij of all pairs of positions, [B, HW, HW], row i, column j: above 0, more likely of
 * different sources than not (1 means dissimilar; paper equations 1 to 4).
 * @throws LlsmError above 4,096 positions, where the map alone would take 64 MiB and more
 */
export function llsmMap(g: Graph, features: Features): Tensor {
  const positions = features.height * features.width;
  if (positions > largestMap) {
    throw new LlsmError(
      `The pair map of ${features.height} x ${features.width} positions is larger than ` +
        `${largestMap} x ${largestMap}: take a deeper llsm.tap or a smaller size, or leave the map out`,
    );
  }
  const out = g.activation('similarity', [positions, positions], 'f32');
  const { left, right } = planes(g, features);
  launchPairs(g, features, left, right, { out });
  return out;
}

/**
 * The pair loss (paper equation 5): the sum over items of share[b] * mean over all pairs of
 * BCE(z_ij, t_ij), with t_ij = 1 where |m_i - m_j| > 0.5. Logits, targets and their gradients are made
 * tile by tile and never stored; the gradients come out at once.
 * @param target the pooled mask [B, H, W, 1]; `share` [B], 0 for an item without a mask
 */
export function llsmLoss(
  g: Graph,
  features: Features,
  target: Tensor,
  share: Tensor,
  { scale, grad }: { scale: number; grad: boolean },
): Loss {
  const { left, right } = planes(g, features);
  const pairShare = 1 / (features.height * features.width) ** 2;
  const sums = (side: Plane): Tensor | undefined =>
    grad ? g.activation(`sums ${side.tensor.name}`, side.tensor.shape.slice(1), 'f32') : undefined;
  const leftSums = sums(left);
  const partial = launchLoss(g, features, left, right, { target, share, pairShare }, leftSums);
  if (!leftSums) return { partial, seeds: new Map() };
  const made: SideSums[] = [sideSums(left, leftSums)];
  if (left !== right) {
    const rightSums = sums(right) as Tensor;
    launchLoss(g, features, right, left, { target, share, pairShare }, rightSums);
    made.push(sideSums(right, rightSums));
  }
  return finishLoss(g, features, made, partial, share, { scale, pairShare });
}

/** A side as [B, depth, padded positions]. */
interface Plane {
  tensor: Tensor;
  padded: number;
}

/** The tile's width in the shader: padding to it leaves no remainder. */
const tile = 16;

function planes(g: Graph, features: Features): { left: Plane; right: Plane } {
  const left = transpose(g, features, features.left, 'left');
  if (features.left === features.right) return { left, right: left };
  return { left, right: transpose(g, features, features.right, 'right') };
}

function transpose(g: Graph, { height, width, depth }: Features, side: Side, name: string): Plane {
  const positions = height * width;
  const padded = Math.ceil(positions / tile) * tile;
  const out = g.activation(`pair ${name}`, [depth, padded]);
  g.launch({
    kernel: kernel('pair_transpose', transposeSource),
    bind: { x: side.tensor, out },
    params: ({ count }) => ({
      count: count * depth * padded,
      depth,
      at: side.at,
      channels: side.tensor.shape[3],
      positions,
      padded,
    }),
    grid: ({ count }) => [groups64(count * depth * padded)],
  });
  return { tensor: out, padded };
}

const sideSums = ({ padded }: Plane, tensor: Tensor): SideSums => ({
  tensor,
  strideImage: tensor.shape[1] * padded,
  strideDepth: padded,
  stridePosition: 1,
});

interface PairOutputs {
  out?: Tensor;
  loss?: { target: Tensor; share: Tensor; pairShare: number; partial: Tensor };
  gradient?: Tensor;
}

function launchLoss(
  g: Graph,
  features: Features,
  own: Plane,
  other: Plane,
  loss: { target: Tensor; share: Tensor; pairShare: number },
  gradient: Tensor | undefined,
): Tensor {
  const partial = g.partialRows('pair loss', 2);
  launchPairs(g, features, own, other, { loss: { ...loss, partial }, gradient });
  return partial;
}

function launchPairs(
  g: Graph,
  features: Features,
  own: Plane,
  other: Plane,
  { out, loss, gradient }: PairOutputs,
): void {
  const { height, width, depth, weight, bias } = features;
  const positions = height * width;
  const quads = Math.ceil(positions / 4);
  const lanes = g.traits.subgroupSize;
  const broadcast = lanes === 4 || lanes === 8;
  const workgroup = broadcast ? lanes : 64;
  const per = broadcast ? lanes : 4;
  const groupsOf = (count: number): number => count * Math.ceil(quads / workgroup);
  const passes = gradient ? 2 : 1;
  g.launch({
    kernel: kernel(
      'pairs',
      pairsSource,
      {
        ...headFlags(features.head),
        LANES: broadcast ? lanes : 0,
        WORKGROUP: workgroup,
        PER: per,
        SETS: tile / per,
        WEIGHT: weight !== undefined,
        MAP: out !== undefined,
        LOSS: loss !== undefined,
        GRAD: gradient !== undefined,
      },
      { others: othersSource },
    ),
    bind: {
      own: own.tensor,
      other: other.tensor,
      bias,
      ...(weight && { weight }),
      ...(loss && { truth: loss.target, share: loss.share, partial: loss.partial }),
      ...(gradient && { gradient }),
      ...(out && { out }),
    },
    params: ({ count, row }) => ({
      images: count,
      quads,
      positions,
      padded4: own.padded / 4,
      depth,
      depthScale: depthScale(features),
      pairShare: loss?.pairShare ?? 0,
      row0: row,
    }),
    grid: ({ count }) => [groupsOf(count)],
    partial: loss && { tensor: loss.partial, rows: (count) => count * quads },
    flops: 3 * passes * g.batch * positions * positions * depth,
  });
}
