/** Eyes: what is seen between the lids, the lids' edges and fold, and the lashes. */
import { bell, type Canvas, type Colour, clamp01, mix, scaled, step } from './canvas.ts';
import type { Head } from './head.ts';
import type { Light } from './light.ts';
import type { Noise } from './noise.ts';
import type { Person } from './person.ts';
import type { Expression } from './shot.ts';

/** Where an eye's own coordinates lie: x from the inner (-1) to the outer corner (1), y down. */
export class EyePainter {
  readonly #up: number;
  readonly #down: number;
  readonly #iris = 0.47;

  constructor(
    readonly person: Person,
    readonly expression: Expression,
    readonly light: Light,
    readonly noise: Noise,
  ) {
    this.#up = person.shape.lidUp * expression.lids;
    this.#down = person.shape.lidDown * (0.5 + 0.5 * expression.lids);
  }

  /** The upper and the lower lid's edge at x. */
  lids(x: number): [number, number] {
    const round = Math.max(0, 1 - x * x);
    return [
      -this.#up * round ** 0.62 * (1 - 0.14 * x) - 0.02,
      this.#down * round ** 0.8 * (1 + 0.18 * x) + 0.02,
    ];
  }

  /** The face's point of an eye's coordinates; side -1 is the one on the picture's left. */
  face(side: number, x: number, y: number): [number, number] {
    const { eyeX, eyeY, eye, eyeTilt } = this.person.shape;
    return [side * (eyeX + eye * x), eyeY + eye * (y + eyeTilt * x)];
  }

  /**
   * Tints the skin around the eye, in place.
   * @returns how much of the light reaches it, below 1 in the fold
   */
  skin(x: number, y: number, albedo: Colour): number {
    const { person } = this;
    const [upper, lower] = this.lids(Math.max(-1, Math.min(1, x)));
    const ends = 1 - step(1, 1.45, Math.abs(x - 0.05));
    const fold = upper - person.shape.fold * (1.2 + 0.35 * x) - 0.05;
    const line = bell((y - fold) / 0.05) * ends * person.shape.foldDepth;
    const onLid = step(fold - 0.05, fold + 0.03, y) * (1 - step(upper, upper + 0.1, y)) * ends;
    const tint = onLid * person.lidTint;
    const red = 0.12 * onLid + 0.25 * bell((y - lower - 0.05) / 0.06) * ends;
    for (let c = 0; c < 3; c++) {
      albedo[c] += tint * (person.lidColour[c] * 0.8 - albedo[c]);
      if (c > 0) albedo[c] *= 1 - red * 0.5;
    }
    const root = bell((y - upper) / 0.06) * ends * (0.35 + 0.5 * person.liner);
    const rootBelow = bell((y - lower - 0.04) / 0.04) * ends * (0.18 + 0.3 * person.liner);
    return (1 - 0.5 * line) * (1 - clamp01(root + rootBelow));
  }

  /**
   * The eyeball at a point in its coordinates, into `out`.
   * @param soft width of the lids' edges, in the eye's units
   * @param lit share of the key light that arrives
   * @returns how much of the pixel it covers
   */
  ball(side: number, x: number, y: number, soft: number, lit: number, out: Colour): number {
    const [upper, lower] = this.lids(Math.max(-1, Math.min(1, x)));
    const within = Math.min(y - upper, lower - y, 1 - Math.abs(x));
    const cover = clamp01(within / soft + 0.5);
    if (cover <= 0) return 0;
    const { person, light, expression } = this;
    const [gx, gy] = [side * expression.gaze[0] * 3, expression.gaze[1] * 3 - 0.05];
    const [dx, dy] = [x - gx, y - gy];
    const r = Math.hypot(dx, dy) / this.#iris;
    const veins = Math.max(0, this.noise.octaves(x * 7 + 9 * side, y * 11, 3) - 0.1);
    const corner = step(0.45, 1, Math.abs(x));
    let colour: Colour = [0.66 - 0.08 * corner, 0.62 - 0.2 * corner, 0.6 - 0.22 * corner];
    colour[1] -= 0.25 * veins;
    colour[2] -= 0.25 * veins;
    const caruncle = step(-0.78, -0.92, x);
    colour = mix(colour, [0.5, 0.2, 0.18], caruncle * 0.8);
    if (r < 1.15) {
      const angle = Math.atan2(dy, dx * side);
      const fibres =
        this.noise.at(angle * 7 + 20, r * 2.5) + 0.6 * this.noise.at(angle * 16, r * 3);
      const inner = 1 - step(0.45, 0.85, r);
      let iris = mix(person.iris, person.irisRing, clamp01(inner + 0.15));
      // Light that enters on one side of the iris leaves on the other.
      const through = clamp01(0.5 - 0.7 * (dx * light.key[0] + dy * light.key[1]));
      iris = scaled(iris, (0.75 + 0.33 * fibres) * (0.75 + 0.8 * through));
      iris = scaled(iris, 1 - 0.7 * step(0.78, 1, r));
      iris = mix(
        iris,
        [0.006, 0.005, 0.005],
        1 - step(person.pupil - 0.07, person.pupil + 0.05, r),
      );
      colour = mix(iris, colour, step(0.96 - soft, 1.04 + soft, r));
    }
    const lid = 0.35 + 0.65 * step(0.02, 0.34, y - upper);
    const round = 1 - 0.4 * x * x;
    const strength = lid * round * (0.45 + 0.55 * lit);
    for (let c = 0; c < 3; c++) {
      const around = (light.above[c] + light.below[c]) * 0.5;
      out[c] = colour[c] * (around + 0.75 * light.keyColour[c] + 0.4 * light.fillColour[c]);
      out[c] *= strength;
    }
    const shift = 0.5 * this.#iris;
    const hx = dx - side * light.key[0] * shift * 0.9;
    const hy = dy - (light.key[1] * 0.75 - 0.1) * shift;
    const spark = 1 - step(0.075, 0.075 + soft + 0.05, Math.hypot(hx, hy * 0.85));
    const wet = 0.35 * bell((lower - y - 0.05) / 0.03) * bell((x - 0.1) / 0.5);
    for (let c = 0; c < 3; c++) out[c] += light.keyColour[c] * (0.9 * spark + 0.22 * wet);
    const edge = bell((y - upper) / 0.07) * 0.75;
    for (let c = 0; c < 3; c++) out[c] *= 1 - edge;
    return cover;
  }

  /** Lashes along both lids of both eyes. */
  lashes(canvas: Canvas, head: Head): void {
    const { person, noise } = this;
    const dark = scaled(mix(person.brow, [0.01, 0.008, 0.008], 0.75), 0.8);
    const thick = 0.0052 * head.scale;
    for (const side of [-1, 1]) {
      for (const up of [true, false]) {
        const number = up ? 24 : 13;
        for (let k = 0; k < number; k++) {
          const jitter = noise.at(k * 3.1 + 40 * side, up ? 1.5 : 9.5);
          const x = -0.72 + (1.68 * (k + 0.4 * jitter)) / (number - 1);
          const [upper, lower] = this.lids(Math.max(-1, Math.min(0.99, x)));
          const length = (up ? 0.17 + 0.1 * x : 0.09) * person.lashes * (1 + 0.3 * jitter);
          const lean = (0.1 + 0.75 * x + 0.2 * jitter) * length;
          const y0 = up ? upper : lower + 0.03;
          const sign = up ? -1 : 1;
          const points = [0, 0.5, 1].map((t) => {
            const droop = up ? 0.35 * t * (1 - t) : 0;
            return head.project(
              ...this.face(side, x + lean * t, y0 + sign * length * (t - 2 * droop)),
              0.03 * t,
            );
          });
          const strength = up ? 0.5 + 0.4 * person.lashes : 0.35 * person.lashes;
          for (let p = 0; p < 2; p++) {
            const [a, b] = [points[p], points[p + 1]];
            const from = thick * (1 - 0.4 * p);
            canvas.segment(a[0], a[1], from, b[0], b[1], from * 0.6, dark, strength);
          }
        }
      }
    }
  }
}
