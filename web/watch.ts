/** A video in the engine's worker: its frames, what is said of them, and the one that scores highest. */
import type { Detector } from '../src/detect/detector.ts';
import type { FaceVerdict, VideoFinding } from '../src/detect/finding.ts';
import { sha256Of } from '../src/detect/host.ts';
import { examineVideo, type SeenFrame } from '../src/detect/video.ts';
import type { Box } from '../src/image/pixels.ts';
import type { RgbImage } from '../src/image/rgb.ts';
import type { Asked } from './answer.ts';
import { bitmapOf } from './bitmap.ts';
import { openFrames } from './frames.ts';

/** A larger file is not read as a whole, so it gets no SHA-256. */
const mostDigested = 2 ** 28;

/** A frame that the page draws. */
export interface ShownFrame {
  image: ImageBitmap;
  /** Of the frame itself, in pixels: the image may be smaller. */
  width: number;
  frame: number;
  time: number;
  faces: { box: Box | null; track: number; probability: number | null; verdict: FaceVerdict }[];
}

/** What the page asks. */
export interface WatchAsked {
  file: File;
  /** One frame in so many is looked at. */
  every: number;
  /** Frames that are looked at, at most. */
  most: number;
}

export interface WatchProgress {
  /** Frames that were looked at, and the time of the last in seconds. */
  looked: number;
  time: number;
  /** Part of the work that is done, from 0 to 1; undefined where it is not known. */
  part?: number;
}

export type ToldOfVideo = { progress: WatchProgress } | { worst: ShownFrame };

export interface Watched {
  finding: VideoFinding;
  /** Whether the video goes on behind the last of the most frames. */
  more: boolean;
}

/**
 * Looks at a video, and tells how far it is and of the frame with the highest score until then.
 * @throws LlsmError where the file cannot be opened or the GPU failed; the signal's reason where it is
 *   aborted
 */
export async function watch(
  detector: Detector,
  { file, every, most }: WatchAsked,
  { signal, tell }: Asked,
): Promise<Watched> {
  const { name } = file;
  const video = await openFrames(file, name, { every, most, signal });
  try {
    const sha256 =
      file.size <= mostDigested ? await sha256Of(new Uint8Array(await file.arrayBuffer())) : null;
    const { seconds } = video;
    let [looked, highest] = [0, -1];
    const finding = await detector.inTurn((examiner) =>
      examineVideo<RgbImage>(examiner, video.frames, {
        ...{ file: name, sha256, keep: (image) => image },
        async onFrame(seen) {
          const { time, probability, frame, picture } = seen;
          looked++;
          const part = seconds ? Math.min(1, Math.max(time / seconds, looked / most)) : undefined;
          tell({ progress: { looked, time, part } });
          // The first frame is shown until a face has a score.
          if (looked > 1 && (probability ?? -1) <= highest) return;
          highest = probability ?? -1;
          const image = await bitmapOf(picture);
          const worst = { image, width: picture.width, frame, time, faces: facesOf(seen) };
          tell({ worst }, [image]);
        },
      }),
    );
    return { finding, more: video.more() };
  } finally {
    video.close();
  }
}

const facesOf = ({ seen }: SeenFrame<unknown>): ShownFrame['faces'] =>
  seen.map(({ finding: { box, track, probability, verdict } }) => ({
    ...{ box, track, probability, verdict },
  }));
