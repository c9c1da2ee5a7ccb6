/** Pictures for tests: drawn ones, and the folder of photographs where there is one. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Random } from '../../src/base/random.ts';
import type { RgbImage } from '../../src/image/rgb.ts';
import { skip } from './run.ts';

/**
 * A folder of photographs named by LLSM_TEST_DATA, or ../shared/data beside the repository.
 * Leaves the test as skipped where it, or the part of it that is asked for, is not there.
 */
export function photographs(part: string): string {
  const folder = join(process.env.LLSM_TEST_DATA ?? join('..', 'shared', 'data'), part);
  if (!existsSync(folder)) skip(`no ${folder}: set LLSM_TEST_DATA to a folder that holds ${part}/`);
  return folder;
}

/** A picture with soft structure at all scales, as photographs have, from a seed. */
export function drawnPicture(width: number, height: number, seed = 1): RgbImage {
  const random = new Random(seed, 'test picture');
  const waves = Array.from({ length: 24 }, () => {
    const frequency = 2 ** random.uniform(0, 5);
    const angle = random.uniform(0, 2 * Math.PI);
    return {
      x: (frequency * Math.cos(angle)) / width,
      y: (frequency * Math.sin(angle)) / height,
      phase: random.uniform(0, 6.3),
      colour: [0, 1, 2].map(() => (random.normal() * 40) / Math.sqrt(frequency)),
    };
  });
  const data = new Uint8ClampedArray(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < 3; c++) {
        let value = 128;
        for (const wave of waves) {
          value += wave.colour[c] * Math.sin(6.283 * (wave.x * x + wave.y * y) + wave.phase);
        }
        data[(y * width + x) * 3 + c] = value;
      }
    }
  }
  return { width, height, data };
}

const temporary: string[] = [];
process.on('exit', () => {
  for (const folder of temporary) rmSync(folder, { recursive: true, force: true });
});

/** A new empty folder, removed when the process ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'llsm-test-'));
  temporary.push(folder);
  return folder;
}

export const samePixels = (a: RgbImage, b: RgbImage): boolean =>
  a.data.length === b.data.length && a.data.every((value, i) => value === b.data[i]);

/** What a promise or a function is rejected with; fails the test where it is not. */
export async function failure(work: Promise<unknown> | (() => unknown)): Promise<Error> {
  try {
    await (typeof work === 'function' ? work() : work);
  } catch (error) {
    return error as Error;
  }
  throw new Error('it should have failed');
}
