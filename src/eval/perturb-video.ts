/** Degrading by video compression (Node only): DeeperForensics' seventh perturbation. */
import { runFfmpeg } from '../data/ffmpeg.ts';
import type { RgbImage } from '../data/image.ts';
import { resize } from '../data/pixels.ts';
import type { Perturbation } from './perturbations.ts';

/**
 * H.264 at a constant rate factor, through ffmpeg. Each picture is a video of one frame, so it has
 * the losses of a key frame; those of motion it has not.
 */
export const video: Perturbation = {
  name: 'video',
  unit: 'H.264 constant rate factor, one key frame',
  levels: [30, 32, 35, 38, 40],
  async apply(image, level) {
    const even = (side: number) => side + (side % 2);
    const [width, height] = [even(image.width), even(image.height)];
    // 4:2:0 needs even sides: the border is repeated, and cut off again.
    const whole = resize(image, width, height, [0, 0, width, height]);
    const raw = ['-f', 'rawvideo', '-pix_fmt', 'rgb24', '-video_size', `${width}x${height}`];
    const threads = ['-threads', '1'];
    const encode = ['-c:v', 'libx264', '-crf', `${level}`, '-pix_fmt', 'yuv420p'];
    const coded = await runFfmpeg(
      'ffmpeg',
      [...threads, ...raw, '-i', 'pipe:0', ...encode, '-f', 'matroska', 'pipe:1'],
      '--perturb video',
      { input: new Uint8Array(whole.data.buffer) },
    );
    const decoded = await runFfmpeg(
      'ffmpeg',
      [
        ...threads,
        '-f',
        'matroska',
        '-i',
        'pipe:0',
        '-f',
        'rawvideo',
        '-pix_fmt',
        'rgb24',
        'pipe:1',
      ],
      '--perturb video',
      { input: coded, mostBytes: width * height * 3 },
    );
    const data = new Uint8ClampedArray(decoded);
    const { width: w, height: h } = image;
    return cutTo({ width, height, data }, w, h);
  },
};

function cutTo(image: RgbImage, width: number, height: number): RgbImage {
  const data = new Uint8ClampedArray(width * height * 3);
  for (let y = 0; y < height; y++) {
    const from = y * image.width * 3;
    data.set(image.data.subarray(from, from + width * 3), y * width * 3);
  }
  return { width, height, data };
}
