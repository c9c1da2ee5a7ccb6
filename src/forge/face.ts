/**
 * A face and where it lies in its crop: by its landmarks, or, where it has none, by the crop's own
 * geometry. One detector, or one alignment, puts the face in about the same place of every crop.
 */
import { LlsmError } from '../base/errors.ts';
import { cropBox, type ReadBytes, readFace } from '../faces/crops.ts';
import type { Face, ManifestItem } from '../faces/manifest.ts';
import type { RgbImage } from '../image/rgb.ts';

export type Point = [number, number];

export interface Subject {
  image: RgbImage;
  /** Landmarks in pixels of `image`: right eye, left eye, nose tip, right and left corner of the mouth. */
  landmarks: Face['landmarks'];
  /** The 68 points of the iBUG scheme in pixels of `image`, where they are known. */
  points68?: readonly Point[];
}

/**
 * Reads a face with its landmarks as pixels of the crop.
 * @throws LlsmError as `readFace`.
 */
export async function readSubject(item: ManifestItem, read: ReadBytes): Promise<Subject> {
  const { image } = await readFace(item, read);
  // The corner of a crop does not depend on how large the picture is.
  const [left, top] = cropBox(item.box, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
  return { image, ...markedBy(item, ([x, y]) => [x - left, y - top]) };
}

/** The landmarks, each moved by a rule. */
export function markedBy(
  { landmarks, points68 }: Pick<Subject, 'landmarks' | 'points68'>,
  move: (point: Point) => Point,
): Pick<Subject, 'landmarks' | 'points68'> {
  return {
    landmarks: (landmarks?.map(move) as Face['landmarks']) ?? null,
    ...(points68 && { points68: points68.map(move) }),
  };
}

/** The place of a face in its crop, in pixels. */
interface Frame {
  x: number;
  y: number;
  halfWidth: number;
  halfHeight: number;
  tilt: number;
}

/** The landmarks of a face in the units of its frame. */
const inFrame: readonly Point[] = [
  [-0.42, -0.33],
  [0.42, -0.33],
  [0, 0.09],
  [-0.3, 0.46],
  [0.3, 0.46],
];
/** Eyes and mouth in these units, along the frame's height. */
const [eyes, mouth] = [-0.33, 0.46];

const middle = ([ax, ay]: Point, [bx, by]: Point): Point => [(ax + bx) / 2, (ay + by) / 2];

/**
 * The frame of a face in pixels. Without landmarks it is that of a crop at 1.3 times a detector's
 * box, which the centred 0.6 of a picture of Labeled Faces in the Wild is too (mean of 60).
 * @throws LlsmError for landmarks with the mouth on the eyes.
 */
export function frameOf({ image: { width, height }, landmarks }: Subject): Frame {
  if (!landmarks) {
    const [x, y] = [0.5 * width, 0.54 * height];
    return { x, y, halfWidth: 0.31 * width, halfHeight: 0.385 * height, tilt: 0 };
  }
  const [right, left, , mouthRight, mouthLeft] = landmarks;
  const above = middle(right, left);
  const below = middle(mouthRight, mouthLeft);
  const [dx, dy] = [below[0] - above[0], below[1] - above[1]];
  const halfHeight = Math.hypot(dx, dy) / (mouth - eyes);
  if (!(halfHeight >= 1)) {
    throw new LlsmError('its landmarks put the mouth on the eyes; find its landmarks again');
  }
  // A face turned aside has its eyes near each other, but is not as narrow as that.
  const apart = Math.hypot(left[0] - right[0], left[1] - right[1]) / 0.84;
  const share = -eyes / (mouth - eyes);
  return {
    x: above[0] + share * dx,
    y: above[1] + share * dy,
    halfWidth: Math.min(Math.max(apart, 0.65 * halfHeight), halfHeight),
    halfHeight,
    tilt: Math.atan2(-dx, dy),
  };
}

/** Five landmarks of a face, or where they are expected. */
export function pointsOf(face: Subject): readonly Point[] {
  if (face.landmarks) return face.landmarks;
  const { x, y, halfWidth, halfHeight } = frameOf(face);
  return inFrame.map(([u, v]) => [x + u * halfWidth, y + v * halfHeight]);
}

/** (x, y) -> (a x - b y + x0, b x + a y + y0). */
export interface Similarity {
  a: number;
  b: number;
  x0: number;
  y0: number;
}

export const apply = ({ a, b, x0, y0 }: Similarity, [x, y]: Point): Point => [
  a * x - b * y + x0,
  b * x + a * y + y0,
];

/** Turn, scale and shift that bring one set of points nearest to another (least squares). */
export function fitSimilarity(from: readonly Point[], to: readonly Point[]): Similarity {
  const mean = (points: readonly Point[], c: 0 | 1) =>
    points.reduce((sum, point) => sum + point[c], 0) / points.length;
  const [fx, fy, tx, ty] = [mean(from, 0), mean(from, 1), mean(to, 0), mean(to, 1)];
  let [along, across, total] = [0, 0, 0];
  for (const [i, [px, py]] of from.entries()) {
    const [x, y, u, v] = [px - fx, py - fy, to[i][0] - tx, to[i][1] - ty];
    along += x * u + y * v;
    across += x * v - y * u;
    total += x * x + y * y;
  }
  const [a, b] = [along / total, across / total];
  return { a, b, x0: tx - a * fx + b * fy, y0: ty - b * fx - a * fy };
}
