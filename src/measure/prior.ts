/**
 * The constant predictor: the mean mask and mean pair map of training forgeries, shown for every face
 * whatever is on it. What a network does not beat, it has not seen. Browser-safe.
 */

import { LlsmError } from '../base/errors.ts';
import { Random } from '../base/random.ts';
import { cropBox, type ReadBytes } from '../faces/crops.ts';
import type { ManifestItem } from '../faces/manifest.ts';
import { decodeImage, greyOf } from '../image/codecs.ts';
import { resample } from '../image/resample.ts';
import { MaskThresholds } from './threshold.ts';
import { type PairChoice, truthOf } from './truth.ts';

export interface Prior {
  /** Mean [S, S] of the masks. */
  mask: Float32Array;
  /** The threshold of the mean mask with the best mean IoU on these faces: 0.01 to 0.99. */
  threshold: number;
  /** Fraction of the faces where a pair's positions differ, for each chosen pair. */
  pairs?: Float32Array;
  /** Faces that it is the mean of, drawn from `of` forged training faces with a mask. */
  faces: number;
  of: number;
}

export interface PriorOptions {
  size: number;
  pairs?: PairChoice;
  seed: number;
  read: ReadBytes;
  onFace?: (done: number, total: number) => void;
}

/** Most faces in the mean: more hardly move it, and their masks stay until the threshold is found. */
const mostFaces = 2000;
const mostBytes = 2 ** 27;

/**
 * @param items of any split: forged faces with a mask that are for training are used
 * @returns undefined where there are none
 * @throws LlsmError naming the mask that cannot be read
 */
export async function makePrior(
  items: readonly ManifestItem[],
  { size, pairs: choice, seed, read, onFace }: PriorOptions,
): Promise<Prior | undefined> {
  const usable = items.filter(({ split, mask }) => split === 'train' && mask !== null);
  if (usable.length === 0) return undefined;
  const most = Math.min(mostFaces, Math.floor(mostBytes / size ** 2));
  const drawn = new Random(seed, 'faces of the constant predictor').shuffle([...usable]);
  const chosen = drawn.slice(0, most);

  const mask = new Float32Array(size * size);
  const pairs = choice && new Float32Array(choice.pairs.length);
  const truths: Uint8Array[] = [];
  for (const item of chosen) {
    const values = await readMaskAt(item, size, read);
    const truth = truthOf(values, choice);
    for (let k = 0; k < mask.length; k++) mask[k] += values[k] / chosen.length;
    truth.pairs?.forEach((one, k) => {
      if (pairs) pairs[k] += one / chosen.length;
    });
    truths.push(truth.pixels);
    onFace?.(truths.length, chosen.length);
  }
  const thresholds = new MaskThresholds();
  for (const truth of truths) thresholds.add(mask, truth);
  return {
    mask,
    threshold: thresholds.best().value,
    pairs,
    faces: chosen.length,
    of: usable.length,
  };
}

/** The face's part of a mask, without the picture that it belongs to: [size, size] in [0, 1]. */
async function readMaskAt(item: ManifestItem, size: number, read: ReadBytes) {
  const path = `${item.folder}/${item.mask}`;
  const mask = greyOf(await decodeImage(await read(path), path), path);
  const box = cropBox(item.box, mask.width, mask.height);
  if (box[2] < 1 || box[3] < 1) {
    throw new LlsmError(
      `${path}: the box ${item.box} lies outside of the ${mask.width} x ${mask.height} mask.`,
    );
  }
  const out = new Float32Array(size * size);
  resample(mask, 1, box, size, size, out);
  return out.map((value) => value / 255);
}
