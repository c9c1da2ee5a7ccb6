/** Tensors in, tensors out: the network on one batch, for comparison with other implementations. */
import { LlsmError } from '../../base/errors.ts';
import type { Config } from '../../config/config.ts';
import type { Gpu } from '../../gpu/device.ts';
import { backward } from '../../graph/backward.ts';
import { Graph } from '../../graph/record.ts';
import type { Plan } from '../../graph/replay.ts';
import type { ParamStore } from '../../graph/store.ts';
import type { Dtype, Tensor } from '../../graph/tensor.ts';
import { downloadCheckpoint, uploadCheckpoint } from './bind.ts';
import { recordCam } from './cam.ts';
import type { Checkpoint, HostTensor } from './checkpoint.ts';
import { type Forward, forward, keepTap, pairMap, planOf } from './forward.ts';
import { type Batch, type LossParts, losses } from './losses.ts';
import { mapPositions } from './positions.ts';
import type { RunInput } from './run-input.ts';
import { TrainingStep } from './step.ts';

export interface OutputOptions {
  mode: 'train' | 'eval';
  grad: boolean;
  taps: readonly string[];
  /** Feature map that Grad-CAM is computed at; in eval mode. */
  cam?: string;
  /** Type that feature maps are stored in; 16 bits in eval mode without gradients only. */
  precision?: Dtype;
}

/** A pass that puts out all that it can. */
export interface OutputPass {
  pass: Forward;
  plan: Plan;
  write(batch: Batch): void;
  /** Reads the outputs of the last run by name, as `outputsOf` gives them. */
  read(): Promise<Map<string, HostTensor>>;
}

/**
 * Records and plans what `outputsOf` runs.
 * @param loss whether labels and masks come in
 */
export async function outputPass(
  gpu: Gpu,
  config: Config,
  store: ParamStore,
  options: OutputOptions & { batch: number; loss: boolean },
): Promise<OutputPass> {
  const { mode, grad, taps, cam, precision, batch } = options;
  const training = mode === 'train';
  const g = new Graph({
    batch,
    training,
    traits: gpu,
    inference: !training && !grad && cam === undefined,
    storage: precision,
  });
  const pass = forward(g, config, store);
  const kept = taps.map((name) => [`tap.${name}`, keepTap(pass, name)] as const);
  const similarity = mapPositions(config) > 0 ? pairMap(pass) : undefined;
  const loss = options.loss || grad ? losses(pass, { grad }) : undefined;
  if (loss && grad) backward(g, loss.seeds, store.weights());
  const camMap = cam === undefined ? undefined : recordCam(pass, cam);
  const plan = await planOf(gpu, pass);

  const hostOf = async (tensor: Tensor, shape = tensor.shape): Promise<HostTensor> => ({
    shape: [...shape],
    data: await plan.read(tensor),
  });
  return {
    pass,
    plan,
    write(input) {
      plan.write(pass.image, input.image);
      loss?.write(plan, input);
    },
    async read() {
      const out = new Map([['logit', await hostOf(pass.logit.tensor, [batch])]]);
      if (similarity) out.set('similarity', await hostOf(similarity));
      if (pass.mask) out.set('mask', await hostOf(pass.mask.tensor));
      if (loss) {
        const parts = inOrder(await loss.read(plan));
        out.set('loss', { shape: [4], data: Float32Array.from(parts) });
      }
      if (grad) {
        const gradients = await store.readAll('grads');
        for (const { name, shape } of store.specs) {
          const data = gradients.get(name);
          if (data) out.set(`grad.${name}`, { shape: [...shape], data });
        }
      }
      if (camMap) out.set(`cam.${cam}`, await hostOf(camMap, camMap.shape.slice(0, 3)));
      for (const [name, tensor] of kept) out.set(name, await hostOf(tensor));
      return out;
    },
  };
}

/**
 * One pass over the batch with the checkpoint's weights, which stay as they are: `logit` [B],
 * `similarity` [B, HW, HW] (left out above HW = 4,096), `mask` [B, S, S, 1], with labels `loss` [4]
 * (total, cls, ls, loc), `grad.NAME` in the checkpoint's layout, `tap.NAME` [B, H, W, C],
 * `cam.NAME` [B, H, W] (`recordCam`).
 *
 * @throws LlsmError for an unknown tap, a network too large for the adapter, or a result that is
 *   not finite
 */
export async function outputsOf(
  gpu: Gpu,
  checkpoint: Checkpoint,
  input: RunInput,
  options: OutputOptions,
): Promise<Map<string, HostTensor>> {
  const store = uploadCheckpoint(gpu, checkpoint);
  const { plan, write, read } = await outputPass(gpu, checkpoint.config, store, {
    ...options,
    batch: input.items,
    loss: input.label !== undefined,
  });
  write(input);
  plan.run();
  const out = await read();
  plan.destroy();
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
  const program = await TrainingStep.build(gpu, checkpoint.config, store, { batch: input.items });
  program.write(input);
  const data = new Float32Array(steps * 4);
  for (let step = 0; step < steps; step++) {
    program.run({ lr, t: step + 1 });
    const { notFinite, ...parts } = await program.losses();
    data.set(inOrder(parts), step * 4);
    if (notFinite !== undefined || !Number.isFinite(parts.total)) {
      const what = notFinite
        ? `${notFinite} or its gradient is not finite`
        : `The loss is ${parts.total}`;
      throw new LlsmError(`${what} at training step ${step}: try a lower rate (--lr, ${lr} now)`);
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
