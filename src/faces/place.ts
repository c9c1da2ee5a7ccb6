/** Who says where the faces of a picture are. */
import type { Config } from '../config/config.ts';
import type { Box } from '../image/pixels.ts';
import type { GreyImage, RgbImage } from '../image/rgb.ts';

/** [x, y] in pixels of the picture. */
export type Point = [number, number];

export interface FoundFace {
  /** The face's box in pixels of the picture; it may reach over the border. */
  box: Box;
  /** The finder's own, in [0, 1]. */
  score: number;
  /** Right eye, left eye, nose, right and left corner of the mouth: the person's own sides. */
  landmarks: Point[];
  /** The 68 points of the iBUG scheme, where the finder has them. */
  points68?: Point[];
  /** The face crop, in pixels with fractions, where the finder knows it: else it is cut about the box. */
  crop?: Box;
}

export interface FaceFinder {
  /** The finder's name in findings. */
  readonly name: string;
  /** The faces of a picture, best first. */
  find(image: RgbImage): Promise<FoundFace[]>;
  /** Gives its memory back. */
  dispose(): void;
}

/** The place of the face on a photograph: all of it, or a centred square of part of the shorter side. */
export type FacePlace = 'whole' | { centre: number };

/** The part of a photograph that is the face crop, in pixels with fractions. */
export function faceBox(width: number, height: number, faces: FacePlace): Box {
  if (faces === 'whole') return [0, 0, width, height];
  const side = Math.min(width, height) * faces.centre;
  return [(width - side) / 2, (height - side) / 2, side, side];
}

/** A finder that looks at nothing: the face crop is where one says. */
export class FixedPlace implements FaceFinder {
  readonly name = 'given';

  constructor(readonly place: FacePlace) {}

  async find({ width, height }: RgbImage): Promise<FoundFace[]> {
    const crop = faceBox(width, height, this.place);
    return [{ box: crop, crop, score: 1, landmarks: [] }];
  }

  dispose(): void {}
}

/** The face crop's side, in parts of the box's longer one (FaceForensics++, detect_from_video.py). */
export const cropScale = 1.3;

/**
 * The face crop's side that a network expects, in parts of the box's longer one: where it was trained
 * on windows of the crop (`train.forge`), that of a window.
 */
export const cropScaleOf = ({ size, train: { forge } }: Config): number =>
  forge ? (cropScale * size) / forge.crop : cropScale;

/** The square that is the crop of a found face, in whole pixels; it may reach over the border. */
export function faceSquare([x, y, w, h]: Box, scale = cropScale): Box {
  const side = Math.max(1, Math.round(Math.max(w, h) * scale));
  return [Math.round(x + (w - side) / 2), Math.round(y + (h - side) / 2), side, side];
}

/** Index i of a line of n values that goes on mirrored at both ends, without its last value twice. */
function mirrored(i: number, n: number): number {
  if (n === 1) return 0;
  const period = 2 * (n - 1);
  const at = ((i % period) + period) % period;
  return at < n ? at : period - at;
}

/** The pixels of a box in whole pixels; beyond its border the picture (or mask) is mirrored. */
export function cutMirrored<T extends RgbImage | GreyImage>(
  image: T,
  [left, top, width, height]: Box,
): T {
  const channels = image.data.length / (image.width * image.height);
  const data = new Uint8ClampedArray(width * height * channels);
  const columns = Int32Array.from(
    { length: width },
    (_, x) => mirrored(left + x, image.width) * channels,
  );
  for (let y = 0, to = 0; y < height; y++) {
    const row = mirrored(top + y, image.height) * image.width * channels;
    for (const column of columns) {
      for (let c = 0; c < channels; c++) data[to++] = image.data[row + column + c];
    }
  }
  return { ...image, width, height, data };
}
