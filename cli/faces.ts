/** What `eval` and `calibrate` share: the faces of a split, and a detector for them. */
import { basename, resolve } from 'node:path';
import { readCheckpoint } from '../node/files/checkpoint.ts';
import { loadConfig } from '../node/files/config.ts';
import { readManifests } from '../node/files/manifest.ts';
import { sha256Of } from '../node/system/sha256.ts';
import { LlsmError } from '../src/base/errors.ts';
import type { FaceScorer, ScorerOptions } from '../src/detect/scorer.ts';
import { type ManifestItem, type Split, splits } from '../src/faces/manifest.ts';
import type { Gpu } from '../src/gpu/device.ts';
import type { Checkpoint } from '../src/model/llsm/checkpoint.ts';

/**
 * The faces of data folders, and those of them in a split.
 * @throws LlsmError where there are none, saying which splits there are
 */
export function facesOf(
  folders: readonly string[],
  split: Split,
): { all: ManifestItem[]; faces: ManifestItem[] } {
  const all = readManifests(folders);
  const faces = all.filter((item) => item.split === split);
  if (faces.length === 0) {
    const counts = splits
      .map((name) => `${all.filter((item) => item.split === name).length} in ${name}`)
      .join(', ');
    throw new LlsmError(
      `${folders.join(', ')}: no face has split "${split}" (${counts}). Name another with --split, ` +
        'or make the data with such a split',
    );
  }
  return { all, faces };
}

/** Data folders by name and split, for what is kept in files: no paths of this machine. */
export const dataInWords = (folders: readonly string[], split: Split): string =>
  `${folders.map((folder) => basename(resolve(folder))).join(', ')} (${split})`;

export interface Weights {
  checkpoint: Checkpoint;
  /** Of the file. */
  sha256: string;
}

/**
 * A checkpoint and its file's hash; `config` is for one that carries none.
 * @throws LlsmError where either cannot be read, or they do not fit
 */
export function openWeights(path: string, config?: string): Weights {
  const given = config === undefined ? undefined : loadConfig(config);
  const checkpoint = readCheckpoint(path, given);
  return { checkpoint, sha256: sha256Of(path) };
}

/** Opens the GPU and says which. */
export async function openDetector(
  checkpoint: Checkpoint,
  options: ScorerOptions,
): Promise<{ detector: FaceScorer; gpu: Gpu }> {
  const { openGpu } = await import('./gpu.ts');
  const { FaceScorer: Opened } = await import('../src/detect/scorer.ts');
  const gpu = await openGpu();
  return { detector: await Opened.build(gpu, checkpoint, options), gpu };
}
