/** Changes of colour and of sharpness, such as pictures of other cameras and programs have. */
import type { Random } from '../base/random.ts';
import { blur, type Changed, coarsened, type Plane, sharpen } from './plane.ts';

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
  let mean = 0;
  for (let i = 0; i < data.length; i += 3) mean += data[i] + data[i + 1] + data[i + 2];
  mean = mean / data.length + (addR + addG + addB) / 3;
  // (grey - mean) contrast + mean + brightness + (value - grey) contrast saturation
  const spread = contrast * saturation;
  const ofGrey = (contrast - spread) / 3;
  const base = mean * (1 - contrast) + brightness + ofGrey * (addR + addG + addB);
  const [baseR, baseG, baseB] = [addR, addG, addB].map((add) => base + spread * add);
  for (let i = 0; i < data.length; i += 3) {
    const r = data[i];
    const g = data[i + 1];
    const b = data[i + 2];
    const grey = ofGrey * (r + g + b);
    const red = baseR + grey + spread * r;
    const green = baseG + grey + spread * g;
    const blue = baseB + grey + spread * b;
    data[i] = red < 0 ? 0 : red > 255 ? 255 : red;
    data[i + 1] = green < 0 ? 0 : green > 255 ? 255 : green;
    data[i + 2] = blue < 0 ? 0 : blue > 255 ? 255 : blue;
  }
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
