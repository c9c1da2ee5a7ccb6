/**
 * Hair of the head: guide strands grow from the scalp, combed by a field, pulled by gravity and
 * kept off the skull; each carries a lock of strands that draw together towards their tips.
 * Strands are lit as thin cylinders (Kajiya and Kay, "Rendering Fur with Three Dimensional
 * Textures", SIGGRAPH 1989).
 */
import type { Random } from '../../src/base/random.ts';
import { type Canvas, type Colour, clamp01, scaled } from './canvas.ts';
import type { Scene } from './face.ts';
import { hairline, skull } from './head.ts';
import { unit, type Vector } from './light.ts';
import type { HairKind, Person } from './person.ts';

interface Style {
  guides: number;
  strands: number;
  /** Radius of a lock at its root, and what of it is left at the tip. */
  lock: number;
  taper: number;
  gravity: number;
  /** How far the growth stands off the skull at the root. */
  lift: number;
  coil: number;
  steps: number;
  /** Half width of a strand in head units. */
  width: number;
}

const common = { lock: 0.035, taper: 0.8, gravity: 1, lift: 0.3, coil: 0, steps: 10, width: 0.006 };

const styles: Record<HairKind, Style> = {
  bald: { ...common, guides: 90, strands: 7, gravity: 0.5, steps: 4, width: 0.005 },
  buzz: { ...common, guides: 260, strands: 8, lock: 0.05, gravity: 0, steps: 2, width: 0.005 },
  parted: { ...common, guides: 300, strands: 6, gravity: 0.8 },
  swept: { ...common, guides: 300, strands: 6, gravity: 0, lift: 0.75 },
  fringe: { ...common, guides: 300, strands: 6, gravity: 1.6, taper: 0.6 },
  bob: { ...common, guides: 230, strands: 8, lock: 0.045, gravity: 2.6, steps: 15 },
  long: { ...common, guides: 230, strands: 8, lock: 0.045, gravity: 2.6, steps: 18 },
  curls: { ...common, guides: 330, strands: 5, gravity: 0.35, lift: 1.1, coil: 0.05, steps: 14 },
  tied: { ...common, guides: 260, strands: 7, gravity: 0, lift: 0.1, steps: 12, width: 0.005 },
};

interface Strand {
  /** x, y, z of canvas pixels and head units, and the brightness of each point. */
  points: Float32Array;
  width: number;
  colour: Colour;
  order: number;
  /** Grows well inside the hairline, where an undercoat may lie. */
  deep: boolean;
  /** 1 - this is how dark it is towards its root. */
  root: number;
}

/** Where hair is combed from a root: a direction, made tangential by the caller. */
function combed(person: Person, x: number, y: number, z: number): Vector {
  const { kind, part } = person.hair;
  const high = y < -0.55;
  const across = x - part * (z > -0.3 ? 1 : 0.3);
  const away = Math.max(-1, Math.min(1, across / 0.12));
  const combedTo = -Math.sign(part) || 1;
  switch (kind) {
    case 'parted':
      if (!high) return [0.1 * Math.sign(x), 1, -0.35];
      return [away * 1.1, 0.1, away === combedTo ? 0.35 : -0.1];
    case 'swept':
      return high ? [0.25 * combedTo + 0.3 * x, -0.35, -1] : [0.1 * Math.sign(x), 0.7, -0.8];
    case 'fringe':
      return z > -0.2 && high ? [0.45 * x + 0.28 * combedTo, 0.6, 1] : [0.2 * x, 1, -0.15];
    case 'bob':
    case 'long':
      return [away * 1.1, 0.25, -0.28];
    case 'tied':
      return [-0.35 * x, -0.25 - 0.5 * Math.max(0, y + 0.2), -1];
    case 'curls':
    case 'buzz':
      return [x, y * 0.5 - 0.2, 0.3 * z];
    case 'bald':
      return [0, 1, -0.5];
  }
}

/** Length of the hair that grows at a root. */
function lengthAt(person: Person, x: number, y: number, z: number, angle: number): number {
  const { kind, length } = person.hair;
  const lower = clamp01((y + 0.62) / 0.4);
  if (kind === 'parted' || kind === 'swept') return length * (1 - 0.72 * lower);
  if (kind === 'fringe') {
    if (z > 0 && Math.abs(angle) < 0.8) return length;
    return length * (1 - 0.5 * lower) + 0.25 * clamp01(Math.abs(x) - 0.4);
  }
  if (kind === 'curls') return length * (1 - 0.35 * lower);
  return length;
}

/** Grows all strands of the head. */
export function growHair(scene: Scene, random: Random): Strand[] {
  const { person, head } = scene;
  const { hair, shape } = person;
  const style = styles[hair.kind];
  const ball = skull(shape);
  const strands: Strand[] = [];
  const guide = new Float32Array((style.steps + 1) * 3);
  const phaseOfAll = random.uniform(0, 6);
  const falls = hair.kind === 'bob' || hair.kind === 'long';
  for (let tries = 0, grown = 0; grown < style.guides && tries < style.guides * 12; tries++) {
    const dy = random.uniform(-1, 0.8);
    const angle = random.uniform(-Math.PI, Math.PI);
    const limit = hairline(angle, hair.receding);
    if (dy > limit - 0.02 * random.next()) continue;
    // What lies behind the head is not seen but at its sides.
    if (Math.abs(angle) > 2.2 && dy > -0.5 && !random.chance(falls ? 0.7 : 0.3)) continue;
    const ring = Math.sqrt(1 - dy * dy);
    const direction: Vector = [Math.sin(angle) * ring, dy, Math.cos(angle) * ring];
    const root: Vector = [
      direction[0] * ball.rx,
      ball.y + dy * ball.ry,
      ball.z + direction[2] * ball.rz,
    ];
    if (hair.kind === 'bald' && Math.abs(root[0]) * 1.9 + root[1] * 0.55 < 1.25) continue;
    grown++;
    const layer = random.next();
    const stand = 1 + hair.volume * (0.25 + 1.1 * layer);
    const length =
      lengthAt(person, ...root, angle) *
      random.uniform(0.82, 1.12) *
      (hair.kind === 'buzz' ? 0.8 : 1);
    growGuide(guide, root, direction, length, stand, style, person, random, phaseOfAll);
    const shadeOfLock = random.uniform(0.86, 1.16);
    for (let k = 0; k < style.strands; k++) {
      const strand = follow(guide, scene, style, shadeOfLock, random);
      // Roof tiles: what grows lower and nearer to the skull lies below.
      strand.order = layer * 0.35 - root[1] * 0.6 + root[2] * 0.25 + 0.1 * random.next();
      strand.deep = dy < limit - 0.16;
      strand.width *= strand.deep ? 1 : 0.75;
      strand.width *= hair.thickness * head.scale;
      strands.push(strand);
    }
  }
  return strands.sort((a, b) => a.order - b.order);
}

function growGuide(
  out: Float32Array,
  root: Vector,
  normal: Vector,
  length: number,
  stand: number,
  style: Style,
  person: Person,
  random: Random,
  phaseOfAll: number,
): void {
  const ball = skull(person.shape);
  const { hair } = person;
  const comb = combed(person, ...root);
  const along = comb[0] * normal[0] + comb[1] * normal[1] + comb[2] * normal[2];
  const flat = unit([
    comb[0] - along * normal[0] + 0.16 * random.normal(),
    comb[1] - along * normal[1] + 0.12 * random.normal(),
    comb[2] - along * normal[2] + 0.16 * random.normal(),
  ]);
  const lift = style.lift * random.uniform(0.6, 1.3);
  let heading = unit([
    flat[0] + lift * normal[0],
    flat[1] + lift * normal[1],
    flat[2] + lift * normal[2],
  ]);
  const [rx, ry, rz] = [ball.rx * stand, ball.ry * stand, ball.rz * stand];
  const p: Vector = [root[0], root[1], root[2]];
  const ds = length / style.steps;
  const phase = phaseOfAll + 0.7 * random.normal() + root[0] * 2;
  const falls = hair.kind === 'bob' || hair.kind === 'long';
  const drape = 0.14 * random.next() - 0.04;
  const turn = random.uniform(5, 9) * (random.chance(0.5) ? 1 : -1);
  for (let k = 0; k <= style.steps; k++) {
    const s = k * ds;
    const wave = hair.wave * Math.min(1, s / 0.35) * Math.sin((s / hair.waveLength) * 6.28 + phase);
    const c = style.coil * Math.min(1, (k / style.steps) * 3);
    out[k * 3] = p[0] + wave + c * Math.cos(phase + (k / style.steps) * turn);
    out[k * 3 + 1] = p[1] + c * Math.sin(phase + (k / style.steps) * turn);
    out[k * 3 + 2] = p[2] + wave * 0.6;
    for (let i = 0; i < 3; i++) p[i] += heading[i] * ds;
    const dx = p[0] / rx;
    const dy = (p[1] - ball.y) / ry;
    const dz = (p[2] - ball.z) / rz;
    const inside = Math.sqrt(dx * dx + dy * dy + dz * dz);
    // What hangs free straightens out.
    const kept = falls && p[1] > 0 ? 1 - Math.min(0.5, 2.5 * ds) : 1;
    heading = [heading[0] * kept, heading[1] + style.gravity * ds, heading[2] * kept];
    if (inside < 1) {
      p[0] = (dx / inside) * rx;
      p[1] = ball.y + (dy / inside) * ry;
      p[2] = ball.z + (dz / inside) * rz;
    }
    // Above the ears hair lies down on its layer; what stands off is only its first part.
    const clings = hair.kind !== 'curls' && p[1] < 0.1 && inside > 1;
    if (inside < 1 || clings) {
      const n = unit([dx / rx, dy / ry, dz / rz]);
      const out = heading[0] * n[0] + heading[1] * n[1] + heading[2] * n[2];
      const bend = inside < 1 ? (out < 0 ? 1 : 0) : 0.75;
      for (let i = 0; i < 3; i++) heading[i] -= bend * out * n[i];
    }
    heading = unit(heading);
    const widest = person.shape.cheek * (1.16 + drape);
    if (falls && p[1] > 0 && Math.abs(p[0]) > widest) {
      p[0] += (Math.sign(p[0]) * widest - p[0]) * Math.min(1, 3 * ds);
    }
    if (falls) fallBeside(p, heading, person, drape);
  }
}

/** Long hair is worn out of the face: what would hang before it is led to its sides. */
function fallBeside(p: Vector, heading: Vector, { shape, hair }: Person, drape: number): void {
  if (p[2] < 0 || p[1] < -0.62) return;
  const side = p[0] < hair.part * 0.5 ? -1 : 1;
  const limit = shape.cheek * (0.62 + 0.3 * clamp01((p[1] + 0.62) / 0.5) + drape);
  if (p[0] * side > limit) return;
  p[0] += (side * limit - p[0]) * 0.5;
  heading[0] = Math.max(0.2, heading[0] * side) * side * 0.5;
}

function follow(
  guide: Float32Array,
  { person, head, light }: Scene,
  style: Style,
  shadeOfLock: number,
  random: Random,
): Strand {
  const { hair, shape } = person;
  const ball = skull(shape);
  const count = guide.length / 3;
  const offset: Vector = [
    style.lock * random.normal(),
    style.lock * 0.7 * random.normal(),
    style.lock * 0.7 * random.normal(),
  ];
  const cut = random.uniform(0.86, 1);
  const points = new Float32Array(count * 4);
  const half = unit([light.key[0], light.key[1], light.key[2] + 1]);
  const { cos, sin } = { cos: Math.cos(head.pose.yaw), sin: Math.sin(head.pose.yaw) };
  for (let k = 0; k < count; k++) {
    const t = k / (count - 1);
    const draw = 1 - (1 - style.taper) * t;
    // Shorter strands stop earlier on their guide.
    const at = Math.min(count - 1.001, t * cut * (count - 1));
    const i = Math.floor(at);
    const s = at - i;
    const point = (c: number) =>
      guide[i * 3 + c] + s * (guide[i * 3 + 3 + c] - guide[i * 3 + c]) + offset[c] * draw;
    const [x, y, z] = [point(0), point(1), point(2)];
    const [px, py, pz] = head.place(x, y, z);
    points[k * 4] = px;
    points[k * 4 + 1] = py;
    points[k * 4 + 2] = pz;
    const tangent = unit([
      guide[i * 3 + 3] - guide[i * 3],
      guide[i * 3 + 4] - guide[i * 3 + 1],
      guide[i * 3 + 5] - guide[i * 3 + 2],
    ]);
    const tx = tangent[0] * cos + tangent[2] * sin;
    const tz = tangent[2] * cos - tangent[0] * sin;
    const alongKey = tx * light.key[0] + tangent[1] * light.key[1] + tz * light.key[2];
    const alongHalf = tx * half[0] + tangent[1] * half[1] + tz * half[2];
    const n = unit([x / ball.rx, (Math.min(y, 0.5) - ball.y) / ball.ry, (z - ball.z) / ball.rz]);
    const nx = n[0] * cos + n[2] * sin;
    const nz = n[2] * cos - n[0] * sin;
    const facing = clamp01(
      (nx * light.key[0] + n[1] * light.key[1] + nz * light.key[2] + 0.35) / 1.35,
    );
    const diffuse = Math.sqrt(Math.max(0, 1 - alongKey * alongKey)) * facing;
    const shine = Math.max(0, 1 - alongHalf * alongHalf) ** 14 * facing;
    points[k * 4 + 3] = diffuse + hair.shine * 1.6 * shine;
  }
  const value = shadeOfLock * random.uniform(0.7, 1.35);
  const warm = random.uniform(-0.08, 0.08);
  const base = scaled(hair.colour, value);
  return {
    points,
    width: style.width * random.uniform(0.7, 1.4),
    colour: [base[0] * (1 + warm), base[1], base[2] * (1 - warm)],
    order: 0,
    deep: false,
    root: hair.kind === 'buzz' || hair.kind === 'bald' ? 0.1 : 0.45,
  };
}

/** Draws the strands' parts that lie behind the head's middle, or those before it. */
export function drawHair(
  canvas: Canvas,
  strands: readonly Strand[],
  scene: Scene,
  front: boolean,
): void {
  const { light, person } = scene;
  const ambient: Colour = [0, 0, 0];
  for (let c = 0; c < 3; c++) ambient[c] = 0.55 * (light.above[c] + light.below[c]);
  const colour: Colour = [0, 0, 0];
  const shiny = 0.04;
  // An undercoat of wide dark strokes first: no skin or background shines through.
  const passes = person.hair.kind === 'buzz' || person.hair.kind === 'bald' ? 1 : 2;
  for (let pass = 2 - passes; pass < 2; pass++) {
    for (const [number, strand] of strands.entries()) {
      if (pass === 0 && (number % 3 !== 0 || !strand.deep)) continue;
      const { points } = strand;
      const count = points.length / 4;
      for (let k = 0; k + 1 < count; k++) {
        const at = k * 4;
        if (points[at + 2] + points[at + 6] > -0.3 !== front) continue;
        const t = k / (count - 1);
        const depth = 1 - strand.root * (1 - Math.min(1, t * 2.5));
        const lit = points[at + 3] * (front ? 1 : 0.45);
        for (let c = 0; c < 3; c++) {
          const around = ambient[c] * (front ? 0.75 : 0.4);
          colour[c] = strand.colour[c] * (around + light.keyColour[c] * lit) * depth;
          colour[c] += shiny * light.keyColour[c] * strand.colour[c] ** 0.5 * lit * depth;
        }
        let thin = strand.width * (t > 0.5 ? 1 - 0.85 * ((t - 0.5) / 0.5) : 1);
        let alpha = 0.9;
        if (pass === 0) {
          if (t > 0.75) continue;
          thin = strand.width * (4.5 - 4 * t);
          alpha = 0.8;
          for (let c = 0; c < 3; c++) colour[c] *= 0.5;
        }
        const [x0, y0, x1, y1] = [points[at], points[at + 1], points[at + 4], points[at + 5]];
        canvas.segment(x0, y0, thin, x1, y1, thin, colour, alpha);
      }
    }
  }
}

/**
 * How much light the hair in front takes from what lies behind it: its coverage, spread and moved
 * away from the light.
 */
export function hairShadow(layer: Canvas, scene: Scene): (x: number, y: number) => number {
  const block = Math.max(2, Math.round(layer.side / 64));
  const size = Math.ceil(layer.side / block);
  let coarse = new Float32Array(size * size);
  for (let y = 0; y < layer.side; y += 2) {
    for (let x = 0; x < layer.side; x += 2) {
      const to = Math.floor(y / block) * size + Math.floor(x / block);
      coarse[to] += layer.data[(y * layer.side + x) * 4 + 3] / ((block / 2) * (block / 2));
    }
  }
  for (let pass = 0; pass < 2; pass++) {
    const next = new Float32Array(size * size);
    for (let y = 1; y < size - 1; y++) {
      for (let x = 1; x < size - 1; x++) {
        let sum = 0;
        for (let dy = -1; dy <= 1; dy++) {
          for (let dx = -1; dx <= 1; dx++) sum += coarse[(y + dy) * size + x + dx];
        }
        next[y * size + x] = sum / 9;
      }
    }
    coarse = next;
  }
  const reach = 0.09 * scene.head.scale;
  const [dx, dy] = [scene.light.key[0] * reach, scene.light.key[1] * reach - 0.3 * reach];
  return (x, y) => {
    const cx = Math.max(0, Math.min(size - 1.001, (x + dx) / block - 0.5));
    const cy = Math.max(0, Math.min(size - 1.001, (y + dy) / block - 0.5));
    const i = Math.floor(cx);
    const j = Math.floor(cy);
    const s = cx - i;
    const at = j * size + i;
    const above = coarse[at] + s * (coarse[at + 1] - coarse[at]);
    const below = coarse[at + size] + s * (coarse[at + size + 1] - coarse[at + size]);
    return Math.min(1, above + (cy - j) * (below - above));
  };
}
