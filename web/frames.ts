/** Every Nth frame of a video file: taken apart by mediabunny, decoded by the browser. Runs in a worker. */
import {
  BlobSource,
  Input,
  type InputVideoTrack,
  Logging,
  LogLevel,
  MATROSKA,
  MP4,
  QTFF,
  UnsupportedInputFormatError,
  type VideoSample,
  VideoSampleSink,
  WEBM,
} from 'mediabunny';
import { LlsmError } from '../src/base/errors.ts';
import type { TimedFrame } from '../src/detect/video.ts';
import type { RgbImage } from '../src/image/rgb.ts';
import { rgbOf } from './pixels.ts';

export interface FrameOptions {
  /** One of how many frames is taken; the first is. */
  every: number;
  /** Frames that are taken at most. */
  most: number;
  signal: AbortSignal;
}

/** A video that can be decoded. */
export interface OpenedVideo {
  /** Seconds that it lasts, as its file says; null where it says nothing. */
  seconds: number | null;
  /** Frames 0, N, 2N, ... in their order, turned as the file says. */
  frames: AsyncGenerator<TimedFrame, void, undefined>;
  /** Whether there were frames to take behind the last; known when the frames are at their end. */
  more(): boolean;
  close(): void;
}

// What is wrong with a file is told to people.
Logging.level = LogLevel.Errors;

/** A file that ends so much earlier than it says, in seconds, is cut short. */
const early = 0.5;

/** Names of codecs as people know them. */
const codecNames: Record<string, string> = {
  ...{ avc: 'H.264', hevc: 'H.265 (HEVC)', vp8: 'VP8', vp9: 'VP9', av1: 'AV1' },
};

/**
 * Opens a video: MP4, MOV, WebM or Matroska.
 * @throws LlsmError naming it, where it is none of these, has no video stream, or this browser does not
 *   know its codec
 */
export async function openFrames(
  file: Blob,
  name: string,
  options: FrameOptions,
): Promise<OpenedVideo> {
  if (typeof VideoDecoder === 'undefined') {
    throw new LlsmError(
      'This browser cannot decode videos for a page (it has no WebCodecs). Chrome and Edge can, Safari from 16.4, Firefox from 130.',
    );
  }
  const input = new Input({
    source: new BlobSource(file),
    formats: [MP4, QTFF, WEBM, MATROSKA],
  });
  try {
    const track = await videoOf(input, name);
    const seconds = await track.getDurationFromMetadata();
    let more = false;
    const frames = framesOf(track, name, options, () => {
      more = true;
    });
    return { seconds, frames, more: () => more, close: () => input.dispose() };
  } catch (error) {
    input.dispose();
    throw error;
  }
}

/** The video stream of a file, which this browser can decode. */
async function videoOf(input: Input, name: string): Promise<InputVideoTrack> {
  let track: InputVideoTrack | null;
  try {
    track = await input.getPrimaryVideoTrack();
  } catch (error) {
    if (error instanceof UnsupportedInputFormatError) {
      throw new LlsmError(`${name} is not a video that this page knows: MP4, MOV, WebM or MKV`);
    }
    throw new LlsmError(`${name} is damaged: ${(error as Error).message}`);
  }
  if (!track) {
    throw new LlsmError(`${name} has no video stream, or is cut short before what tells of it`);
  }
  if (await track.canDecode()) return track;
  const codec = await track.getCodec();
  const what = codec
    ? `is coded as ${codecNames[codec] ?? codec}, which`
    : 'is coded in a way that';
  throw new LlsmError(
    `${name} ${what} this browser cannot decode. Try another browser, or make a WebM or H.264 file of it.`,
  );
}

async function* framesOf(
  track: InputVideoTrack,
  name: string,
  { every, most, signal }: FrameOptions,
  onMore: () => void,
): AsyncGenerator<TimedFrame, void, undefined> {
  let [number, given] = [0, 0];
  let [first, last, end] = [0, 0, 0];
  const stays = () =>
    given > 0 ? `; what was found up to ${last.toFixed(2)} s stays` : ' before its first frame';
  // From 0: what an edit list cuts off lies before.
  const samples = new VideoSampleSink(track).samples(0);
  try {
    for (;;) {
      signal.throwIfAborted();
      const { value: sample } = await decoded(samples, `${name} is damaged`, stays);
      if (!sample) break;
      if (number === 0) first = sample.timestamp;
      const time = sample.timestamp - first;
      end = Math.max(end, sample.timestamp + sample.duration);
      const frame = number++;
      const wanted = frame % every === 0;
      if (wanted && given === most) {
        sample.close();
        onMore();
        return;
      }
      if (!wanted) {
        sample.close();
        continue;
      }
      const image = pixelsOf(sample);
      [given, last] = [given + 1, time];
      yield { frame, time, image };
    }
  } finally {
    await samples.return();
  }
  const whole = (await track.getDurationFromMetadata()) ?? 0;
  if (whole - Math.max(end, await soundEnd(track)) > early) {
    throw new LlsmError(
      `${name} is cut short: it should last ${whole.toFixed(1)} s, and ends at ${end.toFixed(1)} s${given > 0 ? stays() : ''}`,
    );
  }
}

/** The next frame, or an error that says that the file is damaged. */
async function decoded(
  samples: AsyncGenerator<VideoSample, void, unknown>,
  what: string,
  stays: () => string,
): Promise<{ value: VideoSample | undefined }> {
  try {
    const { value } = await samples.next();
    return { value: value ?? undefined };
  } catch (error) {
    throw new LlsmError(`${what}: ${(error as Error).message}${stays()}`);
  }
}

/** When the sound ends: a Matroska file tells one length for all of its streams. */
async function soundEnd(track: InputVideoTrack): Promise<number> {
  const format = await track.input.getFormat();
  if (format !== WEBM && format !== MATROSKA) return 0;
  const sounds = await track.input.getAudioTracks();
  return Math.max(0, ...(await Promise.all(sounds.map((sound) => sound.computeDuration()))));
}

let canvas: OffscreenCanvas | undefined;

/** A frame's pixels, upright; closes it. */
function pixelsOf(sample: VideoSample): RgbImage {
  const { displayWidth: width, displayHeight: height } = sample;
  if (canvas?.width !== width || canvas.height !== height)
    canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (!context) throw new LlsmError('This browser gives no canvas to draw frames on');
  sample.draw(context, 0, 0, width, height);
  sample.close();
  return rgbOf(context, width, height);
}
