import { LlsmError } from '../../base/errors.ts';
import type { Plan } from '../../graph/replay.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { adaptivePool } from '../../kernels/adaptive_pool/adaptive_pool.ts';
import { bce, type Loss } from '../../kernels/bce/bce.ts';
import { llsmLoss } from '../../kernels/llsm/llsm.ts';
import {
  llsmSampledLoss,
  type PairInputs,
  type PairInputsData,
  pairInputs,
} from '../../kernels/llsm/sampled.ts';
import { scaled, unscaled } from '../../kernels/loss_scale/loss_scale.ts';
import { axis, unpack } from '../../kernels/matrix.ts';
import type { Forward } from './forward.ts';

/** Batch of images and what is true of them. Lengths are those of the shapes, values f32. */
export interface Batch {
  /** Images [B, S, S, 3]: bytes, or values x / 127.5 - 1, as the pass takes them. */
  image: Float32Array | Uint8Array;
  /** Labels [B]: 1 = forged, 0 = real. */
  label?: Float32Array;
  /** Masks [B, S, S, 1] in [0, 1]. */
  mask?: Float32Array;
  /** Weights [B] of the masks: 0 where a mask is not known; all 1 by default. */
  maskWeight?: Float32Array;
}

/** Totals that the means are taken over, where a batch is one micro-batch of several. */
export interface Whole {
  /** Number of items of the whole batch. */
  items?: number;
  /** Sum of the whole batch's mask weights. */
  maskTotal?: number;
}

/** Parts of the loss, unweighted (0 where the config leaves one out), and their weighted sum. */
export interface LossParts {
  total: number;
  cls: number;
  ls: number;
  loc: number;
}

export interface LossOptions {
  /** Whether gradients are wanted: without them there are no seeds. */
  grad?: boolean;
  /** Pairs of the pair loss: all (default), or the number of sampled ones that come in with each run. */
  pairs?: 'all' | number;
  /** Loss scale [2] of a training step in 16 bits, by which the seeds are multiplied. */
  scale?: Tensor;
}

/** Inputs of the losses besides the image; absent where the network has no use for one. */
interface Inputs {
  label: Tensor;
  itemWeight: Tensor;
  mask?: Tensor;
  maskWeight?: Tensor;
  pairs?: PairInputs;
}

/** Loss and its place among the parts: cls 0, ls 1, loc 2. */
interface Part {
  at: number;
  loss: Loss;
}

/** The losses of a pass. */
export class Losses {
  constructor(
    private readonly pass: Forward,
    private readonly inputs: Inputs,
    /** Values [4]: cls, ls, loc, and the loss scale where there is one. */
    private readonly parts: Tensor,
    /** The gradients that `backward` begins from, each already weighted. */
    readonly seeds: ReadonlyMap<Tensor, Tensor>,
    private readonly scaled: boolean,
  ) {}

  /**
   * Writes labels and masks for the runs that follow. The image is the pass's own.
   * @throws LlsmError where the batch lacks one of them
   */
  write(plan: Plan, batch: Batch, { items = this.pass.g.batch, maskTotal }: Whole = {}): void {
    const { inputs } = this;
    const { batch: count } = this.pass.g;
    if (!batch.label) throw new LlsmError('This program computes losses, so it needs labels');
    plan.write(inputs.label, batch.label);
    plan.write(inputs.itemWeight, new Float32Array(count).fill(1 / items));
    if (!inputs.mask) return;
    if (!batch.mask) throw new LlsmError('This program computes the mask losses: it needs masks');
    plan.write(inputs.mask, batch.mask);
    const weights = batch.maskWeight ?? new Float32Array(count).fill(1);
    const total = maskTotal ?? weights.reduce((sum, weight) => sum + weight, 0);
    plan.write(
      inputs.maskWeight as Tensor,
      weights.map((weight) => (total > 0 ? weight / total : 0)),
    );
  }

  /** Writes the sampled pairs of a run; see `drawPairs`. */
  writePairs(plan: Plan, drawn: PairInputsData): void {
    if (!this.inputs.pairs) throw new LlsmError('This program compares all pairs');
    for (const [key, tensor] of Object.entries(this.inputs.pairs)) {
      plan.write(tensor as Tensor, drawn[key as keyof PairInputsData]);
    }
  }

  /** Reads the losses of the last run, before its update. */
  async read(plan: Plan): Promise<LossParts> {
    const values = await plan.read(this.parts);
    if (this.scaled && values[3] < 1) {
      throw new LlsmError(
        'Training in 16 bits breaks down: feature maps or gradients do not fit, however the loss is ' +
          'scaled: use train.precision f32',
      );
    }
    const { alpha, beta } = this.pass.config.loss;
    const cls = values[0];
    const ls = this.pass.pairs ? values[1] : 0;
    const loc = this.pass.mask ? values[2] : 0;
    return { total: cls + alpha * ls + beta * loc, cls, ls, loc };
  }
}

/** Records the losses of paper equation 8: L = cls + alpha * ls + beta * loc. */
export function losses(
  pass: Forward,
  { grad = false, pairs = 'all', scale }: LossOptions = {},
): Losses {
  const { g, config } = pass;
  const weighted = (weight: Tensor): Tensor => (scale ? scaled(g, weight, scale) : weight);
  const inputs: Inputs = { label: g.input('label', []), itemWeight: g.input('item weight', []) };
  const itemWeight = weighted(inputs.itemWeight);
  const logit = pass.logit.tensor;
  const parts: Part[] = [
    { at: 0, loss: bce(g, logit, inputs.label, itemWeight, { scale: 1, grad }) },
  ];
  if (pass.pairs || pass.mask) {
    inputs.mask = g.input('mask truth', [config.size, config.size, 1]);
    inputs.maskWeight = g.input('mask weight', []);
    const maskWeight = weighted(inputs.maskWeight);
    if (pass.pairs) {
      const target = adaptivePool(g, 'pair target', inputs.mask, pass.pairs.height);
      const options = { scale: config.loss.alpha, grad };
      inputs.pairs = pairs === 'all' ? undefined : pairInputs(g, pass.pairs, pairs);
      const loss = inputs.pairs
        ? llsmSampledLoss(g, pass.pairs, target, maskWeight, inputs.pairs, options)
        : llsmLoss(g, pass.pairs, target, maskWeight, options);
      parts.push({ at: 1, loss });
    }
    if (pass.mask) {
      const dice = config.loss.mask === 'bce+dice';
      const options = { scale: config.loss.beta, grad, dice };
      parts.push({ at: 2, loss: bce(g, pass.mask.tensor, inputs.mask, maskWeight, options) });
    }
  }
  const all = g.scratch('loss parts', [4]);
  for (const { at, loss } of parts) {
    unpack(g, loss.partial, all, { rows: axis(1, 0), columns: axis(1, 1), base: at });
  }
  const out = scale ? unscaled(g, all, scale) : all;
  out.keep = true;
  const seeds = new Map(parts.flatMap(({ loss }) => [...loss.seeds]));
  return new Losses(pass, inputs, out, seeds, scale !== undefined);
}
