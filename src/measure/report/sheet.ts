/** Sheets of many faces at once: the paper's Fig. 5, and what the detector found. Browser-safe. */

import { fitted } from '../../detect/pictures.ts';
import type { Detection } from '../../detect/scorer.ts';
import {
  type Cell,
  grey,
  heatmap,
  legend,
  overlay,
  panel,
  similarityPicture,
  viridis,
  words,
  wrapped,
} from '../../image/draw.ts';
import { type Box, resize } from '../../image/pixels.ts';
import type { RgbImage } from '../../image/rgb.ts';
import { poolMask } from '../truth.ts';

/** A face whose truth is known, with what the network says of it. */
export interface SheetFace {
  /** Title above the picture, such as the method, or `real`. */
  title: string;
  /** The face crop, of any size. */
  image: RgbImage;
  /** True mask [size, size] in [0, 1]; all 0 for a real face. */
  truth: Float32Array;
  detection: Detection;
}

/** Pictures are about this wide; those of similarity maps must be whole multiples. */
const nearSide = 192;

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

/**
 * The paper's Fig. 5: a column a face; rows: input, true mask, predicted mask, true LSM, predicted
 * LSM, as far as the network gives them.
 * @param faces at least one, all from one network
 */
export function truthSheet(faces: readonly SheetFace[]): RgbImage {
  const { mask, dissimilarity } = faces[0].detection;
  const positions = dissimilarity ? Math.sqrt(dissimilarity.length) : 0;
  const zoom = Math.max(1, Math.round(nearSide / positions));
  const side = dissimilarity ? positions * zoom : nearSide;
  const map = (values: Float32Array): RgbImage =>
    heatmap(fitted(values, Math.sqrt(values.length), side, side), side, side, { palette: grey });

  const row = (name: string, picture: (face: SheetFace) => RgbImage): Cell[] => [
    { image: words(name, nearSide) },
    ...faces.map((face) => ({ image: picture(face) })),
  ];
  const rows = [
    row('', ({ title }) => words(title, side)),
    row('p(forged)', ({ detection }) => words(detection.probability.toFixed(3), side)),
    row('input', ({ image }) => resize(image, side, side)),
  ];
  const scales: Cell[][] = [];
  if (mask) {
    rows.push(row('true mask', ({ truth }) => map(truth)));
    rows.push(row('predicted mask', ({ detection }) => map(detection.mask as Float32Array)));
    scales.push([{ image: legend(grey, 'masks: 0 untouched', '1 altered', 2 * nearSide) }]);
  }
  if (dissimilarity) {
    const picture = (values: Float32Array) => similarityPicture(values, positions, zoom);
    rows.push(row('true LSM', ({ truth }) => picture(trueSimilarity(truth, positions))));
    rows.push(
      row('predicted LSM', ({ detection }) => picture(detection.dissimilarity as Float32Array)),
    );
    scales.push([{ image: legend(viridis, 'LSM: 0 same source', '1 dissimilar', 2 * nearSide) }]);
  }
  const grid = panel(rows, 6);
  return scales.length > 0 ? panel([[{ image: grid }], ...scales], 0) : grid;
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
export const contactSide = 192;

/**
 * A face as a contact sheet shows it: small, with the mask over it.
 * @param mask [size, size] of probabilities, over the box
 */
export function contactPicture(
  photo: RgbImage,
  mask: Float32Array | undefined,
  box: Box = [0, 0, photo.width, photo.height],
): RgbImage {
  const scale = contactSide / Math.max(box[2], box[3]);
  const [width, height] = [box[2], box[3]].map((n) => Math.max(1, Math.round(n * scale)));
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
  picture(note: string, columns = 6): RgbImage {
    const rows: Cell[][] = [];
    for (let first = 0; first < this.#faces.length; first += columns) {
      const part = this.#faces.slice(first, first + columns);
      rows.push(part.map(({ name }) => ({ image: words(name, contactSide) })));
      rows.push(part.map(({ image }) => ({ image })));
      rows.push(part.map((face) => ({ image: words(face.probability.toFixed(3), contactSide) })));
      rows.push(part.map(({ verdict }) => ({ image: words(verdict, contactSide) })));
    }
    const grid = panel(rows, 6);
    const left = this.#added - this.#faces.length;
    const notes = [
      ...(left > 0 ? [`The ${mostOnSheet} likeliest forged of ${this.#added} faces.`] : []),
      note,
    ];
    const lines = notes.flatMap((text) => wrapped(text, grid.width, 1));
    return panel([[{ image: grid }], ...lines.map((image) => [{ image }])], 4);
  }
}
