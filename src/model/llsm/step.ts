import { LlsmError } from '../../base/errors.ts';
import type { Config } from '../../config/config.ts';
import type { Gpu } from '../../gpu/device.ts';
import { backward } from '../../graph/backward.ts';
import { NoRoomError } from '../../graph/buffers.ts';
import { Graph, type Traits } from '../../graph/record.ts';
import type { Plan } from '../../graph/replay.ts';
import type { ParamStore } from '../../graph/store.ts';
import { type Dtype, Tensor } from '../../graph/tensor.ts';
import { adam, adamStep, firstNotFinite } from '../../kernels/adam/adam.ts';
import type { PairInputsData } from '../../kernels/llsm/sampled.ts';
import { lossScaleOf, updateLossScale } from '../../kernels/loss_scale/loss_scale.ts';
import { type Forward, forward, type Pixels, planOf } from './forward.ts';
import {
  type Batch,
  type Losses,
  type LossOptions,
  type LossParts,
  losses,
  type Whole,
} from './losses.ts';

export interface StepOptions {
  /** Number of images in a run. */
  batch: number;
  /** Whether Adam updates the weights (default true); without it gradients stay for whoever adds them up. */
  update?: boolean;
  pairs?: LossOptions['pairs'];
  /** Type that feature maps are stored in (default f32). 16 bits need the update, which watches their range. */
  precision?: Dtype;
  /** What images come as (default f32). */
  pixels?: Pixels;
}

/** Losses of a step, and what became of the weights in it. */
export interface StepLosses extends LossParts {
  /** The first weight whose gradient or value is not finite since; absent where all are. */
  notFinite?: string;
}

/** A training step on a graph. */
export interface RecordedStep {
  pass: Forward;
  losses: Losses;
  /** Input that Adam takes with each run (see `adamStep`); absent without an update. */
  rate?: Tensor;
}

/**
 * Records a training step: forward, losses, gradients of every weight, and the update. Nothing is
 * compiled or allocated: `planMemory` then says what a run takes.
 */
export function recordStep(
  traits: Traits,
  config: Config,
  params: ParamStore,
  { batch, update = true, pairs, precision = 'f32', pixels }: StepOptions,
): RecordedStep {
  const g = new Graph({ batch, training: true, traits, inference: false, storage: precision });
  const scale = precision === 'f16' && update ? lossScaleOf(params) : undefined;
  const pass = forward(g, config, params, pixels);
  const loss = losses(pass, { grad: true, pairs, scale });
  backward(g, loss.seeds, params.weights());
  if (!update) return { pass, losses: loss };
  const rate = new Tensor('adam step', [2], { home: 'input' });
  adam(g, params, rate, { scaled: scale !== undefined });
  if (scale) updateLossScale(g, scale);
  return { pass, losses: loss, rate };
}

/** A training step as something that runs. */
export class TrainingStep {
  private constructor(
    private readonly recorded: RecordedStep,
    readonly plan: Plan,
  ) {}

  /**
   * Builds a step. Where the GPU has no room for all that the step could keep, it keeps less.
   * @throws LlsmError where it does not fit the adapter even so, or that has no f16
   */
  static async build(
    gpu: Gpu,
    config: Config,
    params: ParamStore,
    options: StepOptions,
  ): Promise<TrainingStep> {
    const recorded = recordStep(gpu, config, params, options);
    try {
      return new TrainingStep(recorded, await planOf(gpu, recorded.pass));
    } catch (error) {
      if (!(error instanceof NoRoomError) || gpu.memory === undefined) throw error;
      return TrainingStep.build({ ...gpu, memory: undefined }, config, params, options);
    }
  }

  get pass(): Forward {
    return this.recorded.pass;
  }

  /** Writes a batch for the runs that follow. */
  write(batch: Batch, whole?: Whole): void {
    this.plan.write(this.pass.image, batch.image);
    this.recorded.losses.write(this.plan, batch, whole);
  }

  /** Writes the sampled pairs of a run; see `drawPairs`. */
  writePairs(drawn: PairInputsData): void {
    this.recorded.losses.writePairs(this.plan, drawn);
  }

  /** Queues a run; with an update, step t >= 1 at this learning rate. */
  run(update?: { lr: number; t: number }): void {
    const { rate } = this.recorded;
    if (rate) {
      if (!update) throw new LlsmError('This program updates weights: it needs lr and t');
      this.plan.write(rate, adamStep(update.lr, update.t));
    }
    this.plan.run();
  }

  /** Reads the losses of the last run, before its update, and whether the update went well. */
  async losses(): Promise<StepLosses> {
    const { losses, pass, rate } = this.recorded;
    // Both are queued here and now, behind this run and before the next.
    const [parts, notFinite] = await Promise.all([
      losses.read(this.plan),
      rate && firstNotFinite(pass.params),
    ]);
    return notFinite === undefined ? parts : { ...parts, notFinite };
  }

  destroy(): void {
    this.plan.destroy();
  }
}
