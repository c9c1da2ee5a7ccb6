/** Augmentation of training crops: the configuration key `train.augment`, and what it does. */
import * as z from 'zod';
import type { Random } from '../random.ts';
import { type RgbImage, throughJpeg } from './image.ts';
import { addNoise, type Box, changeColour, gaussianBlur } from './pixels.ts';

const chance = z.number().min(0).max(1);
const range = (low: number, high: number) =>
  z
    .tuple([z.number().min(low).max(high), z.number().min(low).max(high)])
    .refine(([from, to]) => from <= to, 'must be [lower, higher]');

const augmentKeys = z.strictObject({
  /** Chance of a mirror image. */
  flip: chance.default(0.5),
  /** The largest part of a side that a random crop cuts away. */
  crop: z.number().min(0).max(0.5).default(0.12),
  /** Largest relative change of brightness, contrast and saturation. */
  colour: z.number().min(0).max(1).default(0.1),
  blur: chance.default(0.15),
  /** Standard deviations of the blur, in pixels at 224 x 224. */
  blurSigma: range(0.1, 10).default([0.3, 1.2]),
  noise: chance.default(0.15),
  /** Standard deviations of the noise, in grey levels. */
  noiseSigma: range(0, 100).default([1, 6]),
  jpeg: chance.default(0.3),
  jpegQuality: range(1, 100).default([50, 100]),
});

/**
 * Every key has a default, and `true` means all defaults; an unknown key is an error. Applied alike
 * to real and forged faces.
 */
export const augmentSchema = z.preprocess((value) => (value === true ? {} : value), augmentKeys);

export type Augment = z.output<typeof augmentSchema>;

/** The part of a picture to take, and whether to mirror it. */
export function drawView(
  width: number,
  height: number,
  { crop, flip }: Augment,
  random: Random,
): { box: Box; mirrored: boolean } {
  const keep = 1 - random.uniform(0, crop);
  const x = random.next() * (1 - keep) * width;
  const y = random.next() * (1 - keep) * height;
  return { box: [x, y, keep * width, keep * height], mirrored: random.chance(flip) };
}

/** Mirrors [height, width, channels] left to right, in place. */
export function mirror(
  data: Uint8ClampedArray | Float32Array,
  width: number,
  height: number,
  channels: number,
): void {
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width >> 1; x++) {
      const a = (y * width + x) * channels;
      const b = (y * width + width - 1 - x) * channels;
      for (let c = 0; c < channels; c++) {
        [data[a + c], data[b + c]] = [data[b + c], data[a + c]];
      }
    }
  }
}

/** Colour, blur, noise and JPEG; may change `image.data` in place. */
export async function augmentPixels(
  image: RgbImage,
  options: Augment,
  random: Random,
): Promise<RgbImage> {
  const { width, height, data } = image;
  const vary = () => options.colour * random.uniform(-1, 1);
  const brightness = 127.5 * vary();
  changeColour(data, {
    contrast: 1 + vary(),
    saturation: 1 + vary(),
    shift: [brightness, brightness, brightness],
  });
  if (random.chance(options.blur)) {
    const sigma = random.uniform(...options.blurSigma) * (Math.min(width, height) / 224);
    gaussianBlur(data, width, height, 3, sigma);
  }
  const quality = random.chance(options.jpeg)
    ? Math.round(random.uniform(...options.jpegQuality))
    : null;
  if (random.chance(options.noise)) addNoise(data, random.uniform(...options.noiseSigma), random);
  return quality === null ? image : throughJpeg(image, quality);
}
