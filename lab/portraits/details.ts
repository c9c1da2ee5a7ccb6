/** What is drawn with single strokes on the face: brows, beard, glasses. */
import type { Random } from '../../src/base/random.ts';
import { type Canvas, type Colour, mix, scaled } from './canvas.ts';
import { beardArea, browHalf, browLine, type Scene } from './face.ts';
import { halfWidth } from './head.ts';
import { shade } from './light.ts';

/** The hairs of both brows: upright at the nose, lying outward beyond. */
export function drawBrows(canvas: Canvas, scene: Scene, random: Random): void {
  const { person, head, light, eyes } = scene;
  const raised = eyes.expression.brows;
  const colour: Colour = [0, 0, 0];
  for (const side of [-1, 1]) {
    for (let k = 0; k < 150 * person.browDensity; k++) {
      const t = random.uniform(0, 0.94);
      const half = browHalf(person, t);
      const off = random.uniform(-1, 1);
      const [x, y] = browLine(person, raised, t);
      const v = y + off * half * 0.85;
      const length = random.uniform(0.03, 0.052) * (1 - 0.55 * t);
      const lean =
        -1.25 + 1.5 * Math.min(1, t * 1.5) + 0.35 * (off < 0 ? 1 : -1) * (t > 0.3 ? 1 : 0);
      const [du, dv] = [length * Math.cos(lean), length * Math.sin(lean)];
      const a = head.project(side * x, v, 0.005);
      const b = head.project(side * (x + du), v + dv, 0.012);
      shade(
        light,
        scaled(person.brow, random.uniform(0.6, 1.3)),
        [0, -0.1, 0.99],
        0.9,
        0.8,
        0,
        false,
        colour,
      );
      const width = 0.0048 * head.scale;
      canvas.segment(a[0], a[1], width, b[0], b[1], width * 0.45, colour, 0.62);
    }
  }
}

/** Beard and moustache, hair by hair. */
export function drawBeard(canvas: Canvas, scene: Scene, random: Random): void {
  const { person, head, light } = scene;
  const { shape } = person;
  const colour: Colour = [0, 0, 0];
  const base = mix(person.hair.colour, person.brow, 0.5);
  const wanted = Math.round(1500 * person.beard + 260 * person.moustache);
  const length = person.beardLength;
  const hairs: { u: number; v: number }[] = [];
  for (let k = 0; k < wanted; k++) {
    const u = random.uniform(-0.78, 0.78);
    const v = random.uniform(shape.noseY + 0.05, shape.chin - 0.01);
    const onLip = v < shape.mouthY && Math.abs(u) < shape.mouth * 1.1;
    const amount = onLip ? person.moustache : person.beard;
    const on = Math.abs(u) < 0.94 * halfWidth(shape, v);
    if (on && beardArea(person, u, v) * amount > random.next()) hairs.push({ u, v });
  }
  hairs.sort((a, b) => a.v - b.v);
  for (const { u, v } of hairs.reverse()) {
    const onLip = v < shape.mouthY && Math.abs(u) < shape.mouth * 1.1;
    const long = (onLip ? Math.min(0.07, length + 0.015) : length) * random.uniform(0.6, 1.2);
    const lean = u * 0.9 + 0.25 * random.normal() + (onLip ? Math.sign(u) * 0.7 : 0);
    const a = head.project(u, v, 0.002);
    const low = Math.min(shape.chin - 0.005, v + long * 0.7);
    const tip = head.project(u + lean * long * 0.6, low, 0.025);
    const over = (v + long * 0.7 - low) * head.scale;
    const nx = Math.max(-0.9, Math.min(0.9, u * 1.1));
    const normal: [number, number, number] = [nx, 0.25, Math.sqrt(1 - nx * nx) * 0.95];
    shade(light, scaled(base, random.uniform(0.5, 1.5)), normal, 0.75, 0.8, 0, false, colour);
    const width = 0.0055 * head.scale;
    canvas.segment(a[0], a[1], width, tip[0], tip[1] + over, width * 0.4, colour, 0.75);
  }
}

/** Glasses: two rims, a bridge, the temples; a thin reflection on the panes. */
export function drawGlasses(canvas: Canvas, scene: Scene): void {
  const { person, head, light } = scene;
  const { glasses, shape } = person;
  if (!glasses) return;
  const { side } = canvas;
  const colour: Colour = [0, 0, 0];
  shade(light, glasses.colour, [0, -0.2, 0.97], 0.9, 1, 0.15, false, colour);
  const width = glasses.rim * head.scale;
  const z = 0.8;
  const height = glasses.half * (0.86 - 0.05 * (glasses.round - 2));
  const middle = shape.eyeY + 0.035;
  const line = (a: readonly number[], b: readonly number[], w: number, c: Colour, alpha: number) =>
    canvas.segment(a[0], a[1], w, b[0], b[1], w, c, alpha);
  const centre = Math.max(shape.eyeX, glasses.half + 0.055);
  const dark: Colour = [0, 0, 0];
  for (const sign of [-1, 1]) {
    const outline = Array.from({ length: 49 }, (_, k) => {
      const angle = (k / 48) * 2 * Math.PI;
      const [c, s] = [Math.cos(angle), Math.sin(angle)];
      const power = 2 / glasses.round;
      const x = glasses.half * Math.sign(c) * Math.abs(c) ** power;
      const y = height * Math.sign(s) * Math.abs(s) ** power;
      return head.place(sign * centre + x, middle + y, z - 0.1 * (centre + sign * x) ** 2);
    });
    tintPane(canvas, outline, light.above, glasses.tint, side);
    const drop = 0.035 * head.scale;
    for (const shadow of [true, false]) {
      for (let k = 0; k < 48; k++) {
        const [a, b] = [outline[k], outline[k + 1]];
        if (shadow) {
          const s: number[][] = [a, b].map(([x, y]) => [x - light.key[0] * drop, y + drop * 0.8]);
          line(s[0], s[1], width * 1.3, dark, 0.16);
        } else line(a, b, width, colour, 0.95);
      }
    }
    const hinge = head.place(sign * (centre + glasses.half), middle - height * 0.5, z - 0.08);
    const ear = head.place(sign * (shape.cheek + 0.03), middle - 0.04, 0.05);
    line(hinge, ear, width * 1.1, colour, 0.95);
  }
  const inner = centre - glasses.half;
  let before = head.place(-inner, middle - height * 0.35, z);
  for (let k = 1; k <= 8; k++) {
    const t = (k / 8) * 2 - 1;
    const next = head.place(inner * t, middle - height * 0.35 - 0.03 * (1 - t * t), z + 0.03);
    line(before, next, width, colour, 0.95);
    before = next;
  }
}

/** A pane's tint and a slanted reflection, inside a closed outline. */
function tintPane(
  canvas: Canvas,
  outline: readonly (readonly number[])[],
  sky: Colour,
  tint: number,
  side: number,
): void {
  const ys = outline.map((p) => p[1]);
  const xs = outline.map((p) => p[0]);
  const [left, right] = [Math.min(...xs), Math.max(...xs)];
  const first = Math.max(0, Math.ceil(Math.min(...ys)));
  for (let y = first; y <= Math.min(side - 1, Math.max(...ys)); y++) {
    const crossings: number[] = [];
    for (let k = 0; k + 1 < outline.length; k++) {
      const [x0, y0] = outline[k];
      const [x1, y1] = outline[k + 1];
      if (y0 <= y + 0.5 !== y1 <= y + 0.5) {
        crossings.push(x0 + ((y + 0.5 - y0) / (y1 - y0)) * (x1 - x0));
      }
    }
    crossings.sort((a, b) => a - b);
    for (let x = Math.max(0, Math.ceil(crossings[0])); x < Math.min(side, crossings[1]); x++) {
      const across = (x - left) / (right - left) + (0.35 * (y - first)) / (right - left);
      const band = across > 0.25 && across < 0.42 ? 0.07 : 0.012;
      const at = (y * side + x) * 4;
      canvas.blend(at, 0, 0, 0, tint);
      canvas.blend(at, sky[0], sky[1], sky[2], band);
    }
  }
}
