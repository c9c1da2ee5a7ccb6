/** Smooth noise on a plane, from tables that one stream of random numbers fills. */
import type { Random } from '../../src/base/random.ts';

const side = 64;

export class Noise {
  readonly #x: Float32Array;
  readonly #y: Float32Array;

  constructor(random: Random) {
    this.#x = new Float32Array(side * side);
    this.#y = new Float32Array(side * side);
    for (let k = 0; k < side * side; k++) {
      const angle = random.next() * 2 * Math.PI;
      // The factor brings the extremes near to -1 and 1.
      this.#x[k] = 1.6 * Math.cos(angle);
      this.#y[k] = 1.6 * Math.sin(angle);
    }
  }

  /**
   * Gradient noise in about [-1, 1], one random slope a unit square, smoothly joined; period 64
   * (Perlin, "An Image Synthesizer", SIGGRAPH 1985). Its bumps, unlike those of interpolated
   * values, do not line up with the squares.
   */
  at(x: number, y: number): number {
    const column = Math.floor(x);
    const row = Math.floor(y);
    const s = x - column;
    const t = y - row;
    const x0 = column & (side - 1);
    const x1 = (column + 1) & (side - 1);
    const y0 = (row & (side - 1)) * side;
    const y1 = ((row + 1) & (side - 1)) * side;
    const gx = this.#x;
    const gy = this.#y;
    const a = gx[y0 + x0] * s + gy[y0 + x0] * t;
    const b = gx[y0 + x1] * (s - 1) + gy[y0 + x1] * t;
    const c = gx[y1 + x0] * s + gy[y1 + x0] * (t - 1);
    const d = gx[y1 + x1] * (s - 1) + gy[y1 + x1] * (t - 1);
    const u = s * s * (3 - 2 * s);
    const above = a + u * (b - a);
    const below = c + u * (d - c);
    return above + t * t * (3 - 2 * t) * (below - above);
  }

  /** Octaves of half the size and half the height each, shifted so that their grids do not meet. */
  octaves(x: number, y: number, count: number): number {
    let sum = 0;
    let height = 0.6;
    let scale = 1;
    for (let k = 0; k < count; k++) {
      sum += height * this.at(x * scale + 7.3 * k, y * scale - 3.7 * k);
      height /= 2;
      scale *= 2;
    }
    return sum;
  }

  /** Scattered dots of varying size and strength, at most one a unit square: 1 in a strong one. */
  dots(x: number, y: number): number {
    const column = Math.floor(x);
    const row = Math.floor(y);
    const k = (row & (side - 1)) * side + (column & (side - 1));
    const a = this.#x[k] / 1.6;
    const b = this.#y[k] / 1.6;
    const strength = Math.abs(this.#x[(k * 7 + 3) & (side * side - 1)]) / 1.6;
    const d = Math.hypot(x - column - 0.5 - 0.22 * a, y - row - 0.5 - 0.22 * b);
    const r = d / (0.12 + 0.16 * strength);
    return r > 1 ? 0 : strength * (1 - r * r) ** 0.7;
  }
}
