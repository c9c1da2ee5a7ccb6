/** A video file written from pictures, through ffmpeg (Node only). */
import { renameSync, rmSync } from 'node:fs';
import { LlsmError, messageOf } from '../../src/base/errors.ts';
import type { RgbImage } from '../../src/image/rgb.ts';
import { PART } from '../system/write-file.ts';
import { type FedFfmpeg, feedFfmpeg } from './ffmpeg.ts';

/** The least frames a second that players show well. */
const leastRate = 12;
const mostRate = 60;

/** Seconds for which a picture is shown at most. */
const longest = 10;

/**
 * H.264 (libx264, 4:2:0) in MP4, without sound. Each picture is shown until the next one's time: it is
 * written as often as that takes at a constant rate. The file is written aside, and is there whole or
 * not at all.
 */
export class VideoWriter {
  readonly #aside: string;
  readonly #rate: number;
  #ffmpeg: FedFfmpeg | undefined;
  #last: { image: RgbImage; time: number } | undefined;

  /** @param rate pictures a second that will come */
  constructor(
    private readonly path: string,
    rate: number,
  ) {
    this.#aside = `${path}${PART}${process.pid}`;
    this.#rate = Math.min(mostRate, Math.max(leastRate, rate));
  }

  /**
   * @param image of the size of the first
   * @param time in seconds; after that of the picture before
   * @throws LlsmError naming the file, where ffmpeg fails
   */
  async add(image: RgbImage, time: number): Promise<void> {
    this.#ffmpeg ??= this.#start(image);
    await this.#show(time);
    this.#last = { image, time };
  }

  /** @throws LlsmError as `add`. @returns whether there is a file: without a picture there is none */
  async end(): Promise<boolean> {
    const ffmpeg = this.#ffmpeg;
    if (!ffmpeg || !this.#last) return false;
    try {
      await this.#show(this.#last.time + 1 / this.#rate);
      await ffmpeg.end();
      renameSync(this.#aside, this.path);
    } catch (error) {
      this.stop();
      if (error instanceof LlsmError) throw error;
      throw new LlsmError(`${this.path} cannot be written: ${messageOf(error)}`);
    }
    return true;
  }

  /** Leaves nothing behind. */
  stop(): void {
    this.#ffmpeg?.kill();
    rmSync(this.#aside, { force: true });
  }

  #start({ width, height }: RgbImage): FedFfmpeg {
    const raw = ['-f', 'rawvideo', '-pix_fmt', 'rgb24', '-video_size', `${width}x${height}`];
    // 4:2:0 needs even sides.
    const even = 'pad=ceil(iw/2)*2:ceil(ih/2)*2';
    const coder = ['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '20', '-pix_fmt', 'yuv420p'];
    const args = [
      ...['-y', ...raw, '-framerate', `${this.#rate}`, '-i', 'pipe:0', '-an', '-vf', even],
      ...[...coder, '-threads', '2', '-movflags', '+faststart', '-f', 'mp4', `file:${this.#aside}`],
    ];
    return feedFfmpeg(args, this.path);
  }

  /** Writes the last picture until a time. */
  async #show(until: number): Promise<void> {
    if (!this.#last) return;
    const { image, time } = this.#last;
    const till = Math.min(until, time + longest);
    const count = Math.round(till * this.#rate) - Math.round(time * this.#rate);
    const { buffer, byteOffset, byteLength } = image.data;
    const bytes = new Uint8Array(buffer, byteOffset, byteLength);
    for (let k = 0; k < count; k++) await this.#ffmpeg?.write(bytes);
  }
}
