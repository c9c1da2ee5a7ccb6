/** Parsers of option values; what they throw, commander prints with the option's name. */
import { InvalidArgumentError, Option } from 'commander';
import type { FacePlace } from '../src/faces/place.ts';
import type { Dtype } from '../src/graph/tensor.ts';

/** A whole number from `low` to `high`, or of any size from `low` on. */
export function wholeNumber(low: number, high = Number.MAX_SAFE_INTEGER) {
  const range = high === Number.MAX_SAFE_INTEGER ? `of at least ${low}` : `from ${low} to ${high}`;
  return (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < low || value > high) {
      throw new InvalidArgumentError(`It must be a whole number ${range}.`);
    }
    return value;
  };
}

/** A number above 0. */
export function positiveNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value <= 0) {
    throw new InvalidArgumentError('It must be a number above 0.');
  }
  return value;
}

/** A share or a probability. */
export function share(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 1)) {
    throw new InvalidArgumentError('It must be a number from 0 to 1.');
  }
  return value;
}

/** How an inference stores its feature maps. */
export const precisionOption = (): Option =>
  new Option(
    '--precision <bits>',
    'feature maps are stored in 32 bits, or in 16 (half the memory; needs shader-f16)',
  )
    .choices(['f32', 'f16'] satisfies Dtype[])
    .default('f32');

/** Of an option that may be repeated: all its values. */
export const collect = (value: string, before: string[] = []): string[] => [...before, value];

/** Comma-separated seeds, each once. */
export function seeds(text: string): number[] {
  const found = text.split(',').map(wholeNumber(0, 0xffffffff));
  if (new Set(found).size < found.length) throw new InvalidArgumentError('A seed is there twice.');
  return found;
}

/** Comma-separated names, each once. */
export function names(text: string): string[] {
  const found = text.split(',').map((name) => name.trim());
  if (found.includes('')) throw new InvalidArgumentError('It must be names with commas between.');
  return [...new Set(found)];
}

/** Who says where faces are: `auto` a finder, else geometry. */
export function parseFacesOrAuto(text: string): FacePlace | 'auto' {
  if (text === 'auto') return text;
  try {
    return parseFaces(text);
  } catch {
    throw new InvalidArgumentError(
      'It must be auto, whole, or centre=F with F above 0 and up to 1.',
    );
  }
}

/** Where the face is on a picture, by geometry: `whole`, or `centre=F`. */
export function parseFaces(text: string): FacePlace {
  if (text === 'whole') return text;
  const centre = Number(/^centre=(.+)$/.exec(text)?.[1]);
  if (!(centre > 0 && centre <= 1)) {
    throw new InvalidArgumentError('It must be whole, or centre=F with F above 0 and up to 1.');
  }
  return { centre };
}
