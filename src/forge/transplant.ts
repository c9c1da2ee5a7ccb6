/**
 * Forgeries with another person's features: the whole face, as in Face X-ray's blended images (Li and
 * others, CVPR 2020, 3.2), or parts of it. Aligned, matched in colour, blended by a soft mask.
 */
import type { Random } from '../base/random.ts';
import type { ForgeRegion, Forging } from '../config/forge-schema.ts';
import type { RgbImage } from '../image/rgb.ts';
import { layOver, matchColour } from './blend.ts';
import {
  apply,
  fitSimilarity,
  frameOf,
  type Point,
  pointsOf,
  type Similarity,
  type Subject,
} from './face.ts';
import { drawPart, drawRegion, greyMask, type SoftMask } from './mask.ts';
import { type Part, partLandmarks } from './outline.ts';
import { blur, type Plane, planeOfWhole, sample } from './plane.ts';
import { register } from './register.ts';
import { inScratch, roomFor } from './scratch.ts';
import { drawShare, type Forgery } from './self-blend.ts';
import { generated, lowered } from './traces.ts';

/** A donor's picture that does not alias where it becomes smaller. */
function prepared(image: RgbImage, scale: number): Plane {
  const plane = planeOfWhole(image);
  if (scale > 1.05) blur(plane, 0.5 * Math.sqrt(scale * scale - 1));
  return plane;
}

function transplant(
  face: Subject,
  donor: Subject,
  toDonor: Similarity,
  mask: SoftMask,
  region: string,
  random: Random,
  { traces, transfer }: Forging,
): Forgery {
  const { image } = face;
  const side = Math.max(image.width, image.height);
  const from = prepared(donor.image, Math.hypot(toDonor.a, toDonor.b));
  const moved = sample(from, toDonor, mask.box);
  const { plane: source, cue } = random.chance(traces)
    ? generated(moved, side, random)
    : lowered(moved, side, random);
  matchColour(source, image, mask, random.uniform(...transfer));
  const made = { region, ratio: 1, cue };
  return { image: layOver(image, source, mask), mask: greyMask(mask, image), real: image, made };
}

/**
 * Lays the donor's face over this one.
 * @throws LlsmError for a crop below 32 pixels, and where landmarks make no face.
 */
export function swap(face: Subject, donor: Subject, random: Random, forging: Forging): Forgery {
  return inScratch(roomOf(face, donor), () => swapped(face, donor, random, forging));
}

const roomOf = (face: Subject, donor: Subject): number =>
  roomFor(face.image) + 8 * donor.image.data.length;

function swapped(face: Subject, donor: Subject, random: Random, forging: Forging): Forgery {
  const region: ForgeRegion = drawShare(forging.regions.swap, random);
  const mask = drawRegion(face, region, 'careful', random);
  const aligned = fitSimilarity(pointsOf(face), pointsOf(donor));
  const known = face.landmarks && donor.landmarks;
  const { x, y, halfWidth, halfHeight } = frameOf(face);
  const toDonor = known
    ? aligned
    : register(face, donor, aligned, [x, y], [0.85 * halfWidth, 0.75 * halfHeight]);
  return transplant(face, donor, toDonor, mask, region, random, forging);
}

/** The whole face's alignment, shifted so that this part comes to lie on its counterpart. */
function onto(part: Part, face: Subject, donor: Subject): Similarity {
  const [here, there] = [pointsOf(face), pointsOf(donor)];
  const whole = fitSimilarity(here, there);
  const centre = (points: readonly Point[]): Point => {
    const used = partLandmarks[part].map((i) => points[i]);
    return [0, 1].map((c) => used.reduce((sum, p) => sum + p[c], 0) / used.length) as Point;
  };
  if (!face.landmarks || !donor.landmarks) {
    const { halfWidth, halfHeight } = frameOf(face);
    return register(face, donor, whole, centre(here), [0.85 * halfWidth, 0.45 * halfHeight]);
  }
  const [x, y] = apply(whole, centre(here));
  const [toX, toY] = centre(there);
  return { ...whole, x0: whole.x0 + toX - x, y0: whole.y0 + toY - y };
}

/**
 * Transplants the donor's eyes or mouth, or, of a face with 68 points, its nose.
 * @throws LlsmError as `swap`.
 */
export function parts(face: Subject, donor: Subject, random: Random, forging: Forging): Forgery {
  return inScratch(roomOf(face, donor), () => transplanted(face, donor, random, forging));
}

function transplanted(face: Subject, donor: Subject, random: Random, forging: Forging): Forgery {
  // A nose needs its own outline: without one it is hardly told from the cheeks around it.
  const part: Part =
    face.points68 && random.chance(0.2) ? 'nose' : random.chance(0.5) ? 'mouth' : 'eyes';
  const mask = drawPart(face, part, random);
  return transplant(face, donor, onto(part, face, donor), mask, part, random, forging);
}
