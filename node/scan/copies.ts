/** Copies of pictures by their perceptual hashes (Node only). */
import type { ScanLine } from './line.ts';
import { bitsBetween } from './print.ts';

/** Bits that the hashes of copies differ in, at most. */
export const mostBits = 12;

/**
 * Of hashes that differ in 12 bits, one of 13 pieces is the same: only those with an equal piece are
 * compared. A piece has 16 bits, four hexadecimal digits.
 */
const pieces = mostBits + 1;
const digits = 4;
/** Hashes that are kept for an equal piece: of plain pictures, many are alike. */
const mostAlike = 64;

interface Known {
  file: string;
  print: string;
}

/** The pictures until now, by their hashes. */
export class Copies {
  readonly #alike = new Map<string, Known[]>();

  #piecesOf(print: string): string[] {
    return Array.from(
      { length: pieces },
      (_, i) => `${i}${print.slice(i * digits, (i + 1) * digits)}`,
    );
  }

  /** The picture whose hash is nearest, within `mostBits`; null without one. */
  nearest(print: string): { file: string; bits: number } | null {
    let best: { file: string; bits: number } | null = null;
    const seen = new Set<Known>();
    for (const piece of this.#piecesOf(print)) {
      for (const known of this.#alike.get(piece) ?? []) {
        if (seen.has(known)) continue;
        seen.add(known);
        const bits = bitsBetween(print, known.print);
        if (bits <= mostBits && (!best || bits < best.bits)) best = { file: known.file, bits };
      }
    }
    return best;
  }

  /** Adds a picture that is no copy of one that is there. */
  add(known: Known): void {
    for (const piece of this.#piecesOf(known.print)) {
      const alike = this.#alike.get(piece);
      if (!alike) this.#alike.set(piece, [known]);
      else if (alike.length < mostAlike) alike.push(known);
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
