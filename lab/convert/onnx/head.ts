import type { Value } from './graph.ts';
import type { OnnxBuilder } from './layers.ts';
import { concat, globalPool, reshape } from './ops.ts';
import type { Taps } from './xception.ts';

/** The classifier of `../head.ts`: the logit, a number an image, named `logit`. */
export function head({ g, config, param }: OnnxBuilder, taps: Taps, d1: Value | undefined): Value {
  const { source } = config.head;
  const pooled: Value[] = [];
  if (source !== 'decoder' || !d1) pooled.push(globalPool(g, 'head.pool.e5', taps.e5));
  if (source !== 'encoder' && d1) pooled.push(globalPool(g, 'head.pool.d1', d1));
  const both = concat(g, 'head.pool', pooled);
  const flat = reshape(g, 'head.flat', both, [both.shape[0]]);
  const inputs = [flat, param('head.fc.weight'), param('head.fc.bias')];
  const logit = g.node('Gemm', 'head.fc', inputs, [1], { transB: 1 });
  return reshape(g, 'logit', logit, []);
}
