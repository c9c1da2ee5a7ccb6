/** Plain pixel arithmetic, the same in Node and in the browser. Nothing here knows files. */
import { Random } from '../base/random.ts';
import type { RgbImage } from './rgb.ts';

/** Box [x, y, width, height] in pixels; may be fractional. */
export type Box = [number, number, number, number];

/** The picture turned and mirrored as EXIF orientation 1 to 8 asks (Exif 2.32, tag 0x0112). */
export function orient(image: RgbImage, orientation: number): RgbImage {
  if (orientation === 1) return image;
  const { width: w, height: h, data } = image;
  const [width, height] = orientation >= 5 ? [h, w] : [w, h];
  const result = new Uint8ClampedArray(data.length);
  // Where output pixel (x, y) lies in the stored picture: first + x * right + y * down.
  const [first, right, down] = {
    2: [w - 1, -1, w],
    3: [w * h - 1, -1, -w],
    4: [w * (h - 1), 1, -w],
    5: [0, w, 1],
    6: [w * (h - 1), -w, 1],
    7: [w * h - 1, -w, -1],
    8: [w - 1, w, -1],
  }[orientation] as [number, number, number];
  for (let y = 0, to = 0; y < height; y++) {
    for (let x = 0; x < width; x++, to += 3) {
      const from = (first + x * right + y * down) * 3;
      result[to] = data[from];
      result[to + 1] = data[from + 1];
      result[to + 2] = data[from + 2];
    }
  }
  return { width, height, data: result };
}

/** The part of a box that lies inside a picture. Its width or height is 0 if there is none. */
export function clampBox([x, y, w, h]: Box, width: number, height: number): Box {
  const [left, top] = [Math.min(Math.max(x, 0), width), Math.min(Math.max(y, 0), height)];
  return [
    left,
    top,
    Math.max(0, Math.min(x + w, width) - left),
    Math.max(0, Math.min(y + h, height) - top),
  ];
}

/** Normal deviates to draw from: Box-Muller for each of a picture's values would take most of the time. */
export const normals = (() => {
  const random = new Random(0, 'normal deviates of noise');
  return Float32Array.from({ length: 4096 }, () => random.normal());
})();

/** Adds Gaussian noise of this standard deviation (in grey levels) to every value, in place. */
export function addNoise(data: Uint8ClampedArray, sigma: number, random: Random): void {
  for (let i = 0; i < data.length; i += 2) {
    const bits = random.bits();
    data[i] += sigma * normals[bits & 4095];
    if (i + 1 < data.length) data[i + 1] += sigma * normals[(bits >>> 12) & 4095];
  }
}

export interface ColourChange {
  /** Factor of the deviation from mid grey (127.5). */
  contrast: number;
  /** Factor of the deviation from the pixel's own grey. */
  saturation: number;
  /** Added to red, green and blue, in grey levels. */
  shift: [number, number, number];
}

/** Changes contrast, saturation and colour balance of RGB data, in place. */
export function changeColour(data: Uint8ClampedArray, change: ColourChange): void {
  const { contrast, saturation, shift } = change;
  for (let i = 0; i < data.length; i += 3) {
    const grey = 0.299 * data[i] + 0.587 * data[i + 1] + 0.114 * data[i + 2];
    for (let c = 0; c < 3; c++) {
      const value = grey + (data[i + c] - grey) * saturation;
      data[i + c] = (value - 127.5) * contrast + 127.5 + shift[c];
    }
  }
}
