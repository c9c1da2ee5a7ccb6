/** The five points of the manifest from a landmark file. */
import type { Face } from '../../src/faces/manifest.ts';
import { Dropped } from './clip.ts';
import { parseNpy } from './npy.ts';

type Points = NonNullable<Face['landmarks']>;
type Point = Points[number];

/**
 * Which of dlib's points make up one of ours, in YuNet's order: eyes, the nose's tip, the corners of
 * the mouth. dlib begins with the same side as YuNet (the person's right).
 */
const parts = [[36, 37, 38, 39, 40, 41], [42, 43, 44, 45, 46, 47], [30], [48], [54]];
const names = ['right eye', 'left eye', 'nose', 'right mouth corner', 'left mouth corner'];

/**
 * Right eye, left eye, nose tip, right and left corner of the mouth from dlib's 68 points or the 81
 * that begin with them, in pixels.
 * @throws LlsmError where the bytes are no array; Dropped where it is another, or a point lies outside of the picture
 */
export function readLandmarks(
  bytes: Uint8Array,
  name: string,
  { width, height }: { width: number; height: number },
): Points {
  const { shape, data } = parseNpy(bytes, name);
  if (shape.length !== 2 || shape[0] < 68 || shape[1] !== 2) {
    throw new Dropped(`its landmarks have the shape ${shape.join(' x ')}, not 68 x 2 or 81 x 2`);
  }
  return parts.map((indices, k): Point => {
    const mean = (axis: number) =>
      indices.reduce((sum, i) => sum + data[i * 2 + axis], 0) / indices.length;
    const [x, y] = [mean(0), mean(1)];
    if (!(x >= 0 && y >= 0 && x <= width && y <= height)) {
      throw new Dropped(
        `its landmarks lie outside: ${names[k]} at ${x.toFixed(1)}, ${y.toFixed(1)} of ${width} x ${height}`,
      );
    }
    return [x, y];
  }) as Points;
}
