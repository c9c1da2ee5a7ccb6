import { LlsmError } from '../../base/errors.ts';
import type { Graph } from '../../graph/record.ts';
import type { Tensor } from '../../graph/tensor.ts';
import type { Loss } from '../bce/bce.ts';
import type { Features } from './features.ts';
import { largestMap } from './largest-map.ts';
import { fitsLanes, lossByLanes, mapByLanes } from './pairs_lanes.ts';
import { lossByTiles, mapByTiles } from './pairs_tile.ts';

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
  const map = g.activation('similarity', [positions, positions], 'f32');
  if (fitsLanes(g, features)) mapByLanes(g, features, map);
  else mapByTiles(g, features, map);
  return map;
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
  const { height, width, left, right } = features;
  const pairShare = 1 / (height * width) ** 2;
  // Over all pairs (i, j) and (j, i) of one side, z and t are symmetric: the other half is the same.
  const gradientShare = scale * pairShare * (left === right ? 2 : 1);
  const inputs = { target, share, pairShare, gradientShare, scale, grad };
  return fitsLanes(g, features)
    ? lossByLanes(g, features, inputs)
    : lossByTiles(g, features, inputs);
}
