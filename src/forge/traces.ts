/**
 * What a generator does to a face, as far as filters can: its resolution is limited, detail is lost,
 * and its up-sampling leaves periodic traces (zero insertion, nearest, sub-pixel phases).
 */
import type { Random } from '../base/random.ts';
import { blur, type Changed, coarsened, emptyPlane, type Plane, scaled, sharpen } from './plane.ts';
import { floats, placeOf, table, withLanes } from './scratch.ts';

/** Offsets of the 12 pixels within 2 of one. */
const disc = [-2, -1, 0, 1, 2].flatMap((dy) =>
  [-2, -1, 0, 1, 2]
    .filter((dx) => dx * dx + dy * dy <= 4 && (dx !== 0 || dy !== 0))
    .map((dx) => ({ dx, dy })),
);

/** Bilateral filter over 13 pixels (Tomasi and Manduchi, 1998): smooth skin, edges kept. */
export function bilateral(plane: Plane, sigmaColour: number, sigmaSpace: number): Plane {
  const { width, height, data } = plane;
  const result = emptyPlane(width, height);
  const border = 2;
  const stride = width + 2 * border;
  const padded = floats(3 * stride * (height + 2 * border));
  const spaces = new Float32Array(2 * disc.length);
  const offsets = new Int32Array(spaces.buffer);
  for (const [k, { dx, dy }] of disc.entries()) {
    spaces[k] = Math.exp(-(dx * dx + dy * dy) / (2 * sigmaSpace * sigmaSpace));
    offsets[disc.length + k] = 4 * (dy * stride + dx);
  }
  const [at, inner] = [table(offsets), 1 / (2 * sigmaColour * sigmaColour)];
  withLanes(
    (lanes, room) => {
      const [from, to] = [placeOf(padded), placeOf(result.data)];
      lanes.pad(placeOf(data), width, height, from, stride);
      lanes.bilateral(from, stride, width, height, to, inner, at, room);
    },
    12 * width + 64,
  );
  return result;
}

/** The median of each 3 x 3 neighbourhood, channel by channel; the border stays. */
export function median({ width, height, data }: Plane): Plane {
  const result = emptyPlane(width, height);
  result.data.set(data);
  withLanes(
    (lanes, room) => lanes.median(placeOf(data), width, height, placeOf(result.data), room),
    12 * width + 64,
  );
  return result;
}

/**
 * Up-sampling by 2: each of the four phases is a weighted mean of the four nearest values, plus an offset.
 * `weights[phase]`, phase = 2 * (odd row) + (odd column), over [above left, above right, below left, below right].
 */
export interface Phases {
  weights: number[][];
  offset: number[];
}

/** The plane up-sampled, and `kept` times another plane of twice its size. */
export function twice(low: Plane, { weights, offset }: Phases, other: Plane, kept: number): Plane {
  const { width, height, data } = low;
  const result = emptyPlane(2 * width, 2 * height);
  const at = table(Float32Array.from(weights.flatMap((four, p) => [...four, offset[p]])));
  withLanes(
    (lanes, room) => {
      const [from, to, more] = [data, result.data, other.data].map(placeOf);
      lanes.twice(from, width, height, to, at, more, kept, room);
    },
    24 * width + 256,
  );
  return result;
}

const phases = [0, 1, 2, 3];
/** Along one axis: weights of the value before and the one after, for even and odd places. */
const linearTaps = [
  [0.25, 0.75],
  [0.75, 0.25],
];
const linear: Phases = {
  weights: phases.map((p) =>
    linearTaps[p >> 1].flatMap((v) => linearTaps[p & 1].map((u) => v * u)),
  ),
  offset: [0, 0, 0, 0],
};

/** A transposed convolution: zeros between, an uneven 4 x 4 kernel. */
function zeroInsertion(random: Random): Phases {
  const taps = [1, 3, 3, 1];
  const kernel = Array.from(
    { length: 16 },
    (_, i) => ((taps[i >> 2] * taps[i & 3]) / 16) * (1 + random.uniform(-0.05, 0.05)),
  );
  const weights = phases.map((p) => {
    const [i, j] = [p >> 1, p & 1];
    return [
      [i, j],
      [i, j + 2],
      [i + 2, j],
      [i + 2, j + 2],
    ].map(([y, x]) => kernel[y * 4 + x]);
  });
  return { weights, offset: [0, 0, 0, 0] };
}

/** Every value four times, then an uneven 3 x 3 kernel. */
function nearest(random: Random): Phases {
  const taps = [1, 2, 1];
  const drawn = Array.from(
    { length: 9 },
    (_, i) => taps[(i / 3) | 0] * taps[i % 3] * (1 + random.uniform(-0.3, 0.3)),
  );
  const total = drawn.reduce((sum, value) => sum + value, 0);
  // At an even place two of three taps fall on the value after, at an odd one on the value before.
  const side = (odd: number, tap: number) => (odd ? Number(tap === 2) : Number(tap > 0));
  const weights = phases.map((p) => {
    const four = [0, 0, 0, 0];
    for (const [i, value] of drawn.entries()) {
      four[2 * side(p >> 1, (i / 3) | 0) + side(p & 1, i % 3)] += value / total;
    }
    return four;
  });
  return { weights, offset: [0, 0, 0, 0] };
}

/** Sub-pixel shuffling: each phase has its own small gain and offset. */
function subPixel(random: Random): Phases {
  const weights = linear.weights.map((four) => {
    const gain = 1 + random.uniform(-0.012, 0.012);
    return four.map((weight) => weight * gain);
  });
  return { weights, offset: phases.map(() => random.uniform(-1.5, 1.5)) };
}

const upSamplers = {
  'zero insertion': zeroInsertion,
  nearest,
  'sub-pixel': subPixel,
} as const;

/** The picture as if it came out of a generator. @param side of the whole face crop, in pixels */
export function generated(plane: Plane, side: number, random: Random): Changed {
  const resolution = random.pick([112, 128, 160, 192, 224, 256]) / 256;
  const fit = (length: number) =>
    Math.max(8, Math.round((length * resolution * 256) / side / 4) * 4);
  const [width, height] = [fit(plane.width), fit(plane.height)];
  let face = scaled(plane, width, height, width < plane.width ? 'area' : 'cubic');
  const loss = random.next();
  if (loss < 0.35) face = bilateral(face, random.uniform(6, 24), random.uniform(1, 3));
  else if (loss < 0.6) blur(face, random.uniform(0.4, 1.1));
  else if (loss < 0.7) face = median(face);
  let cue: keyof typeof upSamplers | 'detail lost' = 'detail lost';
  const levels = random.chance(0.85) ? (random.chance(0.6) ? 1 : 2) : 0;
  for (let level = 0; level < levels; level++) {
    const low = scaled(face, width / 2, height / 2, 'area');
    const kind = random.next();
    cue = kind < 0.4 ? 'zero insertion' : kind < 0.7 ? 'nearest' : 'sub-pixel';
    const { weights, offset } = upSamplers[cue](random);
    const kept = random.uniform(0.2, 0.9);
    // A part of what the smaller size loses is kept: of the face less its smooth up-sampling.
    const less = weights.map((four, p) => four.map((w, i) => w - kept * linear.weights[p][i]));
    face = twice(low, { weights: less, offset }, face, kept);
  }
  if (random.chance(0.3)) sharpen(face, 1.2, random.uniform(0.3, 1));
  const back = random.chance(0.5) ? 'linear' : 'cubic';
  return { plane: scaled(face, plane.width, plane.height, back), cue };
}

/** Another picture's resolution: most of the time from 72 to 224 pixels for a face crop. */
export function lowered(plane: Plane, side: number, random: Random): Changed {
  const factor = random.chance(0.3) ? 1 : side / random.uniform(72, 224);
  if (factor <= 1) return { plane, cue: 'moved' };
  return { plane: coarsened(plane, factor, random, ['area']), cue: 'resized' };
}
