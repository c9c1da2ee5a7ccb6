/** Augmentation of training crops: what the configuration key `train.augment` does. */
import type { Random } from '../base/random.ts';
import type { Augment } from '../config/augment-schema.ts';
import { gaussianBlur } from '../image/blur.ts';
import { throughJpeg } from '../image/codecs.ts';
import { addNoise, type Box, changeColour } from '../image/pixels.ts';
import type { RgbImage } from '../image/rgb.ts';

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
        const kept = data[a + c];
        data[a + c] = data[b + c];
        data[b + c] = kept;
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
