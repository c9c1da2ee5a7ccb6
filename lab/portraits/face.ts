/** The face's skin with everything that lies in it, painted pixel by pixel over the head's grid. */
import { bell, type Canvas, type Colour, clamp01, scaled, step } from './canvas.ts';
import type { EyePainter } from './eyes.ts';
import { channel, type Head } from './head.ts';
import { type Light, shade, type Vector } from './light.ts';
import type { MouthPainter, MouthPoint } from './mouth.ts';
import type { Noise } from './noise.ts';
import type { Person } from './person.ts';

/** Everything that a layer of the portrait is painted from. */
export interface Scene {
  person: Person;
  light: Light;
  head: Head;
  noise: Noise;
  eyes: EyePainter;
  mouth: MouthPainter;
}

/** The part of the face where a beard grows, 0 to 1. */
export function beardArea(person: Person, u: number, v: number): number {
  const { shape } = person;
  const a = Math.abs(u);
  const cheekLine = shape.mouthY - 0.12 - 0.42 * step(0.36, shape.cheek, a);
  const jaw = step(cheekLine - 0.07, cheekLine + 0.09, v) * step(0.16, 0.36, a);
  const chin = step(shape.mouthY + 0.1, shape.mouthY + 0.19, v);
  const lip =
    step(shape.noseY + 0.09, shape.noseY + 0.14, v) *
    (1 - step(shape.mouthY - 0.07, shape.mouthY - 0.03, v)) *
    (1 - step(shape.mouth * 0.85, shape.mouth * 1.15, a));
  const lips =
    1 -
    bell((v - shape.mouthY - 0.02) / (shape.lipDown * 0.8)) *
      (1 - step(shape.mouth * 0.8, shape.mouth * 1.05, a));
  return Math.max(jaw * lips, chin * lips, lip);
}

/** The skin's own colour at a point of the face, into `albedo`. */
function skinColour(person: Person, noise: Noise, u: number, v: number, albedo: Colour): void {
  const { skin, shape, age } = person;
  const [nu, nv] = [u + person.noise[0], v + person.noise[1]];
  const a = Math.abs(u);
  const cheek = bell(Math.hypot(a - 0.44, v - 0.32) / 0.17);
  const nose = bell(Math.hypot(u, v - shape.noseY) / 0.12);
  const chin = bell(Math.hypot(u, v - shape.chin + 0.13) / 0.16);
  const patches = noise.octaves(nu * 5, nv * 5, 3);
  const red = skin.flush * (0.75 * cheek + 0.7 * nose + 0.3 * chin) + 0.35 * skin.mottle * patches;
  const under = bell(Math.hypot((a - shape.eyeX + 0.03) / 1.5, v - shape.eyeY - 0.15) / 0.055);
  const socket = bell(Math.hypot((a - shape.eyeX + 0.06) / 1.5, v - shape.eyeY + 0.03) / 0.11);
  const dim = 1 - 0.2 * skin.circles * under - 0.1 * (0.4 + skin.circles) * socket;
  const fine = noise.at(nu * skin.poreSize, nv * skin.poreSize);
  const finer = noise.at(nu * skin.poreSize * 2.1, nv * skin.poreSize * 2.1);
  let value = dim * (1 + 0.08 * skin.mottle * noise.at(nu * 11, nv * 11));
  value *= 1 + skin.pores * (0.05 * fine + 0.05 * finer);
  if (skin.freckles > 0) {
    const where = bell(Math.hypot(a - 0.3, (v - 0.22) * 1.3) / 0.2) + 0.15;
    const spots = noise.dots(nu * 17 + nv * 7, nv * 17 - nu * 7) * clamp01(where * 1.4);
    value *= 1 - 0.4 * skin.freckles * spots;
  }
  const shadow =
    person.stubble > 0 && v > 0
      ? person.stubble * beardArea(person, u, v) * (0.75 + 0.5 * finer)
      : 0;
  albedo[0] = skin.colour[0] * value * (1 + 0.06 * red) * (1 - 0.26 * shadow);
  albedo[1] = skin.colour[1] * value * (1 - 0.17 * red) * (1 - 0.2 * shadow);
  albedo[2] = skin.colour[2] * value * (1 - 0.16 * red) * (1 - 0.12 * shadow);
  for (const mole of skin.moles) {
    const d = Math.hypot(u - mole.u, v - mole.v) / mole.radius;
    if (d < 1.6) {
      const dark = mole.dark * (1 - step(0.6, 1.5, d));
      for (let c = 0; c < 3; c++) albedo[c] *= 1 - dark * [0.6, 0.75, 0.8][c];
    }
  }
  if (age > 0.35) {
    const spots = step(0.5, 0.75, noise.at(nu * 9 + 31, nv * 9)) * (age - 0.35);
    for (let c = 0; c < 3; c++) albedo[c] *= 1 - 0.3 * spots;
  }
}

/** Lines of age: how much light they leave. */
function wrinkles(person: Person, noise: Noise, u: number, v: number): number {
  const { shape, age } = person;
  const a = Math.abs(u);
  let dark = 0;
  if (age > 0.3) {
    const strength = (age - 0.3) * 0.55;
    if (v < shape.browY - 0.08) {
      const wave = 0.03 * noise.at(u * 3 + person.noise[0], 4.5) + 0.05 * u * u;
      const phase = (v - wave - shape.browY + 0.14) / 0.085;
      const near = phase - Math.round(phase);
      const kept = clamp01(0.6 + noise.at(u * 4, Math.round(phase) * 3.3 + person.noise[1]));
      const place = step(-3.6, -3, phase) * (1 - step(-0.3, 0.4, phase)) * (1 - step(0.3, 0.55, a));
      dark += 0.7 * strength * kept * place * bell(near / 0.11);
    }
    const x = a - shape.eyeX - shape.eye * 1.1;
    const angle = Math.atan2(v - shape.eyeY - 0.01, x + 0.05);
    if (x > 0 && x < 0.2 && Math.abs(angle) < 0.95) {
      const fan = angle / 0.36;
      const near = fan - Math.round(fan);
      const place =
        step(0, 0.04, x) * (1 - step(0.06, 0.18, x)) * (1 - step(0.6, 0.95, Math.abs(angle)));
      dark += 0.5 * strength * bell(near / 0.16) * place;
    }
    const frown = bell((a - 0.055) / 0.011) * bell((v - shape.browY - 0.02) / 0.05);
    dark += strength * frown * 0.8;
  }
  return 1 - Math.min(0.5, dark);
}

/** Creases and holes of the nose: how much light they leave. */
function nostrils(person: Person, u: number, v: number): number {
  const { noseY, noseWidth } = person.shape;
  const a = Math.abs(u);
  if (a > 0.36 || v < noseY - 0.15 || v > noseY + 0.2) return 1;
  const x = (a - noseWidth * 0.46) / (noseWidth * 0.27);
  const y = (v - noseY - 0.066 + 0.1 * (a - noseWidth * 0.46)) / 0.023;
  const hole = 1 - step(0.45, 1.35, Math.hypot(x, y));
  const wing = Math.hypot((a - noseWidth * 0.62) / (noseWidth * 0.52), (v - noseY - 0.01) / 0.085);
  const outer = bell((wing - 1) / 0.13) * step(noseWidth * 0.7, noseWidth * 0.95, a);
  const under = bell((v - noseY - 0.1) / 0.022) * (1 - step(0.05, noseWidth, a));
  return (1 - 0.86 * hole) * (1 - 0.3 * outer) * (1 - 0.25 * under);
}

/**
 * Paints the face.
 * @param above what is laid over the face later: where it hides the face, nothing is painted
 * @param hair how much of the light above a canvas pixel the hair takes, 0 to 1
 */
export function paintFace(
  canvas: Canvas,
  scene: Scene,
  above: Canvas,
  hair: (x: number, y: number) => number,
): void {
  const { person, light, head, noise, eyes, mouth } = scene;
  const { side } = canvas;
  const { shape, skin } = person;
  const pixel = 1 / head.scale;
  const grid = new Float32Array(9);
  const albedo: Colour = [0, 0, 0];
  const colour: Colour = [0, 0, 0];
  const ball: Colour = [0, 0, 0];
  const normal: Vector = [0, 0, 1];
  const lips: MouthPoint = { light: 1, gloss: 0, teeth: 0 };
  const cropped = person.hair.kind === 'buzz' || person.hair.kind === 'bald';
  const scalpColour = scaled(person.hair.colour, 0.7);
  const { cos, sin } = { cos: Math.cos(head.pose.roll), sin: Math.sin(head.pose.roll) };
  const [mx, my] = [head.pose.x * side, head.pose.y * side];
  const reach = 1.35 * head.scale;
  const y0 = Math.max(0, Math.floor(my - reach));
  const y1 = Math.min(side, Math.ceil(my + reach));
  const x0 = Math.max(0, Math.floor(mx - reach));
  const x1 = Math.min(side, Math.ceil(mx + reach));
  for (let py = y0; py < y1; py++) {
    for (let px = x0; px < x1; px++) {
      const dx = (px + 0.5 - mx) * pixel;
      const dy = (py + 0.5 - my) * pixel;
      const to = (py * side + px) * 4;
      if (above.data[to + 3] > 0.995) continue;
      if (!head.read(dx * cos + dy * sin, dy * cos - dx * sin, grid)) continue;
      const cover = clamp01(grid[channel.edge] * head.scale + 0.5);
      if (cover <= 0) continue;
      const u = grid[channel.u];
      const v = grid[channel.v];
      skinColour(person, noise, u, v, albedo);
      let dark = wrinkles(person, noise, u, v) * nostrils(person, u, v);
      let lit = grid[channel.lit];
      let open = grid[channel.open];
      const taken = hair(px, py);
      lit *= 1 - 0.85 * taken;
      open *= 1 - 0.4 * taken;

      const brow = browArea(person, scene.eyes.expression.brows, u, v);
      if (brow > 0) {
        const tint = brow * 0.72 * person.browDensity;
        for (let c = 0; c < 3; c++) albedo[c] += tint * (person.brow[c] - albedo[c]);
      }
      const ex = (Math.abs(u) - shape.eyeX) / shape.eye;
      const ey = (v - shape.eyeY) / shape.eye - shape.eyeTilt * ex;
      const nearEye = ex > -1.6 && ex < 1.7 && ey > -1.3 && ey < 1;
      if (nearEye) dark *= eyes.skin(ex, ey, albedo);
      lips.light = 1;
      lips.gloss = 0;
      lips.teeth = 0;
      if (Math.abs(v - shape.mouthY) < 0.25) mouth.paint(u, v, pixel, albedo, lips);

      const scalp = grid[channel.scalp];
      let bare = 1;
      if (scalp > -0.2) {
        const nu = u * 14 + person.noise[0];
        const nv = v * 14 + person.noise[1];
        const ragged = 0.02 * noise.at(nu, nv) + 0.02 * noise.at(nu * 4, nv * 1.5);
        let roots = step(-0.02, 0.14, scalp + ragged) * (cropped ? 0.85 : 0.93);
        if (person.hair.kind === 'bald') roots *= step(1.0, 1.5, Math.abs(u) * 1.9 + v * 0.55);
        const grain = cropped ? 1 + 0.4 * noise.at(nu * 4.5, nv * 4.5) : 0.75;
        for (let c = 0; c < 3; c++) albedo[c] += roots * (scalpColour[c] * grain - albedo[c]);
        bare = 1 - roots;
      }

      const pores = skin.pores * bare;
      const pu = (u + person.noise[0]) * skin.poreSize;
      const pv = (v + person.noise[1]) * skin.poreSize;
      const bumpX = 0.07 * pores * noise.at(pu * 1.4 + 11, pv * 1.4);
      const bumpY = 0.07 * pores * noise.at(pu * 1.4, pv * 1.4 + 23);
      normal[0] = grid[channel.nx] + bumpX;
      normal[1] = grid[channel.ny] + bumpY;
      normal[2] = grid[channel.nz];
      const length = Math.hypot(normal[0], normal[1], normal[2]);
      for (let c = 0; c < 3; c++) normal[c] /= length;
      const oily =
        skin.gloss *
        (0.45 +
          0.6 * bell(Math.hypot(u, v - shape.noseY + 0.04) / 0.14) +
          0.45 * bell(Math.hypot(u / 1.6, v + 0.48) / 0.2) +
          0.3 * bell(Math.hypot(Math.abs(u) - 0.42, v - 0.2) / 0.12)) *
        (1 + 0.3 * noise.at(pu * 0.9, pv * 0.9));
      const gloss = oily * bare * (1 - lips.teeth) + lips.gloss;
      shade(light, albedo, normal, open * (0.4 + 0.6 * dark), lit, gloss, true, colour);
      const all = dark * lips.light;
      for (let c = 0; c < 3; c++) colour[c] *= c === 0 ? all ** 0.85 : all;
      if (nearEye) {
        const soft = pixel / shape.eye;
        const seen = eyes.ball(Math.sign(u), ex, ey, soft, lit, ball);
        for (let c = 0; c < 3; c++) colour[c] += seen * (ball[c] - colour[c]);
      }
      canvas.blend(to, colour[0], colour[1], colour[2], cover);
    }
  }
}

/** The brow's middle line at t from its inner (0) to its outer end (1), as a point of the face. */
export function browLine(person: Person, raised: number, t: number): [number, number] {
  const { shape } = person;
  const x = shape.eyeX - shape.eye * 1.22 + t * shape.eye * 2.55;
  const peak = t < 0.65 ? Math.sin((t / 0.65) * (Math.PI / 2)) : Math.cos((t - 0.65) * 2.6);
  const y = shape.browY - raised + shape.browTilt * (t - 0.5) * 0.6 + 0.02 - shape.browArch * peak;
  return [x, y];
}

/** Half the brow's height at t. */
export const browHalf = (person: Person, t: number) =>
  person.shape.browHalf * step(-0.06, 0.16, t) * (1 - 0.8 * step(0.45, 1.02, t));

function browArea(person: Person, raised: number, u: number, v: number): number {
  const { shape } = person;
  if (Math.abs(v - shape.browY + raised) > 0.16) return 0;
  const t = (Math.abs(u) - shape.eyeX + shape.eye * 1.22) / (shape.eye * 2.55);
  if (t < 0 || t > 1) return 0;
  const [, y] = browLine(person, raised, t);
  const half = browHalf(person, t) + 0.006;
  return 1 - step(0.4, 1.3, Math.abs(v - y) / half);
}

/** The skin's colour away from the face (neck, ears), without what only a face has. */
export function plainSkin(person: Person, noise: Noise, x: number, y: number, red: number): Colour {
  const { skin } = person;
  const [nu, nv] = [x + person.noise[0], y + person.noise[1]];
  const fine = noise.at(nu * skin.poreSize, nv * skin.poreSize);
  const value =
    1 + 0.08 * skin.mottle * noise.octaves(nu * 6, nv * 6, 2) + 0.05 * skin.pores * fine;
  const [r, g, b] = scaled(skin.colour, value);
  return [r * (1 + 0.05 * red), g * (1 - 0.18 * red), b * (1 - 0.18 * red)];
}
