/** Where the face is on a frame. */
import { cropBox } from '../../src/faces/crops.ts';
import type { Face } from '../../src/faces/manifest.ts';
import { type FaceFinder, type FoundFace, faceBox, faceSquare } from '../../src/faces/place.ts';
import type { Box } from '../../src/image/pixels.ts';
import type { GreyImage } from '../../src/image/rgb.ts';
import { Dropped } from './clip.ts';
import type { Frame, FramePlace } from './frames.ts';
import { markedBox } from './mask.ts';

/** The face crop of a frame. */
export interface Located {
  /** In pixels; one that a finder found may reach over the border, and is in whole pixels then. */
  box: Box;
  /** Landmarks that the finder found, in pixels of the picture. */
  landmarks?: Face['landmarks'];
}

/** Sides of crops below this hold too little of a face. */
const leastSide = 32;

/**
 * The face crop of a frame.
 * @param finder for `auto`
 * @throws Dropped where there is no face to be found, or too small a one
 */
export async function locateFace(
  frame: Frame,
  place: FramePlace,
  finder: FaceFinder | undefined,
): Promise<Located> {
  const located = place === 'auto' ? await byFinder(frame, finder) : { box: byPlace(frame, place) };
  const { box } = located;
  if (Math.min(box[2], box[3]) < leastSide) {
    const size = `${Math.floor(box[2])} x ${Math.floor(box[3])}`;
    throw new Dropped(`its face crop has only ${size} pixels (${leastSide} is the least)`);
  }
  return located;
}

/**
 * Of several faces that which the forgery altered, or the largest where that is not known
 * (DeepFakeDetection films two actors at once).
 */
async function byFinder(
  { image, original, mark, mask }: Frame,
  finder: FaceFinder | undefined,
): Promise<Located> {
  if (!finder) throw new TypeError('--faces auto without a finder');
  const faces = await finder.find(original ?? image);
  if (faces.length === 0) throw new Dropped('no face was found on it');
  const altered = [mark, mask].find((each) => each !== null && typeof each === 'object');
  const { box, landmarks } = choose(faces, altered as GreyImage | undefined);
  return { box: faceSquare(box), landmarks: landmarks as NonNullable<Face['landmarks']> };
}

function choose(faces: readonly FoundFace[], altered: GreyImage | undefined): FoundFace {
  const area = ({ box }: FoundFace) => box[2] * box[3];
  const inside = ({ box }: FoundFace) => (altered ? countIn(altered, box) : 0);
  return [...faces].sort((a, b) => inside(b) - inside(a) || area(b) - area(a))[0];
}

/** Altered pixels of a mask inside a box. */
function countIn({ width, height, data }: GreyImage, [x, y, w, h]: Box): number {
  const [left, top] = [x, y].map((from) => Math.max(0, Math.round(from)));
  const [right, bottom] = [Math.min(width, x + w), Math.min(height, y + h)];
  let count = 0;
  for (let row = top; row < bottom; row++) {
    for (let column = left; column < right; column++) {
      if (data[row * width + column] > 127) count++;
    }
  }
  return count;
}

function byPlace({ image, mark, box: known }: Frame, place: Exclude<FramePlace, 'auto'>): Box {
  const { width, height } = image;
  if (place === 'marked') {
    if (!known) throw new Dropped('it is not known where its face is');
    return cropBox(known, width, height);
  }
  if (place === 'whole' || 'centre' in place) return faceBox(width, height, place);
  if (mark === null) {
    throw new Dropped('no mask video tells where its face is (--faces masks=F)');
  }
  if (typeof mark === 'string') throw new Dropped(`where its face is cannot be told: ${mark}`);
  if (mark.width !== width || mark.height !== height) {
    throw new Dropped(
      `the mask that tells where its face is has ${mark.width} x ${mark.height} pixels, the frame ${width} x ${height}`,
    );
  }
  const marked = markedBox(mark);
  if (!marked) throw new Dropped('the mask that tells where its face is marks nothing here');
  return cropBox(marked, width, height, place.masks);
}
