import type { Graph } from '../../graph/record.ts';
import type { Tensor } from '../../graph/tensor.ts';
import type { Loss } from '../bce/bce.ts';
import { shader } from '../shader.ts';
import {
  depthScale,
  headFlags,
  type LossInputs,
  PairSeeds,
  paddingOf,
  pairFlops,
  readFlags,
} from './common.ts';
import type { Features, Side } from './features.ts';
import pairsSource from './pairs_lanes.wgsl';
import throughSource from './through.wgsl';

const pairsLanesShader = shader('pairs_lanes', pairsSource, { through: throughSource });

/** Most values of four positions each that, with as many sums, still lie in the fastest memory. */
const mostTerms = 64;

/** Whether pairs_lanes.wgsl can take these features on this adapter. */
export function fitsLanes({ traits, storage }: Graph, { depth, left }: Features): boolean {
  // With a batch norm's scale and the flag of 16 bits it would bind more than every adapter allows.
  if (left.affine && storage === 'f16') return false;
  return (traits.subgroupSize === 4 || traits.subgroupSize === 8) && depth <= mostTerms;
}

/** Number of workgroups an image: each owns four positions a lane, and makes a row of sums. */
const tilesOf = ({ traits }: Graph, { height, width }: Features): number =>
  Math.ceil((height * width) / (4 * traits.subgroupSize));

/** Records the map of `llsmMap` by lanes of a subgroup. */
export function mapByLanes(g: Graph, features: Features, map: Tensor): void {
  launch(g, features, features.right, features.left, { out: map });
}

/** Records the loss of `llsmLoss` by lanes of a subgroup. */
export function lossByLanes(g: Graph, features: Features, inputs: LossInputs): Loss {
  const { left, right, weight, bias, depth } = features;
  const { pairShare, scale, grad } = inputs;
  const made = new PairSeeds();
  const rows = g.batch * tilesOf(g, features);
  const sides = grad && left !== right ? 2 : 1;
  const sums = g.scratch('pair sums', [sides * rows, 2 + (grad && weight ? depth : 0)]);
  const loss = { ...inputs, sums, row0: 0, lossShare: pairShare };
  launch(g, features, left, right, { loss, out: grad ? made.of(left) : undefined });
  if (!grad) return { partial: sums, seeds: made.seeds };
  if (sides === 2) {
    const again = { ...loss, row0: rows, lossShare: 0 };
    launch(g, features, right, left, { loss: again, out: made.of(right) });
  }
  if (weight) made.sumTo(g, weight, sums, 2);
  made.sumTo(g, bias, sums, 1, scale);
  return { partial: sums, seeds: made.seeds };
}

interface Outputs {
  /** Inputs of the loss, where it is wanted; absent for the map. */
  loss?: LossInputs & { sums: Tensor; row0: number; lossShare: number };
  /** The map, or the gradient of the own side. */
  out?: Tensor;
}

function launch(
  g: Graph,
  features: Features,
  own: Side,
  other: Side,
  { loss, out }: Outputs,
): void {
  const { head, height, width, depth, weight, bias } = features;
  const positions = height * width;
  const lanes = g.traits.subgroupSize;
  const tiles = tilesOf(g, features);
  const terms = head === 'linear' ? 1 : Math.ceil(depth / 8) * 8;
  const flags = {
    ...headFlags(head),
    ...readFlags(own),
    WEIGHT: weight !== undefined,
    SAME: own.tensor === other.tensor,
    MAP: !loss,
    LOSS: loss !== undefined,
    GRAD: loss !== undefined && out !== undefined,
    OUT: out !== undefined,
    LANES: lanes,
    TERMS: terms,
    LOADS: Math.ceil(terms / lanes),
    SIGN: head === 'mlp' ? '-' : '',
  };
  g.launch({
    kernel: pairsLanesShader(flags),
    bind: {
      own: own.tensor,
      other: own.tensor === other.tensor ? undefined : other.tensor,
      bias,
      weight,
      affine: own.affine,
      truth: loss?.target,
      share: loss?.share,
      sums: loss?.sums,
      out,
    },
    params: ({ first, count }) => ({
      images: count,
      positions,
      tiles,
      depth,
      terms,
      ownChannels: own.tensor.shape[3],
      ownAt: own.at,
      otherChannels: other.tensor.shape[3],
      otherAt: other.at,
      padding: paddingOf(own, depth),
      depthScale: depthScale(features),
      lossShare: loss?.lossShare ?? 0,
      gradientShare: loss?.gradientShare ?? 0,
      columns: loss?.sums.shape[1] ?? 0,
      row0: (loss?.row0 ?? 0) + first * tiles,
    }),
    grid: ({ count }) => [count * tiles],
    flops: pairFlops(g, features, flags.GRAD),
  });
}
