/** What happens to a picture after it was made: the same for real faces and forgeries. */
import type { Random } from '../base/random.ts';
import type { Forging } from '../config/forge-schema.ts';
import { gaussianBlur } from '../image/blur.ts';
import { loseToJpeg } from '../image/jpeg-loss.ts';
import { addNoise } from '../image/pixels.ts';
import type { RgbImage } from '../image/rgb.ts';
import { recolour } from './change.ts';
import { coarsened, imageOf, planeOf } from './plane.ts';

const planeOfWhole = (image: RgbImage) => planeOf(image, [0, 0, image.width, image.height]);

/** A whole number of a range that both ends belong to. */
const whole = ([low, high]: [number, number], random: Random): number =>
  low + random.int(high - low + 1);

/**
 * Colour, blur, noise and one JPEG trip, each drawn. How many numbers are drawn before the noise's own
 * does not depend on the picture, so a pair given equal streams is treated alike.
 */
export function finish(image: RgbImage, how: Forging['finish'], random: Random): RgbImage {
  let result: RgbImage = { ...image, data: image.data.slice() };
  if (random.chance(how.colour)) {
    const plane = planeOfWhole(image);
    recolour(plane, random, 1);
    result = imageOf(plane);
  }
  return worn(result, how, random);
}

/** Whole pictures of less quality: smaller and up again, blurred, noisy, compressed; each drawn. */
export function degrade(image: RgbImage, how: Forging['degrade'], random: Random): RgbImage {
  let result: RgbImage = { ...image, data: image.data.slice() };
  if (random.chance(how.shrink)) {
    const factor = 1 / random.uniform(...how.scale);
    result = imageOf(coarsened(planeOfWhole(image), factor, random, ['area', 'linear']));
  }
  return worn(result, how, random);
}

type Wear = 'blur' | 'blurSigma' | 'jpeg' | 'jpegQuality' | 'noise' | 'noiseSigma';

/** Blurs, adds noise and compresses `image` in place, as drawn. */
function worn(
  image: RgbImage,
  how: Pick<Forging['finish'] & Forging['degrade'], Wear>,
  random: Random,
): RgbImage {
  const { width, height, data } = image;
  if (random.chance(how.blur)) {
    gaussianBlur(data, width, height, 3, random.uniform(...how.blurSigma));
  }
  const quality = random.chance(how.jpeg) ? whole(how.jpegQuality, random) : null;
  if (random.chance(how.noise)) addNoise(data, random.uniform(...how.noiseSigma), random);
  if (quality !== null) loseToJpeg(image, quality);
  return image;
}
