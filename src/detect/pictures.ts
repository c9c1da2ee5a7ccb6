/** Pictures of what the detector found on one face, for a person to look at. Browser-safe. */

import { cutMirrored } from '../faces/place.ts';
import {
  type Cell,
  grey,
  heat,
  heatmap,
  legend,
  overlay,
  panel,
  viridis,
  words,
} from '../image/draw.ts';
import { type Box, clampBox, resample, resize } from '../image/pixels.ts';
import type { RgbImage } from '../image/rgb.ts';
import type { Detection } from './scorer.ts';

/** A picture as it is shown, and where on it the face crop is. */
export interface Shown {
  photo: RgbImage;
  box: Box;
}

const longestSide = 1024;

/** A picture made smaller where it is larger than one looks at, with the box on it. */
export const shown = (image: RgbImage, box: Box): Shown => shownAll(image, [box])[0];

/** Likewise, with several boxes on one picture. */
export function shownAll(image: RgbImage, boxes: readonly Box[]): Shown[] {
  const photo = boxes.length > 0 ? reduced(image, longestSide) : image;
  return boxes.map((box) => ({ photo, box: boxOn(photo, image, box) }));
}

/** The picture, made smaller where its longer side is above the most. */
export function reduced(image: RgbImage, mostSide: number): RgbImage {
  const scale = mostSide / Math.max(image.width, image.height);
  if (scale >= 1) return image;
  const [width, height] = [image.width, image.height].map((n) =>
    Math.max(1, Math.round(n * scale)),
  );
  return resize(image, width, height);
}

/** A box of a picture, on the same picture at another size. */
export function boxOn(
  to: Pick<RgbImage, 'width' | 'height'>,
  from: Pick<RgbImage, 'width' | 'height'>,
  [x, y, w, h]: Box,
): Box {
  const [across, along] = [to.width / from.width, to.height / from.height];
  return [x * across, y * along, w * across, h * along];
}

/**
 * The mask over the whole picture, pixel upon pixel, with the border of the face crop where the
 * crop is only a part of it.
 * @param mask [size, size] of probabilities, over the box
 */
export function maskOverlay({ photo, box }: Shown, mask: Float32Array, size: number): RgbImage {
  const { width, height } = photo;
  const rounded = box.map(Math.round) as Box;
  const [left, top, across, down] = clampBox(rounded, width, height);
  // The part of the mask that lies on the picture.
  const [x, y] = [(left - rounded[0]) / rounded[2], (top - rounded[1]) / rounded[3]];
  const seen: Box = [x, y, across / rounded[2], down / rounded[3]];
  const part = fitted(mask, size, across, down, seen.map((value) => value * size) as Box);
  const values = new Float32Array(width * height);
  for (let y = 0; y < down; y++) {
    values.set(part.subarray(y * across, (y + 1) * across), (top + y) * width + left);
  }
  const result = overlay(photo, values);
  if (across < width || down < height) outline(result, [left, top, across, down]);
  return result;
}

function outline({ width, data }: RgbImage, [left, top, w, h]: Box) {
  const dot = (x: number, y: number) =>
    data.fill(255, (y * width + x) * 3, (y * width + x) * 3 + 3);
  for (let x = left; x < left + w; x++) for (const y of [top, top + h - 1]) dot(x, y);
  for (let y = top; y < top + h; y++) for (const x of [left, left + w - 1]) dot(x, y);
}

/** A square map of values, or a box of it, at another size. */
export const fitted = (
  values: Float32Array,
  side: number,
  width: number,
  height: number,
  box: Box = [0, 0, side, side],
) =>
  resample(
    { width: side, height: side, data: values },
    1,
    box,
    width,
    height,
    new Float32Array(width * height),
  );

const positionsOf = (dissimilarity: Float32Array): number => Math.sqrt(dissimilarity.length);

/** The disdissimilarity map with its scale: row i, column j, 1 = dissimilar. */
export function dissimilarityPicture(dissimilarity: Float32Array): RgbImage {
  const positions = positionsOf(dissimilarity);
  const zoom = Math.max(1, Math.round(512 / positions));
  const map = heatmap(dissimilarity, positions, positions, { zoom });
  return panel([
    [{ image: words(similarityTitle(positions), map.width) }],
    [{ image: map }],
    [{ image: legend(viridis, '0 same source', '1 dissimilar', map.width) }],
  ]);
}

function similarityTitle(positions: number): string {
  const side = Math.sqrt(positions);
  return `pairs of ${side} x ${side} positions`;
}

/** The side that a panel's pictures have; a multiple of the disdissimilarity map's where it can be. */
function sideFor(dissimilarity: Float32Array | undefined): number {
  if (!dissimilarity) return 384;
  const positions = positionsOf(dissimilarity);
  return positions > 512 ? 512 : positions * Math.max(1, Math.round(384 / positions));
}

/**
 * Face crop, mask, mask over the crop and disdissimilarity map side by side, with their scales.
 * @param name what the picture is called
 * @param verdict in words, with the probability
 * @param size side of the detection's mask
 */
export function findingPanel(
  { photo, box }: Shown,
  { mask, dissimilarity }: Detection,
  { name, verdict, size }: { name: string; verdict: string; size: number },
): RgbImage {
  const side = sideFor(dissimilarity);
  const scale = side / Math.max(box[2], box[3]);
  const [width, height] = [box[2], box[3]].map((n) => Math.max(1, Math.round(n * scale)));
  const inside =
    box[0] >= 0 && box[1] >= 0 && box[0] + box[2] <= photo.width && box[1] + box[3] <= photo.height;
  const face = inside
    ? resize(photo, width, height, box)
    : resize(cutMirrored(photo, box.map(Math.round) as Box), width, height);
  const titles: Cell[] = [];
  const pictures: Cell[] = [];
  const scales: Cell[] = [];
  const add = (title: string, image: RgbImage, scale: RgbImage) => {
    titles.push({ image: words(title, image.width) });
    pictures.push({ image });
    scales.push({ image: scale });
  };
  add(name, face, words(verdict, width));
  if (mask) {
    const values = fitted(mask, size, width, height);
    const map = heatmap(values, width, height, { palette: grey });
    add('mask', map, legend(grey, '0 untouched', '1 altered', width));
    add('mask over the face', overlay(face, values), legend(heat, '0', '1 altered', width));
  }
  if (dissimilarity) {
    const positions = positionsOf(dissimilarity);
    const zoom = side / positions;
    const map = Number.isInteger(zoom)
      ? heatmap(dissimilarity, positions, positions, { zoom })
      : heatmap(fitted(dissimilarity, positions, side, side), side, side);
    const scale = legend(viridis, '0 same source', '1 dissimilar', side);
    add(similarityTitle(positions), map, scale);
  }
  return panel([titles, pictures, scales], 8);
}
