/** The 68 points of a data set's faces, written into its manifest. */
import { join } from 'node:path';
import { cropBox } from '../../src/faces/crops.ts';
import { checkFace, type Face, type ManifestItem } from '../../src/faces/manifest.ts';
import type { NetworkFinder } from '../../src/faces/network-finder.ts';
import type { Point } from '../../src/faces/place.ts';
import type { Box } from '../../src/image/pixels.ts';
import type { RgbImage } from '../../src/image/rgb.ts';
import { fivePoints } from '../../src/model/facefinder/landmarks.ts';
import { readImage } from '../files/image.ts';
import { manifestName, readManifest } from '../files/manifest.ts';
import { takeLock } from '../system/lock.ts';
import { writeFileWhole } from '../system/write-file.ts';

export interface PointsResult {
  /** Faces that have points now; those that had them before. */
  marked: number;
  before: number;
  /** Faces whose points could not be believed, by picture. */
  unsure: string[];
}

/** How far the 68 points may lie from the five known ones on average, in distances of eyes and mouth. */
const mostAway = 0.2;

/**
 * Finds the 68 points of each face that has none, and writes the manifest anew: whole, or not at all.
 * Where a face's five landmarks are known, points far away from them are not believed.
 * @throws LlsmError where the folder is no data set, or is written to by another process
 */
export async function markPoints(
  folder: string,
  finder: Pick<NetworkFinder, 'find' | 'points68'>,
  progress: (done: number, total: number) => void = () => {},
): Promise<PointsResult> {
  const lock = takeLock(join(folder, 'lock'));
  try {
    const items = readManifest(folder);
    const result: PointsResult = { marked: 0, before: 0, unsure: [] };
    const lines: string[] = [];
    for (const [done, { folder: _, ...face }] of items.entries()) {
      let line: Face = face;
      if (face.points68) result.before++;
      else {
        const image = await readImage(join(folder, face.image));
        const points = await pointsIn(image, face, finder);
        if (points) {
          line = checkFace({ ...face, points68: points }, join(folder, face.image));
          result.marked++;
        } else result.unsure.push(face.image);
      }
      lines.push(`${JSON.stringify(line)}\n`);
      progress(done + 1, items.length);
    }
    writeFileWhole(join(folder, manifestName), lines);
    return result;
  } finally {
    lock.release();
  }
}

async function pointsIn(
  image: RgbImage,
  { box, landmarks }: Pick<ManifestItem, 'box' | 'landmarks'>,
  finder: Pick<NetworkFinder, 'find' | 'points68'>,
): Promise<Point[] | undefined> {
  if (!landmarks) {
    const [left, top, width, height] = cropBox(box, image.width, image.height);
    const inside = ([x, y, w, h]: Box): boolean =>
      x + w / 2 > left && x + w / 2 < left + width && y + h / 2 > top && y + h / 2 < top + height;
    const found = (await finder.find(image)).find((face) => inside(face.box));
    return found && (found.points68 ?? finder.points68(image, found.box));
  }
  // The network was made for boxes of a finder: first one by the five points, then by its own 68.
  const first = await finder.points68(image, boxAround(landmarks, 0.75));
  const points = await finder.points68(image, boxAround(first, 0.12));
  const [right, left, , mouthRight, mouthLeft] = landmarks;
  const size = Math.hypot(
    (mouthRight[0] + mouthLeft[0] - right[0] - left[0]) / 2,
    (mouthRight[1] + mouthLeft[1] - right[1] - left[1]) / 2,
  );
  const five = fivePoints(points);
  const away = five.reduce(
    (sum, [x, y], i) => sum + Math.hypot(x - landmarks[i][0], y - landmarks[i][1]) / 5,
    0,
  );
  return away <= mostAway * size ? points : undefined;
}

/** The box around points, wider by a part of its longer side on each. */
function boxAround(points: readonly Point[], margin: number): Box {
  const [xs, ys] = [0, 1].map((c) => points.map((point) => point[c]));
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  const [width, height] = [Math.max(...xs) - left, Math.max(...ys) - top];
  const more = margin * Math.max(width, height);
  return [left - more, top - more, width + 2 * more, height + 2 * more];
}
