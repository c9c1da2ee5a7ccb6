/** Parsers of option values; what they throw, commander prints with the option's name. */
import { InvalidArgumentError } from 'commander';

/** A whole number from `low` to `high`. */
export function wholeNumber(low: number, high: number) {
  return (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < low || value > high) {
      throw new InvalidArgumentError(`It must be a whole number from ${low} to ${high}.`);
    }
    return value;
  };
}

export function positiveNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value <= 0) {
    throw new InvalidArgumentError('It must be a number above 0.');
  }
  return value;
}

/** Comma-separated names, each once. */
export function names(text: string): string[] {
  const found = text.split(',').map((name) => name.trim());
  if (found.includes('')) throw new InvalidArgumentError('It must be names with commas between.');
  return [...new Set(found)];
}

/** Where the face is on a picture: `whole`, or a centred square of part of the shorter side. */
export function parseFaces(text: string): 'whole' | { centre: number } {
  if (text === 'whole') return text;
  const centre = Number(/^centre=(.+)$/.exec(text)?.[1]);
  if (!(centre > 0 && centre <= 1)) {
    throw new InvalidArgumentError('It must be whole, or centre=F with F above 0 and up to 1.');
  }
  return { centre };
}
