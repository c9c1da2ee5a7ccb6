/** Noise and JPEG on planes of whole grey levels; what they give is whole too. */
import type { Random } from '../base/random.ts';
import { jpegSteps, upTo } from '../image/jpeg-loss.ts';
import { normals } from '../image/pixels.ts';
import type { Plane } from './plane.ts';
import { placeOf, table, withLanes } from './scratch.ts';

/** As `addNoise` of image/pixels.ts, with the same numbers. */
export function noisy({ data }: Plane, sigma: number, random: Random): void {
  const { key, from } = random.leave(Math.ceil(data.length / 2));
  const deviates = table(normals);
  withLanes((lanes) =>
    lanes.noise(placeOf(data), data.length, sigma, deviates, key[0], key[1], from),
  );
}

/** As `loseToJpeg` of image/jpeg-loss.ts, in floats of 32 bits. */
export function jpegLost(
  { width, height, data }: Plane,
  quality: number,
  [left, top]: readonly [number, number] = [0, 0],
): void {
  const [w, h] = [upTo(width + left, 16), upTo(height + top, 16)];
  const { luminance, chrominance } = jpegSteps(quality);
  const steps = table(
    Float32Array.of(
      ...luminance.divide,
      ...luminance.multiply,
      ...chrominance.divide,
      ...chrominance.multiply,
    ),
  );
  withLanes(
    (lanes, room) => lanes.loseToJpeg(placeOf(data), width, height, left, top, w, h, steps, room),
    6 * w * h + 24 * w + 2048,
  );
}
