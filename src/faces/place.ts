/** Who says where the faces of a picture are. */
import type { Box } from '../image/pixels.ts';
import type { RgbImage } from '../image/rgb.ts';

/** [x, y] in pixels of the picture. */
export type Point = [number, number];

export interface FoundFace {
  /** In pixels of the picture; it may reach over the border. */
  box: Box;
  /** The finder's own, in [0, 1]. */
  score: number;
  /** Right eye, left eye, nose, right and left corner of the mouth: the person's own sides. */
  landmarks: Point[];
  /** The 68 points of the iBUG scheme, where the finder has them. */
  points68?: Point[];
}

export interface FaceFinder {
  /** As findings name it. */
  readonly name: string;
  /** The faces of a picture, best first. */
  find(image: RgbImage): Promise<FoundFace[]>;
  /** Gives its memory back. */
  dispose(): void;
}
