import type { Gpu } from '../gpu/device.ts';
import { valueOfByte } from '../gpu/storage8.ts';
import { backward } from '../graph/backward.ts';
import { Graph } from '../graph/record.ts';
import { Plan } from '../graph/replay.ts';
import type { ParamStore } from '../graph/store.ts';
import { Tensor } from '../graph/tensor.ts';
import { adam, adamStep } from '../kernels/adam/adam.ts';
import { charbonnier } from '../kernels/charbonnier/charbonnier.ts';
import { axis, unpack } from '../kernels/matrix.ts';
import { uploadAutoencoder } from '../model/autoencoder/bind.ts';
import type { AutoencoderCheckpoint } from '../model/autoencoder/checkpoint.ts';
import { autoencoder, autoencoderParams } from '../model/autoencoder/network.ts';
import type { HostTensor } from '../model/safetensors.ts';

/** An autoencoder's optimiser on the GPU. */
export class AutoencoderTrainer {
  private constructor(
    private readonly config: AutoencoderCheckpoint['config'],
    private readonly store: ParamStore,
    private readonly plan: Plan,
    private readonly tensors: Record<'image' | 'truth' | 'weight' | 'rate' | 'loss', Tensor>,
    private readonly batch: number,
  ) {}

  /** @throws LlsmError when a step does not fit the adapter */
  static async build(
    gpu: Gpu,
    from: AutoencoderCheckpoint,
    batch: number,
  ): Promise<AutoencoderTrainer> {
    const { config } = from;
    const store = uploadAutoencoder(gpu, from);
    const g = new Graph({ batch, training: true, traits: gpu });
    const image = g.input('image', [config.side, config.side, 3], 'u8');
    const truth = g.input('truth', [config.side, config.side, 4]);
    const weight = g.input('weight', []);
    const out = autoencoder(g, (name) => store.get(name), config, image);
    const { partial, seeds } = charbonnier(g, out, truth, weight);
    const loss = g.scratch('loss', [1]);
    unpack(g, partial, loss, { rows: axis(1, 0), columns: axis(1, 1), base: 0 });
    loss.keep = true;
    backward(g, seeds, store.weights());
    const rate = new Tensor('adam step', [2], { home: 'input' });
    adam(g, store, rate);
    const plan = await Plan.build(gpu, g, store);
    plan.write(weight, new Float32Array(batch).fill(1 / batch));
    return new AutoencoderTrainer(config, store, plan, { image, truth, weight, rate, loss }, batch);
  }

  /**
   * Queues one optimiser step.
   * @param images [batch, side, side, 3], as `networkInput` gives them
   * @param step counted from 0
   * @returns the mean distance of a value before the update, in grey levels
   */
  async step(images: Uint8Array, step: number, lr: number): Promise<number> {
    const { image, truth, rate, loss } = this.tensors;
    const pixels = this.batch * this.config.side ** 2;
    const wide = new Float32Array(pixels * 4);
    for (let i = 0; i < pixels; i++) {
      for (let c = 0; c < 3; c++) wide[i * 4 + c] = valueOfByte(images[i * 3 + c]);
    }
    this.plan.write(image, images);
    this.plan.write(truth, wide);
    this.plan.write(rate, adamStep(lr, step + 1));
    this.plan.run();
    const [mean] = await this.plan.read(loss);
    // A quarter of the values, the fourth channel, are 0 on both sides.
    return (mean * 127.5 * 4) / 3;
  }

  /** The weights and running statistics as they stand. */
  async checkpoint(): Promise<AutoencoderCheckpoint> {
    const values = new Map([
      ...(await this.store.readAll('weights')),
      ...(await this.store.readAll('state')),
    ]);
    const tensors = new Map<string, HostTensor>();
    for (const { name, shape } of autoencoderParams(this.config)) {
      tensors.set(name, { shape, data: values.get(name) as Float32Array });
    }
    return { config: this.config, tensors };
  }

  /** Frees the GPU's memory. */
  destroy(): void {
    this.plan.destroy();
    this.store.destroy();
  }
}
