/** Copies of pictures by their perceptual hashes (Node only). */
import type { ScanLine } from './line.ts';

/** Bits that the hashes of copies differ in, at most. */
export const mostBits = 12;

/**
 * Of hashes that differ in 12 bits, one of 13 pieces is the same: only those with an equal piece are
 * compared. A piece has 16 bits, four hexadecimal digits.
 */
const pieces = mostBits + 1;
const digits = 4;
const values = 2 ** (4 * digits);
/** Pictures of an equal piece that are compared: of plain pictures, many are alike. */
const mostAlike = 64;
/** 32-bit words of a hash. */
const words = 8;

const none = -1;

type Numbers = Int32Array | Uint32Array | Uint8Array | Float64Array;

function larger<T extends Numbers>(array: T, length: number): T {
  const grown = new (array.constructor as new (length: number) => T)(length);
  grown.set(array);
  return grown;
}

/** Texts by their number, outside of V8's heap. */
class Texts {
  #bytes: Uint8Array = new Uint8Array(2 ** 16);
  /** Where each ends. */
  #ends = new Float64Array(1024);
  #count = 0;

  get length(): number {
    return this.#count;
  }

  push(text: string): void {
    const bytes = Buffer.from(text);
    const begin = this.#count === 0 ? 0 : this.#ends[this.#count - 1];
    const end = begin + bytes.length;
    if (end > this.#bytes.length) {
      this.#bytes = larger(this.#bytes, Math.max(end, 2 * this.#bytes.length));
    }
    if (this.#count === this.#ends.length) this.#ends = larger(this.#ends, 2 * this.#count);
    this.#bytes.set(bytes, begin);
    this.#ends[this.#count++] = end;
  }

  at(index: number): string {
    const begin = index === 0 ? 0 : this.#ends[index - 1];
    return Buffer.from(this.#bytes.subarray(begin, this.#ends[index])).toString('utf8');
  }
}

/** The pictures until now, by their hashes: 92 bytes each and the name, up to twice that. */
export class Copies {
  readonly #files = new Texts();
  #prints = new Uint32Array(1024 * words);
  /** The latest picture with a piece's value, and before a picture the one with the same piece. */
  readonly #latest = new Int32Array(pieces * values).fill(none);
  #before = new Int32Array(1024 * pieces);

  /** The picture whose hash is nearest, within `mostBits`; null without one. */
  nearest(print: string): { file: string; bits: number } | null {
    const wanted = wordsOf(print);
    let best = none;
    let fewest = mostBits + 1;
    for (let piece = 0; piece < pieces; piece++) {
      let at = this.#latest[placeOf(print, piece)];
      for (let tried = 0; at !== none && tried < mostAlike; tried++) {
        const bits = this.#bits(at, wanted);
        if (bits < fewest || (bits === fewest && at < best)) [best, fewest] = [at, bits];
        at = this.#before[at * pieces + piece];
      }
    }
    return best === none ? null : { file: this.#files.at(best), bits: fewest };
  }

  #bits(at: number, wanted: Uint32Array): number {
    let bits = 0;
    for (let i = 0; i < words; i++) bits += ones(this.#prints[at * words + i] ^ wanted[i]);
    return bits;
  }

  /** Adds a picture that is no copy of one that is there. */
  add({ file, print }: { file: string; print: string }): void {
    const at = this.#files.length;
    if ((at + 1) * words > this.#prints.length) {
      this.#prints = larger(this.#prints, 2 * this.#prints.length);
      this.#before = larger(this.#before, 2 * this.#before.length);
    }
    this.#files.push(file);
    this.#prints.set(wordsOf(print), at * words);
    for (let piece = 0; piece < pieces; piece++) {
      const place = placeOf(print, piece);
      this.#before[at * pieces + piece] = this.#latest[place];
      this.#latest[place] = at;
    }
  }

  /** Says in a line whose copy it is, and remembers a picture that is nobody's. */
  mark(line: ScanLine): void {
    const { file, print } = line;
    if (print === null || line.sameAs !== null) return;
    line.copyOf ??= this.nearest(print);
    if (line.copyOf === null) this.add({ file, print });
  }
}

const placeOf = (print: string, piece: number): number =>
  piece * values + Number.parseInt(print.slice(piece * digits, (piece + 1) * digits), 16);

const wordsOf = (print: string): Uint32Array =>
  Uint32Array.from({ length: words }, (_, i) => Number.parseInt(print.slice(8 * i, 8 * i + 8), 16));

/** How many bits of a 32-bit word are set. */
function ones(word: number): number {
  let sum = word - ((word >>> 1) & 0x55555555);
  sum = (sum & 0x33333333) + ((sum >>> 2) & 0x33333333);
  return (Math.imul((sum + (sum >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24) & 0xff;
}
