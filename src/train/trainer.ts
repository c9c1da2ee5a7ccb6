import type { Config } from '../config/config.ts';
import type { Gpu } from '../gpu/device.ts';
import { Graph } from '../graph/record.ts';
import { Plan } from '../graph/replay.ts';
import type { ParamStore } from '../graph/store.ts';
import { type FlatHome, Tensor } from '../graph/tensor.ts';
import { adam, adamStep, firstNotFinite, notFiniteOf } from '../kernels/adam/adam.ts';
import { ema, emaRate } from '../kernels/ema/ema.ts';
import { fill } from '../kernels/fill/fill.ts';
import { drawPairs } from '../kernels/llsm/sampled.ts';
import { firstLossScale, readLossScale, writeLossScale } from '../kernels/loss_scale/loss_scale.ts';
import { addInto } from '../kernels/residual_add/residual_add.ts';
import { downloadCheckpoint, uploadCheckpoint } from '../model/llsm/bind.ts';
import type { Pixels } from '../model/llsm/forward.ts';
import type { Batch, Whole } from '../model/llsm/losses.ts';
import { type StepLosses, type StepOptions, TrainingStep } from '../model/llsm/step.ts';
import type { TrainingState } from './state.ts';

/** The program of a training step, or of one of its micro-batches; images come as bytes if nothing else is said. */
export const stepOptions = ({ train, llsm }: Config, pixels: Pixels = 'u8'): StepOptions => ({
  batch: train.batch / train.accumulate,
  update: train.accumulate === 1,
  pairs: llsm ? llsm.pairs : 'all',
  precision: train.precision,
  pixels,
});

/** The optimiser on the GPU: weights, moments, and the step that moves them. */
export class Trainer {
  private constructor(
    readonly config: Config,
    readonly store: ParamStore,
    readonly program: TrainingStep,
    private readonly merge: Merge | undefined,
    private readonly mean: Mean | undefined,
  ) {}

  /**
   * @param from the weights to begin with, and on resume Adam's moments and the running mean
   * @param pixels what images come as (default: bytes)
   * @throws LlsmError when the step does not fit the adapter
   */
  static async build(
    gpu: Gpu,
    from: Pick<TrainingState, 'checkpoint'> & Partial<TrainingState>,
    pixels?: Pixels,
  ): Promise<Trainer> {
    const { config } = from.checkpoint;
    const store = uploadCheckpoint(gpu, from.checkpoint);
    for (const [name, data] of from.adam?.m ?? []) store.write(name, data, 'adamM');
    for (const [name, data] of from.adam?.v ?? []) store.write(name, data, 'adamV');
    if (config.train.precision === 'f16') {
      const { lossScale = firstLossScale.scale, lossScaleSteps = 0 } = from.counters ?? {};
      writeLossScale(store, { scale: lossScale, steps: lossScaleSteps });
    }
    const program = await TrainingStep.build(gpu, config, store, stepOptions(config, pixels));
    const merge = config.train.accumulate > 1 ? await Merge.build(gpu, store) : undefined;
    const { ema: decay } = config.train;
    const mean = decay ? await Mean.build(gpu, store, decay, from.mean) : undefined;
    return new Trainer(config, store, program, merge, mean);
  }

  /**
   * Queues one optimiser step.
   * @param step counted from 0
   * @returns the losses of the batch before the update, and whether its gradients and the updated weights
   *   are finite, when the GPU has come so far
   */
  step(batch: Required<Batch>, step: number, lr: number): Promise<StepLosses> {
    const losses = this.#update(batch, step, lr);
    this.mean?.move(step + 1);
    return losses;
  }

  async #update(batch: Required<Batch>, step: number, lr: number): Promise<StepLosses> {
    const { train } = this.config;
    const items = train.batch;
    const maskTotal = batch.maskWeight.reduce((sum, weight) => sum + weight, 0);
    const update = { lr, t: step + 1 };
    if (!this.merge) {
      this.#write(batch, step, 0, { items, maskTotal });
      this.program.run(update);
      return this.program.losses();
    }
    const parts: Promise<StepLosses>[] = [];
    const count = items / train.accumulate;
    for (let k = 0; k < train.accumulate; k++) {
      const part = slice(batch, k * count, count, items);
      this.#write(part, step, k * count, { items, maskTotal });
      this.program.run();
      parts.push(this.program.losses());
      this.merge.add(k === 0);
    }
    this.merge.update(update);
    const [losses, notFinite] = await Promise.all([
      Promise.all(parts).then(sum),
      firstNotFinite(this.store),
    ]);
    return notFinite === undefined ? losses : { ...losses, notFinite };
  }

  #write(batch: Batch, step: number, firstItem: number, whole: Whole): void {
    this.program.write(batch, whole);
    const { llsm, train } = this.config;
    if (!llsm || llsm.pairs === 'all' || !this.program.pass.pairs) return;
    const { height, width } = this.program.pass.pairs;
    const { batch: count } = this.program.pass.g;
    this.program.writePairs(
      drawPairs(train.seed, step, firstItem, count, height * width, llsm.pairs),
    );
  }

  /** Everything that a resumed run needs. */
  async state(counters: TrainingState['counters']): Promise<TrainingState> {
    const checkpoint = await downloadCheckpoint(this.store, this.config);
    const m = await this.store.readAll('adamM');
    const v = await this.store.readAll('adamV');
    const mean = this.mean && (await this.mean.read());
    const state = { checkpoint, adam: { m, v }, ...(mean && { mean }), counters };
    if (this.config.train.precision === 'f32') return state;
    const { scale, steps } = await readLossScale(this.store);
    return { ...state, counters: { ...counters, lossScale: scale, lossScaleSteps: steps } };
  }

  /** Does work while the store holds the weights that count: the running mean, where there is one. */
  async withMean<Result>(work: () => Promise<Result>): Promise<Result> {
    this.mean?.exchange();
    try {
      return await work();
    } finally {
      this.mean?.exchange();
    }
  }

  /** Frees the GPU's memory; nothing may be asked of it any more. */
  destroy(): void {
    this.program.destroy();
    this.merge?.destroy();
    this.mean?.destroy();
    this.store.destroy();
  }
}

/** The flat buffers that micro-batches need beside those of their program. */
export const mergeHomes = (store: ParamStore): FlatHome[] => [
  ...['gradSum', 'adamM', 'adamV'],
  notFiniteOf(store).home as FlatHome,
];

/** Adds up the gradients of micro-batches, and updates from the sum. */
class Merge {
  private constructor(
    private readonly clear: Plan,
    private readonly addition: Plan,
    private readonly apply: Plan,
    private readonly rate: Tensor,
  ) {}

  static async build(gpu: Gpu, store: ParamStore): Promise<Merge> {
    const graph = () => new Graph({ batch: 1, training: true, traits: gpu });
    const sum = store.flat('gradSum');
    const clear = graph();
    fill(clear, sum, 0);
    const addition = graph();
    addInto(addition, store.flat('grads'), sum);
    const apply = graph();
    const rate = new Tensor('adam step', [2], { home: 'input' });
    adam(apply, store, rate, { from: 'gradSum' });
    const build = (g: Graph): Promise<Plan> => Plan.build(gpu, g, store);
    return new Merge(await build(clear), await build(addition), await build(apply), rate);
  }

  add(first: boolean): void {
    if (first) this.clear.run();
    this.addition.run();
  }

  update({ lr, t }: { lr: number; t: number }): void {
    this.apply.write(this.rate, adamStep(lr, t));
    this.apply.run();
  }

  destroy(): void {
    for (const plan of [this.clear, this.addition, this.apply]) plan.destroy();
  }
}

/** A running mean of weights and statistics. */
class Mean {
  private constructor(
    private readonly store: ParamStore,
    private readonly decay: number,
    private readonly plan: Plan,
    private readonly rate: Tensor,
  ) {}

  /** @param from its values; by default those of the store */
  static async build(
    gpu: Gpu,
    store: ParamStore,
    decay: number,
    from?: Map<string, Float32Array>,
  ): Promise<Mean> {
    const g = new Graph({ batch: 1, training: true, traits: gpu });
    const rate = new Tensor('ema rate', [1], { home: 'input' });
    for (const [values, mean] of means) {
      ema(g, store.flat(values), store.flat(mean), rate);
      store.copy(values, mean);
    }
    const kinds = new Map(store.specs.map(({ name, kind }) => [name, kind]));
    for (const [name, data] of from ?? []) {
      store.write(name, data, kinds.get(name) === 'state' ? 'meanState' : 'meanWeights');
    }
    return new Mean(store, decay, await Plan.build(gpu, g, store), rate);
  }

  /** @param t steps done, this one included */
  move(t: number): void {
    this.plan.write(this.rate, emaRate(this.decay, t));
    this.plan.run();
  }

  exchange(): void {
    for (const [values, mean] of means) this.store.exchange(values, mean);
  }

  async read(): Promise<Map<string, Float32Array>> {
    const [weights, state] = await Promise.all(means.map(([, mean]) => this.store.readAll(mean)));
    return new Map([...weights, ...state]);
  }

  destroy(): void {
    this.plan.destroy();
  }
}

const means = [
  ['weights', 'meanWeights'],
  ['state', 'meanState'],
] as const;

function slice(batch: Required<Batch>, first: number, count: number, items: number): Batch {
  const part = <Values extends Float32Array | Uint8Array>(values: Values): Values => {
    const item = values.length / items;
    return values.subarray(first * item, (first + count) * item) as Values;
  };
  return {
    image: part(batch.image),
    label: part(batch.label),
    mask: part(batch.mask),
    maskWeight: part(batch.maskWeight),
  };
}

const sum = (parts: StepLosses[]): StepLosses =>
  parts.reduce((a, b) => ({
    total: a.total + b.total,
    cls: a.cls + b.cls,
    ls: a.ls + b.ls,
    loc: a.loc + b.loc,
  }));
