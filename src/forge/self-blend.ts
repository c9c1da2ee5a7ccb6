/** Forgeries of a face from itself: blended with a changed copy, or as a generator would give it back. */
import type { Random } from '../base/random.ts';
import type { ForgeRegion, Forging } from '../config/forge-schema.ts';
import type { Made } from '../faces/manifest.ts';
import type { Box } from '../image/pixels.ts';
import type { GreyImage, RgbImage } from '../image/rgb.ts';
import { layOver } from './blend.ts';
import { recolour, refocus } from './change.ts';
import { pointsOf, type Similarity, type Subject } from './face.ts';
import { drawRegion, greyMask, type SoftMask } from './mask.ts';
import { type Changed, imageOf, type Plane, planeOf, planeOfWhole, sample } from './plane.ts';
import { inScratch, roomFor } from './scratch.ts';
import { generated } from './traces.ts';

export interface Forgery {
  image: RgbImage;
  /** The soft mask before the blending ratio, 255 = taken from the other picture. */
  mask: GreyImage;
  /**
   * The real picture of the pair: what the forgery is outside of its mask. Where the background was
   * changed it is changed too, so that a global change tells the classes apart no better than chance.
   */
  real: RgbImage;
  made: Made;
}

/** A name drawn in proportion to its share. */
export function drawShare<Name extends string>(
  shares: Partial<Record<Name, number>>,
  random: Random,
): Name {
  const entries = Object.entries(shares) as [Name, number][];
  let left = random.next() * entries.reduce((sum, [, share]) => sum + share, 0);
  for (const [name, share] of entries) {
    if (left < share) return name;
    left -= share;
  }
  return entries.findLast(([, share]) => share > 0)?.[0] as Name;
}

/** Largest moves of a copy: parts of the crop's sides, of the scale, and degrees. */
interface Move {
  across: number;
  along: number;
  scale: number;
  degrees: number;
}

/** Moves about the middle of the landmarks, as what takes the result's coordinates to the source's. */
function drawMove(face: Subject, most: Move, random: Random): Similarity {
  const { width, height } = face.image;
  const points = pointsOf(face);
  const [x, y] = [0, 1].map(
    (c) => points.reduce((sum, point) => sum + point[c], 0) / points.length,
  );
  const angle = (random.uniform(-most.degrees, most.degrees) * Math.PI) / 180;
  const scale = random.uniform(1 - most.scale, 1 + most.scale);
  const [a, b] = [scale * Math.cos(angle), scale * Math.sin(angle)];
  const across = width * random.uniform(-most.across, most.across);
  const along = height * random.uniform(-most.along, most.along);
  return { a, b, x0: x - a * x + b * y + across, y0: y - b * x - a * y + along };
}

const selfMove: Move = { across: 0.03, along: 0.02, scale: 0.05, degrees: 2 };
const generatorMove: Move = { across: 0.01, along: 0.01, scale: 0.02, degrees: 1 };

/** A box with so many pixels around it, inside of the picture. */
function widened([x, y, w, h]: Box, { width, height }: RgbImage, by: number): Box {
  const [left, top] = [Math.max(0, x - by), Math.max(0, y - by)];
  return [left, top, Math.min(width, x + w + by) - left, Math.min(height, y + h + by) - top];
}

/** What a mask's box shows of a changed copy that was moved. */
function movedCopy(
  face: Subject,
  mask: SoftMask,
  move: Similarity,
  change: (part: Plane) => Changed,
): Changed {
  const { image } = face;
  const around = widened(mask.box, image, Math.ceil(0.1 * Math.max(image.width, image.height)));
  const { plane, cue } = change(planeOf(image, around));
  const toPart = { ...move, x0: move.x0 - around[0], y0: move.y0 - around[1] };
  return { plane: sample(plane, toPart, mask.box), cue };
}

function changedWhole(image: RgbImage, change: (part: Plane) => Changed) {
  const { plane, cue } = change(planeOfWhole(image));
  return { image: imageOf(plane), cue };
}

/**
 * Blends a face with a changed and moved copy of itself (Shiohara and Yamasaki, "Detecting Deepfakes
 * with Self-Blended Images", CVPR 2022): the copy or the background is changed in colour and sharpness,
 * the copy is moved a little and laid over by a soft mask times a ratio.
 * @throws LlsmError for a crop below 32 pixels, and where landmarks make no face.
 */
export function selfBlend(face: Subject, random: Random, forging: Forging): Forgery {
  return inScratch(roomFor(face.image), () => selfBlended(face, random, forging));
}

function selfBlended(face: Subject, random: Random, forging: Forging): Forgery {
  const { image } = face;
  const unit = Math.min(image.width, image.height) / 256;
  const region: ForgeRegion = drawShare(forging.regions['self-blend'], random);
  const mask = drawRegion(face, region, 'wide', random);
  const move = drawMove(face, selfMove, random);
  const ratio = random.pick(forging.ratios);
  const changeSource = random.chance(0.5);
  const change = (part: Plane) => {
    recolour(part, random, forging.colour);
    return refocus(part, random, unit);
  };
  const still = (plane: Plane): Changed => ({ plane, cue: 'moved' });
  const source = movedCopy(face, mask, move, changeSource ? change : still);
  const behind = changeSource ? { image, cue: source.cue } : changedWhole(image, change);
  return {
    image: layOver(behind.image, source.plane, mask, ratio),
    mask: greyMask(mask, image),
    real: behind.image,
    made: { region, ratio, cue: behind.cue },
  };
}

/**
 * Blends in what a generator would make of the same face: its resolution, its lost detail and the
 * traces of its up-sampling, half of the time with other colours, half of the time moved.
 * @throws LlsmError as `selfBlend`.
 */
export function generator(face: Subject, random: Random, forging: Forging): Forgery {
  return inScratch(roomFor(face.image), () => generatorMade(face, random, forging));
}

function generatorMade(face: Subject, random: Random, forging: Forging): Forgery {
  const { image } = face;
  const side = Math.max(image.width, image.height);
  const region: ForgeRegion = drawShare(forging.regions.generator, random);
  const mask = drawRegion(face, region, 'careful', random);
  const still: Similarity = { a: 1, b: 0, x0: 0, y0: 0 };
  const drawn = drawMove(face, generatorMove, random);
  const move = random.chance(0.5) ? drawn : still;
  const source = movedCopy(face, mask, move, (part) => {
    const trace = generated(part, side, random);
    if (random.chance(0.5)) recolour(trace.plane, random, 0.4);
    return trace;
  });
  const made = { region, ratio: 1, cue: source.cue };
  return {
    image: layOver(image, source.plane, mask),
    mask: greyMask(mask, image),
    real: image,
    made,
  };
}
