import type { Graph } from '../../graph/record.ts';
import type { Tensor } from '../../graph/tensor.ts';
import type { Loss } from '../bce/bce.ts';
import { groups64 } from '../grid.ts';
import { shader } from '../shader.ts';
import { depthScale, headFlags, type LossInputs, pairFlops, readFlags } from './common.ts';
import type { Features, Side } from './features.ts';
import { finishLoss, type SideSums } from './finish.ts';
import othersSource from './others.wgsl';
import pairsSource from './pairs_tile.wgsl';
import throughSource from './through.wgsl';
import transposeSource from './transpose.wgsl';

const pairTransposeShader = shader('pair_transpose', transposeSource, { through: throughSource });
const pairsTileShader = shader('pairs_tile', pairsSource, { others: othersSource });

/** Records the map of `llsmMap` by tiles. */
export function mapByTiles(g: Graph, features: Features, map: Tensor): void {
  const [left, right] = planes(g, features);
  launchPairs(g, features, left, right, { out: map });
}

/** Records the loss of `llsmLoss` by tiles. */
export function lossByTiles(g: Graph, features: Features, inputs: LossInputs): Loss {
  const { grad, share } = inputs;
  const [left, right] = planes(g, features);
  const sums: SideSums[] = [];
  const pass = (side: Side, own: Plane, other: Plane): Tensor => {
    const gradient = grad
      ? g.activation(`sums ${own.tensor.name}`, own.tensor.shape.slice(1), 'f32')
      : undefined;
    const partial = g.partialRows('pair loss', 2);
    launchPairs(g, features, own, other, { loss: { ...inputs, partial }, gradient });
    if (gradient) sums.push({ side, tensor: gradient, ...stridesOf(own) });
    return partial;
  };
  const partial = pass(features.left, left, right);
  if (!grad) return { partial, seeds: new Map() };
  if (left !== right) pass(features.right, right, left);
  return { partial, seeds: finishLoss(g, features, sums, partial, share, inputs) };
}

/** Tensor of a side, transposed to [B, depth, padded positions]. */
interface Plane {
  tensor: Tensor;
  padded: number;
}

/** The tile's width in the shader: padding to it leaves no remainder. */
const tile = 16;

const stridesOf = ({ tensor, padded }: Plane) => ({
  strideImage: tensor.shape[1] * padded,
  strideDepth: padded,
  stridePosition: 1,
});

function planes(g: Graph, features: Features): [left: Plane, right: Plane] {
  const left = transpose(g, features, features.left, 'left');
  if (features.left === features.right) return [left, left];
  return [left, transpose(g, features, features.right, 'right')];
}

function transpose(g: Graph, { height, width, depth }: Features, side: Side, name: string): Plane {
  const positions = height * width;
  const padded = Math.ceil(positions / tile) * tile;
  const out = g.activation(`pair ${name}`, [depth, padded]);
  g.launch({
    kernel: pairTransposeShader(readFlags(side)),
    bind: { x: side.tensor, out, affine: side.affine },
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

interface Outputs {
  out?: Tensor;
  loss?: { target: Tensor; share: Tensor; pairShare: number; partial: Tensor };
  gradient?: Tensor;
}

function launchPairs(
  g: Graph,
  features: Features,
  own: Plane,
  other: Plane,
  { out, loss, gradient }: Outputs,
): void {
  const { height, width, depth, weight, bias } = features;
  const positions = height * width;
  const quads = Math.ceil(positions / 4);
  const lanes = g.traits.subgroupSize;
  const broadcast = lanes === 4 || lanes === 8;
  const workgroup = broadcast ? lanes : 64;
  const per = broadcast ? lanes : 4;
  const groupsOf = (count: number): number => count * Math.ceil(quads / workgroup);
  g.launch({
    kernel: pairsTileShader({
      ...headFlags(features.head),
      LANES: broadcast ? lanes : 0,
      WORKGROUP: workgroup,
      PER: per,
      SETS: tile / per,
      WEIGHT: weight !== undefined,
      MAP: out !== undefined,
      LOSS: loss !== undefined,
      GRAD: gradient !== undefined,
    }),
    bind: {
      own: own.tensor,
      other: other.tensor,
      bias,
      weight,
      truth: loss?.target,
      share: loss?.share,
      partial: loss?.partial,
      gradient,
      out,
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
    flops: pairFlops(g, features, gradient !== undefined),
  });
}
