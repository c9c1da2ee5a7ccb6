/** Transplanted parts: another person's eyes, nose or mouth at the same place of this face. */
import { LlsmError } from '../base/errors.ts';
import type { Random } from '../base/random.ts';
import { type Care, type CareKind, drawCare, layOver, warp } from './blend.ts';
import { apply, fitSimilarity, frameOf, pointsOf, type Similarity, type Subject } from './face.ts';
import {
  checkSize,
  clearEdge,
  coreShare,
  fill,
  outline,
  type Point,
  place,
  parts as places,
  soften,
} from './mask.ts';
import { register } from './register.ts';
import type { Forgery } from './self-blend.ts';

/** The regions that a part consists of, and the landmarks that it is brought onto. */
const kinds = {
  eyes: { regions: ['leftEye', 'rightEye'], landmarks: [0, 1] },
  nose: { regions: ['nose'], landmarks: [2] },
  mouth: { regions: ['mouth'], landmarks: [3, 4] },
} as const;

type Kind = keyof typeof kinds;

/** Soft mask of one part of the face. [height, width] in [0, 1]. */
function drawPartMask(
  face: Subject,
  kind: Kind,
  inside: Float32Array,
  care: Care,
  random: Random,
): Float32Array {
  const { width, height } = face.image;
  const frame = frameOf(face);
  for (let attempt = 0; attempt < 50; attempt++) {
    const grow = random.uniform(0.95, 1.4);
    const tall = random.uniform(1, kind === 'eyes' ? 1.6 : 1.25); // with the brows, or without
    const moved = [random.uniform(-0.06, 0.06), random.uniform(-0.06, 0.06)];
    const polygons = kinds[kind].regions.map((region) => {
      const [x, y, w, h] = places[region];
      const raised = kind === 'eyes' ? (tall - 1) * 0.6 * h : 0;
      const shape = [x + moved[0], y + moved[1] - raised, w * grow, h * grow * tall];
      return place(outline(shape, 0.1, random), frame);
    });
    const mask = fill(polygons, width, height);
    for (let i = 0; i < mask.length; i++) mask[i] *= inside[i];
    clearEdge(mask, width, height);
    soften(mask, width, height, random.uniform(0.5, 1.5), care.feather);
    if (coreShare(mask) > 0.004) return mask;
  }
  throw new LlsmError(`its ${kind} do not lie inside of both faces; their landmarks may be wrong`);
}

/** The whole face's alignment, shifted so that this part comes to lie on its counterpart. */
function onto(kind: Kind, face: Subject, donor: Subject): Similarity {
  const [here, there] = [pointsOf(face), pointsOf(donor)];
  const whole = fitSimilarity(here, there);
  const centre = (points: readonly Point[]): Point => {
    const used = kinds[kind].landmarks.map((i) => points[i]);
    return [0, 1].map((c) => used.reduce((sum, p) => sum + p[c], 0) / used.length) as Point;
  };
  if (!face.landmarks || !donor.landmarks) {
    const { halfWidth, halfHeight } = frameOf(face);
    const half: Point = [0.85 * halfWidth, 0.45 * halfHeight];
    return register(face, donor, whole, centre(here), half);
  }
  const [x, y] = apply(whole, centre(here));
  const [toX, toY] = centre(there);
  return { ...whole, x0: whole.x0 + toX - x, y0: whole.y0 + toY - y };
}

/**
 * Transplants one or two of eyes, nose and mouth.
 * @throws LlsmError for a crop below 32 pixels, and where landmarks make no face.
 */
export function parts(face: Subject, donor: Subject, random: Random, how?: CareKind): Forgery {
  checkSize(face.image);
  const { width, height } = face.image;
  const care = drawCare(random, how);
  const chosen = random.shuffle(Object.keys(kinds) as Kind[]).slice(0, random.chance(0.6) ? 1 : 2);
  const image = { width, height, data: face.image.data.slice() };
  const kept = new Float32Array(width * height).fill(1);
  for (const kind of chosen) {
    const source = warp(donor.image, onto(kind, face, donor), width, height);
    const soft = drawPartMask(face, kind, source.inside, care, random);
    const mask = layOver(image, source.data, soft, care);
    for (let i = 0; i < kept.length; i++) kept[i] *= 1 - mask[i] / 255;
  }
  const data = Uint8ClampedArray.from(kept, (value) => (1 - value) * 255);
  return { image, mask: { width, height, data }, real: face.image };
}
