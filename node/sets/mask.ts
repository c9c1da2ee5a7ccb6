/** Masks as data sets have them, and what is made of them. 255: altered. */

import type { Box } from '../../src/image/pixels.ts';
import { resample } from '../../src/image/resample.ts';
import type { GreyImage, RgbImage } from '../../src/image/rgb.ts';

/** Above this a mask's resampled pixel counts as altered. */
const half = 127;

/** Grey values of a picture whose compression may have coloured it (ITU-R BT.601). */
export function greyValues({ width, height, data }: RgbImage): GreyImage {
  const grey = new Uint8ClampedArray(width * height);
  for (let i = 0; i < grey.length; i++) {
    grey[i] = 0.299 * data[i * 3] + 0.587 * data[i * 3 + 1] + 0.114 * data[i * 3 + 2];
  }
  return { width, height, data: grey };
}

/** 255 for all above `level`, 0 for the rest, in place: lossy compression leaves noise in the black. */
export function threshold(mask: GreyImage, level: number): GreyImage {
  const { data } = mask;
  for (let i = 0; i < data.length; i++) data[i] = data[i] > level ? 255 : 0;
  return mask;
}

/** The least box that holds all that a thresholded mask marks; null where it marks nothing. */
export function markedBox({ width, height, data }: GreyImage): Box | null {
  let [left, right, top, bottom] = [width, -1, height, -1];
  for (let y = 0; y < height; y++) {
    const row = data.subarray(y * width, (y + 1) * width);
    const first = row.indexOf(255);
    if (first < 0) continue;
    top = Math.min(top, y);
    bottom = y;
    left = Math.min(left, first);
    right = Math.max(right, row.lastIndexOf(255));
  }
  return right < 0 ? null : [left, top, right - left + 1, bottom - top + 1];
}

/** The part of a mask that is in the face crop; null where nothing is marked in it. */
export function cropMask(mask: GreyImage, box: Box, size: number): GreyImage | null {
  const data = resample(mask, 1, box, size, size, new Uint8ClampedArray(size * size));
  return data.some((value) => value > half) ? { width: size, height: size, data } : null;
}
