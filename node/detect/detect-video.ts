/** The examiner on a video file: its finding, and its pictures where they are wanted (Node only). */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { LlsmError, messageOf } from '../../src/base/errors.ts';
import { annotate } from '../../src/detect/annotate.ts';
import type { Examiner } from '../../src/detect/examiner.ts';
import type { VideoFinding } from '../../src/detect/finding.ts';
import { reduced } from '../../src/detect/pictures.ts';
import type { VideoRule } from '../../src/detect/pooling.ts';
import { timelinePlot } from '../../src/detect/timeline.ts';
import { examineVideo, type SeenFrame } from '../../src/detect/video.ts';
import { everyNth, readTiming, type VideoTiming } from '../files/timed-frames.ts';
import { VideoWriter } from '../files/video-writer.ts';
import '../files/drawing.ts';
import { writeFileWhole } from '../system/write-file.ts';
import type { Source } from './sources.ts';

export interface LookOptions {
  /** One of how many frames is looked at, and how many at most. */
  every: number;
  most: number;
  rule: VideoRule;
  /** A folder for the timeline and the annotated video; it is there. */
  out?: string;
  /** Told how many frames will be looked at, before the first. */
  onStart?: (frames: number) => void;
  /** Told after each frame. */
  onFrame?: (done: number) => void;
  /** Told of what could not be written. */
  onNote?: (text: string) => void;
}

/** The longer side of an annotated video, at most. */
const longestSide = 1920;

/**
 * Looks at a video. What is wrong with it is told in the finding; what was found before stays.
 * @throws LlsmError where the GPU failed, or the timeline cannot be written
 */
export async function lookAtVideo(
  examiner: Examiner,
  source: Source,
  options: LookOptions,
): Promise<VideoFinding> {
  const { path } = source;
  let sha256: string | null = null;
  let timing: VideoTiming;
  try {
    sha256 = await hashOf(path);
    timing = await readTiming(path);
  } catch (error) {
    if (!(error instanceof LlsmError)) throw error;
    return nothing(path, sha256, error.message, options.rule);
  }
  const { every, most, out, rule } = options;
  options.onStart?.(Math.min(most, Math.ceil(timing.times.length / every)));
  const drawing =
    out === undefined ? undefined : new Drawing(examiner, source, out, timing, options);
  let done = 0;
  try {
    const finding = await examineVideo<RgbOrNothing>(examiner, everyNth(path, timing, options), {
      ...{ file: path, sha256, rule },
      keep: (image) => (drawing ? reduced(image, longestSide) : undefined),
      async onFrame(frame) {
        await drawing?.add(frame);
        options.onFrame?.(++done);
      },
    });
    return (await drawing?.finish(finding)) ?? finding;
  } finally {
    drawing?.stop();
  }
}

type RgbOrNothing = ReturnType<typeof reduced> | undefined;

/** The timeline and the annotated video of one file. */
class Drawing {
  readonly #video: string;
  #writer: VideoWriter | undefined;

  constructor(
    private readonly examiner: Examiner,
    private readonly source: Source,
    private readonly out: string,
    { rate }: VideoTiming,
    private readonly options: LookOptions,
  ) {
    this.#video = `${source.stem}.annotated.mp4`;
    this.#writer = new VideoWriter(join(out, this.#video), rate / options.every);
  }

  async add({ picture, ...frame }: SeenFrame<RgbOrNothing>): Promise<void> {
    if (!picture) return;
    const { threshold, detector } = this.examiner;
    await this.#written(async (writer) => {
      const drawn = await annotate({ ...frame, picture }, { size: detector.size, threshold });
      await writer.add(drawn, frame.time);
    });
  }

  async finish(finding: VideoFinding): Promise<VideoFinding> {
    if (finding.frames.length === 0) return finding;
    const { threshold } = this.examiner;
    const from = performance.now();
    const video = await this.#written((writer) => writer.end());
    const timeline = `${this.source.stem}.timeline.svg`;
    const title = this.source.path.split(/[\\/]/).at(-1) ?? '';
    const plot = timelinePlot(finding, { title, threshold });
    writeFileWhole(join(this.out, timeline), [plot]);
    const seconds = (performance.now() - from) / 1000;
    const { times } = finding;
    return {
      ...finding,
      times: { ...times, total: times.total + seconds, write: times.write + seconds },
      pictures: { timeline, ...(video && { video: this.#video }) },
    };
  }

  stop(): void {
    this.#writer?.stop();
  }

  /** A video that cannot be written is told of, and does not end the work. */
  async #written<T>(work: (writer: VideoWriter) => Promise<T>): Promise<T | undefined> {
    if (!this.#writer) return undefined;
    try {
      return await work(this.#writer);
    } catch (error) {
      if (!(error instanceof LlsmError)) throw error;
      this.stop();
      this.#writer = undefined;
      this.options.onNote?.(`the annotated video is left out: ${error.message}`);
      return undefined;
    }
  }
}

function nothing(
  file: string,
  sha256: string | null,
  message: string,
  videoScore: VideoRule,
): VideoFinding {
  return {
    ...{ file, sha256, kind: 'video', faces: [], frames: [], tracks: [], probability: null },
    ...{ verdict: null, videoScore, error: { message } },
    times: { total: 0, decode: 0, find: 0, prepare: 0, network: 0, write: 0 },
  };
}

/** SHA-256 of a file that may be too large to be held. */
async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new LlsmError(
      missing
        ? `${path} does not exist. Check the name.`
        : `${path} cannot be read: ${messageOf(error)}`,
    );
  }
  return hash.digest('hex');
}
