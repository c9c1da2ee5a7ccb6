/** The mouth: two lips of different tone, the line between them, teeth where it is open. */
import { bell, type Colour, clamp01, mix, scaled, step } from './canvas.ts';
import type { Noise } from './noise.ts';
import type { Person } from './person.ts';
import type { Expression } from './shot.ts';

/** What the mouth does to a point of the skin. */
export interface MouthPoint {
  /** Factor of all light: 0 in the dark between the lips. */
  light: number;
  gloss: number;
  /** 1 on teeth: these are not shaded as skin. */
  teeth: number;
}

export class MouthPainter {
  readonly #half: number;
  readonly #gap: number;

  constructor(
    readonly person: Person,
    readonly expression: Expression,
    readonly noise: Noise,
  ) {
    this.#half = person.shape.mouth * (1 + 0.14 * expression.smile);
    this.#gap = Math.max(0, expression.open) * 0.14;
  }

  /** A corner of the mouth, as a point of the face; side -1 is the one on the picture's left. */
  corner(side: number): [number, number] {
    return [side * this.#half * 0.97, this.#line(0.97)];
  }

  /** Height of the line between the lips at x, in half widths of the mouth. */
  #line(x: number): number {
    const { smile } = this.expression;
    const bow = 0.008 * bell(x / 0.18) - 0.006 * bell((Math.abs(x) - 0.45) / 0.25);
    return this.person.shape.mouthY + 0.012 * smile - (0.012 + 0.055 * smile) * x * x + bow;
  }

  /** Colours the lips into `albedo` and fills `out`. soft: a pixel in head units. */
  paint(u: number, v: number, soft: number, albedo: Colour, out: MouthPoint): void {
    out.light = 1;
    out.gloss = 0;
    out.teeth = 0;
    const x = u / this.#half;
    const a = Math.abs(x);
    if (a > 1.25) return;
    const { person, noise, expression } = this;
    const { lipUp, lipDown } = person.shape;
    const line = this.#line(Math.min(1, a));
    const round = Math.max(0, 1 - a * a);
    const gapUp = this.#gap * 0.35 * round;
    const gapDown = this.#gap * round ** 0.8;
    const thin = 1 - 0.25 * Math.max(0, expression.smile);
    const bow = 1 - 0.3 * bell(a / 0.14) + 0.12 * bell((a - 0.26) / 0.13);
    const top = line - gapUp - lipUp * thin * bow * Math.max(0, 1 - a ** 1.7) ** 0.9 - 0.003;
    const bottom = line + gapDown + lipDown * thin * Math.max(0, 1 - a ** 2.2) ** 0.85 + 0.003;
    const blur = soft + 0.012;
    const ends = clamp01((1.02 - a) / 0.06);
    const upper = step(top - blur, top + blur, v) * (1 - step(line - soft, line + soft, v)) * ends;
    const lower = step(line - soft, line + soft, v) * (1 - step(bottom - blur, bottom + blur, v));
    const cover = upper + lower * ends;
    if (cover > 0) {
      const grain = noise.at(x * 17, v * 6) * 0.1 + noise.at(x * 34, v * 9) * 0.07;
      const tone = v < line ? 0.8 : 1.04;
      const lips = scaled(person.lips, tone * (1 + grain));
      for (let c = 0; c < 3; c++) albedo[c] += cover * 0.88 * (lips[c] - albedo[c]);
      out.gloss = cover * person.lipGloss * (v > line ? 1 : 0.4) * (1 + 2 * grain);
    }
    // The lower lip's own shadow, and the dark line that tells lips apart.
    out.light *= 1 - 0.3 * bell((v - bottom - 0.022) / 0.02) * round;
    const width = 0.007 + 0.006 * round;
    const dark = bell((v - line + gapUp * 0.4) / width) * clamp01((1.08 - a) / 0.12);
    out.light *= 1 - 0.75 * dark * (1 - clamp01(this.#gap * 20) * round);
    out.light *= 1 - 0.4 * bell((a - 1.03) / 0.06) * bell((v - line) / 0.02);
    if (this.#gap > 0.012) {
      const open = clamp01((v - (line - gapUp)) / soft) * clamp01((line + gapDown - v) / soft);
      if (open <= 0) return;
      const deep = 0.25 + 0.75 * step(0, 0.5, 1 - a);
      // Teeth grow narrower towards the sides; between two of them is a thin shadow.
      const seat = Math.asin(Math.min(1, a)) * 5.2;
      const seam = Math.abs(seat - Math.round(seat));
      const tooth = (0.8 + 0.2 * step(0, 0.16, seam)) * deep;
      const rim = line + gapDown * (0.72 - 0.12 * Math.cos(seat * 2 * Math.PI));
      const biting = 1 - step(rim - 0.01, rim + 0.012, v);
      const shadow = 0.55 + 0.45 * step(0, 0.035, v - (line - gapUp));
      const inside = mix([0.05, 0.014, 0.012], scaled([0.62, 0.58, 0.5], tooth * shadow), biting);
      for (let c = 0; c < 3; c++) albedo[c] += open * (inside[c] - albedo[c]);
      out.teeth = open;
      out.gloss *= 1 - open;
      out.light = out.light + open * (1 - out.light);
    }
  }
}
