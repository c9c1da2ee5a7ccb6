import { type Read, relu, type Tensor } from '../../graph/tensor.ts';
import { adaptivePool } from '../../kernels/adaptive_pool/adaptive_pool.ts';
import { conv } from '../../kernels/conv/conv.ts';
import { gate } from '../../kernels/gate/gate.ts';
import type { Builder } from './layers.ts';

/**
 * Cross-level attentional feature fusion (paper Fig. 3): A * sigmoid(fc(relu(conv4x4(pool4(B))))),
 * a gate for each channel of A [B, H, W, CA] from the map before it, B [B, h, w, CB].
 */
export function claffm({ g, param }: Builder, name: string, a: Read, b: Read | Tensor): Tensor {
  const pooled = adaptivePool(g, `${name}.pool`, b, 4, { flat: true });
  const hidden = conv(g, `${name}.conv`, pooled, param(`${name}.conv.weight`), {
    bias: param(`${name}.conv.bias`),
    layout: 'flat',
  });
  const logit = conv(g, `${name}.fc`, relu(hidden.out), param(`${name}.fc.weight`), {
    bias: param(`${name}.fc.bias`),
  });
  return gate(g, name, a, logit.out);
}
