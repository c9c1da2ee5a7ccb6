import { readBuffer } from '../../gpu/readback.ts';
import type { Graph } from '../../graph/record.ts';
import type { ParamStore } from '../../graph/store.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { groups64 } from '../grid.ts';
import { lossScaleOf } from '../loss_scale/loss_scale.ts';
import { shader } from '../shader.ts';
import source from './adam.wgsl';

const adamShader = shader('adam', source);

const beta1 = 0.9;
const beta2 = 0.999;
const eps = 1e-8;

/** The values of Adam's `step` input for update t = 1, 2, ... at a learning rate. */
export const adamStep = (lr: number, t: number): Float32Array =>
  Float32Array.of(lr / (1 - beta1 ** t), 1 / Math.sqrt(1 - beta2 ** t));

/** Flag [1] that Adam sets, and nothing clears: see adam.wgsl. */
export const notFiniteOf = (store: ParamStore): Tensor => store.own('notFinite', [1]);

/**
 * The first weight whose gradient was not finite in an update queued so far, or that itself, or the
 * mean of the squares of its gradients, has not been finite since; undefined where all are. A loss may
 * stay finite for long: a ReLU makes 0 of what is no number.
 * @throws LlsmError when the GPU failed
 */
export async function firstNotFinite(store: ParamStore): Promise<string | undefined> {
  const { buffer } = await readBuffer(store.gpu, store.buffer(notFiniteOf(store).home), 4);
  const [vectors] = new Uint32Array(buffer);
  return vectors ? store.weightAt(store.weightCount - vectors * 4) : undefined;
}

/**
 * Updates every weight from its gradient in one launch (Adam 0.9, 0.999, 1e-8, no decay, bias
 * correction as in PyTorch). `step` is an input [2], written before each run with `adamStep`;
 * `from` says where the gradients are (the sum over micro-batches, or one batch's); `scaled`, that they
 * are of losses times `lossScaleOf(params)`: a step with values that did not fit 16 bits is left out.
 * What becomes of values that are not finite, `firstNotFinite` says.
 */
export function adam(
  g: Graph,
  params: ParamStore,
  step: Tensor,
  { from = 'grads', scaled = false }: { from?: 'grads' | 'gradSum'; scaled?: boolean } = {},
): void {
  const count = params.weightCount / 4;
  g.launch({
    kernel: adamShader({ SCALED: scaled }),
    bind: {
      step,
      grads: params.flat(from),
      m: params.flat('adamM'),
      v: params.flat('adamV'),
      weights: params.flat('weights'),
      lossScale: scaled ? lossScaleOf(params) : undefined,
      overflow: scaled ? g.outOfRange : undefined,
      notFinite: notFiniteOf(params),
    },
    params: () => ({ count, beta1, beta2, fresh1: 1 - beta1, fresh2: 1 - beta2, eps }),
    grid: () => [groups64(count)],
  });
}
