/** A canvas of linear light with coverage, and the few ways in which portraits are put on it. */

/** Linear light, red, green, blue; 1 is white. */
export type Colour = [number, number, number];

const toLinear = (value: number) =>
  value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;

/** A colour from sRGB values of 0 to 255. */
export const srgb = (r: number, g: number, b: number): Colour => [
  toLinear(r / 255),
  toLinear(g / 255),
  toLinear(b / 255),
];

export const mix = (a: Colour, b: Colour, t: number): Colour => [
  a[0] + t * (b[0] - a[0]),
  a[1] + t * (b[1] - a[1]),
  a[2] + t * (b[2] - a[2]),
];

export const scaled = (colour: Colour, by: number): Colour => [
  colour[0] * by,
  colour[1] * by,
  colour[2] * by,
];

export const clamp01 = (x: number) => (x < 0 ? 0 : x > 1 ? 1 : x);

/** 0 below `from`, 1 above `to`, smooth between. */
export function step(from: number, to: number, x: number): number {
  const t = clamp01((x - from) / (to - from));
  return t * t * (3 - 2 * t);
}

/** exp(-d^2 / 2) of a distance in units of the bell's own width. */
export const bell = (d: number) => (d > 3.5 || d < -3.5 ? 0 : Math.exp(-0.5 * d * d));

/** Premultiplied red, green, blue and coverage: `data[(y * side + x) * 4 + channel]`. */
export class Canvas {
  readonly data: Float32Array;

  constructor(readonly side: number) {
    this.data = new Float32Array(side * side * 4);
  }

  /** Lays a colour over the pixel whose values begin at `at`. */
  blend(at: number, r: number, g: number, b: number, alpha: number): void {
    const { data } = this;
    const rest = 1 - alpha;
    data[at] = data[at] * rest + r * alpha;
    data[at + 1] = data[at + 1] * rest + g * alpha;
    data[at + 2] = data[at + 2] * rest + b * alpha;
    data[at + 3] = data[at + 3] * rest + alpha;
  }

  /**
   * A line between two points whose half width goes from r0 to r1, with soft edges one pixel wide.
   * Its ends are cut straight, so that the parts of a polyline do not cover their joints twice.
   */
  segment(
    x0: number,
    y0: number,
    r0: number,
    x1: number,
    y1: number,
    r1: number,
    [r, g, b]: Colour,
    alpha: number,
  ): void {
    const dx = x1 - x0;
    const dy = y1 - y0;
    const length2 = dx * dx + dy * dy;
    if (length2 < 1e-6) return;
    const inverse = 1 / length2;
    const length = Math.sqrt(length2);
    const reach = Math.max(r0, r1) + 0.5;
    const top = Math.max(0, Math.floor(Math.min(y0, y1) - reach));
    const bottom = Math.min(this.side - 1, Math.ceil(Math.max(y0, y1) + reach));
    const left = Math.max(0, Math.floor(Math.min(x0, x1) - reach));
    const right = Math.min(this.side - 1, Math.ceil(Math.max(x0, x1) + reach));
    for (let y = top; y <= bottom; y++) {
      for (let x = left; x <= right; x++) {
        const px = x + 0.5 - x0;
        const py = y + 0.5 - y0;
        const t = (px * dx + py * dy) * inverse;
        if (t < 0 || t >= 1) continue;
        const distance = Math.abs(px * dy - py * dx) / length;
        const half = r0 + t * (r1 - r0);
        // A line thinner than a pixel covers it in part.
        const cover = Math.min(1, half + 0.5 - distance, 2 * half);
        if (cover > 0) this.blend((y * this.side + x) * 4, r, g, b, cover * alpha);
      }
    }
  }

  /** Lays another canvas of the same size over this one. */
  over(top: Canvas): void {
    const from = top.data;
    const { data } = this;
    for (let at = 0; at < from.length; at += 4) {
      const alpha = from[at + 3];
      if (alpha <= 0) continue;
      const rest = 1 - alpha;
      for (let c = at; c < at + 4; c++) data[c] = data[c] * rest + from[c];
    }
  }
}
