import { gradientTensor } from '../../graph/gradients.ts';
import type { Graph } from '../../graph/record.ts';
import { Tensor } from '../../graph/tensor.ts';
import { groups64, itemsOf } from '../grid.ts';
import { shader } from '../shader.ts';
import activationSource from './activation.wgsl';
import backwardSource from './activation_backward.wgsl';

const activationBackwardShader = shader('activation_backward', backwardSource);

/**
 * What an operation does to its result before it stores it: max(x, 0), min(max(x, 0), 6), or x and,
 * below 0, 0.1 x. What is read through a ReLU (`Read`) needs none.
 */
export type Activation = 'relu' | 'relu6' | 'leaky';

/** Constants of a shader that includes `activation`, and stores through it where there is one. */
export const activationFlags = (activation: Activation | undefined) => ({
  ACTIVATION: activation !== undefined,
  LEAKY: activation === 'leaky',
  CAPPED: activation === 'relu6',
});

/** Includes of a shader that stores through an activation. */
export const activationIncludes = { activation: activationSource };

/**
 * The gradient before an operation's activation, from that of its result `out`; `dOut` itself where
 * there is none.
 */
export function beforeActivation(
  g: Graph,
  activation: Activation | undefined,
  out: Tensor,
  dOut: Tensor,
): Tensor {
  if (!activation) return dOut;
  const { shape, options } = gradientTensor(out);
  const dIn = new Tensor(`d ${out.name} before ${activation}`, shape, options);
  const items = itemsOf(out);
  const { LEAKY, CAPPED } = activationFlags(activation);
  g.launch({
    kernel: activationBackwardShader({ LEAKY, CAPPED }),
    bind: { dOut, out, dIn },
    params: ({ count }) => ({ count: items(count) / 4 }),
    grid: ({ count }) => [groups64(items(count) / 4)],
  });
  return dIn;
}
