/** Every Nth frame of a video file with its time, decoded ahead of whoever looks at them (Node only). */
import { availableParallelism } from 'node:os';
import { askAhead } from '../../src/base/ahead.ts';
import { LlsmError } from '../../src/base/errors.ts';
import type { TimedFrame } from '../../src/detect/video.ts';
import { openVideo, streamFfmpeg } from './ffmpeg.ts';
import { decodeFrames } from './video.ts';

/** What a video's file says of its frames, before one is decoded. */
export interface VideoTiming {
  /** Seconds from the first frame at which each is shown, in order. */
  times: number[];
  /** Frames a second, on average. */
  rate: number;
  /** The reason to think that the file goes on behind the last of them, had it not been cut short. */
  cutShort?: string;
}

/** What demuxers say of a file that ends too early. */
const endsEarly = /partial file|ended prematurely/i;

/** Seconds that ffmpeg may take for what is waited for. */
const patience = 120;

const mostBytes = 2 ** 27;

/**
 * The times of the frames that decoding the first video stream gives, from its packets: those that an
 * edit list leaves out are none. Where a file breaks off, of those before.
 * @throws LlsmError naming the file, where it cannot be opened or is no video, has no video stream, or
 *   that holds no frames
 */
export async function readTiming(path: string): Promise<VideoTiming> {
  const entries = 'packet=pts_time,dts_time,flags:stream=avg_frame_rate:format=duration';
  const asked = ['-select_streams', 'V:0', '-show_entries', entries, '-of', 'compact'];
  const chunks: Buffer[] = [];
  let [bytes, early] = [0, false];
  let failure: LlsmError | undefined;
  try {
    const onSaid = (text: string) => {
      early ||= endsEarly.test(text);
    };
    const how = { seconds: patience, anew: true, onSaid };
    for await (const chunk of streamFfmpeg('ffprobe', [...asked, ...openVideo(path)], path, how)) {
      bytes += chunk.length;
      if (bytes > mostBytes) throw new LlsmError(`${path} has too many frames`);
      chunks.push(chunk);
    }
  } catch (error) {
    if (!(error instanceof LlsmError)) throw error;
    failure = error;
  }
  const lines = Buffer.concat(chunks).toString().split('\n');
  const field = (line: string, name: string): string | undefined =>
    new RegExp(`\\|${name}=([^|]*)`).exec(line)?.[1];
  const stream = lines.find((line) => line.startsWith('stream|'));
  const packets = lines.filter((line) => line.startsWith('packet|'));
  const shown = packets.filter((line) => !field(line, 'flags')?.includes('D'));
  if (shown.length === 0) {
    if (failure) throw failure;
    throw new LlsmError(
      stream === undefined
        ? `${path} has no video stream, or is cut short before its first frame`
        : `${path}: its video stream holds no frames`,
    );
  }
  const [over, under] = (field(stream ?? '', 'avg_frame_rate') ?? '').split('/').map(Number);
  const known = over > 0 && under > 0 ? over / under : undefined;
  const said = shown
    .map((line) => Number(field(line, 'pts_time') ?? field(line, 'dts_time')))
    .sort((a, b) => a - b);
  const whole = Number(field(lines.find((line) => line.startsWith('format|')) ?? '', 'duration'));
  const cutShort = failure
    ? failure.message
    : early
      ? `${path} is cut short${whole > 0 ? `: it should last ${whole.toFixed(1)} s` : ''}`
      : undefined;
  if (said.every(Number.isFinite)) {
    const times = said.map((time) => time - said[0]);
    const last = times[times.length - 1];
    const rate = known ?? (last > 0 ? (times.length - 1) / last : 25);
    return { times, rate, cutShort };
  }
  const rate = known ?? 25;
  return { times: said.map((_, k) => k / rate), rate, cutShort };
}

export interface EveryOptions {
  /** One of how many frames is taken; the first is. */
  every: number;
  /** Frames that are taken at most. */
  most: number;
}

/** Frames that are decoded before they are asked for. */
const decodedAhead = 2;

/**
 * Frames 0, N, 2N, ... in their order, turned as the file says. They are decoded by another process
 * while the caller works, two ahead.
 * @throws LlsmError in the place of a frame that is damaged or missing, which says where
 */
export function everyNth(
  path: string,
  { times, rate, cutShort }: VideoTiming,
  { every, most }: EveryOptions,
): AsyncGenerator<TimedFrame, void, undefined> {
  const wanted = Math.min(most, Math.ceil(times.length / every));
  async function* decode(): AsyncGenerator<TimedFrame, void, undefined> {
    let given = 0;
    const at = (n: number): TimedFrame | Pick<TimedFrame, 'frame' | 'time'> => {
      const frame = n * every;
      return { frame, time: times[frame] ?? (times[times.length - 1] ?? 0) + 1 / rate };
    };
    try {
      const threads = Math.min(4, availableParallelism());
      const how = { most: wanted, threads, seconds: patience, anew: true };
      for await (const image of decodeFrames(path, 'rgb', `not(mod(n,${every}))`, how)) {
        yield { ...at(given++), image };
      }
    } catch (error) {
      if (!(error instanceof LlsmError) || given === 0) throw error;
      const { frame, time } = at(given - 1);
      throw new LlsmError(
        `${error.message}; what was found up to frame ${frame} (${time.toFixed(2)} s) stays`,
      );
    }
    if (given === 0) {
      throw new LlsmError(`${path}: none of its ${times.length} frames can be decoded`);
    }
    const stays = `what was found up to ${at(given - 1).time.toFixed(2)} s stays`;
    if (given < wanted) {
      throw new LlsmError(
        `${path} ends before frame ${given * every}, though it names ${times.length}; ${stays}`,
      );
    }
    if (cutShort !== undefined && wanted < most) throw new LlsmError(`${cutShort}; ${stays}`);
  }
  return askAhead(decode(), decodedAhead);
}
