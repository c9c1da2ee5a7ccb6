/** Sheets of many faces at once: the paper's Fig. 5 and Fig. 6, and what the detector found. Browser-safe. */

import { LlsmError } from '../../base/errors.ts';
import { Random } from '../../base/random.ts';
import { fixedScale, ownScale } from '../../detect/gradcam.ts';
import type { Detection } from '../../detect/scorer.ts';
import { type ReadBytes, readFace } from '../../faces/crops.ts';
import type { ManifestItem } from '../../faces/manifest.ts';
import {
  fitted,
  grey,
  heatmap,
  inferno,
  overlay,
  type Palette,
  plasma,
  viridis,
} from '../../image/colours.ts';
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
  space,
} from '../../image/layout.ts';
import type { Box } from '../../image/pixels.ts';
import { resize } from '../../image/resample.ts';
import type { RgbImage } from '../../image/rgb.ts';
import { methodOf, methodsOf } from '../classification.ts';
import { maskAt, poolMask } from '../truth.ts';

/** A face whose truth is known, with what the network says of it. */
export interface SheetFace {
  /** Title above the picture, such as the method, or `real`. */
  title: string;
  /** The face crop, of any size. */
  image: RgbImage;
  /** True mask [size, size] in [0, 1], all 0 for a real face; null where it is not known. */
  truth: Float32Array | null;
  detection: Detection;
}

/** Pictures are about this wide; maps of pairs are whole multiples of their positions. */
const nearSide = 160;
/** Room for the rows' names. */
const names = 128;

/**
 * The true similarity map (paper equation 2 with a threshold): 1 where the positions' means of the
 * mask differ by more than 0.5.
 * @param mask [size, size] in [0, 1]
 * @returns [positions, positions], 0 or 1
 */
export function trueSimilarity(mask: Float32Array, positions: number): Float32Array {
  const pooled = poolMask(mask, Math.sqrt(mask.length), Math.sqrt(positions));
  return Float32Array.from({ length: positions * positions }, (_, k) =>
    Math.abs(pooled[Math.floor(k / positions)] - pooled[k % positions]) > 0.5 ? 1 : 0,
  );
}

/** A sheet with a column a face, its title and probability above, and named rows of pictures. */
function inColumns(
  faces: readonly SheetFace[],
  side: number,
  rows: readonly { name: string; of(face: SheetFace): RgbImage | null }[],
  scales: readonly Block[],
): Drawing {
  const bold = { size: 14, bold: true };
  const cellOf = (image: RgbImage | null): Block =>
    image ? picture(image) : column([space(side, 0), label('not known', side, { colour: soft })]);
  const lines = [
    row([
      label('', names),
      ...faces.map(({ title, detection }) =>
        column(
          [
            label(title, side, bold),
            label(`p(forged) ${detection.probability.toFixed(3)}`, side, { size: 13 }),
          ],
          0,
        ),
      ),
    ]),
    ...rows.map(({ name, of }) =>
      row([paragraph(name, names, bold), ...faces.map((face) => cellOf(of(face)))]),
    ),
  ];
  const below = scales.length > 0 ? [row([space(names, 0), row(scales, 24)])] : [];
  return drawing(column([...lines, ...below], 12));
}

/**
 * The paper's Fig. 5: a column a face; rows: input, true mask, predicted mask, true LSM, predicted
 * LSM, as far as the network gives them.
 * @param faces at least one, all from one network
 */
export function truthSheet(faces: readonly SheetFace[]): Drawing {
  const { mask, dissimilarity } = faces[0].detection;
  const positions = dissimilarity ? Math.sqrt(dissimilarity.length) : 0;
  const zoom = Math.max(1, Math.round(nearSide / positions));
  const side = dissimilarity ? positions * zoom : nearSide;
  const map = (values: Float32Array | null | undefined): RgbImage | null =>
    values
      ? heatmap(fitted(values, Math.sqrt(values.length), side, side), side, side, { palette: grey })
      : null;
  const pairs = (values: Float32Array | null | undefined): RgbImage | null =>
    values ? heatmap(values, positions, positions, { zoom }) : null;
  const bar = (palette: Palette, low: string, high: string) => scale(palette, low, high, 2 * side);

  const rows: Parameters<typeof inColumns>[2][number][] = [
    { name: 'Input', of: ({ image }) => resize(image, side, side) },
  ];
  const scales: Block[] = [];
  if (mask) {
    rows.push(
      { name: 'Mask, true', of: ({ truth }) => map(truth) },
      { name: 'Mask, predicted', of: ({ detection }) => map(detection.mask) },
    );
    scales.push(bar(grey, 'Masks: 0 untouched', '1 altered'));
  }
  if (dissimilarity) {
    rows.push(
      { name: 'LSM, true', of: ({ truth }) => pairs(truth && trueSimilarity(truth, positions)) },
      { name: 'LSM, predicted', of: ({ detection }) => pairs(detection.dissimilarity) },
    );
    scales.push(bar(viridis, 'LSM: 0 same source', '1 different sources'));
  }
  return inColumns(faces, side, rows, scales);
}

/**
 * The paper's Fig. 6: a column a face; rows: input, Grad-CAM over it on the scale that is the same for
 * all faces, and on each face's own range.
 * @param faces at least one, all with Grad-CAM
 * @throws LlsmError for a face without
 */
export function camSheet(faces: readonly SheetFace[]): Drawing {
  const camOf = ({ title, detection }: SheetFace) => {
    if (!detection.cam) throw new LlsmError(`${title}: the detector was built without Grad-CAM`);
    return detection.cam;
  };
  const { tap } = camOf(faces[0]);
  const side = nearSide;
  const over = (face: SheetFace, values: Float32Array): RgbImage =>
    overlay(resize(face.image, side, side), fitted(values, camOf(face).side, side, side), {
      ...{ palette: inferno, least: 0.45, alpha: 0.75 },
    });
  return inColumns(
    faces,
    side,
    [
      { name: 'Input', of: ({ image }) => resize(image, side, side) },
      {
        name: `Grad-CAM at ${tap}, fixed scale`,
        of: (face) => over(face, fixedScale(camOf(face))),
      },
      {
        name: `Grad-CAM at ${tap}, each face's own range`,
        of: (face) => over(face, ownScale(camOf(face))),
      },
    ],
    [scale(inferno, '0 says nothing (or least)', '1 says forged (or most)', 2 * side)],
  );
}

/**
 * Faces for a sheet, drawn by lot: some real ones, and some of each method, with what the network says.
 * @param each how many of each kind
 * @throws LlsmError as `readFace`
 */
export async function drawSheetFaces(
  detector: { size: number; detect(faces: readonly RgbImage[]): Promise<Detection[]> },
  items: readonly ManifestItem[],
  { read, seed, each = 2 }: { read: ReadBytes; seed: number; each?: number },
): Promise<SheetFace[]> {
  const drawn = new Random(seed, 'faces of the sheet').shuffle([...items]);
  const of = (wanted: (item: ManifestItem) => boolean) => drawn.filter(wanted).slice(0, each);
  const chosen = [
    ...of(({ label }) => label === 0),
    ...methodsOf(items).flatMap((method) =>
      of((item) => item.label === 1 && methodOf(item) === method),
    ),
  ];
  const faces = await Promise.all(chosen.map((item) => readFace(item, read)));
  const detections = await detector.detect(faces.map(({ image }) => image));
  return faces.map((face, k) => ({
    title: chosen[k].label === 1 ? methodOf(chosen[k]) : 'real',
    image: face.image,
    truth: chosen[k].label === 0 || face.mask ? maskAt(face, detector.size) : null,
    detection: detections[k],
  }));
}

/** A face that the detector looked at. */
export interface FoundFace {
  name: string;
  verdict: string;
  probability: number;
  /** Picture as `contactPicture` gives it. */
  image: RgbImage;
}

/** The longer side of a contact sheet's pictures. */
export const contactSide = 180;

/**
 * A face as a contact sheet shows it: small, with the mask over it.
 * @param mask [size, size] of probabilities, over the box
 */
export function contactPicture(
  photo: RgbImage,
  mask: Float32Array | undefined,
  box: Box = [0, 0, photo.width, photo.height],
): RgbImage {
  const factor = contactSide / Math.max(box[2], box[3]);
  const [width, height] = [box[2], box[3]].map((n) => Math.max(1, Math.round(n * factor)));
  const small = resize(photo, width, height, box);
  return mask ? overlay(small, fitted(mask, Math.sqrt(mask.length), width, height)) : small;
}

/** Most faces on a sheet: as many as one can look through, in a PNG that opens everywhere. */
const mostOnSheet = 240;

/** The likeliest forged faces of any number, in that order. */
export class ContactSheet {
  readonly #faces: FoundFace[] = [];
  #added = 0;

  add(face: FoundFace): void {
    this.#added++;
    const place = this.#faces.findIndex(({ probability }) => probability < face.probability);
    this.#faces.splice(place < 0 ? this.#faces.length : place, 0, face);
    this.#faces.splice(mostOnSheet);
  }

  /** Faces that were added. */
  get added(): number {
    return this.#added;
  }

  /**
   * All faces in rows, each with its name, probability and verdict; at least one was added.
   * @param note a line below, such as what the threshold is
   */
  picture(note: string, columns = 6): Drawing {
    const rows: Block[] = [];
    for (let first = 0; first < this.#faces.length; first += columns) {
      const part = this.#faces.slice(first, first + columns);
      rows.push(
        row(
          part.map(({ name, verdict, probability, image }) =>
            column(
              [
                label(name, contactSide, { size: 13, colour: soft }),
                column([picture(image), space(contactSide, 0)], 0),
                label(`${probability.toFixed(3)} ${verdict}`, contactSide, {
                  size: 14,
                  bold: true,
                }),
              ],
              3,
            ),
          ),
        ),
      );
    }
    const grid = column(rows, 14);
    const left = this.#added - this.#faces.length;
    const notes = [
      ...(left > 0 ? [`The ${mostOnSheet} likeliest forged of ${this.#added} faces.`] : []),
      ...(note ? [note] : []),
    ];
    const room = Math.max(grid.width, 2 * contactSide);
    return drawing(
      column(
        [
          grid,
          scale(plasma, '0', '1 altered', 2 * contactSide),
          ...notes.map((text) => paragraph(text, room, { size: 14 })),
        ],
        12,
      ),
    );
  }
}
