/** A whole training run wherever it is kept; the same in Node and in a page. */
import { LlsmError } from '../base/errors.ts';
import type { Config } from '../config/config.ts';
import { FaceScorer } from '../detect/scorer.ts';
import { type Crop, CropLoader, type CropSource, type ReadBytes } from '../faces/crops.ts';
import type { ManifestItem } from '../faces/manifest.ts';
import { PairLoader } from '../forge/pairs.ts';
import type { Gpu } from '../gpu/device.ts';
import type { RgbImage } from '../image/rgb.ts';
import { initParams } from '../model/llsm/init.ts';
import { type LoopResult, trainLoop } from './loop.ts';
import { Sampler } from './sampler.ts';
import { forgingAt } from './schedule.ts';
import { firstState, type Journal, type Meter } from './state.ts';
import { Trainer } from './trainer.ts';
import { type Validation, Validator } from './validate.ts';

/** A validation face as the network sees it now. */
export interface Preview {
  image: RgbImage;
  /** [size, size]: 1 where it was altered. */
  truth: Float32Array;
  label: 0 | 1;
  probability: number;
  /** [size, size]: probability that a pixel was altered. */
  mask?: Float32Array;
}

export interface TrainOptions {
  gpu: Gpu;
  config: Config;
  /** Faces of the splits `train` and `val`; with `train.forge` real ones alone. */
  faces: readonly ManifestItem[];
  /** Gives the bytes of a picture by its folder and path. */
  read: ReadBytes;
  /** Keeps the run; its state, where it has one, is gone on from. */
  journal: Journal;
  meter: Meter;
  /** Ends the run after the step that is under way; it is saved. */
  signal?: AbortSignal;
  /** Steps between two saves, besides the one after each epoch. */
  saveEvery?: number;
  /** Validation faces that `onValidation` is shown (default none). */
  previews?: number;
  onValidation?(validation: Validation, step: number, previews: Preview[]): void;
}

/** Faces that are validated on after each epoch, of each class. */
const mostValidated = 64;

/**
 * Trains until the config's last step, or until it is aborted.
 * @throws LlsmError where the faces do not allow it, or a loss is not finite
 */
export async function train(options: TrainOptions): Promise<LoopResult> {
  const { gpu, config, faces, read, journal, meter, signal, previews = 0 } = options;
  const [trained, measured] = ['train', 'val'].map((split) =>
    faces.filter((face) => face.split === split),
  );
  if (trained.length === 0) throw new LlsmError('there are no faces of the split "train"');
  const { size, train: how } = config;
  const sampler = how.forge
    ? new Sampler(trained, { batch: how.batch / 2, seed: how.seed, balance: false })
    : new Sampler(trained, how);
  const loaderOf = (items: readonly ManifestItem[], augment: boolean) =>
    how.forge
      ? new PairLoader(items, { size, seed: how.seed, read, forgingAt: (at) => forgingAt(how, at) })
      : new CropLoader(items, { size, seed: how.seed, read, augment: augment && how.augment });
  const begin = () => firstState(initParams(config, how.seed));
  const trainer = await Trainer.build(gpu, journal.state ?? begin());
  const made: { destroy(): void }[] = [trainer];
  try {
    const val = await cropsOf(measured.slice(0, mostValidated), loaderOf(measured, false));
    const validator =
      val.items.length > 0 ? await Validator.build(gpu, config, trainer.store, val) : undefined;
    if (validator) made.push(validator);
    const shown = val.crops.slice(0, previews);
    const scorer =
      shown.length > 0
        ? await FaceScorer.over(gpu, config, trainer.store, {
            batch: shown.length,
            dissimilarity: false,
          })
        : undefined;
    if (scorer) made.push(scorer);
    return await trainLoop({
      ...{ trainer, journal, meter, sampler, validator },
      loader: loaderOf(trained, true),
      saveEvery: options.saveEvery ?? how.iterations,
      stop: () => signal?.aborted ?? false,
      async onValidation(validation, step) {
        if (!scorer) {
          options.onValidation?.(validation, step, []);
          return;
        }
        const pictures = shown.map(({ image }) => pictureOf(image, size));
        const found = await trainer.withMean(() => scorer.detect(pictures));
        options.onValidation?.(
          validation,
          step,
          found.map(({ probability, mask }, k) => ({
            ...{ image: pictures[k], label: shown[k].label, probability, mask },
            truth: shown[k].mask ?? new Float32Array(size * size),
          })),
        );
      },
    });
  } finally {
    for (const each of made.reverse()) each.destroy();
  }
}

/** Validation faces, each made once: with `train.forge` a face and its forgery follow each other. */
async function cropsOf(
  items: readonly ManifestItem[],
  loader: CropSource<Crop> | CropSource<Crop[]>,
): Promise<CropSource & { crops: Crop[] }> {
  const loaded = await Promise.all(items.map(async (_, k) => [await loader.load(k, 0)].flat()));
  const crops = loaded.flat();
  const own = loaded.flatMap((each, k) => each.map(({ label }) => ({ ...items[k], label })));
  return { items: own, crops, load: async (k) => crops[k] };
}

const pictureOf = (image: Uint8Array, size: number): RgbImage => ({
  width: size,
  height: size,
  data: Uint8ClampedArray.from(image),
});
