/** Training an autoencoder, and what it makes of a data set's faces, as files (Node only). */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LlsmError, messageOf } from '../../src/base/errors.ts';
import { Random } from '../../src/base/random.ts';
import { mirror } from '../../src/faces/augment.ts';
import type { Autoencoder } from '../../src/faces/autoencoder.ts';
import { readFace } from '../../src/faces/crops.ts';
import { checkFace, type Face, type ManifestItem } from '../../src/faces/manifest.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { networkInput } from '../../src/image/input.ts';
import { resize } from '../../src/image/resample.ts';
import type { RgbImage } from '../../src/image/rgb.ts';
import {
  type AutoencoderCheckpoint,
  parseAutoencoder,
  serialiseAutoencoder,
} from '../../src/model/autoencoder/checkpoint.ts';
import { AutoencoderTrainer } from '../../src/train/autoencoder.ts';
import { encodePng, readBytes } from '../files/image.ts';
import { manifestName, readManifest } from '../files/manifest.ts';
import { takeLock } from '../system/lock.ts';
import { writeFileWhole } from '../system/write-file.ts';

export interface AutoencoderRunOptions {
  /** Faces to train on: the real ones of the train split. */
  items: readonly ManifestItem[];
  begin: AutoencoderCheckpoint;
  /** The file to write: at the end, and every `saveEvery` steps. */
  out: string;
  steps: number;
  saveEvery?: number;
  batch: number;
  lr: number;
  seed: number;
  /** Asked before each step: true ends the run, saved. */
  stop?(): boolean;
  onStep?(done: number, distance: number): void;
}

/** Steps over which the rate rises at the beginning. */
const warmup = 50;

/** The largest part of a side that a view cuts away. */
const cutAway = 0.12;

/**
 * Trains an autoencoder on real faces, each seen mirrored half of the time and cut a little differently
 * at each visit. The rate falls along half a cosine.
 * @returns steps done, and the mean distance of a value over the last tenth of them, in grey levels
 * @throws LlsmError where there is no real face of the train split, a picture cannot be read, or a loss
 *   is not finite
 */
export async function trainAutoencoder(
  gpu: Gpu,
  options: AutoencoderRunOptions,
): Promise<{ steps: number; distance: number }> {
  const { begin, batch, steps, seed, out, saveEvery = 500 } = options;
  const { side } = begin.config;
  const reals = options.items.filter(({ label, split }) => label === 0 && split === 'train');
  if (reals.length === 0) throw new LlsmError('there is no real face with split "train" to learn');
  const kept = new Map<ManifestItem, RgbImage>();
  const faceOf = async (item: ManifestItem): Promise<RgbImage> => {
    let face = kept.get(item);
    if (!face) {
      const { image } = await readFace(item, readBytes);
      // Large enough for a view to be cut from it without being enlarged.
      const reduced = Math.min(Math.max(image.width, image.height), Math.ceil(1.25 * side));
      face = resize(image, reduced, reduced);
      kept.set(item, face);
    }
    return face;
  };
  const load = async (step: number): Promise<Uint8Array> => {
    const images = new Uint8Array(batch * side * side * 3);
    for (let k = 0; k < batch; k++) {
      const random = new Random(seed, 'autoencoder view', step, k);
      const face = await faceOf(random.pick(reals));
      const size = face.width * (1 - random.uniform(0, cutAway));
      const [x, y] = [0, 1].map(() => random.uniform(0, face.width - size));
      const view = resize(face, side, side, [x, y, size, size]);
      if (random.chance(0.5)) mirror(view.data, side, side, 3);
      images.set(networkInput(view, side), k * side * side * 3);
    }
    return images;
  };
  const trainer = await AutoencoderTrainer.build(gpu, begin, batch);
  const last: number[] = [];
  let step = 0;
  try {
    const save = async () => writeAutoencoder(out, await trainer.checkpoint());
    let next = load(0);
    for (; step < steps && !options.stop?.(); step++) {
      const cosine = 0.5 * (1 + Math.cos((Math.PI * step) / steps));
      const lr = options.lr * Math.min((step + 1) / warmup, 0.02 + 0.98 * cosine);
      const images = await next;
      const queued = trainer.step(images, step, lr);
      if (step + 1 < steps) next = load(step + 1);
      const distance = await queued;
      if (!Number.isFinite(distance)) {
        throw new LlsmError(`Step ${step + 1}: the loss is ${distance}: train with a lower --lr`);
      }
      last.push(distance);
      if (last.length > Math.max(1, steps / 10)) last.shift();
      options.onStep?.(step + 1, distance);
      if ((step + 1) % saveEvery === 0) await save();
    }
    await next.catch(() => {});
    await save();
  } finally {
    trainer.destroy();
  }
  return { steps: step, distance: last.reduce((sum, value) => sum + value, 0) / last.length };
}

/** Writes whole or not at all. @throws LlsmError naming the file */
export const writeAutoencoder = (path: string, checkpoint: AutoencoderCheckpoint): void =>
  writeFileWhole(path, serialiseAutoencoder(checkpoint));

/** @throws LlsmError naming the file, where it cannot be read or is none */
export function readAutoencoder(path: string): AutoencoderCheckpoint {
  let file: Uint8Array;
  try {
    file = readFileSync(path);
  } catch (error) {
    throw new LlsmError(`${path} cannot be read: ${messageOf(error)}`);
  }
  return parseAutoencoder(file, path);
}

/** Where a set's reconstructions lie. */
const folderName = 'reconstructed';

/**
 * Writes what an autoencoder makes of each real face of a set beside it, as pictures of the network's
 * side, and their paths into the manifest: forging by `reconstruct` takes them from there. Pictures that
 * are there already are made anew.
 * @throws LlsmError where the folder is no data set, or is written to by another process
 */
export async function reconstructSet(
  folder: string,
  autoencoder: Pick<Autoencoder, 'reconstruct'>,
  batch: number,
  progress: (done: number, total: number) => void = () => {},
): Promise<number> {
  const lock = takeLock(join(folder, 'lock'));
  try {
    const items = readManifest(folder);
    mkdirSync(join(folder, folderName), { recursive: true });
    const reals = items.filter(({ label }) => label === 0);
    const paths = new Map<ManifestItem, string>();
    for (let first = 0; first < reals.length; first += batch) {
      const some = reals.slice(first, first + batch);
      const faces = await Promise.all(some.map((item) => readFace(item, readBytes)));
      const made = await autoencoder.reconstruct(faces.map(({ image }) => image));
      for (const [k, item] of some.entries()) {
        const path = `${folderName}/${nameOf(item)}.png`;
        writeFileWhole(join(folder, path), [
          encodePng(made[k], { Comment: 'reconstruction by an autoencoder (LLSM)' }),
        ]);
        paths.set(item, path);
      }
      progress(Math.min(first + batch, reals.length), reals.length);
    }
    const lines = items.map((item) => {
      const { folder: _, ...face } = item;
      const path = paths.get(item);
      const line: Face = path ? { ...face, reconstructed: path } : face;
      return `${JSON.stringify(checkFace(line, join(folder, item.image)))}\n`;
    });
    writeFileWhole(join(folder, manifestName), lines);
    return reals.length;
  } finally {
    lock.release();
  }
}

/** A name of its own for each face: of one picture there may be several. */
function nameOf({ image, box }: ManifestItem): string {
  const stem = image
    .replace(/^images\//, '')
    .replace(/\.\w+$/, '')
    .replaceAll('/', '__');
  return box ? `${stem}-${box.map(Math.round).join('-')}` : stem;
}
