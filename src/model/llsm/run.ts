/** Tensors in, tensors out: the network on one batch, for comparison with other implementations. */
import { LlsmError } from '../../base/errors.ts';
import type { Gpu } from '../../gpu/device.ts';
import type { Dtype } from '../../graph/tensor.ts';
import { downloadCheckpoint, uploadCheckpoint } from './bind.ts';
import type { Checkpoint, HostTensor } from './checkpoint.ts';
import { mapPositions } from './positions.ts';
import { type LossParts, Program } from './program.ts';
import type { RunInput } from './run-input.ts';

export interface OutputOptions {
  mode: 'train' | 'eval';
  grad: boolean;
  taps: readonly string[];
  /** How feature maps are stored; 16 bits in eval mode without gradients only. */
  precision?: Dtype;
}

/**
 * One pass over the batch with the checkpoint's weights, which stay as they are: `logit` [B],
 * `similarity` [B, HW, HW] (left out above HW = 4,096), `mask` [B, S, S, 1], with labels `loss` [4]
 * (total, cls, ls, loc), `grad.NAME` in the checkpoint's layout, `tap.NAME` [B, H, W, C].
 *
 * @throws LlsmError for an unknown tap, a network too large for the adapter, or a result that is
 *   not finite
 */
export async function outputsOf(
  gpu: Gpu,
  checkpoint: Checkpoint,
  input: RunInput,
  { mode, grad, taps, precision }: OutputOptions,
): Promise<Map<string, HostTensor>> {
  const { config } = checkpoint;
  const store = uploadCheckpoint(gpu, checkpoint);
  const program = await Program.build(gpu, config, store, {
    batch: input.items,
    mode,
    similarity: mapPositions(config) > 0,
    loss: input.label !== undefined,
    grad,
    taps,
    precision,
  });
  program.write(input);
  program.run();
  const out = new Map<string, HostTensor>();
  out.set('logit', { shape: [input.items], data: await program.logits() });
  const similarity = await program.similarity();
  if (similarity) out.set('similarity', similarity);
  const mask = await program.maskLogits();
  if (mask) out.set('mask', { shape: [input.items, config.size, config.size, 1], data: mask });
  if (input.label) {
    out.set('loss', { shape: [4], data: Float32Array.from(inOrder(await program.losses())) });
  }
  if (grad) {
    const gradients = await store.readAll('grads');
    for (const { name, shape } of store.specs) {
      const data = gradients.get(name);
      if (data) out.set(`grad.${name}`, { shape: [...shape], data });
    }
  }
  for (const name of taps) out.set(`tap.${name}`, await program.tap(name));
  program.destroy();
  store.destroy();
  for (const [name, { data }] of out) checkFinite(name, data);
  return out;
}

/**
 * Adam on this one batch, from the checkpoint's weights and zero moments.
 * @returns losses [steps, 4] (total, cls, ls, loc), row k before update k, and the weights after
 * @throws LlsmError where the network does not fit the adapter or a loss is not finite
 */
export async function trainSteps(
  gpu: Gpu,
  checkpoint: Checkpoint,
  input: RunInput,
  { steps, lr, onStep }: { steps: number; lr: number; onStep?: (done: number) => void },
): Promise<{ losses: HostTensor; trained: Checkpoint }> {
  const store = uploadCheckpoint(gpu, checkpoint);
  const program = await Program.build(gpu, checkpoint.config, store, {
    batch: input.items,
    mode: 'train',
    update: true,
  });
  program.write(input);
  const data = new Float32Array(steps * 4);
  for (let step = 0; step < steps; step++) {
    program.run({ lr, t: step + 1 });
    data.set(inOrder(await program.losses()), step * 4);
    if (!Number.isFinite(data[step * 4])) {
      throw new LlsmError(
        `The loss is ${data[step * 4]} at training step ${step}: try a lower rate (--lr, ${lr} now)`,
      );
    }
    onStep?.(step + 1);
  }
  const trained = await downloadCheckpoint(store, checkpoint.config);
  program.destroy();
  store.destroy();
  return { losses: { shape: [steps, 4], data }, trained };
}

const inOrder = ({ total, cls, ls, loc }: LossParts): number[] => [total, cls, ls, loc];

function checkFinite(name: string, data: Float32Array) {
  const at = data.findIndex((value) => !Number.isFinite(value));
  if (at >= 0) {
    throw new LlsmError(
      `The network's ${name} is ${data[at]} at value ${at}: the weights, or the input's values, ` +
        'are too large for 32-bit arithmetic',
    );
  }
}
