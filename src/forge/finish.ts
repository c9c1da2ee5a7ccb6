/** What happens to a picture after it was made: the same for real faces and forgeries. */
import { Random } from '../base/random.ts';
import type { Forging } from '../config/forge-schema.ts';
import type { RgbImage } from '../image/rgb.ts';
import { recolour } from './change.ts';
import { jpegLost, noisy } from './loss.ts';
import {
  blur,
  coarsened,
  imageOf,
  type Plane,
  planeOfWhole,
  round,
  scaled,
  sharpen,
} from './plane.ts';
import { inScratch, placeOf, roomFor, table, withLanes } from './scratch.ts';
import { bilateral } from './traces.ts';

/** A whole number of a range that both ends belong to. */
const whole = ([low, high]: [number, number], random: Random): number =>
  low + random.int(high - low + 1);

/**
 * Colour, blur, noise and one JPEG trip, each drawn. How many numbers are drawn before the noise's own
 * does not depend on the picture, so a pair given equal streams is treated alike.
 */
export function finish(image: RgbImage, how: Forging['finish'], random: Random): RgbImage {
  return inScratch(roomFor(image), () => {
    const plane = planeOfWhole(image);
    finishPlane(plane, how, random);
    return imageOf(plane);
  });
}

/** As `finish`, of whole grey levels in place. */
export function finishPlane(plane: Plane, how: Forging['finish'], random: Random): void {
  if (random.chance(how.colour)) {
    recolour(plane, random, 1);
    round(plane);
  }
  wear(plane, how, random);
}

/**
 * Whole pictures of less quality, each step drawn: what a camera's program does, a screen's window,
 * then smaller and up again, blurred, noisy, compressed, once or twice.
 */
export function degrade(image: RgbImage, how: Forging['degrade'], random: Random): RgbImage {
  return inScratch(roomFor(image), () => imageOf(degraded(planeOfWhole(image), how, random)));
}

/** As `degrade`, of whole grey levels, which may change in place. */
export function degraded(plane: Plane, how: Forging['degrade'], random: Random): Plane {
  let result = plane;
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
  plane: Plane,
  how: Forging['degrade'],
  random: Random,
  corner: [number, number],
): Plane {
  let result = plane;
  if (random.chance(how.shrink)) {
    const factor = 1 / random.uniform(...how.scale);
    result = coarsened(plane, factor, random, ['area', 'linear']);
    round(result);
  }
  wear(result, how, random, corner);
  return result;
}

/** Noise taken away, tones along a curve, and edges sharpened, as phones do it. */
function photographed(whole: Plane, how: Forging['degrade'], random: Random): Plane {
  const smooth = random.chance(0.5);
  const strength = random.uniform(4, 14);
  const gamma = random.uniform(0.8, 1.25);
  const amount = random.uniform(...how.sharpen);
  const radius = random.uniform(0.6, 1.6);
  const plane = smooth ? bilateral(whole, strength, 1.5) : whole;
  const curve = table(Float32Array.from({ length: 257 }, (_, v) => 255 * (v / 255) ** gamma));
  const { data } = plane;
  withLanes((lanes) => lanes.curve(placeOf(data), data.length, curve));
  sharpen(plane, radius, amount);
  round(plane);
  return plane;
}

/** The picture as a program shows it in a window of another size, seen again in its own. */
function onScreen(plane: Plane, random: Random): Plane {
  const { width, height } = plane;
  const size = random.uniform(0.6, 1.7);
  const [w, h] = [width, height].map((side) => Math.max(16, Math.round(side * size)));
  const nearest = random.chance(0.3);
  const up = random.chance(0.5) ? 'linear' : 'cubic';
  const shown = scaled(plane, w, h, nearest ? 'nearest' : 'linear');
  const result = scaled(shown, width, height, size > 1 ? 'area' : up);
  round(result);
  return result;
}

type Wear = 'blur' | 'blurSigma' | 'jpeg' | 'jpegQuality' | 'noise' | 'noiseSigma';

/** Blurs, adds noise and compresses whole grey levels in place, as drawn. */
function wear(
  plane: Plane,
  how: Pick<Forging['finish'] & Forging['degrade'], Wear>,
  random: Random,
  corner?: [number, number],
): void {
  if (random.chance(how.blur)) {
    blur(plane, random.uniform(...how.blurSigma));
    round(plane);
  }
  const quality = random.chance(how.jpeg) ? whole(how.jpegQuality, random) : null;
  if (random.chance(how.noise)) noisy(plane, random.uniform(...how.noiseSigma), random);
  if (quality !== null) jpegLost(plane, quality, corner);
}
