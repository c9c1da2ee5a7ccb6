import { ahead } from '../base/ahead.ts';
import { LlsmError } from '../base/errors.ts';
import type { Config } from '../config/config.ts';
import type { Crop, CropSource } from '../faces/crops.ts';
import type { Batch, LossParts } from '../model/llsm/losses.ts';
import type { StepLosses } from '../model/llsm/step.ts';
import type { Sampler } from './sampler.ts';
import { learningRate, totalSteps } from './schedule.ts';
import type { Journal, Meter } from './state.ts';
import type { Trainer } from './trainer.ts';
import { gather, type Validation, type Validator } from './validate.ts';

export interface LoopOptions {
  trainer: Trainer;
  journal: Journal;
  /** Gives the crops of each item of the sampler's; together they are a batch. */
  loader: CropSource<Crop> | CropSource<Crop[]>;
  sampler: Sampler;
  meter: Meter;
  /** Measures the weights after each epoch (train.iterations steps), and picks the best. */
  validator?: Validator;
  /** Steps between two saves, besides the one at each epoch's end. */
  saveEvery: number;
  /** Awaited before the next step: the weights stay as they were measured. */
  onValidation?(validation: Validation, step: number): void | Promise<void>;
  /** Asked before each step: true ends the run, saved. */
  stop(): boolean;
}

export interface LoopResult {
  /** Optimiser steps done, those of earlier runs included. */
  steps: number;
  finished: boolean;
  last?: LossParts;
  /** The best validation so far, and its step. */
  best?: { auc: number; step: number };
}

/** Batches loaded ahead of the GPU: with one, a pool's threads wait at each for the slowest. */
const AHEAD = 2;

/**
 * Trains to the config's last step, or until it is stopped. The next batches are loaded while the
 * GPU works, and losses are read one step late.
 * @throws LlsmError where a loss, a gradient or a weight is not finite: the state saved before stays
 */
export async function trainLoop(options: LoopOptions): Promise<LoopResult> {
  const { trainer, journal, meter } = options;
  const { config } = trainer;
  const total = totalSteps(config);
  let step = journal.state?.counters.step ?? 0;
  let saved = step;
  let pending:
    | { step: number; lr: number; items: number[]; losses: Promise<StepLosses> }
    | undefined;
  let last: LossParts | undefined;
  const started = performance.now();
  const first = step;

  /** Waits for the losses of the step queued before, and writes them down. */
  const settle = async (): Promise<void> => {
    if (!pending) return;
    const { step: done, lr, items, losses } = pending;
    pending = undefined;
    const { notFinite, ...parts } = await losses;
    last = parts;
    if (notFinite !== undefined || !Object.values(parts).every(Number.isFinite)) {
      const names = items.map((i) => options.loader.items[i].image).join(', ');
      const weight = notFinite === undefined ? '' : `${notFinite} or its gradient is not finite; `;
      throw new LlsmError(
        `Step ${done + 1}: ${weight}the loss is ${last.total} (classes ${last.cls}, pairs ${last.ls}, ` +
          `mask ${last.loc}), at a learning rate of ${lr}. Its images: ${names}. The state of ` +
          `step ${saved} is kept: resume it with a lower train.lr in a new run (--init), or look at the images`,
      );
    }
    const rate = ((done + 1 - first) * config.train.batch * 1000) / (performance.now() - started);
    await journal.appendMetrics({
      step: done + 1,
      lr,
      loss: last.total,
      cls: last.cls,
      ls: last.ls,
      loc: last.loc,
      imagesPerSecond: Number(rate.toFixed(2)),
    });
    meter.update(done + 1, { loss: last.total, cls: last.cls, ls: last.ls, loc: last.loc });
  };
  const counters = journal.state?.counters;
  let best =
    counters?.bestStep !== undefined
      ? { auc: counters.bestAuc, step: counters.bestStep }
      : undefined;
  const save = async (): Promise<void> => {
    await settle();
    if (step === saved) return;
    const kept = best && { bestStep: best.step, bestAuc: best.auc };
    await journal.save(await trainer.state({ step, ...kept }));
    saved = step;
  };
  const validate = async (): Promise<void> => {
    await settle();
    const { validator } = options;
    if (!validator) return;
    const found = await trainer.withMean(() => validator.measure());
    const { total: loss, cls, ls, loc, auc } = found;
    await journal.appendMetrics({
      step,
      valLoss: loss,
      valCls: cls,
      valLs: ls,
      valLoc: loc,
      ...(Number.isNaN(auc) ? {} : { valAuc: auc }),
    });
    if (auc > (best?.auc ?? Number.NEGATIVE_INFINITY)) best = { auc, step };
    meter.note(
      `Step ${step}: validation AUC ${auc.toFixed(4)}, loss ${loss.toFixed(4)} (classes ` +
        `${cls.toFixed(4)}, pairs ${ls.toFixed(4)}, mask ${loc.toFixed(4)})`,
    );
    await options.onValidation?.(found, step);
  };

  const batches = ahead(stepsFrom(step, total), AHEAD, (at) => loadBatch(options, config, at));
  for await (const { batch, items } of batches) {
    if (options.stop()) break;
    const lr = learningRate(config, step);
    const losses = trainer.step(batch, step, lr);
    losses.catch(() => {}); // It is awaited a step later.
    await settle();
    pending = { step, lr, items, losses };
    step++;
    const epochEnds = step % config.train.iterations === 0;
    if (epochEnds) await validate();
    if (epochEnds || step % options.saveEvery === 0) await save();
  }
  await save();
  return { steps: step, finished: step >= total, last, best };
}

function* stepsFrom(first: number, end: number): Generator<number> {
  for (let step = first; step < end; step++) yield step;
}

async function loadBatch(
  { loader, sampler }: LoopOptions,
  config: Config,
  step: number,
): Promise<{ batch: Required<Batch>; items: number[] }> {
  const items = sampler.items(step);
  const crops = (await Promise.all(items.map((item) => loader.load(item, step)))).flat();
  const batch = gather(crops, config.train.batch, config.size);
  return { batch, items };
}
