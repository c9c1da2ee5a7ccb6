/**
 * Masks for forgeries made from a face crop without landmarks: face-like regions from the crop's
 * own geometry. A detector's crop at 1.3 times the box, and a centred one, hold the face in about
 * the same place. Place, size, tilt and shape vary, so that where the mask lies is not the whole
 * answer. Softening follows self-blended images (Shiohara and Yamasaki, CVPR 2022, 3.2):
 * elastic distortion, blur, erosion, blur.
 */
import { LlsmError } from '../base/errors.ts';
import type { Random } from '../base/random.ts';
import { gaussianBlur } from '../image/pixels.ts';

export type Point = [number, number];
export type Polygon = Point[];

/** Where the face lies: in units of the crop's sides, or in pixels. */
export interface Frame {
  x: number;
  y: number;
  halfWidth: number;
  halfHeight: number;
  tilt: number;
}

/** Centre and half axes of facial parts, in the frame's units; eyes lie at -1/3 of the half height. */
export const parts = {
  leftEye: [-0.42, -0.33, 0.3, 0.16],
  rightEye: [0.42, -0.33, 0.3, 0.16],
  eyes: [0, -0.33, 0.78, 0.2],
  brows: [0, -0.5, 0.75, 0.16],
  nose: [0, 0, 0.28, 0.38],
  mouth: [0, 0.46, 0.45, 0.22],
  leftCheek: [-0.5, 0.15, 0.32, 0.34],
  rightCheek: [0.5, 0.15, 0.32, 0.34],
  chin: [0, 0.78, 0.5, 0.2],
} as const;

function drawFrame(random: Random): Frame {
  return {
    x: 0.5 + random.uniform(-0.04, 0.04),
    y: 0.54 + random.uniform(-0.04, 0.04),
    halfWidth: random.uniform(0.27, 0.36),
    halfHeight: random.uniform(0.33, 0.43),
    tilt: random.uniform(-0.1, 0.1),
  };
}

/** A closed outline around a centre, its radius varying smoothly, in the frame's units. */
export function outline(
  [x, y, halfWidth, halfHeight]: readonly number[],
  roughness: number,
  random: Random,
): Polygon {
  const waves = [2, 3, 4, 5].map((n) => ({
    n,
    size: (roughness * random.normal()) / n,
    phase: random.uniform(0, 2 * Math.PI),
  }));
  return Array.from({ length: 28 }, (_, i) => {
    const angle = (i / 28) * 2 * Math.PI;
    const radius = waves.reduce((sum, w) => sum + w.size * Math.cos(w.n * angle + w.phase), 1);
    return [x + halfWidth * radius * Math.cos(angle), y + halfHeight * radius * Math.sin(angle)];
  });
}

/** The face: an egg, wider above; sometimes without the forehead. */
function faceOutline(random: Random): Polygon {
  const narrow = random.uniform(0.05, 0.3);
  const egg = outline([0, 0, 1, 1], 0.1, random).map(
    ([x, y]): Point => [x * (1 - narrow * Math.max(0, y)), y],
  );
  return random.chance(0.3) ? clip(egg, 0, 1, random.uniform(-0.65, -0.45)) : egg;
}

/** Keeps the side of a polygon where a*x + b*y >= limit (Sutherland-Hodgman). */
export function clip(polygon: Polygon, a: number, b: number, limit: number): Polygon {
  const result: Polygon = [];
  for (const [i, point] of polygon.entries()) {
    const next = polygon[(i + 1) % polygon.length];
    const here = a * point[0] + b * point[1] - limit;
    const there = a * next[0] + b * next[1] - limit;
    if (here >= 0) result.push(point);
    if (here >= 0 !== there >= 0) {
      const t = here / (here - there);
      result.push([point[0] + t * (next[0] - point[0]), point[1] + t * (next[1] - point[1])]);
    }
  }
  return result;
}

/**
 * The polygons whose union is the region, in the frame's units. Most are the whole face, as all are
 * in the publication: of smaller ones alone a network without pretrained weights learns next to
 * nothing in the first 16,000 faces (bench/NOTES.md).
 */
function drawRegion(random: Random): Polygon[] {
  const kind = random.next();
  if (kind < 0.6) return [faceOutline(random)];
  if (kind < 0.68) return [clip(faceOutline(random), 0, 1, random.uniform(-0.2, 0.25))]; // lower
  if (kind < 0.74) return [clip(faceOutline(random), 0, -1, random.uniform(-0.15, 0.2))]; // upper
  if (kind < 0.82) {
    const side = random.uniform(-0.5, 0.5) + (random.chance(0.5) ? Math.PI : 0);
    const limit = random.uniform(-0.3, 0.15);
    return [clip(faceOutline(random), Math.cos(side), Math.sin(side), limit)];
  }
  if (kind < 0.95) {
    const names = random
      .shuffle(Object.keys(parts) as (keyof typeof parts)[])
      .slice(0, 1 + random.int(3));
    return names.map((name) => {
      const [x, y, w, h] = parts[name];
      const grow = random.uniform(0.9, 1.5);
      return outline([x, y, w * grow, h * grow], 0.15, random);
    });
  }
  const [x, y] = [random.uniform(-0.8, 0.8), random.uniform(-0.8, 0.8)];
  return [outline([x, y, random.uniform(0.3, 0.9), random.uniform(0.25, 0.7)], 0.3, random)];
}

/**
 * A polygon in a frame's units as pixels.
 * @param unit the pixels that the frame's own x and y are counted in; 1, 1 for a frame in pixels
 */
export function place(polygon: Polygon, frame: Frame, unit: Point = [1, 1]): Polygon {
  const [cos, sin] = [Math.cos(frame.tilt), Math.sin(frame.tilt)];
  return polygon.map(([u, v]) => {
    const [x, y] = [u * frame.halfWidth, v * frame.halfHeight];
    return [(frame.x + x * cos - y * sin) * unit[0], (frame.y + x * sin + y * cos) * unit[1]];
  });
}

/** Fills polygons (even-odd, each by itself) with 1, at pixel centres. */
export function fill(polygons: Polygon[], width: number, height: number): Float32Array {
  const mask = new Float32Array(width * height);
  for (const polygon of polygons) {
    for (let y = 0; y < height; y++) {
      const line = y + 0.5;
      const crossings: number[] = [];
      for (const [i, [x0, y0]] of polygon.entries()) {
        const [x1, y1] = polygon[(i + 1) % polygon.length];
        if (y0 <= line !== y1 <= line) crossings.push(x0 + ((line - y0) / (y1 - y0)) * (x1 - x0));
      }
      crossings.sort((a, b) => a - b);
      for (let i = 0; i + 1 < crossings.length; i += 2) {
        const from = Math.max(0, Math.ceil(crossings[i] - 0.5));
        const to = Math.min(width, Math.ceil(crossings[i + 1] - 0.5));
        if (to > from) mask.fill(1, y * width + from, y * width + to);
      }
    }
  }
  return mask;
}

/** Moves each pixel's source by a smooth random field, given on a coarse grid. */
export function distort(
  mask: Float32Array,
  width: number,
  height: number,
  random: Random,
): Float32Array {
  const cells = 6 + random.int(10);
  const amplitude = random.uniform(0.003, 0.015) * Math.min(width, height);
  const side = cells + 1;
  const field = Float32Array.from({ length: side * side * 2 }, () => amplitude * random.normal());
  const result = new Float32Array(mask.length);
  for (let y = 0; y < height; y++) {
    const v = ((y + 0.5) / height) * cells;
    const row = Math.floor(v);
    const t = smooth(v - row);
    for (let x = 0; x < width; x++) {
      const u = ((x + 0.5) / width) * cells;
      const column = Math.floor(u);
      const s = smooth(u - column);
      const at = (row * side + column) * 2;
      const move = (c: number) => {
        const above = field[at + c] + s * (field[at + 2 + c] - field[at + c]);
        const below = at + side * 2 + c;
        return above + t * (field[below] + s * (field[below + 2] - field[below]) - above);
      };
      const fromX = Math.round(x + move(0));
      const fromY = Math.round(y + move(1));
      if (fromX >= 0 && fromX < width && fromY >= 0 && fromY < height) {
        result[y * width + x] = mask[fromY * width + fromX];
      }
    }
  }
  return result;
}

const smooth = (t: number) => t * t * (3 - 2 * t);

/**
 * Blur, keep the core that the blur left whole, blur again, scale the maximum to 1. In place.
 * @param erosion the first blur's sigma, for a crop of 224 pixels
 * @param feather the second's
 */
export function soften(
  mask: Float32Array,
  width: number,
  height: number,
  erosion: number,
  feather: number,
): void {
  const scale = Math.min(width, height) / 224;
  gaussianBlur(mask, width, height, 1, scale * erosion);
  for (let i = 0; i < mask.length; i++) mask[i] = mask[i] < 0.98 ? 0 : 1;
  gaussianBlur(mask, width, height, 1, scale * feather);
  let max = 0;
  for (const value of mask) if (value > max) max = value;
  if (max > 0) for (let i = 0; i < mask.length; i++) mask[i] /= max;
}

/** Nothing is blended at the very edge, where a moved source has no pixels of its own. In place. */
export function clearEdge(mask: Float32Array, width: number, height: number): void {
  const edge = Math.ceil(0.04 * Math.max(width, height));
  for (let y = 0; y < height; y++) {
    const row = mask.subarray(y * width, (y + 1) * width);
    if (y < edge || y >= height - edge) row.fill(0);
    row.fill(0, 0, edge).fill(0, width - edge);
  }
}

/** @throws LlsmError for a crop below 32 pixels, on which no region survives the softening. */
export function checkSize({ width, height }: { width: number; height: number }): void {
  if (Math.min(width, height) < 32) {
    throw new LlsmError(
      `a face of ${width} x ${height} pixels is too small to forge; 32 is the least`,
    );
  }
}

/** How much of a mask is above a half. */
export function coreShare(mask: Float32Array): number {
  let core = 0;
  for (const value of mask) if (value > 0.5) core++;
  return core / mask.length;
}

/**
 * Draws a soft mask, values in [0, 1], [height, width]. What turns out nearly empty, or covers
 * nearly everything, is drawn again.
 * @throws LlsmError for a crop below 32 pixels, on which no region survives the softening.
 */
export function drawMask(width: number, height: number, random: Random): Float32Array {
  checkSize({ width, height });
  for (let attempt = 0; attempt < 50; attempt++) {
    const frame = drawFrame(random);
    const polygons = drawRegion(random).map((polygon) => place(polygon, frame, [width, height]));
    const mask = distort(fill(polygons, width, height), width, height, random);
    clearEdge(mask, width, height);
    soften(mask, width, height, random.uniform(0.7, 3), random.uniform(1, 6));
    const core = coreShare(mask);
    if (core > 0.01 && core < 0.7) return mask;
  }
  throw new LlsmError(`no mask could be drawn on a face of ${width} x ${height} pixels`);
}
