import type { Tensor } from '../../graph/tensor.ts';
import { adaptivePool } from '../../kernels/adaptive_pool/adaptive_pool.ts';
import { dot } from '../../kernels/dot/dot.ts';
import type { Localisation } from './flm.ts';
import type { Builder } from './layers.ts';
import type { Taps } from './xception.ts';

/**
 * The classifier (paper section III.D): global average pool and one fully connected layer, to the
 * logit [B, 1, 1, 1] that the face is forged. It pools d1, e5, or both (`head.source`).
 */
export function head(
  { g, config, param }: Builder,
  taps: Taps,
  localisation: Localisation | undefined,
): Tensor {
  const { source } = config.head;
  const pooled: Tensor[] = [];
  if (source !== 'decoder' || !localisation) {
    pooled.push(adaptivePool(g, 'head.pool.e5', taps.e5, 1));
  }
  if (source !== 'encoder' && localisation) {
    pooled.push(adaptivePool(g, 'head.pool.d1', localisation.maps.d1, 1));
  }
  return dot(g, 'logit', pooled, param('head.fc.weight'), param('head.fc.bias'));
}
