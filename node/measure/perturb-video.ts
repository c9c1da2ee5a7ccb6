/** Degrading by video compression (Node only): DeeperForensics' seventh perturbation. */
import { cut } from '../../src/faces/crops.ts';
import { resize } from '../../src/image/resample.ts';
import type { Perturbation } from '../../src/measure/perturbations.ts';
import { runFfmpeg } from '../files/ffmpeg.ts';

/**
 * H.264 at a constant rate factor, through ffmpeg. Each picture is a video of one frame, so it has
 * the losses of a key frame; those of motion it has not.
 */
export const video: Perturbation = {
  name: 'video',
  unit: 'H.264 constant rate factor, one key frame',
  levels: [30, 32, 35, 38, 40],
  range: [0, 51],
  async apply(image, level) {
    const even = (side: number) => side + (side % 2);
    const [width, height] = [even(image.width), even(image.height)];
    // 4:2:0 needs even sides: the border is repeated, and cut off again.
    const whole = resize(image, width, height, [0, 0, width, height]);
    const pixels = ['-f', 'rawvideo', '-pix_fmt', 'rgb24'];
    const through = (args: string[], input: Uint8Array, mostBytes?: number) =>
      runFfmpeg('ffmpeg', ['-threads', '1', ...args, 'pipe:1'], '--perturb video', {
        input,
        mostBytes,
      });
    const coded = await through(
      [
        ...[...pixels, '-video_size', `${width}x${height}`, '-i', 'pipe:0'],
        ...['-c:v', 'libx264', '-crf', `${level}`, '-pix_fmt', 'yuv420p', '-f', 'matroska'],
      ],
      new Uint8Array(whole.data.buffer),
    );
    const decoded = await through(
      ['-f', 'matroska', '-i', 'pipe:0', ...pixels],
      coded,
      width * height * 3,
    );
    const data = new Uint8ClampedArray(decoded);
    return cut({ width, height, data }, [0, 0, image.width, image.height]);
  },
};
