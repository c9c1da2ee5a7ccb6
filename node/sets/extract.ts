/** Makes the faces of one clip: their pictures and masks as files, their lines for the manifest. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Face, FaceInput } from '../../src/faces/manifest.ts';
import { cutMirrored, type FaceFinder } from '../../src/faces/place.ts';
import type { Box } from '../../src/image/pixels.ts';
import { resize } from '../../src/image/resample.ts';
import type { GreyImage, RgbImage } from '../../src/image/rgb.ts';
import { encodePng } from '../files/image.ts';
import { writeFileWhole } from '../system/write-file.ts';
import { type Clip, type Drop, Dropped } from './clip.ts';
import { type Frame, type FrameOptions, framesOf } from './frames.ts';
import { locateFace } from './locate.ts';
import { cropMask } from './mask.ts';

export interface ExtractOptions extends FrameOptions {
  /** The data set's folder. */
  out: string;
  /** Side of the crops that are written, in pixels. */
  size: number;
  /** The finder for `faces: 'auto'`. */
  finder?: FaceFinder;
  /** A forged face whose mask cannot be used is left out, rather than kept without it. */
  needMasks: boolean;
}

/** What came of a clip: faces whose files are in place, and what was left out. */
export interface ClipResult {
  faces: FaceInput[];
  dropped: Drop[];
}

interface CutFace {
  image: RgbImage;
  mask: GreyImage | null;
  landmarks: Face['landmarks'];
  /** Side of the crop on its picture, in pixels. */
  side: number;
  /** Why it has no mask though there should be one. */
  withoutMask?: string;
}

/**
 * Makes the faces of a clip. Bad input becomes an entry of `dropped`; where a video is damaged,
 * nothing of it is kept, since what is left would not be spread over all of it.
 * @throws LlsmError where the files cannot be written
 */
export async function extractClip(clip: Clip, options: ExtractOptions): Promise<ClipResult> {
  const faces: FaceInput[] = [];
  const dropped: Drop[] = [];
  const written: string[] = [];
  const many = !('pictures' in clip.source) || clip.source.pictures.length > 1;
  const drop = (frame: number, reason: string, part?: Drop['part']) =>
    dropped.push({ file: clip.name, ...(many && { frame }), ...(part && { part }), reason });
  const write = (folder: string, name: string, image: RgbImage | GreyImage): string => {
    const path = `${folder}/${name}.png`;
    written.push(join(options.out, path));
    writeFileWhole(join(options.out, path), [encodePng(image)]);
    return path;
  };
  try {
    for await (const item of framesOf(clip, options)) {
      if ('lost' in item) {
        drop(item.frame, item.lost);
        continue;
      }
      const { name, frame } = item;
      let cut: CutFace;
      try {
        cut = await cutFace(item, clip.face.label, options);
      } catch (error) {
        if (!(error instanceof Dropped)) throw error;
        drop(frame, error.message);
        continue;
      }
      if (cut.withoutMask !== undefined) drop(frame, cut.withoutMask, 'mask');
      const image = write('images', name, cut.image);
      const mask = cut.mask && write('masks', name, cut.mask);
      faces.push({ image, mask, frame, landmarks: cut.landmarks, side: cut.side, ...clip.face });
    }
  } catch (error) {
    if (!(error instanceof Dropped)) throw error;
    for (const path of written) rmSync(path, { force: true });
    return { faces: [], dropped: [{ file: clip.name, reason: error.message }] };
  }
  return { faces, dropped };
}

/** @throws Dropped where the face cannot be used */
async function cutFace(
  frame: Frame,
  label: 0 | 1,
  { size, faces, needMasks, finder }: ExtractOptions,
): Promise<CutFace> {
  const { box: place, landmarks: found } = await locateFace(frame, faces, finder);
  const { image, mask } = frame;
  const usable = label === 0 ? null : usableMask(mask, image);
  if (typeof usable === 'string' && needMasks) throw new Dropped(usable);
  const [picture, box] = insideOf(image, place);
  const cut: CutFace = {
    image: resize(picture, size, size, box),
    mask: null,
    landmarks: intoCrop(frame.landmarks ?? found ?? null, place, size),
    side: Math.round(Math.max(place[2], place[3])),
  };
  if (typeof usable === 'string') return { ...cut, withoutMask: usable };
  if (usable) {
    cut.mask = cropMask(insideOf(usable, place)[0], box, size);
    // A forged label on a face that nothing was done to would teach the opposite.
    if (!cut.mask) throw new Dropped('its mask marks nothing in the face crop');
  }
  return cut;
}

/** A picture that a box lies inside of, mirrored at the border where it must be, and the box on it. */
function insideOf<T extends RgbImage | GreyImage>(picture: T, box: Box): [T, Box] {
  const [x, y, w, h] = box;
  if (x >= 0 && y >= 0 && x + w <= picture.width && y + h <= picture.height) return [picture, box];
  return [cutMirrored(picture, box), [0, 0, w, h]];
}

function usableMask(mask: Frame['mask'], image: RgbImage): GreyImage | string | null {
  if (mask === null || typeof mask === 'string') return mask;
  const [ofMask, ofImage] = [mask, image].map(({ width, height }) => `${width} x ${height}`);
  return ofMask === ofImage ? mask : `its mask is ${ofMask}, the picture ${ofImage}`;
}

function intoCrop(landmarks: Face['landmarks'], [x, y, w, h]: Box, size: number) {
  const moved = landmarks?.map(([px, py]) => [((px - x) * size) / w, ((py - y) * size) / h]);
  return (moved as Face['landmarks']) ?? null;
}
