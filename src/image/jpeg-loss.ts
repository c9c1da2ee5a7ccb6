/**
 * What a trip through JPEG does to a picture, without the file: what training needs thousands of
 * times a minute. The same arithmetic as libjpeg's (quality scale, tables of ITU-T T.81 Annex K,
 * 4:2:0 chroma, "fancy" up-sampling; the AAN transform in floats), with plain rounding to the
 * nearest step, which cameras and phones do, and not the trellis that mozjpeg squeezes files by.
 */
import type { RgbImage } from './rgb.ts';

const luminance = [
  16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56,
  14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113,
  92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
];
const chrominance = Array.from({ length: 64 }, (_, i) => {
  const known = [
    [17, 18, 24, 47],
    [18, 21, 26, 66],
    [24, 26, 56, 99],
    [47, 66, 99, 99],
  ];
  return known[i >> 3]?.[i & 7] ?? 99;
});

/** What the AAN transform leaves out of each row and column. */
const aan = [1, 1.387039845, 1.306562965, 1.175875602, 1, 0.785694958, 0.5411961, 0.275899379];

/** Steps of a quality as divisors before rounding, and as factors after it. */
function stepsOf(table: readonly number[], quality: number) {
  const scale = quality < 50 ? Math.floor(5000 / quality) : 200 - 2 * quality;
  const divide = new Float64Array(64);
  const multiply = new Float64Array(64);
  for (let i = 0; i < 64; i++) {
    const step = Math.min(255, Math.max(1, Math.floor((table[i] * scale + 50) / 100)));
    const factor = aan[i >> 3] * aan[i & 7];
    divide[i] = 1 / (step * factor * 8);
    multiply[i] = (step * factor) / 8;
  }
  return { divide, multiply };
}

/** The steps of both tables at a quality of 1 to 100. */
export const jpegSteps = (quality: number) => ({
  luminance: stepsOf(luminance, quality),
  chrominance: stepsOf(chrominance, quality),
});

/** Rows of eight values into their transform, in place (Arai, Agui and Nakajima, as in jfdctflt.c). */
function forwardRows(d: Float64Array): void {
  for (let o = 0; o < 64; o += 8) {
    const t0 = d[o] + d[o + 7];
    const t7 = d[o] - d[o + 7];
    const t1 = d[o + 1] + d[o + 6];
    const t6 = d[o + 1] - d[o + 6];
    const t2 = d[o + 2] + d[o + 5];
    const t5 = d[o + 2] - d[o + 5];
    const t3 = d[o + 3] + d[o + 4];
    const t4 = d[o + 3] - d[o + 4];
    const a = t0 + t3;
    const b = t0 - t3;
    const c = t1 + t2;
    const z1 = (t1 - t2 + b) * Math.SQRT1_2;
    const e = t4 + t5;
    const g = t6 + t7;
    const z5 = (e - g) * 0.382683433;
    const z2 = 0.5411961 * e + z5;
    const z4 = 1.306562965 * g + z5;
    const z3 = (t5 + t6) * Math.SQRT1_2;
    const z11 = t7 + z3;
    const z13 = t7 - z3;
    d[o] = a + c;
    d[o + 4] = a - c;
    d[o + 2] = b + z1;
    d[o + 6] = b - z1;
    d[o + 5] = z13 + z2;
    d[o + 3] = z13 - z2;
    d[o + 1] = z11 + z4;
    d[o + 7] = z11 - z4;
  }
}

/** The nearest whole number; of a sum below 2^31 it is what Math.round gives, in a third of the time. */
const nearest = (value: number): number => ((value + 1048576.5) | 0) - 1048576;

/**
 * Columns transformed, rounded to the table's steps, and transformed back (jidctflt.c), in place. A
 * column never has to wait for another between these three.
 */
function roundColumns(d: Float64Array, divide: Float64Array, multiply: Float64Array): void {
  for (let x = 0; x < 8; x++) {
    const t0 = d[x] + d[x + 56];
    const t7 = d[x] - d[x + 56];
    const t1 = d[x + 8] + d[x + 48];
    const t6 = d[x + 8] - d[x + 48];
    const t2 = d[x + 16] + d[x + 40];
    const t5 = d[x + 16] - d[x + 40];
    const t3 = d[x + 24] + d[x + 32];
    const t4 = d[x + 24] - d[x + 32];
    const a = t0 + t3;
    const b = t0 - t3;
    const c = t1 + t2;
    const z1 = (t1 - t2 + b) * Math.SQRT1_2;
    const e = t4 + t5;
    const g = t6 + t7;
    const z5 = (e - g) * 0.382683433;
    const z2 = 0.5411961 * e + z5;
    const z4 = 1.306562965 * g + z5;
    const z3 = (t5 + t6) * Math.SQRT1_2;
    const z11 = t7 + z3;
    const z13 = t7 - z3;
    const n0 = nearest((a + c) * divide[x]);
    const n1 = nearest((z11 + z4) * divide[x + 8]);
    const n2 = nearest((b + z1) * divide[x + 16]);
    const n3 = nearest((z13 - z2) * divide[x + 24]);
    const n4 = nearest((a - c) * divide[x + 32]);
    const n5 = nearest((z13 + z2) * divide[x + 40]);
    const n6 = nearest((b - z1) * divide[x + 48]);
    const n7 = nearest((z11 - z4) * divide[x + 56]);
    const first = n0 * multiply[x];
    if ((n1 | n2 | n3 | n4 | n5 | n6 | n7) === 0) {
      for (let k = x; k < 64; k += 8) d[k] = first;
      continue;
    }
    inverseInto(
      d,
      x,
      8,
      first,
      n1 * multiply[x + 8],
      n2 * multiply[x + 16],
      n3 * multiply[x + 24],
      n4 * multiply[x + 32],
      n5 * multiply[x + 40],
      n6 * multiply[x + 48],
      n7 * multiply[x + 56],
    );
  }
}

/** The way back of eight values, stored from `o` on, `s` apart. */
function inverseInto(
  d: Float64Array,
  o: number,
  s: number,
  v0: number,
  v1: number,
  v2: number,
  v3: number,
  v4: number,
  v5: number,
  v6: number,
  v7: number,
): void {
  const a = v0 + v4;
  const b = v0 - v4;
  const c = v2 + v6;
  const e = (v2 - v6) * Math.SQRT2 - c;
  const t0 = a + c;
  const t3 = a - c;
  const t1 = b + e;
  const t2 = b - e;
  const z13 = v5 + v3;
  const z10 = v5 - v3;
  const z11 = v1 + v7;
  const z12 = v1 - v7;
  const t7 = z11 + z13;
  const z5 = (z10 + z12) * 1.847759065;
  const t6 = z5 - 2.61312593 * z10 - t7;
  const t5 = (z11 - z13) * Math.SQRT2 - t6;
  const t4 = 1.0823922 * z12 - z5 + t5;
  d[o] = t0 + t7;
  d[o + 7 * s] = t0 - t7;
  d[o + s] = t1 + t6;
  d[o + 6 * s] = t1 - t6;
  d[o + 2 * s] = t2 + t5;
  d[o + 5 * s] = t2 - t5;
  d[o + 4 * s] = t3 + t4;
  d[o + 3 * s] = t3 - t4;
}

/** Rounds the blocks of a plane, values about 0, whose sides are multiples of 8; in place. */
function roundBlocks(
  plane: Float32Array,
  width: number,
  height: number,
  { divide, multiply }: ReturnType<typeof stepsOf>,
): void {
  const d = new Float64Array(64);
  for (let top = 0; top < height; top += 8) {
    for (let left = 0; left < width; left += 8) {
      const corner = top * width + left;
      for (let y = 0, from = corner; y < 64; y += 8, from += width) {
        for (let x = 0; x < 8; x++) d[y + x] = plane[from + x];
      }
      forwardRows(d);
      roundColumns(d, divide, multiply);
      for (let y = 0, to = corner; y < 64; y += 8, to += width) {
        inverseInto(
          d,
          y,
          1,
          d[y],
          d[y + 1],
          d[y + 2],
          d[y + 3],
          d[y + 4],
          d[y + 5],
          d[y + 6],
          d[y + 7],
        );
        for (let x = 0; x < 8; x++) {
          const value = nearest(d[y + x]);
          plane[to + x] = value < -128 ? -128 : value > 127 ? 127 : value;
        }
      }
    }
  }
}

/**
 * Row y of a half-size plane at full size: 3 parts of the nearer, 1 of the farther neighbour, both ways.
 * @param line scratch of two values more than a row of the plane
 */
function twiceRow(
  out: Float64Array,
  small: Float32Array,
  halfWidth: number,
  halfHeight: number,
  y: number,
  line: Float64Array,
): void {
  const near = (y >> 1) * halfWidth;
  const row = Math.min(halfHeight - 1, Math.max(0, (y >> 1) + (y & 1 ? 1 : -1)));
  const far = row * halfWidth;
  for (let x = 0; x < halfWidth; x++) line[x + 1] = (3 * small[near + x] + small[far + x]) / 16;
  line[0] = line[1];
  line[halfWidth + 1] = line[halfWidth];
  for (let x = 1, to = 0; x <= halfWidth; x++, to += 2) {
    out[to] = 3 * line[x] + line[x - 1];
    out[to + 1] = 3 * line[x] + line[x + 1];
  }
}

export const upTo = (value: number, multiple: number): number =>
  Math.ceil(value / multiple) * multiple;

/**
 * The picture as a JPEG of this quality would give it back, in place.
 * @param quality 1 to 100, on libjpeg's scale
 * @param corner how far into a block of 16 the picture begins, as a part of a larger one does
 */
export function loseToJpeg(
  { width, height, data }: RgbImage,
  quality: number,
  [left, top]: readonly [number, number] = [0, 0],
): void {
  const [w, h] = [upTo(width + left, 16), upTo(height + top, 16)];
  const half = w >> 1;
  const y = new Float32Array(w * h);
  const cb = new Float32Array(half * (h >> 1));
  const cr = new Float32Array(half * (h >> 1));
  const reds = new Float64Array(w);
  const blues = new Float64Array(w);
  for (let row = 0; row < h; row++) {
    const from = Math.min(Math.max(row - top, 0), height - 1) * width;
    for (let column = 0, to = row * w; column < w; column++, to++) {
      const x = column < left ? 0 : column - left;
      const i = (from + (x < width ? x : width - 1)) * 3;
      const r = data[i];
      const g = data[i + 1];
      const b = data[i + 2];
      y[to] = ((0.299 * r + 0.587 * g + 0.114 * b + 0.5) | 0) - 128;
      const blue = -0.168735892 * r - 0.331264108 * g + 0.5 * b;
      const red = 0.5 * r - 0.418687589 * g - 0.081312411 * b;
      if (row & 1) {
        blues[column] += blue;
        reds[column] += red;
      } else {
        blues[column] = blue;
        reds[column] = red;
      }
    }
    if ((row & 1) === 0) continue;
    for (let x = 0, to = (row >> 1) * half; x < half; x++, to++) {
      cb[to] = nearest((blues[2 * x] + blues[2 * x + 1]) / 4);
      cr[to] = nearest((reds[2 * x] + reds[2 * x + 1]) / 4);
    }
  }
  const steps = jpegSteps(quality);
  roundBlocks(y, w, h, steps.luminance);
  const colour = steps.chrominance;
  roundBlocks(cb, half, h >> 1, colour);
  roundBlocks(cr, half, h >> 1, colour);
  const line = new Float64Array(half + 2);
  for (let row = 0, to = 0; row < height; row++) {
    twiceRow(blues, cb, half, h >> 1, row + top, line);
    twiceRow(reds, cr, half, h >> 1, row + top, line);
    const first = (row + top) * w;
    for (let x = left; x < left + width; x++, to += 3) {
      const grey = y[first + x] + 128;
      const blue = blues[x];
      const red = reds[x];
      data[to] = grey + 1.402 * red;
      data[to + 1] = grey - 0.344136286 * blue - 0.714136286 * red;
      data[to + 2] = grey + 1.772 * blue;
    }
  }
}
