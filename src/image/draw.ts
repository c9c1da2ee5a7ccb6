/**
 * Pictures of what the network found: masks over the photograph, similarity maps, panels. Pixels
 * only: the page paints them, Node writes them with `encodePng`.
 */

import { drawText, letterHeight, letterWidth } from './font.ts';
import type { RgbImage } from './rgb.ts';

/** Colours at equal steps from 0 to 1, with straight lines between them. */
export type Palette = readonly (readonly [number, number, number])[];

/** Viridis (van der Walt and Smith, 2015) at eleven equal steps: dark 0, yellow 1. */
export const viridis: Palette = [
  [68, 1, 84],
  [72, 36, 117],
  [65, 68, 135],
  [53, 95, 141],
  [42, 120, 142],
  [33, 145, 140],
  [34, 168, 132],
  [68, 191, 112],
  [122, 209, 81],
  [189, 223, 38],
  [253, 231, 37],
];

/** Palette of what is laid over a photograph: yellow where a little, red where surely altered. */
export const heat: Palette = [
  [255, 235, 60],
  [255, 150, 30],
  [225, 0, 40],
];

/** Masks on their own: black untouched, white altered. */
export const grey: Palette = [
  [0, 0, 0],
  [255, 255, 255],
];

const unit = (value: number) => (value > 0 ? Math.min(1, value) : 0); // NaN becomes 0

/** The colour of a value in [0, 1], each channel 0 to 255. */
export function colourAt(palette: Palette, value: number): [number, number, number] {
  const place = unit(value) * (palette.length - 1);
  const low = Math.min(palette.length - 2, Math.floor(place));
  const t = place - low;
  const [a, b] = [palette[low], palette[low + 1]];
  return [a[0] + t * (b[0] - a[0]), a[1] + t * (b[1] - a[1]), a[2] + t * (b[2] - a[2])];
}

function checkLength(what: string, values: ArrayLike<number>, width: number, height: number) {
  if (values.length !== width * height) {
    throw new Error(`${what}: ${values.length} values for ${width} x ${height} pixels`);
  }
}

/**
 * Values in [0, 1] over the photograph: the higher, the less of the photograph shows through.
 * @param values [height, width] of the photograph
 * @param alpha how much of the colour there is at value 1
 */
export function overlay(
  photo: RgbImage,
  values: ArrayLike<number>,
  { alpha = 0.65, palette = heat }: { alpha?: number; palette?: Palette } = {},
): RgbImage {
  const { width, height } = photo;
  checkLength('overlay', values, width, height);
  const data = photo.data.slice();
  for (let i = 0; i < values.length; i++) {
    const weight = alpha * unit(values[i]);
    const colour = colourAt(palette, values[i]);
    for (let c = 0; c < 3; c++) {
      data[i * 3 + c] = photo.data[i * 3 + c] * (1 - weight) + colour[c] * weight;
    }
  }
  return { width, height, data };
}

/**
 * Values in [0, 1] as colours, each a square of `zoom` pixels. The scale is fixed, never stretched
 * to the picture's own range, so that two pictures can be compared.
 * @param values [height, width]
 */
export function heatmap(
  values: ArrayLike<number>,
  width: number,
  height: number,
  { palette = viridis, zoom = 1 }: { palette?: Palette; zoom?: number } = {},
): RgbImage {
  checkLength('heatmap', values, width, height);
  const data = new Uint8ClampedArray(width * zoom * height * zoom * 3);
  for (let y = 0; y < height * zoom; y++) {
    const row = Math.floor(y / zoom) * width;
    for (let x = 0; x < width * zoom; x++) {
      const colour = colourAt(palette, values[row + Math.floor(x / zoom)]);
      data.set(colour, (y * width * zoom + x) * 3);
    }
  }
  return { width: width * zoom, height: height * zoom, data };
}

/**
 * The similarity map: row i, column j tells how likely positions i and j come from different
 * sources. 1 = dissimilar, yellow.
 * @param probabilities [positions, positions] in [0, 1]
 */
export function similarityPicture(
  probabilities: ArrayLike<number>,
  positions: number,
  zoom = 1,
): RgbImage {
  return heatmap(probabilities, positions, positions, { zoom });
}

/** Legend of a palette: a bar from 0 to 1 between two words. */
export function legend(palette: Palette, low: string, high: string, width = 160): RgbImage {
  const margin = 2;
  const words = [low, high].map((word) => word.length * letterWidth + 2 * margin);
  const bar = Math.max(8, width - words[0] - words[1]);
  const result = blank(words[0] + bar + words[1], letterHeight + margin);
  drawText(result, low, margin, margin);
  drawText(result, high, words[0] + bar + margin, margin);
  for (let y = 1; y < result.height - 1; y++) {
    for (let x = 0; x < bar; x++) {
      const colour = colourAt(palette, x / (bar - 1));
      result.data.set(colour, (y * result.width + words[0] + x) * 3);
    }
  }
  return result;
}

const background = 24;

function blank(width: number, height: number): RgbImage {
  const data = new Uint8ClampedArray(width * height * 3).fill(background);
  return { width, height, data };
}

/** Puts a picture onto another, which must have room for it, its upper left corner at (x, y). */
export function paste(onto: RgbImage, image: RgbImage, x: number, y: number): void {
  for (let row = 0; row < image.height; row++) {
    const line = image.data.subarray(row * image.width * 3, (row + 1) * image.width * 3);
    onto.data.set(line, ((y + row) * onto.width + x) * 3);
  }
}

export interface Cell {
  image: RgbImage;
  /** Short text above the picture; cut at the picture's width. */
  label?: string;
}

/** Pictures in rows, each row as high as its highest picture, columns as wide as their widest. */
export function panel(rows: readonly (readonly Cell[])[], gap = 4): RgbImage {
  const columns = Math.max(...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((row) => row[column]?.image.width ?? 0)),
  );
  const heights = rows.map((row) => {
    const labelled = row.some((cell) => cell.label) ? letterHeight : 0;
    return Math.max(0, ...row.map((cell) => cell.image.height)) + labelled;
  });
  const sum = (numbers: number[]) => numbers.reduce((total, n) => total + n + gap, gap);
  const result = blank(sum(widths), sum(heights));
  let y = gap;
  for (const [index, row] of rows.entries()) {
    const top = row.some((cell) => cell.label) ? letterHeight : 0;
    let x = gap;
    for (const [column, { image, label }] of row.entries()) {
      const room = Math.floor((widths[column] + gap) / letterWidth);
      if (label) drawText(result, label.slice(0, room), x, y);
      paste(result, image, x, y + top);
      x += widths[column] + gap;
    }
    y += heights[index] + gap;
  }
  return result;
}

/**
 * A line of text as a picture, cut where it is too long.
 * @param size how many times their own size the letters are drawn
 */
export function words(text: string, room: number, size = 2): RgbImage {
  const letters = Math.max(4, Math.floor(room / (size * letterWidth)));
  const line = text.length > letters ? `${text.slice(0, letters - 3)}...` : text;
  const small = blank(line.length * letterWidth, letterHeight);
  drawText(small, line, 0, 1);
  const image = blank(small.width * size, small.height * size);
  for (let y = 0; y < image.height; y++) {
    for (let x = 0; x < image.width; x++) {
      const from = (Math.floor(y / size) * small.width + Math.floor(x / size)) * 3;
      image.data.set(small.data.subarray(from, from + 3), (y * image.width + x) * 3);
    }
  }
  return image;
}

/** A text as pictures of lines, broken between words so that none is wider than the room. */
export function wrapped(text: string, room: number, size = 2): RgbImage[] {
  const letters = Math.max(4, Math.floor(room / (size * letterWidth)));
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const longer = `${lines[lines.length - 1]} ${word}`;
    if (lines.length > 0 && longer.length <= letters) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines.map((line) => words(line, room, size));
}
