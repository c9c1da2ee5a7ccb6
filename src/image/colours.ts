/** Values as colours: maps on their own, and laid over a photograph. Pixels only; browser-safe. */
import { type Box, clampBox } from './pixels.ts';
import { resample } from './resample.ts';
import type { RgbImage } from './rgb.ts';

/** Colours at equal steps from 0 to 1, with straight lines between them. */
export type Palette = readonly (readonly [number, number, number])[];

/**
 * Viridis, for pairs: dark violet 0, yellow 1. These three palettes (van der Walt and Smith, 2015, at
 * eleven equal steps) rise evenly in lightness, so that they are read alike by the colour-blind and in grey.
 */
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

/** Plasma, for masks laid over a photograph: blue a little, yellow surely altered. */
export const plasma: Palette = [
  [13, 8, 135],
  [65, 4, 157],
  [106, 0, 168],
  [143, 13, 164],
  [177, 42, 144],
  [204, 71, 120],
  [225, 100, 98],
  [242, 132, 75],
  [252, 166, 54],
  [252, 206, 37],
  [240, 249, 33],
];

/** Inferno, for Grad-CAM: black 0, pale yellow 1. */
export const inferno: Palette = [
  [0, 0, 4],
  [22, 11, 57],
  [66, 10, 104],
  [106, 23, 110],
  [147, 38, 103],
  [188, 55, 84],
  [221, 81, 58],
  [243, 120, 25],
  [252, 165, 10],
  [246, 215, 70],
  [252, 255, 164],
];

/** Masks on their own: black untouched, white altered. */
export const grey: Palette = [
  [0, 0, 0],
  [255, 255, 255],
];

const unit = (value: number) => (value > 0 ? Math.min(1, value) : 0); // NaN becomes 0

const steps = 1000;
const tables = new WeakMap<Palette, Float32Array>();

/** The palette's colours at a thousand steps, made once: the colour of a value begins at `placeOf`. */
function tableOf(palette: Palette): Float32Array {
  let table = tables.get(palette);
  if (!table) {
    table = new Float32Array((steps + 1) * 3);
    for (let k = 0; k <= steps; k++) table.set(colourAt(palette, k / steps), 3 * k);
    tables.set(palette, table);
  }
  return table;
}
const placeOf = (value: number): number => 3 * Math.round(unit(value) * steps);

/** The colour of a value from 0 to 1. */
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

export interface OverlayOptions {
  /** The colour's part at value 1. */
  alpha?: number;
  /** The colour's part at value 0: 0 (default) leaves the photograph there. */
  least?: number;
  palette?: Palette;
}

/**
 * Values in [0, 1] over the photograph: the higher, the less of the photograph shows through.
 * @param values [height, width] of the photograph
 */
export function overlay(
  photo: RgbImage,
  values: ArrayLike<number>,
  { alpha = 0.65, least = 0, palette = plasma }: OverlayOptions = {},
): RgbImage {
  const { width, height } = photo;
  checkLength('overlay', values, width, height);
  const data = photo.data.slice();
  const table = tableOf(palette);
  for (let i = 0; i < values.length; i++) {
    const weight = least + (alpha - least) * unit(values[i]);
    const colour = placeOf(values[i]);
    for (let c = 0; c < 3; c++) {
      data[i * 3 + c] = photo.data[i * 3 + c] * (1 - weight) + table[colour + c] * weight;
    }
  }
  return { width, height, data };
}

/**
 * Draws the line, in place, along which values cross a bound: white, between dark ones, so that it is
 * seen on every photograph.
 * @param values [height, width] of the picture
 */
export function contour({ width, height, data }: RgbImage, values: ArrayLike<number>, at: number) {
  checkLength('contour', values, width, height);
  // Values beyond the picture's border count as below: what reaches the border is closed along it.
  const inside = new Uint8Array((width + 2) * (height + 2));
  const stride = width + 2;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (values[y * width + x] >= at) inside[(y + 1) * stride + x + 1] = 1;
    }
  }
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const here = (y + 1) * stride + x + 1;
      let count = 0;
      for (let row = here - stride; row <= here + stride; row += stride) {
        count += inside[row - 1] + inside[row] + inside[row + 1];
      }
      if (count === 0 || count === 9) continue;
      data.fill(inside[here] ? 255 : 20, (y * width + x) * 3, (y * width + x) * 3 + 3);
    }
  }
}

/** Draws a box's border of `thick` pixels in one colour, in place, as far as it is on the picture. */
export function outline(
  { width, height, data }: RgbImage,
  [left, top, w, h]: Box,
  thick = 1,
  colour: readonly [number, number, number] = [255, 255, 255],
) {
  const fill = (box: Box) => {
    const [x, y, across, down] = clampBox(box, width, height);
    for (let row = y; row < y + down; row++) {
      for (let column = x; column < x + across; column++)
        data.set(colour, (row * width + column) * 3);
    }
  };
  fill([left, top, w, thick]);
  fill([left, top + h - thick, w, thick]);
  fill([left, top, thick, h]);
  fill([left + w - thick, top, thick, h]);
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
  const table = tableOf(palette);
  const across = width * zoom * 3;
  for (let row = 0; row < height; row++) {
    const first = row * zoom * across;
    let to = first;
    for (let column = 0; column < width; column++) {
      const colour = placeOf(values[row * width + column]);
      for (let k = 0; k < zoom; k++) {
        for (let c = 0; c < 3; c++) data[to++] = table[colour + c];
      }
    }
    for (let k = 1; k < zoom; k++) data.copyWithin(first + k * across, first, first + across);
  }
  return { width: width * zoom, height: height * zoom, data };
}

/** A square map of values, or a box of it, at another size. */
export const fitted = (
  values: Float32Array,
  side: number,
  width: number,
  height: number,
  box: Box = [0, 0, side, side],
): Float32Array =>
  resample(
    { width: side, height: side, data: values },
    1,
    box,
    width,
    height,
    new Float32Array(width * height),
  );
