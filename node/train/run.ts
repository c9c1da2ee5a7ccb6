/** A whole training run in a folder (Node only): what `llsm train` and `llsm demo` do. */

import { LlsmError } from '../../src/base/errors.ts';
import type { Config } from '../../src/config/config.ts';
import type { Crop, CropSource } from '../../src/faces/crops.ts';
import { countsInWords, type ManifestItem } from '../../src/faces/manifest.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import type { CurvesOptions } from '../../src/measure/report/curves.ts';
import type { Checkpoint } from '../../src/model/llsm/checkpoint.ts';
import { initParams } from '../../src/model/llsm/init.ts';
import { type LoopResult, trainLoop } from '../../src/train/loop.ts';
import { logOddsOfMasks } from '../../src/train/mask-prior.ts';
import { Sampler } from '../../src/train/sampler.ts';
import { totalSteps } from '../../src/train/schedule.ts';
import { peakInWords, stepPlanOf } from '../../src/train/step-plan.ts';
import { Trainer } from '../../src/train/trainer.ts';
import { type Validation, Validator } from '../../src/train/validate.ts';
import { Progress } from '../system/progress.ts';
import { CropPool, type CropPoolOptions } from './crop-pool.ts';
import { RunFolder } from './run-folder.ts';

export interface TrainRunOptions {
  gpu: Gpu;
  /** Faces of all splits: `train` is trained on, `val` is measured after each epoch. */
  items: readonly ManifestItem[];
  /** Faces whose split `val` is measured in place of that of `items`. */
  validated?: readonly ManifestItem[];
  /** The run's folder. */
  out: string;
  /** Of a new run; on resume the run has its own, which a given one must equal. */
  config?: Config;
  resume?: boolean;
  /** The weights a run without a saved state begins with; drawn from the config's seed by default. */
  begin?: Checkpoint;
  /** Steps between two saves, besides the one after each epoch. */
  saveEvery?: number;
  /** Threads that decode and augment faces; see CropPool. */
  workers?: number;
  /** How curves.svg is drawn at the end. */
  curves?: CurvesOptions;
  /** Receives a line for each thing worth knowing. */
  say(line: string): void;
  /** Asked before each step: true ends the run, saved. */
  stop?(): boolean;
  onValidation?(validation: Validation, step: number): void;
}

export interface TrainRunResult extends LoopResult {
  config: Config;
}

/** Fills the prior of masks that a run begins with, where it has one that holds nothing yet. */
async function fillPrior(
  { config, tensors }: Checkpoint,
  loader: CropSource<Crop> | CropSource<Crop[]>,
  say: (line: string) => void,
): Promise<void> {
  const prior = tensors.get('flm.prior');
  if (!config.maskPrior || !prior || prior.data.some((value) => value !== 0)) return;
  prior.data.set(await logOddsOfMasks(loader, config.size, config.maskPrior));
  const odds = [...prior.data].sort((a, b) => a - b);
  say(`Masks begin from log-odds of ${odds[0].toFixed(2)} to ${odds[odds.length - 1].toFixed(2)}`);
}

/**
 * Trains in a run folder until the config's last step, or until `stop` says so; then it is saved.
 * @throws LlsmError where the data or the folder does not allow it (before the folder is made), or
 *   where a loss is not finite
 */
export async function trainRun(options: TrainRunOptions): Promise<TrainRunResult> {
  const { gpu, say } = options;
  const trained = options.items.filter(({ split }) => split === 'train');
  const validated = (options.validated ?? options.items).filter(({ split }) => split === 'val');
  if (trained.length === 0) {
    const folders = [...new Set(options.items.map(({ folder }) => folder))].join(', ');
    throw new LlsmError(
      `${folders}: there are no faces with split "train" to train on. \`llsm data\` and \`llsm forge\` ` +
        'give most people that split; a manifest made otherwise needs the field on each line',
    );
  }
  const samplerOf = ({ train }: Config): Sampler =>
    train.forge
      ? new Sampler(trained, { batch: train.batch / 2, seed: train.seed, balance: false })
      : new Sampler(trained, train);
  // What can be refused is refused before the folder is made.
  if (options.config) samplerOf(options.config);
  const folder = RunFolder.open({
    path: options.out,
    config: options.config,
    resume: options.resume ?? false,
    begin: options.begin,
    say,
  });
  const pools: { close(): Promise<void> }[] = [];
  const onGpu: { destroy(): void }[] = [];
  try {
    const { config, state } = folder;
    const faces = <Loaded extends Crop | Crop[] = Crop>(
      items: readonly ManifestItem[],
      how: Pick<CropPoolOptions, 'augment' | 'forge'>,
    ): CropPool<Loaded> => {
      const common = { size: config.size, seed: config.train.seed, workers: options.workers };
      const pool = new CropPool<Loaded>(items, { ...common, ...how });
      pools.push(pool);
      return pool;
    };
    const loader = config.train.forge
      ? faces<Crop[]>(trained, { augment: false, forge: config.train })
      : faces<Crop>(trained, { augment: config.train.augment });
    const begun = state ?? { checkpoint: initParams(config, config.train.seed) };
    if (!state?.counters.step) await fillPrior(begun.checkpoint, loader, say);
    const trainer = await Trainer.build(gpu, begun);
    onGpu.push(trainer);
    const validator =
      validated.length > 0
        ? await Validator.build(gpu, config, trainer.store, faces(validated, { augment: false }))
        : undefined;
    if (validator) onGpu.unshift(validator);
    say(`To train on: ${countsInWords(trained)}; to validate on: ${countsInWords(validated)}`);
    say(peakInWords(stepPlanOf(trainer.program.plan.memory, trainer.store, config)));
    const progress = new Progress({
      label: 'train',
      total: totalSteps(config),
      done: state?.counters.step,
      images: config.train.batch,
    });
    try {
      const result = await trainLoop({
        trainer,
        journal: folder,
        loader,
        sampler: samplerOf(config),
        validator,
        meter: progress,
        saveEvery: options.saveEvery ?? config.train.iterations,
        stop: options.stop ?? (() => false),
        onValidation: options.onValidation,
      });
      // Only here, so that no command loads the plotting library as it starts.
      const { writeCurves } = await import('../measure/curves.ts');
      writeCurves(options.out, options.curves);
      return { ...result, config };
    } finally {
      progress.stop();
    }
  } finally {
    await Promise.all(pools.map((pool) => pool.close()));
    for (const held of onGpu) held.destroy();
    folder.close();
  }
}
