/**
 * Swapped faces: another person's face in the place of this one, as in Face X-ray's blended images
 * (Li and others, CVPR 2020, 3.2): aligned, matched in colour, blended by a soft mask.
 */
import { LlsmError } from '../base/errors.ts';
import type { Random } from '../base/random.ts';
import { type Care, type CareKind, drawCare, layOver, warp } from './blend.ts';
import { fitSimilarity, frameOf, pointsOf, type Subject } from './face.ts';
import {
  checkSize,
  clearEdge,
  clip,
  coreShare,
  distort,
  fill,
  outline,
  type Point,
  type Polygon,
  place,
  soften,
} from './mask.ts';
import { register } from './register.ts';
import type { Forgery } from './self-blend.ts';

/** From brows to chin, mostly: a fringe or a hat that came along would give every swap away. */
function drawRegion(random: Random): Polygon {
  const top = random.uniform(-0.85, -0.5);
  const bottom = random.uniform(0.72, 1);
  const shape = [0, (top + bottom) / 2, random.uniform(0.7, 0.95), (bottom - top) / 2];
  const jaw = random.uniform(0, 0.25);
  const region = outline(shape, 0.05, random).map(
    ([x, y]): Point => [x * (1 - jaw * Math.max(0, y)), y],
  );
  return random.chance(0.2) ? clip(region, 0, 1, top + random.uniform(0.1, 0.3)) : region;
}

/** A soft mask over the face, only where the source has pixels. [height, width] in [0, 1]. */
function drawFaceMask(face: Subject, inside: Float32Array, care: Care, random: Random) {
  const { width, height } = face.image;
  const frame = frameOf(face);
  for (let attempt = 0; attempt < 50; attempt++) {
    const drawn = {
      x: frame.x + random.uniform(-0.06, 0.06) * frame.halfWidth,
      y: frame.y + random.uniform(-0.06, 0.06) * frame.halfHeight,
      halfWidth: frame.halfWidth,
      halfHeight: frame.halfHeight,
      tilt: frame.tilt + random.uniform(-0.08, 0.08),
    };
    const polygon = place(drawRegion(random), drawn);
    const mask = distort(fill([polygon], width, height), width, height, random);
    for (let i = 0; i < mask.length; i++) mask[i] *= inside[i];
    clearEdge(mask, width, height);
    soften(mask, width, height, random.uniform(0.7, 2), care.feather);
    if (coreShare(mask) > 0.03) return mask;
  }
  throw new LlsmError('no part of the other face falls on this one; its landmarks may be wrong');
}

/**
 * Lays the donor's face over this one.
 * @throws LlsmError for a crop below 32 pixels, and where landmarks make no face.
 */
export function swap(face: Subject, donor: Subject, random: Random, how?: CareKind): Forgery {
  checkSize(face.image);
  const { width, height } = face.image;
  const care = drawCare(random, how);
  const aligned = fitSimilarity(pointsOf(face), pointsOf(donor));
  const { x, y, halfWidth, halfHeight } = frameOf(face);
  const known = face.landmarks && donor.landmarks;
  const toDonor = known
    ? aligned
    : register(face, donor, aligned, [x, y], [0.85 * halfWidth, 0.75 * halfHeight]);
  const source = warp(donor.image, toDonor, width, height);
  const soft = drawFaceMask(face, source.inside, care, random);
  const image = { width, height, data: face.image.data.slice() };
  const mask = layOver(image, source.data, soft, care);
  return { image, mask: { width, height, data: mask }, real: face.image };
}
