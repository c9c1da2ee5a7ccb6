/** Pictures of what the detector found on one face, for a person to look at. Browser-safe. */

import { cutMirrored } from '../faces/place.ts';
import {
  contour,
  fitted,
  grey,
  heatmap,
  inferno,
  outline,
  overlay,
  plasma,
  viridis,
} from '../image/colours.ts';
import {
  type Block,
  column,
  type Drawing,
  drawing,
  label,
  paragraph,
  picture,
  row,
  scale,
  soft,
} from '../image/layout.ts';
import { type Box, clampBox } from '../image/pixels.ts';
import { resize } from '../image/resample.ts';
import type { RgbImage } from '../image/rgb.ts';
import { type Cam, fixedScale, ownScale } from './gradcam.ts';
import { sideOf, suspiciousPatches } from './patches.ts';
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
  const factor = mostSide / Math.max(image.width, image.height);
  if (factor >= 1) return image;
  const [width, height] = [image.width, image.height].map((n) =>
    Math.max(1, Math.round(n * factor)),
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
 * crop is only a part of it, and a line around what is called altered.
 * @param mask [size, size] of probabilities, over the box
 * @param from the probability from which a pixel is called altered
 */
export function maskOverlay(
  { photo, box }: Shown,
  mask: Float32Array,
  size: number,
  from: number,
): RgbImage {
  const { width, height } = photo;
  const rounded = box.map(Math.round) as Box;
  const [left, top, across, down] = clampBox(rounded, width, height);
  const values = new Float32Array(width * height);
  if (across > 0 && down > 0) {
    // The part of the mask that lies on the picture.
    const [x, y] = [(left - rounded[0]) / rounded[2], (top - rounded[1]) / rounded[3]];
    const seen: Box = [x, y, across / rounded[2], down / rounded[3]];
    const part = fitted(mask, size, across, down, seen.map((value) => value * size) as Box);
    for (let y = 0; y < down; y++) {
      values.set(part.subarray(y * across, (y + 1) * across), (top + y) * width + left);
    }
  }
  const result = overlay(photo, values);
  contour(result, values, from);
  if (across < width || down < height) outline(result, [left, top, across, down]);
  return result;
}

/**
 * The whole picture with all its faces: masks over it, a border about each face crop and, where there are
 * several, their numbers.
 * @param faces each on the same picture
 * @param from the probability from which a mask's pixel is called altered
 */
export function wholePicture(
  faces: readonly { shown: Shown; mask: Float32Array | undefined }[],
  size: number,
  from: number,
): Drawing {
  let { photo } = faces[0].shown;
  for (const { shown: view, mask } of faces) {
    if (mask) photo = maskOverlay({ photo, box: view.box }, mask, size, from);
  }
  const numbers = faces.length > 1 ? faces : [];
  const marks = numbers.map(({ shown: { box } }, k) => {
    const [x, y] = clampBox(box.map(Math.round) as Box, photo.width - 30, photo.height - 26);
    return (
      `<rect x="${x}" y="${y}" width="${k < 9 ? 24 : 36}" height="26" fill="#fff"/>` +
      `<text x="${x + 6}" y="${y + 20}" font-size="20" font-weight="700">${k + 1}</text>`
    );
  });
  const { width, height } = photo;
  const block: Block = {
    width,
    height,
    at: (x, y) => [
      { image: photo, x, y },
      { svg: `<g transform="translate(${x} ${y})">${marks.join('')}</g>` },
    ],
  };
  return drawing(block, 0);
}

/** Grad-CAM over the face on both scales. */
export const camPicture = (view: Shown, cam: Cam): Drawing =>
  drawing(row(camCells(faceOf(view, 2 * side), cam)));

/** The map of pairs at a side in pixels, its squares sharp. */
function pairMatrix(dissimilarity: Float32Array, side: number): RgbImage {
  const positions = Math.sqrt(dissimilarity.length);
  // Of few positions the squares stay sharp; many are averaged.
  const zoom = Math.max(1, Math.floor(side / positions));
  return resize(heatmap(dissimilarity, positions, positions, { zoom }), side, side);
}

/** The map of pairs with its scale: row i, column j, 1 = dissimilar. */
export function dissimilarityPicture(dissimilarity: Float32Array): Drawing {
  const positions = Math.sqrt(dissimilarity.length);
  const side = positions > 512 ? positions : positions * Math.max(1, Math.round(512 / positions));
  return drawing(
    column([
      label(pairTitle(dissimilarity), side, { bold: true }),
      paragraph(pairMeaning, side, { size: 13, colour: soft }),
      picture(heatmap(dissimilarity, positions, positions, { zoom: side / positions })),
      scale(viridis, '0 same source', '1 different sources', side),
    ]),
  );
}

function pairTitle(dissimilarity: Float32Array): string {
  const side = sideOf(dissimilarity);
  return `All pairs of ${side} × ${side} patches`;
}

const pairMeaning =
  'A row and a column for each patch, from the upper left to the lower right: how likely the two come ' +
  'from different sources.';

/** Text and numbers of a panel. */
export interface PanelText {
  /** What the picture is called. */
  name: string;
  /** The verdict in words, with the probability. */
  verdict: string;
  /** A line or two below it, such as why the verdict is unsure. */
  note?: string;
  /** Side of the detection's mask. */
  size: number;
  /** The probability from which a mask's pixel is called altered. */
  from: number;
}

const side = 264;
const patches = 3;

/** A picture with a title above it and its scale below. */
const cell = (title: string, image: RgbImage, below?: Block): Block =>
  column([
    label(title, Math.max(image.width, side), { size: 14, bold: true }),
    picture(image),
    ...(below ? [below] : []),
  ]);

/**
 * All that the network says of one face on a sheet: the face, the mask over it and alone; Grad-CAM on
 * both scales; all pairs of patches, and the most suspicious patches each against all others.
 */
export function findingPanel(
  view: Shown,
  { mask, dissimilarity, cam }: Pick<Detection, 'mask' | 'dissimilarity' | 'cam'>,
  { name, verdict, note, size, from }: PanelText,
): Drawing {
  const face = faceOf(view, side);
  const { width, height } = face;
  const first: Block[] = [cell('The face', face)];
  if (mask) first.push(...maskCells(face, fitted(mask, size, width, height), from));
  const rows = [row(first)];
  if (cam) rows.push(row(camCells(face, cam)));
  if (dissimilarity) rows.push(row(pairCells(face, dissimilarity)));
  const room = Math.max(2 * side, ...rows.map((block) => block.width));
  const head = [
    label(name, room, { size: 16, colour: soft }),
    label(verdict, room, { size: 22, bold: true }),
    ...(note ? [paragraph(note, room, { size: 14 })] : []),
  ];
  return drawing(column([column(head, 2), ...rows], 16));
}

/** The face crop, its longer side as given. */
function faceOf({ photo, box }: Shown, longer: number): RgbImage {
  const factor = longer / Math.max(box[2], box[3]);
  const [width, height] = [box[2], box[3]].map((n) => Math.max(1, Math.round(n * factor)));
  const inside =
    box[0] >= 0 && box[1] >= 0 && box[0] + box[2] <= photo.width && box[1] + box[3] <= photo.height;
  return inside
    ? resize(photo, width, height, box)
    : resize(cutMirrored(photo, box.map(Math.round) as Box), width, height);
}

function maskCells(face: RgbImage, values: Float32Array, from: number): Block[] {
  const { width, height } = face;
  const over = overlay(face, values);
  contour(over, values, from);
  const bound = Number(from.toPrecision(2));
  return [
    cell(
      'Mask over the face',
      over,
      scale(plasma, '0', `1 altered (line at ${bound})`, Math.max(width, 160)),
    ),
    cell(
      'Mask alone',
      heatmap(values, width, height, { palette: grey }),
      scale(grey, '0 untouched', '1 altered', Math.max(width, 160)),
    ),
  ];
}

function camCells(face: RgbImage, cam: Cam): Block[] {
  const { width, height } = face;
  const over = (values: Float32Array) =>
    overlay(face, fitted(values, cam.side, width, height), {
      ...{ palette: inferno, least: 0.45, alpha: 0.75 },
    });
  const room = Math.max(width, 160);
  return [
    cell(
      `Grad-CAM at ${cam.tap}, fixed scale`,
      over(fixedScale(cam)),
      scale(inferno, '0 says nothing', '1 says forged', room),
    ),
    cell(
      `Grad-CAM at ${cam.tap}, own range`,
      over(ownScale(cam)),
      scale(inferno, 'least here', 'most here', room),
    ),
  ];
}

function pairCells(face: RgbImage, dissimilarity: Float32Array): Block[] {
  const { width, height } = face;
  const count = sideOf(dissimilarity);
  const room = Math.max(width, 160);
  const against = suspiciousPatches(dissimilarity, patches).map((patch, k) => {
    const image = overlay(face, squares(patch.others, count, width, height), {
      ...{ palette: viridis, least: 0.5, alpha: 0.75 },
    });
    const [left, top] = [(patch.column * width) / count, (patch.row * height) / count];
    const right = ((patch.column + 1) * width) / count;
    const bottom = ((patch.row + 1) * height) / count;
    const box = [left, top, right - left, bottom - top].map(Math.round) as Box;
    outline(image, box, 2);
    outline(image, [box[0] - 1, box[1] - 1, box[2] + 2, box[3] + 2], 1, [0, 0, 0]);
    return cell(
      `Patch ${k + 1} against all others (${patch.mean.toFixed(2)})`,
      image,
      scale(viridis, '0 same source', '1 different', room),
    );
  });
  const matrix = cell(
    pairTitle(dissimilarity),
    pairMatrix(dissimilarity, side),
    scale(viridis, '0 same source', '1 different', side),
  );
  return [matrix, ...against];
}

/** A square map at another size, each value a rectangle: patches have borders. */
function squares(values: Float32Array, side: number, width: number, height: number): Float32Array {
  const out = new Float32Array(width * height);
  for (let y = 0; y < height; y++) {
    const from = Math.floor((y * side) / height) * side;
    for (let x = 0; x < width; x++) {
      out[y * width + x] = values[from + Math.floor((x * side) / width)];
    }
  }
  return out;
}
