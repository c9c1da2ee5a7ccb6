/** The frames of a clip that are taken, with what is known of each, one at a time. */
import { LlsmError } from '../../src/base/errors.ts';
import type { Face } from '../../src/faces/manifest.ts';
import type { FacePlace } from '../../src/faces/place.ts';
import type { Box } from '../../src/image/pixels.ts';
import type { GreyImage, RgbImage } from '../../src/image/rgb.ts';
import { readBytes, readImage, readMask } from '../files/image.ts';
import { countFrames, pickFrames, readFrames, type VideoFrame } from '../files/video.ts';
import { type Clip, Dropped, type Picture, pictureName } from './clip.ts';
import { readLandmarks } from './landmarks.ts';
import { greyValues, threshold } from './mask.ts';

/**
 * By geometry; by what a forgery of the face altered: a square of that box's longer side times a
 * factor; `marked`, by the box that came with it, as detection crops (`cropBox`); or `auto`, by a
 * finder, as FaceForensics++ crops: 1.3 times the longer side, mirrored at the picture's border.
 */
export type FramePlace = FacePlace | { masks: number } | 'marked' | 'auto';

export interface FrameOptions {
  faces: FramePlace;
  /** Frames of a video, spread evenly over all of it; a clip of pictures has those that are wanted. */
  frames: number;
  /** Masks were compressed: grey above this is altered. null: masks are pictures without loss, taken as they are. */
  maskThreshold: number | null;
}

export interface Frame {
  name: string;
  frame: number;
  image: RgbImage;
  /** null: there is none; a text says why it cannot be used. */
  mask: GreyImage | string | null;
  /** Likewise, what says where the face is. */
  mark: GreyImage | string | null;
  landmarks: Face['landmarks'];
  /** Where the face is known to be. */
  box?: Box;
  /** The same frame of the video that this one was made from. */
  original?: RgbImage;
}

/** A frame that could not be had. */
export interface LostFrame {
  frame: number;
  lost: string;
}

/**
 * The frames of a clip in their order.
 * @throws Dropped where nothing of the clip can be used
 */
export function framesOf(clip: Clip, options: FrameOptions): AsyncGenerator<Frame | LostFrame> {
  const { source } = clip;
  return 'pictures' in source
    ? framesOfPictures(source.pictures, options)
    : framesOfVideo(clip.face.video, source, options);
}

/** Bad input speaks for itself; anything else is no fault of the data. */
function reasonOf(error: unknown): string {
  if (error instanceof LlsmError || error instanceof Dropped) return error.message;
  throw error;
}

async function* framesOfPictures(
  pictures: Picture[],
  { maskThreshold }: FrameOptions,
): AsyncGenerator<Frame | LostFrame> {
  for (const { path, name, frame, mask, landmarks, box } of pictures) {
    try {
      const image = await readImage(path);
      const points =
        typeof landmarks === 'string'
          ? readLandmarks(await readBytes(landmarks), landmarks, image)
          : landmarks;
      yield {
        ...{ name, frame, image, mark: null, box, landmarks: points },
        mask: mask && (await pictureMask(mask, maskThreshold)),
      };
    } catch (error) {
      yield { frame, lost: reasonOf(error) };
    }
  }
}

async function pictureMask(path: string, level: number | null): Promise<GreyImage | string> {
  try {
    if (level === null) return await readMask(path);
    return threshold(greyValues(await readImage(path)), level);
  } catch (error) {
    return reasonOf(error);
  }
}

async function* framesOfVideo(
  name: string,
  { video, mask, mark, original }: Extract<Clip['source'], { video: string }>,
  { faces, frames, maskThreshold }: FrameOptions,
): AsyncGenerator<Frame | LostFrame> {
  let taken = 0;
  let total = 0;
  const opened: MaskVideo[] = [];
  let origin: AsyncGenerator<VideoFrame, void> | undefined;
  const open = (path: string): MaskVideo => {
    const masks = new MaskVideo(path, total, frames, maskThreshold ?? 0);
    opened.push(masks);
    return masks;
  };
  try {
    total = await countFrames(video);
    if (total === 0) throw new Dropped('it holds no frames');
    const byMask = faces === 'auto' || (typeof faces === 'object' && 'masks' in faces);
    const marking = byMask && mark !== null;
    if (faces === 'auto' && original !== null) {
      origin = readFrames(original, 'rgb', total, frames);
    }
    const masks = mask === null ? null : open(mask);
    const marks = !marking ? null : mark === mask ? masks : open(mark);
    for await (const { index, ...image } of readFrames(video, 'rgb', total, frames)) {
      const known = (await masks?.next(index)) ?? null;
      const place = marks === masks ? known : ((await marks?.next(index)) ?? null);
      taken++;
      const frame = { name: pictureName(name, index), frame: index, image };
      const from = origin && (await originalOf(origin, index, image));
      yield { ...frame, mask: known, mark: marking ? place : null, landmarks: null, ...from };
    }
  } catch (error) {
    throw new Dropped(reasonOf(error));
  } finally {
    for (const masks of opened) await masks.close();
    await origin?.return();
  }
  for (const frame of pickFrames(total, frames).slice(taken)) {
    yield { frame, lost: `the video ends before this frame, though it names ${total}` };
  }
}

/**
 * The same frame of the original.
 * @throws Dropped where it is not there, or has another size
 */
async function originalOf(
  frames: AsyncGenerator<VideoFrame, void>,
  index: number,
  { width, height }: RgbImage,
): Promise<{ original: RgbImage }> {
  const { value } = await frames.next();
  if (!value || value.index !== index) {
    throw new Dropped(`its original, in which its face is looked for, ends before frame ${index}`);
  }
  if (value.width !== width || value.height !== height) {
    throw new Dropped(
      `its original, in which its face is looked for, has ${value.width} x ${value.height} pixels, it ${width} x ${height}`,
    );
  }
  return { original: value };
}

/** A mask video, read beside the video that it belongs to. */
class MaskVideo {
  readonly #frames: AsyncGenerator<VideoFrame, void>;
  readonly #level: number;
  #trouble: string | undefined;

  constructor(path: string, total: number, frames: number, level: number) {
    this.#frames = readFrames(path, 'grey', total, frames);
    this.#level = level;
  }

  /** The next frame that was picked; a text where it ended before, or cannot be read. */
  async next(index: number): Promise<GreyImage | string> {
    if (this.#trouble !== undefined) return this.#trouble;
    try {
      const { value } = await this.#frames.next();
      if (value) return threshold(value, this.#level);
      this.#trouble = `the mask video ends before frame ${index}`;
    } catch (error) {
      this.#trouble = reasonOf(error);
    }
    return this.#trouble;
  }

  async close(): Promise<void> {
    await this.#frames.return();
  }
}
