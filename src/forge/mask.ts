/**
 * Masks of what is altered, from a face's landmarks: outlines in units of the face, bent by a smooth
 * random field and softened (elastic distortion, blur, erosion, blur, as in self-blended images:
 * Shiohara and Yamasaki, CVPR 2022, 3.2).
 */
import { LlsmError } from '../base/errors.ts';
import type { Random } from '../base/random.ts';
import type { ForgeRegion } from '../config/forge-schema.ts';
import { type Box, clampBox } from '../image/pixels.ts';
import type { GreyImage, RgbImage } from '../image/rgb.ts';
import type { Point, Subject } from './face.ts';
import { outline, outsideOutline, type Part, type Polygon, partOutline } from './outline.ts';
import { gaussian, narrowed } from './plane.ts';
import { floats, placeOf, withLanes } from './scratch.ts';

/** Values in [0, 1] of a box of the picture; 0 outside of it. They lie in scratch memory. */
export interface SoftMask {
  /** Whole pixels inside of the picture. */
  box: Box;
  /** [height, width] of the box. */
  data: Float32Array;
}

/** Moves an outline's points, taken close together, by a smooth random field over the picture. */
function bend(
  polygon: Polygon,
  { width, height }: { width: number; height: number },
  cells: number,
  amplitude: number,
  random: Random,
): Polygon {
  const side = cells + 1;
  const field = Float32Array.from({ length: side * side * 2 }, () => amplitude * random.normal());
  const smooth = (t: number) => t * t * (3 - 2 * t);
  const at = (x: number, y: number, c: number): number => {
    const u = Math.min(cells, Math.max(0, (x / width) * cells));
    const v = Math.min(cells, Math.max(0, (y / height) * cells));
    const [column, row] = [Math.min(cells - 1, Math.floor(u)), Math.min(cells - 1, Math.floor(v))];
    const [s, t] = [smooth(u - column), smooth(v - row)];
    const value = (i: number, j: number) => field[((row + j) * side + column + i) * 2 + c];
    const above = value(0, 0) + s * (value(1, 0) - value(0, 0));
    const below = value(0, 1) + s * (value(1, 1) - value(0, 1));
    return above + t * (below - above);
  };
  return dense(polygon, Math.max(width, height) / 32).map(([x, y]) => [
    x + at(x, y, 0),
    y + at(x, y, 1),
  ]);
}

/** The outline with points at most so far apart. */
function dense(polygon: Polygon, most: number): Polygon {
  return polygon.flatMap(([x, y], i) => {
    const [toX, toY] = polygon[(i + 1) % polygon.length];
    const parts = Math.max(1, Math.ceil(Math.hypot(toX - x, toY - y) / most));
    return Array.from({ length: parts }, (_, k): Point => {
      const t = k / parts;
      return [x + t * (toX - x), y + t * (toY - y)];
    });
  });
}

/** Fills a polygon (even-odd) with 1 at pixel centres. */
function fill(polygon: Polygon, [left, top, width, height]: Box): Float32Array {
  const mask = floats(width * height).fill(0);
  const xs = Float64Array.from(polygon, ([x]) => x - left);
  const ys = Float64Array.from(polygon, ([, y]) => y);
  const crossings: number[] = [];
  for (let y = 0; y < height; y++) {
    const line = top + y + 0.5;
    crossings.length = 0;
    for (let i = 0, before = ys.length - 1; i < ys.length; before = i++) {
      const [y0, y1] = [ys[before], ys[i]];
      if (y0 <= line !== y1 <= line) {
        crossings.push(xs[before] + ((line - y0) / (y1 - y0)) * (xs[i] - xs[before]));
      }
    }
    crossings.sort((a, b) => a - b);
    for (let i = 0; i + 1 < crossings.length; i += 2) {
      const from = Math.max(0, Math.ceil(crossings[i] - 0.5));
      const to = Math.min(width, Math.ceil(crossings[i + 1] - 0.5));
      if (to > from) mask.fill(1, y * width + from, y * width + to);
    }
  }
  return mask;
}

function smooth(data: Float32Array, width: number, height: number, sigma: number): void {
  if (sigma >= 1.5) runningBlur(data, width, height, sigma);
  else gaussian({ data, width, height }, 1, sigma, 0);
}

/** Three running means, which together are nearly a Gaussian of this sigma; 0 beyond the borders. In place. */
export function runningBlur(
  data: Float32Array,
  width: number,
  height: number,
  sigma: number,
): void {
  const radius = Math.max(1, Math.round((Math.sqrt(4 * sigma * sigma + 1) - 1) / 2));
  withLanes(
    (lanes, room) => lanes.runningBlur(placeOf(data), width, height, radius, room),
    8 * (width * height + 32) + 4 * Math.max(width, height) + 64,
  );
}

/** (value - less) * factor between 0 and 1, in place; the largest of them. */
function stretch(data: Float32Array, less: number, factor: number): number {
  return withLanes((lanes) => lanes.stretch(placeOf(data), data.length, less, factor));
}

/** How an outline becomes a mask; lengths in pixels of a face crop of 256. */
interface Softness {
  /** Cells of the field that bends it, along a side, and by how much; none: it stays straight. */
  bend?: { cells: number; amplitude: [number, number] };
  feather: [number, number];
}

function softened(
  polygon: Polygon,
  picture: { width: number; height: number },
  { bend: bending, feather }: Softness,
  random: Random,
): SoftMask | null {
  const unit = Math.min(picture.width, picture.height) / 256;
  const bent = bending
    ? bend(polygon, picture, bending.cells, unit * random.uniform(...bending.amplitude), random)
    : polygon;
  const first = random.uniform(0.6, 2);
  const feathered = random.uniform(...feather);
  const eroded = random.uniform(0, 0.25);
  const sigma = unit * Math.hypot(first, feathered);
  const last = unit * Math.max(0.5, 0.4 * feathered);
  const margin = Math.ceil(3 * (sigma + last)) + 2;
  const [xs, ys] = [bent.map(([x]) => x), bent.map(([, y]) => y)];
  const [left, top] = [Math.floor(Math.min(...xs)) - margin, Math.floor(Math.min(...ys)) - margin];
  const right = Math.ceil(Math.max(...xs)) + margin;
  const bottom = Math.ceil(Math.max(...ys)) + margin;
  const box = clampBox([left, top, right - left, bottom - top], picture.width, picture.height);
  const [, , width, height] = box;
  if (width < 1 || height < 1) return null;
  const data = fill(bent, box);
  smooth(data, width, height, sigma);
  stretch(data, eroded, 1.35);
  smooth(data, width, height, last);
  return stretch(data, 0, 1) > 0.5 ? { box, data } : null;
}

/** How often a region is drawn anew where nothing of it is left in the crop: it is small, or at its border. */
const tries = 8;

const noFace = () =>
  new LlsmError('no part of the face lies inside of its crop; its landmarks may be wrong');

/** @throws LlsmError for a crop below 32 pixels, on which no region survives the softening. */
export function checkSize({ width, height }: { width: number; height: number }): void {
  if (Math.min(width, height) < 32) {
    throw new LlsmError(
      `a face of ${width} x ${height} pixels is too small to forge; 32 is the least`,
    );
  }
}

/** How far the regions' edges are bent and softened: of a self-blend widely, of a swap as forgers do. */
const softness = {
  wide: { bend: { cells: 4, amplitude: [2, 10] }, feather: [1, 10] },
  careful: { bend: { cells: 4, amplitude: [2, 6] }, feather: [1, 8] },
  box: { feather: [1, 14] },
  part: { bend: { cells: 5, amplitude: [1, 4] }, feather: [0.7, 5] },
} satisfies Record<string, Softness>;

/**
 * Draws the soft mask of a region; of the whole face where nothing of the region is left in the crop.
 * @throws LlsmError for a crop below 32 pixels, and where landmarks make no face or lie outside.
 */
export function drawRegion(
  face: Subject,
  region: ForgeRegion,
  edge: 'wide' | 'careful',
  random: Random,
): SoftMask {
  const { image } = face;
  checkSize(image);
  if (region === 'crop') {
    const data = floats(image.width * image.height).fill(1);
    return { box: [0, 0, image.width, image.height], data };
  }
  if (region === 'background') return allBut(drawRegion(face, 'outline', edge, random), image);
  const how = region === 'box' ? 'box' : region === 'outside' ? 'part' : edge;
  for (let k = 0; k < tries; k++) {
    const polygon =
      region === 'outside' ? outsideOutline(face, random) : outline(region, face, random);
    const mask = softened(polygon, image, softness[how], random);
    if (mask) return mask;
  }
  // Of a face that fills its crop nothing lies outside.
  if (region !== 'face') return drawRegion(face, 'face', edge, random);
  throw noFace();
}

/** The rest of the picture. */
function allBut({ box: [left, top, w, h], data }: SoftMask, picture: RgbImage): SoftMask {
  const { width, height } = picture;
  const rest = floats(width * height).fill(1);
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) rest[(top + y) * width + left + x] = 1 - data[y * w + x];
  }
  return { box: [0, 0, width, height], data: rest };
}

/** Draws the soft mask of a part of the face; errors as `drawRegion`. */
export function drawPart(face: Subject, part: Part, random: Random): SoftMask {
  checkSize(face.image);
  for (let k = 0; k < tries; k++) {
    const mask = softened(partOutline(face, part, random), face.image, softness.part, random);
    if (mask) return mask;
  }
  throw noFace();
}

/** The mask of the whole picture in 8 bits. */
export function greyMask(
  { box: [left, top, w, h], data }: SoftMask,
  { width, height }: { width: number; height: number },
): GreyImage {
  const grey = new Uint8ClampedArray(width * height);
  const levels = narrowed(data, 255);
  for (let y = 0; y < h; y++) {
    grey.set(levels.subarray(y * w, (y + 1) * w), (top + y) * width + left);
  }
  return { width, height, data: grey };
}
