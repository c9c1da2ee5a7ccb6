import type { Value } from './graph.ts';
import type { OnnxBuilder } from './layers.ts';
import { adaptivePool, conv, elementwise, relu } from './ops.ts';

/** The gate of `../claffm.ts`: A * sigmoid(fc(relu(conv4x4(pool4(B))))). */
export function claffm({ g, param }: OnnxBuilder, name: string, a: Value, b: Value): Value {
  const pooled = adaptivePool(g, `${name}.pool`, b, 4);
  const hidden = conv(g, `${name}.conv`, pooled, param(`${name}.conv.weight`), {
    bias: param(`${name}.conv.bias`),
  });
  const logit = conv(g, `${name}.fc`, relu(g, `${name}.relu`, hidden), param(`${name}.fc.weight`), {
    bias: param(`${name}.fc.bias`),
  });
  const gate = g.node('Sigmoid', `${name}.sigmoid`, [logit], logit.shape);
  return elementwise(g, 'Mul', name, a, gate);
}
