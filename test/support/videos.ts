/** Videos for tests, made with ffmpeg from drawn frames. */
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { RgbImage } from '../../src/image/rgb.ts';
import { drawnPicture } from './pictures.ts';
import { needTool } from './tools.ts';

/** Leaves the test as skipped where there is no ffmpeg. */
export const needFfmpeg = (): void => needTool('ffmpeg');

export function ffmpeg(...args: string[]): void {
  const quiet = ['-nostdin', '-hide_banner', '-v', 'error', '-y'];
  const { status, stderr } = spawnSync('ffmpeg', [...quiet, ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ffmpeg ${args.join(' ')}: ${stderr}`);
}

/** An H.264 video of 25 frames a second; folders on the way are made. @param args before the file's name */
export function writeVideo(path: string, frames: readonly RgbImage[], args: string[] = []): void {
  mkdirSync(dirname(path), { recursive: true });
  const [{ width, height }] = frames;
  const raw = ['-f', 'rawvideo', '-pix_fmt', 'rgb24', '-video_size', `${width}x${height}`];
  const format = width % 2 || height % 2 ? 'yuv444p' : 'yuv420p';
  const coder = ['-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '12', '-pix_fmt', format];
  const { status, stderr } = spawnSync(
    'ffmpeg',
    ['-v', 'error', '-y', ...raw, '-r', '25', '-i', 'pipe:0', ...coder, '-g', '8', ...args, path],
    { input: Buffer.concat(frames.map(({ data }) => Buffer.from(data.buffer))), encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`ffmpeg, ${path}: ${stderr}`);
}

const bits = 6;

/** A picture with its number written on it: bright and dark fields in its upper quarter. */
export function numbered(number: number, width: number, height: number, seed = 1): RgbImage {
  const image = drawnPicture(width, height, seed);
  for (let y = 0; y < height >> 2; y++) {
    for (let x = 0; x < width; x++) {
      const bit = (number >> Math.floor((x * bits) / width)) & 1;
      image.data.fill(bit ? 255 : 0, (y * width + x) * 3, (y * width + x) * 3 + 3);
    }
  }
  return image;
}

export function numberOn({ width, height, data }: RgbImage): number {
  let number = 0;
  for (let bit = 0; bit < bits; bit++) {
    const x = Math.floor(((bit + 0.5) * width) / bits);
    if (data[((height >> 3) * width + x) * 3] > 127) number |= 1 << bit;
  }
  return number;
}

/** Numbered pictures from 0. */
export const numberedFrames = (count: number, width: number, height: number, seed = 1) =>
  Array.from({ length: count }, (_, k) => numbered(k, width, height, seed));

/** Black but for a white box [x, y, width, height]. */
export function maskPicture(
  width: number,
  height: number,
  [left, top, w, h]: readonly [number, number, number, number],
): RgbImage {
  const data = new Uint8ClampedArray(width * height * 3);
  for (let y = top; y < top + h; y++) {
    data.fill(255, (y * width + left) * 3, (y * width + left + w) * 3);
  }
  return { width, height, data };
}
