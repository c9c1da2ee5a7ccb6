/** The page's sample pictures: people who do not exist, and forgeries of them; equal at each making. */
import { Random } from '../../src/base/random.ts';
import { forgingOf } from '../../src/config/forge-schema.ts';
import { parts, swap } from '../../src/forge/transplant.ts';
import type { RgbImage } from '../../src/image/rgb.ts';
import { drawPerson } from './person.ts';
import { drawPortrait, type Portrait } from './portrait.ts';

const seed = 7;
const side = 512;

function drawn(id: number, shot: number): Portrait {
  const person = drawPerson(new Random(seed, 'sample person', 0, id));
  return drawPortrait(new Random(seed, 'sample shot', shot, id), side, person);
}

function forged(how: 'parts' | 'swap', id: number, other: number): RgbImage {
  const random = new Random(seed, `sample ${how}`, other, id);
  const method = how === 'swap' ? swap : parts;
  return method(drawn(id, 0), drawn(other, 1), random, forgingOf({})).image;
}

/** The samples by their files' names (web/static/samples), each made when asked for. */
export const samples: Readonly<Record<string, () => RgbImage>> = {
  anna: () => drawn(5, 0).image,
  'anna-mouth': () => forged('parts', 5, 6),
  ben: () => drawn(1, 0).image,
  'ben-face': () => forged('swap', 1, 2),
  carl: () => drawn(9, 0).image,
  'carl-mouth': () => forged('parts', 9, 10),
};
