/** Changes of colour and of sharpness, such as pictures of other cameras and programs have. */
import type { Random } from '../base/random.ts';
import { blur, type Changed, coarsened, type Plane, sharpen } from './plane.ts';
import { placeOf, withLanes } from './scratch.ts';

/**
 * Shifts the colours, half of the time, and changes contrast, brightness and, half of the time,
 * saturation; in place. @param strength 1: shifts of up to 20 grey levels, contrast by up to 12 %
 */
export function recolour({ data }: Plane, random: Random, strength: number): void {
  const shift = [0, 1, 2].map(() => strength * random.uniform(-20, 20));
  const balance = random.chance(0.5) ? shift : [0, 0, 0];
  const contrast = 1 + strength * random.uniform(-0.12, 0.12);
  const brightness = strength * random.uniform(-16, 16);
  const saturate = 1 + strength * random.uniform(-0.3, 0.3);
  const saturation = random.chance(0.5) ? saturate : 1;
  const [addR, addG, addB] = balance;
  // (grey - mean) contrast + mean + brightness + (value - grey) contrast saturation
  const spread = contrast * saturation;
  const ofGrey = (contrast - spread) / 3;
  withLanes((lanes) => {
    const at = placeOf(data);
    const mean = lanes.sum(at, data.length) / data.length + (addR + addG + addB) / 3;
    const base = mean * (1 - contrast) + brightness + ofGrey * (addR + addG + addB);
    const [r, g, b] = [addR, addG, addB].map((add) => base + spread * add);
    lanes.recolour(at, data.length, ofGrey, spread, r, g, b);
  });
}

/**
 * Loses detail by a smaller size, or is sharpened, or blurred, or nothing.
 * @param unit pixels of this picture to one of a face crop of 256
 */
export function refocus(plane: Plane, random: Random, unit: number): Changed {
  const kind = random.next();
  if (kind < 0.4) {
    const factor = random.uniform(1.2, 4);
    return { plane: coarsened(plane, factor, random, ['area', 'linear']), cue: 'resized' };
  }
  if (kind < 0.75) {
    sharpen(plane, unit * random.uniform(0.7, 2.2), random.uniform(0.4, 1.3));
    return { plane, cue: 'sharpened' };
  }
  if (kind >= 0.9) return { plane, cue: 'coloured' };
  blur(plane, unit * random.uniform(0.5, 2));
  return { plane, cue: 'blurred' };
}
