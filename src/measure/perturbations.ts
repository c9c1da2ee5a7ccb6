/**
 * Ways in which a photograph is degraded, at five levels each: DeeperForensics-1.0's seven
 * (perturbation/distortions.py, add_distortion_to_video.py) and two of everyday life, JPEG and
 * resizing. Where theirs are named otherwise than what they do, the names here say what they do.
 * Browser-safe; `video` is in perturb-video.ts.
 */

import type { Random } from '../base/random.ts';
import { gaussianBlur } from '../image/blur.ts';
import { throughJpeg } from '../image/codecs.ts';
import { resize } from '../image/resample.ts';
import type { RgbImage } from '../image/rgb.ts';

export interface Perturbation {
  name: string;
  /** Meaning of a level's number, in words. */
  unit: string;
  /** Numbers of the levels, five unless others are asked for, from the mildest to the strongest. */
  levels: readonly number[];
  /** The least and the largest number that a level can have. */
  range: readonly [least: number, most: number];
  /** The degraded picture, of the same size; the given one is left as it was. */
  apply(image: RgbImage, level: number, random: Random): RgbImage | Promise<RgbImage>;
}

/** RGB of 0 to 255 to Y, Cb, Cr of BT.601's limited range (16 to 235, 16 to 240), and back. */
function throughYCbCr(image: RgbImage, change: (ycc: Float64Array) => void): RgbImage {
  const data = new Uint8ClampedArray(image.data.length);
  const ycc = new Float64Array(3);
  for (let i = 0; i < data.length; i += 3) {
    const [r, g, b] = [image.data[i] / 255, image.data[i + 1] / 255, image.data[i + 2] / 255];
    ycc[0] = 16 + 65.481 * r + 128.553 * g + 24.966 * b;
    ycc[1] = 128 - 37.797 * r - 74.203 * g + 112 * b;
    ycc[2] = 128 + 112 * r - 93.786 * g - 18.214 * b;
    change(ycc);
    const [y, cb, cr] = [(255 / 219) * (ycc[0] - 16), ycc[1] - 128, ycc[2] - 128];
    data[i] = y + 1.596027 * cr;
    data[i + 1] = y - 0.391762 * cb - 0.812968 * cr;
    data[i + 2] = y + 2.017232 * cb;
  }
  return { ...image, data };
}

/** Bilinear from pixel centres without antialiasing, as OpenCV's resize does by default. */
function bilinear(image: RgbImage, width: number, height: number): RgbImage {
  const data = new Uint8ClampedArray(width * height * 3);
  const taps = (to: number, from: number) =>
    Array.from({ length: to }, (_, i) => {
      const at = Math.min(from - 1, Math.max(0, ((i + 0.5) * from) / to - 0.5));
      const low = Math.floor(at);
      return { low, high: Math.min(from - 1, low + 1), part: at - low };
    });
  const across = taps(width, image.width);
  taps(height, image.height).forEach((row, y) => {
    across.forEach((column, x) => {
      for (let c = 0; c < 3; c++) {
        const value = (r: number, k: number) => image.data[(r * image.width + k) * 3 + c];
        const line = (r: number) =>
          value(r, column.low) * (1 - column.part) + value(r, column.high) * column.part;
        data[(y * width + x) * 3 + c] = line(row.low) * (1 - row.part) + line(row.high) * row.part;
      }
    });
  });
  return { width, height, data };
}

const copyOf = (image: RgbImage): RgbImage => ({ ...image, data: image.data.slice() });

/** Side of DeeperForensics' grey blocks, and the side of a picture that has `level` of them. */
const block = 8;
const blocksPer = 256;

/** Perturbations of a picture: all but `video`, which needs an encoder. */
export const perturbations: readonly Perturbation[] = [
  {
    name: 'saturation',
    unit: 'times the colour',
    levels: [0.4, 0.3, 0.2, 0.1, 0],
    range: [0, 1],
    apply: (image, level) =>
      throughYCbCr(image, (ycc) => {
        ycc[1] = 128 + (ycc[1] - 128) * level;
        ycc[2] = 128 + (ycc[2] - 128) * level;
      }),
  },
  {
    // Named contrast there; it multiplies, about black.
    name: 'darken',
    unit: 'times the brightness',
    levels: [0.85, 0.725, 0.6, 0.475, 0.35],
    range: [0, 1],
    apply: (image, level) => ({ ...image, data: image.data.map((value) => value * level) }),
  },
  {
    // floor(shorter side / 256) * level blocks there, which is none below 256 pixels.
    name: 'blocks',
    unit: 'grey 8 x 8 blocks on a side of 256',
    levels: [16, 32, 48, 64, 80],
    range: [1, 1024],
    apply(image, level, random) {
      const out = copyOf(image);
      const { width, height } = image;
      const side = Math.min(block, width, height);
      const count = Math.max(1, Math.round((level * Math.min(width, height)) / blocksPer));
      for (let k = 0; k < count; k++) {
        const x = random.int(width - side + 1);
        const y = random.int(height - side + 1);
        for (let row = y; row < y + side; row++) {
          out.data.fill(128, (row * width + x) * 3, (row * width + x + side) * 3);
        }
      }
      return out;
    },
  },
  {
    name: 'noise',
    unit: 'variance, of values from 0 to 1 in YCbCr',
    levels: [0.001, 0.002, 0.005, 0.01, 0.05],
    range: [0, 1],
    apply(image, level, random) {
      const deviation = 255 * Math.sqrt(level);
      return throughYCbCr(image, (ycc) => {
        for (let c = 0; c < 3; c++) ycc[c] += deviation * random.normal();
      });
    },
  },
  {
    name: 'blur',
    unit: 'side of the Gaussian, of a sixth of it in deviation',
    levels: [7, 9, 13, 17, 21],
    range: [1, 101],
    apply(image, level) {
      const out = copyOf(image);
      gaussianBlur(out.data, out.width, out.height, 3, level / 6);
      return out;
    },
  },
  {
    // Named JPEG there.
    name: 'pixelate',
    unit: 'times smaller and back, bilinear',
    levels: [2, 3, 4, 5, 6],
    range: [1, 64],
    apply(image, level) {
      const smaller = (side: number) => Math.max(1, Math.floor(side / level));
      const small = bilinear(image, smaller(image.width), smaller(image.height));
      return bilinear(small, image.width, image.height);
    },
  },
  {
    name: 'jpeg',
    unit: 'quality',
    levels: [90, 70, 50, 30, 10],
    range: [1, 100],
    apply: throughJpeg,
  },
  {
    name: 'resize',
    unit: 'times the side and back, antialiased',
    levels: [0.75, 0.6, 0.45, 0.3, 0.2],
    range: [0.02, 1],
    apply(image, level) {
      const smaller = (side: number) => Math.max(1, Math.round(side * level));
      const small = resize(image, smaller(image.width), smaller(image.height));
      return resize(small, image.width, image.height);
    },
  },
];
