import type { Graph } from '../../graph/record.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { groups64 } from '../grid.ts';
import { shader } from '../shader.ts';
import { depthScale, PairSeeds, paddingOf, readFlags } from './common.ts';
import type { Features, Side } from './features.ts';
import finishSource from './finish.wgsl';
import throughSource from './through.wgsl';

const pairFinishShader = shader('pair_finish', finishSource, { through: throughSource });

/** Sums over pairs of a side, [B, ...] in an order of their own (strides in values). */
export interface SideSums {
  side: Side;
  tensor: Tensor;
  strideImage: number;
  strideDepth: number;
  stridePosition: number;
}

/** Positions of a partial row: few enough rows to add up cheaply, enough that a batch fills a GPU. */
const positionsPerRow = 16;

/**
 * The last step of a pair loss: from sums over pairs to the gradients of features, weights and bias.
 * @param sums of the left and the right side; over all pairs of one side (`absdiff`), of that alone
 * @param partial rows of [loss, slope]
 * @param gradientShare what a pair counts in the gradients, `scale` included
 */
export function finishLoss(
  g: Graph,
  features: Features,
  sums: readonly SideSums[],
  partial: Tensor,
  share: Tensor,
  { scale, gradientShare }: { scale: number; gradientShare: number },
): Map<Tensor, Tensor> {
  const { height, width, depth, weight, bias } = features;
  const positions = height * width;
  const chunks = Math.ceil(positions / positionsPerRow);
  const made = new PairSeeds();
  const rows = g.scratch('pair weight sums', [sums.length * g.batch * chunks, depth]);
  sums.forEach(({ side, tensor, ...strides }, i) => {
    const span = depth + paddingOf(side, depth);
    const flags = readFlags(side);
    const values = flags.MASK || weight !== undefined;
    g.launch({
      kernel: pairFinishShader({
        ...flags,
        AFFINE: values && flags.AFFINE,
        VALUES: values,
        WEIGHT: weight !== undefined,
        ROWS: positionsPerRow,
      }),
      bind: {
        g: tensor,
        share,
        out: made.of(side),
        weight,
        sums: weight ? rows : undefined,
        x: values ? side.tensor : undefined,
        affine: values ? side.affine : undefined,
      },
      params: ({ first, count }) => ({
        count: count * chunks * span,
        chunks,
        positions,
        channels: side.tensor.shape[3],
        depth,
        at: side.at,
        width: span,
        ...strides,
        depthScale: depthScale(features),
        gradientShare,
        row0: (i * g.batch + first) * chunks,
        // Drawn pairs of one side with itself: it stands on the left and on the right.
        accumulate: Number(i > 0 && side === sums[0].side),
      }),
      grid: ({ count }) => [groups64(count * chunks * span)],
    });
  });
  if (weight) made.sumTo(g, weight, rows, 0);
  made.sumTo(g, bias, partial, 1, scale);
  return made.seeds;
}
