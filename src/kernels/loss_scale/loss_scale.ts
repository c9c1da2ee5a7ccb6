/**
 * Loss scaling, for gradients that are stored in 16 bits (Micikevicius et al. 2018, section 3.2): losses
 * are multiplied by a power of two, so that small gradients stay above 2^-24, and Adam divides by it. A
 * step in which a value does not fit is skipped, and halves the scale; many that fit double it, as in
 * PyTorch's GradScaler. All of it happens on the GPU.
 */

import { readBuffer } from '../../gpu/readback.ts';
import type { Graph } from '../../graph/record.ts';
import type { ParamStore } from '../../graph/store.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { groups64 } from '../grid.ts';
import { shader } from '../shader.ts';
import scaleSource from './scale.wgsl';
import updateSource from './update.wgsl';

const lossScaleShader = shader('loss_scale', scaleSource);
const lossScaleUpdateShader = shader('loss_scale_update', updateSource);

/** Steps that fit, until the scale is doubled. */
const stepsToDouble = 2000;
const mostScale = 2 ** 24;

/** Scale of the losses (a power of two), and the number of steps that have fitted since it changed. */
export interface LossScale {
  scale: number;
  steps: number;
}

/** Loss scale that a training begins with; as PyTorch's GradScaler. */
export const firstLossScale: LossScale = { scale: 2 ** 16, steps: 0 };

/** Tensor [2] of the loss scale and the steps since it changed; for gradients in 16 bits. */
export const lossScaleOf = (store: ParamStore): Tensor => store.own('lossScale', [2]);

/** Puts a saved scale on the GPU. */
export function writeLossScale(store: ParamStore, { scale, steps }: LossScale): void {
  const values = Float32Array.of(scale, steps);
  store.gpu.device.queue.writeBuffer(store.buffer(lossScaleOf(store).home), 0, values);
}

/** Reads the scale after all that is queued. @throws LlsmError when the GPU failed */
export async function readLossScale(store: ParamStore): Promise<LossScale> {
  const [scale, steps] = await readBuffer(store.gpu, store.buffer(lossScaleOf(store).home), 8);
  return { scale, steps };
}

/** Multiplies the items' weights [B] in the losses by the scale. */
export function scaled(g: Graph, weight: Tensor, lossScale: Tensor): Tensor {
  const out = g.activation(`scaled ${weight.name}`, [], 'f32');
  g.launch({
    kernel: lossScaleShader({ UNDO: false }),
    bind: { x: weight, lossScale, out },
    params: ({ count }) => ({ count }),
    grid: ({ count }) => [groups64(count)],
  });
  return out;
}

/** Divides three losses [4] by the scale, which becomes the fourth value. */
export function unscaled(g: Graph, losses: Tensor, lossScale: Tensor): Tensor {
  const out = g.scratch('unscaled losses', [4]);
  g.launch({
    kernel: lossScaleShader({ UNDO: true }),
    bind: { x: losses, lossScale, out },
    params: () => ({ count: 4 }),
    grid: () => [1],
  });
  return out;
}

/** Moves the scale after a step. A value that does not fit is from then on no error of the plan's. */
export function updateLossScale(g: Graph, lossScale: Tensor): void {
  g.rangeHandled = true;
  g.launch({
    kernel: lossScaleUpdateShader(),
    bind: { overflow: g.outOfRange, lossScale },
    params: () => ({ steps: stepsToDouble, most: mostScale }),
    grid: () => [1],
  });
}
