/** What happens to a picture after it was made: the same for real faces and forgeries. */
import { Random } from '../base/random.ts';
import type { Forging } from '../config/forge-schema.ts';
import { gaussianBlur } from '../image/blur.ts';
import { loseToJpeg } from '../image/jpeg-loss.ts';
import { addNoise } from '../image/pixels.ts';
import type { RgbImage } from '../image/rgb.ts';
import { recolour } from './change.ts';
import { coarsened, imageOf, type Plane, planeOf, scaled, sharpen } from './plane.ts';
import { bilateral } from './traces.ts';

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

/**
 * Whole pictures of less quality, each step drawn: what a camera's program does, a screen's window,
 * then smaller and up again, blurred, noisy, compressed, once or twice.
 */
export function degrade(image: RgbImage, how: Forging['degrade'], random: Random): RgbImage {
  let result: RgbImage = { ...image, data: image.data.slice() };
  if (random.chance(how.camera)) result = photographed(result, how, random);
  if (random.chance(how.screen)) result = onScreen(result, random);
  const again = random.chance(how.again);
  // All of the second trip is drawn before the first one's noise, which draws as it goes.
  const second = again ? new Random(random.bits(), 'second trip') : null;
  result = trip(result, how, random, [0, 0]);
  if (!second) return result;
  return trip(result, how, second, [second.int(8), second.int(8)]);
}

/** @param corner how far into a block the picture begins, in pixels */
function trip(
  image: RgbImage,
  how: Forging['degrade'],
  random: Random,
  corner: [number, number],
): RgbImage {
  let result = image;
  if (random.chance(how.shrink)) {
    const factor = 1 / random.uniform(...how.scale);
    result = imageOf(coarsened(planeOfWhole(image), factor, random, ['area', 'linear']));
  }
  return worn(result, how, random, corner);
}

/** Noise taken away, tones along a curve, and edges sharpened, as phones do it. */
function photographed(image: RgbImage, how: Forging['degrade'], random: Random): RgbImage {
  const smooth = random.chance(0.5);
  const strength = random.uniform(4, 14);
  const gamma = random.uniform(0.8, 1.25);
  const amount = random.uniform(...how.sharpen);
  const radius = random.uniform(0.6, 1.6);
  const whole = planeOfWhole(image);
  const plane = smooth ? bilateral(whole, strength, 1.5) : whole;
  const curve = Float32Array.from({ length: 257 }, (_, v) => 255 * (v / 255) ** gamma);
  const { data } = plane;
  for (let i = 0; i < data.length; i++) {
    const low = data[i] | 0;
    data[i] = curve[low] + (data[i] - low) * (curve[low + 1] - curve[low]);
  }
  sharpen(plane, radius, amount);
  return imageOf(plane);
}

/** The picture as a program shows it in a window of another size, seen again in its own. */
function onScreen(image: RgbImage, random: Random): RgbImage {
  const { width, height } = image;
  const size = random.uniform(0.6, 1.7);
  const [w, h] = [width, height].map((side) => Math.max(16, Math.round(side * size)));
  const nearest = random.chance(0.3);
  const up = random.chance(0.5) ? 'linear' : 'cubic';
  const whole = planeOfWhole(image);
  const shown = nearest ? nearestPixels(whole, w, h) : scaled(whole, w, h, 'linear');
  return imageOf(scaled(shown, width, height, size > 1 ? 'area' : up));
}

function nearestPixels(plane: Plane, width: number, height: number): Plane {
  const data = new Float32Array(width * height * 3);
  for (let y = 0, to = 0; y < height; y++) {
    const row = Math.floor(((y + 0.5) * plane.height) / height) * plane.width;
    for (let x = 0; x < width; x++, to += 3) {
      const at = (row + Math.floor(((x + 0.5) * plane.width) / width)) * 3;
      data[to] = plane.data[at];
      data[to + 1] = plane.data[at + 1];
      data[to + 2] = plane.data[at + 2];
    }
  }
  return { width, height, data };
}

type Wear = 'blur' | 'blurSigma' | 'jpeg' | 'jpegQuality' | 'noise' | 'noiseSigma';

/** Blurs, adds noise and compresses `image` in place, as drawn. */
function worn(
  image: RgbImage,
  how: Pick<Forging['finish'] & Forging['degrade'], Wear>,
  random: Random,
  corner?: [number, number],
): RgbImage {
  const { width, height, data } = image;
  if (random.chance(how.blur)) {
    gaussianBlur(data, width, height, 3, random.uniform(...how.blurSigma));
  }
  const quality = random.chance(how.jpeg) ? whole(how.jpegQuality, random) : null;
  if (random.chance(how.noise)) addNoise(data, random.uniform(...how.noiseSigma), random);
  if (quality !== null) loseToJpeg(image, quality, corner);
  return image;
}
