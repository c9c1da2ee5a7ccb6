/** How a surface answers light: one key light, a weak one from the other side, sky and ground. */
import type { Colour } from './canvas.ts';

export type Vector = [number, number, number];

/** x to the right, y down, z towards the viewer; directions point to the light. */
export interface Light {
  key: Vector;
  keyColour: Colour;
  fill: Vector;
  fillColour: Colour;
  above: Colour;
  below: Colour;
}

export function unit([x, y, z]: Vector): Vector {
  const length = Math.hypot(x, y, z) || 1;
  return [x / length, y / length, z / length];
}

/** How far each colour creeps around the terminator: red light scatters furthest in skin. */
const skinWrap: Colour = [0.42, 0.24, 0.17];
const plainWrap: Colour = [0.15, 0.15, 0.15];

/**
 * The light that a surface sends to the viewer, into `out`.
 * @param normal unit vector
 * @param open share of sky and ground that it sees, 0 to 1
 * @param lit share of the key light that reaches it, 0 to 1
 * @param gloss height of the highlight, about 0 to 0.5
 */
export function shade(
  light: Light,
  albedo: Colour,
  [nx, ny, nz]: Vector,
  open: number,
  lit: number,
  gloss: number,
  skin: boolean,
  out: Colour,
): void {
  const { key, fill } = light;
  const wrap = skin ? skinWrap : plainWrap;
  const towards = nx * key[0] + ny * key[1] + nz * key[2];
  const side = Math.max(0, 0.2 + 0.8 * (nx * fill[0] + ny * fill[1] + nz * fill[2]));
  const up = 0.5 - 0.5 * ny;
  // The edge of a shadow on skin is red for the same reason.
  const litRed = skin ? Math.sqrt(lit) : lit;
  let shine = 0;
  if (gloss > 0) {
    const half = 1 / Math.sqrt(2 + 2 * key[2]);
    const h = Math.max(0, (nx * key[0] + ny * key[1] + nz * (key[2] + 1)) * half);
    const h4 = h * h * h * h;
    const h16 = h4 * h4 * h4 * h4;
    shine = gloss * lit * (0.35 * h16 + 0.65 * h16 * h16 * h16);
  }
  for (let c = 0; c < 3; c++) {
    const k = wrap[c];
    const direct = Math.max(0, (towards + k) / (1 + k));
    const reach = c === 0 ? 0.5 * (lit + litRed) : lit;
    const around = light.below[c] + up * (light.above[c] - light.below[c]);
    out[c] =
      albedo[c] * (light.keyColour[c] * direct * reach + light.fillColour[c] * side * open) +
      // Light that meets skin in a hollow has met skin before: hollows are dark but warm.
      albedo[c] * around * (skin ? open + (1 - open) * albedo[c] * 0.7 : open) +
      light.keyColour[c] * shine;
  }
}
