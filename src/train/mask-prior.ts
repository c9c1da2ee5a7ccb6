/** Where training masks lie on average: the fixed part of the mask's logits (`maskPrior`). */
import type { Crop, CropSource } from '../faces/crops.ts';
import { resample } from '../image/resample.ts';

/** Training items whose masks are averaged, at most. */
const most = 256;

/** Log-odds beyond which a mean of a few hundred masks says nothing. */
const limit = 4;

/**
 * The log-odds [side, side] of a pixel's being altered, over training items spread evenly, each as the
 * first step loads it; real faces count with the rest.
 * @param size of the items' masks
 */
export async function logOddsOfMasks(
  source: CropSource<Crop> | CropSource<Crop[]>,
  size: number,
  side: number,
): Promise<Float32Array> {
  const count = Math.min(most, source.items.length);
  const mean = new Float64Array(size * size);
  let masks = 0;
  for (let k = 0; k < count; k++) {
    const item = Math.floor((k * source.items.length) / count);
    for (const { mask } of [await source.load(item, 0)].flat()) {
      if (!mask) continue;
      masks++;
      for (let i = 0; i < mask.length; i++) mean[i] += mask[i];
    }
  }
  const share = Float32Array.from(mean, (sum) => sum / Math.max(1, masks));
  const small = resample(
    { width: size, height: size, data: share },
    1,
    [0, 0, size, size],
    side,
    side,
    new Float32Array(side * side),
    'area',
  );
  return small.map((p) => Math.min(limit, Math.max(-limit, Math.log(p / (1 - p)))));
}
