/**
 * The head as a surface: an outline of rounded cross sections with the features' relief on it,
 * turned by the pose. Computed on a grid that is finer than the relief and coarser than the
 * picture: for every point seen, which point of the face it is, its normal, and its share of light.
 */
import { bell, clamp01, step } from './canvas.ts';
import type { Light } from './light.ts';
import type { FaceShape } from './person.ts';
import type { Expression, Pose } from './shot.ts';

const cell = 0.02;
const left = -1.1;
const top = -1.45;
const columns = 112;
const rows = 140;
const count = columns * rows;
/** Outlines are read millions of times and cost two powers each: tables, made once a head. */
const outlineSteps = 1024;
const columnOf = (x: number) => (x - left) / cell;
const rowOf = (y: number) => (y - top) / cell;

/** What the grid holds at each of its points. */
export const channel = { u: 0, v: 1, nx: 2, ny: 3, nz: 4, edge: 5, open: 6, lit: 7, scalp: 8 };
const channels = 9;

/** The skull under the hair, an ellipsoid: centre and half axes. */
export const skull = (shape: FaceShape) => ({
  y: -0.2,
  z: -0.14,
  rx: shape.cheek * 1.02,
  ry: -shape.crown - 0.2,
  rz: 0.94,
});

/** Half width of the unturned outline at height v, 0 outside of it. */
export function halfWidth(shape: FaceShape, v: number): number {
  const { cheek, crown, chin, jaw, jawRound } = shape;
  if (v <= crown || v >= chin) return 0;
  if (v > 0.1) return cheek * (1 - ((v - 0.1) / (chin - 0.1)) ** jaw) ** jawRound;
  return cheek * (1 - ((0.1 - v) / (0.1 - crown)) ** 3.1) ** 0.5;
}

/** How far the cross section at height v lies in front of the neck's axis. */
function sectionZ(shape: FaceShape, v: number): number {
  const { crown, chin } = shape;
  const w = halfWidth(shape, v);
  if (v > 0.1) return 0.8 - 0.5 * clamp01((v - 0.1) / (chin - 0.1)) ** 5 - w;
  return 0.8 * (1 - clamp01((0.1 - v) / (0.1 - crown)) ** 2.4) ** 0.5 - w;
}

/** 0 on the outline, above it inside; its gradient is well behaved where the outline is flat. */
function inside(shape: FaceShape, x: number, v: number): number {
  const { cheek, crown, chin, jaw, jawRound } = shape;
  const a = Math.abs(x) / cheek;
  if (v > 0.1) return 1 - a ** (1 / jawRound) - ((v - 0.1) / (chin - 0.1)) ** jaw;
  return 1 - a * a - ((0.1 - v) / (0.1 - crown)) ** 3.1;
}

/** The lowest height that the scalp reaches, by the angle from the front; in the skull's half axes. */
export function hairline(angle: number, receding: number): number {
  const a = Math.abs(angle);
  const temple = receding * 0.3 * bell((a - 0.62) / 0.28);
  const front = -0.53 - receding * 0.12 - temple + 0.03 * Math.cos(5 * a);
  if (a < 0.9) return front;
  if (a < 1.3) return front + (0.08 - front) * step(0.9, 1.3, a);
  return 0.08 + 0.6 * step(1.45, 2.5, a);
}

interface Bump {
  x: number;
  y: number;
  sx: number;
  sy: number;
  height: number;
}

function bumps(s: FaceShape, e: Expression, age: number): Bump[] {
  const smile = Math.max(0, e.smile);
  const half: Bump[] = [
    { x: 0.3, y: s.browY + 0.05, sx: 0.17, sy: 0.07, height: s.browRidge + 0.02 },
    { x: s.eyeX - 0.02, y: s.eyeY - 0.02, sx: 0.17, sy: 0.11, height: -0.1 },
    { x: s.eyeX, y: s.eyeY, sx: 0.11, sy: 0.085, height: 0.075 },
    { x: s.eyeX, y: s.eyeY + 0.15, sx: 0.12, sy: 0.03, height: 0.002 + 0.02 * age },
    { x: s.eyeX - 0.03, y: s.eyeY + 0.2, sx: 0.13, sy: 0.025, height: -0.004 - 0.016 * age },
    {
      x: 0.44,
      y: 0.28 - 0.04 * smile,
      sx: 0.17,
      sy: 0.15,
      height: s.cheekbone + 0.02 + 0.05 * smile,
    },
    { x: 0.62, y: -0.38, sx: 0.14, sy: 0.2, height: -0.04 },
    { x: 0.5, y: 0.62, sx: 0.15, sy: 0.17, height: -0.03 - 0.03 * age },
    { x: s.noseWidth * 0.82, y: s.noseY + 0.02, sx: 0.05, sy: 0.05, height: 0.085 },
    { x: s.noseWidth * 0.45, y: s.noseY + 0.075, sx: 0.032, sy: 0.022, height: -0.035 },
    { x: s.mouth + 0.035, y: s.mouthY - 0.02, sx: 0.035, sy: 0.05, height: -0.025 },
  ];
  // The fold from the nose to the corner of the mouth.
  for (let k = 0; k < 7; k++) {
    const t = k / 6;
    half.push({
      x: s.noseWidth + 0.05 + t * (s.mouth - s.noseWidth + 0.04) + 0.02 * Math.sin(3 * t),
      y: s.noseY - 0.01 + t * (s.mouthY - s.noseY - 0.02),
      sx: 0.03,
      sy: 0.045,
      height: -(0.003 + 0.014 * smile + 0.015 * age) * (1 - 0.5 * t),
    });
  }
  const middle: Bump[] = [
    { x: 0, y: s.noseY - 0.02, sx: s.noseTip + 0.015, sy: s.noseTip, height: 0.07 },
    { x: 0, y: s.mouthY, sx: 0.27, sy: 0.17, height: 0.06 },
    { x: 0, y: (s.noseY + s.mouthY) / 2 + 0.03, sx: 0.028, sy: 0.06, height: -0.018 },
    { x: 0, y: s.mouthY - 0.035, sx: s.mouth * 0.55, sy: 0.03, height: 0.03 },
    { x: 0, y: s.mouthY, sx: s.mouth * 0.65, sy: 0.017, height: -0.03 },
    { x: 0, y: s.mouthY + 0.055, sx: s.mouth * 0.48, sy: 0.036, height: 0.045 },
    { x: 0, y: s.mouthY + 0.145, sx: 0.13, sy: 0.04, height: -0.04 },
    { x: 0, y: s.chin - 0.12, sx: 0.16, sy: 0.1, height: s.chinHeight },
    { x: 0, y: -0.5, sx: 0.4, sy: 0.22, height: 0.03 },
    { x: 0, y: s.eyeY - 0.06, sx: 0.07, sy: 0.06, height: -0.02 },
  ];
  return [...middle, ...half, ...half.map((bump) => ({ ...bump, x: -bump.x }))];
}

/** The features' relief over the rounded head, on the grid of unturned points. */
function relief(shape: FaceShape, expression: Expression, age: number): Float32Array {
  const height = new Float32Array(count);
  for (const { x, y, sx, sy, height: h } of bumps(shape, expression, age)) {
    const x0 = Math.max(0, Math.ceil(columnOf(x - 3 * sx)));
    const x1 = Math.min(columns - 1, Math.floor(columnOf(x + 3 * sx)));
    const y0 = Math.max(0, Math.ceil(rowOf(y - 3 * sy)));
    const y1 = Math.min(rows - 1, Math.floor(rowOf(y + 3 * sy)));
    for (let j = y0; j <= y1; j++) {
      const across = h * bell((top + j * cell - y) / sy);
      for (let i = x0; i <= x1; i++) {
        height[j * columns + i] += across * bell((left + i * cell - x) / sx);
      }
    }
  }
  const { noseY, noseHeight, noseBridge, noseTip } = shape;
  const root = shape.eyeY - 0.16;
  for (let j = Math.ceil(rowOf(root)); j < rowOf(noseY + 0.14); j++) {
    const v = top + j * cell;
    const t = (v - root) / (noseY - root);
    const rise =
      noseHeight *
      (noseBridge * 0.6 * step(0, 0.45, t) + (1 - noseBridge * 0.6) * step(0.15, 1, t));
    const width = 0.058 + (noseTip - 0.03) * step(0.3, 1, t);
    for (let i = Math.ceil(columnOf(-0.34)); i < columnOf(0.34); i++) {
      const u = left + i * cell;
      // Seen from the front the nose's lower edge is a bow, highest at its sides.
      const end = v - noseY + 2.5 * u * u;
      height[j * columns + i] += rise * bell(u / width) * (1 - step(-0.02, 0.125, end));
    }
  }
  return height;
}

function sample(field: Float32Array, x: number, y: number): number {
  const cx = Math.min(columns - 1.001, Math.max(0, columnOf(x)));
  const cy = Math.min(rows - 1.001, Math.max(0, rowOf(y)));
  const i = Math.floor(cx);
  const j = Math.floor(cy);
  const s = cx - i;
  const at = j * columns + i;
  const above = field[at] + s * (field[at + 1] - field[at]);
  const below = field[at + columns] + s * (field[at + columns + 1] - field[at + columns]);
  return above + (cy - j) * (below - above);
}

/** Mean over a square of 2r + 1 grid points; borders repeated. */
function boxMean(field: Float32Array, r: number): Float32Array {
  const pass = (from: Float32Array, length: number, stride: number, lines: number, gap: number) => {
    const to = new Float32Array(count);
    for (let line = 0; line < lines; line++) {
      const base = line * gap;
      const at = (k: number) => from[base + Math.min(length - 1, Math.max(0, k)) * stride];
      let sum = 0;
      for (let k = -r; k <= r; k++) sum += at(k);
      for (let k = 0; k < length; k++) {
        to[base + k * stride] = sum / (2 * r + 1);
        sum += at(k + r + 1) - at(k - r);
      }
    }
    return to;
  };
  return pass(pass(field, columns, 1, rows, columns), rows, columns, columns, 1);
}

export class Head {
  readonly shape: FaceShape;
  readonly pose: Pose;
  readonly #relief: Float32Array;
  readonly #outline: { half: Float32Array; depth: Float32Array };
  readonly #grid = new Float32Array(count * channels);
  readonly #turn: { cos: number; sin: number; bow: number };
  readonly #roll: { cos: number; sin: number };
  readonly #side: number;

  /** @param side of the canvas, in pixels */
  constructor(
    shape: FaceShape,
    expression: Expression,
    age: number,
    receding: number,
    pose: Pose,
    light: Light,
    side: number,
  ) {
    this.shape = shape;
    this.pose = pose;
    this.#side = side;
    this.#turn = { cos: Math.cos(pose.yaw), sin: Math.sin(pose.yaw), bow: Math.sin(pose.pitch) };
    this.#roll = { cos: Math.cos(pose.roll), sin: Math.sin(pose.roll) };
    this.#relief = relief(shape, expression, age);
    const height = (k: number) =>
      shape.crown + ((shape.chin - shape.crown) * k) / (outlineSteps - 1);
    const table = (of: (shape: FaceShape, v: number) => number) =>
      Float32Array.from({ length: outlineSteps }, (_, k) => of(shape, height(k)));
    this.#outline = { half: table(halfWidth), depth: table(sectionZ) };
    this.#light(this.#shapeGrid(receding), light);
  }

  /** Pixels per head unit. */
  get scale(): number {
    return this.pose.scale * this.#side;
  }

  /** Where a point of the unturned head's space is seen: canvas x, y, and z in head units. */
  place(x: number, y: number, z: number): [number, number, number] {
    const { cos, sin, bow } = this.#turn;
    const zs = z * cos - x * sin;
    const sx = x * cos + z * sin;
    const sy = y + (zs - 0.55) * bow;
    return [...this.#pixel(sx, sy), zs];
  }

  #pixel(x: number, y: number): [number, number] {
    const { cos, sin } = this.#roll;
    const { scale } = this;
    return [
      this.pose.x * this.#side + (x * cos - y * sin) * scale,
      this.pose.y * this.#side + (x * sin + y * cos) * scale,
    ];
  }

  /** The point of the turned but upright head under a canvas position. */
  upright(px: number, py: number): [number, number] {
    const { cos, sin } = this.#roll;
    const dx = (px - this.pose.x * this.#side) / this.scale;
    const dy = (py - this.pose.y * this.#side) / this.scale;
    return [dx * cos + dy * sin, dy * cos - dx * sin];
  }

  /** Where a point of the face is seen, lifted off the skin by so much. */
  project(u: number, v: number, lift = 0): [number, number, number] {
    const w = halfWidth(this.shape, v);
    const round = Math.sqrt(Math.max(0, w * w - u * u));
    const z = sectionZ(this.shape, v) + round + sample(this.#relief, u, v) + lift;
    return this.place(u, v, z);
  }

  /** The grid's values under a point of the upright head, into `out`. False outside the grid. */
  read(x: number, y: number, out: Float32Array): boolean {
    const cx = columnOf(x);
    const cy = rowOf(y);
    if (cx < 0 || cy < 0 || cx >= columns - 1 || cy >= rows - 1) return false;
    const i = Math.floor(cx);
    const j = Math.floor(cy);
    const s = cx - i;
    const t = cy - j;
    const a = (1 - s) * (1 - t);
    const b = s * (1 - t);
    const c = (1 - s) * t;
    const d = s * t;
    const at = (j * columns + i) * channels;
    const below = at + columns * channels;
    const g = this.#grid;
    for (let k = 0; k < channels; k++) {
      out[k] =
        a * g[at + k] + b * g[at + channels + k] + c * g[below + k] + d * g[below + channels + k];
    }
    return true;
  }

  /** Finds the face's point at each grid point by iteration; returns the heights seen. */
  #shapeGrid(receding: number): Float32Array {
    const { shape } = this;
    const grid = this.#grid;
    const { cos, sin, bow } = this.#turn;
    const yaw = this.pose.yaw;
    const ball = skull(shape);
    const { half, depth } = this.#outline;
    const heights = new Float32Array(count);
    for (let j = 0; j < rows; j++) {
      const y = top + j * cell;
      for (let i = 0; i < columns; i++) {
        const x = left + i * cell;
        let u = x;
        let v = y;
        let raised = 0;
        let zs = 0;
        let w = 0;
        let zc = 0;
        let beyond = 0;
        for (let k = 0; k < 5; k++) {
          const t = (v - shape.crown) / (shape.chin - shape.crown);
          const row = Math.round(Math.max(0, Math.min(1, t)) * (outlineSteps - 1));
          w = Math.max(0.04, half[row]);
          zc = depth[row];
          const s = (x - (zc + raised) * sin) / w;
          const angle = Math.asin(Math.max(-1, Math.min(1, s)));
          const own = angle - yaw;
          beyond = Math.max(0, Math.abs(own) - Math.PI / 2);
          u = w * Math.sin(own);
          zs = w * Math.cos(angle) + (zc + raised) * cos;
          v = y - (zs - 0.55) * bow;
          raised = beyond > 0 ? 0 : sample(this.#relief, u, v);
        }
        const n = j * columns + i;
        heights[n] = zs;
        const at = n * channels;
        grid[at + channel.u] = u + Math.sign(u) * beyond;
        grid[at + channel.v] = v;
        grid[at + channel.edge] = inside(shape, x - zc * sin, v);
        const z = zc + Math.sqrt(Math.max(0, w * w - u * u)) * (beyond > 0 ? -1 : 1);
        const around = Math.atan2(u / ball.rx, (z - ball.z) / ball.rz);
        grid[at + channel.scalp] = hairline(around, receding) - (v - ball.y) / ball.ry;
      }
    }
    return heights;
  }

  /** Normals, distances from the outline, and how much of sky and key light reaches each point. */
  #light(heights: Float32Array, { key }: Light): void {
    const grid = this.#grid;
    const near = boxMean(heights, 4);
    const far = boxMean(heights, 10);
    const edge = new Float32Array(count);
    for (let n = 0; n < count; n++) edge[n] = grid[n * channels + channel.edge];
    for (let j = 1; j < rows - 1; j++) {
      for (let i = 1; i < columns - 1; i++) {
        const n = j * columns + i;
        const at = n * channels;
        const ex = (edge[n + 1] - edge[n - 1]) / (2 * cell);
        const ey = (edge[n + columns] - edge[n - columns]) / (2 * cell);
        const distance = edge[n] / (Math.hypot(ex, ey) + 1e-3);
        const dx = (heights[n + 1] - heights[n - 1]) / (2 * cell);
        const dy = (heights[n + columns] - heights[n - columns]) / (2 * cell);
        const length = Math.sqrt(dx * dx + dy * dy + 1);
        grid[at + channel.nx] = -dx / length;
        grid[at + channel.ny] = -dy / length;
        grid[at + channel.nz] = 1 / length;
        const inner = step(0, 0.2, distance);
        const hollow = 4 * (near[n] - heights[n]) + 1.3 * (far[n] - heights[n]);
        grid[at + channel.open] = Math.max(0.4, Math.min(1.1, 1 - 0.85 * inner * hollow));
        grid[at + channel.edge] = Math.max(-0.5, Math.min(0.5, distance));
        if (distance > -0.05) grid[at + channel.lit] = this.#reached(heights, i, j, key);
      }
    }
  }

  /** The share of the key light that no part of the face in front takes away: a march towards it. */
  #reached(heights: Float32Array, i: number, j: number, key: readonly number[]): number {
    let hidden = 0;
    const start = heights[j * columns + i];
    for (let k = 1; k <= 16; k++) {
      const far = k * 1.4;
      const x = Math.round(i + key[0] * far);
      const y = Math.round(j + key[1] * far);
      if (x < 0 || y < 0 || x >= columns || y >= rows) break;
      const above = heights[y * columns + x] - (start + key[2] * far * cell + 0.012);
      hidden = Math.max(hidden, above / (0.35 * far * cell + 0.012));
    }
    return 1 - 0.92 * step(0, 1, hidden);
  }
}
