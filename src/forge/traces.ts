/**
 * What a generator does to a face, as far as filters can: its resolution is limited, detail is lost,
 * and its up-sampling leaves periodic traces (zero insertion, nearest, sub-pixel phases).
 */
import type { Random } from '../base/random.ts';
import { blur, type Changed, coarsened, type Plane, scaled, sharpen } from './plane.ts';

/** Offsets of the 12 pixels within 2 of one. */
const disc = [-2, -1, 0, 1, 2].flatMap((dy) =>
  [-2, -1, 0, 1, 2]
    .filter((dx) => dx * dx + dy * dy <= 4 && (dx !== 0 || dy !== 0))
    .map((dx) => ({ dx, dy })),
);

/** Bilateral filter over 13 pixels (Tomasi and Manduchi, 1998): smooth skin, edges kept. */
export function bilateral(plane: Plane, sigmaColour: number, sigmaSpace: number): Plane {
  const { width, height, data } = plane;
  const result = new Float32Array(data.length);
  // A pixel beyond the border is one so far away in colour that it weighs nothing.
  const [border, far] = [2, 1e4];
  const stride = (width + 2 * border) * 3;
  const padded = new Float64Array(stride * (height + 2 * border)).fill(far);
  for (let y = 0; y < height; y++) {
    padded.set(
      data.subarray(y * width * 3, (y + 1) * width * 3),
      (y + border) * stride + border * 3,
    );
  }
  const steps = 768;
  const closeness = Float64Array.from({ length: steps }, (_, d) =>
    d === steps - 1 ? 0 : Math.exp((-d * d) / (2 * sigmaColour * sigmaColour)),
  );
  const space = disc.map(({ dx, dy }) =>
    Math.exp(-(dx * dx + dy * dy) / (2 * sigmaSpace * sigmaSpace)),
  );
  const offsets = Int32Array.from(disc, ({ dx, dy }) => dy * stride + dx * 3);
  // Each neighbour's weight by its difference in colour.
  const weights = space.map((share) => closeness.map((value) => share * value));
  const total = new Float64Array(width);
  const sums = new Float64Array(width * 3);
  for (let y = 0, to = 0; y < height; y++) {
    const row = (y + border) * stride + border * 3;
    total.fill(1);
    sums.set(padded.subarray(row, row + width * 3));
    for (let k = 0; k < offsets.length; k++) {
      const weightOf = weights[k];
      for (
        let x = 0, at = row, i = row + offsets[k], s = 0;
        x < width;
        x++, at += 3, i += 3, s += 3
      ) {
        const r = padded[i];
        const g = padded[i + 1];
        const b = padded[i + 2];
        const away =
          Math.abs(r - padded[at]) + Math.abs(g - padded[at + 1]) + Math.abs(b - padded[at + 2]);
        const weight = weightOf[away < steps ? away | 0 : steps - 1];
        total[x] += weight;
        sums[s] += weight * r;
        sums[s + 1] += weight * g;
        sums[s + 2] += weight * b;
      }
    }
    for (let x = 0, s = 0; x < width; x++, to += 3, s += 3) {
      const share = 1 / total[x];
      result[to] = sums[s] * share;
      result[to + 1] = sums[s + 1] * share;
      result[to + 2] = sums[s + 2] * share;
    }
  }
  return { width, height, data: result };
}

/** The median of each 3 x 3 neighbourhood, channel by channel; the border stays. */
export function median(plane: Plane): Plane {
  const { width, height, data } = plane;
  const result = data.slice();
  const stride = width * 3;
  // Columns of three, each sorted once: the median is that of the largest low, the median middle and
  // the smallest high value of three columns.
  const low = new Float64Array(stride);
  const middle = new Float64Array(stride);
  const high = new Float64Array(stride);
  for (let y = 1; y < height - 1; y++) {
    for (let x = 0, at = y * stride; x < stride; x++, at++) {
      const a = data[at - stride];
      const b = data[at];
      const c = data[at + stride];
      const less = a < b ? a : b;
      const more = a < b ? b : a;
      low[x] = less < c ? less : c;
      high[x] = more > c ? more : c;
      middle[x] = more < c ? more : less > c ? less : c;
    }
    for (let x = 3, at = y * stride + 3; x < stride - 3; x++, at++) {
      let a = low[x - 3] > low[x] ? low[x - 3] : low[x];
      if (low[x + 3] > a) a = low[x + 3];
      let c = high[x - 3] < high[x] ? high[x - 3] : high[x];
      if (high[x + 3] < c) c = high[x + 3];
      const b = middleOf(middle[x - 3], middle[x], middle[x + 3]);
      result[at] = middleOf(a, b, c);
    }
  }
  return { width, height, data: result };
}

function middleOf(a: number, b: number, c: number): number {
  const less = a < b ? a : b;
  const more = a < b ? b : a;
  return more < c ? more : less > c ? less : c;
}

/**
 * Up-sampling by 2: each of the four phases is a weighted mean of the four nearest values, plus an offset.
 * `weights[phase]`, phase = 2 * (odd row) + (odd column), over [above left, above right, below left, below right].
 */
interface Phases {
  weights: number[][];
  offset: number[];
}

function twice(low: Plane, { weights, offset }: Phases): Plane {
  const [width, height] = [low.width * 2, low.height * 2];
  const data = new Float32Array(width * height * 3);
  const row = low.width * 3;
  // Two rows of the low picture with the border pixel repeated at both ends.
  const above = new Float64Array(row + 6);
  const below = new Float64Array(row + 6);
  const fill = (line: Float64Array, y: number) => {
    const at = Math.min(low.height - 1, Math.max(0, y)) * row;
    line.set(low.data.subarray(at, at + row), 3);
    line.copyWithin(0, 3, 6);
    line.copyWithin(row + 3, row, row + 3);
  };
  for (let y = 0; y < height; y++) {
    const first = (y + 1) >> 1; // even rows lie between those of before and here
    fill(above, first - 1);
    fill(below, first);
    for (const odd of [0, 1]) {
      const phase = 2 * (y & 1) + odd;
      const [a, b, c, d] = weights[phase];
      const more = offset[phase];
      const from = 3 * odd;
      for (let i = 0, to = (y * width + odd) * 3; i < row; i += 3, to += 6) {
        const p = i + from;
        data[to] = a * above[p] + b * above[p + 3] + c * below[p] + d * below[p + 3] + more;
        data[to + 1] =
          a * above[p + 1] + b * above[p + 4] + c * below[p + 1] + d * below[p + 4] + more;
        data[to + 2] =
          a * above[p + 2] + b * above[p + 5] + c * below[p + 2] + d * below[p + 5] + more;
      }
    }
  }
  return { width, height, data };
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
    const smooth = twice(low, linear);
    const kind = random.next();
    cue = kind < 0.4 ? 'zero insertion' : kind < 0.7 ? 'nearest' : 'sub-pixel';
    const up = twice(low, upSamplers[cue](random));
    const kept = random.uniform(0.2, 0.9);
    for (let i = 0; i < up.data.length; i++) {
      up.data[i] += kept * (face.data[i] - smooth.data[i]);
    }
    face = up;
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
