/** Frames of video files, through ffmpeg (Node only). */
import { LlsmError } from '../../src/base/errors.ts';
import { openVideo, runFfmpeg, type StreamOptions, streamFfmpeg } from './ffmpeg.ts';

/** A decoded frame: [height, width, channels], 8 bit. */
export interface VideoFrame {
  /** Index of the frame in the video, from 0. */
  index: number;
  width: number;
  height: number;
  data: Uint8ClampedArray;
}

/** Seconds for a video's beginning and its reading through, and for each frame that is taken. */
const [secondsForVideo, secondsForFrame] = [600, 1];

/**
 * How many frames decoding the first video stream gives: its packets, but for those that an edit
 * list leaves out. Times play no part, so a variable rate makes no difference. 0 where there is no
 * video stream.
 * @throws LlsmError as `streamFfmpeg`
 */
export async function countFrames(path: string): Promise<number> {
  const asked = ['-select_streams', 'V:0', '-show_entries', 'packet=flags', '-of', 'csv=p=0'];
  const listed = await runFfmpeg('ffprobe', [...asked, ...openVideo(path)], path, {
    seconds: secondsForVideo,
    mostBytes: 2 ** 26,
  });
  const flags = listed.toString().split('\n');
  return flags.filter((line) => line.trim() !== '' && !line.includes('D')).length;
}

/**
 * Frames spread evenly over a whole video, the first and the last among them: DeepfakeBench's
 * linspace(0, total - 1, wanted), cut to whole numbers. All where fewer are there; the middle one
 * where one is wanted.
 */
export function pickFrames(total: number, wanted: number): number[] {
  if (wanted >= total) return Array.from({ length: total }, (_, k) => k);
  if (wanted === 1) return [Math.floor((total - 1) / 2)];
  return Array.from({ length: wanted }, (_, i) => Math.floor((i * (total - 1)) / (wanted - 1)));
}

/** Expression for ffmpeg, true for the picked frames' numbers n: no list, since that may be long. */
function pickExpression(total: number, wanted: number): string {
  const [parts, last] = [wanted - 1, total - 1];
  if (wanted >= total) return `lte(n,${last})`;
  if (wanted === 1) return `eq(n,${Math.floor(last / 2)})`;
  return `lte(n,${last})*eq(floor(ceil(n*${parts}/${last})*${last}/${parts}),n)`;
}

/**
 * The frames of `pickFrames` in their order, turned as the file says, in RGB or as grey. A video
 * that ends early gives fewer.
 * @param total frames that the places are spread over
 * @throws LlsmError as `streamFfmpeg`; also where a frame is damaged: none is given that ffmpeg has patched
 */
export async function* readFrames(
  path: string,
  colour: 'rgb' | 'grey',
  total: number,
  wanted: number,
): AsyncGenerator<VideoFrame, void, undefined> {
  const picks = pickFrames(total, wanted);
  const decoded = decodeFrames(path, colour, pickExpression(total, wanted), {
    seconds: secondsForVideo + picks.length * secondsForFrame,
  });
  let given = 0;
  for await (const picture of decoded) {
    if (given === picks.length) throw new LlsmError(`${path}: ffmpeg gave more frames than asked`);
    yield { index: picks[given++], ...picture };
  }
}

export interface DecodeOptions extends StreamOptions {
  /** Frames after which ffmpeg stops reading (default: none). */
  most?: number;
  /** Threads that decode (default 1). */
  threads?: number;
}

/**
 * The frames for whose numbers n an expression of ffmpeg's is true, turned as the file says.
 * @throws LlsmError as `readFrames`
 */
export async function* decodeFrames(
  path: string,
  colour: 'rgb' | 'grey',
  expression: string,
  { most, threads = 1, ...options }: DecodeOptions = {},
): AsyncGenerator<Omit<VideoFrame, 'index'>, void, undefined> {
  const [format, coder] = { rgb: ['rgb24', 'ppm'], grey: ['gray', 'pgm'] }[colour];
  const filters = [
    `select='${expression}'`,
    // Numbered anew at the rate that is written, or frames would be left out or doubled to keep time.
    'settb=1/25',
    'setpts=N',
    // Each pixel takes the colour of its own block of 2 x 2, as browsers and OpenCV have it.
    'scale=flags=neighbor+accurate_rnd+full_chroma_int+bitexact',
    `format=${format}`,
  ];
  const written = streamFfmpeg(
    'ffmpeg',
    [
      ...['-xerror', '-threads', `${threads}`, '-filter_threads', '1', ...openVideo(path)],
      ...['-map', '0:V:0', '-vf', filters.join(','), '-r', '25', '-threads', '1'],
      ...(most === undefined ? [] : ['-frames:v', `${most}`]),
      ...['-c:v', coder, '-f', 'image2pipe', 'pipe:1'],
    ],
    path,
    options,
  );
  yield* parseNetpbm(written, path);
}

/** Pictures of binary PGM and PPM files (P5, P6; 8 bit), one after the other. */
async function* parseNetpbm(
  chunks: AsyncIterable<Buffer>,
  path: string,
): AsyncGenerator<Omit<VideoFrame, 'index'>, void, undefined> {
  let head = '';
  let picture: Omit<VideoFrame, 'index'> | undefined;
  let filled = 0;
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; ) {
      if (!picture) {
        head += String.fromCharCode(chunk[at++]);
        const [, kind, width, height] = /^P([56])\n(\d+) (\d+)\n255\n$/.exec(head) ?? [];
        if (kind) {
          const size = Number(width) * Number(height) * (kind === '6' ? 3 : 1);
          const data = new Uint8ClampedArray(size);
          picture = { width: Number(width), height: Number(height), data };
          filled = 0;
        } else if (head.length > 32) {
          throw new LlsmError(`${path}: ffmpeg wrote ${JSON.stringify(head)} for a picture`);
        }
        continue;
      }
      const part = chunk.subarray(at, at + picture.data.length - filled);
      picture.data.set(part, filled);
      filled += part.length;
      at += part.length;
      if (filled === picture.data.length) {
        yield picture;
        picture = undefined;
        head = '';
      }
    }
  }
  if (picture || head) throw new LlsmError(`${path}: ffmpeg ended inside a picture`);
}
