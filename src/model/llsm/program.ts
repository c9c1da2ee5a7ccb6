import { LlsmError } from '../../base/errors.ts';
import type { Config } from '../../config/config.ts';
import type { Gpu } from '../../gpu/device.ts';
import { backward } from '../../graph/backward.ts';
import type { ParamStore } from '../../graph/params.ts';
import { Graph, type Traits } from '../../graph/record.ts';
import { Plan } from '../../graph/replay.ts';
import { type Dtype, Tensor } from '../../graph/tensor.ts';
import { adam, adamStep } from '../../kernels/adam/adam.ts';
import { llsmMap } from '../../kernels/llsm/llsm.ts';
import type { PairInputsData } from '../../kernels/llsm/sampled.ts';
import { updateLossScale } from '../../kernels/loss_scale/loss_scale.ts';
import type { Builder } from './layers.ts';
import { appendLosses, type LossInputs, lossParts } from './losses.ts';
import { type Network, network, tapOf } from './network.ts';

export interface ProgramOptions {
  /** Images a run. */
  batch: number;
  /** Batch norm's statistics: this batch's (and the running ones move), or the running ones. */
  mode: 'train' | 'eval';
  /** The full map of pair logits as an output; refused above HW = 4,096. */
  similarity?: boolean;
  /** Labels and masks come in, and the losses are computed. */
  loss?: boolean;
  /** Gradients of every weight (implies loss). */
  grad?: boolean;
  /** An Adam update after the gradients (implies grad). */
  update?: boolean;
  /** Pairs of the pair loss: all, or as many sampled ones as come in with each run. */
  pairs?: 'all' | number;
  /**
   * How feature maps are stored; arithmetic, weights and outputs are f32 always. 16 bits (default:
   * f32) are for inference, and for training steps with an update, whose losses `params.lossScale` scales.
   */
  precision?: Dtype;
  /** Feature maps to keep, by name. */
  taps?: readonly string[];
}

/** One batch. Lengths are those of the shapes, values f32. */
export interface Batch {
  /** [B, S, S, 3], x / 127.5 - 1. */
  image: Float32Array;
  /** [B], 1 = forged. */
  label?: Float32Array;
  /** [B, S, S, 1] in [0, 1]. */
  mask?: Float32Array;
  /** [B], 0 where the mask is not known; all 1 by default. */
  maskWeight?: Float32Array;
}

/** The unweighted parts, 0 where the config leaves one out, and their weighted sum. */
export interface LossParts {
  total: number;
  cls: number;
  ls: number;
  loc: number;
}

interface Recorded {
  graph: Graph;
  net: Network;
  inputs: Inputs;
  outputs: Outputs;
}

/**
 * What a program does, launch by launch. Nothing is compiled or allocated: `planMemory` then says what
 * a run takes.
 */
export function record(
  traits: Traits,
  config: Config,
  params: ParamStore,
  options: ProgramOptions,
): Recorded {
  const update = options.update ?? false;
  const grad = update || (options.grad ?? false);
  const wantsLoss = grad || (options.loss ?? false);
  const training = options.mode === 'train';
  const inference = !training && !grad;
  const { precision = 'f32' } = options;
  const scale = precision === 'f16' && update ? params.lossScale : undefined;
  if (precision === 'f16' && !inference && !scale) {
    throw new LlsmError(
      'Feature maps are stored in 16 bits in inference and in training steps only: use precision f32',
    );
  }
  const g = new Graph(options.batch, training, traits, inference, precision);
  const build: Builder = { g, config, param: (name) => params.get(name) };
  const image = g.input('image', [config.size, config.size, 3]);
  const net = network(build, image);
  const outputs: Outputs = { taps: new Map() };
  const inputs: Inputs = { image };
  for (const name of options.taps ?? []) outputs.taps.set(name, tapOf(build, net, name));
  if (options.similarity && net.features) outputs.similarity = llsmMap(g, net.features);
  for (const tensor of [net.logit, net.mask, outputs.similarity]) {
    if (tensor) tensor.keep = true;
  }
  if (wantsLoss) {
    const losses = appendLosses(build, net, inputs, grad, options.pairs ?? 'all', scale);
    outputs.loss = lossParts(g, losses, scale);
    if (grad) {
      const seeds = new Map(losses.flatMap(({ loss }) => [...loss.seeds]));
      backward(g, seeds, params.weights());
    }
  }
  if (update) {
    inputs.step = new Tensor('adam step', [2], { home: 'input' });
    adam(g, params, inputs.step, { scaled: scale !== undefined });
    if (scale) updateLossScale(g, scale);
  }
  return { graph: g, net, inputs, outputs };
}

/**
 * The network as something that runs: forward, and as far as asked losses, backward and update,
 * in one plan over shared Params.
 */
export class Program {
  private constructor(
    readonly config: Config,
    readonly options: ProgramOptions,
    readonly plan: Plan,
    readonly net: Network,
    readonly graph: Graph,
    private readonly inputs: Inputs,
    private readonly outputs: Outputs,
  ) {}

  /** @throws LlsmError when the config's network does not fit the adapter, or it has no f16. */
  static async build(
    gpu: Gpu,
    config: Config,
    params: ParamStore,
    options: ProgramOptions,
  ): Promise<Program> {
    if (options.precision === 'f16' && !gpu.device.features.has('shader-f16')) {
      throw new LlsmError(
        `${gpu.name} has no 16-bit floats (shader-f16): use 32 bits (precision f32)`,
      );
    }
    const { graph, net, inputs, outputs } = record(gpu, config, params, options);
    const plan = await Plan.build(gpu, graph, params);
    return new Program(config, options, plan, net, graph, inputs, outputs);
  }

  /**
   * Writes a batch for the runs that follow.
   * @param maskTotal sum of the mask weights that a mean is taken over: of the whole batch, where
   *   this is one micro-batch of several; `items` likewise.
   */
  write(batch: Batch, { items = this.options.batch, maskTotal }: Share = {}): void {
    const { plan, inputs } = this;
    plan.write(inputs.image, batch.image);
    if (!inputs.label) return;
    if (!batch.label) throw new LlsmError('This program computes losses, so it needs labels');
    plan.write(inputs.label, batch.label);
    plan.write(inputs.itemWeight as Tensor, new Float32Array(this.options.batch).fill(1 / items));
    if (!inputs.mask) return;
    if (!batch.mask) throw new LlsmError('This program computes the mask losses: it needs masks');
    plan.write(inputs.mask, batch.mask);
    const weights = batch.maskWeight ?? new Float32Array(this.options.batch).fill(1);
    const total = maskTotal ?? weights.reduce((sum, weight) => sum + weight, 0);
    plan.write(
      inputs.maskWeight as Tensor,
      weights.map((weight) => (total > 0 ? weight / total : 0)),
    );
  }

  /** Writes the sampled pairs of a run; see `drawPairs`. */
  writePairs(drawn: PairInputsData): void {
    if (!this.inputs.pairs) throw new LlsmError('This program compares all pairs');
    for (const [key, tensor] of Object.entries(this.inputs.pairs)) {
      this.plan.write(tensor as Tensor, drawn[key as keyof PairInputsData]);
    }
  }

  /** Queues a run; with `update`, step t >= 1 at this learning rate. */
  run(update?: { lr: number; t: number }): void {
    if (this.inputs.step) {
      if (!update) throw new LlsmError('This program updates weights: it needs lr and t');
      this.plan.write(this.inputs.step, adamStep(update.lr, update.t));
    }
    this.plan.run();
  }

  /** The losses of the last run, before its update. */
  async losses(): Promise<LossParts> {
    if (!this.outputs.loss) throw new LlsmError('This program computes no losses');
    const values = await this.plan.read(this.outputs.loss);
    if (this.options.update && this.options.precision === 'f16' && values[3] < 1) {
      throw new LlsmError(
        'Training in 16 bits breaks down: feature maps or gradients do not fit, however the loss is ' +
          'scaled: use train.precision f32',
      );
    }
    const { alpha, beta } = this.config.loss;
    const cls = values[0];
    const ls = this.net.features ? values[1] : 0;
    const loc = this.net.mask ? values[2] : 0;
    return { total: cls + alpha * ls + beta * loc, cls, ls, loc };
  }

  /** [B] logits of the last run. */
  logits(): Promise<Float32Array> {
    return this.plan.read(this.net.logit);
  }

  /** [B, S, S, 1] mask logits, where the network has them. */
  async maskLogits(): Promise<Float32Array | undefined> {
    return this.net.mask && (await this.plan.read(this.net.mask));
  }

  /** [B, HW, HW] pair logits, where they were asked for. */
  async similarity(): Promise<{ data: Float32Array; shape: number[] } | undefined> {
    const tensor = this.outputs.similarity;
    return tensor && { data: await this.plan.read(tensor), shape: [...tensor.shape] };
  }

  /** A kept feature map, NHWC. */
  async tap(name: string): Promise<{ data: Float32Array; shape: number[] }> {
    const tensor = this.outputs.taps.get(name);
    if (!tensor) throw new LlsmError(`The tap ${name} was not asked for`);
    return { data: await this.plan.read(tensor), shape: [...tensor.shape] };
  }

  destroy(): void {
    this.plan.destroy();
  }
}

interface Share {
  items?: number;
  maskTotal?: number;
}

interface Inputs extends LossInputs {
  image: Tensor;
  step?: Tensor;
}

interface Outputs {
  loss?: Tensor;
  similarity?: Tensor;
  taps: Map<string, Tensor>;
}
