/** Frames of videos in which photographs of faces move, and where they are. */
import { join } from 'node:path';
import { readImage } from '../../node/files/image.ts';
import type { Box } from '../../src/image/pixels.ts';
import { resize } from '../../src/image/resample.ts';
import type { RgbImage } from '../../src/image/rgb.ts';
import { faceApiFolder } from './face-api.ts';
import { drawnPicture } from './pictures.ts';

/** Where three people's heads are on face-api's sample1.jpg. */
const heads: Box[] = [
  [300, 250, 400, 480],
  [740, 320, 390, 460],
  [1370, 110, 420, 470],
];

/** The heads of three people, each about `side` pixels high. */
export async function threeHeads(side: number): Promise<RgbImage[]> {
  const group = await readImage(join(faceApiFolder, 'demo', 'sample1.jpg'));
  return heads.map((box) => resize(group, Math.round((side * box[2]) / box[3]), side, box));
}

export const backdrop = (width: number, height: number, seed: number): RgbImage => {
  const image = drawnPicture(width, height, seed);
  return { ...image, data: image.data.map((value) => 90 + value / 4) };
};

/** A picture on another, its middle at (x, y); what lies outside is cut. */
export function place(onto: RgbImage, picture: RgbImage, x: number, y: number): void {
  const [left, top] = [Math.round(x - picture.width / 2), Math.round(y - picture.height / 2)];
  for (let row = 0; row < picture.height; row++) {
    for (let column = 0; column < picture.width; column++) {
      const [px, py] = [left + column, top + row];
      if (px < 0 || py < 0 || px >= onto.width || py >= onto.height) continue;
      const from = (row * picture.width + column) * 3;
      onto.data.set(picture.data.subarray(from, from + 3), (py * onto.width + px) * 3);
    }
  }
}

/** A picture of pictures with their middles; the later ones lie above. */
export function scene(
  background: RgbImage,
  placed: readonly [picture: RgbImage, x: number, y: number][],
): RgbImage {
  const image = { ...background, data: background.data.slice() };
  for (const [picture, x, y] of placed) place(image, picture, x, y);
  return image;
}
