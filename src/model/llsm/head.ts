import type { Layers } from './layers.ts';

/**
 * The classifier (paper section III.D): global average pool and one fully connected layer, to the
 * logit [B, 1, 1, 1] that the face is forged. It pools d1, e5, or both (`head.source`).
 * @param d1 absent where there is no decoder, and then e5 is pooled
 */
export function head<V>(n: Layers<V, unknown>, e5: V, d1: V | undefined): V {
  const { source } = n.config.head;
  const pooled: V[] = [];
  if (source !== 'decoder' || !d1) pooled.push(n.averagePool('head.pool.e5', e5, 1));
  if (source !== 'encoder' && d1) pooled.push(n.averagePool('head.pool.d1', d1, 1));
  return n.output('logit', n.linear('head.fc', pooled));
}
