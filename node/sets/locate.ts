/** Where the face is on a frame. The one place for a face detector to come in. */
import { cropBox } from '../../src/faces/crops.ts';
import { type FacePlace, faceBox } from '../../src/faces/place.ts';
import type { Box } from '../../src/image/pixels.ts';
import type { GreyImage, RgbImage } from '../../src/image/rgb.ts';
import { Dropped } from './clip.ts';
import { markedBox } from './mask.ts';

/**
 * By geometry; by what a forgery of the face altered: a square of that box's longer side times a
 * factor; or `marked`, by the box that came with it, as detection crops (`cropBox`).
 */
export type FramePlace = FacePlace | { masks: number } | 'marked';

/** Sides of crops below this hold too little of a face. */
const leastSide = 32;

/**
 * The face crop of a frame, in pixels.
 * @param known the face's box, for `marked`
 * @param mark where this face was altered, maybe in another forgery of it; a text says why it is not known
 * @throws Dropped where there is no face to be found, or too small a one
 */
export async function locateFace(
  image: RgbImage,
  place: FramePlace,
  mark: GreyImage | string | null,
  known?: Box,
): Promise<Box> {
  const box = byPlace(image, place, mark, known);
  if (Math.min(box[2], box[3]) < leastSide) {
    const size = `${Math.floor(box[2])} x ${Math.floor(box[3])}`;
    throw new Dropped(`its face crop has only ${size} pixels (${leastSide} is the least)`);
  }
  return box;
}

function byPlace(
  image: RgbImage,
  place: FramePlace,
  mark: GreyImage | string | null,
  known: Box | undefined,
): Box {
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
