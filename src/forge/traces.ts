/**
 * What a generator does to a face, as far as filters can: its resolution is limited, detail is lost,
 * and its up-sampling leaves periodic traces (zero insertion, nearest, sub-pixel phases).
 */
import type { Random } from '../base/random.ts';
import { blur, coarsened, type Plane, scaled, sharpen } from './plane.ts';

/** Offsets of the 13 pixels within 2 of one. */
const disc = [-2, -1, 0, 1, 2].flatMap((dy) =>
  [-2, -1, 0, 1, 2].filter((dx) => dx * dx + dy * dy <= 4).map((dx) => ({ dx, dy })),
);

/** Bilateral filter over 13 pixels (Tomasi and Manduchi, 1998): smooth skin, edges kept. */
function bilateral(plane: Plane, sigmaColour: number, sigmaSpace: number): Plane {
  const { width, height, data } = plane;
  const result = new Float32Array(data.length);
  const closeness = Float32Array.from({ length: 766 }, (_, d) =>
    Math.exp((-d * d) / (2 * sigmaColour * sigmaColour)),
  );
  const taps = disc.map(({ dx, dy }) => ({
    dx,
    dy,
    space: Math.exp(-(dx * dx + dy * dy) / (2 * sigmaSpace * sigmaSpace)),
  }));
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += 3) {
      const [r, g, b] = [data[at], data[at + 1], data[at + 2]];
      let [sum, red, green, blue] = [0, 0, 0, 0];
      for (let k = 0; k < taps.length; k++) {
        const { dx, dy, space } = taps[k];
        const [nx, ny] = [x + dx, y + dy];
        if (nx < 0 || ny < 0 || nx >= width || ny >= height) continue;
        const i = (ny * width + nx) * 3;
        const away = Math.abs(data[i] - r) + Math.abs(data[i + 1] - g) + Math.abs(data[i + 2] - b);
        const weight = space * closeness[away | 0];
        sum += weight;
        red += weight * data[i];
        green += weight * data[i + 1];
        blue += weight * data[i + 2];
      }
      result[at] = red / sum;
      result[at + 1] = green / sum;
      result[at + 2] = blue / sum;
    }
  }
  return { width, height, data: result };
}

/** The median of each 3 x 3 neighbourhood, channel by channel. */
function median(plane: Plane): Plane {
  const { width, height, data } = plane;
  const result = data.slice();
  const around = new Float32Array(9);
  for (let y = 1; y < height - 1; y++) {
    for (let x = 3; x < (width - 1) * 3; x++) {
      const at = y * width * 3 + x;
      for (let k = 0; k < 9; k++) {
        const value = data[at + (((k / 3) | 0) - 1) * width * 3 + ((k % 3) - 1) * 3];
        let place = k;
        for (; place > 0 && around[place - 1] > value; place--) around[place] = around[place - 1];
        around[place] = value;
      }
      result[at] = around[4];
    }
  }
  return { width, height, data: result };
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
  for (let y = 0; y < height; y++) {
    const first = (y + 1) >> 1; // even rows lie between those of before and here
    const above = Math.max(0, first - 1) * row;
    const below = Math.min(low.height - 1, first) * row;
    for (let x = 0; x < width; x++) {
      const phase = 2 * (y & 1) + (x & 1);
      const [a, b, c, d] = weights[phase];
      const second = (x + 1) >> 1;
      const left = Math.max(0, second - 1) * 3;
      const right = Math.min(low.width - 1, second) * 3;
      const to = (y * width + x) * 3;
      for (let k = 0; k < 3; k++) {
        data[to + k] =
          a * low.data[above + left + k] +
          b * low.data[above + right + k] +
          c * low.data[below + left + k] +
          d * low.data[below + right + k] +
          offset[phase];
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

/** The picture as if it came out of a generator. @param side of the whole face crop, in pixels */
export function generated(plane: Plane, side: number, random: Random): Plane {
  const resolution = random.pick([112, 128, 160, 192, 224, 256]) / 256;
  const fit = (length: number) =>
    Math.max(8, Math.round((length * resolution * 256) / side / 4) * 4);
  const [width, height] = [fit(plane.width), fit(plane.height)];
  let face = scaled(plane, width, height, width < plane.width ? 'area' : 'cubic');
  const loss = random.next();
  if (loss < 0.35) face = bilateral(face, random.uniform(6, 24), random.uniform(1, 3));
  else if (loss < 0.6) blur(face, random.uniform(0.4, 1.1));
  else if (loss < 0.7) face = median(face);
  const levels = random.chance(0.85) ? (random.chance(0.6) ? 1 : 2) : 0;
  for (let level = 0; level < levels; level++) {
    const low = scaled(face, width / 2, height / 2, 'area');
    const smooth = twice(low, linear);
    const kind = random.next();
    const make = kind < 0.4 ? zeroInsertion : kind < 0.7 ? nearest : subPixel;
    const up = twice(low, make(random));
    const kept = random.uniform(0.2, 0.9);
    for (let i = 0; i < up.data.length; i++) {
      up.data[i] += kept * (face.data[i] - smooth.data[i]);
    }
    face = up;
  }
  if (random.chance(0.3)) sharpen(face, 1.2, random.uniform(0.3, 1));
  return scaled(face, plane.width, plane.height, random.chance(0.5) ? 'linear' : 'cubic');
}

/** Another picture's resolution: most of the time from 72 to 224 pixels for a face crop. */
export function lowered(plane: Plane, side: number, random: Random): Plane {
  if (random.chance(0.3)) return plane;
  const factor = side / random.uniform(72, 224);
  return factor > 1 ? coarsened(plane, factor, random, ['area']) : plane;
}
