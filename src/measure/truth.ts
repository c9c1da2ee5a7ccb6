/** Truth of a forged face: its mask, and which pairs of positions differ. */
import { Random } from '../base/random.ts';
import type { FaceCrop } from '../faces/crops.ts';
import { resample } from '../image/resample.ts';

/** Value from which a pixel of a true mask, whose values say how far it was altered, counts as altered. */
const altered = 0.5;

/**
 * Which pairs of positions are compared, of [HW, HW]: all up to HW = 256, else 65,536 that are drawn
 * once. At fixed pairs every image's value is kept, so there the number is limited by the images.
 */
export interface PairChoice {
  /** Number of positions HW. */
  positions: number;
  /** Chosen pairs, each as i * HW + j. */
  pairs: Uint32Array;
  /** The first `fixed` of `order` (places in `pairs`) are ranked pair by pair. */
  order: Uint32Array;
  fixed: number;
}

const mostPairs = 65_536;
/** Values kept for the measures at fixed pairs, over all images (5 bytes each). */
const mostKept = 2 ** 25;

/** Chooses pairs of positions. @param images number of forged faces with a mask */
export function choosePairs(positions: number, images: number, seed: number): PairChoice {
  const all = positions * positions;
  const random = new Random(seed, 'compared pairs');
  const pairs =
    all <= mostPairs
      ? Uint32Array.from({ length: all }, (_, k) => k)
      : Uint32Array.from({ length: mostPairs }, () => random.int(all));
  const order = Uint32Array.from(random.shuffle([...pairs.keys()]));
  const fixed = Math.min(pairs.length, Math.floor(mostKept / Math.max(1, images)));
  return { positions, pairs, order, fixed };
}

/** A face's mask as the network is asked for it. */
export interface Truth {
  /** Pixels [S, S]: 1 where altered, else 0. */
  pixels: Uint8Array;
  /** Labels of the chosen pairs: 1 where the positions differ, abs(m_i - m_j) > 0.5, else 0. */
  pairs?: Uint8Array;
}

/** Truth of a mask at a choice of pairs. @param mask [S, S] in [0, 1] */
export function truthOf(mask: Float32Array, choice?: PairChoice): Truth {
  const pixels = Uint8Array.from(mask, (value) => (value >= altered ? 1 : 0));
  if (!choice) return { pixels };
  const { positions, pairs } = choice;
  const pooled = poolMask(mask, Math.sqrt(mask.length), Math.sqrt(positions));
  return {
    pixels,
    pairs: Uint8Array.from(pairs, (pair) => {
      const [i, j] = [Math.floor(pair / positions), pair % positions];
      return Math.abs(pooled[i] - pooled[j]) > 0.5 ? 1 : 0;
    }),
  };
}

/** The mask of a face crop at the network's size, [size, size] in [0, 1], as in training. */
export function maskAt({ mask }: FaceCrop, size: number): Float32Array {
  const out = new Float32Array(size * size);
  if (!mask) return out;
  resample(mask, 1, [0, 0, mask.width, mask.height], size, size, out);
  return out.map((value) => value / 255);
}

/** Adaptive average pool of [size, size] to [side, side], with torch's bins. */
export function poolMask(mask: ArrayLike<number>, size: number, side: number): Float64Array {
  const from = (bin: number) => Math.floor((bin * size) / side);
  const to = (bin: number) => Math.ceil(((bin + 1) * size) / side);
  return Float64Array.from({ length: side * side }, (_, k) => {
    const [row, column] = [Math.floor(k / side), k % side];
    let sum = 0;
    for (let y = from(row); y < to(row); y++) {
      for (let x = from(column); x < to(column); x++) sum += mask[y * size + x];
    }
    return sum / ((to(row) - from(row)) * (to(column) - from(column)));
  });
}
