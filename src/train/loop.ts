import type { CropLoader } from '../data/crops.ts';
import { LlsmError } from '../errors.ts';
import type { Config } from '../model/config.ts';
import type { Batch, LossParts } from '../model/program.ts';
import type { Progress } from './progress.ts';
import type { RunFolder } from './run-folder.ts';
import type { Sampler } from './sampler.ts';
import { learningRate, totalSteps } from './schedule.ts';
import type { Trainer } from './trainer.ts';

export interface LoopOptions {
  trainer: Trainer;
  folder: RunFolder;
  loader: CropLoader;
  sampler: Sampler;
  progress: Progress;
  /** Steps between two saves. */
  saveEvery: number;
  /** Asked before each step: true ends the run, saved. */
  stop(): boolean;
}

export interface LoopResult {
  /** Optimiser steps done, those of earlier runs included. */
  steps: number;
  finished: boolean;
  last?: LossParts;
}

/**
 * Trains to the config's last step, or until it is stopped. The next batch is loaded while the GPU
 * works, and losses are read one step late.
 * @throws LlsmError where a loss is not finite: the state saved before stays
 */
export async function trainLoop(options: LoopOptions): Promise<LoopResult> {
  const { trainer, folder, progress } = options;
  const { config } = trainer;
  const total = totalSteps(config);
  let step = folder.state?.counters.step ?? 0;
  let saved = step;
  let pending:
    | { step: number; lr: number; items: number[]; losses: Promise<LossParts> }
    | undefined;
  let last: LossParts | undefined;
  const started = performance.now();
  const first = step;

  /** Waits for the losses of the step queued before, and writes them down. */
  const settle = async (): Promise<void> => {
    if (!pending) return;
    const { step: done, lr, items, losses } = pending;
    pending = undefined;
    last = await losses;
    if (!Object.values(last).every(Number.isFinite)) {
      const names = items.map((i) => options.loader.items[i].image).join(', ');
      throw new LlsmError(
        `Step ${done + 1}: the loss is ${last.total} (classes ${last.cls}, pairs ${last.ls}, ` +
          `mask ${last.loc}), at a learning rate of ${lr}. Its images: ${names}. The state of ` +
          `step ${saved} is kept: resume it with a lower train.lr in a new run (--init), or look at the images`,
      );
    }
    const rate = ((done + 1 - first) * config.train.batch * 1000) / (performance.now() - started);
    folder.appendMetrics({
      step: done + 1,
      lr,
      loss: last.total,
      cls: last.cls,
      ls: last.ls,
      loc: last.loc,
      imagesPerSecond: Number(rate.toFixed(2)),
    });
    progress.update(done + 1, { loss: last.total, cls: last.cls, ls: last.ls, loc: last.loc });
  };
  const save = async (): Promise<void> => {
    await settle();
    if (step === saved) return;
    folder.save(await trainer.state({ step }));
    saved = step;
  };

  let next = step < total ? loadBatch(options, config, step) : undefined;
  while (step < total && !options.stop()) {
    const { batch, items } = await (next as ReturnType<typeof loadBatch>);
    const lr = learningRate(config, step);
    const losses = trainer.step(batch, step, lr);
    // Whoever awaits it later sees the error; here it only must not count as unhandled.
    losses.catch(() => {});
    await settle();
    pending = { step, lr, items, losses };
    step++;
    if (step < total) {
      next = loadBatch(options, config, step);
      next.catch(() => {});
    }
    if (step % options.saveEvery === 0) await save();
  }
  await save();
  return { steps: step, finished: step >= total, last };
}

async function loadBatch(
  { loader, sampler }: LoopOptions,
  config: Config,
  step: number,
): Promise<{ batch: Required<Batch>; items: number[] }> {
  const items = sampler.items(step);
  const { size } = config;
  const batch = {
    image: new Float32Array(items.length * size * size * 3),
    label: new Float32Array(items.length),
    mask: new Float32Array(items.length * size * size),
    maskWeight: new Float32Array(items.length),
  };
  await Promise.all(
    items.map(async (item, i) => {
      const crop = await loader.load(item, step);
      batch.image.set(crop.image, i * size * size * 3);
      batch.label[i] = crop.label;
      if (crop.mask) batch.mask.set(crop.mask, i * size * size);
      batch.maskWeight[i] = crop.maskWeight;
    }),
  );
  return { batch, items };
}
