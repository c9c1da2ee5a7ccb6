import type { Layers } from './layers.ts';

/**
 * Cross-level attentional feature fusion (paper Fig. 3): A * sigmoid(fc(relu(conv4x4(pool4(B))))),
 * a gate for each channel of A [B, H, W, width] from the map before it, B [B, h, w, CB].
 */
export function claffm<V>(n: Layers<V, unknown>, name: string, width: number, a: V, b: V): V {
  const pooled = n.averagePool(`${name}.pool`, b, 4);
  const hidden = n.relu(`${name}.relu`, n.dense(`${name}.conv`, pooled, width));
  return n.gate(name, a, n.dense(`${name}.fc`, hidden, width));
}
