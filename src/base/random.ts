/**
 * Counter-based randomness: every stream is a pure function of (seed, purpose, step, item), so a
 * resumed run, or one with more workers, draws the same numbers (ARCHITECTURE.md, "Randomness").
 */

/** Bijective 32-bit mix (the "lowbias32" finaliser). */
function mix(x: number): number {
  x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
  x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
  return (x ^ (x >>> 15)) >>> 0;
}

function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return hash >>> 0;
}

export class Random {
  readonly #key: [number, number];
  #counter = 0;

  constructor(seed: number, purpose: string, step = 0, item = 0) {
    const a = mix((seed >>> 0) ^ hashText(purpose));
    const b = mix(mix((step >>> 0) + 0x9e3779b9) ^ mix((item >>> 0) + 0x85ebca6b));
    this.#key = [mix(a + b), mix(a ^ Math.imul(b, 0xc2b2ae35))];
  }

  /** The next 32 random bits, as an unsigned integer. */
  bits(): number {
    const n = this.#counter++;
    return mix(mix(n + this.#key[0]) ^ this.#key[1] ^ Math.floor(n / 0x100000000));
  }

  /**
   * Leaves out the next `count` draws of 32 bits, for whoever makes them elsewhere: number n is
   * mix(mix(n + a) ^ b), counted from `from`, as long as n is below 2^32.
   */
  leave(count: number): { key: readonly [a: number, b: number]; from: number } {
    const from = this.#counter;
    this.#counter += count;
    return { key: this.#key, from };
  }

  /** Draws a number uniform in [0, 1), of 53 random bits. */
  next(): number {
    return ((this.bits() >>> 5) * 0x4000000 + (this.bits() >>> 6)) / 0x20000000000000;
  }

  /** Draws a number uniform in [low, high). */
  uniform(low: number, high: number): number {
    return low + (high - low) * this.next();
  }

  /** Draws an integer uniform in [0, n). */
  int(n: number): number {
    return Math.floor(this.next() * n);
  }

  /** Draws true with probability p (0 to 1). */
  chance(p: number): boolean {
    return this.next() < p;
  }

  /** Draws a standard normal number (Box-Muller). */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.next()));
    return radius * Math.cos(2 * Math.PI * this.next());
  }

  pick<T>(items: readonly T[]): T {
    return items[this.int(items.length)];
  }

  /** Shuffles an array in place (Fisher-Yates), and returns it. */
  shuffle<T>(items: T[]): T[] {
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.int(i + 1);
      [items[i], items[j]] = [items[j], items[i]];
    }
    return items;
  }
}
