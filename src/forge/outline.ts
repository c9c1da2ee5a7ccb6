/** Outlines of regions of a face, from its landmarks. */
import { LlsmError } from '../base/errors.ts';
import type { Random } from '../base/random.ts';
import type { ForgeRegion } from '../config/forge-schema.ts';
import { type Point, pointsOf, type Subject } from './face.ts';

export type Polygon = Point[];

/** The face's own axes in pixels: from the middle of the eyes rightwards by E, and down to the mouth by L. */
interface Axes {
  eyes: Point;
  across: Point;
  down: Point;
}

function axesOf(points: readonly Point[]): Axes {
  const middle = ([ax, ay]: Point, [bx, by]: Point): Point => [(ax + bx) / 2, (ay + by) / 2];
  const eyes = middle(points[0], points[1]);
  const mouth = middle(points[3], points[4]);
  const [dx, dy] = [mouth[0] - eyes[0], mouth[1] - eyes[1]];
  const length = Math.hypot(dx, dy);
  if (!(length >= 1)) {
    throw new LlsmError('its landmarks put the mouth on the eyes; find its landmarks again');
  }
  const apart = Math.hypot(points[1][0] - points[0][0], points[1][1] - points[0][1]);
  // A face turned aside has its eyes near each other, but is not as narrow as that.
  const wide = Math.max(apart, 0.6 * length);
  return { eyes, down: [dx, dy], across: [(dy / length) * wide, (-dx / length) * wide] };
}

const place = ({ eyes, across, down }: Axes, [u, v]: Point): Point => [
  eyes[0] + u * across[0] + v * down[0],
  eyes[1] + u * across[1] + v * down[1],
];

/** An ellipse about (0, v) in the face's units. */
const ellipse = (v: number, halfWidth: number, halfHeight: number): Polygon =>
  Array.from({ length: 48 }, (_, i) => {
    const angle = (i / 48) * 2 * Math.PI;
    return [halfWidth * Math.cos(angle), v + halfHeight * Math.sin(angle)];
  });

/** Regions that are within one line. */
export type OutlinedRegion = Exclude<ForgeRegion, 'crop' | 'outside' | 'background'>;

/** The outline of a region of the face in pixels. */
export function outline(region: OutlinedRegion, face: Subject, random: Random): Polygon {
  const { points68 } = face;
  if (region === 'outline') {
    return points68 ? wholeFace(points68, random) : outline('hull', face, random);
  }
  if (region === 'features') {
    if (!points68) return outline('inner', face, random);
    return grown(convexHull(points68.slice(17)), random.uniform(1, 1.2));
  }
  const points = pointsOf(face);
  const axes = axesOf(points);
  const vary = (share: number) => random.uniform(1 - share, 1 + share);
  const inUnits = (polygon: Polygon) => polygon.map((point) => place(axes, point));
  if (region === 'face') {
    return inUnits(ellipse(random.uniform(0.35, 0.55), 0.98 * vary(0.13), 1.25 * vary(0.13)));
  }
  if (region === 'hull') {
    const side = (sign: number): Polygon => [
      [sign * 0.95 * vary(0.1), -0.45 * vary(0.3)],
      [sign * 0.95 * vary(0.1), 0.4],
      [sign * 0.65 * vary(0.15), 1.1],
      [sign * 0.25, 1 + 0.55 * vary(0.2)],
    ];
    return inUnits([...side(1), ...side(-1).reverse()]);
  }
  if (region === 'inner') {
    const moved = ([x, y]: Point, u: number, v: number): Point => {
      const [across, down] = [axes.across, axes.down];
      return [x + u * across[0] + v * down[0], y + u * across[1] + v * down[1]];
    };
    const [right, left, , mouthRight, mouthLeft] = points;
    return [
      moved(right, -0.35, -0.3),
      moved(left, 0.35, -0.3),
      moved(left, 0.35, 0.15),
      moved(mouthLeft, 0.15, 0.2),
      moved(mouthRight, -0.15, 0.2),
      moved(right, -0.35, 0.15),
    ];
  }
  if (region === 'lower') {
    return inUnits(ellipse(1 - 0.1 * vary(0.5), 0.75 * vary(0.2), 0.7 * vary(0.2)));
  }
  if (region === 'upper') return inUnits(ellipse(0.05, vary(0.15), 0.5 * vary(0.2)));
  const [a, b] = [random.uniform(0.9, 1.5), random.uniform(1.1, 1.9)];
  return inUnits([
    [-a, 0.5 - b],
    [a, 0.5 - b],
    [a, 0.5 + b],
    [-a, 0.5 + b],
  ]);
}

/** The 68 points' jaw, closed over the forehead, which has no points of its own. */
function wholeFace(points: readonly Point[], random: Random): Polygon {
  const [chin, between] = [points[8], points[27]];
  const rise = random.uniform(0.1, 0.45);
  const up: Point = [rise * (between[0] - chin[0]), rise * (between[1] - chin[1])];
  const brows = points.slice(17, 27).map(([x, y]): Point => [x + up[0], y + up[1]]);
  return grown(convexHull([...points.slice(0, 17), ...brows]), random.uniform(0.9, 1.08));
}

/** A polygon made larger about the mean of its corners. */
function grown(polygon: Polygon, by: number): Polygon {
  const [x, y] = [0, 1].map((c) => polygon.reduce((sum, p) => sum + p[c], 0) / polygon.length);
  return polygon.map(([px, py]) => [x + by * (px - x), y + by * (py - y)]);
}

/** The corners of the smallest convex polygon around points (Andrew's monotone chain). */
export function convexHull(points: readonly Point[]): Polygon {
  const sorted = [...points].sort(([ax, ay], [bx, by]) => ax - bx || ay - by);
  const chain = (from: readonly Point[]): Polygon => {
    const kept: Polygon = [];
    for (const point of from) {
      while (kept.length > 1) {
        const [[ax, ay], [bx, by]] = kept.slice(-2);
        if ((bx - ax) * (point[1] - ay) - (by - ay) * (point[0] - ax) > 0) break;
        kept.pop();
      }
      kept.push(point);
    }
    return kept.slice(0, -1);
  };
  return [...chain(sorted), ...chain(sorted.reverse())];
}

/** Parts that one face can have of another, and which of the five landmarks belong to them. */
export const partLandmarks = { eyes: [0, 1], mouth: [3, 4], nose: [2] } as const;
export type Part = keyof typeof partLandmarks;

/** Which of the 68 points belong to a part. */
const partPoints: Record<Part, [number, number][]> = {
  eyes: [[36, 48]],
  mouth: [[48, 68]],
  nose: [[27, 36]],
};

/** The outline of a part of the face in pixels. */
export function partOutline(face: Subject, part: Part, random: Random): Polygon {
  const { points68 } = face;
  const axes = axesOf(pointsOf(face));
  const vary = (share: number) => random.uniform(1 - share, 1 + share);
  if (points68) {
    // Eyes half of the time with their brows.
    const brows: [number, number][] = part === 'eyes' && random.chance(0.5) ? [[17, 27]] : [];
    const used = [...partPoints[part], ...brows].flatMap((range) => points68.slice(...range));
    return grown(convexHull(used), random.uniform(1.15, 1.6));
  }
  const points = pointsOf(face);
  const wide = Math.hypot(...axes.across);
  const mouth = Math.hypot(points[4][0] - points[3][0], points[4][1] - points[3][1]) / wide;
  const shape = {
    eyes: () => ellipse(-0.02, 0.88 * vary(0.1), 0.36 * vary(0.2)),
    mouth: () => ellipse(1.02, Math.max(0.8 * mouth, 0.5) * vary(0.15), 0.36 * vary(0.2)),
    nose: () => ellipse(0.45, 0.36 * vary(0.15), 0.42 * vary(0.15)),
  }[part]();
  return shape.map((point) => place(axes, point));
}

/**
 * The outline of a piece outside of the face: hair, neck or background. As far from the face as fits,
 * where the face leaves no room.
 */
export function outsideOutline(face: Subject, random: Random): Polygon {
  const { width, height } = face.image;
  const axes = axesOf(pointsOf(face));
  const most = Math.min(width, height);
  const [centreX, centreY] = place(axes, [0, 0.45]);
  const [halfWidth, halfHeight] = [
    1.05 * Math.hypot(...axes.across),
    1.3 * Math.hypot(...axes.down),
  ];
  let best: { away: number; x: number; y: number; radius: number } | undefined;
  for (let draw = 0; draw < 16; draw++) {
    const radius = most * random.uniform(0.1, 0.22);
    const [x, y] = [random.next() * width, random.next() * height];
    // In units of the face's half sides: 1 is its border.
    const from = Math.hypot((x - centreX) / halfWidth, (y - centreY) / halfHeight);
    const away = from - radius / halfWidth;
    if (!best || away > best.away) best = { away, x, y, radius };
    if (away > 1) break;
  }
  const { x, y, radius } = best as NonNullable<typeof best>;
  const flat = random.uniform(0.5, 1);
  const turn = random.uniform(0, Math.PI);
  const [c, s] = [Math.cos(turn), Math.sin(turn)];
  return ellipse(0, radius, radius * flat).map(([u, v]) => [x + c * u - s * v, y + s * u + c * v]);
}
